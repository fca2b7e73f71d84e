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

/// How often a client asks at most.
const ATTEMPTS_MAX: u32 = 12;
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
    /// It asks whoever leads, from the moment on: what runs on the leader does so.
    inside: bool,
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
        inside: number.is_multiple_of(2),
    };
    while !client.world.is_quiet() {
        client.pause(client.world.plan.call_every).await;
        if client.rng.random_ratio(1, READ_ONE_IN) {
            client.ask_another(None);
            let reply = client.asked(Call::Read, false).await;
            client.heard(reply);
        } else {
            client.change().await;
        }
    }
    Ok(())
}

impl Client {
    async fn pause(&mut self, mean: Duration) {
        let pause = mean.mul_f64(-f64::ln(1.0 - self.rng.random::<f64>()));
        tokio::time::sleep(pause).await;
    }

    /// Sends commands, and the same again while nobody knows what became of them.
    async fn change(&mut self) {
        let count = self.rng.random_range(1..=self.world.plan.burst);
        let mut open: Vec<Proposal> = (0..count).map(|_| self.proposal()).collect();
        let attempts = self.rng.random_range(1..=ATTEMPTS_MAX);
        for _ in 0..attempts {
            if self.inside
                && let Some((leader, _)) = self.world.members()
            {
                self.node = leader;
            }
            let one_in = self.world.plan.twice_one_in;
            let twice = one_in > 0 && self.rng.random_ratio(1, one_in);
            let calls = open
                .iter()
                .map(|proposal| self.asked(Call::Propose(proposal.clone()), twice));
            let replies = futures::future::join_all(calls).await;
            let mut replies = replies.into_iter();
            open.retain(|_| !self.heard(replies.next().flatten()));
            if open.is_empty() || self.world.is_quiet() {
                return;
            }
            self.pause(self.world.plan.retry_every).await;
        }
    }

    fn proposal(&mut self) -> Proposal {
        Proposal {
            id: CommandId(Uuid::from_u128(self.rng.random())),
            actor: format!("client-{}", self.number),
            command: workload::command(&mut self.rng, &self.known, &self.world.plan.favourites),
            dry_run: false,
        }
    }

    /// The reply if there is one in time. Sent twice it is two attempts, of which one is not waited for.
    async fn asked(&self, call: Call, twice: bool) -> Option<Reply> {
        let (history, desk) = (&self.world.history, &self.world.desk);
        let called = || history.called(self.number, self.node, call.clone());
        let number = called();
        let numbers = if twice {
            vec![number, called()]
        } else {
            vec![number]
        };
        let reply = ask(desk, &host(self.node), &numbers, self.world.plan.patience).await;
        tracing::debug!(number, node = self.node, ?reply, "asked");
        let reply = reply?;
        history.returned(number, reply.clone());
        Some(reply)
    }

    /// Learns from a reply; whether it is known now what became of the call.
    fn heard(&mut self, reply: Option<Reply>) -> bool {
        let Some(reply) = reply else {
            self.ask_another(None);
            return false;
        };
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
