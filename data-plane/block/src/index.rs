//! The `index` object: a header, a table of sections, the sections; every byte under a CRC.
//!
//! The layout is described byte by byte in `docs/block-format.md`; this file and its children are that page in code.

pub(crate) mod catalogue;
pub(crate) mod groups;
pub(crate) mod tables;
pub(crate) mod traces;
pub(crate) mod values;

use std::io::Read as _;

use bytes::Bytes;
use takt_model::BlockId;

use crate::Error;
use crate::codec::{In, Out};
use crate::meta::VERSION;

const MAGIC: [u8; 8] = *b"TAKTIDX\n";
/// Magic, version, block id, data size, tail size, tail CRC, number of sections.
const FIXED: usize = 8 + 4 + 16 + 8 + 8 + 4 + 4;
/// Kind, stored bytes, raw bytes, CRC of the stored bytes.
const ENTRY: usize = 4 + 8 + 8 + 4;
/// Sections compress well at a level whose cost is a few milliseconds a block.
const LEVEL: i32 = 6;
/// A section may unpack to so many bytes, or to [`RATIO`] times its stored size if that is more.
const ALWAYS: usize = 1 << 20;
const RATIO: usize = 64;

/// The parts of an index, by the number they have in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Section {
    Groups = 1,
    Traces = 2,
    Resources = 3,
    Scopes = 4,
    Catalogue = 5,
    Values = 6,
}

impl Section {
    const ALL: [Self; 6] = [
        Self::Groups,
        Self::Traces,
        Self::Resources,
        Self::Scopes,
        Self::Catalogue,
        Self::Values,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Traces => "traces",
            Self::Resources => "resources",
            Self::Scopes => "scopes",
            Self::Catalogue => "catalogue",
            Self::Values => "values",
        }
    }
}

/// What the index says of the files beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) block: BlockId,
    pub(crate) data_size: u64,
    pub(crate) tail_size: u64,
    pub(crate) tail_crc: u32,
}

/// Joins sections, given in the order of [`Section::ALL`], to an index.
pub(crate) fn seal(header: &Header, sections: [Vec<u8>; 6]) -> Result<Bytes, Error> {
    let too_large = |_| Error::TooLarge("an index section does not compress");
    let stored = sections
        .iter()
        .map(|raw| pack(raw).map_err(too_large))
        .collect::<Result<Vec<_>, _>>()?;
    let mut out = Out::default();
    out.raw(&MAGIC);
    out.raw(&VERSION.to_le_bytes());
    out.raw(header.block.0.as_bytes());
    out.raw(&header.data_size.to_le_bytes());
    out.raw(&header.tail_size.to_le_bytes());
    out.raw(&header.tail_crc.to_le_bytes());
    out.raw(&6_u32.to_le_bytes());
    for ((section, raw), stored) in Section::ALL.iter().zip(&sections).zip(&stored) {
        out.raw(&(*section as u32).to_le_bytes());
        out.raw(&(stored.len() as u64).to_le_bytes());
        out.raw(&(raw.len() as u64).to_le_bytes());
        out.raw(&crc32fast::hash(stored).to_le_bytes());
    }
    let crc = crc32fast::hash(&out.0);
    out.raw(&crc.to_le_bytes());
    for stored in &stored {
        out.raw(stored);
    }
    Ok(out.0.into())
}

/// One zstd frame, and a skippable one behind it where the first is smaller than readers accept for so many bytes.
fn pack(raw: &[u8]) -> std::io::Result<Vec<u8>> {
    const SKIPPABLE: u32 = 0x184d_2a50;
    let mut out = zstd::bulk::compress(raw, LEVEL)?;
    if raw.len() > most(out.len()) {
        let padding = raw.len().div_ceil(RATIO) - out.len();
        let length = u32::try_from(padding).map_err(std::io::Error::other)?;
        out.extend_from_slice(&SKIPPABLE.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.resize(out.len() + padding, 0);
    }
    Ok(out)
}

/// The most that so many stored bytes may unpack to.
fn most(stored: usize) -> usize {
    ALWAYS.max(stored.saturating_mul(RATIO))
}

/// An index whose header and checksums are sound; sections are unpacked on demand.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) header: Header,
    sections: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    kind: u32,
    bytes: Bytes,
    raw: u64,
}

impl Sealed {
    pub(crate) fn parse(index: &Bytes) -> Result<Self, Error> {
        let mut input = In::new("header", index);
        if input.array::<8>()? != MAGIC {
            return Err(input.damaged("it does not begin with the magic bytes"));
        }
        let version = u32::from_le_bytes(input.array()?);
        let header = Header {
            block: BlockId(uuid::Uuid::from_bytes(input.array()?)),
            data_size: u64::from_le_bytes(input.array()?),
            tail_size: u64::from_le_bytes(input.array()?),
            tail_crc: u32::from_le_bytes(input.array()?),
        };
        let sections = u32::from_le_bytes(input.array()?) as usize;
        let table = sections
            .checked_mul(ENTRY)
            .ok_or_else(|| input.damaged("it has too many sections"))?;
        let mut entries = In::new("header", input.raw(table)?);
        let head = FIXED + table;
        if u32::from_le_bytes(input.array()?) != crc32fast::hash(&index[..head]) {
            return Err(input.damaged("its checksum does not match"));
        }
        if version == 0 || version > VERSION {
            return Err(Error::Version(version));
        }
        let mut at = (head + 4) as u64;
        let mut stored = Vec::with_capacity(sections);
        for _ in 0..sections {
            stored.push(Stored::parse(&mut entries, index, &mut at)?);
        }
        match at == index.len() as u64 {
            true => Ok(Self {
                header,
                sections: stored,
            }),
            false => Err(input.damaged("the sections do not fill the file")),
        }
    }

    /// The bytes of a section.
    pub(crate) fn unpack(&self, section: Section) -> Result<Vec<u8>, Error> {
        let damaged = |why| Error::index(section.name(), why);
        let stored = self
            .sections
            .iter()
            .find(|stored| stored.kind == section as u32)
            .ok_or_else(|| damaged("it is missing"))?;
        let size = usize::try_from(stored.raw)
            .ok()
            .filter(|size| *size <= most(stored.bytes.len()))
            .ok_or_else(|| damaged("it is larger than its stored bytes can hold"))?;
        let decoder = zstd::Decoder::with_buffer(&*stored.bytes)
            .map_err(|_| damaged("it does not decompress"))?;
        let mut raw = Vec::with_capacity(size);
        decoder
            .take(stored.raw.saturating_add(1))
            .read_to_end(&mut raw)
            .map_err(|_| damaged("it does not decompress"))?;
        match raw.len() as u64 == stored.raw {
            true => Ok(raw),
            false => Err(damaged("it has not the size the header says")),
        }
    }
}

impl Stored {
    fn parse(entries: &mut In<'_>, index: &Bytes, at: &mut u64) -> Result<Self, Error> {
        let kind = u32::from_le_bytes(entries.array()?);
        let length = u64::from_le_bytes(entries.array()?);
        let raw = u64::from_le_bytes(entries.array()?);
        let crc = u32::from_le_bytes(entries.array()?);
        let part = Section::ALL
            .iter()
            .find(|section| **section as u32 == kind)
            .map_or("unknown section", |section| section.name());
        let end = at
            .checked_add(length)
            .filter(|end| *end <= index.len() as u64)
            .ok_or_else(|| Error::index(part, "it ends too early"))?;
        let inside = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = index.slice(inside(*at)..inside(end));
        *at = end;
        match crc32fast::hash(&bytes) == crc {
            true => Ok(Self { kind, bytes, raw }),
            false => Err(Error::index(part, "its checksum does not match")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(section: Vec<u8>) -> Bytes {
        let header = Header {
            block: BlockId(uuid::Uuid::nil()),
            data_size: 0,
            tail_size: 0,
            tail_crc: 0,
        };
        let mut sections: [Vec<u8>; 6] = Default::default();
        sections[Section::Values as usize - 1] = section;
        seal(&header, sections).unwrap()
    }

    #[test]
    fn a_section_that_packs_too_well_is_padded_and_comes_back() {
        for size in [0, ALWAYS, ALWAYS + 1, 40 << 20] {
            let index = sealed(vec![7; size]);
            let back = Sealed::parse(&index).unwrap().unpack(Section::Values);
            assert_eq!(back.unwrap(), vec![7; size]);
        }
    }

    #[test]
    fn a_section_that_would_fill_the_memory_is_refused() {
        let mut sealed = Sealed::parse(&sealed(vec![7; 64])).unwrap();
        let values = &mut sealed.sections[Section::Values as usize - 1];
        values.bytes = zstd::bulk::compress(&vec![7; 40 << 20], 1).unwrap().into();
        values.raw = 40 << 20;
        assert_eq!(
            sealed.unpack(Section::Values).unwrap_err().to_string(),
            "the index is damaged in `values`: it is larger than its stored bytes can hold"
        );
    }
}
