//! What clients see of one tenant, as a model: written a second time, without the rules of the domain.

use std::collections::{BTreeMap, BTreeSet};

use takt_domain::{Command, CommandId, Rejection, Standing, tenants};
use takt_log::ProposeError;
use takt_model::{Revision, TenantId};

use crate::history::{Call, Op, Reply};
use crate::linear::{Model, Timed, Verdict, search};
use crate::violation::{Id, Violation};

/// The tenant, and which commands that were sent several times have taken effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Seen {
    tenant: Tenant,
    done: BTreeSet<CommandId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
enum Tenant {
    #[default]
    Absent,
    Present {
        name: String,
        suspended: bool,
    },
    /// Nothing of it was purged yet.
    Deleted {
        name: String,
    },
}

/// What a client asked and heard about one tenant.
#[derive(Debug, Clone)]
enum Use {
    Change {
        id: CommandId,
        again: bool,
        command: tenants::Command,
        answer: Option<Outcome>,
    },
    Read(Tenant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Exists,
    Unknown,
    Deleted,
    Mismatch,
}

struct OneTenant;

impl Model for OneTenant {
    type State = Seen;
    type Op = Use;

    fn step(&self, seen: &Seen, op: &Use) -> Option<Seen> {
        match op {
            Use::Read(tenant) => (*tenant == seen.tenant).then(|| seen.clone()),
            Use::Change {
                id,
                again,
                command,
                answer,
            } => {
                if seen.done.contains(id) {
                    return answer
                        .is_none_or(|answer| answer == Outcome::Done)
                        .then(|| seen.clone());
                }
                let (outcome, tenant) = change(&seen.tenant, command, *answer);
                if answer.is_some_and(|answer| answer != outcome) {
                    return None;
                }
                let mut then = seen.clone();
                if *again && tenant != seen.tenant {
                    then.done.insert(*id);
                }
                then.tenant = tenant;
                Some(then)
            }
        }
    }

    fn only_looks(&self, seen: &Seen, op: &Use) -> bool {
        match op {
            Use::Read(_) => true,
            Use::Change { id, answer, .. } => {
                let refused = answer.is_some_and(|answer| answer != Outcome::Done);
                refused || seen.done.contains(id)
            }
        }
    }
}

/// What a command comes to. Versions are not part of the model: whoever asked for one may be refused.
fn change(
    tenant: &Tenant,
    command: &tenants::Command,
    answer: Option<Outcome>,
) -> (Outcome, Tenant) {
    use tenants::Command as C;
    let same = tenant.clone();
    let conditional = if_match(command).is_some() && answer == Some(Outcome::Mismatch);
    let present = |name: &String, suspended| Tenant::Present {
        name: name.clone(),
        suspended,
    };
    let then = match (tenant, command) {
        (Tenant::Absent, C::Create { profile, .. }) => {
            present(&profile.display_name.clone().unwrap_or_default(), false)
        }
        (Tenant::Absent, _) => return (Outcome::Unknown, same),
        (Tenant::Deleted { .. } | Tenant::Present { .. }, C::Undelete { .. }) if conditional => {
            return (Outcome::Mismatch, same);
        }
        (Tenant::Deleted { name }, C::Undelete { .. }) => present(name, false),
        (Tenant::Deleted { .. }, _) => return (Outcome::Deleted, same),
        (Tenant::Present { .. }, C::Create { .. }) => return (Outcome::Exists, same),
        (Tenant::Present { .. }, _) if conditional => return (Outcome::Mismatch, same),
        (Tenant::Present { name, suspended }, C::Update { change, .. }) => {
            present(change.display_name.as_ref().unwrap_or(name), *suspended)
        }
        (Tenant::Present { name, .. }, C::Suspend { .. }) => present(name, true),
        (Tenant::Present { name, .. }, C::Resume { .. }) => present(name, false),
        (Tenant::Present { name, .. }, C::Delete { .. }) => Tenant::Deleted { name: name.clone() },
        (Tenant::Present { .. }, C::Undelete { .. } | C::RecordPurge { .. }) => same,
    };
    (Outcome::Done, then)
}

fn if_match(command: &tenants::Command) -> Option<Revision> {
    use tenants::Command as C;
    match command {
        C::Create { .. } | C::RecordPurge { .. } => None,
        C::Update { if_match, .. }
        | C::Suspend { if_match, .. }
        | C::Resume { if_match, .. }
        | C::Delete { if_match, .. }
        | C::Undelete { if_match, .. } => *if_match,
    }
}

/// Looks for an order of everything the clients asked and heard about each tenant. What nobody answered
/// and nobody applied is left out. Says for how many tenants the search gave up.
pub(crate) fn check(ops: &[Op], applied: impl Fn(CommandId) -> bool) -> Result<u64, Violation> {
    let mut attempts: BTreeMap<CommandId, u32> = BTreeMap::new();
    for command in ops.iter().filter_map(Op::command) {
        *attempts.entry(command).or_default() += 1;
    }
    let mut undecided = 0;
    for tenant in tenants(ops) {
        let uses = ops.iter().filter_map(|op| {
            let timed = about(op, &tenant, |id| {
                attempts.get(&id).is_some_and(|count| *count > 1)
            })?;
            let lost = timed.returned.is_none() && !op.command().is_some_and(&applied);
            (!lost).then_some(timed)
        });
        match search(&OneTenant, Seen::default(), uses.collect()) {
            Verdict::Linearizable => {}
            Verdict::Undecided => undecided += 1,
            Verdict::Not => {
                return Err(Id::Linearizable.violated(format!(
                    "no order explains what clients heard of tenant `{tenant}`"
                )));
            }
        }
    }
    Ok(undecided)
}

fn tenants(ops: &[Op]) -> BTreeSet<TenantId> {
    ops.iter()
        .filter_map(|op| match &op.call {
            Call::Propose(proposal) => match &proposal.command {
                Command::Tenant(command) => Some(target(command).clone()),
                _ => None,
            },
            Call::Read | Call::Operate(_) => None,
        })
        .collect()
}

fn target(command: &tenants::Command) -> &TenantId {
    use tenants::Command as C;
    match command {
        C::Create { tenant, .. }
        | C::Update { tenant, .. }
        | C::Suspend { tenant, .. }
        | C::Resume { tenant, .. }
        | C::Delete { tenant, .. }
        | C::Undelete { tenant, .. }
        | C::RecordPurge { tenant, .. } => tenant,
    }
}

/// What an operation has to do with a tenant, if anything.
fn about(op: &Op, tenant: &TenantId, again: impl Fn(CommandId) -> bool) -> Option<Timed<Use>> {
    let (returned, reply) = match &op.returned {
        Some((moment, reply)) if !reply.is_unknown() => (Some(*moment), Some(reply)),
        Some(_) | None => (None, None),
    };
    let what = match (&op.call, reply) {
        (Call::Read, Some(Reply::State(state))) => Use::Read(state.tenants.get(tenant).map_or(
            Tenant::Absent,
            |row| match &row.standing {
                Standing::Deleting(_) | Standing::Deleted => Tenant::Deleted {
                    name: row.display_name.clone(),
                },
                standing => Tenant::Present {
                    name: row.display_name.clone(),
                    suspended: *standing != Standing::Active,
                },
            },
        )),
        (Call::Read | Call::Operate(_), _) => return None,
        (Call::Propose(proposal), reply) => {
            let Command::Tenant(command) = &proposal.command else {
                return None;
            };
            if target(command) != tenant {
                return None;
            }
            let answer = match reply {
                None => None,
                Some(reply) => Some(outcome(reply)?),
            };
            Use::Change {
                id: proposal.id,
                again: again(proposal.id),
                command: command.clone(),
                answer,
            }
        }
    };
    Some(Timed {
        called: op.called,
        returned,
        op: what,
    })
}

/// `None` for what the model does not know, which changes nothing.
fn outcome(reply: &Reply) -> Option<Outcome> {
    match reply {
        Reply::Done(_) => Some(Outcome::Done),
        Reply::Failed(ProposeError::Rejected(rejection)) => match rejection {
            Rejection::Tenant(tenants::Rejection::Exists(_)) => Some(Outcome::Exists),
            Rejection::TenantUnknown(_) => Some(Outcome::Unknown),
            Rejection::TenantDeleted(_) => Some(Outcome::Deleted),
            Rejection::VersionMismatch { .. } => Some(Outcome::Mismatch),
            _ => None,
        },
        Reply::Failed(_) | Reply::State(_) | Reply::Operated => None,
    }
}
