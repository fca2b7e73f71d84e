// @generated
/// Every method of the control plane's services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminMethod {
    ClusterAddMember,
    ClusterBootstrapCluster,
    ClusterGetCluster,
    ClusterPromoteMember,
    ClusterRemoveMember,
    ClusterTransferLeader,
    OverridesChangeOverrides,
    OverridesGetOverrides,
    StatusGetStatus,
    TenantCreateTenant,
    TenantDeleteTenant,
    TenantGetTenant,
    TenantListTenants,
    TenantRenameTenant,
    TenantResumeTenant,
    TenantSuspendTenant,
    JobsCompleteJob,
    JobsFailJob,
    JobsLeaseJobs,
    JobsReportJob,
    PresenceReportPresence,
    ViewWatch,
}

impl AdminMethod {
    pub const ALL: &'static [Self] = &[
        Self::ClusterAddMember,
        Self::ClusterBootstrapCluster,
        Self::ClusterGetCluster,
        Self::ClusterPromoteMember,
        Self::ClusterRemoveMember,
        Self::ClusterTransferLeader,
        Self::OverridesChangeOverrides,
        Self::OverridesGetOverrides,
        Self::StatusGetStatus,
        Self::TenantCreateTenant,
        Self::TenantDeleteTenant,
        Self::TenantGetTenant,
        Self::TenantListTenants,
        Self::TenantRenameTenant,
        Self::TenantResumeTenant,
        Self::TenantSuspendTenant,
        Self::JobsCompleteJob,
        Self::JobsFailJob,
        Self::JobsLeaseJobs,
        Self::JobsReportJob,
        Self::PresenceReportPresence,
        Self::ViewWatch,
    ];

    /// As in the path of an HTTP/2 request.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ClusterAddMember => "/takt.admin.v1.ClusterService/AddMember",
            Self::ClusterBootstrapCluster => "/takt.admin.v1.ClusterService/BootstrapCluster",
            Self::ClusterGetCluster => "/takt.admin.v1.ClusterService/GetCluster",
            Self::ClusterPromoteMember => "/takt.admin.v1.ClusterService/PromoteMember",
            Self::ClusterRemoveMember => "/takt.admin.v1.ClusterService/RemoveMember",
            Self::ClusterTransferLeader => "/takt.admin.v1.ClusterService/TransferLeader",
            Self::OverridesChangeOverrides => "/takt.admin.v1.OverridesService/ChangeOverrides",
            Self::OverridesGetOverrides => "/takt.admin.v1.OverridesService/GetOverrides",
            Self::StatusGetStatus => "/takt.admin.v1.StatusService/GetStatus",
            Self::TenantCreateTenant => "/takt.admin.v1.TenantService/CreateTenant",
            Self::TenantDeleteTenant => "/takt.admin.v1.TenantService/DeleteTenant",
            Self::TenantGetTenant => "/takt.admin.v1.TenantService/GetTenant",
            Self::TenantListTenants => "/takt.admin.v1.TenantService/ListTenants",
            Self::TenantRenameTenant => "/takt.admin.v1.TenantService/RenameTenant",
            Self::TenantResumeTenant => "/takt.admin.v1.TenantService/ResumeTenant",
            Self::TenantSuspendTenant => "/takt.admin.v1.TenantService/SuspendTenant",
            Self::JobsCompleteJob => "/takt.control.v1.JobsService/CompleteJob",
            Self::JobsFailJob => "/takt.control.v1.JobsService/FailJob",
            Self::JobsLeaseJobs => "/takt.control.v1.JobsService/LeaseJobs",
            Self::JobsReportJob => "/takt.control.v1.JobsService/ReportJob",
            Self::PresenceReportPresence => "/takt.control.v1.PresenceService/ReportPresence",
            Self::ViewWatch => "/takt.control.v1.ViewService/Watch",
        }
    }

    /// The method of a path.
    pub fn of_path(path: &str) -> Option<Self> {
        Some(match path {
            "/takt.admin.v1.ClusterService/AddMember" => Self::ClusterAddMember,
            "/takt.admin.v1.ClusterService/BootstrapCluster" => Self::ClusterBootstrapCluster,
            "/takt.admin.v1.ClusterService/GetCluster" => Self::ClusterGetCluster,
            "/takt.admin.v1.ClusterService/PromoteMember" => Self::ClusterPromoteMember,
            "/takt.admin.v1.ClusterService/RemoveMember" => Self::ClusterRemoveMember,
            "/takt.admin.v1.ClusterService/TransferLeader" => Self::ClusterTransferLeader,
            "/takt.admin.v1.OverridesService/ChangeOverrides" => Self::OverridesChangeOverrides,
            "/takt.admin.v1.OverridesService/GetOverrides" => Self::OverridesGetOverrides,
            "/takt.admin.v1.StatusService/GetStatus" => Self::StatusGetStatus,
            "/takt.admin.v1.TenantService/CreateTenant" => Self::TenantCreateTenant,
            "/takt.admin.v1.TenantService/DeleteTenant" => Self::TenantDeleteTenant,
            "/takt.admin.v1.TenantService/GetTenant" => Self::TenantGetTenant,
            "/takt.admin.v1.TenantService/ListTenants" => Self::TenantListTenants,
            "/takt.admin.v1.TenantService/RenameTenant" => Self::TenantRenameTenant,
            "/takt.admin.v1.TenantService/ResumeTenant" => Self::TenantResumeTenant,
            "/takt.admin.v1.TenantService/SuspendTenant" => Self::TenantSuspendTenant,
            "/takt.control.v1.JobsService/CompleteJob" => Self::JobsCompleteJob,
            "/takt.control.v1.JobsService/FailJob" => Self::JobsFailJob,
            "/takt.control.v1.JobsService/LeaseJobs" => Self::JobsLeaseJobs,
            "/takt.control.v1.JobsService/ReportJob" => Self::JobsReportJob,
            "/takt.control.v1.PresenceService/ReportPresence" => Self::PresenceReportPresence,
            "/takt.control.v1.ViewService/Watch" => Self::ViewWatch,
            _ => return None,
        })
    }

    /// Its request names a command: it writes to the control log.
    pub const fn mutates(self) -> bool {
        match self {
            Self::OverridesChangeOverrides
            | Self::TenantCreateTenant
            | Self::TenantDeleteTenant
            | Self::TenantRenameTenant
            | Self::TenantResumeTenant
            | Self::TenantSuspendTenant
            | Self::JobsCompleteJob
            | Self::JobsFailJob
            | Self::JobsLeaseJobs
            | Self::JobsReportJob => true,
            Self::ClusterAddMember
            | Self::ClusterBootstrapCluster
            | Self::ClusterGetCluster
            | Self::ClusterPromoteMember
            | Self::ClusterRemoveMember
            | Self::ClusterTransferLeader
            | Self::OverridesGetOverrides
            | Self::StatusGetStatus
            | Self::TenantGetTenant
            | Self::TenantListTenants
            | Self::PresenceReportPresence
            | Self::ViewWatch => false,
        }
    }
}
