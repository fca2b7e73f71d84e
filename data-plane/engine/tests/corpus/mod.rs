//! The recorded corpus in `tests/golden`, and what Tempo answered about it.

#![allow(dead_code, reason = "each test binary uses a part of this module")]
#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use std::io::Read as _;
use std::path::PathBuf;

use serde_json::Value as Json;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/shop-3k")
}

/// The spans, request by request.
pub(crate) fn requests() -> Vec<Vec<u8>> {
    let packed = std::fs::read(folder().join("shop-3k.otlp.zst")).unwrap();
    let bytes = zstd::decode_all(packed.as_slice()).unwrap();
    let mut rest = bytes.as_slice();
    let mut requests = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (request, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        requests.push(request.to_vec());
        rest = after;
    }
    requests
}

/// (query, answers that are right) of every row of one kind.
pub(crate) fn answers(kind: &str) -> Vec<(String, Vec<Json>)> {
    let packed = std::fs::read(folder().join("golden.json.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let golden: Json = serde_json::from_str(&text).unwrap();
    let rows = golden["rows"].as_array().unwrap().iter();
    rows.filter(|row| row["kind"] == kind)
        .map(|row| {
            let right = [&row["answer"], &row["also"]];
            let right = right.into_iter().filter(|answer| !answer.is_null());
            (
                row["arg"].as_str().unwrap().to_owned(),
                right.cloned().collect(),
            )
        })
        .collect()
}
