//! Span columns in, a block out: order the traces, cut row groups, choose encodings, encode, index.

mod arrays;
mod coding;
mod overflow;

use std::ops::Range;

use arrow::array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::ParquetMetaData;
use takt_model::UnixNano;
use takt_trace::SpanColumns;

use crate::index::catalogue::{Catalogue, Scope, keys_of};
use crate::index::groups::{self, Group, Seal};
use crate::index::{self, Header, tables, traces, values};
use crate::layout::{Layout, Leaf};
use crate::meta::{FORMAT, Meta, Native, Spec, VERSION};
use crate::{Error, pages};
use arrays::{Source, table};

/// A row group ends with the first trace that brings it to so many spans.
const GROUP_ROWS: u32 = 128 << 10;

/// The three objects of a block. `meta` is to be stored last: its presence makes the block.
#[derive(Debug, Clone)]
pub struct Encoded {
    pub meta: Meta,
    /// `data.parquet`.
    pub data: Bytes,
    /// `index`.
    pub index: Bytes,
}

/// Writes the spans of `columns`, which may be in any order, as one block.
///
/// # Errors
/// When there are no spans, or more of something than the format can count.
pub fn write(columns: &SpanColumns, spec: &Spec) -> Result<Encoded, Error> {
    write_groups(columns, spec, GROUP_ROWS)
}

/// [`write()`] with row groups of about `group_rows` spans instead of 128 Ki.
///
/// # Errors
/// As [`write()`].
pub fn write_groups(columns: &SpanColumns, spec: &Spec, group_rows: u32) -> Result<Encoded, Error> {
    if columns.is_empty() {
        return Err(Error::Empty);
    }
    let columns = takt_trace::reorder::cluster(columns);
    let cuts = cut(&columns, group_rows);
    let ends: Vec<u32> = cuts.iter().map(|cut| cut.rows.end).collect();
    let rows = values::rows(&columns, &ends);
    let mut catalogue = catalogue(&columns, &rows);
    let layout = Layout::new(&catalogue);
    let texts = overflow::texts(&columns, &catalogue, &layout);
    catalogue.codings = coding::choose(&columns, &layout, &texts);

    let (data, batches) = encode(&columns, &layout, &catalogue, &texts, &cuts)?;
    let size = data.len() as u64;
    let footer = pages::footer(&data, size)?;
    let tail = pages::tail_start(&footer).ok_or(Error::Footer("there is no page index"))?;
    let header = Header {
        block: spec.block,
        data_size: size,
        tail_size: size - tail,
        tail_crc: crc32fast::hash(&data[place(tail)..]),
    };
    let groups = describe(&columns, &cuts, &footer, tail, &data, &layout, &batches)?;
    let index = index::seal(
        &header,
        [
            groups::put(&groups),
            traces::put(&columns),
            tables::put_resources(&columns.resources),
            tables::put_scopes(&columns.scopes),
            catalogue.put(),
            values::put(&columns, &catalogue, &rows),
        ],
    )?;
    Ok(Encoded {
        meta: meta(&columns, spec, &header, &data, &index, &groups)?,
        data,
        index,
    })
}

/// Rows and traces of one row group.
struct Cut {
    rows: Range<u32>,
    traces: Range<u32>,
}

fn cut(columns: &SpanColumns, group_rows: u32) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let (mut rows, mut traces) = (0..0_u32, 0..0_u32);
    for spans in &columns.traces.spans {
        rows.end += spans;
        traces.end += 1;
        if rows.end - rows.start >= group_rows {
            cuts.push(Cut {
                rows: rows.clone(),
                traces: traces.clone(),
            });
            rows.start = rows.end;
            traces.start = traces.end;
        }
    }
    if !rows.is_empty() {
        cuts.push(Cut { rows, traces });
    }
    cuts
}

fn catalogue(columns: &SpanColumns, rows: &[values::Rows; 5]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for (at, scope) in Scope::ALL.into_iter().enumerate() {
        let total = match scope {
            Scope::Span | Scope::Resource | Scope::Instrumentation => columns.len(),
            Scope::Event => columns.events.span.len(),
            Scope::Link => columns.links.span.len(),
        };
        catalogue.keys[at] = keys_of(table(columns, scope), total as u64, |row| {
            rows[at].weight(row)
        });
    }
    catalogue
}

/// The file, and its row groups as they went in.
fn encode(
    columns: &SpanColumns,
    layout: &Layout,
    catalogue: &Catalogue,
    texts: &[Option<overflow::Texts>],
    cuts: &[Cut],
) -> Result<(Bytes, Vec<RecordBatch>), Error> {
    let source = Source {
        columns,
        layout,
        schema: layout.written(),
        texts,
    };
    let options = ArrowWriterOptions::new()
        .with_properties(coding::properties(layout, &catalogue.codings)?)
        // Foreign readers shall see plain types; ours know them from the index.
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), source.schema.clone(), options)
        .map_err(Error::Encode)?;
    let mut batches = Vec::with_capacity(cuts.len());
    for cut in cuts {
        let batch = source.batch(cut.rows.clone())?;
        writer.write(&batch).map_err(Error::Encode)?;
        writer.flush().map_err(Error::Encode)?;
        batches.push(batch);
    }
    Ok((writer.into_inner().map_err(Error::Encode)?.into(), batches))
}

fn describe(
    columns: &SpanColumns,
    cuts: &[Cut],
    footer: &ParquetMetaData,
    tail: u64,
    data: &Bytes,
    layout: &Layout,
    batches: &[RecordBatch],
) -> Result<Vec<Group>, Error> {
    let group = |(at, (cut, batch)): (usize, (&Cut, &RecordBatch))| {
        let span = cut.rows.start as usize..cut.rows.end as usize;
        let starts = columns.start[span.clone()].iter().copied();
        let durations = columns.duration[span].iter().copied();
        let leaves = layout.leaves.iter().enumerate();
        Ok(Group {
            rows: cut.rows.end - cut.rows.start,
            traces: cut.traces.end - cut.traces.start,
            start: starts.min().unwrap_or(0),
            end: cut
                .rows
                .clone()
                .map(|row| columns.end(row))
                .max()
                .unwrap_or(0),
            duration_max: durations.max().unwrap_or(0),
            pages: leaves
                .map(|(leaf, described)| {
                    let pages = pages::of(footer, tail, at, leaf)?;
                    let seal = |page| seal(page, data, described, batch);
                    Ok(pages.iter().map(seal).collect())
                })
                .collect::<Result<_, Error>>()?,
        })
    };
    cuts.iter().zip(batches).enumerate().map(group).collect()
}

fn seal(page: &pages::Page, data: &Bytes, leaf: &Leaf, batch: &RecordBatch) -> Seal {
    let bytes = &data[place(page.bytes.start)..place(page.bytes.end)];
    let rows = page.rows.start as usize..page.rows.end as usize;
    Seal {
        crc: crc32fast::hash(bytes),
        values: !page.dictionary && arrays::any(batch, leaf, rows),
    }
}

fn meta(
    columns: &SpanColumns,
    spec: &Spec,
    header: &Header,
    data: &Bytes,
    index: &Bytes,
    groups: &[Group],
) -> Result<Meta, Error> {
    let mut footer_size = [0; 4];
    footer_size.copy_from_slice(&data[data.len() - 8..data.len() - 4]);
    Ok(Meta {
        format: FORMAT.to_owned(),
        block: spec.block,
        tenant: spec.tenant.clone(),
        start: UnixNano(columns.traces.start.iter().copied().min().unwrap_or(0)),
        end: UnixNano(columns.traces.end.iter().copied().max().unwrap_or(0)),
        traces: columns.traces.len() as u64,
        size: header.data_size,
        compaction_level: spec.compaction_level,
        groups: u32::try_from(groups.len()).map_err(|_| Error::TooLarge("row groups"))?,
        footer_size: u32::from_le_bytes(footer_size),
        replication_factor: 1,
        takt: Native {
            version: VERSION,
            spans: columns.len() as u64,
            index_size: index.len() as u64,
            tail_size: header.tail_size,
            journal: spec.journal,
        },
    })
}

/// An offset into bytes that are in memory.
fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
