//! The state, who was heard, the time: what should be done.

mod commerce;
mod jobs;
mod nodes;
mod partitions;
mod sampling;

use std::collections::BTreeMap;
use std::time::Duration;

use takt_domain::nodes::NodeName;
use takt_domain::{Command, CommandId, Facts, State, decide};
use takt_model::UnixNano;
use uuid::Uuid;

use crate::Heartbeat;

/// How many commands one plan has at most; the rest follows in the next.
pub const PLAN_MAX: usize = 512;

/// How long things are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// A node that is not heard so long is lost.
    pub lost_after: Duration,
    /// A node that left is forgotten so long after, if it owns nothing.
    pub forget_left_after: Duration,
    /// One that was lost may come back until then.
    pub forget_lost_after: Duration,
    /// Finished jobs are remembered so long,
    pub jobs_kept: Duration,
    /// and those that were given up so long: somebody should look at them.
    pub poisoned_kept: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self {
            lost_after: Duration::from_secs(30),
            forget_left_after: Duration::from_secs(600),
            forget_lost_after: hours(1),
            jobs_kept: hours(1),
            poisoned_kept: hours(7 * 24),
        }
    }
}

/// Who was heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// Since when this replica listens. Who has not been heard has been silent since then at most.
    pub since: UnixNano,
    pub heard: BTreeMap<NodeName, Heard>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub heartbeat: Heartbeat,
    pub at: UnixNano,
}

/// Something that only time brings about.
pub type Sweep = fn(&State, &Waits, UnixNano) -> Vec<Command>;

/// Everything that time brings about. An aggregate with something that ends adds its function here.
pub const SWEEPS: &[Sweep] = &[
    nodes::forget,
    jobs::expire,
    jobs::trim,
    sampling::policies,
    sampling::segments,
    commerce::ledger,
    commerce::licences,
];

/// What should be done now, at most [`PLAN_MAX`] commands. Empty: nothing.
#[must_use]
pub fn plan(state: &State, observed: &Observed, waits: &Waits, now: UnixNano) -> Vec<Command> {
    let mut wishes = nodes::seen(state, observed, waits, now);
    wishes.extend(partitions::plan(state, observed, now));
    wishes.extend(SWEEPS.iter().flat_map(|sweep| sweep(state, waits, now)));
    wishes
        .into_iter()
        .filter(|command| comes_to_something(state, command, now))
        .take(PLAN_MAX)
        .collect()
}

/// Whether the rules would say yes now, and it would change anything.
fn comes_to_something(state: &State, command: &Command, now: UnixNano) -> bool {
    let facts = Facts {
        at: now,
        command: CommandId(Uuid::nil()),
    };
    decide(state, command, &facts).is_ok_and(|events| !events.is_empty())
}
