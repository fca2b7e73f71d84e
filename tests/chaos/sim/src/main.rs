//! `sim`: runs seeds, or one again.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use clap::Parser;
#[cfg(takt_flaws)]
use takt_log::flaws::{self, Flaw};
use takt_sim::{Plan, run, subscriber};
use tokio::time::Instant;

/// Simulates the control-plane cluster under faults.
#[derive(Debug, Parser)]
struct Args {
    /// Runs this seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Runs so many seeds.
    #[arg(long, default_value_t = 50)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many at once; as many as the machine has cores if it is not said.
    #[arg(long)]
    jobs: Option<usize>,
    /// Begins no seed after so many seconds; what did not run then did not hold.
    #[arg(long)]
    within: Option<u64>,
    /// Begins no seed after one that did not hold.
    #[arg(long)]
    until_failure: bool,
    /// Writes what happens to this file; with --seed.
    #[arg(long, requires = "seed")]
    trace: Option<PathBuf>,
    /// What of it.
    #[arg(long, default_value = "trace")]
    filter: String,
    /// Breaks the log on purpose, to see that it is noticed.
    #[cfg(takt_flaws)]
    #[arg(long, value_parser = Flaw::ALL.map(|(name, _)| name))]
    flaw: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        cfg!(tokio_unstable),
        "this build is not deterministic; use `make sim`, which sets `--cfg tokio_unstable`"
    );
    let args = Args::parse();
    let failed = match args.seed {
        Some(seed) => u64::from(!one(seed, &args)?),
        None => many(&args)?,
    };
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Args {
    #[cfg(takt_flaws)]
    fn flaw(&self) -> Option<&str> {
        self.flaw.as_deref()
    }

    #[cfg(not(takt_flaws))]
    #[expect(clippy::unused_self, reason = "the other build asks the arguments")]
    fn flaw(&self) -> Option<&str> {
        None
    }
}

fn one(seed: u64, args: &Args) -> anyhow::Result<bool> {
    #[cfg(takt_flaws)]
    if let Some((_, flaw)) = Flaw::ALL.iter().find(|(name, _)| args.flaw() == Some(name)) {
        flaws::set(*flaw);
    }
    let plan = Plan::of(seed);
    println!("{plan:#?}");
    let outcome = match &args.trace {
        None => run(&plan),
        Some(path) => {
            let sink = BufWriter::new(File::create(path)?);
            let subscriber = subscriber(&args.filter, sink)?;
            tracing::dispatcher::with_default(&subscriber, || run(&plan))
        }
    };
    match &outcome {
        Ok(report) => println!("{report:#?}"),
        Err(failure) => println!("{failure}"),
    }
    Ok(outcome.is_ok())
}

/// Runs the seeds, each in a process of its own, which has no memory of the ones before and cannot take
/// them along. How many did not hold.
fn many(args: &Args) -> anyhow::Result<u64> {
    let program = std::env::current_exe()?;
    let jobs = match args.jobs {
        Some(jobs) => jobs,
        None => std::thread::available_parallelism()?.get(),
    };
    let next = AtomicU64::new(args.first);
    let (held, fell) = (AtomicU64::new(0), AtomicBool::new(false));
    let end = args.first.saturating_add(args.seeds);
    let began = Instant::now();
    let enough = || {
        let late = |most| began.elapsed().as_secs() >= most;
        args.within.is_some_and(late) || args.until_failure && fell.load(Ordering::Relaxed)
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while !enough() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    match child(&program, seed, args.flaw()) {
                        Ok(()) => {
                            held.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(why) => {
                            fell.store(true, Ordering::Relaxed);
                            println!("seed {seed} failed: {why}\n    {}", again(seed, args));
                        }
                    }
                }
            });
        }
    });
    let (ran, held) = (next.into_inner().min(end) - args.first, held.into_inner());
    let (asked, seconds) = (args.seeds, began.elapsed().as_secs());
    println!("{held} of {asked} seeds held, {ran} ran, {jobs} at once, in {seconds} s");
    Ok(asked - held)
}

/// The command that runs a seed again.
fn again(seed: u64, args: &Args) -> String {
    let flaw = args.flaw().map(|flaw| format!(" FLAW={flaw}"));
    format!("make sim SEED={seed}{}", flaw.unwrap_or_default())
}

fn child(program: &Path, seed: u64, flaw: Option<&str>) -> anyhow::Result<()> {
    let run = Command::new(program)
        .args(["--seed", &seed.to_string()])
        .args(flaw.map(|flaw| format!("--flaw={flaw}")))
        .output()?;
    if run.status.success() {
        return Ok(());
    }
    let said = |bytes: &[u8], mark: &str| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut lines = text.lines().skip_while(|line| !line.contains(mark));
        [lines.next(), lines.next()]
            .map(|line| line.unwrap_or_default().to_owned())
            .join(" ")
    };
    let violation = said(&run.stdout, "after ");
    let panic = said(&run.stderr, "panicked");
    anyhow::bail!("{violation} {panic} ({})", run.status)
}
