//! The catalogue of what must hold for the cluster, and what is said when it does not. What must hold
//! of a state alone stands in [`takt_domain::invariants`].

/// Names an invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    /// A term has at most one leader.
    ElectionSafety,
    /// Two logs that have an entry of the same index and term have the same entries before it.
    LogMatching,
    /// What one node applied, every node applies at the same place, for ever.
    FactsImmutable,
    /// At the same revision every state is the same.
    SameState,
    /// The invariants of the domain.
    State,
    /// A command is applied at most once.
    CommandOnce,
    /// What is applied follows, by the rules, from the command and the state it was applied to.
    DecidedRightly,
    /// What is applied was asked for.
    NothingFromNothing,
    /// What was answered is applied, and stays.
    AcknowledgedKept,
    /// There is an order of everything that explains every answer.
    Linearizable,
    /// The term of a node never falls while it runs.
    TermsRise,
    /// The revision of a node never falls while it runs.
    RevisionsRise,
    /// Without faults the cluster heals: one leader, everybody at the same revision, every node answers.
    Heals,
    /// Nothing panics and no task fails.
    NoPanic,
}

impl Id {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::ElectionSafety,
        Self::LogMatching,
        Self::FactsImmutable,
        Self::SameState,
        Self::State,
        Self::CommandOnce,
        Self::DecidedRightly,
        Self::NothingFromNothing,
        Self::AcknowledgedKept,
        Self::Linearizable,
        Self::TermsRise,
        Self::RevisionsRise,
        Self::Heals,
        Self::NoPanic,
    ];

    pub(crate) fn violated(self, what: String) -> Violation {
        Violation { id: self, what }
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{id:?}: {what}")]
pub struct Violation {
    pub id: Id,
    pub what: String,
}
