//! `takt serve`: settings -> roles wired straight-line -> run -> drain. No logic.

mod edge;
mod shutdown;
mod wire;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use takt_ingest::builder::{self, BlockBuilder};
use takt_ingest::{Checkpoint, Distributor};
use takt_journal::Journal;
use takt_kit::{Budget, Clock, SystemClock};
use takt_live::{CONSUMER, Live};
use takt_query::{ApiState, Frontend};
use takt_receive::Receiver;
use takt_store::{BlockList, Store};

use crate::config::Config;
use crate::telemetry;
use shutdown::Stages;

/// Runs until a signal or a failure that cannot be served through.
///
/// # Errors
/// When the process cannot start, or a role it cannot do without has failed.
pub(crate) async fn serve(config: Config) -> Result<()> {
    let settings = &config.settings;
    let telemetry = telemetry::start(&settings.telemetry)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stages = Stages::default();
    let mut registry = Registry::default();

    // Listeners first: a port that is taken should be said before anything is opened.
    let ports = edge::Ports::bind(settings).await?;

    let log = takt_log::open(
        settings.control.log.clone(),
        Arc::clone(&clock),
        &stages.control,
        &mut registry,
    )
    .await?;
    let views = takt_views::Views::start(log.clone(), &stages.control);
    let admin =
        takt_server::Services::new(log, views, Arc::clone(&clock), settings.overrides.clone());
    let following = takt_control::follow(
        wire::follower(settings),
        admin.views(),
        Arc::clone(&clock),
        &stages.control,
        &mut registry,
    )?;
    let view = following.view().clone();

    let store_metrics = takt_store::Metrics::register(&mut registry);
    let store = Store::open(&wire::store(settings), store_metrics.clone())?;
    let blocks = BlockList::new(store.clone(), store_metrics);
    blocks
        .poll()
        .await
        .context("the object store must answer once before the server starts")?;

    let journal = Journal::open(
        settings.journal.clone(),
        takt_journal::Metrics::register(&mut registry),
    )?;
    let mut checkpoint = Checkpoint::open(&settings.journal.dir.join("blocks.checkpoint"))?;
    builder::settle(&mut checkpoint, &store, journal.end()).await?;
    let from = journal.register(CONSUMER)?;
    let budget = Budget::new(settings.server.max_memory.as_usize());
    let live_settings = wire::live(settings, checkpoint.covered(), from);
    let live = Live::new(
        live_settings,
        journal.clone(),
        view.clone(),
        budget,
        takt_live::Metrics::register(&mut registry),
    );
    stages
        .live
        .spawn("live_store", live.clone().run(stages.live.clone()));
    stages.live.spawn(
        "block_list",
        blocks
            .clone()
            .run(settings.storage.blocklist_poll, stages.live.clone()),
    );

    let parts = builder::Parts {
        live: live.clone(),
        journal: journal.clone(),
        store: store.clone(),
        blocks: blocks.clone(),
        checkpoint,
        clock: Arc::clone(&clock),
        metrics: builder::metrics::Metrics::register(&mut registry),
    };
    stages.build.spawn(
        "block_builder",
        BlockBuilder::new(wire::builder(settings), parts).run(stages.build.clone()),
    );

    let distributor = Arc::new(Distributor::new(
        journal.clone(),
        view.clone(),
        live.clone(),
        Arc::clone(&clock),
        &mut registry,
    ));
    let receiver = Receiver::new(wire::receive(settings), distributor, &mut registry)?;
    let query_metrics = takt_query::Metrics::register(&mut registry);
    let frontend = Frontend::new(takt_query::Parts {
        settings: settings.query.clone(),
        live: live.clone(),
        store,
        blocks,
        view,
        clock,
        metrics: query_metrics,
    });

    let ready = edge::Readiness::new(live, journal.end());
    let pages = Arc::new(edge::pages(
        &config,
        &stages,
        Arc::new(Mutex::new(registry)),
        ready.clone(),
    ));
    let api = edge::router(takt_query::router(ApiState { frontend, pages }), &admin)?;
    stages.receive.spawn(
        "otlp_grpc",
        takt_receive::serve_grpc(ports.otlp_grpc, receiver.clone(), stages.receive.clone()),
    );
    stages.receive.spawn(
        "otlp_http",
        takt_receive::serve_http(ports.otlp_http, receiver, stages.receive.clone()),
    );
    stages.api.spawn(
        "http",
        edge::serve(ports.http, api.clone(), stages.api.clone()),
    );
    stages
        .api
        .spawn("grpc", edge::serve(ports.grpc, api, stages.api.clone()));
    tracing::info!(http = %settings.server.http_listen_address, otlp_grpc = %settings.receivers.grpc, otlp_http = %settings.receivers.http, "serving");

    let outcome = stages.until_asked_to_stop().await;
    ready.stop();
    stages.drain(settings.server.drain_budget).await;
    tokio::task::spawn_blocking(move || journal.close()).await?;
    telemetry.flush().await;
    outcome
}
