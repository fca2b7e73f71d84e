//! Traces with everything that goes wrong in real ones: missing and mixed attributes, arrays, orphans,
//! circles of parents, ids used twice, several roots, nameless services.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::Rng;

/// When traces start, at a full second.
pub const TIME: u64 = 1_790_000_000_000_000_000;

/// All times are whole numbers of these from [`TIME`]: a 512th of a second, which floats hold exactly,
/// so that no sum depends on its order.
pub const TICK: u64 = 1_953_125;

const KEYS: [&str; 4] = ["x", "y", "service.name", "a b"];
const TEXTS: [&str; 5] = ["a", "b", "ab", "", "B"];

/// How many spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Some traces of a few spans.
    Small,
    /// One trace of some hundred spans, and a few small ones.
    Medium,
    /// One trace of 10,000 spans.
    Large,
}

/// The spans of some traces, mixed, in messages of one span each.
pub fn requests(rng: &mut Rng, size: Size) -> Vec<ExportTraceServiceRequest> {
    let groups: Vec<Group> = (0..3).map(|_| Group::random(rng)).collect();
    let (small, long) = match size {
        Size::Small => (1 + rng.below(6), None),
        Size::Medium => (rng.below(3), Some(100 + rng.below(400))),
        Size::Large => (0, Some(10_000)),
    };
    let mut spans = Vec::new();
    for trace in 0..small {
        let count = 1 + rng.below(12);
        spans.extend(trace_of(rng, trace, count));
    }
    if let Some(count) = long {
        spans.extend(trace_of(rng, small, count));
    }
    if rng.chance(70) {
        shuffle(rng, &mut spans);
    }
    spans
        .into_iter()
        .map(|span| groups[rng.below(groups.len())].request(span))
        .collect()
}

/// Where spans come from.
struct Group {
    resource: Option<Resource>,
    scope: Option<InstrumentationScope>,
}

impl Group {
    fn random(rng: &mut Rng) -> Self {
        let mut attributes = attributes(rng);
        if rng.chance(70) {
            attributes.retain(|attribute| attribute.key != "service.name");
            attributes.push(pair(
                "service.name",
                any_value::Value::StringValue(text(rng)),
            ));
        }
        let resource = Resource {
            attributes,
            ..Resource::default()
        };
        let scope = InstrumentationScope {
            name: text(rng),
            version: text(rng),
            attributes: self::attributes(rng),
            ..InstrumentationScope::default()
        };
        Self {
            resource: rng.chance(90).then_some(resource),
            scope: rng.chance(90).then_some(scope),
        }
    }

    fn request(&self, span: Span) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: self.resource.clone(),
                scope_spans: vec![ScopeSpans {
                    scope: self.scope.clone(),
                    spans: vec![span],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        }
    }
}

fn trace_of(rng: &mut Rng, number: usize, count: usize) -> Vec<Span> {
    let id = id(number + 1, 16);
    let begin = rng.below(8 * 512);
    let mut spans: Vec<Span> = Vec::with_capacity(count);
    let regular = rng.chance(50);
    for at in 0..count {
        let mut span = span(rng, begin);
        span.trace_id = id.clone();
        span.span_id = self::id(at + 1, 8);
        if regular {
            place_in_tree(rng, &spans, &mut span);
        } else {
            place_anywhere(rng, at, count, &mut span);
        }
        if at > 0 && rng.chance(if regular { 2 } else { 8 }) {
            // Zipkin: both halves of a call have one id. Not of the same time, or it came twice.
            let twin = &spans[rng.below(at)];
            if twin.start_time_unix_nano != span.start_time_unix_nano {
                span.span_id.clone_from(&twin.span_id);
                span.kind = if rng.chance(70) {
                    5 - twin.kind.clamp(2, 3)
                } else {
                    span.kind
                };
            }
        }
        spans.push(span);
    }
    spans
}

fn place_in_tree(rng: &mut Rng, known: &[Span], span: &mut Span) {
    if known.is_empty() {
        return;
    }
    // Sometimes deep, sometimes wide.
    let among = if rng.chance(50) {
        known.len().min(3)
    } else {
        known.len()
    };
    let parent = &known[known.len() - 1 - rng.below(among)];
    span.parent_span_id.clone_from(&parent.span_id);
}

fn place_anywhere(rng: &mut Rng, at: usize, count: usize, span: &mut Span) {
    span.parent_span_id = match rng.below(20) {
        0..4 => Vec::new(),
        4 => vec![0; 8],
        5 => vec![0xee; 8],
        6..8 => id(1 + rng.below(count), 8),
        _ if at == 0 => Vec::new(),
        _ => id(1 + rng.below(at), 8),
    };
}

/// A span of which id, trace and parent are still to be given.
fn span(rng: &mut Rng, begin: usize) -> Span {
    let start = begin + rng.below(3) * rng.below(700);
    let duration = rng.below(4) * rng.below(500);
    let status = rng.chance(60).then(|| Status {
        code: i32::try_from(rng.below(3)).expect("small"),
        message: text(rng),
    });
    let start_time = tick(start);
    Span {
        name: text(rng),
        kind: i32::try_from(rng.below(6)).expect("small"),
        start_time_unix_nano: start_time,
        end_time_unix_nano: tick(start + duration),
        attributes: attributes(rng),
        events: several(rng, |rng| event(rng, start)),
        links: several(rng, link),
        status,
        ..Span::default()
    }
}

fn tick(number: usize) -> u64 {
    TIME + TICK * u64::try_from(number).expect("a usize is no wider")
}

fn several<T>(rng: &mut Rng, one: impl Fn(&mut Rng) -> T) -> Vec<T> {
    let count = rng.weighted(&[(6, 0), (2, 1), (2, 2), (1, 3)]);
    (0..count).map(|_| one(rng)).collect()
}

fn event(rng: &mut Rng, start: usize) -> Event {
    Event {
        time_unix_nano: tick(start + rng.below(4)),
        name: text(rng),
        attributes: attributes(rng),
        ..Event::default()
    }
}

fn link(rng: &mut Rng) -> Link {
    Link {
        trace_id: id(1 + rng.below(3), 16),
        span_id: id(1 + rng.below(3), 8),
        attributes: attributes(rng),
        ..Link::default()
    }
}

fn attributes(rng: &mut Rng) -> Vec<KeyValue> {
    let present = KEYS
        .into_iter()
        .filter(|_| rng.chance(35))
        .collect::<Vec<_>>();
    present
        .into_iter()
        .map(|key| pair(key, value(rng)))
        .collect()
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn value(rng: &mut Rng) -> any_value::Value {
    match rng.below(20) {
        0..2 => {
            let count = rng.below(4);
            let scalars = (0..count).map(|_| AnyValue {
                value: Some(scalar(rng)),
            });
            any_value::Value::ArrayValue(ArrayValue {
                values: scalars.collect(),
            })
        }
        2 => any_value::Value::BytesValue(vec![1, 2]),
        _ => scalar(rng),
    }
}

fn scalar(rng: &mut Rng) -> any_value::Value {
    match rng.below(10) {
        0..4 => any_value::Value::StringValue(text(rng)),
        4..7 => any_value::Value::IntValue(rng.weighted(&[
            (4, 1),
            (4, 2),
            (2, 0),
            (2, -3),
            (1, 7),
            (1, i64::MAX),
        ])),
        7..9 => any_value::Value::DoubleValue(rng.weighted(&[
            (3, 1.0),
            (3, 2.5),
            (1, -1.5),
            (1, 0.0),
            (1, 1024.25),
        ])),
        _ => any_value::Value::BoolValue(rng.chance(50)),
    }
}

fn text(rng: &mut Rng) -> String {
    TEXTS[rng.below(TEXTS.len())].to_owned()
}

fn id(number: usize, length: usize) -> Vec<u8> {
    let number = u64::try_from(number).expect("a usize is no wider");
    // Spread, so that ids do not come in the order in which spans do.
    let mut id = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .to_be_bytes()
        .to_vec();
    id.extend_from_slice(&number.to_be_bytes());
    id.truncate(length);
    id
}

fn shuffle<T>(rng: &mut Rng, list: &mut [T]) {
    for at in (1..list.len()).rev() {
        list.swap(at, rng.below(at + 1));
    }
}
