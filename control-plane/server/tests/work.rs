//! Nodes, rings and jobs over the services' own routes, with the reconciler at work.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_domain::nodes::NodeName;
use takt_kit::{ManualClock, Tasks};
use takt_log::{Handle, Leader, Parts, Settings, Start};
use takt_model::{Limits, NodeId, UnixNano};
use takt_reconcile::{Presence, Reconciler};
use takt_server::auth::Guard;
use takt_server::{Services, Voters};
use takt_views::Views;
use takt_wire::takt::admin::v1::cluster_service_client::ClusterServiceClient;
use takt_wire::takt::admin::v1::job_service_client::JobServiceClient;
use takt_wire::takt::admin::v1::node_service_client::NodeServiceClient;
use takt_wire::takt::admin::v1::operation_service_client::OperationServiceClient;
use takt_wire::takt::admin::v1::ring_service_client::RingServiceClient;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use takt_wire::takt::admin::v1::{self as wire, JobState, NodeState, PartitionState, RingPurpose};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::v1 as control;
use takt_wire::takt::control::v1::jobs_service_client::JobsServiceClient;
use takt_wire::takt::control::v1::lease::Lease;
use takt_wire::takt::control::v1::lease_service_client::LeaseServiceClient;
use takt_wire::takt::control::v1::purge_service_client::PurgeServiceClient;
use takt_wire::takt::control::v1::record_purge_request::Step;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const WAIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_heard_gets_partitions_and_gives_them_back() {
    let voter = Voter::founded().await;
    let mut rings = RingServiceClient::new(voter.routes.clone());
    let mut nodes = NodeServiceClient::new(voter.routes.clone());
    let spec = wire::RingSpec {
        min_wait_milliseconds: Some(0),
        lookback_milliseconds: Some(0),
        ..wire::RingSpec::default()
    };
    let tried = rings.update_ring(update_ring(spec, true)).await.unwrap();
    let tried = tried.into_inner().outcome.unwrap();
    assert_eq!((tried.dry_run, tried.events.len()), (true, 1));
    rings.update_ring(update_ring(spec, false)).await.unwrap();

    // Heard twice before it has leases: it joins, and then there is a partition for it.
    let leases = voter.beat(heartbeat("a0")).await;
    assert_eq!((leases.node.as_str(), leases.draining), ("a0", false));
    let partition = voter.owns("a0").await;
    assert_eq!((partition.partition, partition.heir), (0, false));
    let row = || wire::GetPartitionRequest {
        ring: RingPurpose::Ingest.into(),
        partition: 0,
    };
    eventually("it takes writes", async || {
        voter.beat(heartbeat("a0")).await;
        let row = rings.clone().get_partition(row()).await.unwrap();
        row.into_inner().partition.unwrap().state() == PartitionState::Active
    })
    .await;
    let shard = rings.get_tenant_shard(wire::GetTenantShardRequest {
        ring: RingPurpose::Ingest.into(),
        tenant: "team".into(),
        ..wire::GetTenantShardRequest::default()
    });
    assert_eq!(shard.await.unwrap().into_inner().partitions, [0]);

    let drain = wire::DrainNodeRequest {
        change: None,
        node: "a0".into(),
    };
    let drained = nodes.drain_node(drain).await.unwrap().into_inner();
    assert_eq!(drained.node.unwrap().state(), NodeState::Draining);
    assert!(voter.beat(heartbeat("a0")).await.draining);
    let forget = wire::ForgetNodeRequest {
        change: None,
        node: "a0".into(),
    };
    let early = nodes.forget_node(forget).await.unwrap_err();
    refused(&early, Code::FailedPrecondition, "NODE_PRESENT");
    voter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_changed_by_hand_and_what_comes_next_is_shown() {
    let voter = Voter::founded().await;
    let mut rings = RingServiceClient::new(voter.routes.clone());
    let ring = RingPurpose::Ingest.into();
    let missing = rings.get_ring(wire::GetRingRequest { ring }).await;
    refused(&missing.unwrap_err(), Code::NotFound, "RING_UNKNOWN");
    let nameless = rings.get_ring(wire::GetRingRequest { ring: 0 }).await;
    refused(
        &nameless.unwrap_err(),
        Code::InvalidArgument,
        "RING_MISSING",
    );
    let spec = wire::RingSpec::default();
    rings.update_ring(update_ring(spec, false)).await.unwrap();
    let none = wire::AddPartitionsRequest {
        ring,
        ..wire::AddPartitionsRequest::default()
    };
    let none = rings.add_partitions(none).await.unwrap_err();
    refused(&none, Code::InvalidArgument, "PARTITION_MISSING");
    let add = wire::AddPartitionsRequest {
        ring,
        which: Some(wire::add_partitions_request::Which::Count(3)),
        ..wire::AddPartitionsRequest::default()
    };
    let added = rings.add_partitions(add).await.unwrap().into_inner();
    assert_eq!(added.ring.unwrap().pending, 3);
    let page = wire::ListPartitionsRequest {
        ring,
        page_size: 2,
        ..wire::ListPartitionsRequest::default()
    };
    let first = rings.list_partitions(page.clone()).await.unwrap();
    let first = first.into_inner();
    assert_eq!(
        (first.partitions.len(), first.next_page_token.as_str()),
        (2, "1")
    );
    let rest = wire::ListPartitionsRequest {
        page_token: first.next_page_token,
        ..page
    };
    let rest = rings.list_partitions(rest).await.unwrap().into_inner();
    assert_eq!(
        (rest.partitions.len(), rest.next_page_token.as_str()),
        (1, "")
    );
    let partition = 1;
    let activate = wire::ActivatePartitionRequest {
        change: None,
        ring,
        partition,
    };
    let early = rings.activate_partition(activate).await.unwrap_err();
    refused(&early, Code::FailedPrecondition, "PARTITION_TOO_FEW_OWNERS");
    let assign = wire::AssignPartitionRequest {
        change: None,
        ring,
        partition,
        node: "nobody".into(),
    };
    let unknown = rings.assign_partition(assign).await.unwrap_err();
    refused(&unknown, Code::NotFound, "NODE_UNKNOWN");
    let stale = wire::RemovePartitionRequest {
        change: Some(wire::Change {
            if_match: Some(99),
            ..wire::Change::default()
        }),
        ring,
        partition,
        abandon: false,
    };
    let stale = rings.remove_partition(stale).await.unwrap_err();
    refused(&stale, Code::FailedPrecondition, "VERSION_MISMATCH");
    let plan = rings
        .preview_plan(wire::PreviewPlanRequest {})
        .await
        .unwrap();
    assert_eq!(plan.into_inner().steps, []);
    voter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_takes_a_job_and_ends_it() {
    let voter = Voter::founded().await;
    let mut jobs = JobServiceClient::new(voter.routes.clone());
    let mut worker = JobsServiceClient::new(voter.routes.clone());
    let retention = stored::job_payload::Kind::Retention(stored::RetentionJob {});
    let draft = wire::JobDraft {
        tenant: "team".into(),
        payload: Some(stored::JobPayload {
            kind: Some(retention),
        }),
        ..wire::JobDraft::default()
    };
    let create = wire::CreateJobsRequest {
        change: None,
        jobs: vec![draft],
    };
    let created = jobs.create_jobs(create.clone()).await.unwrap().into_inner();
    let job = created.jobs[0].job.clone();
    let twice = jobs.create_jobs(create).await.unwrap_err();
    refused(&twice, Code::FailedPrecondition, "JOB_EXISTS");

    let take = control::LeaseJobsRequest {
        worker: "w".into(),
        ..control::LeaseJobsRequest::default()
    };
    let leased = worker.lease_jobs(take.clone()).await.unwrap().into_inner();
    let [leased] = &leased.jobs[..] else {
        panic!("{leased:?}")
    };
    assert_eq!((&leased.job, leased.attempt), (&job, 1));
    assert_eq!(worker.lease_jobs(take).await.unwrap().into_inner().jobs, []);
    let report = control::ReportJobRequest {
        job: job.clone(),
        fence: leased.fence,
        done: 1,
        total: 2,
        ..control::ReportJobRequest::default()
    };
    let kept = worker.report_job(report.clone()).await.unwrap();
    assert_eq!(kept.into_inner().expires_at, leased.expires_at);
    let forged = control::ReportJobRequest {
        fence: leased.fence + 1,
        ..report
    };
    let forged = worker.report_job(forged).await.unwrap_err();
    refused(&forged, Code::FailedPrecondition, "JOB_FENCED");
    let complete = control::CompleteJobRequest {
        job: job.clone(),
        fence: leased.fence,
        result: Some(stored::JobResult {
            traces: 7,
            ..stored::JobResult::default()
        }),
        ..control::CompleteJobRequest::default()
    };
    worker.complete_job(complete).await.unwrap();
    let list = wire::ListJobsRequest {
        tenant: "team".into(),
        states: vec![JobState::Done.into()],
        kinds: vec!["retention".into()],
        ..wire::ListJobsRequest::default()
    };
    let done = jobs.list_jobs(list).await.unwrap().into_inner().jobs;
    assert_eq!(done[0].result.as_ref().unwrap().traces, 7);
    let cancel = wire::CancelJobRequest { change: None, job };
    let late = jobs.cancel_job(cancel).await.unwrap_err();
    refused(&late, Code::FailedPrecondition, "JOB_FINISHED");
    voter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_empty_a_tenant_that_was_deleted() {
    let voter = Voter::founded().await;
    let mut tenants = TenantServiceClient::new(voter.routes.clone());
    let mut purges = PurgeServiceClient::new(voter.routes.clone());
    let step = |step| control::RecordPurgeRequest {
        command_id: String::new(),
        tenant: "shop".into(),
        step,
    };
    let create = wire::CreateTenantRequest {
        tenant: "shop".into(),
        ..wire::CreateTenantRequest::default()
    };
    tenants.create_tenant(create).await.unwrap();
    let early = purges.record_purge(step(Some(Step::Finished(control::PurgeEnd {}))));
    refused(
        &early.await.unwrap_err(),
        Code::FailedPrecondition,
        "TENANT_NOT_DELETING",
    );
    let delete = wire::DeleteTenantRequest {
        tenant: "shop".into(),
        ..wire::DeleteTenantRequest::default()
    };
    tenants.delete_tenant(delete).await.unwrap();

    let more = control::RecordPurgeRequest {
        command_id: "6d0f6a8e-4b5f-4a55-9d0e-0a3c3f0f8a12".into(),
        ..step(Some(Step::Progressed(control::PurgeProgress {
            blocks: 2,
            bytes: 300,
        })))
    };
    for _ in 0..2 {
        purges.record_purge(more.clone()).await.unwrap();
    }
    let failure = control::PurgeFailure {
        reason: "the bucket is away".into(),
    };
    purges
        .record_purge(step(Some(Step::Failed(failure))))
        .await
        .unwrap();
    let ask = || wire::GetTenantRequest {
        tenant: "shop".into(),
    };
    let stands = tenants.get_tenant(ask()).await.unwrap().into_inner();
    let purge = stands.tenant.unwrap().purge.unwrap();
    assert_eq!((purge.blocks_purged, purge.bytes_purged), (2, 300));
    assert_eq!(purge.last_failure, "the bucket is away");
    refused(
        &purges.record_purge(step(None)).await.unwrap_err(),
        Code::InvalidArgument,
        "PURGE_STEP_MISSING",
    );
    let end = step(Some(Step::Finished(control::PurgeEnd {})));
    purges.record_purge(end).await.unwrap();
    let stands = tenants.get_tenant(ask()).await.unwrap().into_inner();
    assert_eq!(stands.tenant.unwrap().state(), wire::TenantState::Deleted);
    voter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_operation_is_waited_for() {
    let voter = Voter::founded().await;
    let mut tenants = TenantServiceClient::new(voter.routes.clone());
    let mut purges = PurgeServiceClient::new(voter.routes.clone());
    let mut operations = OperationServiceClient::new(voter.routes.clone());
    let create = wire::CreateTenantRequest {
        tenant: "shop".into(),
        ..wire::CreateTenantRequest::default()
    };
    tenants.create_tenant(create).await.unwrap();
    let name = "tenant-deletion/shop";
    for unknown in [name, "job", "walk/shop"] {
        let ask = wire::GetOperationRequest {
            operation: unknown.into(),
        };
        let unknown = operations.get_operation(ask).await.unwrap_err();
        refused(&unknown, Code::NotFound, "OPERATION_UNKNOWN");
    }
    let delete = wire::DeleteTenantRequest {
        tenant: "shop".into(),
        ..wire::DeleteTenantRequest::default()
    };
    tenants.delete_tenant(delete).await.unwrap();
    let wait = |timeout_milliseconds| wire::WaitOperationRequest {
        operation: name.into(),
        timeout_milliseconds,
    };
    let stands = operations.wait_operation(wait(1)).await.unwrap();
    let running = stands.into_inner().operation.unwrap();
    assert_eq!(running.state(), wire::OperationState::Running);
    let list = wire::ListOperationsRequest {
        tenant: "shop".into(),
        ..wire::ListOperationsRequest::default()
    };
    let listed = operations.list_operations(list).await.unwrap();
    assert_eq!(listed.into_inner().operations, [running]);

    let mut waiting = operations.clone();
    let end = control::RecordPurgeRequest {
        command_id: String::new(),
        tenant: "shop".into(),
        step: Some(Step::Finished(control::PurgeEnd {})),
    };
    let (over, ended) = tokio::join!(
        waiting.wait_operation(wait(20_000)),
        purges.record_purge(end)
    );
    ended.unwrap();
    let over = over.unwrap().into_inner().operation.unwrap();
    assert_eq!(over.state(), wire::OperationState::Done);
    voter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_kind_is_refused() {
    let voter = Voter::founded().await;
    let mut jobs = JobServiceClient::new(voter.routes.clone());
    let empty = wire::JobDraft {
        tenant: "team".into(),
        ..wire::JobDraft::default()
    };
    let empty = wire::CreateJobsRequest {
        change: None,
        jobs: vec![empty],
    };
    let empty = jobs.create_jobs(empty).await.unwrap_err();
    refused(&empty, Code::InvalidArgument, "JOB_PAYLOAD_INVALID");
    let unknown = wire::ListJobsRequest {
        kinds: vec!["gardening".into()],
        ..wire::ListJobsRequest::default()
    };
    let unknown = jobs.list_jobs(unknown).await.unwrap_err();
    refused(&unknown, Code::InvalidArgument, "JOB_KIND_UNKNOWN");
    voter.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_follower_hears_reaches_the_leader_and_the_answer_comes_back() {
    let first = Voter::founded().await;
    let second = Voter::start(2, &[&first.address]).await;
    eventually("two voters", async || second.log.status().voters.len() == 2).await;
    eventually("a leader elsewhere", async || {
        matches!(second.log.leader(), Leader::At { .. })
    })
    .await;
    // The second follows: nobody but the first can make the node join.
    let leases = second.beat(heartbeat("a0")).await;
    assert_eq!((leases.node.as_str(), leases.incarnation), ("a0", 7));
    let mut nodes = NodeServiceClient::new(first.routes.clone());
    let got = nodes.get_node(wire::GetNodeRequest { node: "a0".into() });
    assert_eq!(got.await.unwrap().into_inner().node.unwrap().zone, "a");

    // And one that wants something for itself asks whichever it knows.
    let mut asked = LeaseServiceClient::new(second.routes.clone());
    let acquire = control::AcquireLeaseRequest {
        lease: "index/team".into(),
        node: "a0".into(),
        incarnation: 7,
        ..control::AcquireLeaseRequest::default()
    };
    let lease = asked.acquire_lease(acquire).await.unwrap().into_inner();
    let fence = lease.lease.unwrap().fence;
    let mut told = second.beat(heartbeat("a0")).await.leases;
    let named = told.pop().and_then(|lease| lease.lease);
    let Some(Lease::Named(named)) = named else {
        panic!("{told:?}")
    };
    assert_eq!((named.name.as_str(), named.fence), ("index/team", fence));
    second.stop().await;
    first.stop().await;
}

struct Voter {
    log: Handle,
    presence: Presence,
    address: String,
    routes: Routes,
    tasks: Tasks,
    beats: std::sync::atomic::AtomicU64,
    _dir: tempfile::TempDir,
}

impl Voter {
    async fn founded() -> Self {
        let voter = Self::start(1, &[]).await;
        let mut cluster = ClusterServiceClient::new(voter.routes.clone());
        let request = wire::BootstrapClusterRequest {};
        cluster.bootstrap_cluster(request).await.unwrap();
        eventually("a leader", async || voter.log.leader() == Leader::Here).await;
        voter
    }

    async fn start(node: u64, join: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let clock = Arc::new(ManualClock::at(UnixNano(1_700_000_000_000_000_000)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let settings = Settings {
            node: NodeId(node),
            address: Some(address.clone()),
            start: Start::Wait {
                join: join.iter().map(|&at| at.to_owned()).collect(),
            },
            ..Settings::new(dir.path().into())
        };
        let mut registry = Registry::default();
        let log = takt_log::open(settings, Parts::new(clock.clone()), &tasks, &mut registry);
        let log = log.await.unwrap();
        let settings = takt_reconcile::Settings {
            period: Duration::from_millis(50),
            ..takt_reconcile::Settings::default()
        };
        let (reconciler, presence, _) =
            Reconciler::new(settings, log.clone(), clock.clone(), &mut registry);
        tasks.spawn("reconciler", reconciler.run(tasks.clone()));
        let views = Views::start(
            log.clone(),
            takt_views::Settings::default(),
            &tasks,
            &mut Registry::default(),
        )
        .await
        .unwrap();
        let guard = Guard::open_to_all(log.clone(), clock.clone(), &tasks).await;
        let services = Services::new(log.clone(), views, clock, Limits::default())
            .with_presence(presence.clone());
        let serving = Server::builder()
            .add_routes(services.for_nodes(Voters::default()))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), tasks.stopped());
        tasks.spawn("nodes", async move {
            serving.await.unwrap();
            Ok::<(), Infallible>(())
        });
        Self {
            log,
            presence,
            address,
            routes: services.routes(&guard.unwrap()),
            tasks,
            beats: std::sync::atomic::AtomicU64::new(1),
            _dir: dir,
        }
    }

    /// Sends a heartbeat and waits for its answer.
    async fn beat(&self, heartbeat: control::Heartbeat) -> control::Leases {
        let sequence = self
            .beats
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let node = NodeName::new(&heartbeat.node).unwrap();
        let mut leases = self.presence.leases(&node);
        self.presence
            .heard(control::Heartbeat {
                sequence,
                ..heartbeat
            })
            .unwrap();
        let answered = leases.wait_for(|leases| leases.sequence == sequence);
        let answered = tokio::time::timeout(WAIT, answered).await.unwrap();
        answered.unwrap().clone()
    }

    /// The partition a node owns, as soon as it does.
    async fn owns(&self, node: &str) -> control::PartitionLease {
        for _ in 0..200 {
            let leases = self.beat(heartbeat(node)).await.leases;
            if let Some(Lease::Partition(partition)) = leases.into_iter().find_map(|l| l.lease) {
                return partition;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("`{node}` owns nothing")
    }

    async fn stop(self) {
        self.tasks.stop();
        drop((self.routes, self.log, self.presence));
        self.tasks.drain(Duration::from_secs(10)).await;
    }
}

fn heartbeat(node: &str) -> control::Heartbeat {
    control::Heartbeat {
        node: node.into(),
        incarnation: 7,
        roles: vec![control::NodeRole::Ingester.into()],
        zone: "a".into(),
        build: "1.0.0".into(),
        feature_level: 8,
        address: "localhost:9095".into(),
        ..control::Heartbeat::default()
    }
}

fn update_ring(spec: wire::RingSpec, dry_run: bool) -> wire::UpdateRingRequest {
    wire::UpdateRingRequest {
        change: Some(wire::Change {
            dry_run,
            ..wire::Change::default()
        }),
        ring: RingPurpose::Ingest.into(),
        spec: Some(spec),
    }
}

async fn eventually(what: &str, check: impl AsyncFn() -> bool) {
    for _ in 0..400 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never came true: {what}")
}

fn refused(status: &Status, code: Code, reason: &str) {
    assert_eq!(status.code(), code, "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, reason);
}
