//! Snapshots: the whole state, versioned and checked.

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use takt_domain::overrides::Values;
use takt_domain::{Standing, State, Tenant};
use takt_model::{Revision, TenantId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;

use super::{DecodeError, LEVEL, applied_from, applied_to, command_id_from, layer_from, layer_to};
use crate::types::AppliedAt;

const VERSION: u32 = 1;

pub(crate) fn seal_snapshot(state: &State, applied: &AppliedAt) -> Vec<u8> {
    let bytes = state_to(state).encode_to_vec();
    stored::Snapshot {
        version: VERSION,
        level: LEVEL,
        revision: state.revision.0,
        applied: Some(applied_to(applied)),
        checksum: Sha256::digest(&bytes).to_vec(),
        state: bytes,
    }
    .encode_to_vec()
}

pub(crate) fn open_snapshot(bytes: &[u8]) -> Result<(State, AppliedAt), DecodeError> {
    let snapshot = stored::Snapshot::decode(bytes)?;
    if snapshot.version != VERSION {
        return Err(DecodeError::SnapshotVersion(snapshot.version));
    }
    if snapshot.level > LEVEL {
        return Err(DecodeError::Level(snapshot.level));
    }
    if Sha256::digest(&snapshot.state).as_slice() != snapshot.checksum {
        return Err(DecodeError::Checksum);
    }
    let state = state_from(stored::State::decode(snapshot.state.as_slice())?)?;
    let applied = snapshot.applied.ok_or(DecodeError::Missing("applied"))?;
    Ok((state, applied_from(applied)?))
}

fn state_to(state: &State) -> stored::State {
    stored::State {
        revision: state.revision.0,
        at: state.at.0,
        tenants: state
            .tenants
            .iter()
            .map(|(id, tenant)| tenant_to(id, tenant))
            .collect(),
        layers: state
            .overrides
            .iter()
            .map(|(layer, values)| stored::Layer {
                tenant: layer_to(layer),
                values: values.fields.clone(),
                version: values.version.0,
            })
            .collect(),
        seen: state
            .seen
            .iter()
            .map(|(command, revision)| stored::SeenCommand {
                command_id: command.0.as_bytes().to_vec(),
                revision: revision.0,
            })
            .collect(),
    }
}

fn state_from(state: stored::State) -> Result<State, DecodeError> {
    let mut tenants = std::collections::BTreeMap::new();
    for tenant in state.tenants {
        tenants.insert(TenantId::new(&tenant.tenant)?, tenant_from(tenant)?);
    }
    let mut overrides = std::collections::BTreeMap::new();
    for layer in state.layers {
        let values = Values {
            fields: layer.values,
            version: Revision(layer.version),
        };
        overrides.insert(layer_from(&layer.tenant)?, values);
    }
    let seen = state
        .seen
        .iter()
        .map(|seen| Ok((command_id_from(&seen.command_id)?, Revision(seen.revision))))
        .collect::<Result<_, DecodeError>>()?;
    Ok(State {
        revision: Revision(state.revision),
        at: UnixNano(state.at),
        tenants,
        overrides,
        seen,
    })
}

fn tenant_to(id: &TenantId, tenant: &Tenant) -> stored::Tenant {
    let (standing, suspend_reason) = match &tenant.standing {
        Standing::Active => (stored::TenantStanding::Active, String::new()),
        Standing::Suspended { reason } => (stored::TenantStanding::Suspended, reason.clone()),
        Standing::Deleted => (stored::TenantStanding::Deleted, String::new()),
    };
    stored::Tenant {
        tenant: id.to_string(),
        display_name: tenant.display_name.clone(),
        standing: standing.into(),
        suspend_reason,
        created_at: tenant.created_at.0,
        version: tenant.version.0,
    }
}

fn tenant_from(tenant: stored::Tenant) -> Result<Tenant, DecodeError> {
    let standing = match stored::TenantStanding::try_from(tenant.standing) {
        Ok(stored::TenantStanding::Active) => Standing::Active,
        Ok(stored::TenantStanding::Suspended) => Standing::Suspended {
            reason: tenant.suspend_reason,
        },
        Ok(stored::TenantStanding::Deleted) => Standing::Deleted,
        Ok(stored::TenantStanding::Unspecified) | Err(_) => return Err(DecodeError::UnknownKind),
    };
    Ok(Tenant {
        display_name: tenant.display_name,
        standing,
        created_at: UnixNano(tenant.created_at),
        version: Revision(tenant.version),
    })
}
