//! The differential test at any length: `differential CASES [FIRST_SEED]`, on all cores.
#![expect(clippy::print_stdout, reason = "it reports to whoever runs it")]

#[path = "../tests/differential/check.rs"]
mod check;
#[path = "../tests/differential/metrics.rs"]
mod metrics;
#[path = "../tests/differential/random.rs"]
mod random;
#[path = "../tests/differential/search.rs"]
mod search;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use random::Tally;

/// How many cases pass between two lines.
const REPORTED: usize = 100_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>());
    let (Some(Ok(wanted)), Ok(first)) = (arguments.next(), arguments.next().unwrap_or(Ok(0)))
    else {
        println!("usage: differential CASES [FIRST_SEED]");
        return ExitCode::FAILURE;
    };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let (next, all) = (AtomicU64::new(first), Mutex::new(Tally::default()));
    let work = || {
        while all.lock().cases < wanted {
            let tally = random::run(next.fetch_add(1, Ordering::Relaxed));
            for mismatch in &tally.mismatches {
                println!("{mismatch}\n");
            }
            let mut all = all.lock();
            let before = all.cases;
            all.add(tally);
            if before / REPORTED != all.cases / REPORTED {
                println!("{} cases", all.cases);
            }
        }
    };
    std::thread::scope(|threads| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores {
            threads.spawn(work);
        }
    });
    let all = all.into_inner();
    let (done, telling, different) = (all.cases, all.telling, all.mismatches.len());
    println!("{done} cases from seed {first}, {telling} found something, {different} differ");
    match different {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
