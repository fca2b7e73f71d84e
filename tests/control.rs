//! The two planes in one process: what the control plane decides, the data plane's view says.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_control::{Following, UnknownTenants};
use takt_domain::{Command, CommandId, tenants};
use takt_kit::{SystemClock, Tasks};
use takt_log::{Handle, Proposal};
use takt_model::{Limits, Revision, TenantId};
use takt_server::Services;
use takt_views::Views;
use takt_wire::takt::control::v1::Heartbeat;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_reaches_the_view_and_outlives_both_planes() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    assert!(node.following.confirmed_within(WAIT).await);
    let tenant = TenantId::new("a").unwrap();
    node.propose(1, create(&tenant)).await;
    node.propose(2, suspend(&tenant)).await;
    node.reached(2).await;
    assert!(node.following.view().load().admit_write(&tenant).is_err());
    node.stop().await;

    let node = Node::start(dir.path()).await;
    assert!(
        node.following.view().load().admit_write(&tenant).is_err(),
        "known before the control plane has said anything"
    );
    assert!(node.following.confirmed_within(WAIT).await);
    node.reached(2).await;
    let resume = tenants::Command::Resume {
        tenant: tenant.clone(),
        if_match: None,
    };
    node.propose(3, resume).await;
    node.reached(3).await;
    assert!(node.following.view().load().admit_write(&tenant).is_ok());
    node.stop().await;
}

const WAIT: Duration = Duration::from_secs(10);

struct Node {
    log: Handle,
    following: Following,
    tasks: Tasks,
}

impl Node {
    async fn start(dir: &Path) -> Self {
        let tasks = Tasks::default();
        let clock = Arc::new(SystemClock);
        let mut registry = Registry::default();
        let settings = takt_log::Settings::new(dir.join("log"));
        let log = takt_log::open(
            settings,
            takt_log::Parts::new(clock.clone()),
            &tasks,
            &mut registry,
        )
        .await
        .unwrap();
        let views = Views::start(
            log.clone(),
            takt_views::Settings::default(),
            &tasks,
            &mut registry,
        )
        .await
        .unwrap();
        let services = Services::new(log.clone(), views, clock.clone(), Limits::default());
        let settings = takt_control::Settings {
            dir: dir.join("view"),
            base: Limits::default(),
            unknown: UnknownTenants::Accept,
            heartbeat: Heartbeat::default(),
        };
        let sources = vec![services.control()];
        let following =
            takt_control::follow(settings, sources, clock, &tasks, &mut registry).unwrap();
        Self {
            log,
            following,
            tasks,
        }
    }

    async fn propose(&self, number: u128, command: tenants::Command) {
        let proposal = Proposal {
            id: CommandId(Uuid::from_u128(number)),
            actor: "test".into(),
            command: Command::Tenant(command),
            dry_run: false,
        };
        self.log.propose(proposal).await.unwrap();
    }

    async fn reached(&self, revision: u64) {
        let reached = self.following.reached(Revision(revision));
        assert!(tokio::time::timeout(WAIT, reached).await.unwrap());
    }

    async fn stop(self) {
        drop(self.log);
        self.tasks.stop();
        assert_eq!(self.tasks.drain(WAIT).await, [""; 0]);
    }
}

fn create(tenant: &TenantId) -> tenants::Command {
    tenants::Command::create(tenant.clone())
}

fn suspend(tenant: &TenantId) -> tenants::Command {
    tenants::Command::Suspend {
        tenant: tenant.clone(),
        reason: "unpaid".into(),
        if_match: None,
    }
}
