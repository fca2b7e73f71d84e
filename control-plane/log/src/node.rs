//! Starts a voter: opens the file, restores the state, waits until there is a leader.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openraft::errors::{Fatal, InitializeError, RaftError};
use openraft::{BasicNode, Config, SnapshotPolicy};
use prometheus_client::registry::Registry;
use redb::Durability;
use takt_kit::{Clock, Tasks};
use takt_model::NodeId;
use tokio::sync::mpsc;

use crate::dial::{Dial, TcpDial};
use crate::handle::Handle;
use crate::machine::Machine;
use crate::metrics::Metrics;
use crate::network::Network;
use crate::proposer::{ProposeError, Proposer, confirm_within};
use crate::store::{Disk, NODE, Store, put_value};
use crate::types::{Raft, Runtime, TypeConfig};

pub(crate) const FILE: &str = "control.redb";
/// How long a node may take to receive a snapshot and write it to its disk.
const SNAPSHOT_TIMEOUT_MILLIS: u64 = 60_000;

/// How a voter runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the log file is; made if absent.
    pub dir: PathBuf,
    /// Who this is, for ever: the file remembers.
    pub node: NodeId,
    /// Commands that may wait before further ones are refused.
    pub queue: usize,
    /// How long a command or a current read may take.
    pub timeout: Duration,
    /// A snapshot is taken after this many entries.
    pub snapshot_every: u64,
    /// How many events of history outlive a snapshot, for audit and for followers that were away.
    pub history_keep: u64,
    /// The shortest time without a leader before an election; the longest is twice that.
    pub election_timeout: Duration,
}

impl Settings {
    /// One voter in `dir`.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            node: NodeId(1),
            queue: 256,
            timeout: Duration::from_secs(5),
            snapshot_every: 1000,
            history_keep: 100_000,
            election_timeout: Duration::from_millis(300),
        }
    }
}

/// What a voter is built with.
#[derive(Debug, Clone)]
pub struct Parts {
    pub clock: Arc<dyn Clock>,
    /// What the log is kept on.
    pub disk: Disk,
    /// How it reaches the others.
    pub dial: Arc<dyn Dial>,
    /// Everything drawn at random follows from it, so the same seed draws the same.
    pub seed: u64,
}

impl Parts {
    /// In a file, over TCP without TLS, with a seed of its own.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            disk: Disk::File,
            dial: Arc::new(TcpDial::default()),
            seed: takt_kit::ids::seed(),
        }
    }
}

/// Why the control log does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use `{path}`")]
    Storage {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{0}` is in use by another process")]
    InUse(PathBuf),
    #[error("`{path}` belongs to node `{found}`, this is node `{node}`")]
    OtherNode {
        path: PathBuf,
        found: NodeId,
        node: NodeId,
    },
    #[error("consensus settings are not usable")]
    Settings(#[source] openraft::ConfigError),
    #[error("consensus does not start: {0}")]
    Consensus(String),
    #[error("no leader within {0:?}")]
    NoLeader(Duration),
    #[error("cannot make sure that everything acknowledged before is applied")]
    Behind(#[source] ProposeError),
}

/// Starts a voter. When this returns, everything acknowledged before is applied. It stops with the
/// group `tasks`.
///
/// # Errors
/// When the file cannot be used, or no leader is found in time.
pub async fn open(
    settings: Settings,
    parts: Parts,
    tasks: &Tasks,
    registry: &mut Registry,
) -> Result<Handle, OpenError> {
    let (store, machine) = restore(&settings, &parts.disk).await?;
    let published = machine.published();
    let raft = start(&settings, &parts, store.clone(), machine).await?;
    stop_with(tasks, raft.clone(), store.clone());
    confirm_within(&raft, settings.node, settings.timeout)
        .await
        .map_err(OpenError::Behind)?;

    let metrics = Metrics::register(registry);
    metrics
        .queue_capacity
        .set(i64::try_from(settings.queue).unwrap_or(i64::MAX));
    metrics.at(published.state.load().revision);
    let (jobs, inbox) = mpsc::channel(settings.queue);
    let proposer = Proposer {
        node: settings.node,
        raft: raft.clone(),
        published: Arc::clone(&published),
        clock: parts.clock,
        timeout: settings.timeout,
        metrics: metrics.clone(),
    };
    tasks.spawn("control_proposer", proposer.run(inbox, tasks.clone()));
    tracing::info!(
        node = settings.node.0,
        revision = published.state.load().revision.0,
        "control log is open"
    );
    Ok(Handle {
        node: settings.node,
        raft,
        store,
        published,
        jobs,
        timeout: settings.timeout,
        metrics,
    })
}

async fn restore(settings: &Settings, disk: &Disk) -> Result<(Store, Machine), OpenError> {
    let (settings, on) = (settings.clone(), disk.clone());
    let path = settings.dir.join(FILE);
    let lost = path.clone();
    disk.run(move || Ok(restore_now(&settings, path, on)))
        .await
        .unwrap_or_else(|source| Err(OpenError::Storage { path: lost, source }))
}

fn restore_now(
    settings: &Settings,
    path: PathBuf,
    disk: Disk,
) -> Result<(Store, Machine), OpenError> {
    let storage = |source| OpenError::Storage {
        path: path.clone(),
        source,
    };
    disk.prepare(&settings.dir).map_err(storage)?;
    let store = Store::open(disk, &path)
        .map_err(storage)?
        .ok_or_else(|| OpenError::InUse(path.clone()))?;
    if let Some(found) = claim(&store, settings.node).map_err(storage)? {
        return Err(OpenError::OtherNode {
            path,
            found,
            node: settings.node,
        });
    }
    let machine = Machine::restore(store.clone(), settings.history_keep).map_err(storage)?;
    Ok((store, machine))
}

/// Writes who owns the file, or says who else does.
fn claim(store: &Store, node: NodeId) -> io::Result<Option<NodeId>> {
    let Some(bytes) = store.value_now(NODE)? else {
        store.write_now(Durability::Immediate, |txn| {
            put_value(txn, NODE, &node.0.to_be_bytes())
        })?;
        return Ok(None);
    };
    let found = <[u8; 8]>::try_from(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    let found = NodeId(u64::from_be_bytes(found));
    Ok((found != node).then_some(found))
}

async fn start(
    settings: &Settings,
    parts: &Parts,
    store: Store,
    machine: Machine,
) -> Result<Raft, OpenError> {
    let node = settings.node.0;
    let election = u64::try_from(settings.election_timeout.as_millis()).unwrap_or(u64::MAX);
    let config = Config {
        cluster_name: "takt".to_owned(),
        heartbeat_interval: (election / 3).max(1),
        election_timeout_min: election,
        election_timeout_max: election.saturating_mul(2),
        snapshot_policy: SnapshotPolicy::LogsSinceLast(settings.snapshot_every),
        max_in_snapshot_log_to_keep: settings.snapshot_every,
        install_snapshot_timeout: SNAPSHOT_TIMEOUT_MILLIS,
        enable_pre_vote: Some(true),
        ..Config::default()
    };
    let config = Arc::new(config.validate().map_err(OpenError::Settings)?);
    let network = Network {
        node,
        dial: Arc::clone(&parts.dial),
        append_timeout: settings.election_timeout.saturating_mul(4),
    };
    // Every task of openraft descends from this call, and with it what they draw at random.
    let raft = Raft::new(node, config, network, store, machine);
    let raft = Runtime::scope(parts.seed, raft).await.map_err(consensus)?;
    if !raft.is_initialized().await.map_err(consensus)? {
        let members = BTreeMap::from([(node, BasicNode::new("in-process"))]);
        match raft.initialize(members).await {
            Ok(()) | Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
            Err(other) => return Err(OpenError::Consensus(other.to_string())),
        }
    }
    raft.wait(Some(settings.timeout))
        .metrics(|metrics| metrics.current_leader.is_some(), "a leader")
        .await
        .map_err(|_| OpenError::NoLeader(settings.timeout))?;
    Ok(raft)
}

fn consensus(error: Fatal<TypeConfig>) -> OpenError {
    OpenError::Consensus(error.to_string())
}

/// Openraft's own tasks let go of the file some time after it stopped; whoever waits for our task
/// may open the file at once.
fn stop_with(tasks: &Tasks, raft: Raft, store: Store) {
    let stopped = tasks.stopped();
    tasks.spawn("control_raft", async move {
        stopped.await;
        raft.shutdown().await.map_err(io::Error::other)?;
        store.close().await
    });
}
