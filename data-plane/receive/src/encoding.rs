//! Unpacking of compressed requests: what a request may grow to is bounded while it grows.

use std::io::Read;

use bytes::Bytes;
use takt_kit::Reservation;

use crate::refusal::Refusal;

/// How a request is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
    Snappy,
    /// Called `deflate` or `zlib`; senders disagree whether a zlib header belongs there, so both are read.
    Deflate,
}

/// What `Accept-Encoding` says when an encoding is refused.
pub(crate) const SUPPORTED: &str = "gzip, zstd, snappy, deflate, zlib, identity";

/// The window a zstd frame may ask for: 8 MiB, what RFC 9659 allows as a content encoding.
const ZSTD_WINDOW_LOG: u32 = 23;
const SNAPPY_FRAMED: &[u8] = b"\xff\x06\x00\x00sNaPpY";
const FIRST_CHUNK: usize = 64 << 10;

impl Encoding {
    pub(crate) fn parse(name: &[u8]) -> Result<Self, Refusal> {
        let name = name.trim_ascii().to_ascii_lowercase();
        match name.as_slice() {
            b"" | b"identity" => Ok(Self::Identity),
            b"gzip" | b"x-gzip" => Ok(Self::Gzip),
            b"zstd" => Ok(Self::Zstd),
            b"snappy" | b"x-snappy-framed" => Ok(Self::Snappy),
            b"deflate" | b"zlib" => Ok(Self::Deflate),
            other => Err(Refusal::Encoding(
                String::from_utf8_lossy(other).into_owned(),
            )),
        }
    }

    /// Unpacks a request of at most `limit` bytes; `held` grows by what the result takes.
    pub(crate) fn unpack(
        self,
        packed: Bytes,
        limit: usize,
        held: &mut Reservation,
    ) -> Result<Bytes, Refusal> {
        match self {
            Self::Identity => Ok(packed),
            Self::Gzip => self.read(flate2::read::MultiGzDecoder::new(&packed[..]), limit, held),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(&packed[..])
                    .map_err(|error| self.corrupt(error))?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG)
                    .map_err(|error| self.corrupt(error))?;
                self.read(decoder, limit, held)
            }
            // A framed stream of nothing is nothing.
            Self::Snappy if packed.is_empty() => Ok(packed),
            Self::Snappy if packed.starts_with(SNAPPY_FRAMED) => {
                self.read(snap::read::FrameDecoder::new(&packed[..]), limit, held)
            }
            Self::Snappy => self.unpack_snappy_block(&packed, limit, held),
            Self::Deflate if has_zlib_header(&packed) => {
                self.read(flate2::read::ZlibDecoder::new(&packed[..]), limit, held)
            }
            Self::Deflate => self.read(flate2::read::DeflateDecoder::new(&packed[..]), limit, held),
        }
    }

    fn read(
        self,
        mut packed: impl Read,
        limit: usize,
        held: &mut Reservation,
    ) -> Result<Bytes, Refusal> {
        let mut out = Vec::new();
        loop {
            // One byte past the limit is enough to know that there is more.
            let most = (limit + 1).saturating_sub(out.len());
            let room = out.len().max(FIRST_CHUNK).min(most);
            held.grow(room).map_err(|_| Refusal::Busy)?;
            out.reserve_exact(room);
            let read = packed
                .by_ref()
                .take(room as u64)
                .read_to_end(&mut out)
                .map_err(|error| self.corrupt(error))?;
            if out.len() > limit {
                return Err(Refusal::UnpackedTooLarge { limit });
            }
            if read < room {
                return Ok(Bytes::from(out));
            }
        }
    }

    fn unpack_snappy_block(
        self,
        packed: &[u8],
        limit: usize,
        held: &mut Reservation,
    ) -> Result<Bytes, Refusal> {
        let length =
            snap::raw::decompress_len(packed).map_err(|error| self.corrupt(error.into()))?;
        if length > limit {
            return Err(Refusal::UnpackedTooLarge { limit });
        }
        held.grow(length).map_err(|_| Refusal::Busy)?;
        snap::raw::Decoder::new()
            .decompress_vec(packed)
            .map(Bytes::from)
            .map_err(|error| self.corrupt(error.into()))
    }

    fn corrupt(self, error: std::io::Error) -> Refusal {
        let encoding = match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::Deflate => "deflate",
        };
        Refusal::Corrupt { encoding, error }
    }
}

/// RFC 1950: method 8, and the first two bytes are a multiple of 31.
fn has_zlib_header(packed: &[u8]) -> bool {
    match packed {
        [first, second, ..] => {
            first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
