//! Whoever runs the cluster: founds it, lets members go and takes them in again, moves the leader; and
//! in the end sees to it that every node is a voter.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::history::{Call, Operation};
use crate::node::FOUNDER;
use crate::rpc::ask;
use crate::world::{World, host};

/// How long the operator waits for an answer; a change of members takes two rounds.
const PATIENCE: Duration = Duration::from_secs(6);
const PAUSE: Duration = Duration::from_millis(300);
/// The operator is no client.
const NUMBER: u32 = 0;

pub(crate) async fn run(world: World) -> turmoil::Result {
    let mut rng = SmallRng::seed_from_u64(world.plan.seed ^ 0x09E2);
    while !world.is_founded() {
        operate(&world, FOUNDER, Operation::Found).await;
        tokio::time::sleep(PAUSE).await;
    }
    loop {
        match world.plan.operate_every {
            Some(mean) if !world.is_calm() => {
                let pause = mean.mul_f64(-f64::ln(1.0 - rng.random::<f64>()));
                tokio::time::sleep(pause).await;
                if !world.is_calm() {
                    interfere(&world, &mut rng).await;
                }
            }
            Some(_) | None => tokio::time::sleep(PAUSE).await,
        }
        // Who was let go last is taken in again, though nobody asks for anything any more.
        if complete(&world).await && world.is_quiet() {
            return Ok(());
        }
    }
}

async fn interfere(world: &World, rng: &mut SmallRng) {
    let Some((leader, voters)) = world.members() else {
        return;
    };
    let node = rng.random_range(1..=world.plan.nodes);
    // Fewer than three voters would only make faults count for more.
    let operation = if rng.random_bool(0.5) && voters.len() > 2 {
        Operation::Remove(node)
    } else {
        Operation::Transfer(node)
    };
    operate(world, leader, operation).await;
}

/// Takes in somebody who is missing; whether nobody was.
async fn complete(world: &World) -> bool {
    let Some((leader, voters)) = world.members() else {
        return false;
    };
    let missing = (1..=world.plan.nodes).find(|node| !voters.contains(node));
    let Some(node) = missing else {
        return true;
    };
    operate(world, leader, Operation::Add(node)).await;
    operate(world, leader, Operation::Promote(node)).await;
    false
}

async fn operate(world: &World, at: u64, operation: Operation) {
    let number = world.history.called(NUMBER, at, Call::Operate(operation));
    let reply = ask(&world.desk, &host(at), &[number], PATIENCE).await;
    tracing::info!(at, ?operation, ?reply, "operated");
}
