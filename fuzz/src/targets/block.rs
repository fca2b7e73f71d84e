//! Blocks: three objects of any bytes are read or refused.
//!
//! `block` changes the objects as they are stored, where checksums catch nearly everything.
//! `block-index` changes what lies behind them: footer and sections of the index are sealed anew around
//! the changed bytes, as `docs/block-format.md` describes.

use std::path::Path;

use bytes::Bytes;
use takt_block::{Error, Fetched, Meta, Opened, Scope, Spec};
use takt_model::{BlockId, TenantId};
use takt_testkit::{Corpus, Replay};
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::{Projection, SpanColumns};

use super::otlp::first_spans;
use super::{Effect, Target, effect};

/// Magic, version, block id, data size, tail size, checksum of the tail, number of sections.
const FIXED: usize = 8 + 4 + 16 + 8 + 8 + 4 + 4;
/// Where size and checksum of the tail stand.
const TAIL: usize = 8 + 4 + 16 + 8;
const SECTIONS: usize = 6;

pub(super) fn stored(golden: &Path) -> anyhow::Result<Target> {
    Ok(Target {
        name: "block",
        seeds: blocks(golden)?
            .iter()
            .map(|block| pack(&[&block.meta, &block.index, &block.data]))
            .collect(),
        words: &[
            b"\"size\":0",
            b"\"tailSize\":1",
            b"\xff\xff\xff\xff",
            b"\x00\x00\x00\x00\x00\x00\x00\x00",
        ],
        run: run_stored,
    })
}

pub(super) fn index(golden: &Path) -> anyhow::Result<Target> {
    let mut seeds = Vec::new();
    for block in blocks(golden)? {
        let sections = sections(&block.index)?;
        let mut parts: Vec<&[u8]> = vec![&block.meta, &block.data, &block.index[..FIXED]];
        parts.extend(sections.iter().map(Vec::as_slice));
        seeds.push(pack(&parts));
    }
    Ok(Target {
        name: "block-index",
        seeds,
        words: &[
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x00",
            b"\x80\x80\x80\x80\x08",
            b"\xff\xff\xff\xff",
        ],
        run: run_index,
    })
}

fn run_stored(input: &[u8]) -> Effect {
    match unpack::<3>(input) {
        Some([meta, index, data]) => effect(&read(meta, index.to_vec(), data)),
        None => 0,
    }
}

fn run_index(input: &[u8]) -> Effect {
    const PARTS: usize = 3 + SECTIONS;
    let Some([meta, data, head, sections @ ..]) = unpack::<PARTS>(input) else {
        return 0;
    };
    if head.len() != FIXED {
        return 0;
    }
    // The tail a reader would fetch, so that its checksum lets a changed footer through.
    let tail = match Meta::from_json(meta) {
        Ok(meta) => slice(data, Opened::footer_range(&meta)),
        Err(_) => Bytes::new(),
    };
    effect(&read(meta, seal(head, &tail, &sections), data))
}

/// Everything a reader does with a block; what happened, without numbers.
fn read(meta: &[u8], index: Vec<u8>, data: &[u8]) -> String {
    let outcome = Meta::from_json(meta).and_then(|meta| {
        let tail = slice(data, Opened::footer_range(&meta));
        let opened = Opened::parse(meta, &Bytes::from(index), &tail)?;
        everything(&opened, &Fetched::whole(Bytes::copy_from_slice(data)))
    });
    match outcome {
        Ok(spans) => format!("{spans} spans"),
        Err(error) => error
            .to_string()
            .chars()
            .filter(|c| !c.is_ascii_digit())
            .take(100)
            .collect(),
    }
}

fn everything(opened: &Opened, data: &Fetched) -> Result<usize, Error> {
    let mut spans = 0;
    for scope in [Scope::Span, Scope::Resource] {
        for key in opened.keys(scope) {
            opened.values(scope, &key.name)?;
        }
    }
    for group in 0..opened.groups().min(4) {
        std::hint::black_box(opened.group_times(group));
        opened.ranges(group, &Projection::All, None)?;
        let columns = opened.decode(group, &Projection::All, None, data)?;
        for id in &columns.traces.id {
            std::hint::black_box(opened.find(*id));
        }
        spans += columns.len();
    }
    Ok(spans)
}

/// A block as stored.
struct Stored {
    meta: Vec<u8>,
    index: Bytes,
    data: Bytes,
}

/// Small blocks of the corpus, each of a few spans.
fn blocks(golden: &Path) -> anyhow::Result<Vec<Stored>> {
    let corpus = Corpus::open(&golden.join("shop-3k.otlp.zst"))?;
    let mut blocks = Vec::new();
    for request in 0..corpus.len().min(3) {
        let request = first_spans(&corpus.request(request, Replay::default()));
        let mut columns = SpanColumns::default();
        Decoder::default().append(
            &mut columns,
            &request,
            &DecodeLimits {
                max_attribute_bytes: 0,
            },
        )?;
        let spec = Spec {
            block: "5d1e8a44-06b8-4a3a-8e1e-2f1f0a1c0b11".parse::<BlockId>()?,
            tenant: TenantId::new("single-tenant")?,
            journal: None,
            compaction_level: 0,
        };
        let block = takt_block::write_groups(&columns, &spec, 3)?;
        blocks.push(Stored {
            meta: block.meta.to_json(),
            index: block.index,
            data: block.data,
        });
    }
    Ok(blocks)
}

/// The sections of an index, unpacked.
fn sections(index: &[u8]) -> anyhow::Result<Vec<Vec<u8>>> {
    const ENTRY: usize = 4 + 8 + 8 + 4;
    let mut at = FIXED + SECTIONS * ENTRY + 4;
    let mut sections = Vec::new();
    for entry in index[FIXED..FIXED + SECTIONS * ENTRY].chunks(ENTRY) {
        let length = usize::try_from(u64::from_le_bytes(entry[4..12].try_into()?))?;
        sections.push(zstd::decode_all(&index[at..at + length])?);
        at += length;
    }
    Ok(sections)
}

/// An index around sections, with the checksums of its own bytes and of the footer right.
fn seal(head: &[u8], tail: &[u8], sections: &[&[u8]]) -> Vec<u8> {
    let mut out = head.to_vec();
    out[TAIL..TAIL + 8].copy_from_slice(&(tail.len() as u64).to_le_bytes());
    out[TAIL + 8..TAIL + 12].copy_from_slice(&crc32fast::hash(tail).to_le_bytes());
    let stored: Vec<_> = sections
        .iter()
        .map(|raw| zstd::bulk::compress(raw, 1).unwrap_or_default())
        .collect();
    for ((kind, raw), stored) in (1_u32..).zip(sections).zip(&stored) {
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&(stored.len() as u64).to_le_bytes());
        out.extend_from_slice(&(raw.len() as u64).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(stored).to_le_bytes());
    }
    out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
    out.extend(stored.into_iter().flatten());
    out
}

/// The part of `data` in `range` that exists.
fn slice(data: &[u8], range: std::ops::Range<u64>) -> Bytes {
    let inside = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(data.len());
    Bytes::copy_from_slice(&data[inside(range.start)..inside(range.end)])
}

/// Parts one after the other, each behind its length.
fn pack(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn unpack<const N: usize>(mut input: &[u8]) -> Option<[&[u8]; N]> {
    let mut parts = [&[][..]; N];
    for part in &mut parts {
        let (length, rest) = input.split_first_chunk::<4>()?;
        let (content, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        *part = content;
        input = rest;
    }
    Some(parts)
}
