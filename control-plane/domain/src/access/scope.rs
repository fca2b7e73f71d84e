//! What a policy allows: a closed set.

use std::fmt;

use super::Rejection;

/// One thing a policy allows within its realms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Admin,
    ControlNode,
    ControlOperate,
    ControlRead,
    RulesRead,
    RulesWrite,
    SamplingAdmin,
    TenantAdmin,
    TracesRead,
    TracesWrite,
    UsageRead,
}

impl Scope {
    /// In the order of their names.
    pub const ALL: [Self; 11] = [
        Self::Admin,
        Self::ControlNode,
        Self::ControlOperate,
        Self::ControlRead,
        Self::RulesRead,
        Self::RulesWrite,
        Self::SamplingAdmin,
        Self::TenantAdmin,
        Self::TracesRead,
        Self::TracesWrite,
        Self::UsageRead,
    ];

    /// As it is written and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ControlNode => "control:node",
            Self::ControlOperate => "control:operate",
            Self::ControlRead => "control:read",
            Self::RulesRead => "rules:read",
            Self::RulesWrite => "rules:write",
            Self::SamplingAdmin => "adaptive-traces:admin",
            Self::TenantAdmin => "tenant:admin",
            Self::TracesRead => "traces:read",
            Self::TracesWrite => "traces:write",
            Self::UsageRead => "usage:read",
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Admin => "everything on the control plane, access policies and tokens among it",
            Self::ControlNode => "what a node of the data plane needs: to follow, report and work",
            Self::ControlOperate => {
                "to run the installation: ring, jobs, nodes, cluster, tenants and limits, but not who may do what, licences or money"
            }
            Self::ControlRead => {
                "to look at everything on the control plane, tokens' secrets never"
            }
            Self::RulesRead => "to read alerting and recording rules of the realms' tenants",
            Self::RulesWrite => "to write alerting and recording rules of the realms' tenants",
            Self::SamplingAdmin => "to change the sampling policies of the realms' tenants",
            Self::TenantAdmin => {
                "to administer the realms' tenants: their overrides and sampling policies, and to see their usage"
            }
            Self::TracesRead => "to search and fetch traces of the realms' tenants",
            Self::TracesWrite => "to send spans of the realms' tenants",
            Self::UsageRead => "to see usage and invoices of the realms' tenants",
        }
    }

    /// Scopes of the whole installation make sense only with every tenant in the realm.
    #[must_use]
    pub fn of_installation(self) -> bool {
        match self {
            Self::Admin | Self::ControlNode | Self::ControlOperate | Self::ControlRead => true,
            Self::RulesRead
            | Self::RulesWrite
            | Self::SamplingAdmin
            | Self::TenantAdmin
            | Self::TracesRead
            | Self::TracesWrite
            | Self::UsageRead => false,
        }
    }

    /// # Errors
    /// When there is no such scope.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == text)
            .ok_or_else(|| Rejection::ScopeUnknown(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
