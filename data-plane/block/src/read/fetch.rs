//! Bytes of `data.parquet` as the caller fetched them, and the checked pages among them.

use std::io::Cursor;
use std::ops::Range;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use crate::Error;

/// The answer to [`crate::Opened::ranges`]: the same ranges, or wider ones, with their bytes.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// Sorted by offset.
    parts: Vec<(u64, Bytes)>,
}

impl Fetched {
    /// Pairs ranges with their bytes.
    #[must_use]
    pub fn new(ranges: &[Range<u64>], bytes: impl IntoIterator<Item = Bytes>) -> Self {
        let mut parts: Vec<(u64, Bytes)> =
            ranges.iter().map(|range| range.start).zip(bytes).collect();
        parts.sort_unstable_by_key(|part| part.0);
        Self { parts }
    }

    /// The whole of `data.parquet`.
    #[must_use]
    pub fn whole(data: Bytes) -> Self {
        Self {
            parts: vec![(0, data)],
        }
    }

    pub(crate) fn get(&self, range: &Range<u64>) -> Result<Bytes, Error> {
        let missing = || Error::NotFetched {
            start: range.start,
            end: range.end,
        };
        let before = self.parts.partition_point(|part| part.0 <= range.start);
        let (offset, bytes) = &self.parts[before.checked_sub(1).ok_or_else(missing)?];
        let inside = |at: u64| usize::try_from(at - offset).unwrap_or(usize::MAX);
        let (start, end) = (inside(range.start), inside(range.end));
        match start <= end && end <= bytes.len() {
            true => Ok(bytes.slice(start..end)),
            false => Err(missing()),
        }
    }
}

/// Pages whose checksums match, unpacked: all that the Parquet decoder ever sees.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    size: u64,
    /// Sorted by offset.
    pages: Vec<(u64, Bytes)>,
}

impl Checked {
    pub(crate) fn new(size: u64, mut pages: Vec<(u64, Bytes)>) -> Self {
        pages.sort_unstable_by_key(|page| page.0);
        Self { size, pages }
    }

    fn at(&self, start: u64) -> ParquetResult<Bytes> {
        self.pages
            .binary_search_by_key(&start, |page| page.0)
            .map(|at| self.pages[at].1.clone())
            .map_err(|_| ParquetError::EOF(format!("no page at {start} was asked for")))
    }
}

impl Length for Checked {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Checked {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        self.at(start).map(Cursor::new)
    }

    /// The decoder reads page by page and asks for the stored length; it gets the page as it is unpacked.
    fn get_bytes(&self, start: u64, _length: usize) -> ParquetResult<Bytes> {
        self.at(start)
    }
}
