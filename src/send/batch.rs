//! Cuts spans into requests of a given size, keeping resource and scope.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

/// Collects spans until a request is full.
#[derive(Debug)]
pub(super) struct Batcher {
    size: usize,
    held: usize,
    request: ExportTraceServiceRequest,
}

impl Batcher {
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            held: 0,
            request: ExportTraceServiceRequest::default(),
        }
    }

    /// Adds spans; gives every full request to `full`.
    pub(super) fn add<E>(
        &mut self,
        resource: ResourceSpans,
        mut full: impl FnMut(ExportTraceServiceRequest) -> Result<(), E>,
    ) -> Result<(), E> {
        for scope in &resource.scope_spans {
            let mut spans = scope.spans.as_slice();
            while !spans.is_empty() {
                let (now, later) = spans.split_at(spans.len().min(self.size - self.held));
                self.put(&resource, scope, now);
                spans = later;
                if self.held == self.size {
                    full(self.take())?;
                }
            }
        }
        Ok(())
    }

    /// What is left at the end.
    pub(super) fn rest(&mut self) -> Option<ExportTraceServiceRequest> {
        (self.held > 0).then(|| self.take())
    }

    fn take(&mut self) -> ExportTraceServiceRequest {
        self.held = 0;
        std::mem::take(&mut self.request)
    }

    fn put(
        &mut self,
        resource: &ResourceSpans,
        scope: &ScopeSpans,
        spans: &[opentelemetry_proto::tonic::trace::v1::Span],
    ) {
        self.held += spans.len();
        let scope = ScopeSpans {
            scope: scope.scope.clone(),
            schema_url: scope.schema_url.clone(),
            spans: spans.to_vec(),
        };
        match self.request.resource_spans.last_mut() {
            Some(last)
                if last.resource == resource.resource && last.schema_url == resource.schema_url =>
            {
                last.scope_spans.push(scope);
            }
            _ => self.request.resource_spans.push(ResourceSpans {
                resource: resource.resource.clone(),
                schema_url: resource.schema_url.clone(),
                scope_spans: vec![scope],
            }),
        }
    }
}
