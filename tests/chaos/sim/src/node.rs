//! What runs on the host of a node: the control log as it is shipped, on simulated parts.

use std::path::PathBuf;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use takt_kit::Tasks;
use takt_log::{Disk, Handle, OpenError, Parts, Settings, Start, open};
use takt_model::NodeId;
use tonic::service::Routes;

use crate::net::{self, SimDial};
use crate::rpc;
use crate::world::{World, host};

const PEER_PORT: u16 = 7001;
/// Whom the operator asks to found the cluster; the others ask to be taken in.
pub(crate) const FOUNDER: u64 = 1;

/// Where other nodes reach a node.
pub(crate) fn address(id: u64) -> String {
    format!("{}:{PEER_PORT}", host(id))
}

/// Runs a node until its machine goes or its log stops.
pub(crate) async fn run(world: World, id: u64) -> turmoil::Result {
    let node = world.node(id);
    let starts = node.start();
    let tasks = Tasks::default();
    let opened = start(&world, id, starts, &tasks).await;
    let handle = match opened {
        Ok(handle) => handle,
        Err(error) => {
            tracing::info!(id, ?error, "the node does not start");
            return Ok(());
        }
    };
    node.is_open(handle.clone(), tasks.clone());
    tracing::info!(id, starts, "the node is open");
    let peers = Routes::new(handle.peers());
    tasks.spawn("peers", net::serve(PEER_PORT, peers, tasks.clone()));
    let (history, desk) = (world.history.clone(), world.desk.clone());
    let clients = rpc::serve(history, desk, handle, tasks.clone());
    tasks.spawn("clients", clients);
    tasks.stopped().await;
    tracing::info!(id, "the node has stopped");
    node.is_gone();
    Ok(())
}

async fn start(world: &World, id: u64, starts: u64, tasks: &Tasks) -> Result<Handle, OpenError> {
    let (plan, node) = (&world.plan, world.node(id));
    let settings = Settings {
        node: NodeId(id),
        snapshot_every: plan.snapshot_every,
        history_keep: plan.history_keep,
        election_timeout: plan.election_timeout,
        lease_reads: plan.lease_reads,
        address: Some(address(id)),
        start: Start::Wait {
            join: (1..=plan.nodes)
                .filter(|other| *other != id && id != FOUNDER)
                .map(address)
                .collect(),
        },
        ..Settings::new(PathBuf::from(node.host()))
    };
    let parts = Parts {
        disk: Disk::Given(node.disk.power_on()),
        dial: Arc::new(SimDial),
        seed: plan.seed ^ (id << 32) ^ starts,
        ..Parts::new(Arc::new(node.clock.clone()))
    };
    let handle = open(settings, parts, tasks, &mut Registry::default()).await?;
    Ok(handle)
}
