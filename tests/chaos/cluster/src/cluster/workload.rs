//! Clients that change the control plane through every node, and ask again until they know what became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::control::log::v1 as log;
use takt_wire::takt::control::v1 as node;
use tonic::{Response, Status};
use uuid::Uuid;

use super::client::{Door, No};
use super::history::{Heard, What};
use super::world::World;
use crate::random::Random;

/// Tenants that everybody changes.
pub(super) const SHARED: u64 = 3;
/// How long a client asks before it gives up on the cluster.
const PATIENCE: Duration = Duration::from_secs(120);
const LEASE_MILLISECONDS: u64 = 3_000;

/// One client, with a tenant of its own beside those it shares.
#[derive(Debug)]
pub(super) struct Client {
    world: Arc<World>,
    random: Random,
    own: String,
    numbers: u64,
    /// The nodes it asks; none: whoever is a member.
    asks: Vec<u64>,
    expected: Expected,
}

/// What must be there in the end, because it was acknowledged and nobody else changes it.
#[derive(Debug, Default, Clone)]
pub(super) struct Expected {
    pub(super) tenant: String,
    pub(super) display_name: String,
    pub(super) used: u64,
    /// Fencing tokens, by job.
    pub(super) fences: BTreeMap<u64, String>,
}

pub(super) fn shared(number: u64) -> String {
    format!("shared-{number}")
}

impl Client {
    pub(super) fn new(world: Arc<World>, name: &str, random: Random) -> Self {
        Self {
            world,
            random,
            own: format!("own-{name}"),
            numbers: 0,
            asks: Vec::new(),
            expected: Expected::default(),
        }
    }

    /// Asks these nodes only.
    pub(super) fn asking(mut self, nodes: &[u64]) -> Self {
        self.asks = nodes.to_vec();
        self
    }

    fn door(&mut self) -> Door {
        let node = self.random.pick(&self.asks);
        let node = node.unwrap_or_else(|| self.world.any(&mut self.random));
        self.world.door(node).clone()
    }

    /// Goes on until the world says that it is enough.
    ///
    /// # Errors
    /// When an answer is none that there can be, or none comes.
    pub(super) async fn run(mut self) -> anyhow::Result<Expected> {
        let own = self.own.clone();
        self.create(&own).await?;
        while !self.world.is_over() {
            self.act().await?;
            let pause = self
                .random
                .between(Duration::ZERO, Duration::from_millis(40));
            tokio::time::sleep(pause).await;
        }
        self.expected.tenant = own;
        Ok(self.expected)
    }

    async fn act(&mut self) -> anyhow::Result<()> {
        match self.random.below(20) {
            0..5 => self.rename().await,
            5..9 => self.contend().await,
            9..12 => self.read().await,
            12..14 => self.limit().await,
            14 => {
                let number = self.number();
                let tenant = format!("{}-{number}", self.own);
                self.create(&tenant).await
            }
            15..17 => self.work().await,
            17..19 => self.post_usage().await,
            _ => self.adjust().await,
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn id(&mut self) -> Uuid {
        let halves = [self.random.next(), self.random.next()];
        Uuid::from_u64_pair(halves[0], halves[1])
    }

    /// Sends a command to one node after the other until there is an answer, which is also written down.
    async fn insist<T>(
        &mut self,
        tenant: Option<&str>,
        if_match: Option<u64>,
        send: impl AsyncFn(Door, String) -> Result<Response<T>, Status>,
        heard: impl Fn(&T) -> Heard,
    ) -> anyhow::Result<Option<T>> {
        let id = self.id();
        let number = self.world.history.called(What::Command {
            id,
            tenant: tenant.map(str::to_owned),
            if_match,
        });
        let asked = tokio::time::timeout(PATIENCE, async {
            loop {
                let door = self.door();
                self.world.history.attempt();
                match send(door, id.to_string()).await {
                    Ok(answer) => return Ok(answer.into_inner()),
                    Err(status) => match No::from(&status) {
                        No::Refused(reason) => return Err(reason),
                        No::Unknown => {}
                    },
                }
                let pause = self
                    .random
                    .between(Duration::from_millis(10), Duration::from_millis(100));
                tokio::time::sleep(pause).await;
            }
        });
        let answer = asked
            .await
            .with_context(|| format!("nobody answered command {id} for {PATIENCE:?}"))?;
        match answer {
            Ok(answer) => {
                self.world.history.heard(number, heard(&answer));
                Ok(Some(answer))
            }
            Err(reason) => {
                self.world.history.heard(number, Heard::Refused(reason));
                Ok(None)
            }
        }
    }

    pub(super) async fn create(&mut self, tenant: &str) -> anyhow::Result<()> {
        self.insist(
            Some(tenant),
            None,
            async |door: Door, id| {
                let request = wire::CreateTenantRequest {
                    change: change(id, None),
                    tenant: tenant.to_owned(),
                    ..wire::CreateTenantRequest::default()
                };
                door.tenants().create_tenant(request).await
            },
            |answer| done(answer.outcome.as_ref()),
        )
        .await?;
        Ok(())
    }

    async fn update(
        &mut self,
        tenant: &str,
        name: &str,
        if_match: Option<u64>,
    ) -> anyhow::Result<bool> {
        let answer = self
            .insist(
                Some(tenant),
                if_match,
                async |door: Door, id| {
                    let request = wire::UpdateTenantRequest {
                        change: change(id, if_match),
                        tenant: tenant.to_owned(),
                        display_name: Some(name.to_owned()),
                        ..wire::UpdateTenantRequest::default()
                    };
                    door.tenants().update_tenant(request).await
                },
                |answer| done(answer.outcome.as_ref()),
            )
            .await?;
        Ok(answer.is_some())
    }

    async fn rename(&mut self) -> anyhow::Result<()> {
        let (own, name) = (self.own.clone(), self.number().to_string());
        if self.update(&own, &name, None).await? {
            self.expected.display_name = name;
        }
        Ok(())
    }

    /// Changes a tenant that others change too, if it still is as it was read.
    async fn contend(&mut self) -> anyhow::Result<()> {
        let tenant = shared(self.random.below(SHARED));
        let Some(version) = self.version(&tenant).await else {
            return Ok(());
        };
        let number = self.number();
        let name = format!("{} {number}", self.own);
        self.update(&tenant, &name, Some(version)).await?;
        Ok(())
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let tenant = match self.random.below(SHARED + 1) {
            SHARED => self.own.clone(),
            number => shared(number),
        };
        let _unanswered = self.version(&tenant).await;
        Ok(())
    }

    /// The version of a tenant, if some node says.
    async fn version(&mut self, tenant: &str) -> Option<u64> {
        let number = self.world.history.called(What::Read {
            tenant: tenant.to_owned(),
        });
        let door = self.door();
        let request = wire::GetTenantRequest {
            tenant: tenant.to_owned(),
        };
        let answer = door.tenants().get_tenant(request).await.ok()?;
        let version = answer.into_inner().tenant?.version;
        self.world.history.heard(number, Heard::Version(version));
        Some(version)
    }

    async fn limit(&mut self) -> anyhow::Result<()> {
        let scope = wire::Scope {
            scope: Some(wire::scope::Scope::Tenant(self.own.clone())),
        };
        let limit = 1_000_000 + self.number();
        self.insist(
            None,
            None,
            async |door: Door, id| {
                let set = [("ingestion.rate_limit_bytes".to_owned(), limit.to_string())];
                let request = wire::ChangeOverridesRequest {
                    change: change(id, None),
                    scope: Some(scope.clone()),
                    set: set.into(),
                    clear: Vec::new(),
                };
                door.overrides().change_overrides(request).await
            },
            |answer| done(answer.outcome.as_ref()),
        )
        .await?;
        Ok(())
    }

    /// Plans a job, takes one, and ends it unless the lease was over before.
    async fn work(&mut self) -> anyhow::Result<()> {
        let blocks = vec![self.id().into_bytes().into(), self.id().into_bytes().into()];
        let tenant = self.own.clone();
        self.insist(
            None,
            None,
            async |door: Door, id| {
                let blocks = blocks.clone();
                let compaction = log::job_payload::Kind::Compaction(log::CompactionJob { blocks });
                let job = wire::JobDraft {
                    tenant: tenant.clone(),
                    payload: Some(log::JobPayload {
                        kind: Some(compaction),
                    }),
                    ..wire::JobDraft::default()
                };
                let request = wire::CreateJobsRequest {
                    change: change(id, None),
                    jobs: vec![job],
                };
                door.jobs().create_jobs(request).await
            },
            |answer| done(answer.outcome.as_ref()),
        )
        .await?;
        for leased in self.lease().await? {
            let fenced = self
                .expected
                .fences
                .insert(leased.fence, leased.job.clone());
            ensure!(
                fenced.is_none_or(|job| job == leased.job),
                "two jobs have the fencing token {}",
                leased.fence
            );
            self.complete(&leased).await?;
        }
        Ok(())
    }

    async fn lease(&mut self) -> anyhow::Result<Vec<node::LeasedJob>> {
        let worker = self.own.clone();
        let answer = self
            .insist(
                None,
                None,
                async |door: Door, id| {
                    let request = node::LeaseJobsRequest {
                        command_id: id,
                        worker: worker.clone(),
                        kinds: Vec::new(),
                        count: 1,
                        ttl_milliseconds: LEASE_MILLISECONDS,
                    };
                    door.worker().lease_jobs(request).await
                },
                // Empty may also mean that it was answered before, and the answer lost.
                |answer| match answer.jobs.is_empty() {
                    true => Heard::Perhaps,
                    false => Heard::Done(None),
                },
            )
            .await?;
        Ok(answer.map(|answer| answer.jobs).unwrap_or_default())
    }

    async fn complete(&mut self, leased: &node::LeasedJob) -> anyhow::Result<()> {
        self.insist(
            None,
            None,
            async |door: Door, id| {
                let request = node::CompleteJobRequest {
                    command_id: id,
                    job: leased.job.clone(),
                    fence: leased.fence,
                    result: Some(log::JobResult::default()),
                };
                door.worker().complete_job(request).await
            },
            |_| Heard::Done(None),
        )
        .await?;
        Ok(())
    }

    /// Says what was used since the last time, range by range.
    async fn post_usage(&mut self) -> anyhow::Result<()> {
        let (tenant, from) = (self.own.clone(), self.expected.used);
        let quantity = 1 + self.random.below(1000);
        let used_at = self.world.started_at();
        let posted = self
            .insist(
                None,
                None,
                async |door: Door, id| {
                    let range = node::UsageRange {
                        tenant: tenant.clone(),
                        dimension: "received_bytes".into(),
                        from,
                        to: from + quantity,
                        quantity,
                        used_at,
                    };
                    let request = node::PostUsageRequest {
                        command_id: id,
                        source: tenant.clone(),
                        epoch: 1,
                        ranges: vec![range],
                    };
                    door.usage().post_usage(request).await
                },
                |answer| Heard::Done(Some(answer.revision)),
            )
            .await?;
        if posted.is_some() {
            self.expected.used += quantity;
        }
        Ok(())
    }

    /// Moves money from one account to another.
    async fn adjust(&mut self) -> anyhow::Result<()> {
        let tenant = self.own.clone();
        let amount = 1 + i64::try_from(self.random.below(1_000_000))?;
        self.insist(
            None,
            None,
            async |door: Door, id| {
                let line = |account: log::LedgerAccount, amount| log::EntryLine {
                    account: account.into(),
                    currency: "EUR".into(),
                    amount,
                    ..log::EntryLine::default()
                };
                let request = wire::PostAdjustmentRequest {
                    change: change(id, None),
                    tenant: tenant.clone(),
                    lines: vec![
                        line(log::LedgerAccount::Receivable, amount),
                        line(log::LedgerAccount::Tax, -amount),
                    ],
                    memo: "chaos".into(),
                };
                door.ledger().post_adjustment(request).await
            },
            |answer| done(answer.outcome.as_ref()),
        )
        .await?;
        Ok(())
    }
}

fn change(command_id: String, if_match: Option<u64>) -> Option<wire::Change> {
    Some(wire::Change {
        command_id,
        dry_run: false,
        if_match,
    })
}

fn done(outcome: Option<&wire::Outcome>) -> Heard {
    Heard::Done(outcome.map(|outcome| outcome.revision))
}
