//! Whether index and footer fit each other, before a number of theirs is used.

use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::file::metadata::ParquetMetaData;

use crate::index::Sealed;
use crate::index::groups::Group;
use crate::index::traces::Traces;
use crate::layout::Layout;
use crate::meta::Meta;
use crate::{Error, pages};

/// What a row takes at least: its span id, which is stored as it is.
const ROW_BYTES: u64 = 8;

pub(super) fn tail(meta: &Meta, sealed: &Sealed, footer: &Bytes) -> Result<(), Error> {
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
pub(super) fn groups(
    groups: &[Group],
    traces: &Traces,
    parquet: &ParquetMetaData,
    layout: &Layout,
    meta: &Meta,
) -> Result<(), Error> {
    let damaged = |why| Err(Error::index("groups", why));
    if groups.len() != parquet.num_row_groups() {
        return damaged("their number is not that of the footer");
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
    if row > meta.size / ROW_BYTES {
        return damaged("the data cannot hold so many rows");
    }
    match trace == traces.len() as u64 && row == u64::from(traces.rows()) {
        true => Ok(()),
        false => damaged("traces are left over"),
    }
}

/// The footer must describe the columns of the layout, and pages within the data.
pub(super) fn footer(parquet: &ParquetMetaData, layout: &Layout, meta: &Meta) -> Result<(), Error> {
    let schema = parquet.file_metadata().schema_descr();
    let expected = ArrowSchemaConverter::new()
        .convert(&layout.written())
        .map_err(Error::FooterDecode)?;
    if schema.root_schema() != expected.root_schema() {
        return Err(Error::Footer("its columns are not those of the index"));
    }
    for (at, group) in parquet.row_groups().iter().enumerate() {
        if group.num_columns() != layout.leaves.len() {
            return Err(Error::Footer("a row group has not all columns"));
        }
        for leaf in 0..layout.leaves.len() {
            pages::of(parquet, meta.tail().start, at, leaf)?;
        }
    }
    Ok(())
}
