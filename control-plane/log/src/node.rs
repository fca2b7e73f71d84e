//! Starts a voter: opens the file, restores the state, waits until there is a leader.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openraft::errors::Fatal;
use openraft::{Config, ReadPolicy, SnapshotPolicy};
use prometheus_client::registry::Registry;
use redb::Durability;
use takt_domain::cluster::ClusterId;
use takt_kit::{Clock, Tasks};
use takt_model::NodeId;
use tokio::sync::{Notify, mpsc};

use crate::calls::{Caller, Lines};
use crate::codec::LEVEL;
use crate::dial::{Dial, TcpDial};
use crate::digest::Digests;
use crate::handle::Handle;
use crate::identity::{Belongs, Identity};
use crate::machine::Machine;
use crate::members::{Members, cluster_id};
use crate::metrics::Metrics;
use crate::network::Network;
use crate::pace::Pace;
use crate::proposer::{ProposeError, Proposer, confirm_within};
use crate::read::Reader;
use crate::store::{Disk, NODE, Store, put_value};
use crate::types::{Raft, Runtime, TypeConfig};
use crate::{digest, join, steward};

pub(crate) const FILE: &str = "control.redb";
/// The address of a voter that nobody can reach.
pub(crate) const IN_PROCESS: &str = "in-process";
/// How long a node may take to receive a snapshot and write it to its disk.
const SNAPSHOT_TIMEOUT_MILLIS: u64 = 60_000;

/// So many entries go to another node in one message, if their bytes allow it: one sync there for all of them.
const PAYLOAD_ENTRIES: u64 = 4096;

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
    /// No snapshot is taken before this many entries came after the last; of a large state, later: when they are as large.
    pub snapshot_every: u64,
    /// How many events of history outlive a snapshot, for audit and for followers that were away.
    pub history_keep: u64,
    /// The voters compare what they have come to after so many events; 0 is never.
    pub digest_every: u64,
    /// The shortest time without a leader before an election; the longest is twice that.
    pub election_timeout: Duration,
    /// Where the other nodes reach this one, `host:port`. None: nobody can join.
    pub address: Option<String>,
    pub start: Start,
    /// Answer current reads on the leader while its lease lasts, without asking the others. Clocks must then run
    /// at about the same speed.
    pub lease_reads: bool,
}

/// What a node does that belongs to no cluster yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It founds one, alone.
    Alone,
    /// It waits until somebody founds one here or takes it in; and asks to be taken in at these addresses.
    Wait { join: Vec<String> },
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
            digest_every: 10_000,
            election_timeout: Duration::from_millis(300),
            address: None,
            start: Start::Alone,
            lease_reads: false,
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
    /// The highest level of events it says it understands: [`LEVEL`], but for tests of what happens when
    /// versions differ.
    pub level: u32,
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
            level: LEVEL,
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
    #[error(
        "the cluster writes events of level {committed}, this version understands level {announced}; start a newer version"
    )]
    Level { announced: u32, committed: u32 },
    #[error("consensus settings are not usable")]
    Settings(#[source] openraft::ConfigError),
    #[error("consensus does not start: {0}")]
    Consensus(String),
    #[error("no leader within {0:?}")]
    NoLeader(Duration),
    #[error("cannot make sure that everything acknowledged before is applied")]
    Behind(#[source] ProposeError),
}

/// Starts a node. When this returns, a voter that is alone has applied everything acknowledged before; a node
/// of a larger cluster may still have to hear of it, and [`Handle::read`] waits for that. It stops with
/// the group `tasks`.
///
/// # Errors
/// When the file cannot be used, or a lone voter does not come to lead in time.
pub async fn open(
    settings: Settings,
    parts: Parts,
    tasks: &Tasks,
    registry: &mut Registry,
) -> Result<Handle, OpenError> {
    let (digests, due) = Digests::new(settings.digest_every);
    let (store, machine) = restore(&settings, &parts.disk, digests.clone()).await?;
    let snapshot_due = machine.snapshot_due();
    tasks.spawn("control_writer", store.clone().write_behind());
    let metrics = Metrics::register(registry);
    let assembled = assemble(&settings, &parts, store.clone(), machine, &metrics).await;
    if assembled.is_err() {
        // Nothing was written; what made it impossible is the better thing to say.
        let _ = store.close().await;
    }
    let members = assembled?;
    let (raft, published) = (members.raft.clone(), Arc::clone(&members.published));
    stop_with(tasks, members.clone(), store.clone());
    let new_cluster = cluster_id(parts.seed, parts.clock.now().0);
    settle(&settings, &members, new_cluster).await?;

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
    let reader = reader(&settings, &members);
    let handle = Handle {
        node: settings.node,
        raft,
        members: members.clone(),
        reader,
        digests: digests.clone(),
        tasks: tasks.clone(),
        new_cluster,
        store,
        published,
        jobs,
        metrics,
    };
    let comparing = digest::Comparing {
        digests,
        members: members.clone(),
        disk: parts.disk,
        metrics: handle.metrics.clone(),
    };
    tend(&handle, comparing.run(due, tasks.clone()), tasks);
    let snapshots = take_snapshots(members.raft.clone(), snapshot_due, tasks.clone());
    tasks.spawn("control_snapshots", snapshots);
    if let Start::Wait { join } = settings.start {
        tasks.spawn("control_join", join::run(members, join, tasks.clone()));
    }
    tracing::info!(
        node = settings.node.0,
        revision = handle.status().revision.0,
        "control log is open"
    );
    Ok(handle)
}

/// How the state is read with everything acknowledged before in it.
fn reader(settings: &Settings, members: &Members) -> Reader {
    Reader {
        raft: members.raft.clone(),
        members: members.clone(),
        published: Arc::clone(&members.published),
        timeout: settings.timeout,
        policy: if settings.lease_reads {
            ReadPolicy::LeaseRead
        } else {
            ReadPolicy::ReadIndex
        },
    }
}

/// What a leader does for its cluster, what is compared with others, and what is measured.
fn tend(
    handle: &Handle,
    comparing: impl Future<Output = io::Result<()>> + Send + 'static,
    tasks: &Tasks,
) {
    tasks.spawn(
        "control_steward",
        steward::run(handle.clone(), tasks.clone()),
    );
    tasks.spawn("control_digest", comparing);
    let watching = steward::watch(
        handle.members.clone(),
        handle.metrics.clone(),
        tasks.clone(),
    );
    tasks.spawn("control_metrics", watching);
}

/// Raft over this file, and what knows its members.
async fn assemble(
    settings: &Settings,
    parts: &Parts,
    store: Store,
    machine: Machine,
    metrics: &Metrics,
) -> Result<Members, OpenError> {
    let published = machine.published();
    let (announced, committed) = (parts.level, published.state.load().cluster.level);
    if announced < committed {
        return Err(OpenError::Level {
            announced,
            committed,
        });
    }
    let identity = Identity::open(store.clone()).map_err(|source| storage(settings, source))?;
    let caller = Caller {
        node: settings.node,
        identity: identity.clone(),
        lines: Lines::new(Arc::clone(&parts.dial)),
    };
    let network = Network {
        caller: caller.clone(),
        dial: Arc::clone(&parts.dial),
        metrics: metrics.clone(),
        append_timeout: settings.election_timeout.saturating_mul(4),
    };
    Ok(Members {
        node: settings.node,
        address: settings.address.clone(),
        level: announced,
        raft: start(settings, network, store, machine, parts.seed).await?,
        identity,
        caller,
        published,
        timeout: settings.timeout,
        changing: Arc::default(),
    })
}

/// Sees to it that the node knows its cluster, or waits for one; and that a lone voter leads.
async fn settle(
    settings: &Settings,
    members: &Members,
    new_cluster: ClusterId,
) -> Result<(), OpenError> {
    let initialized = members.raft.is_initialized().await.map_err(consensus)?;
    if initialized && members.identity.known().is_none() {
        // Written by a version that had no clusters.
        let belongs = Belongs {
            cluster: new_cluster,
            founder: true,
        };
        let settled = members.identity.settle(belongs).await;
        settled.map_err(|source| storage(settings, source))?;
    }
    match &settings.start {
        Start::Wait { .. } => return Ok(()),
        Start::Alone if initialized => {}
        Start::Alone => {
            let address = settings.address.clone();
            let address = address.unwrap_or_else(|| IN_PROCESS.to_owned());
            let founded = members.found(new_cluster, address).await;
            founded.map_err(|error| OpenError::Consensus(error.to_string()))?;
        }
    }
    let raft = &members.raft;
    raft.wait(Some(settings.timeout))
        .metrics(|metrics| metrics.current_leader.is_some(), "a leader")
        .await
        .map_err(|_| OpenError::NoLeader(settings.timeout))?;
    match confirm_within(raft, settings.node, settings.timeout).await {
        // One of several voters: the leader is there, and that is enough.
        Ok(()) | Err(ProposeError::NotLeader { .. }) => Ok(()),
        Err(error) => Err(OpenError::Behind(error)),
    }
}

fn storage(settings: &Settings, source: io::Error) -> OpenError {
    OpenError::Storage {
        path: settings.dir.join(FILE),
        source,
    }
}

async fn restore(
    settings: &Settings,
    disk: &Disk,
    digests: Digests,
) -> Result<(Store, Machine), OpenError> {
    let (settings, on) = (settings.clone(), disk.clone());
    let path = settings.dir.join(FILE);
    let lost = path.clone();
    disk.run(move || Ok(restore_now(&settings, path, on, digests)))
        .await
        .unwrap_or_else(|source| Err(OpenError::Storage { path: lost, source }))
}

fn restore_now(
    settings: &Settings,
    path: PathBuf,
    disk: Disk,
    digests: Digests,
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
    let pace = Pace::new(settings.snapshot_every);
    let machine =
        Machine::restore(store.clone(), digests, settings.history_keep, pace).map_err(storage)?;
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
    network: Network,
    store: Store,
    machine: Machine,
    seed: u64,
) -> Result<Raft, OpenError> {
    let node = settings.node.0;
    let election = u64::try_from(settings.election_timeout.as_millis()).unwrap_or(u64::MAX);
    let config = Config {
        cluster_name: "takt".to_owned(),
        heartbeat_interval: (election / 3).max(1),
        election_timeout_min: election,
        election_timeout_max: election.saturating_mul(2),
        snapshot_policy: SnapshotPolicy::Never,
        max_payload_entries: PAYLOAD_ENTRIES,
        max_in_snapshot_log_to_keep: settings.snapshot_every,
        install_snapshot_timeout: SNAPSHOT_TIMEOUT_MILLIS,
        enable_pre_vote: Some(true),
        // A leader that comes back does not know what it committed: its notes of that are not synced, and
        // restored at once it would answer reads from before them.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    let config = Arc::new(config.validate().map_err(OpenError::Settings)?);
    // Every task of openraft descends from this call, and with it what they draw at random.
    let raft = Raft::new(node, config, network, store, machine);
    Runtime::scope(seed, raft).await.map_err(consensus)
}

fn consensus(error: Fatal<TypeConfig>) -> OpenError {
    OpenError::Consensus(error.to_string())
}

/// Takes a snapshot whenever one is due.
async fn take_snapshots(raft: Raft, due: Arc<Notify>, tasks: Tasks) -> io::Result<()> {
    loop {
        tokio::select! {
            biased;
            () = tasks.stopped() => return Ok(()),
            () = due.notified() => {}
        }
        match raft.trigger().snapshot().await {
            Ok(()) | Err(Fatal::Stopped) => {}
            Err(fatal @ (Fatal::StorageError(_) | Fatal::Panicked)) => {
                return Err(io::Error::other(fatal));
            }
        }
    }
}

/// Openraft's own tasks let go of the file some time after it stopped; whoever waits for our task
/// may open the file at once.
fn stop_with(tasks: &Tasks, members: Members, store: Store) {
    let stopped = tasks.stopped();
    tasks.spawn("control_raft", async move {
        stopped.await;
        members.hand_over().await;
        members.raft.shutdown().await.map_err(io::Error::other)?;
        store.close().await
    });
}
