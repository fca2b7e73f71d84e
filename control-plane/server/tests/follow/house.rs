//! One voter of the control plane and what it serves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_domain::{Command, CommandId, tenants};
use takt_kit::{ManualClock, Tasks};
use takt_log::{Handle, Parts, Proposal};
use takt_model::{Limits, TenantId, UnixNano};
use takt_server::Services;
use takt_server::auth::Guard;
use takt_views::Views;
use takt_wire::takt::admin::v1 as admin;
use takt_wire::takt::admin::v1::resource_service_client::ResourceServiceClient;
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::control_service_client::ControlServiceClient;
use takt_wire::takt::control::v1::subscribe_request::Said;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tonic_types::StatusExt as _;
use uuid::Uuid;

pub(crate) const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);

pub(crate) struct House {
    log: Handle,
    views: Views,
    pub(crate) services: Services,
    pub(crate) guard: Guard,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

pub(crate) type Told = Streaming<wire::SubscribeResponse>;

impl House {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let clock = Arc::new(ManualClock::at(NOW));
        let mut registry = Registry::default();
        let settings = takt_log::Settings::new(dir.path().into());
        let log = takt_log::open(settings, Parts::new(clock.clone()), &tasks, &mut registry)
            .await
            .unwrap();
        let settings = takt_views::Settings::default();
        let views = Views::start(log.clone(), settings, &tasks, &mut registry)
            .await
            .unwrap();
        let guard = Guard::open_to_all(log.clone(), clock.clone(), &tasks)
            .await
            .unwrap();
        Self {
            services: Services::new(log.clone(), views.clone(), clock, Limits::default()),
            log,
            views,
            guard,
            tasks,
            _dir: dir,
        }
    }

    /// Follows without ever sending a heartbeat.
    pub(crate) async fn subscribe(&self, begin: wire::Begin) -> Result<Told, Status> {
        Ok(self.say([Said::Begin(begin)]).await?.0)
    }

    pub(crate) async fn say(
        &self,
        said: impl IntoIterator<Item = Said>,
    ) -> Result<(Told, mpsc::Sender<wire::SubscribeRequest>), Status> {
        let (say, stream) = mpsc::channel(8);
        for said in said {
            let request = wire::SubscribeRequest { said: Some(said) };
            say.send(request).await.unwrap();
        }
        let mut client = ControlServiceClient::new(self.services.control());
        let told = client.subscribe(ReceiverStream::new(stream)).await?;
        Ok((told.into_inner(), say))
    }

    pub(crate) async fn change(&self, number: u64, command: tenants::Command) {
        let proposal = Proposal {
            id: CommandId(Uuid::from_u128(u128::from(number))),
            actor: "test".into(),
            command: Command::Tenant(command),
            dry_run: false,
        };
        let answer = self.log.propose(proposal).await.unwrap();
        self.views.reached(answer.revision).await.unwrap();
    }

    /// Revisions of all pages.
    pub(crate) async fn history(&self, mut request: admin::ListHistoryRequest) -> Vec<u64> {
        let mut resources = ResourceServiceClient::new(self.services.routes(&self.guard));
        let mut found = Vec::new();
        loop {
            let page = resources.list_history(request.clone()).await.unwrap();
            let page = page.into_inner();
            assert!(page.entries.len() <= 4);
            found.extend(page.entries.iter().map(|entry| entry.revision));
            if page.next_page_token.is_empty() {
                return found;
            }
            request.page_token = page.next_page_token;
        }
    }

    pub(crate) async fn stop(self) {
        drop((self.log, self.services, self.guard));
        self.tasks.stop();
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
    }
}

pub(crate) fn refused(status: Status, reason: &str) {
    let details = status.get_error_details();
    let found = details.error_info().map(|info| info.reason.as_str());
    assert_eq!(found, Some(reason), "{status:?}");
}

pub(crate) fn create(tenant: &str) -> tenants::Command {
    tenants::Command::create(TenantId::new(tenant).unwrap())
}

pub(crate) fn rename(tenant: &str, display_name: &str) -> tenants::Command {
    tenants::Command::Update {
        tenant: TenantId::new(tenant).unwrap(),
        change: tenants::Profile {
            display_name: Some(display_name.to_owned()),
            ..tenants::Profile::default()
        },
        clear_labels: BTreeSet::new(),
        if_match: None,
    }
}
