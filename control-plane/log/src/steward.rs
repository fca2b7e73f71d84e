//! What the leader does about its cluster by itself: it records its name, its own address, and the level of
//! events that every voter understands.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::Fatal;
use takt_domain::CommandId;
use takt_domain::cluster::{ClusterId, Command};
use takt_kit::Tasks;
use uuid::Uuid;

use crate::handle::Handle;
use crate::members::{Members, Role};
use crate::metrics::{Metrics, Peer};
use crate::proposer::Proposal;

const EVERY: Duration = Duration::from_secs(1);
const ACTOR: &str = "control-plane";

pub(crate) async fn run(handle: Handle, tasks: Tasks) -> Result<(), Infallible> {
    loop {
        tokio::select! {
            biased;
            () = tasks.stopped() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
        let members = &handle.members;
        if members.leader() != Some(members.node) {
            continue;
        }
        if let Err(error) = members.correct_own_address().await {
            tracing::debug!(%error, "the own address is not recorded yet");
        }
        let commands = [name(members), level(members).await];
        for (cluster, command) in commands.into_iter().flatten() {
            propose(&handle, cluster, command).await;
        }
    }
}

/// Tells the metrics what Raft is doing. Fails, and with it the group of tasks, when Raft has: a node whose disk
/// failed would answer for ever that it cannot, and nobody would start it again.
pub(crate) async fn watch(members: Members, metrics: Metrics, tasks: Tasks) -> io::Result<()> {
    let mut raft = members.raft.metrics();
    let mut led = None;
    loop {
        let running = raft.borrow_watched().running_state.clone();
        match running {
            Ok(()) | Err(Fatal::Stopped) => {}
            Err(fatal @ (Fatal::StorageError(_) | Fatal::Panicked)) => {
                return Err(io::Error::other(fatal));
            }
        }
        let leader = members.leader();
        if leader.is_some() && leader != led {
            if led.is_some() {
                metrics.leader_changes.inc();
            }
            led = leader;
        }
        let leads = leader == Some(members.node);
        metrics.leads.set(i64::from(leads));
        metrics.term.set(count(members.describe_self().term.0));
        metrics.lag.clear();
        for (node, _) in members.others().into_iter().filter(|_| leads) {
            if let Some(entries) = members.behind(node) {
                metrics
                    .lag
                    .get_or_create(&Peer { node: node.0 })
                    .set(count(entries));
            }
        }
        tokio::select! {
            biased;
            () = tasks.stopped() => return Ok(()),
            changed = raft.changed() => if changed.is_err() { return Ok(()) },
        }
        // Raft's numbers change with every entry; nobody looks that often.
        tokio::select! {
            biased;
            () = tasks.stopped() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A lone voter needs no name; whoever has company does.
fn name(members: &Members) -> Option<(ClusterId, Command)> {
    let id = members.identity.cluster()?;
    let known = members.published.state.load().cluster.id.is_some();
    (!known && !members.others().is_empty()).then_some((id, Command::Found { id }))
}

/// Only voters count, and all of them must have said what they understand.
async fn level(members: &Members) -> Option<(ClusterId, Command)> {
    let id = members.identity.cluster()?;
    let committed = members.published.state.load().cluster.level;
    if members.level <= committed {
        return None;
    }
    let survey = members.survey().await;
    let voters = survey
        .members
        .iter()
        .filter(|member| member.role != Role::Learner);
    let announced: Option<Vec<u32>> = voters
        .map(|voter| voter.description.as_ref().map(|said| said.level))
        .collect();
    let level = announced?.into_iter().min()?;
    (level > committed).then_some((id, Command::RaiseLevel { level }))
}

async fn propose(handle: &Handle, cluster: ClusterId, command: Command) {
    let name = match &command {
        Command::Found { .. } => "found".to_owned(),
        Command::RaiseLevel { level } => format!("level {level}"),
    };
    let proposal = Proposal {
        id: CommandId(Uuid::new_v5(&cluster.0, name.as_bytes())),
        actor: ACTOR.to_owned(),
        command: command.into(),
        dry_run: false,
    };
    match handle.propose(proposal).await {
        Ok(answer) => tracing::info!(revision = answer.revision.0, what = %name, "recorded"),
        Err(error) => tracing::warn!(%error, what = %name, "not recorded yet"),
    }
}
