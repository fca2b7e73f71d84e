//! A trace as a tree of comparable spans, in an order that does not depend on how it arrived.

use std::collections::{BTreeMap, HashMap};

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use takt_trace::{Kind, Status};
use takt_wire::tempopb::Trace;

use super::Refusal;
use super::document::{Meta, SpanRef, Warning};
use crate::trace_view::value::{self, Plain, hex};

/// Which of the two traces, for the words of a warning.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Base,
    Compare,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Compare => "compare",
        }
    }
}

/// A trace ready to be compared.
#[derive(Debug, Default)]
pub(super) struct Normal<'a> {
    pub(super) meta: Meta,
    /// Parents before their children, children by start.
    pub(super) spans: Vec<NormalSpan<'a>>,
    pub(super) warnings: Vec<Warning>,
}

#[derive(Debug)]
pub(super) struct NormalSpan<'a> {
    pub(super) identity: Identity<'a>,
    /// The parent's place in [`Normal::spans`].
    pub(super) parent: Option<usize>,
    /// Which child of its parent, or which of the roots.
    index: u32,
    pub(super) start: u64,
    pub(super) end: u64,
    /// `None` if the span has no start or ends before it.
    pub(super) duration: Option<i64>,
    pub(super) status: &'static str,
    pub(super) attributes: BTreeMap<String, Plain>,
}

/// What makes two spans the same piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Identity<'a> {
    pub(super) service: &'a str,
    pub(super) name: &'a str,
    pub(super) kind: &'static str,
}

impl<'a> Normal<'a> {
    pub(super) fn parent_of(&self, span: &NormalSpan<'a>) -> Option<Identity<'a>> {
        span.parent.map(|parent| self.spans[parent].identity)
    }

    /// Which child, from the root down to the span at `at`.
    pub(super) fn path(&self, at: usize) -> Vec<u32> {
        let mut path: Vec<u32> = std::iter::successors(Some(at), |at| self.spans[*at].parent)
            .map(|at| self.spans[at].index)
            .collect();
        path.reverse();
        path
    }

    pub(super) fn reference(&self, at: usize) -> SpanRef {
        let identity = self.spans[at].identity;
        SpanRef {
            path: self.path(at),
            service: identity.service.to_owned(),
            name: identity.name.to_owned(),
            kind: identity.kind,
        }
    }
}

/// Numbers in all paths of a trace together; more are refused.
const MOST_STEPS: usize = 16 << 20;

/// A span as it came, with the service of its resource.
#[derive(Clone, Copy)]
struct Raw<'a> {
    span: &'a Span,
    identity: Identity<'a>,
}

pub(super) fn trace(trace: &Trace, side: Side) -> Result<Normal<'_>, Refusal> {
    let spans = flatten(trace);
    let meta = Meta {
        trace_id: spans
            .iter()
            .find(|raw| !raw.span.trace_id.is_empty())
            .map(|raw| hex(&raw.span.trace_id))
            .unwrap_or_default(),
        span_count: spans.len(),
    };
    let mut normal = Normal {
        meta,
        spans: Vec::with_capacity(spans.len()),
        warnings: warnings(&spans, side),
    };
    walk(&spans, &mut normal)?;
    let dropped = normal.meta.span_count - normal.spans.len();
    if dropped > 0 {
        normal.warnings.push(Warning {
            code: "duplicate_span_id",
            message: format!(
                "{} trace has {dropped} span(s) whose id another span has; they are left out, so counts may disagree",
                side.name()
            ),
        });
    }
    Ok(normal)
}

fn flatten(trace: &Trace) -> Vec<Raw<'_>> {
    let mut spans = Vec::new();
    for group in &trace.resource_spans {
        let of_resource = group
            .resource
            .as_ref()
            .map_or("", |resource| service(&resource.attributes));
        for span in group.scope_spans.iter().flat_map(|scope| &scope.spans) {
            let own = service(&span.attributes);
            let identity = Identity {
                service: if own.is_empty() { of_resource } else { own },
                name: &span.name,
                kind: name(&Kind::NAMES, span.kind),
            };
            spans.push(Raw { span, identity });
        }
    }
    spans
}

fn service(attributes: &[KeyValue]) -> &str {
    let found = attributes
        .iter()
        .find(|attribute| attribute.key == "service.name")
        .and_then(|attribute| attribute.value.as_ref()?.value.as_ref());
    match found {
        Some(any_value::Value::StringValue(text)) => text,
        _ => "",
    }
}

fn name<const N: usize>(names: &[&'static str; N], number: i32) -> &'static str {
    usize::try_from(number)
        .ok()
        .and_then(|number| names.get(number))
        .copied()
        .unwrap_or("unknown")
}

/// Lays the spans out, parents first. Spans whose parent is not there are roots; so are, after all
/// others, spans that can only be reached through a cycle. Of spans with one id the first one reached counts.
fn walk<'a>(spans: &[Raw<'a>], normal: &mut Normal<'a>) -> Result<(), Refusal> {
    let known: HashMap<&[u8], ()> = spans.iter().map(|raw| (id(raw), ())).collect();
    let mut children = HashMap::<&[u8], Vec<Raw<'a>>>::new();
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(|raw| (raw.span.start_time_unix_nano, id(raw)));
    for raw in &sorted {
        let parent = raw.span.parent_span_id.as_slice();
        let parent = if known.contains_key(parent) {
            parent
        } else {
            &[]
        };
        children.entry(parent).or_default().push(*raw);
    }
    let roots = children.remove([].as_slice()).unwrap_or_default();
    let mut layout = Layout {
        children,
        placed: HashMap::new(),
        steps: 0,
    };
    let mut next_root = 0;
    for root in roots.into_iter().chain(sorted) {
        if layout.descend(root, next_root, normal)? {
            next_root += 1;
        }
    }
    Ok(())
}

fn id<'a>(raw: &Raw<'a>) -> &'a [u8] {
    &raw.span.span_id
}

struct Layout<'a> {
    /// Children by the id of their parent, in their order.
    children: HashMap<&'a [u8], Vec<Raw<'a>>>,
    placed: HashMap<&'a [u8], ()>,
    /// The lengths of all paths so far.
    steps: usize,
}

/// A parent whose children are being laid out.
struct Level<'a> {
    parent: usize,
    depth: usize,
    rest: std::vec::IntoIter<Raw<'a>>,
    next_index: u32,
}

impl<'a> Layout<'a> {
    /// Lays out `root` and everything below it, unless it was reached before.
    fn descend(
        &mut self,
        root: Raw<'a>,
        index: u32,
        normal: &mut Normal<'a>,
    ) -> Result<bool, Refusal> {
        let Some(first) = self.place(root, None, index, 1, normal)? else {
            return Ok(false);
        };
        let mut open = vec![first];
        while let Some(level) = open.last_mut() {
            let Some(child) = level.rest.next() else {
                open.pop();
                continue;
            };
            let (parent, depth, index) = (level.parent, level.depth, level.next_index);
            if let Some(below) = self.place(child, Some(parent), index, depth + 1, normal)? {
                level.next_index += 1;
                open.push(below);
            }
        }
        Ok(true)
    }

    fn place(
        &mut self,
        raw: Raw<'a>,
        parent: Option<usize>,
        index: u32,
        depth: usize,
        normal: &mut Normal<'a>,
    ) -> Result<Option<Level<'a>>, Refusal> {
        if self.placed.insert(id(&raw), ()).is_some() {
            return Ok(None);
        }
        self.steps += depth;
        if self.steps > MOST_STEPS {
            return Err(Refusal::TooDeep);
        }
        let at = normal.spans.len();
        normal.spans.push(NormalSpan {
            identity: raw.identity,
            parent,
            index,
            start: raw.span.start_time_unix_nano,
            end: raw.span.end_time_unix_nano,
            duration: duration(raw.span),
            status: name(
                &Status::NAMES,
                raw.span.status.as_ref().map_or(0, |status| status.code),
            ),
            attributes: value::attributes(&raw.span.attributes),
        });
        Ok(Some(Level {
            parent: at,
            depth,
            rest: self
                .children
                .remove(id(&raw))
                .unwrap_or_default()
                .into_iter(),
            next_index: 0,
        }))
    }
}

/// `None` without a start (which OTLP requires), or when the end is before it.
fn duration(span: &Span) -> Option<i64> {
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    let nanos = end.checked_sub(start)?;
    i64::try_from(nanos).ok().filter(|_| start > 0)
}

fn warnings(spans: &[Raw<'_>], side: Side) -> Vec<Warning> {
    let side = side.name();
    let mut warnings = Vec::new();
    // A name with an id in it matches nothing of another run.
    let token = regex::Regex::new(r"(?i-u)\b(?:[0-9]{6,}|[0-9a-f][0-9a-f-]{7,})\b")
        .expect("the pattern is a constant");
    if let Some(Raw { identity, .. }) = spans.iter().find(|raw| token.is_match(raw.identity.name)) {
        warnings.push(Warning {
            code: "high_cardinality_span_name",
            message: format!(
                "the name of {identity} seems to hold an id; spans match by their names, so the same work may appear as added and removed. Ids belong into attributes."
            ),
        });
    }
    let mut invalid: Vec<Identity<'_>> = spans
        .iter()
        .filter(|raw| duration(raw.span).is_none())
        .map(|raw| raw.identity)
        .collect();
    if !invalid.is_empty() {
        invalid.sort_unstable();
        let mut examples: Vec<String> = invalid.iter().take(3).map(ToString::to_string).collect();
        if invalid.len() > 3 {
            examples.push(format!("and {} more", invalid.len() - 3));
        }
        warnings.push(Warning {
            code: "invalid_duration",
            message: format!(
                "{side} trace has {} span(s) without a valid duration, which changes show as null: [{}]",
                invalid.len(),
                examples.join("; ")
            ),
        });
    }
    if spans.is_empty() {
        warnings.push(Warning {
            code: "zero_span_trace",
            message: format!("{side} trace has no spans, so nothing matches"),
        });
    }
    warnings
}

impl std::fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} service {:?} kind {:?}",
            self.name, self.service, self.kind
        )
    }
}
