//! Pages are unpacked here, not in the Parquet decoder.
//!
//! The decoder makes a zstd context of each kind for every column it opens. Making one asks the CPU for its
//! features, which a virtual machine answers by leaving the guest: 12 us each, half of a point read.
//! One context serves a whole read instead. The decoder is told that nothing is compressed and gets each
//! page with its own header and plain content.

use std::io::Cursor;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use zstd::bulk::Decompressor;

use crate::Error;

/// Which columns of which row groups are packed, and the metadata that denies it.
pub(crate) fn disguise(
    footer: ParquetMetaData,
) -> Result<(ParquetMetaData, Vec<Vec<bool>>), Error> {
    let mut builder = footer.into_builder();
    let mut packed = Vec::new();
    let mut groups = Vec::new();
    for group in builder.take_row_groups() {
        let mut columns = Vec::with_capacity(group.num_columns());
        let mut plain = Vec::with_capacity(group.num_columns());
        for column in group.columns() {
            columns.push(match column.compression() {
                Compression::UNCOMPRESSED => false,
                Compression::ZSTD(_) => true,
                _ => return Err(Error::Footer("a column has an unknown compression")),
            });
            let column = column.clone().into_builder();
            let column = column.set_compression(Compression::UNCOMPRESSED).build();
            plain.push(column.map_err(Error::FooterDecode)?);
        }
        packed.push(columns);
        let group = group.into_builder().set_column_metadata(plain).build();
        groups.push(group.map_err(Error::FooterDecode)?);
    }
    Ok((builder.set_row_groups(groups).build(), packed))
}

/// A page may unpack to so many bytes, or to [`RATIO`] times its stored size if that is more.
const ALWAYS: usize = 256 << 20;
const RATIO: usize = 1_000;

/// Unpacks the pages of one read.
pub(crate) struct Unpacker(Option<Decompressor<'static>>);

impl Unpacker {
    pub(crate) fn new() -> Self {
        Self(None)
    }

    /// The page with plain content, or nothing if it is not what it says.
    pub(crate) fn unpack(&mut self, page: Bytes, packed: bool) -> Option<Bytes> {
        let (raw, stored) = sizes(&page)?;
        let header = page.len().checked_sub(stored)?;
        if !packed {
            return (raw == stored).then_some(page);
        }
        if raw > ALWAYS.max(stored.saturating_mul(RATIO)) {
            return None;
        }
        let mut out = Vec::with_capacity(header + raw);
        out.extend_from_slice(&page[..header]);
        if raw == 0 {
            return Some(out.into());
        }
        if self.0.is_none() {
            self.0 = Decompressor::new().ok();
        }
        let mut cursor = Cursor::new(out);
        cursor.set_position(header as u64);
        let written = self
            .0
            .as_mut()?
            .decompress_to_buffer(&page[header..], &mut cursor)
            .ok()?;
        (written == raw).then(|| cursor.into_inner().into())
    }
}

/// Unpacked and stored size of the content, from the page header: a Thrift struct in compact form whose
/// first three fields are 32-bit numbers (type, unpacked size, stored size).
fn sizes(page: &[u8]) -> Option<(usize, usize)> {
    let mut rest = page;
    let mut fields = [0; 3];
    for field in &mut fields {
        // One past the field before, type i32.
        rest = rest.strip_prefix(&[0x15])?;
        let length = rest.iter().take(5).position(|byte| *byte < 0x80)? + 1;
        let zigzag = rest[..length]
            .iter()
            .rev()
            .fold(0_u64, |number, byte| number << 7 | u64::from(byte & 0x7f));
        *field = usize::try_from(zigzag >> 1).ok()?;
        rest = &rest[length..];
    }
    Some((fields[1], fields[2]))
}
