//! Stored form <-> current form.
//!
//! The domain's types may be renamed and reshaped; what is on disk may not. This mapping is where
//! old events become current ones.

mod raft;
mod state;

use takt_domain::{Batch, CommandId, Event, Layer, overrides, tenants};
use takt_model::{IdError, Revision, TenantId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use uuid::Uuid;

pub(crate) use raft::{
    applied_from, applied_to, entry_from, entry_to, log_id_from, log_id_to, vote_from, vote_to,
};
pub(crate) use state::{open_snapshot, seal_snapshot};

/// The highest event number this version understands.
pub(crate) const LEVEL: u32 = 7;

/// Why stored bytes cannot be read. Always fatal: skipping a fact would fork history.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("not the protobuf it should be")]
    Proto(#[from] prost::DecodeError),
    #[error("an event or entry is of a kind this version does not know; a newer version wrote it")]
    UnknownKind,
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("a tenant id is not legal")]
    Tenant(#[from] IdError),
    #[error("a command id is not 16 bytes")]
    CommandId,
    #[error("the members make no sense")]
    Membership(#[from] openraft::errors::MembershipError<u64>),
    #[error("snapshot layout {0} is not known")]
    SnapshotVersion(u32),
    #[error("the snapshot knows events up to number {0}, this version up to {LEVEL}")]
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
        events: batch.events.iter().map(event_to).collect(),
    }
}

pub(crate) fn batch_from(batch: stored::Batch) -> Result<Batch, DecodeError> {
    Ok(Batch {
        command: command_id_from(&batch.command_id)?,
        actor: batch.actor,
        at: UnixNano(batch.at),
        decided_at: Revision(batch.decided_at),
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
    let event = match event {
        Event::Tenant(event) => tenant_event_to(event),
        Event::Override(event) => override_event_to(event),
    };
    stored::Event { event: Some(event) }
}

fn tenant_event_to(event: &tenants::Event) -> stored::event::Event {
    use stored::event::Event as Stored;
    let tenant = event.tenant().to_string();
    match event {
        tenants::Event::Created { display_name, .. } => {
            let display_name = display_name.clone();
            Stored::TenantCreated(stored::TenantCreated {
                tenant,
                display_name,
            })
        }
        tenants::Event::Renamed { display_name, .. } => {
            let display_name = display_name.clone();
            Stored::TenantRenamed(stored::TenantRenamed {
                tenant,
                display_name,
            })
        }
        tenants::Event::Suspended { reason, .. } => {
            let reason = reason.clone();
            Stored::TenantSuspended(stored::TenantSuspended { tenant, reason })
        }
        tenants::Event::Resumed { .. } => Stored::TenantResumed(stored::TenantResumed { tenant }),
        tenants::Event::Deleted { .. } => Stored::TenantDeleted(stored::TenantDeleted { tenant }),
    }
}

fn override_event_to(event: &overrides::Event) -> stored::event::Event {
    use stored::event::Event as Stored;
    let tenant = layer_to(event.layer());
    match event {
        overrides::Event::Set { name, value, .. } => Stored::OverrideSet(stored::OverrideSet {
            tenant,
            name: name.clone(),
            value: value.clone(),
        }),
        overrides::Event::Cleared { name, .. } => {
            let name = name.clone();
            Stored::OverrideCleared(stored::OverrideCleared { tenant, name })
        }
    }
}

fn event_from(event: stored::Event) -> Result<Event, DecodeError> {
    use stored::event::Event as Stored;
    let event: Event = match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::TenantCreated(e) => tenants::Event::Created {
            tenant: TenantId::new(&e.tenant)?,
            display_name: e.display_name,
        }
        .into(),
        Stored::TenantRenamed(e) => tenants::Event::Renamed {
            tenant: TenantId::new(&e.tenant)?,
            display_name: e.display_name,
        }
        .into(),
        Stored::TenantSuspended(e) => tenants::Event::Suspended {
            tenant: TenantId::new(&e.tenant)?,
            reason: e.reason,
        }
        .into(),
        Stored::TenantResumed(e) => tenants::Event::Resumed {
            tenant: TenantId::new(&e.tenant)?,
        }
        .into(),
        Stored::TenantDeleted(e) => tenants::Event::Deleted {
            tenant: TenantId::new(&e.tenant)?,
        }
        .into(),
        Stored::OverrideSet(e) => overrides::Event::Set {
            layer: layer_from(&e.tenant)?,
            name: e.name,
            value: e.value,
        }
        .into(),
        Stored::OverrideCleared(e) => overrides::Event::Cleared {
            layer: layer_from(&e.tenant)?,
            name: e.name,
        }
        .into(),
    };
    Ok(event)
}

fn layer_to(layer: &Layer) -> String {
    match layer {
        Layer::Defaults => String::new(),
        Layer::Tenant(tenant) => tenant.to_string(),
    }
}

fn layer_from(tenant: &str) -> Result<Layer, DecodeError> {
    if tenant.is_empty() {
        return Ok(Layer::Defaults);
    }
    Ok(Layer::Tenant(TenantId::new(tenant)?))
}

#[cfg(test)]
mod tests;
