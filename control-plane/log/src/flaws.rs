//! How this log may be broken on purpose, so that the simulation can show that it would notice.
//!
//! Only a build with `--cfg takt_flaws` has it, which `make sim` alone asks for. It is no feature because
//! features add up: one crate of the workspace that asks for one turns it on for all that are built with
//! it. And the binary that is shipped refuses to be built with it.

use std::cell::Cell;

use redb::Durability;
use takt_domain::{Batch, State};

/// What is wrong with the logs that run on this thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The log is as it is shipped.
    None,
    /// A batch counts even if something came first since it was decided.
    SkipStaleCheck,
    /// Entries are acknowledged before they are synced.
    AcknowledgeEntriesBeforeSync,
}

thread_local! {
    static FLAW: Cell<Flaw> = const { Cell::new(Flaw::None) };
}

/// From now on logs on this thread have this flaw.
pub fn set(flaw: Flaw) {
    FLAW.set(flaw);
}

impl Flaw {
    /// Every one that is wrong, and what it is called.
    pub const ALL: [(&str, Self); 2] = [
        ("skip-stale-check", Self::SkipStaleCheck),
        (
            "acknowledge-entries-before-sync",
            Self::AcknowledgeEntriesBeforeSync,
        ),
    ];
}

pub(crate) fn judged(batch: &Batch, state: &State) -> Batch {
    let mut batch = batch.clone();
    if FLAW.get() == Flaw::SkipStaleCheck {
        (batch.decided_at, batch.after) = (state.revision, None);
    }
    batch
}

pub(crate) fn durability_of_entries() -> Durability {
    if FLAW.get() == Flaw::AcknowledgeEntriesBeforeSync {
        Durability::None
    } else {
        Durability::Immediate
    }
}
