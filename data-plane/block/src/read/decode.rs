//! Fetched pages to span columns: check, unpack, decode.

use std::ops::Range;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection, RowSelector};
use takt_trace::{Projection, SpanColumns};

use super::fetch::{Checked, Fetched};
use super::unpack::Unpacker;
use super::{Opened, columns};
use crate::Error;

impl Opened {
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
                let content = unpacker
                    .unpack(content, self.packed[group][leaf])
                    .ok_or_else(|| damaged(leaf, "a page does not unpack"))?;
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
}
