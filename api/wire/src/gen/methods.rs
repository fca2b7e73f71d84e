// @generated
/// Every method of the control plane's services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminMethod {
    AccessPolicyCreateAccessPolicy,
    AccessPolicyDeleteAccessPolicy,
    AccessPolicyGetAccessPolicy,
    AccessPolicyListAccessPolicies,
    AccessPolicyListScopes,
    AccessPolicyUpdateAccessPolicy,
    AuditListEntries,
    AuditListRefusals,
    BillingCreateCommitment,
    BillingDeleteRateCard,
    BillingDraftInvoice,
    BillingFinaliseInvoice,
    BillingGetInvoice,
    BillingGetRateCard,
    BillingGrantCredit,
    BillingListCommitments,
    BillingListCredits,
    BillingListInvoices,
    BillingListRateCards,
    BillingPayInvoice,
    BillingPreviewInvoice,
    BillingSetTerms,
    BillingUpdateRateCard,
    BillingVoidCredit,
    BillingVoidInvoice,
    BillingWriteOffInvoice,
    ClusterAddMember,
    ClusterBootstrapCluster,
    ClusterGetCluster,
    ClusterPromoteMember,
    ClusterRemoveMember,
    ClusterTransferLeader,
    DecisionGetSegment,
    DecisionListSegments,
    DecisionRetireSegment,
    JobCancelJob,
    JobCreateJobs,
    JobGetJob,
    JobListJobs,
    JobRetryJob,
    LedgerClosePeriod,
    LedgerCorrectEntry,
    LedgerGetAccount,
    LedgerGetUsage,
    LedgerListAccounts,
    LedgerListPostings,
    LedgerPostAdjustment,
    LedgerRetireUsageSource,
    LicenceAddLicence,
    LicenceAddRevocations,
    LicenceGetLicence,
    LicenceGetLicenceStatus,
    LicenceListLicences,
    LicenceRemoveLicence,
    LogAt,
    LogBackup,
    LogDiff,
    LogShowLog,
    NodeDrainNode,
    NodeForgetNode,
    NodeGetNode,
    NodeListLeases,
    NodeListNodes,
    NodeResumeNode,
    OidcIssuerCreateOidcIssuer,
    OidcIssuerDeleteOidcIssuer,
    OidcIssuerGetOidcIssuer,
    OidcIssuerListOidcIssuers,
    OidcIssuerUpdateOidcIssuer,
    OperationGetOperation,
    OperationListOperations,
    OperationWaitOperation,
    OverridesChangeOverrides,
    OverridesGetOverrides,
    OverridesListOverrideFields,
    OverridesReplaceOverrides,
    OverridesRollbackOverrides,
    PolicyCreatePolicy,
    PolicyDeletePolicy,
    PolicyGetPolicy,
    PolicyGetPolicySet,
    PolicyLintPolicySet,
    PolicyListPolicies,
    PolicyListPolicyTypes,
    PolicyReplacePolicySet,
    PolicyUpdatePolicy,
    ResourceListHistory,
    ResourceWatch,
    RingActivatePartition,
    RingAddPartitions,
    RingAssignPartition,
    RingCancelHandover,
    RingDeactivatePartition,
    RingGetPartition,
    RingGetRing,
    RingGetTenantShard,
    RingHandOverPartition,
    RingListPartitions,
    RingListRings,
    RingPreviewPlan,
    RingRemovePartition,
    RingUnassignPartition,
    RingUpdateRing,
    StatusGetStatus,
    TenantCreateTenant,
    TenantDeleteTenant,
    TenantGetTenant,
    TenantListTenants,
    TenantResumeTenant,
    TenantSuspendTenant,
    TenantUndeleteTenant,
    TenantUpdateTenant,
    TokenCreateToken,
    TokenDeleteToken,
    TokenGetToken,
    TokenListTokens,
    TokenRevokeToken,
    ControlSubscribe,
    DecisionsFindSegments,
    DecisionsForgetSegments,
    DecisionsListRetiredSegments,
    DecisionsRegisterSegments,
    DecisionsSupersedeSegments,
    JobsCompleteJob,
    JobsFailJob,
    JobsLeaseJobs,
    JobsReportJob,
    LeaseAcquireLease,
    LeaseReleaseLease,
    PresenceReportPresence,
    PurgeRecordPurge,
    UsagePostUsage,
}

impl AdminMethod {
    pub const ALL: &'static [Self] = &[
        Self::AccessPolicyCreateAccessPolicy,
        Self::AccessPolicyDeleteAccessPolicy,
        Self::AccessPolicyGetAccessPolicy,
        Self::AccessPolicyListAccessPolicies,
        Self::AccessPolicyListScopes,
        Self::AccessPolicyUpdateAccessPolicy,
        Self::AuditListEntries,
        Self::AuditListRefusals,
        Self::BillingCreateCommitment,
        Self::BillingDeleteRateCard,
        Self::BillingDraftInvoice,
        Self::BillingFinaliseInvoice,
        Self::BillingGetInvoice,
        Self::BillingGetRateCard,
        Self::BillingGrantCredit,
        Self::BillingListCommitments,
        Self::BillingListCredits,
        Self::BillingListInvoices,
        Self::BillingListRateCards,
        Self::BillingPayInvoice,
        Self::BillingPreviewInvoice,
        Self::BillingSetTerms,
        Self::BillingUpdateRateCard,
        Self::BillingVoidCredit,
        Self::BillingVoidInvoice,
        Self::BillingWriteOffInvoice,
        Self::ClusterAddMember,
        Self::ClusterBootstrapCluster,
        Self::ClusterGetCluster,
        Self::ClusterPromoteMember,
        Self::ClusterRemoveMember,
        Self::ClusterTransferLeader,
        Self::DecisionGetSegment,
        Self::DecisionListSegments,
        Self::DecisionRetireSegment,
        Self::JobCancelJob,
        Self::JobCreateJobs,
        Self::JobGetJob,
        Self::JobListJobs,
        Self::JobRetryJob,
        Self::LedgerClosePeriod,
        Self::LedgerCorrectEntry,
        Self::LedgerGetAccount,
        Self::LedgerGetUsage,
        Self::LedgerListAccounts,
        Self::LedgerListPostings,
        Self::LedgerPostAdjustment,
        Self::LedgerRetireUsageSource,
        Self::LicenceAddLicence,
        Self::LicenceAddRevocations,
        Self::LicenceGetLicence,
        Self::LicenceGetLicenceStatus,
        Self::LicenceListLicences,
        Self::LicenceRemoveLicence,
        Self::LogAt,
        Self::LogBackup,
        Self::LogDiff,
        Self::LogShowLog,
        Self::NodeDrainNode,
        Self::NodeForgetNode,
        Self::NodeGetNode,
        Self::NodeListLeases,
        Self::NodeListNodes,
        Self::NodeResumeNode,
        Self::OidcIssuerCreateOidcIssuer,
        Self::OidcIssuerDeleteOidcIssuer,
        Self::OidcIssuerGetOidcIssuer,
        Self::OidcIssuerListOidcIssuers,
        Self::OidcIssuerUpdateOidcIssuer,
        Self::OperationGetOperation,
        Self::OperationListOperations,
        Self::OperationWaitOperation,
        Self::OverridesChangeOverrides,
        Self::OverridesGetOverrides,
        Self::OverridesListOverrideFields,
        Self::OverridesReplaceOverrides,
        Self::OverridesRollbackOverrides,
        Self::PolicyCreatePolicy,
        Self::PolicyDeletePolicy,
        Self::PolicyGetPolicy,
        Self::PolicyGetPolicySet,
        Self::PolicyLintPolicySet,
        Self::PolicyListPolicies,
        Self::PolicyListPolicyTypes,
        Self::PolicyReplacePolicySet,
        Self::PolicyUpdatePolicy,
        Self::ResourceListHistory,
        Self::ResourceWatch,
        Self::RingActivatePartition,
        Self::RingAddPartitions,
        Self::RingAssignPartition,
        Self::RingCancelHandover,
        Self::RingDeactivatePartition,
        Self::RingGetPartition,
        Self::RingGetRing,
        Self::RingGetTenantShard,
        Self::RingHandOverPartition,
        Self::RingListPartitions,
        Self::RingListRings,
        Self::RingPreviewPlan,
        Self::RingRemovePartition,
        Self::RingUnassignPartition,
        Self::RingUpdateRing,
        Self::StatusGetStatus,
        Self::TenantCreateTenant,
        Self::TenantDeleteTenant,
        Self::TenantGetTenant,
        Self::TenantListTenants,
        Self::TenantResumeTenant,
        Self::TenantSuspendTenant,
        Self::TenantUndeleteTenant,
        Self::TenantUpdateTenant,
        Self::TokenCreateToken,
        Self::TokenDeleteToken,
        Self::TokenGetToken,
        Self::TokenListTokens,
        Self::TokenRevokeToken,
        Self::ControlSubscribe,
        Self::DecisionsFindSegments,
        Self::DecisionsForgetSegments,
        Self::DecisionsListRetiredSegments,
        Self::DecisionsRegisterSegments,
        Self::DecisionsSupersedeSegments,
        Self::JobsCompleteJob,
        Self::JobsFailJob,
        Self::JobsLeaseJobs,
        Self::JobsReportJob,
        Self::LeaseAcquireLease,
        Self::LeaseReleaseLease,
        Self::PresenceReportPresence,
        Self::PurgeRecordPurge,
        Self::UsagePostUsage,
    ];

    /// As in the path of an HTTP/2 request.
    pub const fn path(self) -> &'static str {
        match self {
            Self::AccessPolicyCreateAccessPolicy => "/takt.admin.v1.AccessPolicyService/CreateAccessPolicy",
            Self::AccessPolicyDeleteAccessPolicy => "/takt.admin.v1.AccessPolicyService/DeleteAccessPolicy",
            Self::AccessPolicyGetAccessPolicy => "/takt.admin.v1.AccessPolicyService/GetAccessPolicy",
            Self::AccessPolicyListAccessPolicies => "/takt.admin.v1.AccessPolicyService/ListAccessPolicies",
            Self::AccessPolicyListScopes => "/takt.admin.v1.AccessPolicyService/ListScopes",
            Self::AccessPolicyUpdateAccessPolicy => "/takt.admin.v1.AccessPolicyService/UpdateAccessPolicy",
            Self::AuditListEntries => "/takt.admin.v1.AuditService/ListEntries",
            Self::AuditListRefusals => "/takt.admin.v1.AuditService/ListRefusals",
            Self::BillingCreateCommitment => "/takt.admin.v1.BillingService/CreateCommitment",
            Self::BillingDeleteRateCard => "/takt.admin.v1.BillingService/DeleteRateCard",
            Self::BillingDraftInvoice => "/takt.admin.v1.BillingService/DraftInvoice",
            Self::BillingFinaliseInvoice => "/takt.admin.v1.BillingService/FinaliseInvoice",
            Self::BillingGetInvoice => "/takt.admin.v1.BillingService/GetInvoice",
            Self::BillingGetRateCard => "/takt.admin.v1.BillingService/GetRateCard",
            Self::BillingGrantCredit => "/takt.admin.v1.BillingService/GrantCredit",
            Self::BillingListCommitments => "/takt.admin.v1.BillingService/ListCommitments",
            Self::BillingListCredits => "/takt.admin.v1.BillingService/ListCredits",
            Self::BillingListInvoices => "/takt.admin.v1.BillingService/ListInvoices",
            Self::BillingListRateCards => "/takt.admin.v1.BillingService/ListRateCards",
            Self::BillingPayInvoice => "/takt.admin.v1.BillingService/PayInvoice",
            Self::BillingPreviewInvoice => "/takt.admin.v1.BillingService/PreviewInvoice",
            Self::BillingSetTerms => "/takt.admin.v1.BillingService/SetTerms",
            Self::BillingUpdateRateCard => "/takt.admin.v1.BillingService/UpdateRateCard",
            Self::BillingVoidCredit => "/takt.admin.v1.BillingService/VoidCredit",
            Self::BillingVoidInvoice => "/takt.admin.v1.BillingService/VoidInvoice",
            Self::BillingWriteOffInvoice => "/takt.admin.v1.BillingService/WriteOffInvoice",
            Self::ClusterAddMember => "/takt.admin.v1.ClusterService/AddMember",
            Self::ClusterBootstrapCluster => "/takt.admin.v1.ClusterService/BootstrapCluster",
            Self::ClusterGetCluster => "/takt.admin.v1.ClusterService/GetCluster",
            Self::ClusterPromoteMember => "/takt.admin.v1.ClusterService/PromoteMember",
            Self::ClusterRemoveMember => "/takt.admin.v1.ClusterService/RemoveMember",
            Self::ClusterTransferLeader => "/takt.admin.v1.ClusterService/TransferLeader",
            Self::DecisionGetSegment => "/takt.admin.v1.DecisionService/GetSegment",
            Self::DecisionListSegments => "/takt.admin.v1.DecisionService/ListSegments",
            Self::DecisionRetireSegment => "/takt.admin.v1.DecisionService/RetireSegment",
            Self::JobCancelJob => "/takt.admin.v1.JobService/CancelJob",
            Self::JobCreateJobs => "/takt.admin.v1.JobService/CreateJobs",
            Self::JobGetJob => "/takt.admin.v1.JobService/GetJob",
            Self::JobListJobs => "/takt.admin.v1.JobService/ListJobs",
            Self::JobRetryJob => "/takt.admin.v1.JobService/RetryJob",
            Self::LedgerClosePeriod => "/takt.admin.v1.LedgerService/ClosePeriod",
            Self::LedgerCorrectEntry => "/takt.admin.v1.LedgerService/CorrectEntry",
            Self::LedgerGetAccount => "/takt.admin.v1.LedgerService/GetAccount",
            Self::LedgerGetUsage => "/takt.admin.v1.LedgerService/GetUsage",
            Self::LedgerListAccounts => "/takt.admin.v1.LedgerService/ListAccounts",
            Self::LedgerListPostings => "/takt.admin.v1.LedgerService/ListPostings",
            Self::LedgerPostAdjustment => "/takt.admin.v1.LedgerService/PostAdjustment",
            Self::LedgerRetireUsageSource => "/takt.admin.v1.LedgerService/RetireUsageSource",
            Self::LicenceAddLicence => "/takt.admin.v1.LicenceService/AddLicence",
            Self::LicenceAddRevocations => "/takt.admin.v1.LicenceService/AddRevocations",
            Self::LicenceGetLicence => "/takt.admin.v1.LicenceService/GetLicence",
            Self::LicenceGetLicenceStatus => "/takt.admin.v1.LicenceService/GetLicenceStatus",
            Self::LicenceListLicences => "/takt.admin.v1.LicenceService/ListLicences",
            Self::LicenceRemoveLicence => "/takt.admin.v1.LicenceService/RemoveLicence",
            Self::LogAt => "/takt.admin.v1.LogService/At",
            Self::LogBackup => "/takt.admin.v1.LogService/Backup",
            Self::LogDiff => "/takt.admin.v1.LogService/Diff",
            Self::LogShowLog => "/takt.admin.v1.LogService/ShowLog",
            Self::NodeDrainNode => "/takt.admin.v1.NodeService/DrainNode",
            Self::NodeForgetNode => "/takt.admin.v1.NodeService/ForgetNode",
            Self::NodeGetNode => "/takt.admin.v1.NodeService/GetNode",
            Self::NodeListLeases => "/takt.admin.v1.NodeService/ListLeases",
            Self::NodeListNodes => "/takt.admin.v1.NodeService/ListNodes",
            Self::NodeResumeNode => "/takt.admin.v1.NodeService/ResumeNode",
            Self::OidcIssuerCreateOidcIssuer => "/takt.admin.v1.OidcIssuerService/CreateOidcIssuer",
            Self::OidcIssuerDeleteOidcIssuer => "/takt.admin.v1.OidcIssuerService/DeleteOidcIssuer",
            Self::OidcIssuerGetOidcIssuer => "/takt.admin.v1.OidcIssuerService/GetOidcIssuer",
            Self::OidcIssuerListOidcIssuers => "/takt.admin.v1.OidcIssuerService/ListOidcIssuers",
            Self::OidcIssuerUpdateOidcIssuer => "/takt.admin.v1.OidcIssuerService/UpdateOidcIssuer",
            Self::OperationGetOperation => "/takt.admin.v1.OperationService/GetOperation",
            Self::OperationListOperations => "/takt.admin.v1.OperationService/ListOperations",
            Self::OperationWaitOperation => "/takt.admin.v1.OperationService/WaitOperation",
            Self::OverridesChangeOverrides => "/takt.admin.v1.OverridesService/ChangeOverrides",
            Self::OverridesGetOverrides => "/takt.admin.v1.OverridesService/GetOverrides",
            Self::OverridesListOverrideFields => "/takt.admin.v1.OverridesService/ListOverrideFields",
            Self::OverridesReplaceOverrides => "/takt.admin.v1.OverridesService/ReplaceOverrides",
            Self::OverridesRollbackOverrides => "/takt.admin.v1.OverridesService/RollbackOverrides",
            Self::PolicyCreatePolicy => "/takt.admin.v1.PolicyService/CreatePolicy",
            Self::PolicyDeletePolicy => "/takt.admin.v1.PolicyService/DeletePolicy",
            Self::PolicyGetPolicy => "/takt.admin.v1.PolicyService/GetPolicy",
            Self::PolicyGetPolicySet => "/takt.admin.v1.PolicyService/GetPolicySet",
            Self::PolicyLintPolicySet => "/takt.admin.v1.PolicyService/LintPolicySet",
            Self::PolicyListPolicies => "/takt.admin.v1.PolicyService/ListPolicies",
            Self::PolicyListPolicyTypes => "/takt.admin.v1.PolicyService/ListPolicyTypes",
            Self::PolicyReplacePolicySet => "/takt.admin.v1.PolicyService/ReplacePolicySet",
            Self::PolicyUpdatePolicy => "/takt.admin.v1.PolicyService/UpdatePolicy",
            Self::ResourceListHistory => "/takt.admin.v1.ResourceService/ListHistory",
            Self::ResourceWatch => "/takt.admin.v1.ResourceService/Watch",
            Self::RingActivatePartition => "/takt.admin.v1.RingService/ActivatePartition",
            Self::RingAddPartitions => "/takt.admin.v1.RingService/AddPartitions",
            Self::RingAssignPartition => "/takt.admin.v1.RingService/AssignPartition",
            Self::RingCancelHandover => "/takt.admin.v1.RingService/CancelHandover",
            Self::RingDeactivatePartition => "/takt.admin.v1.RingService/DeactivatePartition",
            Self::RingGetPartition => "/takt.admin.v1.RingService/GetPartition",
            Self::RingGetRing => "/takt.admin.v1.RingService/GetRing",
            Self::RingGetTenantShard => "/takt.admin.v1.RingService/GetTenantShard",
            Self::RingHandOverPartition => "/takt.admin.v1.RingService/HandOverPartition",
            Self::RingListPartitions => "/takt.admin.v1.RingService/ListPartitions",
            Self::RingListRings => "/takt.admin.v1.RingService/ListRings",
            Self::RingPreviewPlan => "/takt.admin.v1.RingService/PreviewPlan",
            Self::RingRemovePartition => "/takt.admin.v1.RingService/RemovePartition",
            Self::RingUnassignPartition => "/takt.admin.v1.RingService/UnassignPartition",
            Self::RingUpdateRing => "/takt.admin.v1.RingService/UpdateRing",
            Self::StatusGetStatus => "/takt.admin.v1.StatusService/GetStatus",
            Self::TenantCreateTenant => "/takt.admin.v1.TenantService/CreateTenant",
            Self::TenantDeleteTenant => "/takt.admin.v1.TenantService/DeleteTenant",
            Self::TenantGetTenant => "/takt.admin.v1.TenantService/GetTenant",
            Self::TenantListTenants => "/takt.admin.v1.TenantService/ListTenants",
            Self::TenantResumeTenant => "/takt.admin.v1.TenantService/ResumeTenant",
            Self::TenantSuspendTenant => "/takt.admin.v1.TenantService/SuspendTenant",
            Self::TenantUndeleteTenant => "/takt.admin.v1.TenantService/UndeleteTenant",
            Self::TenantUpdateTenant => "/takt.admin.v1.TenantService/UpdateTenant",
            Self::TokenCreateToken => "/takt.admin.v1.TokenService/CreateToken",
            Self::TokenDeleteToken => "/takt.admin.v1.TokenService/DeleteToken",
            Self::TokenGetToken => "/takt.admin.v1.TokenService/GetToken",
            Self::TokenListTokens => "/takt.admin.v1.TokenService/ListTokens",
            Self::TokenRevokeToken => "/takt.admin.v1.TokenService/RevokeToken",
            Self::ControlSubscribe => "/takt.control.v1.ControlService/Subscribe",
            Self::DecisionsFindSegments => "/takt.control.v1.DecisionsService/FindSegments",
            Self::DecisionsForgetSegments => "/takt.control.v1.DecisionsService/ForgetSegments",
            Self::DecisionsListRetiredSegments => "/takt.control.v1.DecisionsService/ListRetiredSegments",
            Self::DecisionsRegisterSegments => "/takt.control.v1.DecisionsService/RegisterSegments",
            Self::DecisionsSupersedeSegments => "/takt.control.v1.DecisionsService/SupersedeSegments",
            Self::JobsCompleteJob => "/takt.control.v1.JobsService/CompleteJob",
            Self::JobsFailJob => "/takt.control.v1.JobsService/FailJob",
            Self::JobsLeaseJobs => "/takt.control.v1.JobsService/LeaseJobs",
            Self::JobsReportJob => "/takt.control.v1.JobsService/ReportJob",
            Self::LeaseAcquireLease => "/takt.control.v1.LeaseService/AcquireLease",
            Self::LeaseReleaseLease => "/takt.control.v1.LeaseService/ReleaseLease",
            Self::PresenceReportPresence => "/takt.control.v1.PresenceService/ReportPresence",
            Self::PurgeRecordPurge => "/takt.control.v1.PurgeService/RecordPurge",
            Self::UsagePostUsage => "/takt.control.v1.UsageService/PostUsage",
        }
    }

    /// The method of a path.
    pub fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            "/takt.admin.v1.AccessPolicyService/CreateAccessPolicy" => Self::AccessPolicyCreateAccessPolicy,
            "/takt.admin.v1.AccessPolicyService/DeleteAccessPolicy" => Self::AccessPolicyDeleteAccessPolicy,
            "/takt.admin.v1.AccessPolicyService/GetAccessPolicy" => Self::AccessPolicyGetAccessPolicy,
            "/takt.admin.v1.AccessPolicyService/ListAccessPolicies" => Self::AccessPolicyListAccessPolicies,
            "/takt.admin.v1.AccessPolicyService/ListScopes" => Self::AccessPolicyListScopes,
            "/takt.admin.v1.AccessPolicyService/UpdateAccessPolicy" => Self::AccessPolicyUpdateAccessPolicy,
            "/takt.admin.v1.AuditService/ListEntries" => Self::AuditListEntries,
            "/takt.admin.v1.AuditService/ListRefusals" => Self::AuditListRefusals,
            "/takt.admin.v1.BillingService/CreateCommitment" => Self::BillingCreateCommitment,
            "/takt.admin.v1.BillingService/DeleteRateCard" => Self::BillingDeleteRateCard,
            "/takt.admin.v1.BillingService/DraftInvoice" => Self::BillingDraftInvoice,
            "/takt.admin.v1.BillingService/FinaliseInvoice" => Self::BillingFinaliseInvoice,
            "/takt.admin.v1.BillingService/GetInvoice" => Self::BillingGetInvoice,
            "/takt.admin.v1.BillingService/GetRateCard" => Self::BillingGetRateCard,
            "/takt.admin.v1.BillingService/GrantCredit" => Self::BillingGrantCredit,
            "/takt.admin.v1.BillingService/ListCommitments" => Self::BillingListCommitments,
            "/takt.admin.v1.BillingService/ListCredits" => Self::BillingListCredits,
            "/takt.admin.v1.BillingService/ListInvoices" => Self::BillingListInvoices,
            "/takt.admin.v1.BillingService/ListRateCards" => Self::BillingListRateCards,
            "/takt.admin.v1.BillingService/PayInvoice" => Self::BillingPayInvoice,
            "/takt.admin.v1.BillingService/PreviewInvoice" => Self::BillingPreviewInvoice,
            "/takt.admin.v1.BillingService/SetTerms" => Self::BillingSetTerms,
            "/takt.admin.v1.BillingService/UpdateRateCard" => Self::BillingUpdateRateCard,
            "/takt.admin.v1.BillingService/VoidCredit" => Self::BillingVoidCredit,
            "/takt.admin.v1.BillingService/VoidInvoice" => Self::BillingVoidInvoice,
            "/takt.admin.v1.BillingService/WriteOffInvoice" => Self::BillingWriteOffInvoice,
            "/takt.admin.v1.ClusterService/AddMember" => Self::ClusterAddMember,
            "/takt.admin.v1.ClusterService/BootstrapCluster" => Self::ClusterBootstrapCluster,
            "/takt.admin.v1.ClusterService/GetCluster" => Self::ClusterGetCluster,
            "/takt.admin.v1.ClusterService/PromoteMember" => Self::ClusterPromoteMember,
            "/takt.admin.v1.ClusterService/RemoveMember" => Self::ClusterRemoveMember,
            "/takt.admin.v1.ClusterService/TransferLeader" => Self::ClusterTransferLeader,
            "/takt.admin.v1.DecisionService/GetSegment" => Self::DecisionGetSegment,
            "/takt.admin.v1.DecisionService/ListSegments" => Self::DecisionListSegments,
            "/takt.admin.v1.DecisionService/RetireSegment" => Self::DecisionRetireSegment,
            "/takt.admin.v1.JobService/CancelJob" => Self::JobCancelJob,
            "/takt.admin.v1.JobService/CreateJobs" => Self::JobCreateJobs,
            "/takt.admin.v1.JobService/GetJob" => Self::JobGetJob,
            "/takt.admin.v1.JobService/ListJobs" => Self::JobListJobs,
            "/takt.admin.v1.JobService/RetryJob" => Self::JobRetryJob,
            "/takt.admin.v1.LedgerService/ClosePeriod" => Self::LedgerClosePeriod,
            "/takt.admin.v1.LedgerService/CorrectEntry" => Self::LedgerCorrectEntry,
            "/takt.admin.v1.LedgerService/GetAccount" => Self::LedgerGetAccount,
            "/takt.admin.v1.LedgerService/GetUsage" => Self::LedgerGetUsage,
            "/takt.admin.v1.LedgerService/ListAccounts" => Self::LedgerListAccounts,
            "/takt.admin.v1.LedgerService/ListPostings" => Self::LedgerListPostings,
            "/takt.admin.v1.LedgerService/PostAdjustment" => Self::LedgerPostAdjustment,
            "/takt.admin.v1.LedgerService/RetireUsageSource" => Self::LedgerRetireUsageSource,
            "/takt.admin.v1.LicenceService/AddLicence" => Self::LicenceAddLicence,
            "/takt.admin.v1.LicenceService/AddRevocations" => Self::LicenceAddRevocations,
            "/takt.admin.v1.LicenceService/GetLicence" => Self::LicenceGetLicence,
            "/takt.admin.v1.LicenceService/GetLicenceStatus" => Self::LicenceGetLicenceStatus,
            "/takt.admin.v1.LicenceService/ListLicences" => Self::LicenceListLicences,
            "/takt.admin.v1.LicenceService/RemoveLicence" => Self::LicenceRemoveLicence,
            "/takt.admin.v1.LogService/At" => Self::LogAt,
            "/takt.admin.v1.LogService/Backup" => Self::LogBackup,
            "/takt.admin.v1.LogService/Diff" => Self::LogDiff,
            "/takt.admin.v1.LogService/ShowLog" => Self::LogShowLog,
            "/takt.admin.v1.NodeService/DrainNode" => Self::NodeDrainNode,
            "/takt.admin.v1.NodeService/ForgetNode" => Self::NodeForgetNode,
            "/takt.admin.v1.NodeService/GetNode" => Self::NodeGetNode,
            "/takt.admin.v1.NodeService/ListLeases" => Self::NodeListLeases,
            "/takt.admin.v1.NodeService/ListNodes" => Self::NodeListNodes,
            "/takt.admin.v1.NodeService/ResumeNode" => Self::NodeResumeNode,
            "/takt.admin.v1.OidcIssuerService/CreateOidcIssuer" => Self::OidcIssuerCreateOidcIssuer,
            "/takt.admin.v1.OidcIssuerService/DeleteOidcIssuer" => Self::OidcIssuerDeleteOidcIssuer,
            "/takt.admin.v1.OidcIssuerService/GetOidcIssuer" => Self::OidcIssuerGetOidcIssuer,
            "/takt.admin.v1.OidcIssuerService/ListOidcIssuers" => Self::OidcIssuerListOidcIssuers,
            "/takt.admin.v1.OidcIssuerService/UpdateOidcIssuer" => Self::OidcIssuerUpdateOidcIssuer,
            "/takt.admin.v1.OperationService/GetOperation" => Self::OperationGetOperation,
            "/takt.admin.v1.OperationService/ListOperations" => Self::OperationListOperations,
            "/takt.admin.v1.OperationService/WaitOperation" => Self::OperationWaitOperation,
            "/takt.admin.v1.OverridesService/ChangeOverrides" => Self::OverridesChangeOverrides,
            "/takt.admin.v1.OverridesService/GetOverrides" => Self::OverridesGetOverrides,
            "/takt.admin.v1.OverridesService/ListOverrideFields" => Self::OverridesListOverrideFields,
            "/takt.admin.v1.OverridesService/ReplaceOverrides" => Self::OverridesReplaceOverrides,
            "/takt.admin.v1.OverridesService/RollbackOverrides" => Self::OverridesRollbackOverrides,
            "/takt.admin.v1.PolicyService/CreatePolicy" => Self::PolicyCreatePolicy,
            "/takt.admin.v1.PolicyService/DeletePolicy" => Self::PolicyDeletePolicy,
            "/takt.admin.v1.PolicyService/GetPolicy" => Self::PolicyGetPolicy,
            "/takt.admin.v1.PolicyService/GetPolicySet" => Self::PolicyGetPolicySet,
            "/takt.admin.v1.PolicyService/LintPolicySet" => Self::PolicyLintPolicySet,
            "/takt.admin.v1.PolicyService/ListPolicies" => Self::PolicyListPolicies,
            "/takt.admin.v1.PolicyService/ListPolicyTypes" => Self::PolicyListPolicyTypes,
            "/takt.admin.v1.PolicyService/ReplacePolicySet" => Self::PolicyReplacePolicySet,
            "/takt.admin.v1.PolicyService/UpdatePolicy" => Self::PolicyUpdatePolicy,
            "/takt.admin.v1.ResourceService/ListHistory" => Self::ResourceListHistory,
            "/takt.admin.v1.ResourceService/Watch" => Self::ResourceWatch,
            "/takt.admin.v1.RingService/ActivatePartition" => Self::RingActivatePartition,
            "/takt.admin.v1.RingService/AddPartitions" => Self::RingAddPartitions,
            "/takt.admin.v1.RingService/AssignPartition" => Self::RingAssignPartition,
            "/takt.admin.v1.RingService/CancelHandover" => Self::RingCancelHandover,
            "/takt.admin.v1.RingService/DeactivatePartition" => Self::RingDeactivatePartition,
            "/takt.admin.v1.RingService/GetPartition" => Self::RingGetPartition,
            "/takt.admin.v1.RingService/GetRing" => Self::RingGetRing,
            "/takt.admin.v1.RingService/GetTenantShard" => Self::RingGetTenantShard,
            "/takt.admin.v1.RingService/HandOverPartition" => Self::RingHandOverPartition,
            "/takt.admin.v1.RingService/ListPartitions" => Self::RingListPartitions,
            "/takt.admin.v1.RingService/ListRings" => Self::RingListRings,
            "/takt.admin.v1.RingService/PreviewPlan" => Self::RingPreviewPlan,
            "/takt.admin.v1.RingService/RemovePartition" => Self::RingRemovePartition,
            "/takt.admin.v1.RingService/UnassignPartition" => Self::RingUnassignPartition,
            "/takt.admin.v1.RingService/UpdateRing" => Self::RingUpdateRing,
            "/takt.admin.v1.StatusService/GetStatus" => Self::StatusGetStatus,
            "/takt.admin.v1.TenantService/CreateTenant" => Self::TenantCreateTenant,
            "/takt.admin.v1.TenantService/DeleteTenant" => Self::TenantDeleteTenant,
            "/takt.admin.v1.TenantService/GetTenant" => Self::TenantGetTenant,
            "/takt.admin.v1.TenantService/ListTenants" => Self::TenantListTenants,
            "/takt.admin.v1.TenantService/ResumeTenant" => Self::TenantResumeTenant,
            "/takt.admin.v1.TenantService/SuspendTenant" => Self::TenantSuspendTenant,
            "/takt.admin.v1.TenantService/UndeleteTenant" => Self::TenantUndeleteTenant,
            "/takt.admin.v1.TenantService/UpdateTenant" => Self::TenantUpdateTenant,
            "/takt.admin.v1.TokenService/CreateToken" => Self::TokenCreateToken,
            "/takt.admin.v1.TokenService/DeleteToken" => Self::TokenDeleteToken,
            "/takt.admin.v1.TokenService/GetToken" => Self::TokenGetToken,
            "/takt.admin.v1.TokenService/ListTokens" => Self::TokenListTokens,
            "/takt.admin.v1.TokenService/RevokeToken" => Self::TokenRevokeToken,
            "/takt.control.v1.ControlService/Subscribe" => Self::ControlSubscribe,
            "/takt.control.v1.DecisionsService/FindSegments" => Self::DecisionsFindSegments,
            "/takt.control.v1.DecisionsService/ForgetSegments" => Self::DecisionsForgetSegments,
            "/takt.control.v1.DecisionsService/ListRetiredSegments" => Self::DecisionsListRetiredSegments,
            "/takt.control.v1.DecisionsService/RegisterSegments" => Self::DecisionsRegisterSegments,
            "/takt.control.v1.DecisionsService/SupersedeSegments" => Self::DecisionsSupersedeSegments,
            "/takt.control.v1.JobsService/CompleteJob" => Self::JobsCompleteJob,
            "/takt.control.v1.JobsService/FailJob" => Self::JobsFailJob,
            "/takt.control.v1.JobsService/LeaseJobs" => Self::JobsLeaseJobs,
            "/takt.control.v1.JobsService/ReportJob" => Self::JobsReportJob,
            "/takt.control.v1.LeaseService/AcquireLease" => Self::LeaseAcquireLease,
            "/takt.control.v1.LeaseService/ReleaseLease" => Self::LeaseReleaseLease,
            "/takt.control.v1.PresenceService/ReportPresence" => Self::PresenceReportPresence,
            "/takt.control.v1.PurgeService/RecordPurge" => Self::PurgeRecordPurge,
            "/takt.control.v1.UsageService/PostUsage" => Self::UsagePostUsage,
            _ => return None,
        })
    }

    /// Its request names a command: it writes to the control log.
    pub const fn mutates(self) -> bool {
        match self {
            Self::AccessPolicyCreateAccessPolicy
            | Self::AccessPolicyDeleteAccessPolicy
            | Self::AccessPolicyUpdateAccessPolicy
            | Self::BillingCreateCommitment
            | Self::BillingDeleteRateCard
            | Self::BillingDraftInvoice
            | Self::BillingFinaliseInvoice
            | Self::BillingGrantCredit
            | Self::BillingPayInvoice
            | Self::BillingSetTerms
            | Self::BillingUpdateRateCard
            | Self::BillingVoidCredit
            | Self::BillingVoidInvoice
            | Self::BillingWriteOffInvoice
            | Self::DecisionRetireSegment
            | Self::JobCancelJob
            | Self::JobCreateJobs
            | Self::JobRetryJob
            | Self::LedgerClosePeriod
            | Self::LedgerCorrectEntry
            | Self::LedgerPostAdjustment
            | Self::LedgerRetireUsageSource
            | Self::LicenceAddLicence
            | Self::LicenceAddRevocations
            | Self::LicenceRemoveLicence
            | Self::NodeDrainNode
            | Self::NodeForgetNode
            | Self::NodeResumeNode
            | Self::OidcIssuerCreateOidcIssuer
            | Self::OidcIssuerDeleteOidcIssuer
            | Self::OidcIssuerUpdateOidcIssuer
            | Self::OverridesChangeOverrides
            | Self::OverridesReplaceOverrides
            | Self::OverridesRollbackOverrides
            | Self::PolicyCreatePolicy
            | Self::PolicyDeletePolicy
            | Self::PolicyReplacePolicySet
            | Self::PolicyUpdatePolicy
            | Self::RingActivatePartition
            | Self::RingAddPartitions
            | Self::RingAssignPartition
            | Self::RingCancelHandover
            | Self::RingDeactivatePartition
            | Self::RingHandOverPartition
            | Self::RingRemovePartition
            | Self::RingUnassignPartition
            | Self::RingUpdateRing
            | Self::TenantCreateTenant
            | Self::TenantDeleteTenant
            | Self::TenantResumeTenant
            | Self::TenantSuspendTenant
            | Self::TenantUndeleteTenant
            | Self::TenantUpdateTenant
            | Self::TokenCreateToken
            | Self::TokenDeleteToken
            | Self::TokenRevokeToken
            | Self::DecisionsForgetSegments
            | Self::DecisionsRegisterSegments
            | Self::DecisionsSupersedeSegments
            | Self::JobsCompleteJob
            | Self::JobsFailJob
            | Self::JobsLeaseJobs
            | Self::JobsReportJob
            | Self::LeaseAcquireLease
            | Self::LeaseReleaseLease
            | Self::PurgeRecordPurge
            | Self::UsagePostUsage => true,
            Self::AccessPolicyGetAccessPolicy
            | Self::AccessPolicyListAccessPolicies
            | Self::AccessPolicyListScopes
            | Self::AuditListEntries
            | Self::AuditListRefusals
            | Self::BillingGetInvoice
            | Self::BillingGetRateCard
            | Self::BillingListCommitments
            | Self::BillingListCredits
            | Self::BillingListInvoices
            | Self::BillingListRateCards
            | Self::BillingPreviewInvoice
            | Self::ClusterAddMember
            | Self::ClusterBootstrapCluster
            | Self::ClusterGetCluster
            | Self::ClusterPromoteMember
            | Self::ClusterRemoveMember
            | Self::ClusterTransferLeader
            | Self::DecisionGetSegment
            | Self::DecisionListSegments
            | Self::JobGetJob
            | Self::JobListJobs
            | Self::LedgerGetAccount
            | Self::LedgerGetUsage
            | Self::LedgerListAccounts
            | Self::LedgerListPostings
            | Self::LicenceGetLicence
            | Self::LicenceGetLicenceStatus
            | Self::LicenceListLicences
            | Self::LogAt
            | Self::LogBackup
            | Self::LogDiff
            | Self::LogShowLog
            | Self::NodeGetNode
            | Self::NodeListLeases
            | Self::NodeListNodes
            | Self::OidcIssuerGetOidcIssuer
            | Self::OidcIssuerListOidcIssuers
            | Self::OperationGetOperation
            | Self::OperationListOperations
            | Self::OperationWaitOperation
            | Self::OverridesGetOverrides
            | Self::OverridesListOverrideFields
            | Self::PolicyGetPolicy
            | Self::PolicyGetPolicySet
            | Self::PolicyLintPolicySet
            | Self::PolicyListPolicies
            | Self::PolicyListPolicyTypes
            | Self::ResourceListHistory
            | Self::ResourceWatch
            | Self::RingGetPartition
            | Self::RingGetRing
            | Self::RingGetTenantShard
            | Self::RingListPartitions
            | Self::RingListRings
            | Self::RingPreviewPlan
            | Self::StatusGetStatus
            | Self::TenantGetTenant
            | Self::TenantListTenants
            | Self::TokenGetToken
            | Self::TokenListTokens
            | Self::ControlSubscribe
            | Self::DecisionsFindSegments
            | Self::DecisionsListRetiredSegments
            | Self::PresenceReportPresence => false,
        }
    }
}
