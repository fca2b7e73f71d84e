//! Stored form <-> current form.
//!
//! The domain's types may be renamed and reshaped; what is on disk may not. This mapping is where
//! old events become current ones.

mod access;
mod cluster;
mod decisions;
mod jobs;
pub mod ledger;
pub mod licences;
mod nodes;
mod overrides;
mod policies;
mod raft;
mod ring;
mod snapshot;
mod state;
mod tenants;

use takt_domain::cluster::FIRST_LEVEL;
use takt_domain::{Batch, CommandId, Event};
use takt_model::{IdError, Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use uuid::Uuid;

pub(crate) use cluster::{id_from as cluster_id_from, id_to as cluster_id_to};
pub use decisions::{MalformedSegment, reason_to_wire, segment_from_wire, segment_to_wire};
pub use jobs::{
    job_payload_from_wire, job_payload_to_wire, job_result_from_wire, job_result_to_wire,
};
pub use policies::{Malformed, policy_spec_from_wire, policy_spec_to_wire};
pub(crate) use raft::{
    applied_from, applied_to, entry_from, entry_to, log_id_from, log_id_to, stored_entry_from,
    vote_from, vote_to,
};
pub(crate) use snapshot::{digest, read_snapshot, write_snapshot};
#[cfg(test)]
pub(crate) use snapshot::{open_snapshot, seal_snapshot};

/// The set of events this version understands: 7 was the first seven, each release that adds events counts on.
pub(crate) const LEVEL: u32 = 8;

/// Why stored bytes cannot be read. Always fatal: skipping a fact would fork history.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("not the protobuf it should be")]
    Proto(#[from] prost::DecodeError),
    #[error("it cannot be read to its end")]
    Read(#[from] std::io::Error),
    #[error("an event or entry is of a kind this version does not know; a newer version wrote it")]
    UnknownKind,
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{0}` is not legal")]
    Illegal(&'static str),
    #[error("a value of the ledger is not legal")]
    Ledger(#[from] ledger::ValueError),
    #[error("a tenant id is not legal")]
    Tenant(#[from] IdError),
    #[error("a command id is not 16 bytes")]
    CommandId,
    #[error("the id of the cluster is not 16 bytes")]
    ClusterId,
    #[error("the members make no sense")]
    Membership(#[from] openraft::errors::MembershipError<u64>),
    #[error("snapshot layout {0} is not known")]
    SnapshotVersion(u32),
    #[error("the snapshot is of level {0}, this version understands up to {LEVEL}")]
    Level(u32),
    #[error("the checksum of the snapshot is wrong")]
    Checksum,
}

pub(crate) fn batch_to(batch: &Batch) -> stored::Batch {
    stored::Batch {
        command_id: batch.command.0.as_bytes().to_vec(),
        actor: batch.actor.clone(),
        at: batch.at.0,
        decided_at: batch.decided_at.0,
        after: batch
            .after
            .map_or_else(Vec::new, |command| command.0.as_bytes().to_vec()),
        events: batch.events.iter().map(event_to).collect(),
    }
}

pub(crate) fn batch_from(batch: stored::Batch) -> Result<Batch, DecodeError> {
    Ok(Batch {
        command: command_id_from(&batch.command_id)?,
        actor: batch.actor,
        at: UnixNano(batch.at),
        decided_at: Revision(batch.decided_at),
        after: match batch.after.as_slice() {
            [] => None,
            bytes => Some(command_id_from(bytes)?),
        },
        events: batch
            .events
            .into_iter()
            .map(event_from)
            .collect::<Result<_, _>>()?,
    })
}

fn command_id_from(bytes: &[u8]) -> Result<CommandId, DecodeError> {
    Uuid::from_slice(bytes)
        .map(CommandId)
        .map_err(|_| DecodeError::CommandId)
}

fn event_to(event: &Event) -> stored::Event {
    use stored::event::Event as Stored;
    let event = match event {
        Event::Tenant(event) => tenants::event_to(event),
        Event::Override(event) => overrides::event_to(event),
        Event::Ring(event) => Stored::Ring(ring::event_to(event)),
        Event::Policy(event) => Stored::Policies(policies::event_to(event)),
        Event::Decision(event) => Stored::Decisions(decisions::event_to(event)),
        Event::Access(event) => Stored::Access(access::event_to(event)),
        Event::Licence(event) => Stored::Licences(licences::event_to(event)),
        Event::Ledger(event) => Stored::Ledger(ledger::event_to(event)),
        Event::Job(event) => Stored::Jobs(jobs::event_to(event)),
        Event::Node(event) => Stored::Nodes(nodes::event_to(event)),
        Event::Cluster(event) => Stored::Cluster(cluster::event_to(event)),
    };
    stored::Event { event: Some(event) }
}

fn event_from(event: stored::Event) -> Result<Event, DecodeError> {
    use stored::event::Event as Stored;
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        first @ (Stored::TenantCreated(_)
        | Stored::TenantRenamed(_)
        | Stored::TenantSuspended(_)
        | Stored::TenantResumed(_)
        | Stored::TenantDeleted(_)) => tenants::first_event_from(first)?.into(),
        first @ (Stored::OverrideSet(_) | Stored::OverrideCleared(_)) => {
            overrides::first_event_from(first)?.into()
        }
        Stored::Tenant(event) => tenants::event_from(event)?.into(),
        Stored::Overrides(event) => overrides::event_from(event)?.into(),
        Stored::Ring(event) => ring::event_from(event)?.into(),
        Stored::Policies(event) => policies::event_from(event)?.into(),
        Stored::Decisions(event) => decisions::event_from(event)?.into(),
        Stored::Access(event) => access::event_from(event)?.into(),
        Stored::Licences(event) => licences::event_from(event)?.into(),
        Stored::Ledger(event) => ledger::event_from(event)?.into(),
        Stored::Jobs(event) => jobs::event_from(event)?.into(),
        Stored::Nodes(event) => nodes::event_from(event)?.into(),
        Stored::Cluster(event) => cluster::event_from(event)?.into(),
    })
}

/// The level a reader must understand to read this event.
pub(crate) fn level_of(event: &Event) -> u32 {
    match event {
        Event::Tenant(_)
        | Event::Override(_)
        | Event::Ring(_)
        | Event::Policy(_)
        | Event::Decision(_)
        | Event::Access(_)
        | Event::Licence(_)
        | Event::Ledger(_)
        | Event::Job(_)
        | Event::Node(_)
        | Event::Cluster(_) => FIRST_LEVEL,
    }
}

/// Events as they are stored, for those who show them.
#[must_use]
pub fn events_to_wire(events: &[Event]) -> Vec<stored::Event> {
    events.iter().map(event_to).collect()
}

/// The other way round.
///
/// # Errors
/// When one was made by a version that knows more than this one.
pub fn events_from_wire(
    events: impl IntoIterator<Item = stored::Event>,
) -> Result<Vec<Event>, DecodeError> {
    events.into_iter().map(event_from).collect()
}

#[cfg(test)]
mod tests;
