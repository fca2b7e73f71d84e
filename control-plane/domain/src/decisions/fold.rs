//! What each fact of a segment changes.

use takt_model::{Revision, UnixNano};

use super::{Event, Index, RetireReason, Row, Segment, SegmentId};
use crate::State;

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let decisions = &mut state.decisions;
    let tenant = event.tenant();
    if let Event::Cleared { .. } = event {
        if let Some(index) = decisions.tenants.remove(tenant) {
            for row in index.rows() {
                decisions.unfollow(tenant, row);
            }
        }
        return;
    }
    let mut index = decisions.tenants.get(tenant).cloned().unwrap_or_default();
    index.version = version;
    let mut retire = |index: &mut Index, segment: SegmentId, reason| {
        if let Some(before) = index.remove(segment) {
            decisions.unfollow(tenant, &before);
            let row = before.retire(reason, at, version);
            decisions.follow(tenant, &row);
            index.insert(row);
        }
    };
    match event {
        Event::Registered { segment, .. } => {
            let row = Row::new(Segment::clone(segment), at, version);
            decisions.follow(tenant, &row);
            index.insert(row);
        }
        Event::Superseded { replaced, by, .. } => {
            for segment in replaced {
                retire(&mut index, *segment, RetireReason::Superseded);
            }
            let row = Row::new(Segment::clone(by), at, version);
            decisions.follow(tenant, &row);
            index.insert(row);
        }
        Event::Retired {
            segment, reason, ..
        } => retire(&mut index, *segment, *reason),
        Event::Forgotten { segment, .. } => {
            if let Some(row) = index.remove(*segment) {
                decisions.unfollow(tenant, &row);
            }
        }
        Event::Cleared { .. } => {}
    }
    decisions.tenants.insert(tenant.clone(), index);
}
