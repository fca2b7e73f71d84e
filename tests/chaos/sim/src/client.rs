//! A client: asks, records what it heard, asks again when it heard nothing.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use takt_domain::{CommandId, State};
use takt_log::{Proposal, ProposeError};
use uuid::Uuid;

use crate::history::{Call, Reply};
use crate::rpc::ask;
use crate::workload;
use crate::world::{World, host};

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Of so many calls one is a read.
const READ_ONE_IN: u32 = 4;

struct Client {
    world: World,
    number: u32,
    rng: SmallRng,
    /// What it knows, so that its wishes make sense.
    known: Arc<State>,
    /// Whom it asks.
    node: u64,
}

/// Works until the world is quiet.
pub(crate) async fn run(world: World, number: u32) -> turmoil::Result {
    let seed = world
        .plan
        .seed
        .wrapping_mul(1_000)
        .wrapping_add(number.into());
    let mut client = Client {
        world,
        number,
        rng: SmallRng::seed_from_u64(seed),
        known: Arc::default(),
        node: 1,
    };
    while !client.world.is_quiet() {
        client.pause().await;
        if client.rng.random_ratio(1, READ_ONE_IN) {
            client.ask_another(None);
            client.attempt(Call::Read, false).await;
        } else {
            client.change().await;
        }
    }
    Ok(())
}

impl Client {
    async fn pause(&mut self) {
        let mean = self.world.plan.call_every.as_secs_f64();
        let pause = -mean * f64::ln(1.0 - self.rng.random::<f64>());
        tokio::time::sleep(Duration::from_secs_f64(pause)).await;
    }

    /// Sends a command, and the same again while nobody knows what became of it.
    async fn change(&mut self) {
        let command = workload::command(&mut self.rng, &self.known);
        let proposal = Proposal {
            id: CommandId(Uuid::from_u128(self.rng.random())),
            actor: format!("client-{}", self.number),
            command,
            dry_run: false,
        };
        let attempts = self.rng.random_range(1..=4);
        for _ in 0..attempts {
            let one_in = self.world.plan.twice_one_in;
            let twice = one_in > 0 && self.rng.random_ratio(1, one_in);
            let call = Call::Propose(proposal.clone());
            if self.attempt(call, twice).await || self.world.is_quiet() {
                return;
            }
            self.pause().await;
        }
    }

    /// Whether it is known what became of it. Sent twice it is two attempts, of which one is not waited for.
    async fn attempt(&mut self, call: Call, twice: bool) -> bool {
        let (history, desk) = (&self.world.history, &self.world.desk);
        let called = || history.called(self.number, self.node, call.clone());
        let number = called();
        let numbers = if twice {
            vec![number, called()]
        } else {
            vec![number]
        };
        let reply = ask(desk, &host(self.node), &numbers, PATIENCE).await;
        tracing::debug!(number, node = self.node, ?reply, "asked");
        let Some(reply) = reply else {
            self.ask_another(None);
            return false;
        };
        history.returned(number, reply.clone());
        let known = !reply.is_unknown();
        match reply {
            Reply::Done(answer) => self.known = answer.state,
            Reply::State(state) => self.known = state,
            Reply::Failed(ProposeError::NotLeader { leader }) => {
                self.ask_another(leader.map(|leader| leader.0));
            }
            Reply::Failed(ProposeError::Rejected(_)) | Reply::Operated => {}
            Reply::Failed(_) => self.ask_another(None),
        }
        known
    }

    fn ask_another(&mut self, named: Option<u64>) {
        let anybody = self.rng.random_range(1..=self.world.plan.nodes);
        self.node = match named {
            Some(leader) if self.rng.random_bool(0.9) => leader,
            _ => anybody,
        };
    }
}
