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

/// What a seed that does not hold with a flaw says; so many are tried at most. It says the same again, the
/// command that shows it again is printed, and without the flaw the seed holds.
fn caught(flaw: &str, seeds: u64) -> String {
    let broken = format!("--flaw={flaw}");
    let (held, many) = sim(&["--seeds", &seeds.to_string(), "--until-failure", &broken]);
    assert!(!held, "`{flaw}` was caught by none of {seeds} seeds");
    let command = |line: &str| {
        let (seed, flaw) = line
            .trim()
            .strip_prefix("make sim SEED=")?
            .split_once(' ')?;
        Some((seed.to_owned(), flaw.to_owned()))
    };
    let (seed, rest) = many.lines().find_map(command).unwrap();
    assert_eq!(rest, format!("FLAW={flaw}"), "{many}");
    let alone = || sim(&["--seed", &seed, &broken]);
    let (held, said) = alone();
    assert!(!held, "seed {seed} holds when it runs alone");
    assert_eq!(said, alone().1, "seed {seed} was not replayed");
    let (held, unbroken) = sim(&["--seed", &seed]);
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
