//! Command in, facts out. Runs on the leader only.

use takt_model::UnixNano;

use crate::{
    CommandId, Event, Rejection, State, access, cluster, decisions, jobs, ledger, licences, nodes,
    overrides, policies, ring, tenants,
};

/// A wish; never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Tenant(tenants::Command),
    Overrides(overrides::Command),
    Ring(ring::Command),
    Policy(policies::Command),
    Decision(decisions::Command),
    Access(access::Command),
    Licence(licences::Command),
    Ledger(ledger::Command),
    Job(jobs::Command),
    Node(nodes::Command),
    Cluster(cluster::Command),
}

/// What the leader knows beside the state, read once for a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The leader's clock.
    pub at: UnixNano,
    /// Names of new things come from here, so that a repeated command gives the same names.
    pub command: CommandId,
}

/// What follows from a command. An empty list is a yes with nothing to say: it is so already.
///
/// # Errors
/// When a rule says no.
pub fn decide(state: &State, command: &Command, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    match command {
        Command::Tenant(command) => tenants::decide(state, command, facts),
        Command::Overrides(command) => overrides::decide(state, command, facts),
        Command::Ring(command) => ring::decide(state, command, facts),
        Command::Policy(command) => policies::decide(state, command, facts),
        Command::Decision(command) => decisions::decide(state, command, facts),
        Command::Access(command) => access::decide(state, command, facts),
        Command::Licence(command) => licences::decide(state, command, facts),
        Command::Ledger(command) => ledger::decide(state, command, facts),
        Command::Job(command) => jobs::decide(state, command, facts),
        Command::Node(command) => nodes::decide(state, command, facts),
        Command::Cluster(command) => cluster::decide(state, command, facts),
    }
}

impl From<tenants::Command> for Command {
    fn from(command: tenants::Command) -> Self {
        Self::Tenant(command)
    }
}

impl From<overrides::Command> for Command {
    fn from(command: overrides::Command) -> Self {
        Self::Overrides(command)
    }
}

impl From<ring::Command> for Command {
    fn from(command: ring::Command) -> Self {
        Self::Ring(command)
    }
}

impl From<policies::Command> for Command {
    fn from(command: policies::Command) -> Self {
        Self::Policy(command)
    }
}

impl From<decisions::Command> for Command {
    fn from(command: decisions::Command) -> Self {
        Self::Decision(command)
    }
}

impl From<access::Command> for Command {
    fn from(command: access::Command) -> Self {
        Self::Access(command)
    }
}

impl From<licences::Command> for Command {
    fn from(command: licences::Command) -> Self {
        Self::Licence(command)
    }
}

impl From<ledger::Command> for Command {
    fn from(command: ledger::Command) -> Self {
        Self::Ledger(command)
    }
}

impl From<jobs::Command> for Command {
    fn from(command: jobs::Command) -> Self {
        Self::Job(command)
    }
}

impl From<nodes::Command> for Command {
    fn from(command: nodes::Command) -> Self {
        Self::Node(command)
    }
}

impl From<cluster::Command> for Command {
    fn from(command: cluster::Command) -> Self {
        Self::Cluster(command)
    }
}
