//! A block opened from its meta, its index and the end of its data; spans by row group and projection.

mod columns;
mod fetch;
mod unpack;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use takt_model::{TimeRange, TraceId};
use takt_trace::{
    Column, Projection, ResourceTable, ScopeTable, SpanColumns, TraceSummary, ValueRef,
};

use crate::index::catalogue::{Catalogue, Key, Place, Scope};
use crate::index::groups::{self, Group, Seal};
use crate::index::traces::Traces;
use crate::index::values::{Counted, Intrinsic, Values, same};
use crate::index::{Sealed, Section, tables};
use crate::layout::{Child, Fixed, Layout, What};
use crate::meta::Meta;
use crate::{Error, pages};
use fetch::Checked;
pub use fetch::Fetched;
use unpack::{Unpacker, disguise};

/// A block ready to be asked.
#[derive(Debug)]
pub struct Opened {
    meta: Meta,
    sealed: Sealed,
    groups: Vec<Group>,
    /// First trace and first row of each group; one more at the end.
    firsts: Vec<(u32, u32)>,
    traces: Traces,
    resources: ResourceTable,
    scopes: ScopeTable,
    catalogue: Catalogue,
    layout: Layout,
    /// Says of no column that it is packed; `packed` (by group and leaf column) does.
    parquet: ArrowReaderMetadata,
    packed: Vec<Vec<bool>>,
    values: OnceLock<Values>,
}

/// Where a trace is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The trace's number in the block.
    pub trace: u32,
    pub group: usize,
    /// Its rows, counted from the start of the row group.
    pub rows: Range<u32>,
}

impl Opened {
    /// The bytes at the end of `data.parquet` that [`Opened::parse`] takes as `footer`.
    #[must_use]
    pub fn footer_range(meta: &Meta) -> Range<u64> {
        meta.tail()
    }

    /// # Errors
    /// When one of the three does not fit the others, is damaged, or is of a version to come.
    pub fn parse(meta: Meta, index: &Bytes, footer: &Bytes) -> Result<Self, Error> {
        let sealed = Sealed::parse(index)?;
        check_tail(&meta, &sealed, footer)?;
        let groups = groups::take(&sealed.unpack(Section::Groups)?)?;
        let traces = Traces::take(&sealed.unpack(Section::Traces)?)?;
        let resources = tables::take_resources(&sealed.unpack(Section::Resources)?)?;
        let scopes = tables::take_scopes(&sealed.unpack(Section::Scopes)?)?;
        let catalogue = Catalogue::take(&sealed.unpack(Section::Catalogue)?)?;
        let layout = Layout::new(&catalogue);
        let parquet = pages::footer(footer, meta.size)?;
        check_groups(&groups, &traces, &parquet, &layout)?;
        let (parquet, packed) = disguise(parquet)?;
        let options = ArrowReaderOptions::new().with_schema(layout.read(&catalogue.codings)?);
        let parquet = ArrowReaderMetadata::try_new(Arc::new(parquet), options)
            .map_err(Error::FooterDecode)?;
        Ok(Self {
            firsts: firsts(&groups),
            meta,
            sealed,
            groups,
            traces,
            resources,
            scopes,
            catalogue,
            layout,
            parquet,
            packed,
            values: OnceLock::new(),
        })
    }

    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Bytes held in memory, for the cache's budget.
    #[must_use]
    pub fn memory(&self) -> usize {
        let pages: usize = self.groups.iter().flat_map(|group| &group.pages).count();
        self.traces.memory()
            + self.resources.attrs.memory()
            + self.scopes.attrs.memory()
            + usize::try_from(self.meta.takt.index_size).unwrap_or(usize::MAX)
            + self.parquet.metadata().memory_size()
            + 64 * pages
    }

    /// The number of row groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The number of spans in a row group.
    #[must_use]
    pub fn group_rows(&self, group: usize) -> u32 {
        self.groups.get(group).map_or(0, |group| group.rows)
    }

    /// From the earliest start to the latest end of a row group's spans.
    #[must_use]
    pub fn group_times(&self, group: usize) -> TimeRange {
        self.groups.get(group).map_or(TimeRange::ALL, Group::times)
    }

    /// The longest duration of a span in a row group, in nanoseconds.
    #[must_use]
    pub fn group_duration_max(&self, group: usize) -> u64 {
        self.groups
            .get(group)
            .map_or(u64::MAX, |group| group.duration_max)
    }

    /// The number of traces.
    #[must_use]
    pub fn traces(&self) -> usize {
        self.traces.len()
    }

    #[must_use]
    pub fn find(&self, id: TraceId) -> Option<Located> {
        self.traces.find(id).map(|trace| self.locate(trace))
    }

    /// # Panics
    /// When the block has no such trace.
    #[must_use]
    pub fn locate(&self, trace: u32) -> Located {
        let group = self.firsts.partition_point(|first| first.0 <= trace) - 1;
        let base = self.firsts[group].1;
        let at = trace as usize;
        Located {
            trace,
            group,
            rows: self.traces.first[at] - base..self.traces.first[at + 1] - base,
        }
    }

    /// The traces of a row group by their number in the block.
    #[must_use]
    pub fn group_traces(&self, group: usize) -> Range<u32> {
        match (self.firsts.get(group), self.firsts.get(group + 1)) {
            (Some(first), Some(next)) => first.0..next.0,
            _ => 0..0,
        }
    }

    /// What a search result shows of a trace, from the index alone.
    ///
    /// # Panics
    /// When the block has no such trace.
    #[must_use]
    pub fn summary(&self, trace: u32) -> TraceSummary {
        self.traces.summary(trace)
    }

    /// The attribute keys of a scope with their types and counts.
    #[must_use]
    pub fn keys(&self, scope: Scope) -> &[Key] {
        self.catalogue.of(scope)
    }

    #[must_use]
    pub fn resources(&self) -> &ResourceTable {
        &self.resources
    }

    #[must_use]
    pub fn scopes(&self) -> &ScopeTable {
        &self.scopes
    }

    /// The distinct values of an attribute with counts, or nothing if there are too many for the index
    /// or some are arrays or the like. A key the block does not have has no values.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn values(&self, scope: Scope, key: &str) -> Result<Option<Vec<&Counted>>, Error> {
        let Some(at) = self.key(scope, key) else {
            return Ok(Some(Vec::new()));
        };
        let mut all = Vec::new();
        for held in self.all_values()?.attr(scope, at) {
            match held {
                Some(values) => all.extend(values),
                None => return Ok(None),
            }
        }
        Ok(Some(all))
    }

    /// The distinct values of a field every span (or event) has, or nothing if there are too many for the index.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn intrinsic(&self, intrinsic: Intrinsic) -> Result<Option<&[Counted]>, Error> {
        Ok(self.all_values()?.intrinsic(intrinsic))
    }

    /// Whether a row group may have a span (event, link) with this value. False is certain.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn group_may_have(
        &self,
        group: usize,
        scope: Scope,
        key: &str,
        value: ValueRef<'_>,
    ) -> Result<bool, Error> {
        let held = self.values(scope, key)?;
        let seen = |counted: &&Counted| {
            same(&counted.value, value) && counted.groups.get(group).is_some_and(|count| *count > 0)
        };
        Ok(held.is_none_or(|values| values.iter().any(seen)))
    }

    fn all_values(&self) -> Result<&Values, Error> {
        if let Some(values) = self.values.get() {
            return Ok(values);
        }
        let bytes = self.sealed.unpack(Section::Values)?;
        let values = Values::take(&bytes, &self.catalogue, self.groups.len())?;
        Ok(self.values.get_or_init(|| values))
    }

    fn key(&self, scope: Scope, name: &str) -> Option<usize> {
        let keys = self.catalogue.of(scope);
        keys.iter().position(|key| key.name == name)
    }

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

    /// Spans of a row group. Filled is what the projection names, and always: the traces, `trace`,
    /// `previous`, and the tables of resources and scopes. `rows` must begin and end with a trace.
    ///
    /// # Errors
    /// When bytes are missing or damaged, or `rows` cut a trace.
    pub fn decode(
        &self,
        group: usize,
        projection: &Projection,
        rows: Option<Range<u32>>,
        bytes: &Fetched,
    ) -> Result<SpanColumns, Error> {
        let (rows, traces) = self.window(group, rows)?;
        let mut out = columns::skeleton(&self.traces, traces);
        out.resources = self.resources.clone();
        out.scopes = self.scopes.clone();
        let damaged = |leaf: usize, why| Error::Data {
            column: self.layout.leaves[leaf].name.clone(),
            group,
            why,
        };
        let mut leaves = Vec::new();
        let mut checked = Vec::new();
        let mut unpacker = Unpacker::new();
        for (leaf, pages) in self.leaves(group, projection, &rows)? {
            for (seal, page) in pages {
                let content = bytes.get(&page.bytes)?;
                if crc32fast::hash(&content) != seal.crc {
                    return Err(damaged(leaf, "the checksum of a page does not match"));
                }
                let content = match self.packed[group][leaf] {
                    true => unpacker
                        .unpack(&content)
                        .ok_or_else(|| damaged(leaf, "a page does not unpack"))?,
                    false => content,
                };
                checked.push((page.bytes.start, content));
            }
            leaves.push(leaf);
        }
        if leaves.is_empty() {
            return Ok(out);
        }
        let batch = self.batch(group, &leaves, &rows, Checked::new(self.meta.size, checked))?;
        let target = columns::Target {
            out: &mut out,
            group,
            catalogue: &self.catalogue,
            projection,
        };
        target.fill(&self.layout, &leaves, &batch)?;
        Ok(out)
    }

    fn batch(
        &self,
        group: usize,
        leaves: &[usize],
        rows: &Range<u32>,
        pages: Checked,
    ) -> Result<arrow::array::RecordBatch, Error> {
        let failed = |source| Error::DataDecode { group, source };
        let all = self.groups[group].rows;
        let (start, end) = (rows.start as usize, rows.end as usize);
        let mut selectors = vec![RowSelector::select(end - start)];
        if start > 0 {
            selectors.insert(0, RowSelector::skip(start));
        }
        if end < all as usize {
            selectors.push(RowSelector::skip(all as usize - end));
        }
        let mask = ProjectionMask::leaves(self.parquet.parquet_schema(), leaves.iter().copied());
        let mut reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(pages, self.parquet.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_row_selection(RowSelection::from(selectors))
                .with_batch_size(end - start)
                .build()
                .map_err(failed)?;
        match reader.next() {
            Some(Ok(batch)) if batch.num_rows() == end - start => Ok(batch),
            Some(Err(error)) => Err(failed(error.into())),
            Some(Ok(_)) | None => Err(Error::Footer("a row group has fewer rows than it says")),
        }
    }

    /// The pages of a column that hold some of the rows, with their checksums.
    fn pages(&self, group: usize, leaf: usize, rows: &Range<u32>) -> Result<Pages, Error> {
        let seals = self.groups[group].pages[leaf].iter().copied();
        let pages = pages::of(self.parquet.metadata(), group, leaf)?;
        if seals.len() != pages.len() {
            return Err(Error::Footer("pages and checksums differ in number"));
        }
        let wanted = |(_, page): &(Seal, pages::Page)| {
            page.rows.start < rows.end && rows.start < page.rows.end
        };
        Ok(seals.zip(pages).filter(wanted).collect())
    }

    /// Rows within the group and traces within the block.
    fn window(
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

    /// The leaf columns a projection needs, ascending, with their pages. A column that has no value
    /// in these rows is left out: its absence reads the same.
    fn leaves(
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
}

/// Pages of one column with what the index knows of them.
type Pages = Vec<(Seal, pages::Page)>;

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

fn firsts(groups: &[Group]) -> Vec<(u32, u32)> {
    let mut firsts = vec![(0, 0)];
    for group in groups {
        let (trace, row) = firsts[firsts.len() - 1];
        firsts.push((trace + group.traces, row + group.rows));
    }
    firsts
}

fn check_tail(meta: &Meta, sealed: &Sealed, footer: &Bytes) -> Result<(), Error> {
    let header = &sealed.header;
    if header.block != meta.block {
        return Err(Error::index("header", "it belongs to another block"));
    }
    if header.data_size != meta.size || header.tail_size != footer.len() as u64 {
        return Err(Error::Footer("its size is not the one the index says"));
    }
    if header.tail_crc != crc32fast::hash(footer) {
        return Err(Error::Footer("its checksum does not match"));
    }
    Ok(())
}

/// Index and footer must tell the same story, and the sums must not overflow.
fn check_groups(
    groups: &[Group],
    traces: &Traces,
    parquet: &parquet::file::metadata::ParquetMetaData,
    layout: &Layout,
) -> Result<(), Error> {
    let damaged = |why| Err(Error::index("groups", why));
    if groups.len() != parquet.num_row_groups() {
        return damaged("their number is not that of the footer");
    }
    if parquet.file_metadata().schema_descr().num_columns() != layout.leaves.len() {
        return damaged("the columns are not those of the footer");
    }
    let (mut trace, mut row) = (0_u64, 0_u64);
    for (group, parquet) in groups.iter().zip(parquet.row_groups()) {
        if i64::from(group.rows) != parquet.num_rows() {
            return damaged("a group has not the rows of the footer");
        }
        if group.pages.len() != layout.leaves.len() {
            return damaged("a group has not the columns of the catalogue");
        }
        trace += u64::from(group.traces);
        row += u64::from(group.rows);
        let at = usize::try_from(trace).unwrap_or(usize::MAX);
        if traces.first.get(at).copied().map(u64::from) != Some(row) {
            return damaged("a group does not end with a trace");
        }
    }
    match trace == traces.len() as u64 && row == u64::from(traces.rows()) {
        true => Ok(()),
        false => damaged("traces are left over"),
    }
}
