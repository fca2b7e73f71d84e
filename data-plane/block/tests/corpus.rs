//! A block of every released version, read for ever. `tests/corpus/<version>` never changes.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod spans;

use bytes::Bytes;
use spans::{flat, footer, opened, read, shop, spec};
use takt_block::{Encoded, Meta, write};
use takt_trace::Projection;

/// What stands in the corpus of version 1.
const TRACES: u8 = 30;

macro_rules! stored {
    ($version:literal) => {
        Encoded {
            meta: Meta::from_json(include_bytes!(concat!("corpus/", $version, "/meta.json")))
                .unwrap(),
            data: Bytes::from_static(include_bytes!(concat!(
                "corpus/",
                $version,
                "/data.parquet"
            ))),
            index: Bytes::from_static(include_bytes!(concat!("corpus/", $version, "/index"))),
        }
    };
}

#[test]
fn version_1_is_read() {
    let block = stored!("1");
    let opened = opened(&block);
    let spans = read(&opened, &block, &Projection::All);
    assert_eq!(flat(&spans), flat(&shop(TRACES)));
    assert_eq!(opened.traces(), usize::from(TRACES));
    assert_eq!(opened.summary(0).root_service, "web");
}

/// As long as version 1 is the one we write: the stored block and a fresh one hold the same.
#[test]
fn the_writer_still_makes_what_the_corpus_holds() {
    let block = write(&shop(TRACES), &spec()).unwrap();
    let stored = stored!("1");
    assert_eq!(footer(&block).len(), footer(&stored).len());
    assert_eq!(
        flat(&read(&opened(&block), &block, &Projection::All)),
        flat(&read(&opened(&stored), &stored, &Projection::All))
    );
}
