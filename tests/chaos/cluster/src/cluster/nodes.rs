//! The processes: one `takt serve` in each namespace, over its own disk, and somebody who starts them again.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::disk::Disk;
use super::net::{address, namespace};
use super::room::run;

const HTTP: u16 = 3200;
const STOP_BUDGET: Duration = Duration::from_secs(45);
/// Whoever supervises a server starts it again after this.
const RESTART_AFTER: Duration = Duration::from_millis(500);
/// A server may still stop for a full disk so long after there was room again.
const EXCUSED_FOR: Duration = Duration::from_secs(10);

/// One place for a server.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) number: u64,
    pub(super) disk: Disk,
    takt: PathBuf,
    library: PathBuf,
    dir: PathBuf,
    process: Mutex<Process>,
}

#[derive(Debug, Default)]
struct Process {
    child: Option<Child>,
    /// How often it was started.
    lives: u64,
    /// It stopped for want of space, and when.
    failed: Option<Instant>,
    /// Until when it may stop for want of space.
    excused: Option<Instant>,
}

/// What all servers have in common.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) takt: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) library: PathBuf,
    pub(super) token_file: PathBuf,
    pub(super) nodes: u64,
}

impl Node {
    /// # Errors
    /// When it cannot have a disk.
    pub(super) fn build(number: u64, site: &Site) -> anyhow::Result<Self> {
        let dir = site.dir.join(format!("node-{number}"));
        fs::create_dir_all(&dir)?;
        let disk = Disk::mount(dir.join("disk"), dir.join("sync-milliseconds"))?;
        let node = Self {
            number,
            disk,
            takt: site.takt.clone(),
            library: site.library.clone(),
            dir,
            process: Mutex::default(),
        };
        fs::write(node.settings(), node.yaml(site))?;
        Ok(node)
    }

    pub(super) fn start(&self) -> anyhow::Result<()> {
        let mut process = self.process.lock();
        ensure!(process.child.is_none(), "node {} runs already", self.number);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let child = Command::new("nsenter")
            .arg(namespace(self.number))
            .arg(&self.takt)
            .args(["serve", "--config"])
            .arg(self.settings())
            .current_dir(&self.dir)
            .env("LD_PRELOAD", &self.library)
            .env("SLOW_SYNC", self.disk.wait_file())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting node {}", self.number))?;
        process.child = Some(child);
        process.lives += 1;
        process.failed = None;
        Ok(())
    }

    pub(super) fn kill(&self) -> anyhow::Result<()> {
        let mut process = self.process.lock();
        process.failed = None;
        if let Some(mut child) = process.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// When it does not in time, or says that it could not do so well.
    pub(super) async fn stop(&self) -> anyhow::Result<()> {
        // Whoever supervises it must not take this for a failure.
        let (child, excused) = {
            let mut process = self.process.lock();
            let failed = process.failed.take();
            (
                process.child.take(),
                process.is_excused() || failed.is_some(),
            )
        };
        let Some(mut child) = child else {
            ensure!(excused, "node {} does not run", self.number);
            return Ok(());
        };
        run("kill", &["-TERM", &child.id().to_string()])?;
        let deadline = Instant::now() + STOP_BUDGET;
        loop {
            if let Some(status) = child.try_wait()? {
                let number = self.number;
                let well = status.success() || excused;
                ensure!(well, "node {number} stopped with {status}");
                return Ok(());
            }
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                bail!("node {} did not stop within {STOP_BUDGET:?}", self.number);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) fn pause(&self) -> anyhow::Result<()> {
        self.signal("-STOP")
    }

    pub(super) fn resume(&self) -> anyhow::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, name: &str) -> anyhow::Result<()> {
        let process = self.process.lock();
        match &process.child {
            Some(child) => run("kill", &[name, &child.id().to_string()]),
            None => Ok(()),
        }
    }

    /// How often it was started; `None` while it does not run.
    pub(super) fn life(&self) -> Option<u64> {
        let process = self.process.lock();
        process.child.as_ref().map(|_| process.lives)
    }

    /// From now on, and for a while after there is room, it may stop for want of space.
    pub(super) fn excuse(&self) {
        self.process.lock().excused = Some(Instant::now() + EXCUSED_FOR);
    }

    /// Starts it again if it stopped for want of space.
    ///
    /// # Errors
    /// When it stopped for another reason.
    pub(super) fn supervise(&self) -> anyhow::Result<()> {
        if self.disk.is_full() {
            self.excuse();
        }
        let mut process = self.process.lock();
        if let Some(status) = ended(&mut process)? {
            ensure!(
                process.is_excused(),
                "node {} ended by itself with {status}; its log is {}",
                self.number,
                self.log_file().display()
            );
            process.failed = Some(Instant::now());
        }
        let due = |failed: Instant| failed.elapsed() > RESTART_AFTER;
        if process.failed.is_some_and(due) {
            drop(process);
            self.start()?;
        }
        Ok(())
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}:{HTTP}", address(self.number))
    }

    /// Where the other nodes reach it.
    pub(super) fn peer_address(&self) -> String {
        peer(self.number)
    }

    /// Everything it logged.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("log")
    }

    fn settings(&self) -> PathBuf {
        self.dir.join("takt.yaml")
    }

    /// Snapshots are frequent, so that a node that was away gets one; and so are comparisons of states.
    fn yaml(&self, site: &Site) -> String {
        let (number, own, peer_address) = (self.number, address(self.number), self.peer_address());
        let others = (1..=site.nodes).filter(|node| *node != number).map(peer);
        let others = others.collect::<Vec<_>>().join(",");
        format!(
            "data_dir: {}\n\
             server: {{ http_listen_address: {own}:{HTTP}, grpc_listen_address: {own}:9095, max_memory: 256MiB }}\n\
             receivers: {{ otlp: {{ grpc: {{ endpoint: {own}:4317 }}, http: {{ endpoint: {own}:4318 }} }} }}\n\
             journal: {{ segment_bytes: 1MiB, reserve_bytes: 1MiB }}\n\
             control:\n  \
               node_id: {number}\n  \
               listen_address: {peer_address}\n  \
               join: \"{others}\"\n  \
               snapshot_every: 50\n  \
               digest_every: 200\n  \
               auth: {{ admin_token_file: {} }}\n",
            self.disk.data().display(),
            site.token_file.display(),
        )
    }
}

impl Process {
    fn is_excused(&self) -> bool {
        self.excused.is_some_and(|until| Instant::now() < until)
    }
}

fn ended(process: &mut Process) -> anyhow::Result<Option<ExitStatus>> {
    let Some(child) = &mut process.child else {
        return Ok(None);
    };
    let status = child.try_wait()?;
    if status.is_some() {
        process.child = None;
    }
    Ok(status)
}

fn peer(node: u64) -> String {
    format!("{}:9096", address(node))
}
