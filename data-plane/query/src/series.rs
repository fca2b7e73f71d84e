//! Metrics queries: series over time, or one value each, from every span that matches.

pub(crate) mod json;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use takt_engine::{Group, Interval, MetricsOptions, Partial, Series, Value, evaluate};
use takt_model::{TenantId, UnixNano};
use takt_traceql::{Function, MetricsQuery, Query};
use takt_wire::tempopb::{
    Exemplar, InstantSeries, PartialStatus, QueryInstantResponse, QueryRangeResponse, Sample,
    TimeSeries,
};

use crate::failure::Failure;
use crate::frontend::Frontend;
use crate::question::{self, Question};
use crate::request;
use crate::run::job::Found;
use crate::run::{Run, Sum};
use crate::search::respond;

/// Bytes of a sample on its way out: as a number, as a message, and as text.
const PER_SAMPLE: usize = 80;

/// A metrics query under way.
#[derive(Debug)]
pub(crate) struct MetricsRun {
    frontend: Frontend,
    run: Run,
    request: request::Metrics,
    warnings: Vec<String>,
    /// Samples from here on were sent.
    sent_from: UnixNano,
}

impl Frontend {
    /// Series over time.
    ///
    /// # Errors
    /// When the query is wrong, a block cannot be read, or there is no room for it.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn query_range(
        &self,
        tenants: &[TenantId],
        request: request::Metrics,
    ) -> Result<QueryRangeResponse, Failure> {
        let mut run = self.start_metrics(tenants, request).await?;
        while run.advance().await? {}
        run.range_answer()
    }

    /// One value for each series.
    ///
    /// # Errors
    /// When the query is wrong, a block cannot be read, or there is no room for it.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn query_instant(
        &self,
        tenants: &[TenantId],
        request: request::Metrics,
    ) -> Result<QueryInstantResponse, Failure> {
        let mut run = self.start_metrics(tenants, request).await?;
        while run.advance().await? {}
        Ok(instant(run.range_answer()?))
    }

    /// Plans a metrics query; [`MetricsRun::advance`] takes it further.
    pub(crate) async fn start_metrics(
        &self,
        tenants: &[TenantId],
        request: request::Metrics,
    ) -> Result<MetricsRun, Failure> {
        let query = self.parse(&request.query)?;
        let warnings = takt_traceql::warnings(&request.query);
        let window = request.aligned();
        let interval = Interval {
            start: window.start.0,
            end: window.end.0,
            step: request.step,
        };
        let options = self.metrics_options(&query, &request);
        let query = takt_traceql::optimise(query);
        let question = Question::Metrics(question::Metrics::new(&query, interval, options)?);
        Ok(MetricsRun {
            frontend: self.clone(),
            run: Run::start(self, tenants, question).await,
            warnings,
            request,
            sent_from: UnixNano::MAX,
        })
    }

    /// What parameters and hints ask for, within the bounds of the settings.
    fn metrics_options(&self, query: &Query, request: &request::Metrics) -> MetricsOptions {
        let options = MetricsOptions {
            exemplars: request.exemplars as usize,
            max_groups: self.settings().metrics.max_groups,
            extrapolate: false,
            sample: None,
        };
        options.with_hints(&query.hints)
    }
}

impl MetricsRun {
    /// Takes the query one step further. False when all is counted.
    pub(crate) async fn advance(&mut self) -> Result<bool, Failure> {
        self.run.advance().await
    }

    /// All series, and why they may lack something.
    pub(crate) fn range_answer(&mut self) -> Result<QueryRangeResponse, Failure> {
        self.hold_series()?;
        self.frontend
            .metrics()
            .bytes_inspected
            .inc_by(self.run.progress.cost.bytes);
        let mut missing = self.run.progress.missing.clone();
        let mut series = self.series(&mut missing);
        let most = self.request.max_series as usize;
        if most > 0 && series.len() > most {
            series.truncate(most);
            missing.push(format!(
                "Response exceeds maximum series limit of {most}, a partial response is returned. Warning: the accuracy of each individual value is not guaranteed."
            ));
        }
        let status = if missing.is_empty() {
            PartialStatus::Complete
        } else {
            PartialStatus::Partial
        };
        missing.extend(self.warnings.iter().cloned());
        Ok(QueryRangeResponse {
            series: series
                .into_iter()
                .map(|series| self.shown(series))
                .collect(),
            metrics: Some(respond::metrics(&self.run.progress)),
            status: status.into(),
            message: missing.join("; "),
        })
    }

    /// Takes memory for the series before they are made: one sample for each group and interval.
    fn hold_series(&mut self) -> Result<(), Failure> {
        let Question::Metrics(metrics) = &**self.run.question() else {
            return Ok(());
        };
        let steps = metrics.interval.steps();
        let mut series = 0;
        if let Sum::Metrics(Found::Metrics(partials)) = &self.run.sum {
            let mut partials = partials.iter();
            metrics.expr.for_each_query(&mut |query| {
                series += partials
                    .next()
                    .map_or(0, |partial| most_series(query, partial));
            });
        }
        let bytes = series.saturating_mul(steps).saturating_mul(PER_SAMPLE);
        self.run.hold_answer(bytes)
    }

    /// The samples that no source left can change and that were not sent yet, and how far the query is.
    pub(crate) fn range_diff(&mut self) -> Result<QueryRangeResponse, Failure> {
        let mut answer = QueryRangeResponse {
            metrics: Some(respond::metrics(&self.run.progress)),
            ..QueryRangeResponse::default()
        };
        let Some(complete_from) = self.run.progress.complete_from else {
            return Ok(answer);
        };
        self.hold_series()?;
        let step = self.request.step;
        // A sample stands at the end of its interval: all of it must be complete.
        let first = complete_from.0.saturating_add(step).next_multiple_of(step);
        let within = |moment_ms: i64| {
            let at = u64::try_from(moment_ms)
                .unwrap_or(0)
                .saturating_mul(1_000_000);
            at >= first && at < self.sent_from.0
        };
        let series = self.series(&mut Vec::new()).into_iter();
        answer.series = series
            .map(|series| {
                let mut shown = self.shown(series);
                shown.samples.retain(|sample| within(sample.timestamp_ms));
                shown
                    .exemplars
                    .retain(|exemplar| within(exemplar.timestamp_ms));
                shown
            })
            .filter(|shown| !shown.samples.is_empty() || !shown.exemplars.is_empty())
            .collect();
        self.sent_from = UnixNano(self.sent_from.0.min(first));
        Ok(answer)
    }

    fn series(&self, missing: &mut Vec<String>) -> Vec<Series> {
        let (Question::Metrics(metrics), Sum::Metrics(Found::Metrics(partials))) =
            (&**self.run.question(), &self.run.sum)
        else {
            return Vec::new();
        };
        missing.extend(partials.iter().flat_map(lacks));
        let plans = metrics.plans.iter().cloned();
        evaluate(&metrics.expr, plans.zip(partials.iter().cloned()).collect())
    }

    fn shown(&self, series: Series) -> TimeSeries {
        let window = self.request.aligned();
        let (start, step) = (window.start.0, self.request.step);
        let samples = (1_u64..)
            .zip(series.samples)
            .filter(|(_, value)| !value.is_nan());
        TimeSeries {
            labels: labels(series.labels),
            samples: samples
                .map(|(at, value)| Sample {
                    timestamp_ms: millis(start + at * step),
                    value,
                })
                .collect(),
            exemplars: series
                .exemplars
                .into_iter()
                .map(|exemplar| Exemplar {
                    labels: respond::attributes(exemplar.labels),
                    value: exemplar.value,
                    timestamp_ms: millis(exemplar.time),
                })
                .collect(),
        }
    }
}

/// How many series a partial may become.
fn most_series(query: &MetricsQuery, partial: &Partial) -> usize {
    let Function::Compare(compare) = &query.function else {
        return partial.groups.len();
    };
    // Of each attribute the totals, and the values most often seen of selection and baseline.
    let attributes = partial
        .groups
        .chunk_by(|a, b| a.key.first() == b.key.first());
    let shown = |values: &[Group]| 3 + 2 * values.len().min(compare.top as usize);
    attributes.map(shown).sum()
}

/// What a partial says that it is not.
fn lacks(partial: &Partial) -> Vec<String> {
    let mut lacks = Vec::new();
    if partial.groups_cut {
        lacks.push(format!(
            "there are more groups than the {} that are counted, and some are left out: group by something with fewer values",
            partial.bounds.groups
        ));
    }
    let sampling = partial.sampling;
    if sampling.skipped > 0 {
        let error = sampling.relative_error().map_or_else(
            || "how far off it may be is unknown".to_owned(),
            |error| {
                format!(
                    "counts are within {:.2} % with a confidence of 95 %",
                    error * 100.0
                )
            },
        );
        lacks.push(format!(
            "the query asks for a sample: {} of {} spans were looked at, and {error}",
            sampling.sampled,
            sampling.sampled + sampling.skipped
        ));
    }
    lacks
}

/// The last value of each series that has one.
pub(crate) fn instant(range: QueryRangeResponse) -> QueryInstantResponse {
    let last = |series: TimeSeries| {
        let value = series.samples.last()?.value;
        Some(InstantSeries {
            labels: series.labels,
            value,
        })
    };
    QueryInstantResponse {
        series: range.series.into_iter().filter_map(last).collect(),
        metrics: range.metrics,
        status: range.status,
        message: range.message,
    }
}

/// A label without a value shows as the text `nil`.
fn labels(labels: Vec<(String, Option<Value>)>) -> Vec<KeyValue> {
    let label = |(key, value): (String, Option<Value>)| KeyValue {
        key,
        value: Some(value.map_or_else(nil, respond::any_value)),
        ..KeyValue::default()
    };
    labels.into_iter().map(label).collect()
}

fn nil() -> AnyValue {
    respond::any_value(Value::String("nil".to_owned()))
}

fn millis(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}
