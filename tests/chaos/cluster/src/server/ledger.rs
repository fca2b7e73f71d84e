//! Which spans were acknowledged, and whether they are all there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use takt_testkit::Client;

/// A number from which its traces, their spans and attributes follow.
pub(crate) type Number = u64;

pub(crate) const TRACES_PER_NUMBER: u64 = 4;
pub(crate) const SPANS_PER_TRACE: u64 = 5;
/// Numbers that share a value of the attribute `chaos.page`, to be searched for together.
pub(crate) const NUMBERS_PER_PAGE: u64 = 50;

/// The numbers of which every span was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger(BTreeSet<Number>);

/// Span ids by trace id, both in hexadecimal.
type Found = BTreeMap<String, Vec<String>>;

impl Ledger {
    pub(crate) fn acknowledge(&mut self, number: Number) {
        self.0.insert(number);
    }

    pub(crate) fn spans(&self) -> u64 {
        self.0.len() as u64 * TRACES_PER_NUMBER * SPANS_PER_TRACE
    }

    /// Every acknowledged span exactly once, and no other, by trace id.
    pub(crate) async fn check_by_trace_id(&self, client: &Client) -> anyhow::Result<()> {
        let traces = self.0.iter().flat_map(|&number| expected(number));
        stream::iter(traces)
            .map(|(trace, spans)| async move {
                let found = client.span_ids(&trace).await?;
                let mut found = found
                    .iter()
                    .map(|id| hex_of_base64(id))
                    .collect::<anyhow::Result<Vec<_>>>()?;
                found.sort();
                ensure!(
                    found == spans,
                    "trace {trace}: expected {spans:?}, found {found:?}"
                );
                Ok(())
            })
            .buffer_unordered(4)
            .try_collect()
            .await
    }

    /// The same by search, a page of numbers at a time.
    pub(crate) async fn check_by_search(&self, client: &Client) -> anyhow::Result<()> {
        let pages: BTreeSet<u64> = self
            .0
            .iter()
            .map(|number| number / NUMBERS_PER_PAGE)
            .collect();
        for page in pages {
            let query = format!("{{ span.chaos.page = {page} }}");
            let traces = client.search(&query, 100_000, 1000).await?;
            let found = spans_of(&traces)?;
            let expected: Found = self
                .0
                .range(page * NUMBERS_PER_PAGE..(page + 1) * NUMBERS_PER_PAGE)
                .flat_map(|&number| expected(number))
                .collect();
            for (trace, spans) in &expected {
                let found = found
                    .get(trace)
                    .with_context(|| format!("{query} does not find trace {trace}"))?;
                ensure!(
                    found == spans,
                    "{query}, trace {trace}: expected {spans:?}, found {found:?}"
                );
            }
            ensure!(
                found.len() == expected.len(),
                "{query} finds traces that were never sent"
            );
        }
        Ok(())
    }
}

fn expected(number: Number) -> Vec<(String, Vec<String>)> {
    (0..TRACES_PER_NUMBER)
        .map(|trace| {
            let spans = (0..SPANS_PER_TRACE)
                .map(|span| hex(&span_id(number, trace, span)))
                .collect();
            (hex(&trace_id(number, trace)), spans)
        })
        .collect()
}

/// Never zero and never with leading zeros, which search results leave out.
pub(crate) fn trace_id(number: Number, trace: u64) -> [u8; 16] {
    let id = (0xC4A0_5000_0000_0000_u128 << 64) | u128::from(number * TRACES_PER_NUMBER + trace);
    id.to_be_bytes()
}

/// Ascending within a trace.
pub(crate) fn span_id(number: Number, trace: u64, span: u64) -> [u8; 8] {
    (0x5000_0000_0000_0000 | ((number * TRACES_PER_NUMBER + trace) * SPANS_PER_TRACE + span))
        .to_be_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_of_base64(text: &str) -> anyhow::Result<String> {
    Ok(hex(&BASE64_STANDARD.decode(text)?))
}

/// The spans of a search answer.
fn spans_of(traces: &[Value]) -> anyhow::Result<Found> {
    let mut found = Found::new();
    for trace in traces {
        let id = trace["traceID"]
            .as_str()
            .context("a trace without its id")?;
        let spans = found.entry(id.to_owned()).or_default();
        for set in trace["spanSets"]
            .as_array()
            .context("a trace without span sets")?
        {
            for span in set["spans"]
                .as_array()
                .context("a span set without spans")?
            {
                spans.push(
                    span["spanID"]
                        .as_str()
                        .context("a span without its id")?
                        .to_owned(),
                );
            }
        }
        spans.sort();
    }
    Ok(found)
}
