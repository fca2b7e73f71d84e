//! Takes commands, decides them, proposes what follows, answers when it is applied.
//!
//! One task on the leader. Commands that wait are decided together, each on the state the ones
//! before it will leave, and proposed together. If anything goes wrong the whole round is repeated: a
//! command that did get through is recognised by its id and keeps its answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use openraft::ReadPolicy;
use openraft::errors::{
    ClientWriteError, Fatal, ForwardToLeader, LinearizableReadError, RaftError,
};
use takt_domain::{Applied, Batch, Command, CommandId, Event, Facts, Rejection, State, decide};
use takt_kit::{Clock, Tasks};
use takt_model::{NodeId, Revision, UnixNano};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::codec::level_of;
use crate::machine::Published;
use crate::metrics::{Metrics, Outcome};
use crate::types::{Raft, TypeConfig};

/// How many commands are decided together at most.
const ROUND_MAX: usize = 1024;
/// How often a round is decided anew because something else came first.
const STALE_MAX: usize = 3;
pub(crate) const BACKOFF_MIN: Duration = Duration::from_millis(5);
pub(crate) const BACKOFF_MAX: Duration = Duration::from_millis(200);

/// A command on its way in.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The same id again is the same command again.
    pub id: CommandId,
    pub actor: String,
    pub command: Command,
    /// Decide and answer, and write nothing.
    pub dry_run: bool,
}

/// It is done.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The revision after it.
    pub revision: Revision,
    /// What it came to. Empty when it was so already, and when that was so long ago that the history does not say.
    pub events: Vec<Event>,
    /// It had been carried out before, and this is what it came to then.
    pub repeated: bool,
    /// The state then, or a newer one. On a dry run: as it would be.
    pub state: Arc<State>,
}

/// Why a command was not carried out, or nobody knows whether it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("other changes kept coming first")]
    Conflict,
    #[error("too many commands are waiting")]
    Busy,
    #[error("this node does not lead the control plane")]
    NotLeader { leader: Option<NodeId> },
    /// It may still happen; sending it again with the same id is safe.
    #[error("no answer in time; it may still be carried out")]
    Timeout,
    #[error(
        "this node belongs to no cluster yet; found one with `takt ctl cluster bootstrap`, or name members in `control.join`"
    )]
    NoCluster,
    /// Retrying helps when the last voter is upgraded.
    #[error(
        "the command needs events of level {needed}, but some voter only understands level {committed}"
    )]
    Level { needed: u32, committed: u32 },
    #[error("the control plane is stopping")]
    Stopped,
}

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) proposal: Proposal,
    pub(crate) reply: oneshot::Sender<Result<Answer, ProposeError>>,
}

#[derive(Debug)]
pub(crate) struct Proposer {
    pub(crate) node: NodeId,
    pub(crate) raft: Raft,
    pub(crate) published: Arc<Published>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) metrics: Metrics,
}

/// What one command of a round comes to.
enum Verdict {
    Propose(Vec<Event>),
    /// An answer from state: nothing to propose.
    Known(Result<Decided, ProposeError>),
}

/// A yes on its way out.
struct Decided {
    revision: Revision,
    events: Vec<Event>,
    /// As it would be, on a dry run.
    state: Option<Arc<State>>,
}

impl Decided {
    fn already(revision: Revision) -> Self {
        Self {
            revision,
            events: Vec::new(),
            state: None,
        }
    }
}

/// Why a round has to be repeated, or cannot be.
pub(crate) enum Setback {
    Stale,
    Later(&'static str),
    NotLeader(Option<NodeId>),
    Fatal(Fatal<TypeConfig>),
}

impl Proposer {
    pub(crate) async fn run(self, mut jobs: mpsc::Receiver<Job>, tasks: Tasks) -> io::Result<()> {
        let stopped = tasks.stopped();
        tokio::pin!(stopped);
        loop {
            let mut round = Vec::new();
            let received = tokio::select! {
                biased;
                () = &mut stopped => return Ok(()),
                count = jobs.recv_many(&mut round, ROUND_MAX) => count,
            };
            if received == 0 {
                return Ok(());
            }
            self.metrics
                .queue
                .set(i64::try_from(jobs.len()).unwrap_or(i64::MAX));
            self.serve(round).await?;
        }
    }

    /// Repeats the round until it has answers, or there is no point any more.
    async fn serve(&self, jobs: Vec<Job>) -> io::Result<()> {
        let deadline = Instant::now() + self.timeout;
        let mut stale = 0;
        let mut backoff = BACKOFF_MIN;
        let failure = loop {
            match tokio::time::timeout_at(deadline, self.round(&jobs)).await {
                Ok(Ok(answers)) => {
                    self.answer(jobs, answers);
                    return Ok(());
                }
                Ok(Err(Setback::Stale)) => {
                    self.count_retry("stale");
                    stale += 1;
                    if stale == STALE_MAX {
                        break ProposeError::Conflict;
                    }
                }
                Ok(Err(Setback::Later(reason))) => {
                    self.count_retry(reason);
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                    if Instant::now() >= deadline {
                        break ProposeError::Timeout;
                    }
                }
                Ok(Err(Setback::NotLeader(leader))) => break ProposeError::NotLeader { leader },
                Ok(Err(Setback::Fatal(fatal))) => {
                    self.refuse(jobs, &ProposeError::Stopped);
                    return match fatal {
                        Fatal::Stopped => Ok(()),
                        Fatal::StorageError(_) | Fatal::Panicked => Err(io::Error::other(fatal)),
                    };
                }
                Err(_elapsed) => break ProposeError::Timeout,
            }
        };
        self.refuse(jobs, &failure);
        Ok(())
    }

    /// An answer from state counts only if, once leadership is confirmed, that state is still the newest: a
    /// new leader may be applying what was acknowledged before its time.
    async fn round(&self, jobs: &[Job]) -> Result<Vec<Result<Decided, ProposeError>>, Setback> {
        let (verdicts, batches, expected) = self.decide_all(jobs);
        let mut applied = self.write(batches).await?.into_iter();
        let mut answers = Vec::with_capacity(jobs.len());
        let mut from_state = false;
        for verdict in verdicts {
            answers.push(match verdict {
                Verdict::Known(answer) => {
                    from_state = true;
                    answer
                }
                Verdict::Propose(events) => match applied.next().flatten() {
                    Some(Applied::At(revision)) => Ok(Decided {
                        revision,
                        events,
                        state: None,
                    }),
                    Some(Applied::Seen(revision)) => Ok(Decided::already(revision)),
                    Some(Applied::Stale(_)) | None => return Err(Setback::Stale),
                },
            });
        }
        if from_state {
            confirm(&self.raft, self.node).await?;
            if self.published.state.load().revision != expected {
                return Err(Setback::Stale);
            }
        }
        Ok(answers)
    }

    /// Each command on the state that the ones before it will leave; also the revision after all of them.
    fn decide_all(&self, jobs: &[Job]) -> (Vec<Verdict>, Vec<Batch>, Revision) {
        let at = self.clock.now();
        let mut state = State::clone(&self.published.state.load());
        let mut batches = Vec::new();
        let verdicts = jobs
            .iter()
            .map(|Job { proposal, .. }| decide_one(&mut state, &mut batches, proposal, at))
            .collect();
        (verdicts, batches, state.revision)
    }

    async fn write(&self, batches: Vec<Batch>) -> Result<Vec<Option<Applied>>, Setback> {
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        let written = self
            .raft
            .client_write_many(batches)
            .await
            .map_err(Setback::Fatal)?;
        let results: Vec<_> = written.try_collect().await.map_err(Setback::Fatal)?;
        results
            .into_iter()
            .map(|result| match result {
                Ok(response) => Ok(response.response),
                Err(ClientWriteError::ForwardToLeader(forward)) => {
                    Err(forwarded(self.node, &forward))
                }
                Err(
                    ClientWriteError::LogEntryDiscarded(_)
                    | ClientWriteError::ChangeMembershipError(_)
                    | ClientWriteError::PreconditionFailed(_),
                ) => Err(Setback::Later("discarded")),
            })
            .collect()
    }

    fn answer(&self, jobs: Vec<Job>, answers: Vec<Result<Decided, ProposeError>>) {
        let state = self.published.state.load_full();
        self.metrics.at(state.revision);
        for (job, answer) in jobs.into_iter().zip(answers) {
            let outcome = if answer.is_ok() {
                "accepted"
            } else {
                "rejected"
            };
            self.count(outcome);
            let answer = answer.map(|decided| Answer {
                revision: decided.revision,
                events: decided.events,
                repeated: false,
                state: decided.state.unwrap_or_else(|| Arc::clone(&state)),
            });
            // Nobody listens any more: the caller gave up, and may ask again with the same id.
            let _ = job.reply.send(answer);
        }
    }

    fn refuse(&self, jobs: Vec<Job>, why: &ProposeError) {
        for job in jobs {
            self.count("failed");
            let _ = job.reply.send(Err(why.clone()));
        }
    }

    fn count(&self, outcome: &'static str) {
        self.metrics
            .proposals
            .get_or_create(&Outcome { outcome })
            .inc();
    }

    fn count_retry(&self, outcome: &'static str) {
        self.metrics
            .retries
            .get_or_create(&Outcome { outcome })
            .inc();
    }
}

/// A dry run leaves the scratch state as it was: the commands after it do not see it.
fn decide_one(
    state: &mut State,
    batches: &mut Vec<Batch>,
    proposal: &Proposal,
    at: UnixNano,
) -> Verdict {
    if let Some(revision) = state.seen(proposal.id) {
        return Verdict::Known(Ok(Decided::already(revision)));
    }
    let facts = Facts {
        at,
        command: proposal.id,
    };
    let events = match decide(state, &proposal.command, &facts) {
        Ok(events) if events.is_empty() => {
            return Verdict::Known(Ok(Decided::already(state.revision)));
        }
        Ok(events) => events,
        Err(rejection) => return Verdict::Known(Err(rejection.into())),
    };
    if let Err(error) = permitted(&events, state.cluster.level, level_of) {
        return Verdict::Known(Err(error));
    }
    let batch = Batch {
        command: proposal.id,
        actor: proposal.actor.clone(),
        at,
        decided_at: state.revision,
        after: state.last_command(),
        events: events.clone(),
    };
    if proposal.dry_run {
        let mut then = state.clone();
        then.apply(&batch);
        return Verdict::Known(Ok(Decided {
            revision: state.revision,
            events,
            state: Some(Arc::new(then)),
        }));
    }
    state.apply(&batch);
    batches.push(batch);
    Verdict::Propose(events)
}

/// Some voter would not understand an event above the level they agreed on, and would have to stop.
fn permitted(
    events: &[Event],
    committed: u32,
    level_of: impl Fn(&Event) -> u32,
) -> Result<(), ProposeError> {
    match events.iter().map(level_of).max() {
        Some(needed) if needed > committed => Err(ProposeError::Level { needed, committed }),
        Some(_) | None => Ok(()),
    }
}

/// Makes sure that this node still leads and has applied everything acknowledged before now.
async fn confirm(raft: &Raft, node: NodeId) -> Result<(), Setback> {
    match raft.ensure_linearizable(ReadPolicy::ReadIndex).await {
        Ok(_) => Ok(()),
        Err(RaftError::Fatal(fatal)) => Err(Setback::Fatal(fatal)),
        Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward))) => {
            Err(forwarded(node, &forward))
        }
        Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(_))) => {
            Err(Setback::Later("quorum"))
        }
    }
}

/// A leader whose lease just began or lapsed names nobody, or itself: that passes.
pub(crate) fn forwarded(node: NodeId, forward: &ForwardToLeader<TypeConfig>) -> Setback {
    match forward.leader_id {
        Some(leader) if leader != node.0 => Setback::NotLeader(Some(NodeId(leader))),
        Some(_) | None => Setback::Later("lease"),
    }
}

/// [`confirm`], with patience.
pub(crate) async fn confirm_within(
    raft: &Raft,
    node: NodeId,
    timeout: Duration,
) -> Result<(), ProposeError> {
    let patient = async {
        let mut backoff = BACKOFF_MIN;
        loop {
            match confirm(raft, node).await {
                Ok(()) => return Ok(()),
                Err(Setback::NotLeader(leader)) => return Err(ProposeError::NotLeader { leader }),
                Err(Setback::Fatal(_)) => return Err(ProposeError::Stopped),
                Err(Setback::Stale | Setback::Later(_)) => {
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    };
    tokio::time::timeout(timeout, patient)
        .await
        .unwrap_or(Err(ProposeError::Timeout))
}

#[cfg(test)]
mod tests {
    use takt_domain::cluster;

    use super::*;

    #[test]
    fn an_event_above_the_level_of_the_cluster_is_not_written() {
        let events = [cluster::Event::LevelRaised { level: 9 }.into()];
        assert_eq!(permitted(&events, 8, level_of), Ok(()));
        assert_eq!(
            permitted(&events, 8, |_| 9),
            Err(ProposeError::Level {
                needed: 9,
                committed: 8
            })
        );
        assert_eq!(permitted(&events, 9, |_| 9), Ok(()));
    }
}
