//! One pass over an export request that finds trace ids, where each span lies, and whether it decodes.
//!
//! This is all the distributor needs: it judges spans one by one and cuts requests apart by copying
//! slices. What it keeps is durable from then on, so a scan promises: [`Scan::reframe`] of spans without
//! a fault decodes, span for span. Texts that are not UTF-8 are no fault; the decoder repairs them.

use std::ops::Range;

use takt_model::{SpanId, TraceId};

use crate::check::{self, RESOURCE, SCOPE, SPAN};
use crate::wire::{Fields, Malformed, header, put_bytes};

/// What one pass found.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// In the order of the request.
    pub spans: Vec<ScannedSpan>,
    resources: Vec<Envelope>,
    scopes: Vec<Envelope>,
}

/// One span of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedSpan {
    /// `None` unless it is 16 bytes and not all zero.
    pub trace_id: Option<TraceId>,
    /// `None` unless it is 8 bytes and not all zero.
    pub span_id: Option<SpanId>,
    /// Lengths of the ids as they came, for messages.
    pub trace_id_bytes: u32,
    pub span_id_bytes: u32,
    /// The span's message within the request, without tag and length.
    pub range: Range<usize>,
    /// What is wrong inside the span, or inside the resource or scope it stands in (then all their
    /// spans have it). Such a span must not be kept: it would not decode. Its ids are those before the fault.
    pub malformed: Option<Malformed>,
    scope: usize,
}

/// A message that holds others: which part of the request it is, and where its own fields lie.
#[derive(Debug, Clone)]
struct Envelope {
    parent: usize,
    /// What is wrong with its resource or scope, or the resource of that scope.
    malformed: Option<Malformed>,
    /// Its fields that are not children, with tag and length.
    own: Vec<Range<usize>>,
}

const RESOURCE_SPANS: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SPANS: u32 = 2;

/// Scans an encoded `ExportTraceServiceRequest`.
///
/// # Errors
/// When the bytes are no such message down to its spans: where a span, resource or scope begins and ends
/// must be known. What is inside of them is for [`ScannedSpan::malformed`].
pub fn scan(request: &[u8]) -> Result<Scan, Malformed> {
    let mut found = Scan::default();
    let mut fields = Fields::new(request);
    while let Some((number, value)) = fields.next()? {
        if number != RESOURCE_SPANS {
            continue;
        }
        let message = value.bytes(number)?;
        let end = request.len() - fields.remaining();
        scan_resource(&mut found, message, end - message.len())?;
    }
    Ok(found)
}

fn scan_resource(found: &mut Scan, message: &[u8], at: usize) -> Result<(), Malformed> {
    let resource = found.resources.len();
    let (head, _) = header(message)?;
    found.resources.push(Envelope {
        parent: 0,
        malformed: check::message(head, &RESOURCE).err(),
        own: Vec::new(),
    });
    let mut fields = Fields::new(message);
    let mut before = 0;
    while let Some((number, value)) = fields.next()? {
        let end = message.len() - fields.remaining();
        if number == SCOPE_SPANS {
            let child = value.bytes(number)?;
            scan_scope(found, resource, child, at + end - child.len())?;
        } else {
            found.resources[resource].own.push(at + before..at + end);
        }
        before = end;
    }
    Ok(())
}

fn scan_scope(
    found: &mut Scan,
    resource: usize,
    message: &[u8],
    at: usize,
) -> Result<(), Malformed> {
    let scope = found.scopes.len();
    let (head, _) = header(message)?;
    let malformed = found.resources[resource]
        .malformed
        .or_else(|| check::message(head, &SCOPE).err());
    found.scopes.push(Envelope {
        parent: resource,
        malformed,
        own: Vec::new(),
    });
    let mut fields = Fields::new(message);
    let mut before = 0;
    while let Some((number, value)) = fields.next()? {
        let end = message.len() - fields.remaining();
        if number == SPANS {
            let child = value.bytes(number)?;
            let start = at + end - child.len();
            found.spans.push(scan_span(child, start, scope, malformed));
        } else {
            found.scopes[scope].own.push(at + before..at + end);
        }
        before = end;
    }
    Ok(())
}

fn scan_span(message: &[u8], at: usize, scope: usize, malformed: Option<Malformed>) -> ScannedSpan {
    let mut ids = Ids::default();
    let own = ids.find(message).err();
    let Ids { trace, span } = ids;
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    ScannedSpan {
        trace_id: trace
            .try_into()
            .ok()
            .map(TraceId)
            .filter(|id| !id.is_zero()),
        span_id: span.try_into().ok().map(SpanId).filter(|id| !id.is_zero()),
        trace_id_bytes: length(trace),
        span_id_bytes: length(span),
        range: at..at + message.len(),
        malformed: malformed.or(own),
        scope,
    }
}

/// A span's ids, as far as it could be read.
#[derive(Default)]
struct Ids<'a> {
    trace: &'a [u8],
    span: &'a [u8],
}

impl<'a> Ids<'a> {
    /// Walks the whole span and keeps the ids met on the way.
    fn find(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        let mut fields = Fields::new(message);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => self.trace = value.bytes(number)?,
                2 => self.span = value.bytes(number)?,
                _ => check::field(number, value, &SPAN)?,
            }
        }
        Ok(())
    }
}

impl Scan {
    /// The same request with only the spans `keep` says yes to (by index into [`Scan::spans`]);
    /// envelopes that lose all their spans go too. Span bytes are copied as they are.
    #[must_use]
    pub fn reframe(&self, request: &[u8], keep: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut scopes = vec![Vec::new(); self.scopes.len()];
        for (at, span) in self.spans.iter().enumerate().filter(|(at, _)| keep(*at)) {
            let message = &mut scopes[span.scope];
            if message.is_empty() {
                copy_own(message, request, &self.scopes[span.scope]);
            }
            put_bytes(message, SPANS, &request[self.spans[at].range.clone()]);
        }
        let mut resources = vec![Vec::new(); self.resources.len()];
        for (scope, message) in self
            .scopes
            .iter()
            .zip(&scopes)
            .filter(|(_, message)| !message.is_empty())
        {
            let resource = &mut resources[scope.parent];
            if resource.is_empty() {
                copy_own(resource, request, &self.resources[scope.parent]);
            }
            put_bytes(resource, SCOPE_SPANS, message);
        }
        let mut out = Vec::with_capacity(request.len());
        for resource in resources.iter().filter(|resource| !resource.is_empty()) {
            put_bytes(&mut out, RESOURCE_SPANS, resource);
        }
        out
    }
}

fn copy_own(out: &mut Vec<u8>, request: &[u8], envelope: &Envelope) {
    for range in &envelope.own {
        out.extend_from_slice(&request[range.clone()]);
    }
}

#[cfg(test)]
mod tests;
