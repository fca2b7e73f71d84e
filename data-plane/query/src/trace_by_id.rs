//! A trace by its id: every part of it, from live segments and blocks, each span once.

mod shared_spans;
mod views;

use std::collections::HashSet;
use std::sync::Arc;

use futures::{FutureExt as _, TryStreamExt as _};
use takt_block::Meta;
use takt_model::{SpanId, TenantId, TraceId};
use takt_trace::{Projection, SpanColumns, encode};
use takt_wire::tempopb::TraceByIdMetrics;

use crate::answer::FoundTrace;
use crate::failure::Failure;
use crate::frontend::{Frontend, in_segment};
use crate::request::trace::TraceById;
use crate::work::{Asked, in_order};

pub use views::DiffRefusal;

/// A trace and whether it is larger than the tenant may have.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    pub trace: FoundTrace,
    /// The limit in bytes, if the trace was cut to it.
    pub cut_at: Option<u64>,
}

/// The part of a trace that one source has.
struct Fragment {
    columns: Arc<SpanColumns>,
    /// In the order of their start.
    rows: Vec<u32>,
    bytes_read: u64,
    is_stored: bool,
}

impl Frontend {
    /// The whole trace, or `None` when no source has a span of it.
    ///
    /// # Errors
    /// When a block cannot be read, or stored spans cannot be encoded.
    #[tracing::instrument(level = "debug", name = "trace_by_id", skip_all)]
    pub async fn trace(
        &self,
        tenants: &[TenantId],
        request: &TraceById,
    ) -> Result<Option<Whole>, Failure> {
        let limit = self.limits(tenants).max_bytes_per_trace.0;
        let (sources, mut missing) = self.sources(tenants).await;
        let sources = sources.within(request.window.range());
        let asking = self.asking(tenants);
        let mut fragments = Vec::new();
        for segment in &sources.segments {
            let id = request.id;
            fragments.extend(
                in_segment(self, segment, asking.asked(), move |columns, _| {
                    Ok(live_fragment(columns, id))
                })
                .await?,
            );
        }
        let stored = sources
            .blocks
            .iter()
            .map(|meta| self.stored_fragment(meta, request.id).boxed())
            .collect();
        let mut stored = in_order(stored, self.settings().concurrent_blocks);
        while let Some(fragment) = stored.try_next().await? {
            fragments.extend(fragment);
        }
        if fragments.is_empty() {
            return Ok(None);
        }
        if tenants
            .iter()
            .any(|tenant| self.live().is_oversized(tenant, request.id))
        {
            missing.push(format!("the trace has reached its limit of {limit} bytes, and spans that came later were dropped"));
        }
        let metrics = TraceByIdMetrics {
            inspected_bytes: fragments.iter().map(|fragment| fragment.bytes_read).sum(),
            backend_reads: fragments
                .iter()
                .filter(|fragment| fragment.is_stored)
                .count() as u64,
            backend_bytes: fragments
                .iter()
                .filter(|fragment| fragment.is_stored)
                .map(|fragment| fragment.bytes_read)
                .sum(),
            ..TraceByIdMetrics::default()
        };
        self.metrics()
            .bytes_inspected
            .inc_by(metrics.inspected_bytes);
        let (proto, cut_at) = self
            .workers()
            .run(asking.asked(), move |asked| {
                assemble(fragments, limit, asked)
            })
            .await?;
        if let Some(limit) = cut_at {
            missing.push(format!(
                "Trace exceeds maximum size of {limit} bytes, a partial trace is returned"
            ));
        }
        Ok(Some(Whole {
            trace: FoundTrace {
                proto,
                metrics,
                missing,
            },
            cut_at,
        }))
    }

    /// Index lookup, then a read of just these rows.
    async fn stored_fragment(
        &self,
        meta: &Arc<Meta>,
        id: TraceId,
    ) -> Result<Option<Fragment>, Failure> {
        let opened = self.store().opened(meta).await?;
        let Some(place) = opened.find(id) else {
            return Ok(None);
        };
        let bytes_read = opened
            .ranges(place.group, &Projection::All, Some(place.rows.clone()))?
            .iter()
            .map(|range| range.end - range.start)
            .sum();
        let columns = self
            .store()
            .columns(&opened, place.group, &Projection::All, Some(place.rows))
            .await?;
        let Some(trace) = columns.traces.find(id) else {
            return Err(Failure::Internal(format!(
                "block `{}` has trace {id} in its index but not in its rows",
                meta.block
            )));
        };
        let rows = rows(&columns, trace);
        Ok(Some(Fragment {
            columns,
            rows,
            bytes_read,
            is_stored: true,
        }))
    }
}

/// A copy of what a live segment has of the trace, so that nobody waits for us to encode it.
fn live_fragment(columns: &SpanColumns, id: TraceId) -> Option<Fragment> {
    let trace = columns.traces.find(id)?;
    let bytes_read = columns.traces.bytes[trace as usize];
    let columns = Arc::new(takt_trace::reorder::select(columns, &[trace]));
    let rows = rows(&columns, columns.traces.find(id)?);
    Some(Fragment {
        columns,
        rows,
        bytes_read,
        is_stored: false,
    })
}

fn rows(columns: &SpanColumns, trace: u32) -> Vec<u32> {
    let mut rows: Vec<u32> = columns.rows_of(trace).collect();
    rows.sort_by_key(|row| (columns.start[*row as usize], *row));
    rows
}

/// One message of all fragments: each span once, shared ids told apart, at most `limit` bytes (zero is no bound).
fn assemble(
    mut fragments: Vec<Fragment>,
    limit: u64,
    asked: &Asked,
) -> Result<(Vec<u8>, Option<u64>), Failure> {
    // A client's retry is the same to the nanosecond; Zipkin's reporters do send different spans of one id and kind.
    let mut seen = HashSet::<(SpanId, u8, u64, u64)>::new();
    for fragment in &mut fragments {
        let columns = Arc::clone(&fragment.columns);
        fragment.rows.retain(|row| {
            let at = *row as usize;
            let times = (columns.start[at], columns.duration[at]);
            seen.insert((columns.span_id[at], columns.kind[at], times.0, times.1))
        });
    }
    let mut proto = Vec::new();
    let mut cut_at = None;
    for fragment in &fragments {
        if !asked.still() {
            return Err(Failure::Cancelled);
        }
        let left = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(proto.len());
        let bytes = encode::trace_proto(&fragment.columns, &fragment.rows);
        if limit == 0 || bytes.len() <= left {
            proto.extend(bytes);
        } else {
            proto.extend(as_much_as_fits(fragment, bytes.len(), left));
            cut_at = Some(limit);
            break;
        }
    }
    let kinds = seen.iter().map(|(id, kind, ..)| (*id, *kind)).collect();
    if shared_spans::occur(&kinds) {
        proto = shared_spans::tell_apart(&proto)
            .map_err(|error| Failure::Internal(format!("stored spans do not decode: {error}")))?;
    }
    Ok((proto, cut_at))
}

/// The earliest spans of a fragment, as many as take at most `left` bytes.
fn as_much_as_fits(fragment: &Fragment, size: usize, left: usize) -> Vec<u8> {
    let mut keep = fragment.rows.len() * left / size.max(1);
    loop {
        let bytes = encode::trace_proto(&fragment.columns, &fragment.rows[..keep]);
        if bytes.len() <= left || keep == 0 {
            return if keep == 0 { Vec::new() } else { bytes };
        }
        keep -= keep.div_ceil(10);
    }
}
