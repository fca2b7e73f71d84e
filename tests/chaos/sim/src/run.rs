//! One simulation from beginning to end.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use turmoil::{Builder, Sim};

use crate::faults::Faults;
use crate::plan::Plan;
use crate::violation::{Id, Violation};
use crate::watch::Watch;
use crate::world::World;
use crate::{client, node, operator, tenants, trace};

const TICK: Duration = Duration::from_millis(1);
/// Sockets that wait at a host; a burst must not overflow them.
const TCP_CAPACITY: usize = 1 << 16;
/// A random cut of a link lasts until so many further messages were tried, on average two.
const REPAIR_RATE: f64 = 0.5;
/// Simulations end before.
const AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// What a simulation that held looked like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Simulated.
    pub lasted: Duration,
    pub revision: u64,
    pub calls: usize,
    /// Of those, how many were answered so that the client knew.
    pub answered: u64,
    pub checks: u64,
    /// For how many tenants the search for an order gave up.
    pub undecided: u64,
    pub faults: BTreeMap<&'static str, u64>,
}

/// What a simulation that did not hold broke, and when.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("after {at:?}: {violation}")]
pub struct Failure {
    pub at: Duration,
    #[source]
    pub violation: Violation,
}

/// Runs a plan.
///
/// # Errors
/// The first thing that did not hold.
pub fn run(plan: &Plan) -> Result<Report, Failure> {
    let world = World::new(plan.clone());
    let mut at = Duration::ZERO;
    let run = AssertUnwindSafe(|| simulate(&world, &mut at));
    let outcome = catch_unwind(run).unwrap_or_else(|panic| {
        let what = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Id::NoPanic.violated(what.unwrap_or("a panic without words").to_owned()))
    });
    outcome.map_err(|violation| Failure { at, violation })
}

fn simulate(world: &World, at: &mut Duration) -> Result<Report, Violation> {
    let plan = &world.plan;
    let mut sim = build(world);
    let mut faults = Faults::new(world.clone());
    let mut watch = Watch::default();
    if plan.founded_in_peace {
        until(&mut sim, world, &mut faults, &mut watch, at, is_complete)?;
        tracing::info!("every node is a voter");
    }
    faults.begin(sim.elapsed());
    let over = sim.elapsed() + plan.faults_for;
    while sim.elapsed() < over {
        faults.act(&mut sim);
        step(&mut sim, world, &mut watch, at)?;
    }
    tracing::info!("faults are over");
    world.calm_down();
    faults.stop(&mut sim);
    watch.count_answers_from_here(world.history.now());
    until(&mut sim, world, &mut faults, &mut watch, at, Watch::serves)?;
    world.be_quiet();
    until(
        &mut sim,
        world,
        &mut faults,
        &mut watch,
        at,
        Watch::is_settled,
    )?;
    tracing::info!("power goes everywhere");
    for node in &world.nodes {
        node.disk.power_off();
    }
    until(
        &mut sim,
        world,
        &mut faults,
        &mut watch,
        at,
        Watch::is_settled,
    )?;
    watch.oracle.close()?;
    let ops = world.history.ops();
    let undecided = tenants::check(&ops, |command| watch.oracle.is_applied(command))?;
    Ok(Report {
        lasted: sim.elapsed(),
        revision: watch.oracle.newest().revision.0,
        calls: ops.len(),
        undecided,
        answered: watch.oracle.answered(),
        checks: watch.checks,
        faults: faults.count().clone(),
    })
}

/// Goes on until all is well again.
fn until(
    sim: &mut Sim<'_>,
    world: &World,
    faults: &mut Faults,
    watch: &mut Watch,
    at: &mut Duration,
    well: fn(&Watch, &World) -> Result<(), String>,
) -> Result<(), Violation> {
    let deadline = sim.elapsed() + world.plan.heal_within;
    loop {
        let now = sim.elapsed();
        faults.keep_running(sim, now);
        step(sim, world, watch, at)?;
        match well(watch, world) {
            Ok(()) => return Ok(()),
            Err(why) if now > deadline => return Err(Id::Heals.violated(why)),
            Err(_) => {}
        }
    }
}

fn is_complete(_: &Watch, world: &World) -> Result<(), String> {
    let voters = world.members().map_or(0, |(_, voters)| voters.len());
    if voters == world.nodes.len() {
        return Ok(());
    }
    Err(format!("only {voters} nodes are voters"))
}

fn build(world: &World) -> Sim<'static> {
    let plan = &world.plan;
    let mut builder = Builder::new();
    builder
        .rng_seed(plan.seed)
        .enable_random_order()
        .tick_duration(TICK)
        .simulation_duration(AT_MOST)
        .min_message_latency(plan.latency_min)
        .max_message_latency(plan.latency_max)
        .tcp_capacity(TCP_CAPACITY);
    if plan.lose_one_in > 0 {
        builder
            .fail_rate(1.0 / f64::from(plan.lose_one_in))
            .repair_rate(REPAIR_RATE);
    }
    let mut sim = builder.build();
    for id in 1..=plan.nodes {
        let world = world.clone();
        sim.host(world.node(id).host(), move || node::run(world.clone(), id));
    }
    for number in 1..=plan.clients {
        let world = world.clone();
        sim.host(format!("client-{number}"), move || {
            client::run(world.clone(), number)
        });
    }
    let world = world.clone();
    sim.host("operator", move || operator::run(world.clone()));
    sim
}

fn step(
    sim: &mut Sim<'_>,
    world: &World,
    watch: &mut Watch,
    at: &mut Duration,
) -> Result<(), Violation> {
    *at = sim.elapsed();
    trace::step_at(*at);
    sim.step()
        .map_err(|error| Id::NoPanic.violated(error.to_string()))?;
    watch.look(world)
}
