//! The state in parts, each an encodable message of its own: put together they are the whole.

use prost::Message as _;
use takt_domain::{Seen, State};
use takt_model::{Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;

use super::{
    DecodeError, access, cluster, command_id_from, decisions, jobs, ledger, licences, nodes,
    overrides, policies, ring, tenants,
};

/// In the order of their numbers, so that their encodings one after another are that of one message: a row of a tenant,
/// of a layer and of a remembered command at a time, and each other aggregate at once.
pub(super) fn parts(state: &State) -> impl Iterator<Item = stored::State> + '_ {
    let empty = stored::State::default;
    let first = stored::State {
        revision: state.revision.0,
        at: state.at.0,
        ..empty()
    };
    let tenants = tenants::state_to(&state.tenants).map(move |row| stored::State {
        tenants: vec![row],
        ..empty()
    });
    let layers = overrides::state_to(&state.overrides).map(move |row| stored::State {
        layers: vec![row],
        ..empty()
    });
    let seen = seen_to(&state.seen).map(move |row| stored::State {
        seen: vec![row],
        ..empty()
    });
    let others = (0..).map_while(move |number| aggregate(state, number));
    let rows = tenants.chain(layers).chain(seen);
    std::iter::once(first).chain(rows).chain(others)
}

/// The aggregates that are encoded at once, one at a time.
fn aggregate(state: &State, number: u32) -> Option<stored::State> {
    let mut part = stored::State::default();
    match number {
        0 => part.ring = Some(ring::state_to(&state.ring)),
        1 => part.policies = Some(policies::state_to(&state.policies)),
        2 => part.decisions = Some(decisions::state_to(&state.decisions)),
        3 => part.access = Some(access::state_to(&state.access)),
        4 => part.licences = Some(licences::state_to(&state.licences)),
        5 => part.ledger = Some(ledger::state_to(&state.ledger)),
        6 => part.jobs = Some(jobs::state_to(&state.jobs)),
        7 => part.nodes = Some(nodes::state_to(&state.nodes)),
        8 => part.cluster = Some(cluster::state_to(&state.cluster)),
        _ => return None,
    }
    Some(part)
}

/// A state that is being put together from its parts.
#[derive(Debug, Default)]
pub(super) struct Folding {
    state: State,
    /// What there is of the aggregates that come at once.
    rest: stored::State,
}

impl Folding {
    /// An encoded part.
    pub(super) fn add(&mut self, part: &[u8]) -> Result<(), DecodeError> {
        self.rest.merge(part)?;
        for row in self.rest.tenants.drain(..) {
            let (id, tenant) = tenants::row_from(row)?;
            self.state.tenants.insert(id, tenant);
        }
        for row in self.rest.layers.drain(..) {
            let (layer, values) = overrides::row_from(row)?;
            self.state.overrides.insert(layer, values);
        }
        for row in self.rest.seen.drain(..) {
            let command = command_id_from(&row.command_id)?;
            self.state.seen.remember(command, Revision(row.revision));
        }
        Ok(())
    }

    /// A part that is absent was written before there was such an aggregate: it is empty.
    pub(super) fn finish(self) -> Result<State, DecodeError> {
        let rest = self.rest;
        Ok(State {
            revision: Revision(rest.revision),
            at: UnixNano(rest.at),
            ring: ring::state_from(rest.ring.unwrap_or_default())?,
            policies: policies::state_from(rest.policies.unwrap_or_default())?,
            decisions: decisions::state_from(rest.decisions.unwrap_or_default())?,
            access: access::state_from(rest.access.unwrap_or_default())?,
            licences: licences::state_from(rest.licences.unwrap_or_default())?,
            ledger: ledger::state_from(rest.ledger.unwrap_or_default())?,
            jobs: jobs::state_from(rest.jobs.unwrap_or_default())?,
            nodes: nodes::state_from(rest.nodes.unwrap_or_default())?,
            cluster: cluster::state_from(rest.cluster.unwrap_or_default())?,
            ..self.state
        })
    }
}

fn seen_to(seen: &Seen) -> impl Iterator<Item = stored::SeenCommand> + '_ {
    seen.iter().map(|(command, revision)| stored::SeenCommand {
        command_id: command.0.as_bytes().to_vec(),
        revision: revision.0,
    })
}
