//! Calls of one node's API, with a token and a deadline.

use std::time::Duration;

use takt_wire::takt::admin::v1::audit_service_client::AuditServiceClient;
use takt_wire::takt::admin::v1::cluster_service_client::ClusterServiceClient;
use takt_wire::takt::admin::v1::job_service_client::JobServiceClient;
use takt_wire::takt::admin::v1::ledger_service_client::LedgerServiceClient;
use takt_wire::takt::admin::v1::overrides_service_client::OverridesServiceClient;
use takt_wire::takt::admin::v1::status_service_client::StatusServiceClient;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use takt_wire::takt::control::v1::jobs_service_client::JobsServiceClient;
use takt_wire::takt::control::v1::usage_service_client::UsageServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

/// How long one attempt may take; a paused node never answers.
const ATTEMPT: Duration = Duration::from_millis(1500);
const CONNECT: Duration = Duration::from_millis(500);

/// Shows the token and names the deadline.
#[derive(Debug, Clone)]
pub(super) struct Badge(MetadataValue<Ascii>);

impl Interceptor for Badge {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = self.0.clone();
        request.metadata_mut().insert("authorization", token);
        request.set_timeout(ATTEMPT);
        Ok(request)
    }
}

type Line = InterceptedService<Channel, Badge>;

/// The way in to one node. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Door(Line);

impl Door {
    /// # Errors
    /// When the address or the token cannot be one.
    pub(super) fn to(url: String, token: &str) -> anyhow::Result<Self> {
        let channel = Endpoint::from_shared(url)?
            .connect_timeout(CONNECT)
            .timeout(ATTEMPT)
            .connect_lazy();
        let badge = Badge(format!("Bearer {token}").parse()?);
        Ok(Self(InterceptedService::new(channel, badge)))
    }

    pub(super) fn audit(&self) -> AuditServiceClient<Line> {
        AuditServiceClient::new(self.0.clone())
    }

    pub(super) fn cluster(&self) -> ClusterServiceClient<Line> {
        ClusterServiceClient::new(self.0.clone())
    }

    pub(super) fn jobs(&self) -> JobServiceClient<Line> {
        JobServiceClient::new(self.0.clone())
    }

    pub(super) fn ledger(&self) -> LedgerServiceClient<Line> {
        LedgerServiceClient::new(self.0.clone())
    }

    pub(super) fn overrides(&self) -> OverridesServiceClient<Line> {
        OverridesServiceClient::new(self.0.clone())
    }

    pub(super) fn status(&self) -> StatusServiceClient<Line> {
        StatusServiceClient::new(self.0.clone())
    }

    pub(super) fn tenants(&self) -> TenantServiceClient<Line> {
        TenantServiceClient::new(self.0.clone())
    }

    pub(super) fn usage(&self) -> UsageServiceClient<Line> {
        UsageServiceClient::new(self.0.clone())
    }

    pub(super) fn worker(&self) -> JobsServiceClient<Line> {
        JobsServiceClient::new(self.0.clone())
    }
}

/// What a "no" means to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum No {
    /// The rules say so; the stable reason.
    Refused(String),
    /// Nobody knows: ask again.
    Unknown,
}

impl From<&Status> for No {
    fn from(status: &Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone());
        let final_code = matches!(
            status.code(),
            Code::InvalidArgument
                | Code::NotFound
                | Code::FailedPrecondition
                | Code::PermissionDenied
                | Code::Unauthenticated
                | Code::Unimplemented
        );
        if !final_code || details.retry_info().is_some() {
            return Self::Unknown;
        }
        Self::Refused(reason.unwrap_or_else(|| status.message().to_owned()))
    }
}
