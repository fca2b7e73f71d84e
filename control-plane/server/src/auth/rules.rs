//! What each method does, to what, and whose it is: the one place a new method must be entered.

use takt_wire::methods::AdminMethod as M;

/// What a call needs to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) verb: Verb,
    pub(super) kind: Kind,
    /// Where the request names the tenant it is about, `scope.tenant`; where there is none, or it is
    /// left empty, the call is about the whole installation.
    pub(super) tenant: Option<&'static str>,
    /// It lists what belongs to tenants: who may not see everybody's sees that of theirs.
    pub(super) each: bool,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Read,
    Write,
    /// What nodes say of themselves and their work.
    Report,
}

/// To what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Access,
    Audit,
    Cluster,
    Decision,
    Job,
    Ledger,
    Licence,
    Node,
    Overrides,
    /// Any of them, followed as it changes.
    Resource,
    Ring,
    Sampling,
    Status,
    Tenant,
    View,
}

impl Verb {
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Report];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Report => "report",
        }
    }
}

impl Kind {
    pub const ALL: [Self; 15] = [
        Self::Access,
        Self::Audit,
        Self::Cluster,
        Self::Decision,
        Self::Job,
        Self::Ledger,
        Self::Licence,
        Self::Node,
        Self::Overrides,
        Self::Resource,
        Self::Ring,
        Self::Sampling,
        Self::Status,
        Self::Tenant,
        Self::View,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Audit => "audit",
            Self::Cluster => "cluster",
            Self::Decision => "decision",
            Self::Job => "job",
            Self::Ledger => "ledger",
            Self::Licence => "licence",
            Self::Node => "node",
            Self::Overrides => "overrides",
            Self::Resource => "resource",
            Self::Ring => "ring",
            Self::Sampling => "sampling",
            Self::Status => "status",
            Self::Tenant => "tenant",
            Self::View => "view",
        }
    }
}

/// What nodes say of themselves and their work. What one replica has heard of many of them is not that.
pub(crate) const fn is_report(method: M) -> bool {
    matches!(rule(method).verb, Verb::Report) && !matches!(method, M::PresenceReportPresence)
}

/// Exhaustive on purpose.
#[expect(
    clippy::too_many_lines,
    reason = "a table: every method once, and nothing else"
)]
pub(super) const fn rule(method: M) -> Rule {
    match method {
        M::AccessPolicyCreateAccessPolicy
        | M::AccessPolicyDeleteAccessPolicy
        | M::AccessPolicyUpdateAccessPolicy
        | M::OidcIssuerCreateOidcIssuer
        | M::OidcIssuerDeleteOidcIssuer
        | M::OidcIssuerUpdateOidcIssuer
        | M::TokenCreateToken
        | M::TokenDeleteToken
        | M::TokenRevokeToken => write(Kind::Access),
        M::AccessPolicyGetAccessPolicy
        | M::AccessPolicyListAccessPolicies
        | M::AccessPolicyListScopes
        | M::OidcIssuerGetOidcIssuer
        | M::OidcIssuerListOidcIssuers
        | M::TokenGetToken
        | M::TokenListTokens => read(Kind::Access),

        M::AuditListEntries => read(Kind::Audit).of("tenant"),
        M::AuditListRefusals => read(Kind::Audit),

        M::ClusterAddMember
        | M::ClusterBootstrapCluster
        | M::ClusterPromoteMember
        | M::ClusterRemoveMember
        | M::ClusterTransferLeader => write(Kind::Cluster),
        M::ClusterGetCluster => read(Kind::Cluster),

        M::DecisionRetireSegment => write(Kind::Decision).of("tenant"),
        M::DecisionGetSegment | M::DecisionListSegments => read(Kind::Decision).of("tenant"),
        M::DecisionsForgetSegments | M::DecisionsSupersedeSegments | M::DecisionsFindSegments => {
            plain(Verb::Report, Kind::Decision).of("tenant")
        }
        M::DecisionsListRetiredSegments | M::DecisionsRegisterSegments => {
            plain(Verb::Report, Kind::Decision)
        }

        M::JobCancelJob | M::JobCreateJobs | M::JobRetryJob => write(Kind::Job),
        M::JobGetJob => read(Kind::Job),
        M::JobListJobs => read(Kind::Job).of("tenant"),
        M::JobsCompleteJob | M::JobsFailJob | M::JobsLeaseJobs | M::JobsReportJob => {
            plain(Verb::Report, Kind::Job)
        }
        // No role of a tenant has this verb: nobody books for themselves.
        M::LedgerClosePeriod
        | M::LedgerCorrectEntry
        | M::LedgerPostAdjustment
        | M::BillingCreateCommitment
        | M::BillingDraftInvoice
        | M::BillingFinaliseInvoice
        | M::BillingGrantCredit
        | M::BillingPayInvoice
        | M::BillingSetTerms
        | M::BillingVoidCredit
        | M::BillingVoidInvoice
        | M::BillingWriteOffInvoice => write(Kind::Ledger).of("tenant"),
        M::LedgerRetireUsageSource | M::BillingDeleteRateCard | M::BillingUpdateRateCard => {
            write(Kind::Ledger)
        }
        M::LedgerListAccounts | M::BillingGetRateCard | M::BillingListRateCards => {
            read(Kind::Ledger)
        }
        M::LedgerGetAccount
        | M::LedgerGetUsage
        | M::LedgerListPostings
        | M::BillingGetInvoice
        | M::BillingListCommitments
        | M::BillingListCredits
        | M::BillingListInvoices
        | M::BillingPreviewInvoice => read(Kind::Ledger).of("tenant"),
        M::UsagePostUsage => plain(Verb::Report, Kind::Ledger),
        M::PurgeRecordPurge => plain(Verb::Report, Kind::Tenant).of("tenant"),
        M::LicenceAddLicence | M::LicenceAddRevocations | M::LicenceRemoveLicence => {
            write(Kind::Licence)
        }
        M::LicenceGetLicence | M::LicenceGetLicenceStatus | M::LicenceListLicences => {
            read(Kind::Licence)
        }

        M::LogAt | M::LogDiff => read(Kind::Resource).of("tenant"),
        M::LogShowLog => read(Kind::Audit).of("tenant"),
        // All of everybody's, with what tokens are recognised by.
        M::LogBackup => write(Kind::Cluster),

        M::NodeDrainNode | M::NodeForgetNode | M::NodeResumeNode => write(Kind::Node),
        M::NodeGetNode | M::NodeListLeases | M::NodeListNodes => read(Kind::Node),
        M::LeaseAcquireLease | M::LeaseReleaseLease | M::PresenceReportPresence => {
            plain(Verb::Report, Kind::Node)
        }

        M::OverridesChangeOverrides
        | M::OverridesReplaceOverrides
        | M::OverridesRollbackOverrides => write(Kind::Overrides).of("scope.tenant"),
        M::OverridesListOverrideFields => read(Kind::Overrides),
        M::OverridesGetOverrides => read(Kind::Overrides).of("scope.tenant"),

        M::PolicyCreatePolicy
        | M::PolicyDeletePolicy
        | M::PolicyReplacePolicySet
        | M::PolicyUpdatePolicy => write(Kind::Sampling).of("tenant"),
        M::PolicyGetPolicy
        | M::PolicyGetPolicySet
        | M::PolicyLintPolicySet
        | M::PolicyListPolicies => read(Kind::Sampling).of("tenant"),
        M::PolicyListPolicyTypes => read(Kind::Sampling),

        M::RingActivatePartition
        | M::RingAddPartitions
        | M::RingAssignPartition
        | M::RingCancelHandover
        | M::RingDeactivatePartition
        | M::RingHandOverPartition
        | M::RingRemovePartition
        | M::RingUnassignPartition
        | M::RingUpdateRing => write(Kind::Ring),
        M::RingGetPartition
        | M::RingGetRing
        | M::RingListPartitions
        | M::RingListRings
        | M::RingPreviewPlan => read(Kind::Ring),
        M::RingGetTenantShard => read(Kind::Ring).of("tenant"),

        M::StatusGetStatus => read(Kind::Status),

        M::TenantCreateTenant
        | M::TenantDeleteTenant
        | M::TenantResumeTenant
        | M::TenantSuspendTenant
        | M::TenantUndeleteTenant
        | M::TenantUpdateTenant => write(Kind::Tenant).of("tenant"),
        M::TenantGetTenant => read(Kind::Tenant).of("tenant"),
        M::TenantListTenants => read(Kind::Tenant).each(),

        M::ControlSubscribe => read(Kind::View),
        M::ResourceWatch => read(Kind::Resource).of("tenant"),
        M::OperationListOperations => read(Kind::Resource).of("tenant"),
        M::OperationGetOperation | M::OperationWaitOperation => read(Kind::Resource),
        // A `subject` names a tenant of its own, and is refused beside `tenant`: alone, it is about everything.
        M::ResourceListHistory => read(Kind::Audit).of("tenant"),
    }
}

const fn read(kind: Kind) -> Rule {
    plain(Verb::Read, kind)
}

const fn write(kind: Kind) -> Rule {
    plain(Verb::Write, kind)
}

const fn plain(verb: Verb, kind: Kind) -> Rule {
    Rule {
        verb,
        kind,
        tenant: None,
        each: false,
    }
}

impl Rule {
    /// The request says at `path` whose it is.
    const fn of(mut self, path: &'static str) -> Self {
        self.tenant = Some(path);
        self
    }

    /// The handler leaves out what is not [`Sees`](crate::request::Sees).
    const fn each(mut self) -> Self {
        self.each = true;
        self
    }
}

#[cfg(test)]
mod tests;
