//! One target for a bounded time.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use takt_testkit::Usage;
use tokio::time::Instant;

use crate::mutate::{Random, mutate};
use crate::pool::Pool;
use crate::targets::{Effect, Target, effect};

/// Longer than any input can reasonably take, in a build that is not optimised.
const TOO_LONG: Duration = Duration::from_secs(5);
/// How much the whole process may hold; inputs are 64 KiB at most.
const TOO_LARGE: u64 = 1 << 30;

pub(crate) fn run(
    target: Target,
    seed: u64,
    time: Duration,
    failures: &Path,
) -> anyhow::Result<()> {
    let mut random = Random::new(seed);
    let mut pool = Pool::default();
    let mut seeds = known_failures(target.name, failures)?;
    seeds.extend(target.seeds.iter().cloned());
    ensure!(!seeds.is_empty(), "target {} has no seeds", target.name);
    for input in &seeds {
        let effect = judge(&target, input, failures)?;
        pool.offer(input, effect, &mut random);
    }
    let began = Instant::now();
    let mut inputs = seeds.len();
    while began.elapsed() < time {
        let mut input = pool.pick(&mut random).to_vec();
        let other = pool.pick(&mut random).to_vec();
        mutate(&mut random, &mut input, &other, target.words);
        let effect = judge(&target, &input, failures)?;
        pool.offer(&input, effect, &mut random);
        inputs += 1;
        if inputs.is_multiple_of(1000) {
            let held = Usage::of(std::process::id())?.resident_bytes;
            ensure!(
                held < TOO_LARGE,
                "target {} grew to {held} bytes",
                target.name
            );
        }
    }
    println!(
        "{}: {inputs} inputs in {} s, {} effects, no failure",
        target.name,
        time.as_secs(),
        pool.effects()
    );
    Ok(())
}

/// Runs one input; a panic or a very long run is a failure, kept on disk.
fn judge(target: &Target, input: &[u8], failures: &Path) -> anyhow::Result<Effect> {
    let began = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = began.elapsed();
    match outcome {
        Ok(effect) if took < TOO_LONG => Ok(effect),
        outcome => {
            let path = failures.join(format!(
                "{}-{:016x}",
                target.name,
                effect(&format!("{input:?}"))
            ));
            fs::create_dir_all(failures)?;
            fs::write(&path, input).context("keeping the input")?;
            match outcome {
                Ok(_) => bail!("{} took {took:?} for {}", target.name, path.display()),
                Err(_) => bail!("{} panicked at {}", target.name, path.display()),
            }
        }
    }
}

fn known_failures(name: &str, failures: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut inputs = Vec::new();
    if failures.is_dir() {
        for entry in fs::read_dir(failures)? {
            let path = entry?.path();
            let of_target = path
                .file_name()
                .is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}-")));
            if of_target {
                inputs.push(fs::read(path)?);
            }
        }
    }
    Ok(inputs)
}
