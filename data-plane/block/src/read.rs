//! A block opened from its meta, its index and the end of its data; spans by row group and projection.

mod answers;
mod check;
mod columns;
mod decode;
mod fetch;
mod needs;
mod unpack;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use takt_model::{TimeRange, TraceId};
use takt_trace::{ResourceTable, ScopeTable, TraceSummary};

use crate::index::catalogue::Catalogue;
use crate::index::groups::{self, Group};
use crate::index::traces::Traces;
use crate::index::values::Values;
use crate::index::{Sealed, Section, tables};
use crate::layout::Layout;
use crate::meta::Meta;
use crate::{Error, pages};
pub use fetch::Fetched;

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
        check::tail(&meta, &sealed, footer)?;
        let groups = groups::take(&sealed.unpack(Section::Groups)?)?;
        let traces = Traces::take(&sealed.unpack(Section::Traces)?)?;
        let resources = tables::take_resources(&sealed.unpack(Section::Resources)?)?;
        let scopes = tables::take_scopes(&sealed.unpack(Section::Scopes)?)?;
        let catalogue = Catalogue::take(&sealed.unpack(Section::Catalogue)?)?;
        let layout = Layout::new(&catalogue);
        let parquet = pages::footer(footer, meta.size)?;
        check::groups(&groups, &traces, &parquet, &layout, &meta)?;
        check::footer(&parquet, &layout, &meta)?;
        let (parquet, packed) = unpack::disguise(parquet)?;
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

    /// The ids of all traces, by their number in the block.
    #[must_use]
    pub fn trace_ids(&self) -> &[TraceId] {
        &self.traces.id
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

    #[must_use]
    pub fn resources(&self) -> &ResourceTable {
        &self.resources
    }

    #[must_use]
    pub fn scopes(&self) -> &ScopeTable {
        &self.scopes
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
