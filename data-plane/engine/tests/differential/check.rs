//! One query about some traces: the engine must answer it as the slow evaluator does, whichever way the
//! traces are kept and however they are split.

use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use prost::Message as _;
use takt_engine::{Bitmap, Interval};
use takt_reference::{Corpus, Value};
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::reorder::{cluster, select};
use takt_trace::{AttrTable, Column, Projection, SpanColumns};
use takt_traceql::{Body, parse};

use crate::{metrics, search};

/// What came of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is no TraceQL, or nothing that is run.
    Refused,
    Nothing,
    Something,
}

/// The same traces in every way in which the engine meets them.
pub(crate) struct Sources<'a> {
    pub(crate) corpus: Corpus<'a>,
    /// As they arrive.
    pub(crate) live: SpanColumns,
    /// As blocks keep them.
    pub(crate) clustered: SpanColumns,
    /// Every second trace, as blocks keep them; and all others as they arrive.
    pub(crate) halves: [SpanColumns; 2],
    /// The traces of the second half, by their ordinals in `live`.
    pub(crate) second_half: Bitmap,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(requests: &'a [ExportTraceServiceRequest]) -> Self {
        let live = columns(requests);
        let count = u32::try_from(live.traces.len()).expect("few traces");
        let (even, odd): (Vec<u32>, Vec<u32>) = (0..count).partition(|trace| trace % 2 == 0);
        let mut second_half = Bitmap::none(live.traces.len());
        odd.iter().for_each(|trace| second_half.insert(*trace));
        Self {
            corpus: Corpus::new(requests),
            clustered: cluster(&live),
            halves: [cluster(&select(&live, &even)), select(&live, &odd)],
            second_half,
            live,
        }
    }

    /// Asks one query.
    ///
    /// # Errors
    /// Where the engine differs, panics included.
    pub(crate) fn ask(&self, text: &str, interval: Interval) -> Result<Outcome, String> {
        let Ok(query) = parse(text) else {
            return Ok(Outcome::Refused);
        };
        let ordered = !depends_on_order(text);
        let asked = catch_unwind(AssertUnwindSafe(|| match &query.body {
            Body::Search(pipeline) => search::ask(self, &query, pipeline, ordered),
            Body::Metrics(expr) => metrics::ask(self, expr, interval, ordered),
        }));
        asked.unwrap_or_else(|_| Err("panics".to_owned()))
    }
}

/// Numbers of the nested set follow the order of siblings, which clustering changes; whether a span is a
/// root does not.
fn depends_on_order(query: &str) -> bool {
    let roots = [
        "nestedSetParent < 0",
        "-1 = nestedSetParent",
        "nestedSetParent <= -1",
    ];
    let rest = roots
        .iter()
        .fold(query.to_owned(), |rest, root| rest.replace(root, ""));
    rest.contains("nestedSet")
}

fn columns(requests: &[ExportTraceServiceRequest]) -> SpanColumns {
    let mut columns = SpanColumns::default();
    let mut decoder = Decoder::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    for request in requests {
        decoder
            .append(&mut columns, &request.encode_to_vec(), &limits)
            .expect("encoded just now");
    }
    columns
}

/// The columns without everything that was not asked for.
pub(crate) fn restrict(columns: &SpanColumns, asked: &Projection) -> SpanColumns {
    let mut left = columns.clone();
    let keep = |column: Column| asked.has(&column);
    macro_rules! drop_unless {
        ($($column:ident => $($field:ident).+),+ $(,)?) => {
            $(if !keep(Column::$column) { left.$($field).+ = Default::default(); })+
        };
    }
    drop_unless! {
        SpanId => span_id, ParentId => parent_id, Parent => parent, Start => start,
        Duration => duration, Name => name, Kind => kind, Status => status,
        StatusMessage => status_message, Resource => resource, Scope => scope,
        Events => events.span, Events => events.time, Events => events.name,
        Links => links.span, Links => links.trace_id, Links => links.span_id,
    }
    left.attrs = table(&left.attrs, |key| keep(Column::Attr(key)));
    left.events.attrs = table(&left.events.attrs, |key| keep(Column::EventAttr(key)));
    left.links.attrs = table(&left.links.attrs, |key| keep(Column::LinkAttr(key)));
    left
}

fn table(table: &AttrTable, keep: impl Fn(String) -> bool) -> AttrTable {
    let mut left = AttrTable::default();
    for (key, column) in table.iter().filter(|(key, _)| keep((*key).to_owned())) {
        *left.column_mut(key) = column.clone();
    }
    left
}

/// A value of the engine in the evaluator's words.
pub(crate) fn said(value: &takt_engine::Value) -> Value {
    match value {
        takt_engine::Value::String(text) => Value::Text(text.clone()),
        takt_engine::Value::Int(number) => Value::Int(*number),
        takt_engine::Value::Float(number) => Value::Float(*number),
        takt_engine::Value::Bool(flag) => Value::Bool(*flag),
        takt_engine::Value::Other(encoded) => {
            Value::Other(AnyValue::decode(encoded.as_slice()).expect("the engine encodes well"))
        }
    }
}
