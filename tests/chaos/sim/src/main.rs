//! `sim`: runs seeds, or one again.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use takt_sim::{Plan, run, subscriber};

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
    /// How many at once.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Writes what happens to this file; with --seed.
    #[arg(long, requires = "seed")]
    trace: Option<PathBuf>,
    /// What of it.
    #[arg(long, default_value = "trace")]
    filter: String,
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

fn one(seed: u64, args: &Args) -> anyhow::Result<bool> {
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
/// them along. How many failed.
fn many(args: &Args) -> anyhow::Result<u64> {
    let program = std::env::current_exe()?;
    let next = AtomicU64::new(args.first);
    let failed = AtomicU64::new(0);
    let end = args.first.saturating_add(args.seeds);
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    if let Err(why) = child(&program, seed) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!("seed {seed} failed: {why}\n    make sim SEED={seed}");
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    println!("{} of {} seeds held", args.seeds - failed, args.seeds);
    Ok(failed)
}

fn child(program: &Path, seed: u64) -> anyhow::Result<()> {
    let run = Command::new(program)
        .args(["--seed", &seed.to_string()])
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
