//! Feeds mutated input to every reader of foreign bytes, for a bounded time each.
//!
//! A reader may refuse anything; it must not panic, not take long and not grow. Inputs with a new
//! effect join the pool they are mutated from. A failure leaves its input in `fuzz/failures/`,
//! which the next run tries first.
#![expect(clippy::print_stdout, reason = "a program reports on standard output")]

mod mutate;
mod pool;
mod runner;
mod targets;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

#[derive(Debug, Parser)]
struct Arguments {
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// Decides every mutation; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
    /// Where the seeds of the targets come from.
    #[arg(long, default_value = "tests/golden/shop-3k")]
    golden: PathBuf,
    /// Where inputs go that broke something.
    #[arg(long, default_value = "fuzz/failures")]
    failures: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(mutate::fresh_seed);
    println!("seed {seed}");
    let targets = targets::all(&arguments.golden)?;
    let wanted = |name: &str| {
        arguments
            .target
            .as_deref()
            .is_none_or(|target| target == name)
    };
    for target in targets.into_iter().filter(|target| wanted(target.name)) {
        runner::run(
            target,
            seed,
            Duration::from_secs(arguments.seconds),
            &arguments.failures,
        )?;
    }
    Ok(())
}
