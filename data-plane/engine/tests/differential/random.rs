//! Random traces, random queries about them.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use takt_engine::Interval;
use takt_reference::random::{Queries, Rng, Size, TICK, TIME, requests};

use crate::check::{Outcome, Sources};

/// How many queries are asked about the traces of one seed.
const QUERIES: usize = 50;

/// What came of many queries.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Queries that were run.
    pub(crate) cases: usize,
    /// Those of them that found something.
    pub(crate) telling: usize,
    pub(crate) mismatches: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.telling += other.telling;
        self.mismatches.extend(other.mismatches);
    }
}

/// The traces of one seed, and queries about them.
pub(crate) fn run(seed: u64) -> Tally {
    let mut rng = Rng::new(seed);
    let (size, count) = match seed % 2_000 {
        1_999 => (Size::Large, QUERIES / 10),
        at if at % 50 == 49 => (Size::Medium, QUERIES / 2),
        _ => (Size::Small, QUERIES),
    };
    let requests = requests(&mut rng, size);
    let sources = Sources::new(&requests);
    let mut intervals = rng.clone();
    let mut queries = Queries::new(&sources.corpus, rng);
    let mut tally = Tally::default();
    for number in 0..count {
        let query = match number % 5 {
            0..3 => queries.search(),
            _ => queries.metrics(),
        };
        let interval = interval(&mut intervals);
        match sources.ask(&query, interval) {
            Ok(Outcome::Refused) => continue,
            Ok(Outcome::Nothing) => {}
            Ok(Outcome::Something) => tally.telling += 1,
            Err(_) => {
                let report = report(seed, &requests, &query, interval);
                tally.mismatches.push(report);
            }
        }
        tally.cases += 1;
    }
    tally
}

/// Steps of a power of two seconds, so that rates are exact.
fn interval(rng: &mut Rng) -> Interval {
    let second = TICK * 512;
    let mut below = |bound| u64::try_from(rng.below(bound)).expect("a usize is no wider");
    let step = second << below(4);
    let start = TIME - step + TICK * 256 * below(8);
    Interval {
        start,
        end: start + step * (1 + below(12)),
        step,
    }
}

/// The query with as few spans, and as little of each, as still make a difference.
fn report(
    seed: u64,
    requests: &[ExportTraceServiceRequest],
    query: &str,
    interval: Interval,
) -> String {
    let differs = |requests: &[ExportTraceServiceRequest]| {
        let sources = Sources::new(requests);
        sources.ask(query, interval).err()
    };
    let mut left = requests.to_vec();
    let mut piece = left.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < left.len() {
            let mut fewer = left.clone();
            fewer.drain(at..left.len().min(at + piece));
            if differs(&fewer).is_some() {
                left = fewer;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    for at in 0..left.len() {
        for strip in STRIPS {
            let mut less = left.clone();
            strip(&mut less[at]);
            if differs(&less).is_some() {
                left = less;
            }
        }
    }
    let difference = differs(&left).unwrap_or_default();
    let spans: Vec<String> = left.iter().map(described).collect();
    format!(
        "seed {seed}, {interval:?}\n  {query}\n  {difference}\n  {}",
        spans.join("\n  ")
    )
}

/// What a span may do without.
const STRIPS: [fn(&mut ExportTraceServiceRequest); 6] = [
    |request| request.resource_spans[0].resource = None,
    |request| request.resource_spans[0].scope_spans[0].scope = None,
    |request| {
        request.resource_spans[0].scope_spans[0].spans[0]
            .attributes
            .clear()
    },
    |request| {
        request.resource_spans[0].scope_spans[0].spans[0]
            .events
            .clear()
    },
    |request| {
        request.resource_spans[0].scope_spans[0].spans[0]
            .links
            .clear()
    },
    |request| request.resource_spans[0].scope_spans[0].spans[0].status = None,
];

fn described(request: &ExportTraceServiceRequest) -> String {
    let resource = &request.resource_spans[0];
    let scope = &resource.scope_spans[0];
    let span = &scope.spans[0];
    let hex = |id: &[u8]| {
        id.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    format!(
        "trace {} span {} parent {} `{}` kind {} at {} for {} {:?} events {:?} links {:?} status {:?} resource {:?} scope {:?}",
        hex(&span.trace_id),
        hex(&span.span_id),
        hex(&span.parent_span_id),
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano - span.start_time_unix_nano,
        span.attributes,
        span.events,
        span.links,
        span.status,
        resource
            .resource
            .as_ref()
            .map(|resource| &resource.attributes),
        scope.scope,
    )
}
