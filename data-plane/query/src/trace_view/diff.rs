//! Two traces compared: which spans match, what changed in them, and what that amounts to.
//!
//! Pure. Spans match by service, name and kind; of several candidates the one under a like parent
//! comes first, then the earliest. The documents have the keys and the vocabulary of Tempo's
//! `POST /api/v2/traces/diff`.
//!
//! Reading order: [`document`] (what comes out), [`normalize`] (a trace as a tree of comparable
//! spans), [`matching`] (the patch), [`summary`] (what the patch amounts to).

mod document;
mod matching;
mod normalize;
mod summary;
mod tolerance;

use serde::Serialize;
use serde_json::value::RawValue;
use takt_wire::tempopb::Trace;

pub(crate) use document::Format;

use document::{Composed, Omitted};
use normalize::Side;

/// A patch up to this size is attached to a composed answer; a larger one is only measured.
const PATCH_BYTES: usize = 64 << 10;

/// Why two traces are not compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Every reported span carries its path from the root, so depth costs memory squared.
    #[error("the spans of the traces are nested too deeply to be compared")]
    TooDeep,
    #[error("the comparison cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Compares two traces and writes the document that `format` names as JSON.
pub(crate) fn diff(base: &Trace, compare: &Trace, format: Format) -> Result<Vec<u8>, Refusal> {
    let base = normalize::trace(base, Side::Base)?;
    let compare = normalize::trace(compare, Side::Compare)?;
    let patch = matching::patch(&base, &compare);
    match format {
        Format::Patch => json(&patch),
        Format::Summary => json(&summary::summarize(&patch, &base, &compare)),
        Format::Composed => {
            let text = serde_json::to_string(&patch)?;
            let bytes = text.len();
            let fits = bytes <= PATCH_BYTES;
            json(&Composed {
                version: Format::Composed.name(),
                summary: summary::summarize(&patch, &base, &compare),
                patch: fits.then(|| RawValue::from_string(text)).transpose()?,
                patch_omitted: (!fits).then_some(Omitted {
                    bytes,
                    reason: "over_budget",
                }),
            })
        }
    }
}

fn json(document: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    Ok(serde_json::to_vec(document)?)
}

#[cfg(test)]
mod tests;
