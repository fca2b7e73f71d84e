//! Everything there is in a run: nodes, network, and what was asked, heard and shown.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use parking_lot::Mutex;
use takt_kit::{Clock as _, SystemClock};
use takt_testkit::eventually;
use takt_wire::takt::admin::v1 as wire;
use tokio::time::{Instant, sleep};

use super::client::Door;
use super::facts::Facts;
use super::history::History;
use super::net::Net;
use super::nodes::{Node, Site};
use crate::random::Random;

/// How many nodes there are places for.
pub(super) const PLACES: u64 = 5;
/// How long the cluster may take to be whole again when nothing is wrong any more.
const HEALED_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(150);

#[derive(Debug)]
pub(super) struct World {
    pub(super) net: Net,
    pub(super) history: History,
    pub(super) facts: Facts,
    nodes: Vec<Node>,
    doors: Vec<Door>,
    members: Mutex<BTreeSet<u64>>,
    over: AtomicBool,
    closed: AtomicBool,
    /// Unix nanoseconds.
    started_at: u64,
    began: Instant,
    story: Mutex<File>,
}

impl World {
    /// # Errors
    /// When the machine cannot.
    pub(super) fn build(site: &Site, token: &str) -> anyhow::Result<Self> {
        let net = Net::build(PLACES)?;
        let nodes = (1..=PLACES).map(|number| Node::build(number, site));
        let nodes = nodes.collect::<anyhow::Result<Vec<_>>>()?;
        let doors = nodes.iter().map(|node| Door::to(node.url(), token));
        Ok(Self {
            net,
            history: History::default(),
            facts: Facts::default(),
            doors: doors.collect::<anyhow::Result<_>>()?,
            nodes,
            members: Mutex::default(),
            over: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            started_at: SystemClock.now().0,
            began: Instant::now(),
            story: Mutex::new(File::create(site.dir.join("story"))?),
        })
    }

    /// Writes down what happens, for whoever wants to know why it did not hold.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn note(&self, what: &str) -> anyhow::Result<()> {
        let at = self.began.elapsed();
        writeln!(self.story.lock(), "{at:>10.3?} {what}")?;
        Ok(())
    }

    pub(super) fn started_at(&self) -> u64 {
        self.started_at
    }

    pub(super) fn node(&self, number: u64) -> &Node {
        &self.nodes[place(number)]
    }

    pub(super) fn door(&self, number: u64) -> &Door {
        &self.doors[place(number)]
    }

    /// Who belongs to the cluster, whether it runs or not.
    pub(super) fn members(&self) -> Vec<u64> {
        self.members.lock().iter().copied().collect()
    }

    pub(super) fn take_in(&self, node: u64) {
        self.members.lock().insert(node);
    }

    pub(super) fn let_go(&self, node: u64) {
        self.members.lock().remove(&node);
    }

    pub(super) fn others(&self, than: u64) -> Vec<u64> {
        let mut others = self.members();
        others.retain(|node| *node != than);
        others
    }

    /// Clients finish what they are at.
    pub(super) fn enough(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Nobody looks at the nodes any more, or starts them again.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn any(&self, random: &mut Random) -> u64 {
        random.pick(&self.members()).unwrap_or(1)
    }

    pub(super) async fn status(&self, node: u64) -> anyhow::Result<wire::GetStatusResponse> {
        let life = self.node(node).life().context("it does not run")?;
        let before = self.facts.reached(node);
        let mut door = self.door(node).status();
        let answer = door.get_status(wire::GetStatusRequest {}).await;
        let status = answer?.into_inner();
        // It may have been started again meanwhile, and then nobody knows which life that was.
        if self.node(node).life() == Some(life) {
            self.facts.said(node, life, before, &status)?;
        }
        Ok(status)
    }

    /// Waits until a node answers; whoever is told to stop before has not even learnt to listen.
    ///
    /// # Errors
    /// When it takes too long.
    pub(super) async fn answers(&self, node: u64) -> anyhow::Result<()> {
        eventually(HEALED_WITHIN, || async {
            self.status(node).await.map(|_| ())
        })
        .await
        .with_context(|| format!("node {node} does not answer"))
    }

    /// Who leads, as those say who know of the latest term.
    ///
    /// # Errors
    /// When nobody says.
    pub(super) async fn leader(&self) -> anyhow::Result<u64> {
        eventually(HEALED_WITHIN, || async {
            let mut newest = (0, None);
            for node in self.members() {
                if let Ok(status) = self.status(node).await {
                    newest = newest.max((status.term, status.leader));
                }
            }
            newest.1.context("nobody says who leads")
        })
        .await
    }

    /// Waits until every member runs, votes, knows who leads, and has all that any had when this was asked.
    ///
    /// # Errors
    /// When that takes too long.
    pub(super) async fn whole(&self) -> anyhow::Result<()> {
        let members = self.members();
        let mut least = 0;
        for node in &members {
            if let Ok(status) = self.status(*node).await {
                least = least.max(status.revision);
            }
        }
        eventually(HEALED_WITHIN, || async {
            for node in &members {
                let status = self
                    .status(*node)
                    .await
                    .with_context(|| format!("node {node}"))?;
                let mut voters = status.voters.clone();
                voters.sort_unstable();
                let whole =
                    voters == members && status.leader.is_some() && status.revision >= least;
                ensure!(
                    whole,
                    "node {node} is not there yet: {status:?}, wanted {least}"
                );
            }
            Ok(())
        })
        .await
        .context("the cluster does not become whole")
    }

    /// Looks at a node all the time: how it is and what it has applied; and starts it again.
    ///
    /// # Errors
    /// When it shows what cannot be.
    pub(super) async fn watch(&self, node: u64) -> anyhow::Result<()> {
        let mut seen = 0;
        while !self.closed.load(Ordering::Relaxed) {
            self.node(node).supervise()?;
            if self.node(node).life().is_some() {
                if let Err(error) = self.status(node).await
                    && error.downcast_ref::<tonic::Status>().is_none()
                    && self.node(node).life().is_some()
                {
                    return Err(error);
                }
                seen = self.audit(node, seen).await?;
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// What a node applied after a revision; how far that is.
    ///
    /// # Errors
    /// When it contradicts what was shown before.
    pub(super) async fn audit(&self, node: u64, mut seen: u64) -> anyhow::Result<u64> {
        loop {
            let request = wire::ListEntriesRequest {
                page_token: seen.to_string(),
                ..wire::ListEntriesRequest::default()
            };
            let Ok(answer) = self.door(node).audit().list_entries(request).await else {
                return Ok(seen);
            };
            let answer = answer.into_inner();
            for entry in answer.entries {
                seen = seen.max(entry.revision);
                self.facts.shown(node, entry)?;
            }
            if answer.next_page_token.is_empty() {
                return Ok(seen);
            }
        }
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number - 1).unwrap_or(usize::MAX)
}
