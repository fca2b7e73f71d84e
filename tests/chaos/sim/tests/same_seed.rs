//! Before anything else counts: the same seed does the same.
#![cfg(tokio_unstable)]
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Two processes, because what differs between them (addresses, hashing keys, the time of day) must
/// not matter.
#[test]
fn the_same_seed_twice_gives_the_same_trace_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    for seed in [0, 1, 7] {
        let [one, other] = ["one", "other"].map(|name| trace(seed, &dir.path().join(name)));
        assert!(one.len() > 100_000, "seed {seed} traces little");
        assert!(one == other, "seed {seed} gave two traces");
    }
}

#[test]
fn another_seed_gives_another_trace() {
    let dir = tempfile::tempdir().unwrap();
    let [one, other] = [2, 3].map(|seed| trace(seed, &dir.path().join(seed.to_string())));
    assert!(one != other);
}

fn trace(seed: u64, to: &Path) -> Vec<u8> {
    let done = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(["--seed", &seed.to_string(), "--trace"])
        .arg(to)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    fs::read(to).unwrap()
}
