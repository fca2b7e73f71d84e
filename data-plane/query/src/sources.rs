//! What a query reads: the live segments and the blocks of its tenants, each span in one of the two.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use takt_block::Meta;
use takt_live::{Live, Segment};
use takt_model::{BlockId, TenantId, TimeRange};
use takt_store::BlockList;

/// Parts of one trace further apart in time than this are not looked for.
pub(crate) const REACH: Duration = Duration::from_secs(30 * 60);

/// A consistent picture of everything kept.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub(crate) segments: Vec<Segment>,
    /// Newest end first.
    pub(crate) blocks: Vec<Arc<Meta>>,
}

impl Sources {
    /// Live first, then blocks: what moves in between is then in both, and the block is left out
    /// here because its segment is still at hand. The other way round it could be in neither.
    pub(crate) fn snapshot(live: &Live, list: &BlockList, tenants: &[TenantId]) -> Self {
        let segments: Vec<Segment> = tenants
            .iter()
            .flat_map(|tenant| live.segments(tenant))
            .collect();
        let at_hand: BTreeSet<BlockId> = segments.iter().filter_map(Segment::block).collect();
        let listed = tenants
            .iter()
            .flat_map(|tenant| list.snapshot(tenant).iter().cloned().collect::<Vec<_>>());
        let mut blocks: Vec<Arc<Meta>> = listed
            .filter(|meta| !at_hand.contains(&meta.block))
            .collect();
        blocks.sort_by_key(|meta| (Reverse(meta.end), meta.block));
        Self { segments, blocks }
    }

    /// Leaves out the blocks that hold nothing of `window`.
    pub(crate) fn within(mut self, window: TimeRange) -> Self {
        self.blocks
            .retain(|meta| window.overlaps(meta.start, meta.end));
        self
    }
}

/// `range` with [`REACH`] on both sides.
pub(crate) fn reached(range: TimeRange) -> TimeRange {
    TimeRange {
        start: range.start.minus(REACH),
        end: range.end.plus(REACH),
    }
}
