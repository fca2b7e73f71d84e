//! Every route there is, and the method of the contract it is another form of.

use axum::routing::MethodFilter;
use takt_wire::methods::AdminMethod;

/// Exhaustive matches on it make sure that each has a rule and does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    ListClusters,
    GetCluster,
    ListTenants,
    CreateTenant,
    GetTenant,
    ReplaceTenant,
    DeleteTenant,
    ListAccessPolicies,
    CreateAccessPolicy,
    GetAccessPolicy,
    ReplaceAccessPolicy,
    DeleteAccessPolicy,
    ListTokens,
    CreateToken,
    GetToken,
    DeleteToken,
    ListLicenses,
    CreateLicense,
    GetLicense,
    DeleteLicense,
    GetFeatures,
}

impl Route {
    pub(super) const ALL: [Self; 21] = [
        Self::ListClusters,
        Self::GetCluster,
        Self::ListTenants,
        Self::CreateTenant,
        Self::GetTenant,
        Self::ReplaceTenant,
        Self::DeleteTenant,
        Self::ListAccessPolicies,
        Self::CreateAccessPolicy,
        Self::GetAccessPolicy,
        Self::ReplaceAccessPolicy,
        Self::DeleteAccessPolicy,
        Self::ListTokens,
        Self::CreateToken,
        Self::GetToken,
        Self::DeleteToken,
        Self::ListLicenses,
        Self::CreateLicense,
        Self::GetLicense,
        Self::DeleteLicense,
        Self::GetFeatures,
    ];

    /// Whose rule says who may.
    pub(super) fn method(self) -> AdminMethod {
        match self {
            Self::ListClusters | Self::GetCluster => AdminMethod::ClusterGetCluster,
            Self::ListTenants => AdminMethod::TenantListTenants,
            Self::CreateTenant => AdminMethod::TenantCreateTenant,
            Self::GetTenant => AdminMethod::TenantGetTenant,
            Self::ReplaceTenant => AdminMethod::TenantUpdateTenant,
            Self::DeleteTenant => AdminMethod::TenantDeleteTenant,
            Self::ListAccessPolicies => AdminMethod::AccessPolicyListAccessPolicies,
            Self::CreateAccessPolicy => AdminMethod::AccessPolicyCreateAccessPolicy,
            Self::GetAccessPolicy => AdminMethod::AccessPolicyGetAccessPolicy,
            Self::ReplaceAccessPolicy => AdminMethod::AccessPolicyUpdateAccessPolicy,
            Self::DeleteAccessPolicy => AdminMethod::AccessPolicyDeleteAccessPolicy,
            Self::ListTokens => AdminMethod::TokenListTokens,
            Self::CreateToken => AdminMethod::TokenCreateToken,
            Self::GetToken => AdminMethod::TokenGetToken,
            Self::DeleteToken => AdminMethod::TokenDeleteToken,
            Self::ListLicenses => AdminMethod::LicenceListLicences,
            Self::CreateLicense => AdminMethod::LicenceAddLicence,
            Self::GetLicense => AdminMethod::LicenceGetLicence,
            Self::DeleteLicense => AdminMethod::LicenceRemoveLicence,
            Self::GetFeatures => AdminMethod::LicenceGetLicenceStatus,
        }
    }

    pub(super) fn verb(self) -> MethodFilter {
        match self {
            Self::ListClusters
            | Self::GetCluster
            | Self::ListTenants
            | Self::GetTenant
            | Self::ListAccessPolicies
            | Self::GetAccessPolicy
            | Self::ListTokens
            | Self::GetToken
            | Self::ListLicenses
            | Self::GetLicense
            | Self::GetFeatures => MethodFilter::GET,
            Self::CreateTenant
            | Self::CreateAccessPolicy
            | Self::CreateToken
            | Self::CreateLicense => MethodFilter::POST,
            Self::ReplaceTenant | Self::ReplaceAccessPolicy => MethodFilter::PUT,
            Self::DeleteTenant
            | Self::DeleteAccessPolicy
            | Self::DeleteToken
            | Self::DeleteLicense => MethodFilter::DELETE,
        }
    }

    /// Below the base.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::ListClusters => "/clusters",
            Self::GetCluster => "/clusters/{name}",
            Self::ListTenants | Self::CreateTenant => "/tenants",
            Self::GetTenant | Self::ReplaceTenant | Self::DeleteTenant => "/tenants/{name}",
            Self::ListAccessPolicies | Self::CreateAccessPolicy => "/accesspolicies",
            Self::GetAccessPolicy | Self::ReplaceAccessPolicy | Self::DeleteAccessPolicy => {
                "/accesspolicies/{name}"
            }
            Self::ListTokens | Self::CreateToken => "/tokens",
            Self::GetToken | Self::DeleteToken => "/tokens/{name}",
            Self::ListLicenses | Self::CreateLicense => "/licenses",
            Self::GetLicense | Self::DeleteLicense => "/licenses/{name}",
            Self::GetFeatures => "/features",
        }
    }

    /// Whether it is about one thing that the path names.
    pub(super) fn names_one(self) -> bool {
        self.path().ends_with("{name}")
    }
}
