//! Who calls, and as what.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use takt_domain::access::{Name, PolicySpec, Scope, Tenants};
use takt_model::TenantId;

/// The longest name of somebody that is written down.
const MAX_SUBJECT_CHARS: usize = 128;

/// Somebody who was let in; the handlers find it in the request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub principal: Principal,
    pub address: Option<IpAddr>,
    pub grants: Arc<[Grant]>,
}

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    Anonymous,
    /// Who holds the token of the file.
    Admin,
    Token(Name),
    Certificate(String),
    Oidc {
        issuer: Name,
        subject: String,
    },
}

/// A part somebody plays, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    pub role: Role,
    pub domain: Domain,
}

/// What a part is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    Installation,
    Tenant(TenantId),
}

/// The parts there are; what each may do stands in `rules.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Admin,
    Operator,
    Viewer,
    Node,
    TenantAdmin,
    SamplingAdmin,
    UsageReader,
}

impl Role {
    pub const ALL: [Self; 7] = [
        Self::Admin,
        Self::Operator,
        Self::Viewer,
        Self::Node,
        Self::TenantAdmin,
        Self::SamplingAdmin,
        Self::UsageReader,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Node => "node",
            Self::TenantAdmin => "tenant-admin",
            Self::SamplingAdmin => "sampling-admin",
            Self::UsageReader => "usage-reader",
        }
    }

    /// The part a scope stands for on the control plane; some are about spans and stand for none.
    fn of(scope: Scope) -> Option<Self> {
        match scope {
            Scope::Admin => Some(Self::Admin),
            Scope::ControlOperate => Some(Self::Operator),
            Scope::ControlRead => Some(Self::Viewer),
            Scope::ControlNode => Some(Self::Node),
            Scope::TenantAdmin => Some(Self::TenantAdmin),
            Scope::SamplingAdmin => Some(Self::SamplingAdmin),
            Scope::UsageRead => Some(Self::UsageReader),
            Scope::RulesRead | Scope::RulesWrite | Scope::TracesRead | Scope::TracesWrite => None,
        }
    }
}

impl Caller {
    /// Those somebody plays a part for by name.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.grants.iter().filter_map(|grant| match &grant.domain {
            Domain::Installation => None,
            Domain::Tenant(tenant) => Some(tenant),
        })
    }
}

impl Grant {
    #[must_use]
    pub fn everywhere(role: Role) -> Self {
        Self {
            role,
            domain: Domain::Installation,
        }
    }

    /// What follows from a policy, in a fixed order.
    pub fn of_policy(spec: &PolicySpec) -> impl Iterator<Item = Self> {
        let roles = spec.scopes.iter().filter_map(|scope| Role::of(*scope));
        roles.flat_map(|role| {
            spec.realms.iter().map(move |realm| Self {
                role,
                domain: match &realm.tenants {
                    Tenants::All => Domain::Installation,
                    Tenants::One(tenant) => Domain::Tenant(tenant.clone()),
                },
            })
        })
    }
}

/// As it stands in the log: `token:ci@10.0.0.1`.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{}@{address}", self.principal),
            None => write!(f, "{}", self.principal),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Admin => f.write_str("admin"),
            Self::Token(name) => write!(f, "token:{name}"),
            Self::Certificate(name) => write!(f, "certificate:{}", plain(name)),
            Self::Oidc { issuer, subject } => write!(f, "oidc:{issuer}:{}", plain(subject)),
        }
    }
}

/// Others chose these names.
fn plain(text: &str) -> String {
    let legal = |c: char| if c.is_control() { '?' } else { c };
    text.chars().take(MAX_SUBJECT_CHARS).map(legal).collect()
}

/// Who and from where, of what stands in the log.
pub(crate) fn split_actor(actor: &str) -> (&str, &str) {
    match actor.rsplit_once('@') {
        Some((principal, address)) if address.parse::<IpAddr>().is_ok() => (principal, address),
        Some(_) | None => (actor, ""),
    }
}
