//! Which pages a projection of some rows needs.

use std::ops::Range;

use takt_trace::{Column, Projection};

use super::Opened;
use crate::index::catalogue::{Catalogue, Key, Place, Scope};
use crate::index::groups::Seal;
use crate::layout::{Child, Fixed, What};
use crate::{Error, pages};

impl Opened {
    /// The bytes of `data.parquet` that [`Opened::decode`] needs, ascending, adjacent ones joined.
    ///
    /// # Errors
    /// When there is no such row group or `rows` cut a trace.
    pub fn ranges(
        &self,
        group: usize,
        projection: &Projection,
        rows: Option<Range<u32>>,
    ) -> Result<Vec<Range<u64>>, Error> {
        let (rows, _) = self.window(group, rows)?;
        let leaves = self.leaves(group, projection, &rows)?;
        let pages = leaves.into_iter().flat_map(|(_, pages)| pages);
        let mut ranges: Vec<_> = pages.map(|(_, page)| page.bytes).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, range| {
            let joins = range.end >= next.start;
            if joins {
                range.end = range.end.max(next.end);
            }
            joins
        });
        Ok(ranges)
    }

    /// The leaf columns a projection needs, ascending, with their pages. A column that has no value
    /// in these rows is left out: its absence reads the same.
    pub(super) fn leaves(
        &self,
        group: usize,
        projection: &Projection,
        rows: &Range<u32>,
    ) -> Result<Vec<(usize, Pages)>, Error> {
        let mut leaves = Vec::new();
        for (at, leaf) in self.layout.leaves.iter().enumerate() {
            if rows.is_empty() || !needed(leaf.what, projection, &self.catalogue) {
                continue;
            }
            let pages = self.pages(group, at, rows)?;
            if leaf.always() || pages.iter().any(|(seal, _)| seal.values) {
                leaves.push((at, pages));
            }
        }
        Ok(leaves)
    }

    /// The pages of a column that hold some of the rows, with their checksums.
    fn pages(&self, group: usize, leaf: usize, rows: &Range<u32>) -> Result<Pages, Error> {
        let seals = self.groups[group].pages[leaf].iter().copied();
        let pages = pages::of(self.parquet.metadata(), self.meta.tail().start, group, leaf)?;
        if seals.len() != pages.len() {
            return Err(Error::Footer("pages and checksums differ in number"));
        }
        let wanted = |(_, page): &(Seal, pages::Page)| {
            page.rows.start < rows.end && rows.start < page.rows.end
        };
        Ok(seals.zip(pages).filter(wanted).collect())
    }

    /// Rows within the group and traces within the block.
    pub(super) fn window(
        &self,
        group: usize,
        rows: Option<Range<u32>>,
    ) -> Result<(Range<u32>, Range<u32>), Error> {
        let known = self.groups.get(group).ok_or(Error::NoGroup(group))?;
        let Some(rows) = rows else {
            return Ok((0..known.rows, self.group_traces(group)));
        };
        let base = self.firsts[group].1;
        let boundary = |row: u32| {
            let row = row.checked_add(base)?;
            let at = self.traces.first.binary_search(&row).ok()?;
            u32::try_from(at).ok()
        };
        match (boundary(rows.start), boundary(rows.end)) {
            (Some(first), Some(last)) if first <= last && rows.end <= known.rows => {
                Ok((rows, first..last))
            }
            _ => Err(Error::Rows {
                group,
                start: rows.start,
                end: rows.end,
            }),
        }
    }
}

/// Pages of one column with what the index knows of them.
pub(super) type Pages = Vec<(Seal, pages::Page)>;

fn needed(what: What, projection: &Projection, catalogue: &Catalogue) -> bool {
    let has = |column| projection.has(&column);
    let overflows = |scope, column: fn(String) -> Column| match projection {
        Projection::All => true,
        Projection::Only(_) => catalogue.of(scope).iter().any(|key: &Key| {
            let rare = |typed: &crate::Typed| typed.place == Place::Overflow;
            key.types.iter().any(rare) && projection.has(&column(key.name.clone()))
        }),
    };
    let attr = |scope: Scope, key: usize| catalogue.of(scope)[key].name.clone();
    match what {
        What::Fixed(fixed) => match fixed {
            // What these say is in the index.
            Fixed::TraceId | Fixed::ScopeName | Fixed::ScopeVersion => false,
            Fixed::SpanId => has(Column::SpanId),
            Fixed::ParentSpanId => has(Column::ParentId),
            Fixed::ParentRow => has(Column::Parent),
            Fixed::Start => has(Column::Start),
            Fixed::Duration => has(Column::Duration),
            Fixed::Name => has(Column::Name),
            Fixed::Kind => has(Column::Kind),
            Fixed::StatusCode => has(Column::Status),
            Fixed::StatusMessage => has(Column::StatusMessage),
            Fixed::ResourceRow => has(Column::Resource),
            Fixed::ScopeRow => has(Column::Scope),
            Fixed::TraceState
            | Fixed::Flags
            | Fixed::DroppedAttributes
            | Fixed::DroppedEvents
            | Fixed::DroppedLinks => has(Column::Rest),
        },
        What::Child(Scope::Event, Child::Time | Child::Name) => has(Column::Events),
        What::Child(_, Child::TraceId | Child::SpanId) => has(Column::Links),
        What::Child(..) => has(Column::Rest),
        What::Attr(Scope::Span, key, _) => has(Column::Attr(attr(Scope::Span, key))),
        What::Attr(Scope::Event, key, _) => has(Column::EventAttr(attr(Scope::Event, key))),
        What::Attr(Scope::Link, key, _) => has(Column::LinkAttr(attr(Scope::Link, key))),
        What::Overflow(Scope::Span) => overflows(Scope::Span, Column::Attr),
        What::Overflow(Scope::Event) => overflows(Scope::Event, Column::EventAttr),
        What::Overflow(Scope::Link) => overflows(Scope::Link, Column::LinkAttr),
        What::Attr(Scope::Resource | Scope::Instrumentation, ..)
        | What::Overflow(Scope::Resource | Scope::Instrumentation) => false,
    }
}
