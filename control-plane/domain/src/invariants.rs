//! What is true of every state and of every step from one to the next, whatever was asked.
//!
//! One catalogue of pure functions, for tests, for the simulation and for a running node alike. A rule
//! in `decide` keeps a wish from breaking one; these notice if it does not.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::invariants as ledger;
use crate::nodes::NodeName;
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

/// Something that is always true of a step: a state, the batch that was folded into it, the state after.
#[derive(Debug, Clone, Copy)]
pub struct StepInvariant {
    /// Stable; what logs, metrics and reports call it.
    pub id: &'static str,
    /// In words.
    pub says: &'static str,
    /// Says what is wrong.
    pub holds: fn(&State, &Batch, &State) -> Result<(), String>,
}

/// The catalogue, of steps.
pub const OF_STEPS: &[StepInvariant] = &[
    StepInvariant {
        id: "STEPS_COUNTED",
        says: "a batch is folded once, where it was decided, and leads as far as it has events",
        holds: steps_counted,
    },
    StepInvariant {
        id: "LEASES_HELD",
        says: "a fencing token keeps the holder it was given to, and comes after all given out before",
        holds: leases_held,
    },
];

/// Checks the step from one state to the next by a batch that was folded.
///
/// # Errors
/// When the step is none that a batch can make.
pub fn check_step(before: &State, batch: &Batch, after: &State) -> Result<(), Violation> {
    OF_STEPS.iter().try_for_each(|invariant| {
        (invariant.holds)(before, batch, after).map_err(|what| Violation {
            id: invariant.id,
            what,
        })
    })
}

fn steps_counted(before: &State, batch: &Batch, after: &State) -> Result<(), String> {
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
    wrong.map_or(Ok(()), Err)
}

fn leases_held(before: &State, _batch: &Batch, after: &State) -> Result<(), String> {
    held("lease", &named(before), &named(after), before.nodes.fence)?;
    held("job", &leased(before), &leased(after), before.jobs.fence)
}

/// By token, what is leased and to whom.
type Holders = BTreeMap<Fence, (String, NodeName)>;

fn named(state: &State) -> Holders {
    let leases = state.nodes.leases.iter();
    leases
        .map(|(name, lease)| (lease.fence, (name.to_string(), lease.node.clone())))
        .collect()
}

fn leased(state: &State) -> Holders {
    let jobs = state.jobs.iter_after(None);
    jobs.filter_map(|(id, job)| match &job.standing {
        jobs::Standing::Leased(lease) => {
            Some((lease.fence, (id.to_string(), lease.worker.clone())))
        }
        _ => None,
    })
    .collect()
}

fn held(kind: &str, before: &Holders, after: &Holders, last: Fence) -> Result<(), String> {
    let stolen = after
        .range(..=last)
        .find(|(fence, holder)| before.get(fence) != Some(holder));
    match stolen {
        Some((fence, (what, node))) => Err(format!(
            "{kind} `{what}` came to `{node}` under token {}, and {} was given out before",
            fence.0, last.0
        )),
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use takt_model::{Revision, UnixNano};

    use super::*;
    use crate::CommandId;
    use crate::nodes::{Lease, LeaseName};

    /// One lease, held by a node under a token, which was the last given out.
    fn leased(node: &str, fence: u64) -> State {
        let lease = Lease {
            node: NodeName::new(node).unwrap(),
            incarnation: 1,
            fence: Fence(fence),
            granted_at: UnixNano(0),
            version: Revision(0),
        };
        let mut state = State::default();
        let name = LeaseName::new("index/a").unwrap();
        state.nodes.leases.insert(name, Arc::new(lease));
        state.nodes.fence = Fence(fence);
        state
    }

    fn step(before: &State, after: &State) -> Result<(), String> {
        let batch = Batch {
            command: CommandId(uuid::Uuid::nil()),
            actor: String::new(),
            at: UnixNano(0),
            decided_at: before.revision,
            after: None,
            events: Vec::new(),
        };
        leases_held(before, &batch, after)
    }

    #[test]
    fn a_token_that_changes_hands_is_noticed() {
        let (before, after) = (leased("one", 3), leased("other", 3));
        let what = step(&before, &after).unwrap_err();
        assert!(what.contains("token 3"), "{what}");
    }

    #[test]
    fn a_token_that_comes_back_is_noticed() {
        let (before, mut after) = (leased("one", 3), leased("one", 2));
        after.nodes.fence = Fence(3);
        assert!(step(&before, &after).is_err());
    }

    #[test]
    fn a_lease_that_is_kept_or_given_anew_is_let_pass() {
        let before = leased("one", 3);
        assert_eq!(step(&before, &before), Ok(()));
        assert_eq!(step(&before, &leased("other", 4)), Ok(()));
    }
}
