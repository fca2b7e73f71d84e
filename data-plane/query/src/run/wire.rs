//! Jobs and what they found, as `takt.query.v1` has them.

use std::sync::Arc;

use takt_block::Meta;
use takt_engine::{
    Candidate, Cells, Group, Interval, Mean, MetricsOptions, Partial, Sampling, SearchOptions,
    SetHit, SpanHit, Sum, TraceHit, Value,
};
use takt_model::{SpanId, TimeRange, TraceId, UnixNano};
use takt_traceql::{Order, OrderKey};
use takt_wire::takt::query::v1::{self as proto, run_request, run_response, value};

use super::job::{Done, Found, Job};
use crate::failure::Failure;
use crate::frontend::{Cost, Frontend};
use crate::params::Invalid;
use crate::question::{self, Question};

/// A job as a message.
pub(crate) fn request(job: &Job) -> Result<proto::RunRequest, Failure> {
    let question = match &*job.question {
        Question::Search(search) => run_request::Question::Search(proto::SearchQuestion {
            query: search.text.clone(),
            start: search.window.start.0,
            end: search.window.end.0,
            limit: small(search.options.limit),
            spans_per_set: small(search.options.spans_per_set),
            after: search.options.after.map(|(key, trace)| proto::Cursor {
                key,
                trace_id: trace.0.to_vec(),
            }),
        }),
        Question::Metrics(metrics) => run_request::Question::Metrics(proto::MetricsQuestion {
            query: metrics.text.clone(),
            start: metrics.interval.start,
            end: metrics.interval.end,
            step: metrics.interval.step,
            exemplars: small(metrics.options.exemplars),
            max_groups: small(metrics.options.max_groups),
        }),
        Question::Tags(_) => {
            return Err(Failure::Internal(
                "a tag search is not run elsewhere".to_owned(),
            ));
        }
    };
    let meta = job.meta.to_json();
    Ok(proto::RunRequest {
        part: Some(proto::Part {
            meta,
            first_group: small(job.groups.start),
            groups: small(job.groups.len()),
            skip_traces: job.skip.iter().flat_map(|trace| trace.0).collect(),
        }),
        question: Some(question),
    })
}

/// The job of a message.
pub(crate) fn job(request: proto::RunRequest, frontend: &Frontend) -> Result<Job, Failure> {
    let missing = |what: &str| Invalid::rule(format!("a job needs its {what}"));
    let part = request.part.ok_or_else(|| missing("part"))?;
    let meta = Meta::from_json(&part.meta)
        .map_err(|error| Invalid::rule(format!("the block's meta cannot be read: {error}")))?;
    let question = match request.question.ok_or_else(|| missing("question"))? {
        run_request::Question::Search(search) => search_question(&search, frontend)?,
        run_request::Question::Metrics(metrics) => metrics_question(&metrics, frontend)?,
    };
    let first = part.first_group as usize;
    Ok(Job {
        question: Arc::new(question),
        meta: Arc::new(meta),
        groups: first..first.saturating_add(part.groups as usize),
        skip: Arc::new(part.skip_traces.chunks_exact(16).map(trace_id).collect()),
    })
}

fn search_question(
    search: &proto::SearchQuestion,
    frontend: &Frontend,
) -> Result<Question, Failure> {
    let query = frontend.parse(&search.query)?;
    let options = SearchOptions {
        limit: search.limit as usize,
        spans_per_set: search.spans_per_set as usize,
        order: query.order.unwrap_or(Order {
            key: OrderKey::Start,
            ascending: false,
        }),
        after: search
            .after
            .as_ref()
            .map(|after| (after.key, trace_id(&after.trace_id))),
    };
    let window = TimeRange {
        start: UnixNano(search.start),
        end: UnixNano(search.end),
    };
    Ok(Question::Search(question::Search::new(
        &query, window, options,
    )?))
}

fn metrics_question(
    metrics: &proto::MetricsQuestion,
    frontend: &Frontend,
) -> Result<Question, Failure> {
    let query = frontend.parse(&metrics.query)?;
    let interval = Interval {
        start: metrics.start,
        end: metrics.end,
        step: metrics.step,
    };
    let options = MetricsOptions {
        exemplars: metrics.exemplars as usize,
        max_groups: metrics.max_groups as usize,
        extrapolate: false,
        sample: None,
    };
    let options = options.with_hints(&query.hints);
    Ok(Question::Metrics(question::Metrics::new(
        &query, interval, options,
    )?))
}

/// What a job found, as a message.
pub(crate) fn response(done: Done) -> proto::RunResponse {
    let found = match done.found {
        Found::Search(hits) => run_response::Found::Search(proto::SearchFound {
            traces: hits.into_iter().map(trace).collect(),
        }),
        Found::Metrics(partials) => run_response::Found::Metrics(proto::MetricsFound {
            accumulated: partials.into_iter().map(accumulated).collect(),
        }),
    };
    proto::RunResponse {
        cost: Some(proto::Cost {
            bytes: done.cost.bytes,
            spans: done.cost.spans,
            traces: done.cost.traces,
            groups: done.cost.groups,
            groups_skipped: done.cost.groups_skipped,
        }),
        found: Some(found),
    }
}

/// What a message says that a job found.
pub(crate) fn done(response: proto::RunResponse, question: &Question) -> Result<Done, Failure> {
    let cost = response.cost.unwrap_or_default();
    let found = match (response.found, question) {
        (Some(run_response::Found::Search(found)), Question::Search(_)) => {
            Found::Search(found.traces.into_iter().map(hit).collect())
        }
        (Some(run_response::Found::Metrics(found)), Question::Metrics(metrics))
            if found.accumulated.len() == metrics.plans.len() =>
        {
            let partials = found.accumulated.into_iter().zip(&metrics.plans);
            Found::Metrics(
                partials
                    .map(|(accumulated, plan)| partial(accumulated, plan.empty()))
                    .collect::<Result<_, _>>()?,
            )
        }
        _ => {
            return Err(Failure::Querier(
                "its answer does not fit the question".to_owned(),
            ));
        }
    };
    Ok(Done {
        found,
        cost: Cost {
            bytes: cost.bytes,
            spans: cost.spans,
            traces: cost.traces,
            jobs: 1,
            groups: cost.groups,
            groups_skipped: cost.groups_skipped,
        },
    })
}

fn trace(hit: TraceHit) -> proto::Trace {
    proto::Trace {
        trace_id: hit.trace.0.to_vec(),
        start: hit.start,
        end: hit.end,
        sets: hit
            .sets
            .into_iter()
            .map(|set| proto::Spanset {
                matched: set.matched,
                spans: set.spans.into_iter().map(span).collect(),
                attributes: set.attributes.into_iter().map(attribute).collect(),
            })
            .collect(),
    }
}

fn hit(trace: proto::Trace) -> TraceHit {
    TraceHit {
        trace: trace_id(&trace.trace_id),
        start: trace.start,
        end: trace.end,
        sets: trace
            .sets
            .into_iter()
            .map(|set| SetHit {
                matched: set.matched,
                spans: set.spans.into_iter().map(span_hit).collect(),
                attributes: set.attributes.into_iter().map(pair).collect(),
            })
            .collect(),
    }
}

fn span(hit: SpanHit) -> proto::Span {
    proto::Span {
        span_id: hit.span_id.0.to_vec(),
        start: hit.start,
        duration: hit.duration,
        name: hit.name,
        attributes: hit.attributes.into_iter().map(attribute).collect(),
    }
}

fn span_hit(span: proto::Span) -> SpanHit {
    SpanHit {
        span_id: span_id(&span.span_id),
        start: span.start,
        duration: span.duration,
        name: span.name,
        attributes: span.attributes.into_iter().map(pair).collect(),
    }
}

fn attribute((key, value): (String, Value)) -> proto::Attribute {
    proto::Attribute {
        key,
        value: Some(to_value(value)),
    }
}

fn pair(attribute: proto::Attribute) -> (String, Value) {
    (
        attribute.key,
        from_value(attribute.value.unwrap_or_default()),
    )
}

fn to_value(value: Value) -> proto::Value {
    let is = match value {
        Value::String(text) => value::Is::String(text),
        Value::Int(number) => value::Is::Int(number),
        Value::Float(number) => value::Is::Float(number),
        Value::Bool(flag) => value::Is::Bool(flag),
        Value::Other(bytes) => value::Is::Other(bytes),
    };
    proto::Value { is: Some(is) }
}

/// A value of a type to come shows as an empty one.
fn from_value(value: proto::Value) -> Value {
    match value.is {
        Some(value::Is::String(text)) => Value::String(text),
        Some(value::Is::Int(number)) => Value::Int(number),
        Some(value::Is::Float(number)) => Value::Float(number),
        Some(value::Is::Bool(flag)) => Value::Bool(flag),
        Some(value::Is::Other(bytes)) => Value::Other(bytes),
        None => Value::Other(Vec::new()),
    }
}

fn to_key(key: Vec<Option<Value>>) -> Vec<proto::OptionalValue> {
    key.into_iter()
        .map(|value| proto::OptionalValue {
            value: value.map(to_value),
        })
        .collect()
}

fn from_key(key: Vec<proto::OptionalValue>) -> Vec<Option<Value>> {
    key.into_iter()
        .map(|value| value.value.map(from_value))
        .collect()
}

fn accumulated(partial: Partial) -> proto::Accumulated {
    proto::Accumulated {
        groups: partial.groups.into_iter().map(group).collect(),
        groups_cut: partial.groups_cut,
        exemplars: partial.exemplars.into_iter().map(candidate).collect(),
        sampling: Some(proto::Sampling {
            sampled: partial.sampling.sampled,
            skipped: partial.sampling.skipped,
            matched: partial.sampling.matched,
            squares: partial.sampling.squares,
        }),
    }
}

/// `empty` brings the bounds of the plan.
fn partial(accumulated: proto::Accumulated, empty: Partial) -> Result<Partial, Failure> {
    let sampling = accumulated.sampling.unwrap_or_default();
    Ok(Partial {
        groups: accumulated
            .groups
            .into_iter()
            .map(from_group)
            .collect::<Result<_, _>>()?,
        groups_cut: accumulated.groups_cut,
        exemplars: accumulated
            .exemplars
            .into_iter()
            .map(from_candidate)
            .collect(),
        sampling: Sampling {
            sampled: sampling.sampled,
            skipped: sampling.skipped,
            matched: sampling.matched,
            squares: sampling.squares,
        },
        ..empty
    })
}

fn group(group: Group) -> proto::Group {
    use proto::group::Kind;
    let mut message = proto::Group {
        key: to_key(group.key),
        ..proto::Group::default()
    };
    let (kind, cells) = match group.cells {
        Cells::Counts(cells) => (Kind::Counts, cells),
        Cells::Least(cells) => (Kind::Least, cells),
        Cells::Greatest(cells) => (Kind::Greatest, cells),
        Cells::Means(cells) => {
            message.set_kind(Kind::Means);
            for (place, mean) in cells {
                message.places.push(place);
                message.numbers.push(mean.sum.high);
                message.lows.push(mean.sum.low);
                message.weights.push(mean.weight);
            }
            return message;
        }
    };
    message.set_kind(kind);
    (message.places, message.numbers) = cells.into_iter().unzip();
    message
}

fn from_group(message: proto::Group) -> Result<Group, Failure> {
    use proto::group::Kind;
    let odd = || Failure::Querier("its numbers have no places".to_owned());
    let kind = message.kind();
    let numbers = message.numbers.len();
    let of_means = if kind == Kind::Means { numbers } else { 0 };
    if message.places.len() != numbers
        || message.lows.len() != of_means
        || message.weights.len() != of_means
        || !message.places.is_sorted()
    {
        return Err(odd());
    }
    let places = message.places.into_iter();
    let cells = match kind {
        Kind::Counts => Cells::Counts(places.zip(message.numbers).collect()),
        Kind::Least => Cells::Least(places.zip(message.numbers).collect()),
        Kind::Greatest => Cells::Greatest(places.zip(message.numbers).collect()),
        Kind::Means => {
            let sums = message.numbers.into_iter().zip(message.lows);
            let means = sums.zip(message.weights).map(|((high, low), weight)| Mean {
                sum: Sum { high, low },
                weight,
            });
            Cells::Means(places.zip(means).collect())
        }
        Kind::Unspecified => return Err(odd()),
    };
    Ok(Group {
        key: from_key(message.key),
        cells,
    })
}

fn candidate(candidate: Candidate) -> proto::Candidate {
    proto::Candidate {
        slot: candidate.slot,
        rank: candidate.rank,
        trace_id: candidate.trace.0.to_vec(),
        span_id: candidate.span.0.to_vec(),
        time: candidate.time,
        value: candidate.value,
        key: to_key(candidate.key),
        labels: candidate.labels.into_iter().map(attribute).collect(),
    }
}

fn from_candidate(message: proto::Candidate) -> Candidate {
    Candidate {
        slot: message.slot,
        rank: message.rank,
        trace: trace_id(&message.trace_id),
        span: span_id(&message.span_id),
        time: message.time,
        value: message.value,
        key: from_key(message.key),
        labels: message.labels.into_iter().map(pair).collect(),
    }
}

/// Ids of a wrong length become the id of zeros, which no trace has.
fn trace_id(bytes: &[u8]) -> TraceId {
    TraceId(bytes.try_into().unwrap_or_default())
}

fn span_id(bytes: &[u8]) -> SpanId {
    SpanId(bytes.try_into().unwrap_or_default())
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
