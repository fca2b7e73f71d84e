//! Where the pages of `data.parquet` lie, from its footer and page index.

use std::ops::Range;

use bytes::Bytes;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

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

/// The pages of one column chunk in file order, its dictionary (if any) first.
pub(crate) fn of(footer: &ParquetMetaData, group: usize, leaf: usize) -> Result<Vec<Page>, Error> {
    let none = Error::Footer("a column has no page index");
    let index = footer.page_index().ok_or(none)?;
    let Some(locations) = index.page_locations(group, leaf) else {
        return Err(Error::Footer("a column has no page index"));
    };
    let chunk = footer.row_group(group);
    let (start, length) = chunk.column(leaf).byte_range();
    let rows = row(chunk.num_rows())?;
    let mut pages = Vec::with_capacity(locations.len() + 1);
    if let Some(first) = locations.first()
        && offset(first.offset)? > start
    {
        pages.push(Page {
            bytes: start..offset(first.offset)?,
            rows: 0..rows,
            dictionary: true,
        });
    }
    for (at, location) in locations.iter().enumerate() {
        let begin = offset(location.offset)?;
        let size = u64::try_from(location.compressed_page_size)
            .map_err(|_| Error::Footer("a page has a negative size"))?;
        let end = begin.saturating_add(size);
        if end > start.saturating_add(length) {
            return Err(Error::Footer("a page leaves its column"));
        }
        let last = match locations.get(at + 1) {
            Some(next) => row(next.first_row_index)?,
            None => rows,
        };
        pages.push(Page {
            bytes: begin..end,
            rows: row(location.first_row_index)?..last,
            dictionary: false,
        });
    }
    Ok(pages)
}

fn row(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::Footer("a row number does not fit 32 bits"))
}

fn offset(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| Error::Footer("an offset is negative"))
}
