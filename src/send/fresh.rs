//! New ids and new times for old spans.

use std::hash::{BuildHasher as _, RandomState};

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};

/// What changes in every span of one pass over a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    /// Mixed into every trace id, links included, so that what belonged together still does. Zero keeps ids.
    pub(super) salt: u128,
    /// Added to every time, in nanoseconds.
    pub(super) shift: i64,
}

/// A number that no other pass has.
pub(super) fn salt() -> u128 {
    let half = |number: u8| u128::from(RandomState::new().hash_one(number));
    (half(0) << 64 | half(1)).max(1)
}

impl Change {
    pub(super) fn apply(self, resources: &mut [ResourceSpans]) {
        if self.salt == 0 && self.shift == 0 {
            return;
        }
        for span in spans_mut(resources) {
            self.apply_to_span(span);
        }
    }

    fn apply_to_span(self, span: &mut Span) {
        self.renew(&mut span.trace_id);
        self.move_time(&mut span.start_time_unix_nano);
        self.move_time(&mut span.end_time_unix_nano);
        for event in &mut span.events {
            self.move_time(&mut event.time_unix_nano);
        }
        for link in &mut span.links {
            self.renew(&mut link.trace_id);
        }
    }

    fn renew(self, id: &mut Vec<u8>) {
        if let Ok(bytes) = <[u8; 16]>::try_from(id.as_slice()) {
            let number = u128::from_be_bytes(bytes);
            *id = (number ^ self.salt).to_be_bytes().to_vec();
        }
    }

    fn move_time(self, time: &mut u64) {
        *time = time.saturating_add_signed(self.shift);
    }
}

pub(super) fn spans(resources: &[ResourceSpans]) -> impl Iterator<Item = &Span> {
    resources
        .iter()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
}

fn spans_mut(resources: &mut [ResourceSpans]) -> impl Iterator<Item = &mut Span> {
    resources
        .iter_mut()
        .flat_map(|resource| &mut resource.scope_spans)
        .flat_map(|scope| &mut scope.spans)
}
