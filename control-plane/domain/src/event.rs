//! Facts.
//!
//! The stored form, its numbers and the rules of changing it stand in `api/proto/takt/control/log/v1`.

use crate::{
    Subject, access, cluster, decisions, jobs, ledger, licences, nodes, overrides, policies, ring,
    tenants,
};

/// Something that happened, for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Tenant(tenants::Event),
    Override(overrides::Event),
    Ring(ring::Event),
    Policy(policies::Event),
    Decision(decisions::Event),
    Access(access::Event),
    Licence(licences::Event),
    Ledger(ledger::Event),
    Job(jobs::Event),
    Node(nodes::Event),
    Cluster(cluster::Event),
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Tenant(event) => event.subject(),
            Self::Override(event) => event.subject(),
            Self::Ring(event) => event.subject(),
            Self::Policy(event) => event.subject(),
            Self::Decision(event) => event.subject(),
            Self::Access(event) => event.subject(),
            Self::Licence(event) => event.subject(),
            Self::Ledger(event) => event.subject(),
            Self::Job(event) => event.subject(),
            Self::Node(event) => event.subject(),
            Self::Cluster(event) => event.subject(),
        }
    }

    /// The things that may stand differently after it. One without a name, of a kind whose things have names,
    /// is all of that kind and tenant.
    #[must_use]
    pub fn changes(&self) -> Vec<Subject> {
        match self {
            Self::Ring(event) => event.changes(),
            Self::Decision(event) => event.changes(),
            Self::Access(event) => event.changes(),
            Self::Ledger(event) => event.changes(),
            Self::Tenant(_)
            | Self::Override(_)
            | Self::Policy(_)
            | Self::Licence(_)
            | Self::Job(_)
            | Self::Node(_)
            | Self::Cluster(_) => vec![self.subject()],
        }
    }
}

impl From<tenants::Event> for Event {
    fn from(event: tenants::Event) -> Self {
        Self::Tenant(event)
    }
}

impl From<overrides::Event> for Event {
    fn from(event: overrides::Event) -> Self {
        Self::Override(event)
    }
}

impl From<ring::Event> for Event {
    fn from(event: ring::Event) -> Self {
        Self::Ring(event)
    }
}

impl From<policies::Event> for Event {
    fn from(event: policies::Event) -> Self {
        Self::Policy(event)
    }
}

impl From<decisions::Event> for Event {
    fn from(event: decisions::Event) -> Self {
        Self::Decision(event)
    }
}

impl From<access::Event> for Event {
    fn from(event: access::Event) -> Self {
        Self::Access(event)
    }
}

impl From<licences::Event> for Event {
    fn from(event: licences::Event) -> Self {
        Self::Licence(event)
    }
}

impl From<ledger::Event> for Event {
    fn from(event: ledger::Event) -> Self {
        Self::Ledger(event)
    }
}

impl From<jobs::Event> for Event {
    fn from(event: jobs::Event) -> Self {
        Self::Job(event)
    }
}

impl From<nodes::Event> for Event {
    fn from(event: nodes::Event) -> Self {
        Self::Node(event)
    }
}

impl From<cluster::Event> for Event {
    fn from(event: cluster::Event) -> Self {
        Self::Cluster(event)
    }
}
