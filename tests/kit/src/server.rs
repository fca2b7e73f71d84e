//! One `takt serve` over one directory.

use std::fs::{self, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::time::{Instant, sleep};

use crate::{Client, Sender, Stored, Usage, eventually};

const START_BUDGET: Duration = Duration::from_secs(60);
const STOP_BUDGET: Duration = Duration::from_secs(60);

/// A server that is killed when dropped; its directory stays.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    dir: PathBuf,
    ports: Ports,
    process: Option<Child>,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    http: u16,
    grpc: u16,
    otlp_grpc: u16,
    otlp_http: u16,
}

/// What can be sent to a process besides the end of it.
#[derive(Debug, Clone, Copy)]
pub enum Signal {
    Stop,
    Continue,
    Terminate,
}

impl Server {
    /// Starts a server with its data in `dir`; `more` is YAML with further sections of the configuration.
    ///
    /// # Errors
    /// When it does not become ready; then with what it logged.
    pub async fn start(binary: &Path, dir: &Path, more: &str) -> anyhow::Result<Self> {
        let mut server = Self::prepare(binary, dir, more)?;
        server.run().await?;
        Ok(server)
    }

    /// As [`Server::start`], without starting it.
    ///
    /// # Errors
    /// When there are no ports, or the configuration cannot be written.
    pub fn prepare(binary: &Path, dir: &Path, more: &str) -> anyhow::Result<Self> {
        let [http, grpc, otlp_grpc, otlp_http] = free_ports()?;
        let ports = Ports {
            http,
            grpc,
            otlp_grpc,
            otlp_http,
        };
        let server = Self {
            binary: binary.to_owned(),
            dir: dir.to_owned(),
            ports,
            process: None,
        };
        server.configure(more)?;
        Ok(server)
    }

    /// Gives it other sections of the configuration, from its next start on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure(&self, more: &str) -> anyhow::Result<()> {
        fs::write(self.config(), self.yaml(more)).context("writing the configuration")
    }

    /// Starts the stopped or killed server again, over the same directory and ports.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn run(&mut self) -> anyhow::Result<()> {
        self.spawn()?;
        self.ready().await
    }

    /// Starts the process and does not wait for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&mut self) -> anyhow::Result<()> {
        ensure!(self.process.is_none(), "the server runs already");
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let child = Command::new(&self.binary)
            .args(["serve", "--config"])
            .arg(self.config())
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", self.binary.display()))?;
        self.process = Some(child);
        Ok(())
    }

    /// Waits until `/ready` says so.
    ///
    /// # Errors
    /// When it ends or takes too long before that.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let client = self.client();
        let deadline = Instant::now() + START_BUDGET;
        loop {
            if client
                .get("/ready")
                .await
                .is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            if let Some(status) = self
                .process
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten())
            {
                self.process = None;
                bail!(
                    "the server ended with {status} before it was ready:\n{}",
                    self.log()
                );
            }
            ensure!(
                Instant::now() < deadline,
                "the server is not ready after {START_BUDGET:?}:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it as a power failure of the process would: SIGKILL.
    ///
    /// # Errors
    /// When it was not running.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.process.take().context("the server is not running")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// When it does not end in time, or with an error.
    pub async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::Terminate)?;
        let deadline = Instant::now() + STOP_BUDGET;
        loop {
            let child = self.process.as_mut().context("the server is not running")?;
            if let Some(status) = child.try_wait()? {
                self.process = None;
                ensure!(
                    status.success(),
                    "the server ended with {status}:\n{}",
                    self.log()
                );
                return Ok(status);
            }
            ensure!(
                Instant::now() < deadline,
                "the server does not stop:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// # Errors
    /// When it is not running.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let child = self.process.as_ref().context("the server is not running")?;
        let name = match signal {
            Signal::Stop => "-STOP",
            Signal::Continue => "-CONT",
            Signal::Terminate => "-TERM",
        };
        let status = Command::new("kill")
            .arg(name)
            .arg(child.id().to_string())
            .status()?;
        ensure!(status.success(), "the signal {name} could not be sent");
        Ok(())
    }

    /// What the running process has used so far.
    ///
    /// # Errors
    /// When it is not running.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(
            self.process
                .as_ref()
                .context("the server is not running")?
                .id(),
        )
    }

    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&format!("http://127.0.0.1:{}", self.ports.http))
    }

    /// # Errors
    /// When it does not accept connections.
    pub async fn sender(&self) -> anyhow::Result<Sender> {
        Sender::connect(&self.otlp_grpc()).await
    }

    #[must_use]
    pub fn otlp_grpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.otlp_grpc)
    }

    /// Where its gRPC API is, without a scheme.
    #[must_use]
    pub fn grpc(&self) -> String {
        format!("127.0.0.1:{}", self.ports.grpc)
    }

    #[must_use]
    pub fn otlp_http(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.otlp_http)
    }

    /// Waits until at least `spans` spans are in blocks of its directory.
    ///
    /// # Errors
    /// When they are not within `budget`.
    pub async fn stored(&self, spans: usize, budget: Duration) -> anyhow::Result<Stored> {
        let blocks = self.data("blocks");
        eventually(budget, || async {
            let stored = Stored::under(&blocks)?;
            ensure!(
                stored.spans >= spans,
                "{} of {spans} spans are in blocks",
                stored.spans
            );
            Ok(stored)
        })
        .await
    }

    /// Where `path` of its data directory is.
    #[must_use]
    pub fn data(&self, path: &str) -> PathBuf {
        self.dir.join("data").join(path)
    }

    /// Everything it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("takt.log")
    }

    fn config(&self) -> PathBuf {
        self.dir.join("takt.yaml")
    }

    fn yaml(&self, more: &str) -> String {
        let Ports {
            http,
            grpc,
            otlp_grpc,
            otlp_http,
        } = self.ports;
        format!(
            "data_dir: {}\n\
             server: {{ http_listen_address: 127.0.0.1:{http}, grpc_listen_address: 127.0.0.1:{grpc} }}\n\
             receivers: {{ otlp: {{ grpc: {{ endpoint: 127.0.0.1:{otlp_grpc} }}, http: {{ endpoint: 127.0.0.1:{otlp_http} }} }} }}\n\
             {more}",
            self.data("").display()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            // Nothing to do about a process that is gone already.
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// Ports nobody listens on now. They are held together, so that no two are the same.
pub(crate) fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(held) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}
