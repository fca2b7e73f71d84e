//! `takt serve`: settings -> roles wired straight-line -> run -> drain. No logic.

mod auth;
mod edge;
mod nodes;
mod rules;
mod shutdown;
mod tls;
mod wire;

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use takt_control::ViewHandle;
use takt_ingest::builder::{self, BlockBuilder};
use takt_ingest::{Checkpoint, Distributor};
use takt_journal::Journal;
use takt_kit::{Budget, Clock, SystemClock};
use takt_live::{CONSUMER, Live};
use takt_log::Dial;
use takt_query::{ApiState, Frontend};
use takt_receive::Receiver;
use takt_rules::Ruler;
use takt_server::auth::{Guard, HttpKeys};
use takt_store::{BlockList, Store};
use tokio::net::TcpListener;

use crate::config::{Config, Settings};
use crate::telemetry;
use shutdown::{Signals, Stages};

/// Runs until a signal or a failure that cannot be served through.
///
/// # Errors
/// When the process cannot start, or a role it cannot do without has failed.
pub(crate) async fn serve(config: Config) -> Result<()> {
    let mut signals = Signals::hear()?;
    let telemetry = telemetry::start(&config.settings.telemetry)?;
    // Listeners first: a port that is taken should be said before anything is opened.
    let mut ports = edge::Ports::bind(&config.settings).await?;
    let tls = tls::acceptor(&config.settings.server)?;
    let mut house = House {
        settings: &config.settings,
        clock: Arc::new(SystemClock),
        stages: Stages::default(),
        registry: Registry::default(),
    };
    let control = house.control(ports.nodes.take()).await?;
    let rooms = house.rooms(control.following.view().clone()).await?;
    let journal = rooms.journal.clone();
    let receiver = house.receiver(&rooms)?;
    let ready = edge::Readiness::new(
        rooms.live.clone(),
        journal.end(),
        control.following.clone(),
        Arc::clone(&house.clock),
    );
    let frontend = house.frontend(rooms)?;
    let rules = house.ruler(&frontend, control.following.view())?;
    let House {
        settings,
        stages,
        registry,
        ..
    } = house;
    let registry = Arc::new(Mutex::new(registry));
    let pages = Arc::new(edge::pages(&config, &stages, registry, ready.clone()));
    let api = takt_query::router(ApiState {
        frontend: frontend.clone(),
        pages,
    });
    let api = edge::router(api.merge(rules), &frontend, control.admin.as_ref())?;
    open(&stages, ports, receiver, edge::Door { router: api, tls });
    tracing::info!(http = %settings.server.http_listen_address, otlp_grpc = %settings.receivers.grpc, otlp_http = %settings.receivers.http, "serving");

    let outcome = stages.until_asked_to_stop(&mut signals).await;
    ready.stop();
    stages.drain(settings.server.drain_budget).await;
    tokio::task::spawn_blocking(move || journal.close()).await?;
    telemetry.flush().await;
    outcome
}

/// What every role is built with.
struct House<'a> {
    settings: &'a Settings,
    clock: Arc<dyn Clock>,
    stages: Stages,
    registry: Registry,
}

/// The control plane of this process, unless it is elsewhere, and the data plane's eye on it.
struct Control {
    admin: Option<Admin>,
    following: takt_control::Following,
}

/// The control plane, and who stands before it.
struct Admin {
    services: takt_server::Services,
    guard: Guard,
}

/// Where spans are.
struct Rooms {
    view: ViewHandle,
    journal: Journal,
    live: Live,
    store: Store,
    blocks: BlockList,
}

impl House<'_> {
    async fn control(&mut self, port: Option<TcpListener>) -> Result<Control> {
        let (settings, tasks) = (self.settings, &self.stages.control);
        let clock = || Arc::clone(&self.clock);
        let credentials = nodes::credentials(&settings.control.nodes)?;
        let parts = nodes::parts(clock(), credentials.as_ref());
        if !settings.control.addresses.is_empty() {
            return self.control_elsewhere(parts.dial.as_ref());
        }
        let log = settings.control.log.clone();
        let log = takt_log::open(log, parts, tasks, &mut self.registry).await?;
        let registry = &mut self.registry;
        let views = takt_views::Settings::default();
        let views = takt_views::Views::start(log.clone(), views, tasks, registry).await?;
        let settled = settings.control.reconciler;
        let (reconciler, presence, _) =
            takt_reconcile::Reconciler::new(settled, log.clone(), clock(), registry);
        tasks.spawn("reconciler", reconciler.run(tasks.clone()));
        let tls = settings.server.tls.as_ref();
        let asked = tls.is_some_and(|tls| tls.client_authority.is_some());
        let auth = auth::settings(&settings.control.auth, asked)?;
        let keys = Arc::new(HttpKeys::new()?);
        let guard = Guard::start(auth, keys, log.clone(), clock(), tasks, registry).await?;
        let admin = takt_server::Services::new(log, views, clock(), settings.overrides.clone())
            .with_presence(presence)
            .named(&settings.control.cluster_name);
        if let Some(port) = port {
            let voters = nodes::voters(&settings.control.nodes);
            nodes::serve(port, &admin, credentials.as_ref(), voters, tasks)?;
        }
        let follower = wire::follower(settings, clock().now());
        let sources = vec![admin.control()];
        let following = takt_control::follow(follower, sources, clock(), tasks, registry)?;
        let admin = Some(Admin {
            services: admin,
            guard,
        });
        Ok(Control { admin, following })
    }

    /// Follows the control plane of other processes.
    fn control_elsewhere(&mut self, dial: &dyn Dial) -> Result<Control> {
        let (settings, tasks) = (self.settings, &self.stages.control);
        let sources = wire::replicas(&settings.control.addresses, dial)?;
        let clock = Arc::clone(&self.clock);
        let follower = wire::follower(settings, clock.now());
        let registry = &mut self.registry;
        let following = takt_control::follow(follower, sources, clock, tasks, registry)?;
        let admin = None;
        Ok(Control { admin, following })
    }

    /// Opens store and journal, settles what an earlier run left, and starts what keeps spans.
    async fn rooms(&mut self, view: ViewHandle) -> Result<Rooms> {
        let (settings, registry) = (self.settings, &mut self.registry);
        let metrics = takt_store::Metrics::register(registry);
        let store = Store::open(&wire::store(settings), metrics.clone())?;
        let blocks = BlockList::new(store.clone(), metrics);
        let polled = blocks.poll().await;
        polled.context("the object store must answer once before the server starts")?;

        let metrics = takt_journal::Metrics::register(registry);
        let journal = Journal::open(settings.journal.clone(), metrics)?;
        let mut checkpoint = Checkpoint::open(&settings.journal.dir.join("blocks.checkpoint"))?;
        builder::settle(&mut checkpoint, &store, journal.end()).await?;
        let from = journal.register(CONSUMER)?;
        let live = wire::live(settings, checkpoint.covered(), from);
        let budget = Budget::new(settings.server.max_memory.as_usize());
        let metrics = takt_live::Metrics::register(registry);
        let live = Live::new(live, journal.clone(), view.clone(), budget, metrics);
        let parts = builder::Parts {
            live: live.clone(),
            journal: journal.clone(),
            store: store.clone(),
            blocks: blocks.clone(),
            checkpoint,
            clock: Arc::clone(&self.clock),
            metrics: builder::metrics::Metrics::register(registry),
        };

        let tasks = &self.stages.live;
        tasks.spawn("live_store", live.clone().run(tasks.clone()));
        let every = settings.storage.blocklist_poll;
        tasks.spawn("block_list", blocks.clone().run(every, tasks.clone()));
        let tasks = &self.stages.build;
        let builder = BlockBuilder::new(wire::builder(settings), parts);
        tasks.spawn("block_builder", builder.run(tasks.clone()));
        Ok(Rooms {
            view,
            journal,
            live,
            store,
            blocks,
        })
    }

    fn receiver(&mut self, rooms: &Rooms) -> Result<Receiver> {
        let (journal, view) = (rooms.journal.clone(), rooms.view.clone());
        let (live, clock) = (rooms.live.clone(), Arc::clone(&self.clock));
        let distributor = Distributor::new(journal, view, live, clock, &mut self.registry);
        let settings = wire::receive(self.settings);
        let receiver = Receiver::new(settings, Arc::new(distributor), &mut self.registry)?;
        Ok(receiver)
    }

    fn frontend(&mut self, rooms: Rooms) -> Result<Frontend> {
        let frontend = Frontend::new(takt_query::Parts {
            settings: self.settings.query.clone(),
            live: rooms.live,
            store: rooms.store,
            blocks: rooms.blocks,
            view: rooms.view,
            clock: Arc::clone(&self.clock),
            metrics: takt_query::Metrics::register(&mut self.registry),
        });
        frontend.map_err(|problem| anyhow!("`query.queriers`: {problem}"))
    }

    /// Evaluates rules where that is enabled. The pages that show them.
    fn ruler(&mut self, frontend: &Frontend, view: &ViewHandle) -> Result<Router> {
        let Some(settings) = self.settings.ruler.clone() else {
            return Ok(Router::new());
        };
        let multitenancy = settings.multitenancy;
        let parts = takt_rules::Parts {
            evaluator: rules::Asking(frontend.clone()),
            view: view.clone(),
            clock: Arc::clone(&self.clock),
            metrics: takt_rules::Metrics::register(&mut self.registry),
        };
        let tasks = &self.stages.api;
        let (ruler, board) = Ruler::new(settings, parts, tasks)?;
        tasks.spawn("ruler", ruler.run(tasks.clone()));
        Ok(takt_rules::router(board, view.clone(), multitenancy))
    }
}

/// Lets the world in.
fn open(stages: &Stages, ports: edge::Ports, receiver: Receiver, api: edge::Door) {
    let tasks = &stages.receive;
    let grpc = takt_receive::serve_grpc(ports.otlp_grpc, receiver.clone(), tasks.clone());
    tasks.spawn("otlp_grpc", grpc);
    let http = takt_receive::serve_http(ports.otlp_http, receiver, tasks.clone());
    tasks.spawn("otlp_http", http);
    let tasks = &stages.api;
    let http = edge::serve(ports.http, api.clone(), tasks.clone());
    tasks.spawn("http", http);
    tasks.spawn("grpc", edge::serve(ports.grpc, api, tasks.clone()));
}
