//! The log files of stopped nodes, opened one by one: what is on each disk, whatever its server said.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use prometheus_client::registry::Registry;
use takt_domain::{State, invariants};
use takt_kit::{SystemClock, Tasks};
use takt_log::{Handle, Parts, Settings, Start};
use takt_model::NodeId;

use super::world::World;

/// Compares the states on the disks of all members, and holds each against the rules of the domain.
///
/// # Errors
/// When two are not the same, or one breaks a rule.
pub(super) async fn compare(world: &World) -> anyhow::Result<()> {
    let tasks = Tasks::default();
    let mut logs = Vec::new();
    for node in world.members() {
        let log = open(world, node, &tasks).await;
        logs.push((
            node,
            log.with_context(|| format!("opening the log of node {node}"))?,
        ));
    }
    // Applying is not synced, so the last decisions may not be noted as applied on each disk.
    let common = logs.iter().map(|(_, log)| log.state().revision).min();
    let common = common.context("there are members")?;
    let mut first: Option<(u64, Arc<State>)> = None;
    for (node, log) in &logs {
        let newest = log.state();
        invariants::check(&newest).with_context(|| format!("the state of node {node}"))?;
        let state = log.state_at(common).await?;
        match &first {
            None => first = Some((*node, state)),
            Some((other, same)) => ensure!(
                *same == state,
                "nodes {other} and {node} have different states at revision {common}"
            ),
        }
    }
    println!(
        "{} log files hold the same state at revision {common}, and it breaks no rule",
        logs.len()
    );
    drop(logs);
    tasks.stop();
    tasks.drain(Duration::from_secs(10)).await;
    Ok(())
}

/// Alone and without a network of its own: it reads, and comes no further.
async fn open(world: &World, node: u64, tasks: &Tasks) -> anyhow::Result<Handle> {
    let settings = Settings {
        node: NodeId(node),
        start: Start::Wait { join: Vec::new() },
        // Longer than this takes: it does not stand for election.
        election_timeout: Duration::from_secs(3600),
        ..Settings::new(world.node(node).disk.log())
    };
    let parts = Parts::new(Arc::new(SystemClock));
    let log = takt_log::open(settings, parts, tasks, &mut Registry::default()).await?;
    Ok(log)
}
