//! A log that is wrong on purpose is caught, and one that is not, with the same seed, is not.
#![cfg(all(tokio_unstable, takt_flaws))]
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::process::Command;

#[test]
fn a_log_without_the_stale_check_is_caught() {
    let said = caught("skip-stale-check", 100);
    assert!(said.contains("DecidedRightly"), "{said}");
}

#[test]
fn a_log_that_acknowledges_entries_before_it_syncs_them_is_caught() {
    caught("acknowledge-entries-before-sync", 100);
}

/// What the first of so many seeds that does not hold with a flaw says. It says the same again, the
/// command that shows it again is printed, and without the flaw the seed holds.
fn caught(flaw: &str, seeds: u64) -> String {
    let broken = format!("--flaw={flaw}");
    let alone = |seed: u64| sim(&["--seed", &seed.to_string(), &broken]);
    let failed = (0..seeds).find_map(|seed| {
        let (held, said) = alone(seed);
        (!held).then_some((seed, said))
    });
    let Some((seed, said)) = failed else {
        panic!("`{flaw}` was caught by none of {seeds} seeds");
    };
    let (_, again) = alone(seed);
    assert_eq!(said, again, "seed {seed} was not replayed");
    let (_, many) = sim(&["--seeds", "1", "--first", &seed.to_string(), &broken]);
    let command = format!("make sim SEED={seed} FLAW={flaw}");
    assert!(many.contains(&command), "{many}");
    let (held, unbroken) = sim(&["--seed", &seed.to_string()]);
    assert!(held, "seed {seed} does not hold anyway: {unbroken}");
    said
}

/// Whether everything held, and what was said.
fn sim(args: &[&str]) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(args)
        .output()
        .unwrap();
    (
        done.status.success(),
        String::from_utf8(done.stdout).unwrap(),
    )
}
