//! Evaluates one group at one moment: asks, hands the answers to the rules, hands on what follows.

use std::sync::Arc;

use takt_kit::Tasks;
use takt_model::rules::{Purpose, Rule};
use takt_model::{TenantId, TimeRange, UnixNano};
use tokio::time::{Instant, timeout};

use crate::alert::{Notice, Pace};
use crate::deliver::{Full, Patience, Queue, alertmanager, remote_write};
use crate::evaluator::{Evaluator, Sample};
use crate::group::{Failure, Group, Health, Output, Standing, Tick};
use crate::record::Point;
use crate::ruler::Parts;
use crate::schedule::Timing;
use crate::settings::Settings;

/// A notice holds until this many more should have followed it.
const VALID_FOR_NOTICES: u32 = 4;

/// What every evaluation uses.
#[derive(Debug)]
pub(crate) struct Desk<E> {
    pub(crate) settings: Settings,
    pub(crate) parts: Parts<E>,
    pub(crate) notices: Option<Queue<Notice>>,
    pub(crate) points: Option<Queue<Point>>,
}

impl<E: Evaluator> Desk<E> {
    pub(crate) fn new(
        settings: Settings,
        parts: Parts<E>,
        tasks: &Tasks,
    ) -> Result<Self, reqwest::Error> {
        let patience = Patience {
            request_timeout: settings.request_timeout,
            retry_for: settings.retry_for,
            queue_capacity: settings.queue_capacity,
        };
        let metrics = &parts.metrics.queues;
        let notices = settings.alertmanager.as_ref().map(|endpoint| {
            let route = alertmanager::route(&endpoint.url, settings.external_url.clone());
            Queue::open(route, endpoint, patience, metrics, tasks)
        });
        let points = settings.remote_write.as_ref().map(|endpoint| {
            let route = remote_write::route(&endpoint.url);
            Queue::open(route, endpoint, patience, metrics, tasks)
        });
        Ok(Self {
            notices: notices.transpose()?,
            points: points.transpose()?,
            settings,
            parts,
        })
    }

    pub(crate) fn now(&self) -> UnixNano {
        self.parts.clock.now()
    }

    pub(crate) fn pace(&self, timing: Timing) -> Pace {
        let resend_after = self.settings.resend_delay;
        Pace {
            resend_after,
            valid_for: resend_after.max(timing.interval) * VALID_FOR_NOTICES,
        }
    }

    pub(crate) async fn evaluate(
        &self,
        tenant: &TenantId,
        mut group: Group,
        timing: Timing,
        at: UnixNano,
    ) -> Group {
        let spec = Arc::clone(group.spec());
        let began = Instant::now();
        for (index, rule) in spec.rules.iter().enumerate() {
            let began = Instant::now();
            let outcome = self.rule(tenant, &mut group, (index, rule), timing, at);
            let outcome = outcome.await;
            self.parts.metrics.evaluated(outcome.is_ok());
            if let Err(failure) = &outcome {
                tracing::warn!(%tenant, group = spec.name, rule = rule.name(), %failure, "a rule was not evaluated");
            }
            group.standing(index).health = Health {
                evaluated_at: Some(at),
                took: began.elapsed(),
                error: outcome.err().map(|failure| failure.to_string()),
            };
        }
        let took = began.elapsed().as_secs_f64();
        self.parts.metrics.group_seconds.observe(took);
        group
    }

    async fn rule(
        &self,
        tenant: &TenantId,
        group: &mut Group,
        (index, rule): (usize, &Rule),
        timing: Timing,
        at: UnixNano,
    ) -> Result<(), Failure> {
        if matches!(rule.purpose, Purpose::Record(_)) && self.points.is_none() {
            return Err(Failure::NowhereToWrite);
        }
        if !group.standing(index).replayed {
            *group.standing(index) = Standing::new(rule);
            for moment in timing.replay(rule, at) {
                self.ask(tenant, group, (index, rule), timing, moment)
                    .await?;
            }
            group.standing(index).replayed = true;
        }
        let points = self.ask(tenant, group, (index, rule), timing, at).await?;
        if let Some(queue) = &self.points {
            let count = points.len();
            queue
                .offer(tenant, points)
                .inspect_err(|_| queue.lose(count))?;
        }
        if let Some(queue) = &self.notices {
            let pace = self.pace(timing);
            queue.offer(tenant, group.due(index, at, pace))?;
            group.mark_sent(index, at, pace);
        }
        Ok(())
    }

    /// Asks about one moment, and takes the rule there.
    async fn ask(
        &self,
        tenant: &TenantId,
        group: &mut Group,
        (index, rule): (usize, &Rule),
        timing: Timing,
        at: UnixNano,
    ) -> Result<Vec<Point>, Failure> {
        let range = timing.range(at);
        let samples = self.samples(tenant, &rule.expr, range).await?;
        let tick = Tick {
            at,
            window_end: range.end,
        };
        group.evaluate(index, tick, &samples)
    }

    async fn samples(
        &self,
        tenant: &TenantId,
        expr: &str,
        range: TimeRange,
    ) -> Result<Vec<Sample>, Failure> {
        let longest = self.parts.view.load().limits(tenant).max_metrics_duration;
        if !longest.is_zero() && range.end.since(range.start) > longest {
            return Err(Failure::WindowTooLong(longest));
        }
        let at_most = self.settings.evaluation_timeout;
        let answer = self.parts.evaluator.instant(tenant, expr, range);
        match timeout(at_most, answer).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::TimedOut(at_most)),
        }
    }

    /// Hands over what is left of rules that went. It does not come again: what finds no room is lost.
    pub(crate) fn deliver_last(&self, tenant: &TenantId, output: Output) {
        offer_last(self.notices.as_ref(), tenant, output.notices);
        offer_last(self.points.as_ref(), tenant, output.points);
    }
}

fn offer_last<T>(queue: Option<&Queue<T>>, tenant: &TenantId, items: Vec<T>) {
    let Some(queue) = queue else {
        return;
    };
    let count = items.len();
    if queue.offer(tenant, items).is_err() {
        queue.lose(count);
    }
}

impl From<Full> for Failure {
    fn from(Full(queue): Full) -> Self {
        Self::QueueFull(queue)
    }
}
