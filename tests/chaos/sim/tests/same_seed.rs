//! Before anything else counts: the same seed does the same.
#![cfg(tokio_unstable)]
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Two processes, because what differs between them (addresses, hashing keys, the time of day) must
/// not matter.
#[test]
fn the_same_seed_twice_gives_the_same_trace_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    for seed in [0, 1, 7] {
        let runs = ["one", "other"].map(|name| start(seed, &dir.path().join(name)));
        let [one, other] = runs.map(Run::trace);
        assert!(one.len() > 100_000, "seed {seed} traces little");
        assert!(one == other, "seed {seed} gave two traces");
    }
}

#[test]
fn another_seed_gives_another_trace() {
    let dir = tempfile::tempdir().unwrap();
    let runs = [2, 3].map(|seed| start(seed, &dir.path().join(seed.to_string())));
    let [one, other] = runs.map(Run::trace);
    assert!(one != other);
}

struct Run {
    process: Child,
    trace: PathBuf,
}

impl Run {
    fn trace(self) -> Vec<u8> {
        let done = self.process.wait_with_output().unwrap();
        assert!(done.status.success(), "{done:?}");
        fs::read(self.trace).unwrap()
    }
}

fn start(seed: u64, to: &Path) -> Run {
    let process = Command::new(env!("CARGO_BIN_EXE_sim"))
        .args(["--seed", &seed.to_string(), "--trace"])
        .arg(to)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Run {
        process,
        trace: to.to_path_buf(),
    }
}
