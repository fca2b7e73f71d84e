//! What is true of every state and of every step from one to the next, whatever was asked.
//!
//! One catalogue of pure functions, for tests, for the simulation and for a running node alike. A rule
//! in `decide` keeps a wish from breaking one; these notice if it does not.

use std::collections::BTreeSet;

use crate::ledger::invariants as ledger;
use crate::{Batch, Fence, Layer, SEEN_MAX, Standing, State, jobs};

/// Something that is always true of a state.
#[derive(Debug, Clone, Copy)]
pub struct Invariant {
    /// Stable; what logs, metrics and reports call it.
    pub id: &'static str,
    /// In words.
    pub says: &'static str,
    /// Says what is wrong.
    pub holds: fn(&State) -> Result<(), String>,
}

/// The catalogue.
pub const OF_STATES: &[Invariant] = &[
    Invariant {
        id: "VERSIONS_PAST",
        says: "no version is later than the revision of the state",
        holds: versions_past,
    },
    Invariant {
        id: "OVERRIDES_OWNED",
        says: "overrides are set for tenants that are there and not deleted",
        holds: overrides_owned,
    },
    Invariant {
        id: "LEASES_FENCED",
        says: "no two leases have the same fencing token, and none has a later one than was given out",
        holds: leases_fenced,
    },
    Invariant {
        id: "COMMANDS_REMEMBERED",
        says: "remembered commands are bounded, and none is later than the revision of the state",
        holds: commands_remembered,
    },
    Invariant {
        id: "LEDGER_BALANCED",
        says: "the balances of a book sum to zero in every currency",
        holds: ledger::balanced,
    },
    Invariant {
        id: "LEDGER_CREDITS_BACKED",
        says: "what is left of credits and commitments is what their accounts say, and none is below zero",
        holds: ledger::credits_backed,
    },
    Invariant {
        id: "LEDGER_CHAINED",
        says: "the entries a book keeps follow from one another and are balanced, and none is beyond the head",
        holds: ledger::chained,
    },
    Invariant {
        id: "LEDGER_NUMBERED",
        says: "no two invoices have one number, and none is beyond the last",
        holds: ledger::numbered,
    },
];

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id}: {what}")]
pub struct Violation {
    pub id: &'static str,
    pub what: String,
}

/// Checks a state against the catalogue; the first that does not hold.
///
/// # Errors
/// When one does not hold.
pub fn check(state: &State) -> Result<(), Violation> {
    OF_STATES.iter().try_for_each(|invariant| {
        (invariant.holds)(state).map_err(|what| Violation {
            id: invariant.id,
            what,
        })
    })
}

/// Checks the step from one state to the next by a batch that was folded.
///
/// # Errors
/// When the step is none that a batch can make.
pub fn check_step(before: &State, batch: &Batch, after: &State) -> Result<(), Violation> {
    let steps = batch.events.len() as u64;
    let wrong = if batch.decided_at != before.revision {
        let (decided, found) = (batch.decided_at, before.revision);
        Some(format!("decided at {decided}, folded into {found}"))
    } else if after.revision.0 != before.revision.0 + steps {
        let (before, after) = (before.revision, after.revision);
        Some(format!("{steps} events lead from {before} to {after}"))
    } else if after.at < before.at {
        Some("the newest decision became older".to_owned())
    } else if before.seen(batch.command).is_some() {
        Some(format!("command {} was folded before", batch.command))
    } else if after.seen(batch.command) != Some(after.revision) {
        Some(format!("command {} is not remembered", batch.command))
    } else {
        None
    };
    wrong.map_or(Ok(()), |what| {
        Err(Violation {
            id: "STEPS_COUNTED",
            what,
        })
    })
}

fn versions_past(state: &State) -> Result<(), String> {
    let tenants = state.tenants.values().map(|row| row.version);
    let overrides = state.overrides.values().map(|values| values.version);
    let nodes = state.nodes.by_name.values().map(|row| row.version);
    let leases = state.nodes.leases.values().map(|row| row.version);
    let jobs = state.jobs.iter_after(None).map(|(_, job)| job.version);
    let mut rows = tenants
        .chain(overrides)
        .chain(nodes)
        .chain(leases)
        .chain(jobs);
    match rows.find(|version| *version > state.revision) {
        Some(version) => Err(format!(
            "something has version {version} at {}",
            state.revision
        )),
        None => Ok(()),
    }
}

fn leases_fenced(state: &State) -> Result<(), String> {
    let named = state.nodes.leases.values().map(|lease| lease.fence);
    let jobs = state.jobs.iter_after(None);
    let jobs = jobs.filter_map(|(_, job)| match &job.standing {
        jobs::Standing::Leased(lease) => Some(lease.fence),
        _ => None,
    });
    distinct("lease", named, state.nodes.fence)?;
    distinct("job", jobs, state.jobs.fence)
}

fn distinct(kind: &str, fences: impl Iterator<Item = Fence>, last: Fence) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for fence in fences {
        if fence > last || !seen.insert(fence) {
            return Err(format!(
                "a {kind} has token {}, the last is {}",
                fence.0, last.0
            ));
        }
    }
    Ok(())
}

fn overrides_owned(state: &State) -> Result<(), String> {
    for (layer, values) in &state.overrides {
        let (Layer::Tenant(tenant) | Layer::OfTenantItself(tenant)) = layer else {
            continue;
        };
        let there = state
            .tenants
            .get(tenant)
            .is_some_and(|row| row.standing != Standing::Deleted);
        if !there && !values.fields.is_empty() {
            return Err(format!("tenant `{tenant}` is not there and has overrides"));
        }
    }
    Ok(())
}

fn commands_remembered(state: &State) -> Result<(), String> {
    let mut count = 0;
    let mut newest = 0;
    for (command, revision) in state.seen.iter() {
        count += 1;
        if revision > state.revision || revision.0 <= newest {
            return Err(format!("command {command} is remembered at {revision}"));
        }
        newest = revision.0;
    }
    if count > SEEN_MAX {
        return Err(format!("{count} commands are remembered"));
    }
    Ok(())
}
