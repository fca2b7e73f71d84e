//! Which spans of a request stay out, and the sentence that tells the sender.

use std::fmt;
use std::fmt::Write as _;

use takt_model::TraceId;
use takt_trace::decode::Malformed;
use takt_trace::scan::{Scan, ScannedSpan};

use crate::metrics::{Discarded, TenantCounters};

/// The verdict over every span of one request.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Indexes of the refused spans, ascending.
    refused: Vec<usize>,
    /// Per kind of fault: the first one met, and how many spans have it.
    faults: Vec<(Fault, u64)>,
}

/// What is wrong with one span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    TraceId {
        bytes: u32,
    },
    SpanId {
        bytes: u32,
    },
    /// It could not be decoded, so it could not be found.
    Malformed(Malformed),
    TraceTooLarge(TraceId),
}

impl Verdict {
    pub(super) fn of(scan: &Scan, is_oversized: impl Fn(TraceId) -> bool) -> Self {
        let mut verdict = Self::default();
        for (at, span) in scan.spans.iter().enumerate() {
            if let Some(fault) = judge(span, &is_oversized) {
                verdict.refuse(at, fault);
            }
        }
        verdict
    }

    fn refuse(&mut self, at: usize, fault: Fault) {
        self.refused.push(at);
        let counted = fault.counted();
        match self
            .faults
            .iter_mut()
            .find(|(known, _)| known.counted() == counted)
        {
            Some((_, count)) => *count += 1,
            None => self.faults.push((fault, 1)),
        }
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.len() as u64
    }

    pub(super) fn keeps(&self, span: usize) -> bool {
        self.refused.binary_search(&span).is_err()
    }

    pub(super) fn count(&self, counters: &TenantCounters) {
        for (fault, count) in &self.faults {
            counters.discarded(fault.counted()).inc_by(*count);
        }
    }

    /// `3 spans refused: 2 because …; 1 because …`.
    pub(super) fn reason(&self) -> Option<String> {
        let spans = match self.refused.len() {
            0 => return None,
            1 => "span",
            _ => "spans",
        };
        let mut text = format!("{} {spans} refused: ", self.refused.len());
        for (at, (fault, count)) in self.faults.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{count} because {fault}");
        }
        Some(text)
    }
}

fn judge(span: &ScannedSpan, is_oversized: impl Fn(TraceId) -> bool) -> Option<Fault> {
    if let Some(malformed) = span.malformed {
        return Some(Fault::Malformed(malformed));
    }
    match (span.trace_id, span.span_id) {
        (None, _) => Some(Fault::TraceId {
            bytes: span.trace_id_bytes,
        }),
        (Some(_), None) => Some(Fault::SpanId {
            bytes: span.span_id_bytes,
        }),
        (Some(trace), Some(_)) => is_oversized(trace).then_some(Fault::TraceTooLarge(trace)),
    }
}

impl Fault {
    fn counted(self) -> Discarded {
        match self {
            Self::TraceId { .. } => Discarded::InvalidTraceId,
            Self::SpanId { .. } => Discarded::InvalidSpanId,
            Self::Malformed(_) => Discarded::Malformed,
            Self::TraceTooLarge(_) => Discarded::TraceTooLarge,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = |bytes: u32| u64::from(bytes) * 8;
        match *self {
            Self::TraceId { bytes } => write!(
                f,
                "trace ids must be 128 bit and not all zero, received {} bits",
                bits(bytes)
            ),
            Self::SpanId { bytes } => write!(
                f,
                "span ids must be 64 bit and not all zero, received {} bits",
                bits(bytes)
            ),
            Self::Malformed(malformed) => write!(f, "the span is malformed: {malformed}"),
            Self::TraceTooLarge(trace) => {
                write!(f, "trace {trace} has reached `global.max_bytes_per_trace`")
            }
        }
    }
}
