//! Where the pages of `data.parquet` lie, from its footer and page index.

use std::ops::Range;

use bytes::Bytes;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};

use crate::Error;

/// One page of a column in a row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) bytes: Range<u64>,
    /// The rows of the group it holds; all of them for a dictionary.
    pub(crate) rows: Range<u32>,
    pub(crate) dictionary: bool,
}

/// Reads footer and page index from the end of the file.
pub(crate) fn footer(tail: &Bytes, size: u64) -> Result<ParquetMetaData, Error> {
    let mut reader = ParquetMetaDataReader::new()
        .with_column_index_policy(PageIndexPolicy::Skip)
        .with_offset_index_policy(PageIndexPolicy::Required);
    reader
        .try_parse_sized(tail, size)
        .map_err(Error::FooterDecode)?;
    reader.finish().map_err(Error::FooterDecode)
}

/// The first byte of the page index, from where on a reader needs the file's end.
pub(crate) fn tail_start(footer: &ParquetMetaData) -> Option<u64> {
    footer
        .row_groups()
        .iter()
        .flat_map(|group| group.columns())
        .flat_map(|column| [column.offset_index_offset(), column.column_index_offset()])
        .flatten()
        .min()
        .and_then(|offset| u64::try_from(offset).ok())
}

/// The pages of one column chunk in file order, its dictionary (if any) first. They must be in order,
/// hold every row once, and end before `data_end`.
pub(crate) fn of(
    footer: &ParquetMetaData,
    data_end: u64,
    group: usize,
    leaf: usize,
) -> Result<Vec<Page>, Error> {
    let index = footer.page_index();
    let locations = index
        .and_then(|index| index.page_locations(group, leaf))
        .filter(|locations| !locations.is_empty())
        .ok_or(Error::Footer("a column has no page index"))?;
    let rows = row(footer.row_group(group).num_rows())?;
    let chunk = chunk(footer.row_group(group).column(leaf), data_end)?;
    let mut pages = Vec::with_capacity(locations.len() + 1);
    let mut end = chunk.start;
    let first = offset(locations[0].offset)?;
    if first > chunk.start {
        i32::try_from(first - chunk.start)
            .map_err(|_| Error::Footer("a dictionary does not fit 31 bits"))?;
        pages.push(Page {
            bytes: chunk.start..first,
            rows: 0..rows,
            dictionary: true,
        });
        end = first;
    }
    let mut next_row = 0;
    for (at, location) in locations.iter().enumerate() {
        let begin = offset(location.offset)?;
        let size = u64::try_from(location.compressed_page_size)
            .map_err(|_| Error::Footer("a page has a negative size"))?;
        if begin < end {
            return Err(Error::Footer("a page overlaps the one before"));
        }
        end = begin.saturating_add(size);
        if end > chunk.end {
            return Err(Error::Footer("a page leaves its column"));
        }
        let first = row(location.first_row_index)?;
        let last = match locations.get(at + 1) {
            Some(next) => row(next.first_row_index)?,
            None => rows,
        };
        if first != next_row || first >= last {
            return Err(Error::Footer("the rows of the pages are out of order"));
        }
        next_row = last;
        pages.push(Page {
            bytes: begin..end,
            rows: first..last,
            dictionary: false,
        });
    }
    Ok(pages)
}

/// Where a column chunk lies. The `parquet` crate's own answer panics on negative numbers.
fn chunk(column: &ColumnChunkMetaData, data_end: u64) -> Result<Range<u64>, Error> {
    let start = column
        .dictionary_page_offset()
        .unwrap_or_else(|| column.data_page_offset());
    let start = offset(start)?;
    let end = start.saturating_add(offset(column.compressed_size())?);
    if end > data_end {
        return Err(Error::Footer("a column leaves the data"));
    }
    if column.num_values() < 0 {
        return Err(Error::Footer("a column has a negative number of values"));
    }
    Ok(start..end)
}

fn row(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Footer("a row number does not fit 32 bits"))
}

fn offset(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| Error::Footer("an offset or size is negative"))
}
