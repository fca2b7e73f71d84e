//! Nodes in one process, over loopback, each with a file of its own.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_domain::{Command, CommandId, tenants};
use takt_kit::{ManualClock, Tasks};
use takt_log::{
    Credentials, Disk, Handle, OpenError, Parts, Proposal, Settings, Start, TcpDial, open,
};
use takt_model::{NodeId, TenantId, UnixNano};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use uuid::Uuid;

use crate::cord;

pub(crate) const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);

/// What outlives a node: its address and its disk.
pub(crate) struct Place {
    pub(crate) node: NodeId,
    pub(crate) address: String,
    pub(crate) dir: TempDir,
    pub(crate) level: Option<u32>,
    pub(crate) tls: Option<Credentials>,
    pub(crate) snapshot_every: u64,
    /// Instead of a file in its directory.
    pub(crate) disk: Disk,
    /// As a server that nobody told of other nodes.
    pub(crate) alone: bool,
}

/// A running node.
pub(crate) struct Node {
    pub(crate) log: Handle,
    pub(crate) place: Place,
    tasks: Tasks,
    /// Its connections hang on this.
    cable: Tasks,
}

impl Place {
    pub(crate) fn new(node: u64) -> Self {
        // Taken and let go again: nobody else asks for it so soon.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            node: NodeId(node),
            address: port.local_addr().unwrap().to_string(),
            dir: tempfile::tempdir().unwrap(),
            level: None,
            tls: None,
            snapshot_every: 1000,
            disk: Disk::File,
            alone: false,
        }
    }

    fn settings(&self, join: &[&str]) -> Settings {
        if self.alone {
            return Settings::new(self.dir.path().to_owned());
        }
        Settings {
            node: self.node,
            address: Some(self.address.clone()),
            snapshot_every: self.snapshot_every,
            digest_every: 10,
            start: Start::Wait {
                join: join.iter().map(|&at| at.to_owned()).collect(),
            },
            ..Settings::new(self.dir.path().to_owned())
        }
    }

    fn parts(&self, cable: &Tasks) -> Parts {
        let mut parts = Parts::new(Arc::new(ManualClock::at(NOW)));
        parts.dial = Arc::new(cord::CordDial(cable.clone()));
        parts.disk = self.disk.clone();
        parts.level = self.level.unwrap_or(parts.level);
        if let Some(tls) = &self.tls {
            parts.dial = Arc::new(TcpDial::with_tls(tls));
        }
        parts
    }

    pub(crate) async fn start(self, join: &[&str]) -> Node {
        self.try_start(join).await.unwrap()
    }

    pub(crate) async fn try_start(self, join: &[&str]) -> Result<Node, OpenError> {
        let (tasks, cable) = (Tasks::default(), Tasks::default());
        let registry = &mut Registry::default();
        let log = open(self.settings(join), self.parts(&cable), &tasks, registry).await?;
        let listener = TcpListener::bind(&self.address).await.unwrap();
        let mut server = Server::builder();
        if let Some(tls) = &self.tls {
            let tls = ServerTlsConfig::new()
                .identity(Identity::from_pem(&tls.certificate, &tls.key))
                .client_ca_root(Certificate::from_pem(&tls.authority));
            server = server.tls_config(tls).unwrap();
        }
        let serving = server
            .add_service(log.peers())
            .serve_with_incoming(cord::accept(listener, cable.clone()));
        let stopped = tasks.stopped();
        tasks.spawn("server", async move {
            tokio::select! {
                () = stopped => {}
                served = serving => served.unwrap(),
            }
            Ok::<(), Infallible>(())
        });
        let place = self;
        Ok(Node {
            log,
            place,
            tasks,
            cable,
        })
    }
}

impl Node {
    pub(crate) fn is_stopped(&self) -> bool {
        self.tasks.is_stopped()
    }

    /// From now on it reaches nobody, and nobody reaches it.
    pub(crate) fn cut(&self) {
        self.cable.stop();
    }

    pub(crate) async fn stop(self) -> Place {
        self.tasks.stop();
        drop(self.log);
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
        self.cable.stop();
        self.place
    }
}

/// The first node founds a cluster, the others join it.
pub(crate) async fn cluster(count: u64) -> Vec<Node> {
    cluster_of((1..=count).map(Place::new)).await
}

pub(crate) async fn cluster_of(places: impl IntoIterator<Item = Place>) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for place in places {
        match nodes.first() {
            None => {
                let first = place.start(&[]).await;
                first.log.bootstrap().await.unwrap();
                nodes.push(first);
            }
            Some(first) => {
                let at = first.place.address.clone();
                nodes.push(place.start(&[&at]).await);
            }
        }
    }
    let all: Vec<u64> = nodes.iter().map(|node| node.place.node.0).collect();
    for node in &nodes {
        voters(&node.log, &all).await;
    }
    if let [_, .., last] = nodes.as_slice() {
        // All know that the last one votes, but that counts only when it is committed: when another change can be made.
        let last = last.place.node;
        eventually("the last change of members", || async {
            let leads = &nodes[leader(&nodes).await].log;
            leads.promote_member(last).await.is_ok()
        })
        .await;
    }
    nodes
}

/// Waits until this node sees these voters.
pub(crate) async fn voters(log: &Handle, expected: &[u64]) {
    let expected: Vec<NodeId> = expected.iter().copied().map(NodeId).collect();
    eventually("voters", || async { log.status().voters == expected }).await;
}

/// The place in the list of the node that leads.
pub(crate) async fn leader(nodes: &[Node]) -> usize {
    let mut found = None;
    eventually("a leader", || {
        found = nodes.iter().position(|node| {
            let status = node.log.status();
            status.leader == Some(node.place.node)
        });
        std::future::ready(found.is_some())
    })
    .await;
    found.unwrap()
}

/// Proposes at whoever leads, until somebody says yes.
pub(crate) async fn write(nodes: &[Node], number: u64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        for node in nodes {
            if node.log.propose(create(number)).await.is_ok() {
                return;
            }
        }
        assert!(Instant::now() < deadline, "nobody takes command {number}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn tenant(number: u64) -> TenantId {
    TenantId::new(&format!("t{number}")).unwrap()
}

pub(crate) fn create(number: u64) -> Proposal {
    Proposal {
        id: CommandId(Uuid::from_u128(u128::from(number))),
        actor: "test".into(),
        command: Command::Tenant(tenants::Command::create(tenant(number))),
        dry_run: false,
    }
}
