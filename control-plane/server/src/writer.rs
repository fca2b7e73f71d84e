//! How every service changes and asks the control log.

use std::sync::Arc;

use takt_domain::{Command, CommandId, Event, State};
use takt_kit::{Clock, Code, Reject};
use takt_log::{Handle, Proposal};
use takt_model::Revision;
use takt_wire::takt::admin::v1 as wire;
use tonic::Status;
use uuid::{NoContext, Timestamp, Uuid};

use crate::refusal::{invalid, proposing, reading};

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    log: Handle,
    clock: Arc<dyn Clock>,
}

/// A change, carried out or tried.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) outcome: wire::Outcome,
    /// What it came to, as in the outcome.
    pub(crate) decided: Vec<Event>,
    /// As it stands after the change; on a dry run, as it would stand.
    pub(crate) state: Arc<State>,
}

impl Writer {
    pub(crate) fn new(log: Handle, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock }
    }

    /// Carries out a command for `actor`, or tries it.
    ///
    /// # Errors
    /// A status with a stable reason: a rule said no, or the log cannot answer.
    pub(crate) async fn change(
        &self,
        actor: String,
        change: Option<wire::Change>,
        command: impl Into<Command>,
    ) -> Result<Changed, Status> {
        let change = change.unwrap_or_default();
        let proposal = Proposal {
            id: command_id(&change.command_id, self.clock.as_ref())?,
            actor,
            command: command.into(),
            dry_run: change.dry_run,
        };
        let answer = self
            .log
            .propose(proposal)
            .await
            .map_err(|error| proposing(&error))?;
        Ok(Changed {
            outcome: wire::Outcome {
                revision: answer.revision.0,
                dry_run: change.dry_run,
                events: takt_log::events_to_wire(&answer.events),
                repeated: answer.repeated,
            },
            decided: answer.events,
            state: answer.state,
        })
    }

    /// The same of what has no version to be matched: something is made, or added to what is there.
    ///
    /// # Errors
    /// As [`Writer::change`], and when a version is asked for nevertheless.
    pub(crate) async fn add(
        &self,
        actor: String,
        change: Option<wire::Change>,
        command: impl Into<Command>,
    ) -> Result<Changed, Status> {
        if if_match(change.as_ref()).is_some() {
            let text = "nothing is changed that has a version: leave `if_match` out";
            let unfit = Reject::new(Code::Invalid, "IF_MATCH_UNFIT", text);
            return Err(unfit.at_field("change.if_match").status());
        }
        self.change(actor, change, command).await
    }

    /// The state, with everything acknowledged before this call in it.
    ///
    /// # Errors
    /// When nobody can make sure that it is current.
    pub(crate) async fn read(&self) -> Result<Arc<State>, Status> {
        self.log.read().await.map_err(|error| reading(&error))
    }
}

/// The precondition of a change.
pub(crate) fn if_match(change: Option<&wire::Change>) -> Option<Revision> {
    change?.if_match.map(Revision)
}

pub(crate) fn command_id(text: &str, clock: &dyn Clock) -> Result<CommandId, Status> {
    if text.is_empty() {
        return Ok(CommandId(fresh(clock)));
    }
    Uuid::parse_str(text).map(CommandId).map_err(|_| {
        let text: String = text.chars().take(64).collect();
        invalid(
            "COMMAND_ID_INVALID",
            format!("command id `{text}` is not a UUID"),
        )
    })
}

/// An id that nothing had before.
pub(crate) fn fresh(clock: &dyn Clock) -> Uuid {
    let now = clock.now();
    let nanos = u32::try_from(now.0 % 1_000_000_000).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, now.as_secs(), nanos))
}
