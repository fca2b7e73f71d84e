//! Many nodes follow one replica: from a decision to the last of them having it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use prometheus_client::registry::Registry;
use takt_domain::{Command, CommandId, tenants};
use takt_kit::{SystemClock, Tasks};
use takt_log::{Handle, Parts, Proposal, Settings};
use takt_model::{Limits, TenantId};
use takt_server::Services;
use takt_views::Views;
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::control_service_client::ControlServiceClient;
use takt_wire::takt::control::v1::subscribe_request::Said;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use uuid::Uuid;

use crate::Row;

const DECISIONS: u64 = 50;
const PATIENCE: Duration = Duration::from_secs(30);

/// What a subscriber has, and since when.
type Had = (u64, Instant);

/// With real syncs, and a TCP connection for each subscriber.
pub(crate) async fn measure(subscribers: usize) -> anyhow::Result<Vec<Row>> {
    let dir = tempfile::tempdir()?;
    let tasks = Tasks::default();
    let (clock, mut registry) = (Arc::new(SystemClock), Registry::default());
    let settings = Settings::new(dir.path().into());
    let log = takt_log::open(settings, Parts::new(clock.clone()), &tasks, &mut registry).await?;
    let settings = takt_views::Settings::default();
    let views = Views::start(log.clone(), settings, &tasks, &mut registry).await?;
    let services = Services::new(log.clone(), views, clock, Limits::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let serving = Server::builder()
        .add_service(services.control())
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            tasks.stopped(),
        );
    tasks.spawn("serving", serving);

    let (has, mut had) = mpsc::channel(subscribers * 4);
    for _ in 0..subscribers {
        let channel = Channel::from_shared(address.clone())?.connect().await?;
        tasks.spawn("subscriber", follow(channel, has.clone()));
    }
    all_have(&mut had, subscribers, 0).await?;
    let mut took = Vec::new();
    for number in 1..=DECISIONS {
        let answered = decide(&log, number).await?;
        let last = all_have(&mut had, subscribers, number).await?;
        took.push(last.saturating_duration_since(answered));
    }
    took.sort_unstable();
    tasks.stop();
    drop((log, services));
    tasks.drain(Duration::from_secs(10)).await;
    let at = |part: usize| took.get(took.len() * part / 100).copied();
    let (median, worst) = (at(50).unwrap_or_default(), took.last().copied());
    Ok(vec![Row {
        what: format!("a decision reaches the last of {subscribers} subscribers"),
        figure: format!(
            "median {median:.1?}, worst {:.1?}",
            worst.unwrap_or_default()
        ),
        mark: "≤ 100 ms",
        bound: "writes to as many sockets, both ends on the same processors",
    }])
}

/// Says each time it has something new.
async fn follow(channel: Channel, has: mpsc::Sender<Had>) -> anyhow::Result<()> {
    let begin = wire::SubscribeRequest {
        said: Some(Said::Begin(wire::Begin::default())),
    };
    let said = futures::stream::iter([begin]);
    let mut told = ControlServiceClient::new(channel)
        .subscribe(said)
        .await?
        .into_inner();
    let mut known = None;
    // It ends with an error when the measuring is over.
    while let Ok(Some(heard)) = told.message().await {
        let revision = heard.position.unwrap_or_default().revision;
        if known != Some(revision) {
            known = Some(revision);
            if has.send((revision, Instant::now())).await.is_err() {
                break;
            }
        }
    }
    Ok(())
}

async fn decide(log: &Handle, number: u64) -> anyhow::Result<Instant> {
    let tenant = TenantId::new(&format!("t{number}"))?;
    let proposal = Proposal {
        id: CommandId(Uuid::from_u128(u128::from(number))),
        actor: "bench".to_owned(),
        command: Command::Tenant(tenants::Command::create(tenant)),
        dry_run: false,
    };
    log.propose(proposal).await?;
    Ok(Instant::now())
}

/// When the last one had a revision.
async fn all_have(
    had: &mut mpsc::Receiver<Had>,
    subscribers: usize,
    wanted: u64,
) -> anyhow::Result<Instant> {
    let mut last = Instant::now();
    let mut have = 0;
    while have < subscribers {
        let (revision, at) = timeout(PATIENCE, had.recv())
            .await?
            .context("the subscribers ended")?;
        ensure!(revision == wanted, "{revision} instead of {wanted}");
        last = if have == 0 { at } else { last.max(at) };
        have += 1;
    }
    Ok(last)
}
