//! The services, ready to be mounted.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use takt_domain::licences::Trust;
use takt_kit::Clock;
use takt_log::Handle;
use takt_model::Limits;
use takt_reconcile::Presence;
use takt_views::Views;
use takt_wire::takt::admin::v1::access_policy_service_server::AccessPolicyServiceServer;
use takt_wire::takt::admin::v1::audit_service_server::AuditServiceServer;
use takt_wire::takt::admin::v1::billing_service_server::BillingServiceServer;
use takt_wire::takt::admin::v1::cluster_service_server::ClusterServiceServer;
use takt_wire::takt::admin::v1::decision_service_server::DecisionServiceServer;
use takt_wire::takt::admin::v1::job_service_server::JobServiceServer;
use takt_wire::takt::admin::v1::ledger_service_server::LedgerServiceServer;
use takt_wire::takt::admin::v1::licence_service_server::LicenceServiceServer;
use takt_wire::takt::admin::v1::log_service_server::LogServiceServer;
use takt_wire::takt::admin::v1::node_service_server::NodeServiceServer;
use takt_wire::takt::admin::v1::oidc_issuer_service_server::OidcIssuerServiceServer;
use takt_wire::takt::admin::v1::operation_service_server::OperationServiceServer;
use takt_wire::takt::admin::v1::overrides_service_server::OverridesServiceServer;
use takt_wire::takt::admin::v1::policy_service_server::PolicyServiceServer;
use takt_wire::takt::admin::v1::resource_service_server::ResourceServiceServer;
use takt_wire::takt::admin::v1::ring_service_server::RingServiceServer;
use takt_wire::takt::admin::v1::status_service_server::StatusServiceServer;
use takt_wire::takt::admin::v1::tenant_service_server::TenantServiceServer;
use takt_wire::takt::admin::v1::token_service_server::TokenServiceServer;
use takt_wire::takt::control::v1::control_service_server::ControlServiceServer;
use takt_wire::takt::control::v1::decisions_service_server::DecisionsServiceServer;
use takt_wire::takt::control::v1::jobs_service_server::JobsServiceServer;
use takt_wire::takt::control::v1::lease_service_server::LeaseServiceServer;
use takt_wire::takt::control::v1::presence_service_server::PresenceServiceServer;
use takt_wire::takt::control::v1::purge_service_server::PurgeServiceServer;
use takt_wire::takt::control::v1::usage_service_server::UsageServiceServer;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;

use crate::access::{AccessPolicyApi, OidcIssuerApi, TokenApi};
use crate::audit::AuditApi;
use crate::auth::Guard;
use crate::billing::BillingApi;
use crate::cluster::ClusterApi;
use crate::decisions::{DecisionApi, SamplersApi};
use crate::forward::Forward;
use crate::jobs::{JobApi, WorkerApi};
use crate::ledger::{LedgerApi, UsageApi};
use crate::licences::LicenceApi;
use crate::log::LogApi;
use crate::nodes::NodeApi;
use crate::operations::OperationApi;
use crate::overrides::OverridesApi;
use crate::policies::PolicyApi;
use crate::presence::{LeaseApi, PresenceApi};
use crate::purge::PurgeApi;
use crate::resources::ResourceApi;
use crate::ring::RingApi;
use crate::rows::encoded::Encoded;
use crate::status::StatusApi;
use crate::subscribe::ControlApi;
use crate::tenants::TenantApi;
use crate::v3::{V3, V3Parts};
use crate::voters::Voters;
use crate::writer::Writer;

/// What an installation is called that nobody named.
pub const CLUSTER_NAME: &str = "takt";

/// What nodes follow. A follower in the same process calls it directly, without a socket.
pub type ControlServer = ControlServiceServer<ControlApi>;

/// Everything the control plane serves. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Services {
    log: Handle,
    views: Views,
    clock: Arc<dyn Clock>,
    base: Arc<Limits>,
    encoded: Arc<Encoded>,
    presence: Option<Presence>,
    trust: Arc<Trust>,
    name: Arc<str>,
}

impl Services {
    /// `base` is where the defaults layer starts: what the process was configured with.
    #[must_use]
    pub fn new(log: Handle, views: Views, clock: Arc<dyn Clock>, base: Limits) -> Self {
        let base = Arc::new(base);
        Self {
            log,
            views,
            clock,
            base,
            encoded: Arc::default(),
            presence: None,
            trust: Arc::default(),
            name: CLUSTER_NAME.into(),
        }
    }

    /// Nodes are heard here and given leases; also takes what other replicas hear of nodes.
    #[must_use]
    pub fn with_presence(self, presence: Presence) -> Self {
        Self {
            presence: Some(presence),
            ..self
        }
    }

    /// Whose licences to believe, instead of those of the built-in roots.
    #[must_use]
    pub fn trusting(mut self, trust: Trust) -> Self {
        self.trust = Arc::new(trust);
        self
    }

    /// What this installation is called where there may be several, instead of [`CLUSTER_NAME`].
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// For people and their tools, and for data planes in other processes. The guard stands before all of it;
    /// what it lets through goes on to the leader if only the leader can answer.
    #[must_use]
    pub fn routes(&self, guard: &Guard) -> Routes {
        // Browsers speak another framing; within, all is gRPC.
        self.guarded(guard).layer(GrpcWebLayer::new()).into()
    }

    /// The admin API in the shapes of Grafana's enterprise products, HTTP and JSON, under `/admin/api/v3`.
    /// Its calls are those of [`Services::routes`], past the same guard.
    pub fn v3(&self, guard: &Guard) -> Router {
        let api = V3::new(V3Parts {
            guard: guard.clone(),
            grpc: self.guarded(guard),
            clock: Arc::clone(&self.clock),
            cluster: Arc::clone(&self.name),
        });
        api.router()
    }

    fn guarded(&self, guard: &Guard) -> Router {
        let audit = AuditApi::new(self.log.clone(), guard.refusals().clone());
        let services = self.all().add_service(self.control());
        let services = services.add_service(AuditServiceServer::new(audit));
        let forward = Forward::new(self.log.clone(), Arc::clone(&self.clock));
        let guard = guard.clone();
        let guard = from_fn(move |request, next| guard.clone().pass(request, next));
        let forward = from_fn(move |request, next| forward.clone().pass(request, next));
        // The last one is the outermost.
        services.into_axum_router().layer(forward).layer(guard)
    }

    /// For other nodes: Raft and the calls that voters pass on, for voters alone; the log for those who follow it, and what
    /// these report.
    #[must_use]
    pub fn for_nodes(&self, voters: Voters) -> Routes {
        let forward = Forward::new(self.log.clone(), Arc::clone(&self.clock));
        let layer = from_fn(move |request, next| forward.clone().receive(request, next));
        let passed_on = self.all().into_axum_router().layer(layer);
        let routes = Routes::from(passed_on)
            .add_service(self.log.peers())
            .add_service(self.control());
        let routes = match self.presence.clone() {
            Some(presence) => {
                let presence = PresenceApi::new(self.log.clone(), presence);
                routes.add_service(PresenceServiceServer::new(presence))
            }
            None => routes,
        };
        let voters = from_fn(move |request, next| voters.clone().pass(request, next));
        routes.into_axum_router().layer(voters).into()
    }

    fn all(&self) -> Routes {
        let writer = Writer::new(self.log.clone(), Arc::clone(&self.clock));
        let tenants = TenantApi::new(writer.clone());
        let overrides = OverridesApi::new(writer.clone(), self.log.clone(), Arc::clone(&self.base));
        let policies = PolicyApi::new(writer.clone(), Arc::clone(&self.clock));
        let decisions = DecisionApi::new(writer.clone());
        let samplers = SamplersApi::new(writer.clone());
        let ring = RingApi::new(writer.clone(), Arc::clone(&self.clock));
        let access = AccessPolicyApi::new(writer.clone());
        let (clock, trust) = (Arc::clone(&self.clock), Arc::clone(&self.trust));
        let licences = LicenceApi::new(writer.clone(), clock, trust);
        let billing = BillingApi::new(writer.clone(), Arc::clone(&self.clock));
        Routes::new(TenantServiceServer::new(tenants))
            .add_service(OverridesServiceServer::new(overrides))
            .add_service(PolicyServiceServer::new(policies))
            .add_service(DecisionServiceServer::new(decisions))
            .add_service(DecisionsServiceServer::new(samplers))
            .add_service(LicenceServiceServer::new(licences))
            .add_service(BillingServiceServer::new(billing))
            .add_service(LedgerServiceServer::new(LedgerApi::new(writer.clone())))
            .add_service(UsageServiceServer::new(UsageApi::new(writer.clone())))
            .add_service(OperationServiceServer::new(OperationApi::new(
                self.log.clone(),
                writer.clone(),
            )))
            .add_service(PurgeServiceServer::new(PurgeApi::new(writer.clone())))
            .add_service(ClusterServiceServer::new(ClusterApi::new(self.log.clone())))
            .add_service(AccessPolicyServiceServer::new(access))
            .add_service(TokenServiceServer::new(TokenApi::new(writer.clone())))
            .add_service(OidcIssuerServiceServer::new(OidcIssuerApi::new(
                writer.clone(),
            )))
            .add_service(StatusServiceServer::new(StatusApi::new(self.log.clone())))
            .add_service(RingServiceServer::new(ring))
            .add_service(NodeServiceServer::new(NodeApi::new(writer.clone())))
            .add_service(JobServiceServer::new(JobApi::new(writer.clone())))
            .add_service(JobsServiceServer::new(WorkerApi::new(writer.clone())))
            .add_service(LeaseServiceServer::new(LeaseApi::new(writer)))
            .add_service(LogServiceServer::new(LogApi::new(self.log.clone())))
            .add_service(ResourceServiceServer::new(ResourceApi::new(
                self.log.clone(),
                self.views.clone(),
            )))
    }

    /// What every node follows.
    #[must_use]
    pub fn control(&self) -> ControlServer {
        let (log, views) = (self.log.clone(), self.views.clone());
        let (encoded, presence) = (Arc::clone(&self.encoded), self.presence.clone());
        ControlServiceServer::new(ControlApi::new(log, views, encoded, presence))
    }
}
