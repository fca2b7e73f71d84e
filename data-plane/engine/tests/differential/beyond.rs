//! Questions that Tempo refuses or answers wrongly, about the corpus that its other answers are about.

use std::path::PathBuf;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use takt_engine::Interval;

use crate::check::{Outcome, Sources};

const SECOND: u64 = 1_000_000_000;

const INTERVAL: Interval = Interval {
    start: 1_789_999_920 * SECOND,
    end: 1_790_000_700 * SECOND,
    step: 60 * SECOND,
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/shop-3k")
}

fn requests() -> Vec<ExportTraceServiceRequest> {
    let packed = std::fs::read(folder().join("shop-3k.otlp.zst")).expect("the corpus is here");
    let bytes = zstd::decode_all(packed.as_slice()).expect("the corpus is whole");
    let mut rest = bytes.as_slice();
    let mut requests = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (request, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        requests.push(ExportTraceServiceRequest::decode(request).expect("it is OTLP"));
        rest = after;
    }
    requests
}

#[test]
fn questions_beyond_tempo_are_answered_as_the_slow_evaluator_does() {
    let requests = requests();
    let sources = Sources::new(&requests);
    let path = folder().join("queries-beyond.txt");
    let queries = std::fs::read_to_string(path).expect("the questions are here");
    let questions = queries.lines().filter_map(|line| line.split_once('\t'));
    let questions: Vec<&str> = questions.map(|(_, query)| query).collect();
    assert_eq!(questions.len(), 6);
    let found = questions.into_iter().filter(|query| {
        let outcome = sources.ask(query, INTERVAL);
        let answered = matches!(outcome, Ok(Outcome::Nothing | Outcome::Something));
        assert!(answered, "{query}: {outcome:?}");
        outcome == Ok(Outcome::Something)
    });
    assert_eq!(
        found.count(),
        5,
        "one of them is about spans that are not there"
    );
}
