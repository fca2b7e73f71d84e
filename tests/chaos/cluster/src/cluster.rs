//! The cluster of a control plane: several `takt serve`, each with a network and a disk of its own, under faults.
//!
//! A seed decides which faults come when, and what clients ask. It does not decide what the machine makes of it:
//! that is what the simulation is for. Here are the real kernel, TCP, the whole server and its API.
//!
//! Clients write all the time. What they were told is held against what every node showed and what is on every disk:
//! nothing acknowledged is lost, nothing happens twice, every answer fits one order, a term has one leader, all states
//! are the same and none breaks a rule of the domain.

mod acts;
mod books;
mod client;
mod disk;
mod facts;
mod faults;
mod history;
mod net;
mod nodes;
mod room;
mod verdict;
mod workload;
mod world;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use futures::future::try_join_all;
use takt_server::auth::AdminToken;
use takt_wire::takt::admin::v1 as wire;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout};

use crate::random::{self, Random};
use nodes::Site;
use workload::{Client, Expected};
use world::World;

const CLIENTS: u64 = 10;
/// Faults come for so long before the cluster grows or shrinks.
const ROUND: Duration = Duration::from_secs(40);
/// What follows the faults: becoming whole, stopping, checking.
const RECKONING: Duration = Duration::from_secs(120);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The server's binary.
    #[arg(long)]
    takt: PathBuf,
    /// Emptied; then there are settings and logs of the nodes.
    #[arg(long)]
    dir: PathBuf,
    /// Decides which faults come when; printed, so that they can be made to come again.
    #[arg(long)]
    seed: Option<u64>,
    /// How long things go wrong; what the cluster must be able to do in any case comes first.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Everything is set up for it: the program starts itself again with this.
    #[arg(long, hide = true)]
    inside: bool,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let seed = arguments.seed.unwrap_or_else(random::fresh_seed);
    if !arguments.inside {
        println!("seed {seed}");
        room::possible()?;
        let held = outside(&arguments, seed).await;
        if held.is_err() {
            let seconds = arguments.seconds;
            println!("again: make cluster-test SEED={seed} CLUSTER_SECONDS={seconds}");
        }
        return held;
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        held = inside(&arguments, seed) => held,
        _ = terminate.recv() => anyhow::bail!("asked to stop"),
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
    }
}

async fn outside(arguments: &Arguments, seed: u64) -> anyhow::Result<()> {
    if arguments.dir.exists() {
        fs::remove_dir_all(&arguments.dir)?;
    }
    fs::create_dir_all(&arguments.dir)?;
    let takt = arguments
        .takt
        .canonicalize()
        .context("the server's binary")?;
    let dir = arguments.dir.canonicalize()?;
    let again = [
        "cluster".to_owned(),
        "--inside".to_owned(),
        format!("--takt={}", takt.display()),
        format!("--dir={}", dir.display()),
        format!("--seed={seed}"),
        format!("--seconds={}", arguments.seconds),
    ];
    room::enter(&again).await
}

async fn inside(arguments: &Arguments, seed: u64) -> anyhow::Result<()> {
    room::furnish()?;
    let mut random = Random::new(seed);
    let site = Site {
        takt: arguments.takt.clone(),
        library: disk::slow_sync(&arguments.dir)?,
        token_file: arguments.dir.join("admin.token"),
        dir: arguments.dir.clone(),
        nodes: world::PLACES,
    };
    let (_, token) = AdminToken::open(&site.token_file)?;
    let token = token.context("the directory is empty, so the token is new")?;
    let world = Arc::new(World::build(&site, token.reveal())?);
    println!("links are made slow by {:?}", world.net.slowness);
    let watching = try_join_all((1..=world::PLACES).map(|node| world.watch(node)));
    let mut watching = std::pin::pin!(watching);
    tokio::select! {
        looked = &mut watching => { looked?; }
        opened = open(&world, &mut random) => opened?,
    }

    let clients = (0..CLIENTS).map(|number| {
        let random = Random::new(seed ^ (number + 1) << 32);
        Client::new(Arc::clone(&world), &number.to_string(), random).run()
    });
    let seconds = Duration::from_secs(arguments.seconds);
    let (expected, (), _) = tokio::try_join!(
        try_join_all(clients),
        story(&world, &mut random, seconds),
        watching,
    )?;
    timeout(RECKONING, reckon(&world, &expected))
        .await
        .context("checking takes too long")?
}

async fn open(world: &Arc<World>, random: &mut Random) -> anyhow::Result<()> {
    acts::found(world).await?;
    let mut operator = acts::only(world, &world.members(), random);
    for number in 0..workload::SHARED {
        operator.create(&workload::shared(number)).await?;
    }
    Ok(())
}

/// What happens, from the first act to the stop of the last node.
async fn story(world: &Arc<World>, random: &mut Random, seconds: Duration) -> anyhow::Result<()> {
    acts::write_on_every_node(world, random).await?;
    acts::leader_killed(world, random, 3).await?;
    acts::faults_are_felt(world, random).await?;
    acts::rolling_restart(world).await?;
    let leader = world.leader().await?;
    let follower = random
        .pick(&world.others(leader))
        .context("there are others")?;
    acts::stopped_while_cut_off(world, follower).await?;
    acts::wiped(world, follower).await?;
    acts::grow(world).await?;
    acts::shrink(world, random).await?;

    let end = Instant::now() + seconds;
    let mut counts = faults::Counts::new();
    while Instant::now() < end {
        faults::rage(world, random, end.min(Instant::now() + ROUND), &mut counts).await?;
        match world.members().len() {
            _ if Instant::now() >= end => {}
            3 => acts::grow(world).await?,
            _ => acts::shrink(world, random).await?,
        }
    }
    println!("faults: {counts:?}");
    world.enough();
    world.whole().await?;
    world.close();
    Ok(())
}

/// Nothing goes wrong any more, and nobody writes: everything is counted.
async fn reckon(world: &World, expected: &[Expected]) -> anyhow::Result<()> {
    world.whole().await?;
    for node in world.members() {
        world.audit(node, 0).await?;
        for client in expected {
            kept(world, node, client)
                .await
                .with_context(|| format!("on node {node}: {client:?}"))?;
        }
    }
    let facts = world.facts.all()?;
    let ops = world.history.ops();
    verdict::check(&ops, &facts)?;
    println!(
        "{} commands acknowledged ({} sent), {} decisions in {} terms: nothing lost, nothing twice, every answer fits one order",
        world.history.acknowledged(),
        world.history.attempts(),
        facts.len(),
        world.facts.terms(),
    );
    for node in world.members() {
        let said = world.node(node).said();
        ensure!(
            !said.contains("panicked"),
            "node {node} panicked; see its log"
        );
        ensure!(
            !said.contains("come to a different state"),
            "node {node} diverged; see its log"
        );
    }
    for node in world.members() {
        world.node(node).stop().await?;
    }
    books::compare(world).await
}

/// What only one client changes is as it was acknowledged last.
async fn kept(world: &World, node: u64, client: &Expected) -> anyhow::Result<()> {
    let tenant = client.tenant.clone();
    let request = wire::GetTenantRequest { tenant };
    let found = world.door(node).tenants().get_tenant(request).await?;
    let name = found.into_inner().tenant.context("a tenant")?.display_name;
    ensure!(name == client.display_name, "the tenant is called `{name}`");
    let request = wire::GetUsageRequest {
        tenant: client.tenant.clone(),
        period: String::new(),
    };
    let usage = world
        .door(node)
        .ledger()
        .get_usage(request)
        .await?
        .into_inner();
    let used: u64 = usage
        .usage
        .iter()
        .flat_map(|month| month.quantities.values())
        .sum();
    ensure!(used == client.used, "{used} was used");
    Ok(())
}
