//! What every cluster must be able to do, one after the other, while clients write.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use takt_testkit::eventually;
use takt_wire::takt::admin::v1 as wire;
use tokio::time::{Instant, timeout};

use super::workload::Client;
use super::world::World;
use crate::random::Random;

/// From the death of the leader to the next write that is accepted.
const FAILOVER_WITHIN: Duration = Duration::from_secs(2);
/// Nothing it could wait for comes.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
const START_WITHIN: Duration = Duration::from_secs(30);
/// A sync that takes so long is felt.
const SLOW_MILLISECONDS: u64 = 300;

/// Founds a cluster of the first three nodes.
///
/// # Errors
/// Here as below: when it does not come to that in time, or something else is wrong.
pub(super) async fn found(world: &World) -> anyhow::Result<()> {
    for node in 1..=3 {
        world.node(node).start()?;
        world.take_in(node);
    }
    let bootstrap = || async {
        let request = wire::BootstrapClusterRequest {};
        match world.door(1).cluster().bootstrap_cluster(request).await {
            // It was founded by an earlier attempt, whose answer was lost.
            Err(status) if status.code() == tonic::Code::FailedPrecondition => Ok(()),
            founded => founded.map(|_| ()).map_err(anyhow::Error::from),
        }
    };
    eventually(START_WITHIN, bootstrap).await?;
    world.whole().await
}

/// A change is taken on every node, and seen on all others.
pub(super) async fn write_on_every_node(
    world: &Arc<World>,
    random: &mut Random,
) -> anyhow::Result<()> {
    for node in world.members() {
        let tenant = format!("written-on-{node}");
        let mut client = only(world, &[node], random);
        client.create(&tenant).await?;
        for other in world.others(node) {
            let tenant = tenant.clone();
            let mut tenants = world.door(other).tenants();
            let seen = tenants.get_tenant(wire::GetTenantRequest { tenant }).await;
            seen.with_context(|| format!("written on {node}, asked on {other}"))?;
        }
    }
    println!(
        "written on each of {} nodes, seen on all",
        world.members().len()
    );
    Ok(())
}

/// The faults are real: slow syncs make writes slow, and who is cut off from the others acknowledges nothing.
pub(super) async fn faults_are_felt(world: &Arc<World>, random: &mut Random) -> anyhow::Result<()> {
    for node in world.members() {
        world.node(node).disk.sync_within(SLOW_MILLISECONDS)?;
    }
    let began = Instant::now();
    only(world, &world.members(), random)
        .create("slowly")
        .await?;
    let slowly = began.elapsed();
    for node in world.members() {
        world.node(node).disk.sync_within(0)?;
    }
    let least = Duration::from_millis(SLOW_MILLISECONDS);
    ensure!(
        slowly >= least,
        "syncs of {least:?} are not felt: a write took {slowly:?}"
    );

    let alone = world.leader().await?;
    for other in world.others(alone) {
        world.net.cut(alone, other)?;
        world.net.cut(other, alone)?;
    }
    let began = Instant::now();
    only(world, &world.others(alone), random)
        .create("without-the-leader")
        .await?;
    let elsewhere = began.elapsed();
    let mut cut_off = only(world, &[alone], random);
    let mut asking = std::pin::pin!(cut_off.create("cut-off"));
    let taken = timeout(Duration::from_secs(1), &mut asking).await;
    for other in world.others(alone) {
        world.net.repair(alone, other)?;
        world.net.repair(other, alone)?;
    }
    ensure!(
        taken.is_err(),
        "a node that is cut off from all others acknowledged a command"
    );
    asking.await?;
    println!("a write took {slowly:?} with slow syncs, {elsewhere:?} with the leader cut off");
    world.whole().await
}

/// Writes go on soon after the leader was killed: so they do in most of several times, for on a machine that is
/// busy with something else one may be held up.
pub(super) async fn leader_killed(
    world: &Arc<World>,
    random: &mut Random,
    times: usize,
) -> anyhow::Result<()> {
    let mut waits = Vec::new();
    for kill in 1..=times {
        let leader = world.leader().await?;
        let mut client = only(world, &world.others(leader), random);
        let began = Instant::now();
        world.node(leader).kill()?;
        client.create(&format!("after-kill-{kill}")).await?;
        let took = began.elapsed();
        println!("leader {leader} killed: the next write was accepted after {took:?}");
        waits.push(took);
        world.node(leader).start()?;
        world.whole().await?;
    }
    waits.sort_unstable();
    let usual = waits[times / 2];
    ensure!(
        usual <= FAILOVER_WITHIN,
        "writes go on after {usual:?}, later than {FAILOVER_WITHIN:?}"
    );
    Ok(())
}

/// Each node is stopped and started, the others go on.
pub(super) async fn rolling_restart(world: &World) -> anyhow::Result<()> {
    for node in world.members() {
        world.node(node).stop().await?;
        world.node(node).start()?;
        world.whole().await?;
    }
    println!("each node stopped and started under load");
    Ok(())
}

/// A node stops when it is told to, also when it is cut off from the others.
pub(super) async fn stopped_while_cut_off(world: &World, node: u64) -> anyhow::Result<()> {
    for other in world.others(node) {
        world.net.cut(node, other)?;
        world.net.cut(other, node)?;
    }
    let began = Instant::now();
    world.node(node).stop().await?;
    let took = began.elapsed();
    for other in world.others(node) {
        world.net.repair(node, other)?;
        world.net.repair(other, node)?;
    }
    println!("node {node} stopped after {took:?}, cut off from the others");
    ensure!(
        took < STOPPED_WITHIN,
        "that is longer than {STOPPED_WITHIN:?}"
    );
    world.node(node).start()?;
    world.whole().await
}

/// A voter loses its disk, and comes back with a snapshot.
pub(super) async fn wiped(world: &World, node: u64) -> anyhow::Result<()> {
    let began = Instant::now();
    world.node(node).kill()?;
    world.node(node).disk.wipe()?;
    world.node(node).start()?;
    world.whole().await?;
    let request = wire::ListEntriesRequest::default();
    let shown = world.door(node).audit().list_entries(request).await?;
    let from = shown.into_inner().kept_after;
    ensure!(
        from > 0,
        "node {node} was given the whole log, and no snapshot"
    );
    println!(
        "node {node} lost its disk and votes again after {:?}, from a snapshot at revision {from}",
        began.elapsed()
    );
    Ok(())
}

/// Two more nodes come in: one asks by itself, or is taken in by an operator if it was let go before.
pub(super) async fn grow(world: &World) -> anyhow::Result<()> {
    let members = world.members();
    let new: Vec<u64> = (1..=super::world::PLACES)
        .filter(|node| !members.contains(node))
        .collect();
    for node in &new {
        world.node(*node).start()?;
        let address = world.node(*node).peer_address();
        // By itself it comes in only if it was never a member; asking twice does no harm.
        eventually(START_WITHIN, || async {
            let door = world.door(world.leader().await?);
            let request = wire::AddMemberRequest {
                address: address.clone(),
            };
            door.cluster().add_member(request).await?;
            let request = wire::PromoteMemberRequest { node: *node };
            door.cluster().promote_member(request).await?;
            Ok(())
        })
        .await
        .with_context(|| format!("node {node} is not taken in"))?;
        world.take_in(*node);
    }
    world.whole().await?;
    println!("nodes {new:?} came in: {} voters", world.members().len());
    Ok(())
}

/// Two nodes are let go, one of them the leader; they are stopped and their disks thrown away.
pub(super) async fn shrink(world: &World, random: &mut Random) -> anyhow::Result<()> {
    let leader = world.leader().await?;
    let other = random
        .pick(&world.others(leader))
        .context("there is another")?;
    for node in [other, leader] {
        eventually(START_WITHIN, || async {
            let door = world.door(world.leader().await?);
            let removed = door
                .cluster()
                .remove_member(wire::RemoveMemberRequest { node })
                .await;
            match removed {
                Err(status) if status.code() != tonic::Code::NotFound => Err(status.into()),
                // Not found: an earlier attempt did it, and its answer was lost.
                Ok(_) | Err(_) => Ok(()),
            }
        })
        .await
        .with_context(|| format!("node {node} is not let go"))?;
        world.let_go(node);
        world.node(node).kill()?;
        world.node(node).disk.wipe()?;
    }
    world.whole().await?;
    println!(
        "node {other} and leader {leader} were let go: {} voters",
        world.members().len()
    );
    Ok(())
}

/// A client that asks these nodes only.
pub(super) fn only(world: &Arc<World>, nodes: &[u64], random: &mut Random) -> Client {
    let seed = random.next();
    Client::new(Arc::clone(world), "operator", Random::new(seed)).asking(nodes)
}
