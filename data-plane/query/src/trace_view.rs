//! What is done with a trace once it is whole: filtered, pruned, compared, put in a form that suits
//! language models. Pure.

pub(crate) mod diff;
pub(crate) mod filter;
pub(crate) mod llm;
pub(crate) mod pruning;
pub(crate) mod value;

use prost::Message as _;
use takt_wire::tempopb::Trace;

use crate::failure::Failure;
use filter::SpanFilter;
use pruning::{Pruned, Pruning};

/// Which part of a trace is asked for, and how much detail.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct View {
    pub(crate) filter: Option<SpanFilter>,
    pub(crate) pruning: Option<Pruning>,
}

impl View {
    pub(crate) fn is_whole(&self) -> bool {
        self.filter.is_none() && self.pruning.is_none()
    }

    /// The trace as asked for, and why that is not all of it.
    pub(crate) fn of(
        &self,
        mut proto: Vec<u8>,
        keep_going: &dyn Fn() -> bool,
    ) -> Result<(Vec<u8>, Vec<String>), Failure> {
        let mut missing = Vec::new();
        if let Some(filter) = &self.filter
            && let Some(kept) = filter.apply(&proto, keep_going)?
        {
            proto = kept;
            missing.push(
                "Trace filtered, only a subset of spans matching the filter is returned".to_owned(),
            );
        }
        if let Some(pruning) = &self.pruning {
            let mut trace = decoded(&proto)?;
            match pruning.apply(&mut trace) {
                Pruned::Nothing => {}
                Pruned::Before => missing.push(
                    "the trace was pruned before it was stored: some of its spans are summaries, and what they stand for is not kept".to_owned(),
                ),
                Pruned::Now => {
                    proto = trace.encode_to_vec();
                    missing.push(
                        "like spans were pruned into summaries for this answer: ask with `span_pruning=false` for all of them".to_owned(),
                    );
                }
            }
        }
        Ok((proto, missing))
    }
}

/// The spans of an assembled trace.
pub(crate) fn decoded(proto: &[u8]) -> Result<Trace, Failure> {
    Trace::decode(proto)
        .map_err(|error| Failure::Internal(format!("stored spans do not decode: {error}")))
}
