//! What the tests of this crate share.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use takt_trace::SpanColumns;
use takt_trace::decode::{DecodeLimits, Decoder};

/// Columns as the live store would hold them.
pub(crate) fn columns(requests: &[Vec<u8>]) -> SpanColumns {
    let mut columns = SpanColumns::default();
    let mut decoder = Decoder::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    for request in requests {
        decoder.append(&mut columns, request, &limits).unwrap();
    }
    columns
}
