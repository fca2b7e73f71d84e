//! How the votes of a set become one verdict.
//!
//! A set has no order. Every keeping policy votes with a threshold, a dropping one with a veto; the
//! verdict is the lowest threshold unless there is a veto. All policies look at the same randomness
//! of a trace, so the lowest threshold is exactly the union of what each would keep, and its inverse
//! is the honest weight of what is kept.

use super::{PolicyId, Threshold};

/// What one policy says about one trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// It does not concern this policy.
    Pass,
    /// Keep it if its randomness reaches the threshold.
    Keep(Threshold),
    /// Do not keep it, whatever others say.
    Drop,
}

/// What the set says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    pub threshold: Threshold,
    /// The policy that decided; of several that say the same, the one with the lowest id.
    pub by: Option<PolicyId>,
    pub vetoed: bool,
}

/// The verdict of a set. The order of the votes means nothing; shadow policies do not vote.
pub fn union(votes: impl IntoIterator<Item = (PolicyId, Vote)>) -> Verdict {
    let mut keep: Option<(Threshold, PolicyId)> = None;
    let mut veto: Option<PolicyId> = None;
    for (policy, vote) in votes {
        match vote {
            Vote::Pass => {}
            Vote::Keep(threshold) => {
                let next = (threshold, policy);
                keep = Some(keep.map_or(next, |keep| keep.min(next)));
            }
            Vote::Drop => veto = Some(veto.map_or(policy, |veto| veto.min(policy))),
        }
    }
    if let Some(policy) = veto {
        return Verdict {
            threshold: Threshold::NEVER,
            by: Some(policy),
            vetoed: true,
        };
    }
    Verdict {
        threshold: keep.map_or(Threshold::NEVER, |(threshold, _)| threshold),
        by: keep.map(|(_, policy)| policy),
        vetoed: false,
    }
}
