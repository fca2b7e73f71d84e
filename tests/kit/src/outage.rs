//! A data plane whose control plane goes away, is restarted meanwhile, and goes on.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::cluster_service_client::ClusterServiceClient;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use tokio::time::{Instant, sleep};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::transport::Channel;

use crate::server::free_ports;
use crate::{Corpus, Replay, Sender, Server, eventually, spans_by_trace};

/// Whoever names no tenant.
const TENANT: &str = "single-tenant";
/// How long a decision may take to reach the data plane.
const ARRIVES_WITHIN: Duration = Duration::from_secs(1);
const START_WITHIN: Duration = Duration::from_secs(60);
const BETWEEN: Duration = Duration::from_millis(500);

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub struct Outage {
    /// How old the view was in the end, by the metric.
    pub view_age_seconds: f64,
    /// Requests taken and found again while nobody answered.
    pub requests: usize,
    /// From the first decision after the control plane came back to the data plane acting on it.
    pub arrived_within: Duration,
}

/// Runs both planes as processes under `dir` and takes the control plane away for so long. The data plane is
/// restarted half way.
///
/// # Errors
/// When something was not as promised; it says what.
pub async fn outage(
    binary: &Path,
    dir: &Path,
    corpus: &Corpus,
    away: Duration,
) -> anyhow::Result<Outage> {
    let mut control = Control::start(binary, &made(dir, "control")?).await?;
    let follow = format!("control: {{ addresses: {} }}\n", control.nodes);
    let mut data = Server::start(binary, &made(dir, "data")?, &follow).await?;
    control.decide(Decision::Create).await?;
    control.decide(Decision::Suspend).await?;
    arrived(&data, corpus, false).await?;
    control.decide(Decision::Resume).await?;
    arrived(&data, corpus, true).await?;
    let ready = data.client().get("/ready").await?.text();
    ensure!(ready.contains("control plane followed"), "{ready}");

    control.server.kill()?;
    let gone = Instant::now();
    let mut requests = 1;
    let mut restarted = false;
    while gone.elapsed() < away {
        if !restarted && gone.elapsed() >= away / 2 {
            data.stop().await?;
            data.run()
                .await
                .context("restarting without a control plane")?;
            restarted = true;
        }
        found(&data, corpus, requests).await?;
        requests += 1;
        sleep(BETWEEN).await;
    }
    ensure!(restarted, "the outage was too short for a restart");
    let view_age_seconds = tells_its_age(&data, gone.elapsed()).await?;

    control.server.run().await?;
    eventually(Duration::from_secs(10), || async {
        let ready = data.client().get("/ready").await?.text();
        ensure!(ready.contains("control plane followed"), "{ready}");
        Ok(())
    })
    .await?;
    control.decide(Decision::Suspend).await?;
    let arrived_within = arrived(&data, corpus, false).await?;
    Ok(Outage {
        view_age_seconds,
        requests,
        arrived_within,
    })
}

fn made(dir: &Path, name: &str) -> anyhow::Result<std::path::PathBuf> {
    let dir = dir.join(name);
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

#[derive(Debug, Clone, Copy)]
enum Decision {
    Create,
    Suspend,
    Resume,
}

/// A control plane of one voter that other nodes can follow.
struct Control {
    server: Server,
    /// Where they do so.
    nodes: String,
}

impl Control {
    async fn start(binary: &Path, dir: &Path) -> anyhow::Result<Self> {
        let [port] = free_ports()?;
        let nodes = format!("127.0.0.1:{port}");
        let listen = format!("control: {{ listen_address: {nodes} }}\n");
        let mut server = Server::prepare(binary, dir, &listen)?;
        server.spawn()?;
        let mut control = Self { server, nodes };
        eventually(START_WITHIN, || control.bootstrap()).await?;
        control.server.ready().await?;
        Ok(control)
    }

    async fn bootstrap(&self) -> anyhow::Result<()> {
        let mut cluster = ClusterServiceClient::with_interceptor(self.channel()?, self.token()?);
        let bootstrap = wire::BootstrapClusterRequest::default();
        cluster.bootstrap_cluster(bootstrap).await?;
        Ok(())
    }

    fn channel(&self) -> anyhow::Result<Channel> {
        let address = format!("http://{}", self.server.grpc());
        Ok(Channel::from_shared(address)?.connect_lazy())
    }

    /// Puts the admin token into requests.
    fn token(&self) -> anyhow::Result<impl Interceptor + use<>> {
        let token = fs::read_to_string(self.server.data("control/admin.token"))?;
        let bearer: MetadataValue<_> = format!("Bearer {}", token.trim()).parse()?;
        Ok(move |mut request: Request<()>| {
            let headers = request.metadata_mut();
            headers.insert("authorization", bearer.clone());
            Ok(request)
        })
    }

    async fn decide(&self, decision: Decision) -> anyhow::Result<()> {
        let mut tenants = TenantServiceClient::with_interceptor(self.channel()?, self.token()?);
        let tenant = TENANT.to_owned();
        match decision {
            Decision::Create => {
                let create = wire::CreateTenantRequest {
                    tenant,
                    ..wire::CreateTenantRequest::default()
                };
                tenants.create_tenant(create).await?;
            }
            Decision::Suspend => {
                let suspend = wire::SuspendTenantRequest {
                    tenant,
                    ..wire::SuspendTenantRequest::default()
                };
                tenants.suspend_tenant(suspend).await?;
            }
            Decision::Resume => {
                let resume = wire::ResumeTenantRequest {
                    tenant,
                    ..wire::ResumeTenantRequest::default()
                };
                tenants.resume_tenant(resume).await?;
            }
        }
        Ok(())
    }
}

/// Waits until spans are taken, or are not; how long that took.
async fn arrived(data: &Server, corpus: &Corpus, taken: bool) -> anyhow::Result<Duration> {
    let decided = Instant::now();
    let mut sender = data.sender().await?;
    while send(&mut sender, corpus, 0).await != taken {
        ensure!(
            decided.elapsed() < ARRIVES_WITHIN,
            "a decision did not arrive within {ARRIVES_WITHIN:?}"
        );
        sleep(Duration::from_millis(10)).await;
    }
    Ok(decided.elapsed())
}

async fn send(sender: &mut Sender, corpus: &Corpus, index: usize) -> bool {
    let request = corpus.request(index, Replay::default());
    sender
        .send(request)
        .await
        .is_ok_and(|answer| answer.rejected_spans == 0)
}

/// A request of the corpus is taken, and its spans can be asked for at once.
async fn found(data: &Server, corpus: &Corpus, index: usize) -> anyhow::Result<()> {
    let index = index % corpus.len();
    let mut sender = data.sender().await?;
    ensure!(
        send(&mut sender, corpus, index).await,
        "spans are not taken without a control plane"
    );
    let spans = spans_by_trace(&corpus.request(index, Replay::default()))?;
    let (trace, _) = spans.first_key_value().context("a request has spans")?;
    let found = data.client().span_ids(trace).await?;
    ensure!(!found.is_empty(), "trace {trace} is not found");
    Ok(())
}

/// The page, the metric and the log say that the view is old, and the first two how old.
async fn tells_its_age(data: &Server, away: Duration) -> anyhow::Result<f64> {
    let client = data.client();
    let ready = client.get("/ready").await?;
    ensure!(
        ready.status == 200 && ready.text().contains("control plane away"),
        "{}",
        ready.text()
    );
    let metrics = client.get("/metrics").await?.text();
    let age = metrics
        .lines()
        .find_map(|line| line.strip_prefix("takt_control_view_age_seconds "))
        .context("the metric of the age of the view is missing")?;
    let age: f64 = age.trim().parse()?;
    // It was confirmed up to a heartbeat before the end.
    let expected = away.as_secs_f64();
    ensure!(
        (expected - 1.0..expected + 5.0).contains(&age),
        "the view is {expected} s old and is said to be {age} s"
    );
    ensure!(
        data.log().contains("control plane is away"),
        "the log does not say it"
    );
    Ok(age)
}
