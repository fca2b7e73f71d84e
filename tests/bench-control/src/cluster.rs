//! Three voters on loopback, each with a file of its own that is synced for real.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use prometheus_client::registry::Registry;
use takt_domain::{CommandId, tenants};
use takt_kit::{SystemClock, Tasks};
use takt_log::{Handle, Parts, Proposal, Settings, Start, open};
use takt_model::{NodeId, TenantId};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use uuid::Uuid;

use crate::Row;

const VOTERS: u64 = 3;
/// How many callers wait for an answer at once when it is about how many commands pass.
const CALLERS: u64 = 1000;
/// Commands of the steady load come this far apart.
const STEADY: Duration = Duration::from_millis(2);
const SETTLE: Duration = Duration::from_secs(20);

/// A voter of the cluster; the file goes with it.
#[derive(Debug)]
struct Voter {
    log: Handle,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) async fn measure(commands: u64) -> Result<Vec<Row>> {
    let voters = start().await?;
    let leader = leader(&voters).await?;
    burst(&leader, 0, commands / 10).await?;

    let begun = Instant::now();
    burst(&leader, commands, commands).await?;
    let rate = u32::try_from(commands).map(f64::from)? / begun.elapsed().as_secs_f64();
    let mut took = steady(&leader, 2 * commands, Duration::from_secs(10)).await?;
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    let (median, p99) = (at(50), at(99));

    for voter in voters {
        voter.tasks.stop();
        voter.tasks.drain(Duration::from_secs(10)).await;
    }
    Ok(vec![
        Row {
            what: format!("commands a second, {CALLERS} callers, three voters in one process"),
            figure: format!("{rate:.0}"),
            mark: "≥ 5,000",
            bound: "three voters on the same processors, then syncs of three files on one disk",
        },
        Row {
            what: format!(
                "a command at {} a second, median / p99",
                1000 / STEADY.as_millis()
            ),
            figure: format!("{:.1} / {:.1} ms", millis(median), millis(p99)),
            mark: "p99 ≤ 50 ms",
            bound: "the round under way, then a sync of the leader and of a follower at once",
        },
    ])
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

async fn start() -> Result<Vec<Voter>> {
    let mut voters: Vec<Voter> = Vec::new();
    let mut first = None;
    for node in 1..=VOTERS {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let dir = tempfile::tempdir()?;
        let tasks = Tasks::default();
        let settings = Settings {
            node: NodeId(node),
            address: Some(address.clone()),
            queue: 4096,
            timeout: Duration::from_secs(30),
            snapshot_every: 100_000,
            start: Start::Wait {
                join: first.iter().cloned().collect(),
            },
            ..Settings::new(dir.path().into())
        };
        let parts = Parts::new(Arc::new(SystemClock));
        let log = open(settings, parts, &tasks, &mut Registry::default()).await?;
        let serve = Server::builder()
            .add_service(log.peers())
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener).with_nodelay(Some(true)),
                tasks.stopped(),
            );
        tasks.spawn("peers", serve);
        if first.is_none() {
            log.bootstrap()
                .await
                .context("the first voter founds no cluster")?;
            first = Some(address);
        }
        voters.push(Voter {
            log,
            tasks,
            _dir: dir,
        });
    }
    Ok(voters)
}

/// Waits until all are voters, and finds the one that leads.
async fn leader(voters: &[Voter]) -> Result<Handle> {
    let all = async {
        loop {
            let leads = voters.iter().find(|voter| {
                let status = voter.log.status();
                status.leader == Some(status.node) && status.voters.len() == voters.len()
            });
            if let Some(voter) = leads {
                return voter.log.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(SETTLE, all).await {
        Ok(leader) => Ok(leader),
        Err(_elapsed) => bail!("the voters do not come together"),
    }
}

fn create(number: u64) -> Result<Proposal> {
    let tenant = TenantId::new(&format!("tenant-{number:07}"))?;
    Ok(Proposal {
        id: CommandId(Uuid::from_u128(u128::from(number))),
        actor: "bench".to_owned(),
        command: tenants::Command::create(tenant).into(),
        dry_run: false,
    })
}

/// So many commands, each caller sending its next when it has its answer.
async fn burst(leader: &Handle, first: u64, commands: u64) -> Result<()> {
    let callers = (0..CALLERS).map(|caller| async move {
        for number in (first + caller..first + commands).step_by(usize::try_from(CALLERS)?) {
            leader.propose(create(number)?).await?;
        }
        anyhow::Ok(())
    });
    let mut callers: FuturesUnordered<_> = callers.collect();
    while let Some(done) = callers.next().await {
        done?;
    }
    Ok(())
}

/// A command every [`STEADY`], whether the ones before are answered or not: how long each took.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn steady(leader: &Handle, first: u64, during: Duration) -> Result<Vec<Duration>> {
    let mut ticks = tokio::time::interval(STEADY);
    let count = during.as_millis() / STEADY.as_millis();
    let mut under_way = FuturesUnordered::new();
    let mut took = Vec::new();
    for number in 0..u64::try_from(count)? {
        ticks.tick().await;
        let proposal = create(first + number)?;
        under_way.push(async move {
            let begun = Instant::now();
            leader
                .propose(proposal)
                .await
                .map(|_answer| begun.elapsed())
        });
        while let Some(Some(done)) = futures::FutureExt::now_or_never(under_way.next()) {
            took.push(done?);
        }
    }
    while let Some(done) = under_way.next().await {
        took.push(done?);
    }
    Ok(took)
}
