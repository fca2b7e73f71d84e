//! Replicas that have come to different states must not go on unnoticed.
//!
//! Every so many events each replica takes a digest of its state, off the apply path, from a clone that costs
//! nothing. It then asks the other voters for theirs of the same revision. Whoever is in the minority stops. Nothing of
//! this goes through the log: what is compared there is what the log came to.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use takt_domain::State;
use takt_kit::Tasks;
use takt_model::{NodeId, Revision};
use tokio::sync::mpsc;

use crate::codec::digest;
use crate::members::Members;
use crate::metrics::Metrics;
use crate::store::Disk;

/// Digests that are remembered for others who ask a little later.
const KEPT: usize = 8;
const ASK_WITHIN: Duration = Duration::from_secs(2);
/// Others may need a moment to get to the revision.
const ASK_TIMES: u32 = 5;
const ASK_PAUSE: Duration = Duration::from_secs(1);

pub(crate) type Digest = [u8; 32];

/// Where the state machine leaves states to be looked at, and where digests are found. Clones share both.
#[derive(Debug, Clone)]
pub(crate) struct Digests {
    every: u64,
    due: mpsc::Sender<Arc<State>>,
    known: Arc<Mutex<VecDeque<(Revision, Digest)>>>,
}

impl Digests {
    /// `every` 0: never.
    pub(crate) fn new(every: u64) -> (Self, mpsc::Receiver<Arc<State>>) {
        // A replica that catches up passes many; those it has no time for are left out.
        let (due, inbox) = mpsc::channel(1);
        let known = Arc::default();
        (Self { every, due, known }, inbox)
    }

    /// Whether a state of this revision is one that all replicas look at. A batch is applied whole, and to all the same.
    pub(crate) fn passes(&self, before: Revision, after: Revision) -> bool {
        self.every > 0 && before.0 / self.every < after.0 / self.every
    }

    pub(crate) fn offer(&self, state: &Arc<State>) {
        let _full = self.due.try_send(Arc::clone(state));
    }

    pub(crate) fn of(&self, revision: Revision) -> Option<Digest> {
        let known = self.known.lock();
        let found = known.iter().find(|(known, _)| *known == revision);
        found.map(|(_, digest)| *digest)
    }

    fn remember(&self, revision: Revision, digest: Digest) {
        let mut known = self.known.lock();
        if known.len() == KEPT {
            known.pop_front();
        }
        known.push_back((revision, digest));
    }
}

/// What the others say about a revision.
#[derive(Debug, PartialEq, Eq)]
enum Comparison {
    Same,
    /// More say something else than say the same: this replica is wrong.
    Minority,
    /// Some say something else, and this replica is not the one that stops.
    Majority,
    /// Too few have said anything.
    Unknown,
}

/// Compares the states that the state machine left.
#[derive(Debug)]
pub(crate) struct Comparing {
    pub(crate) digests: Digests,
    pub(crate) members: Members,
    /// Where work that takes its time is done, here as there.
    pub(crate) disk: Disk,
    pub(crate) metrics: Metrics,
}

impl Comparing {
    /// Fails, and with it the group of tasks, when this replica is in the minority.
    pub(crate) async fn run(
        self,
        mut due: mpsc::Receiver<Arc<State>>,
        tasks: Tasks,
    ) -> io::Result<()> {
        loop {
            let state = tokio::select! {
                biased;
                () = tasks.stopped() => return Ok(()),
                state = due.recv() => state,
            };
            let Some(state) = state else {
                return Ok(());
            };
            let revision = state.revision;
            let own = self.disk.run(move || Ok(digest(&state))).await?;
            self.digests.remember(revision, own);
            tokio::select! {
                biased;
                () = tasks.stopped() => return Ok(()),
                comparison = compare(&self.members, revision, own) => self.conclude(revision, comparison)?,
            }
        }
    }

    fn conclude(&self, revision: Revision, comparison: Comparison) -> io::Result<()> {
        let (node, revision) = (self.members.node.0, revision.0);
        match comparison {
            Comparison::Same => self.metrics.compared("same"),
            Comparison::Unknown => self.metrics.compared("unknown"),
            Comparison::Majority => {
                self.metrics.compared("majority");
                tracing::error!(revision, "another voter has come to a different state");
            }
            Comparison::Minority => {
                self.metrics.compared("minority");
                tracing::error!(
                    node,
                    revision,
                    "this replica has come to a different state than the other voters, and stops; start it with an empty directory, so that it gets theirs"
                );
                let text = format!("diverged from the other voters at revision {revision}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        Ok(())
    }
}

async fn compare(members: &Members, revision: Revision, own: Digest) -> Comparison {
    let mut said = BTreeMap::new();
    for attempt in 0..ASK_TIMES {
        let voters = members.voters();
        let others: Vec<(NodeId, String)> = members
            .others()
            .into_iter()
            .filter(|(node, _)| voters.contains(node))
            .collect();
        for (node, address) in &others {
            if said.contains_key(node) {
                continue;
            }
            let asked = members.caller.digest(*node, address, revision, ASK_WITHIN);
            match asked.await {
                Ok(Some(digest)) => {
                    said.insert(*node, digest);
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(%node, %error, "no digest to compare with"),
            }
        }
        if said.len() == others.len() {
            break;
        }
        if attempt + 1 < ASK_TIMES {
            tokio::time::sleep(ASK_PAUSE).await;
        }
    }
    judge(own, said.values(), members.voters().len())
}

/// A majority of all voters must agree on something else before anybody stops.
fn judge<'a>(own: Digest, others: impl Iterator<Item = &'a Digest>, voters: usize) -> Comparison {
    let mut counts: BTreeMap<Digest, usize> = BTreeMap::from([(own, 1)]);
    for digest in others {
        *counts.entry(*digest).or_default() += 1;
    }
    let majority = voters / 2 + 1;
    let agreed = counts.iter().find(|(_, count)| **count >= majority);
    match agreed {
        Some((digest, _)) if *digest != own => Comparison::Minority,
        Some(_) if counts.len() > 1 => Comparison::Majority,
        Some(_) => Comparison::Same,
        None if counts.len() > 1 => Comparison::Majority,
        None => Comparison::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Digest = [1; 32];
    const B: Digest = [2; 32];

    #[test]
    fn only_a_majority_that_says_something_else_makes_a_replica_stop() {
        assert_eq!(judge(A, [A, A].iter(), 3), Comparison::Same);
        assert_eq!(judge(A, [B, B].iter(), 3), Comparison::Minority);
        assert_eq!(judge(A, [A, B].iter(), 3), Comparison::Majority);
        assert_eq!(judge(A, [B].iter(), 3), Comparison::Majority);
        assert_eq!(judge(A, [].iter(), 3), Comparison::Unknown);
        assert_eq!(judge(A, [B, B].iter(), 5), Comparison::Majority);
        assert_eq!(judge(A, [B, B, B].iter(), 5), Comparison::Minority);
        assert_eq!(judge(A, [].iter(), 1), Comparison::Same);
    }

    #[test]
    fn states_are_looked_at_when_a_round_number_of_events_is_passed() {
        let (digests, _inbox) = Digests::new(10);
        let passes = |before, after| digests.passes(Revision(before), Revision(after));
        assert!(passes(9, 10) && passes(8, 13) && passes(19, 31));
        assert!(!passes(10, 19) && !passes(0, 9));
        let (never, _inbox) = Digests::new(0);
        assert!(!never.passes(Revision(0), Revision(1000)));
    }
}
