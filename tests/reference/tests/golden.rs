//! The recorded answers of Tempo about the corpus in `tests/golden`: the evaluator must give them, or
//! it is no reference.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::Value as Json;
use takt_reference::{Corpus, Found, Interval, Labels, Value, metrics, search};
use takt_traceql::{Body, parse};

const SECOND: u64 = 1_000_000_000;

/// As the answers were asked for: the window in whole steps of a minute, and a step before it.
const RANGE: Interval = Interval {
    start: 1_789_999_920 * SECOND,
    end: 1_790_000_700 * SECOND,
    step: 60 * SECOND,
};

const INSTANT: Interval = Interval {
    start: 1_790_000_000 * SECOND,
    end: 1_790_000_660 * SECOND,
    step: 660 * SECOND,
};

static REQUESTS: LazyLock<Vec<ExportTraceServiceRequest>> = LazyLock::new(|| {
    let packed = std::fs::read(folder().join("shop-3k.otlp.zst")).unwrap();
    let bytes = zstd::decode_all(packed.as_slice()).unwrap();
    let mut rest = bytes.as_slice();
    let mut requests = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (request, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        requests.push(ExportTraceServiceRequest::decode(request).unwrap());
        rest = after;
    }
    requests
});

static CORPUS: LazyLock<Corpus<'static>> = LazyLock::new(|| Corpus::new(&REQUESTS));

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../golden/shop-3k")
}

/// (query, answers of which each would do) of every row of one kind.
fn rows(kind: &str) -> Vec<(String, Vec<Json>)> {
    let packed = std::fs::read(folder().join("golden.json.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let golden: Json = serde_json::from_str(&text).unwrap();
    let rows = golden["rows"].as_array().unwrap();
    let of_kind = rows.iter().filter(|row| row["kind"] == kind);
    of_kind
        .map(|row| {
            let answers = [row.get("answer"), row.get("also")].into_iter().flatten();
            (
                row["arg"].as_str().unwrap().to_owned(),
                answers.cloned().collect(),
            )
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// (type, value), as `oracle.py` writes a value.
fn normal(value: Option<&Value>) -> Json {
    match value {
        None => serde_json::json!(["string", "nil"]),
        Some(Value::Int(number)) => serde_json::json!(["int", number]),
        Some(Value::Float(number)) => serde_json::json!(["float", number]),
        Some(Value::Text(text)) => serde_json::json!(["string", text]),
        Some(Value::Bool(flag)) => serde_json::json!(["bool", flag]),
        other => unreachable!("the corpus is not grouped by {other:?}"),
    }
}

fn normal_labels(labels: &Labels) -> Json {
    let mut pairs: Vec<(&String, Json)> = labels
        .iter()
        .map(|(label, value)| (label, normal(value.as_ref().map(Value::shown).as_ref())))
        .collect();
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    serde_json::json!(pairs)
}

/// By trace: spansets of how many spans, attributes, and span ids.
type Sets = BTreeMap<String, Vec<(u64, String, Vec<String>)>>;

fn found_sets(found: &[Found<'_, '_>]) -> Sets {
    let mut all = Sets::new();
    for Found { trace, sets } in found {
        let sets = sets.iter().map(|set| {
            let ids = set
                .spans
                .iter()
                .map(|at| hex(&trace.spans[*at].span.span_id));
            let mut ids: Vec<String> = ids.collect();
            ids.sort();
            (
                ids.len() as u64,
                normal_labels(&set.attributes).to_string(),
                ids,
            )
        });
        let mut sets: Vec<_> = sets.collect();
        sets.sort();
        all.insert(hex(trace.id), sets);
    }
    all
}

fn expected_sets(answer: &Json) -> Sets {
    let mut all = Sets::new();
    for (trace, answer) in answer.as_object().unwrap() {
        let sets = answer["sets"].as_array().unwrap().iter().map(|set| {
            let spans = set["spans"].as_array().unwrap().iter();
            let mut ids: Vec<String> = spans
                .map(|span| span[0].as_str().unwrap().to_owned())
                .collect();
            ids.sort();
            (
                set["matched"].as_u64().unwrap(),
                set["attrs"].to_string(),
                ids,
            )
        });
        let mut sets: Vec<_> = sets.collect();
        sets.sort();
        all.insert(trace.clone(), sets);
    }
    all
}

/// By labels: the samples that are not zero, by milliseconds; those of an instant have no time.
type Samples = BTreeMap<String, BTreeMap<u64, f64>>;

fn found_samples(query: &str, interval: Interval) -> Samples {
    let Body::Metrics(expr) = parse(query).unwrap().body else {
        unreachable!("{query} is a metrics query")
    };
    let of_series = |samples: BTreeMap<u64, f64>| {
        let millis = |stamp| {
            if interval == INSTANT {
                0
            } else {
                stamp / 1_000_000
            }
        };
        let samples = samples
            .into_iter()
            .map(|(stamp, value)| (millis(stamp), value));
        samples.filter(|(_, value)| *value != 0.0).collect()
    };
    let all = metrics(&CORPUS, &expr, interval);
    all.into_iter()
        .map(|series| {
            (
                normal_labels(&series.labels).to_string(),
                of_series(series.samples),
            )
        })
        .filter(|(_, samples): &(_, BTreeMap<_, _>)| !samples.is_empty())
        .collect()
}

fn expected_samples(answer: &Json) -> Samples {
    let of_series = |samples: &Json| {
        let samples = samples.as_array().unwrap().iter();
        samples
            .map(|sample| (sample[0].as_u64().unwrap_or(0), sample[1].as_f64().unwrap()))
            .filter(|(_, value)| *value != 0.0)
            .collect()
    };
    let all = answer.as_object().unwrap().iter();
    all.map(|(labels, samples)| {
        let labels: Json = serde_json::from_str(labels).unwrap();
        (labels.to_string(), of_series(samples))
    })
    .filter(|(_, samples): &(_, BTreeMap<_, _>)| !samples.is_empty())
    .collect()
}

fn are_close(a: &Samples, b: &Samples) -> bool {
    let close = |x: f64, y: f64| (x - y).abs() <= 1e-6 * x.abs().max(y.abs());
    a.len() == b.len()
        && a.iter().zip(b).all(|((a, x), (b, y))| {
            a == b
                && x.len() == y.len()
                && x.iter()
                    .zip(y)
                    .all(|((s, x), (t, y))| s == t && close(*x, *y))
        })
}

#[test]
fn searches_find_what_tempo_finds() {
    let rows = rows("search");
    assert_eq!(rows.len(), 41);
    for (query, answers) in rows {
        let Body::Search(pipeline) = parse(&query).unwrap().body else {
            unreachable!("{query} is a search")
        };
        let found = found_sets(&search(&CORPUS, &pipeline));
        let expected: Vec<Sets> = answers.iter().map(expected_sets).collect();
        assert!(
            expected.contains(&found),
            "{query}: {found:?} instead of {:?}",
            expected[0]
        );
    }
}

#[test]
fn series_are_those_of_tempo() {
    for (kind, count, interval) in [("range", 20, RANGE), ("instant", 4, INSTANT)] {
        let rows = rows(kind);
        assert_eq!(rows.len(), count);
        for (query, answers) in rows {
            let found = found_samples(&query, interval);
            let right = |answer| are_close(&found, &expected_samples(answer));
            assert!(
                answers.iter().any(right),
                "{query}: {found:?} instead of {:?}",
                expected_samples(&answers[0])
            );
        }
    }
}
