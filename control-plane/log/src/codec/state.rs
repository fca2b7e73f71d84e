//! Snapshots: the whole state, versioned and checked.

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use takt_domain::{Seen, State};
use takt_model::{Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;

use super::{
    DecodeError, LEVEL, access, applied_from, applied_to, cluster, command_id_from, decisions,
    jobs, ledger, licences, nodes, overrides, policies, ring, tenants,
};
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

/// What replicas compare: the same state has the same digest.
pub(crate) fn digest(state: &State) -> [u8; 32] {
    Sha256::digest(state_to(state).encode_to_vec()).into()
}

pub(crate) fn open_snapshot(bytes: &[u8]) -> Result<(State, AppliedAt), DecodeError> {
    let (state, applied) = check_snapshot(bytes)?;
    Ok((
        state_from(stored::State::decode(state.as_slice())?)?,
        applied,
    ))
}

/// What a snapshot covers; it is whole, but its state is not looked at, which takes a while when it is large.
pub(crate) fn snapshot_covers(bytes: &[u8]) -> Result<AppliedAt, DecodeError> {
    Ok(check_snapshot(bytes)?.1)
}

fn check_snapshot(bytes: &[u8]) -> Result<(Vec<u8>, AppliedAt), DecodeError> {
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
    let applied = snapshot.applied.ok_or(DecodeError::Missing("applied"))?;
    Ok((snapshot.state, applied_from(applied)?))
}

fn state_to(state: &State) -> stored::State {
    stored::State {
        revision: state.revision.0,
        at: state.at.0,
        tenants: tenants::state_to(&state.tenants),
        layers: overrides::state_to(&state.overrides),
        seen: seen_to(&state.seen),
        ring: Some(ring::state_to(&state.ring)),
        policies: Some(policies::state_to(&state.policies)),
        decisions: Some(decisions::state_to(&state.decisions)),
        access: Some(access::state_to(&state.access)),
        licences: Some(licences::state_to(&state.licences)),
        ledger: Some(ledger::state_to(&state.ledger)),
        jobs: Some(jobs::state_to(&state.jobs)),
        nodes: Some(nodes::state_to(&state.nodes)),
        cluster: Some(cluster::state_to(&state.cluster)),
    }
}

/// A part that is absent was written before there was such an aggregate: it is empty.
fn state_from(state: stored::State) -> Result<State, DecodeError> {
    Ok(State {
        revision: Revision(state.revision),
        at: UnixNano(state.at),
        tenants: tenants::state_from(state.tenants)?,
        overrides: overrides::state_from(state.layers)?,
        seen: seen_from(&state.seen)?,
        ring: ring::state_from(state.ring.unwrap_or_default())?,
        policies: policies::state_from(state.policies.unwrap_or_default())?,
        decisions: decisions::state_from(state.decisions.unwrap_or_default())?,
        access: access::state_from(state.access.unwrap_or_default())?,
        licences: licences::state_from(state.licences.unwrap_or_default())?,
        ledger: ledger::state_from(state.ledger.unwrap_or_default())?,
        jobs: jobs::state_from(state.jobs.unwrap_or_default())?,
        nodes: nodes::state_from(state.nodes.unwrap_or_default())?,
        cluster: cluster::state_from(state.cluster.unwrap_or_default())?,
    })
}

fn seen_to(seen: &Seen) -> Vec<stored::SeenCommand> {
    seen.iter()
        .map(|(command, revision)| stored::SeenCommand {
            command_id: command.0.as_bytes().to_vec(),
            revision: revision.0,
        })
        .collect()
}

fn seen_from(seen: &[stored::SeenCommand]) -> Result<Seen, DecodeError> {
    seen.iter()
        .map(|seen| Ok((command_id_from(&seen.command_id)?, Revision(seen.revision))))
        .collect()
}
