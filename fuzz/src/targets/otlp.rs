//! OTLP: the scan on the way in and the decoder behind the journal must agree about every request.

use std::path::Path;

use takt_testkit::{Corpus, Replay};
use takt_trace::SpanColumns;
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::scan::scan;

use super::{Effect, Target, effect};

/// Requests of the corpus are too long to mutate well; pieces of this size find more.
const SEED_BYTES: usize = 3000;

pub(super) fn target(golden: &Path) -> anyhow::Result<Target> {
    let corpus = Corpus::open(&golden.join("shop-3k.otlp.zst"))?;
    let seeds = (0..corpus.len().min(8))
        .map(|index| first_spans(&corpus.request(index, Replay::default())))
        .collect();
    Ok(Target {
        name: "otlp",
        seeds,
        words: &[
            b"\x0a\x00",
            b"\x12\x00",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\xc3\x28",
            b"\x4a\x02\x0a\x00",
        ],
        run,
    })
}

fn run(input: &[u8]) -> Effect {
    let scanned = scan(input);
    let mut columns = SpanColumns::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 64,
    };
    let decoded = Decoder::default().append(&mut columns, input, &limits);
    if let Ok(scanned) = &scanned {
        let every = scanned.reframe(input, |_| true);
        let again = scan(&every).expect("what was reframed can be scanned");
        assert_eq!(
            again.spans.len(),
            scanned.spans.len(),
            "reframing keeps every span"
        );
        assert!(
            scanned
                .spans
                .iter()
                .all(|span| span.range.end <= input.len())
        );
        if let Ok(decoded) = &decoded {
            assert_eq!(
                decoded.spans,
                scanned.spans.len(),
                "scan and decoder count the same spans"
            );
        }
    } else {
        assert!(decoded.is_err(), "the decoder takes what the scan refuses");
    }
    let spans = scanned.as_ref().map(|scan| scan.spans.len());
    effect(&format!("{spans:?} {decoded:?}"))
}

/// A request with only its first spans, about [`SEED_BYTES`] long.
pub(super) fn first_spans(request: &[u8]) -> Vec<u8> {
    let scanned = scan(request).expect("the corpus is OTLP");
    let mut bytes = 0;
    let keep: Vec<bool> = scanned
        .spans
        .iter()
        .map(|span| {
            bytes += span.range.len();
            bytes < SEED_BYTES
        })
        .collect();
    scanned.reframe(request, |index| keep[index])
}
