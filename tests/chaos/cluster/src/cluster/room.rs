//! The room the test is in: namespaces of its own for users, network, mounts and processes.
//!
//! It is made with `unshare` and needs no root where the kernel lets users make namespaces. Whatever is
//! started, mounted or configured inside goes with its first process, which is this program, however that
//! ends; and that one goes with the process outside.

use std::io::Write as _;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context as _, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};

/// Dies with its parent, and its child with it.
const ENTER: &[&str] = &[
    "--pdeathsig",
    "KILL",
    "unshare",
    "--user",
    "--map-root-user",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

/// Whether there can be such a room here.
///
/// # Errors
/// When there cannot; says what is missing.
pub(super) fn possible() -> anyhow::Result<()> {
    tool("setpriv", "util-linux")?;
    let tried = Command::new("setpriv").args(ENTER).arg("true").output()?;
    ensure!(
        tried.status.success(),
        "this machine lets nobody make namespaces here, and without them there is no cluster to cut in two: {}\n\
         run it as root, or allow it: `sysctl kernel.unprivileged_userns_clone=1`, \
         `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; a container needs `--privileged`",
        String::from_utf8_lossy(&tried.stderr).trim()
    );
    Ok(())
}

/// Runs this program again with these arguments, inside.
///
/// # Errors
/// When it does not hold there, or is stopped.
pub(super) async fn enter(arguments: &[String]) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut inside = tokio::process::Command::new("setpriv")
        .args(ENTER)
        .arg(std::env::current_exe()?)
        .args(arguments)
        .kill_on_drop(true)
        .spawn()?;
    tokio::select! {
        status = inside.wait() => ended(status?),
        _ = terminate.recv() => bail!("asked to stop"),
        _ = interrupt.recv() => bail!("interrupted"),
    }
}

fn ended(status: ExitStatus) -> anyhow::Result<()> {
    ensure!(status.success(), "it did not hold; see above");
    Ok(())
}

/// What the test needs of the machine besides the room.
///
/// # Errors
/// When something is missing; says which package has it.
pub(super) fn furnish() -> anyhow::Result<()> {
    for (name, package) in [
        ("ip", "iproute2"),
        ("tc", "iproute2"),
        ("nft", "nftables"),
        ("nsenter", "util-linux"),
        ("mount", "mount"),
        ("kill", "procps"),
        ("cc", "gcc"),
    ] {
        tool(name, package)?;
    }
    // Where `ip netns` keeps names; the real one is not ours.
    run("mount", &["-t", "tmpfs", "tmpfs", "/run"])
}

fn tool(name: &str, package: &str) -> anyhow::Result<()> {
    let found = Command::new(name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(
        found.is_ok(),
        "`{name}` is needed and not here: install the package `{package}`"
    );
    Ok(())
}

/// Runs a command.
///
/// # Errors
/// When it fails; with what it said.
pub(super) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    told(program, arguments, "")
}

/// Runs a command that reads a text.
///
/// # Errors
/// As [`run`].
pub(super) fn told(program: &str, arguments: &[&str], text: &str) -> anyhow::Result<()> {
    let what = || format!("{program} {}", arguments.join(" "));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(what)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).with_context(what)?;
    }
    let output = child.wait_with_output().with_context(what)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}", what(), said.trim());
    Ok(())
}
