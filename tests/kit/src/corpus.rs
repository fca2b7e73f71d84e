//! Recorded requests: a file of frames, each a length and an `ExportTraceServiceRequest`.
//!
//! A replay changes ids and times where they lie in the encoded request, so that sending a
//! million spans costs the sender copies and nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

/// The requests of one file.
#[derive(Debug)]
pub struct Corpus {
    frames: Vec<Frame>,
    newest: u64,
}

#[derive(Debug)]
struct Frame {
    request: Bytes,
    spans: usize,
    /// Where sixteen bytes of a trace id begin, of spans and of links.
    trace_ids: Vec<usize>,
    /// Where eight bytes of a time begin, of spans and of events.
    times: Vec<usize>,
}

/// How a replay differs from what was recorded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Replay {
    /// Another salt gives other trace ids; zero keeps them.
    pub salt: u64,
    /// Added to every time, in nanoseconds.
    pub shift: i64,
}

impl Corpus {
    /// Reads a file of frames (`u32` length, little endian, then the request), packed by zstd.
    ///
    /// # Errors
    /// When the file is not one.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        let mut bytes = Vec::new();
        zstd::Decoder::new(file)?.read_to_end(&mut bytes)?;
        let bytes = Bytes::from(bytes);
        let mut frames = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let length = bytes
                .get(at..at + 4)
                .context("a frame without its length")?;
            let length = u32::from_le_bytes(length.try_into()?) as usize;
            ensure!(at + 4 + length <= bytes.len(), "a frame is cut short");
            frames.push(Frame::new(bytes.slice(at + 4..at + 4 + length))?);
            at += 4 + length;
        }
        let newest = frames.iter().filter_map(Frame::newest).max().unwrap_or(0);
        Ok(Self { frames, newest })
    }

    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Spans of one request.
    #[must_use]
    pub fn spans_of(&self, index: usize) -> usize {
        self.frames.get(index).map_or(0, |frame| frame.spans)
    }

    /// Spans of all requests.
    #[must_use]
    pub fn spans(&self) -> usize {
        self.frames.iter().map(|frame| frame.spans).sum()
    }

    /// The newest time in the file, in nanoseconds since 1970.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// One request, as recorded or changed.
    ///
    /// # Panics
    /// When there is no such request.
    #[must_use]
    pub fn request(&self, index: usize, replay: Replay) -> Bytes {
        let frame = &self.frames[index];
        if replay.salt == 0 && replay.shift == 0 {
            return frame.request.clone();
        }
        let mut bytes = frame.request.to_vec();
        let salt = replay
            .salt
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .to_le_bytes();
        for &at in &frame.trace_ids {
            for (byte, salt) in bytes[at..at + 8].iter_mut().zip(salt) {
                *byte ^= salt;
            }
        }
        for &at in &frame.times {
            let shifted = time_at(&bytes, at).wrapping_add_signed(replay.shift);
            bytes[at..at + 8].copy_from_slice(&shifted.to_le_bytes());
        }
        bytes.into()
    }
}

impl Frame {
    fn new(request: Bytes) -> anyhow::Result<Self> {
        let mut frame = Self {
            request: request.clone(),
            spans: 0,
            trace_ids: Vec::new(),
            times: Vec::new(),
        };
        for resource in children(&request, 0..request.len(), 1)? {
            for scope in children(&request, resource, 2)? {
                for span in children(&request, scope, 2)? {
                    frame.spans += 1;
                    frame.mark(&request, span)?;
                }
            }
        }
        Ok(frame)
    }

    fn mark(&mut self, request: &[u8], span: Range<usize>) -> anyhow::Result<()> {
        for (number, field) in fields(request, span)? {
            match number {
                1 => self.trace_ids.push(field.start),
                7 | 8 => self.times.push(field.start),
                11 => self.times.extend(
                    children(request, field, 1)?
                        .into_iter()
                        .map(|time| time.start),
                ),
                13 => self
                    .trace_ids
                    .extend(children(request, field, 1)?.into_iter().map(|id| id.start)),
                _ => {}
            }
        }
        Ok(())
    }

    fn newest(&self) -> Option<u64> {
        self.times
            .iter()
            .map(|&at| time_at(&self.request, at))
            .max()
    }
}

fn time_at(bytes: &[u8], at: usize) -> u64 {
    let mut time = [0; 8];
    time.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(time)
}

/// The fields of the message in `range` that have the number `wanted`.
fn children(bytes: &[u8], range: Range<usize>, wanted: u64) -> anyhow::Result<Vec<Range<usize>>> {
    let all = fields(bytes, range)?;
    Ok(all
        .into_iter()
        .filter(|(number, _)| *number == wanted)
        .map(|(_, field)| field)
        .collect())
}

/// Number and content of every field of the message in `range`.
fn fields(bytes: &[u8], range: Range<usize>) -> anyhow::Result<Vec<(u64, Range<usize>)>> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let tag = varint(bytes, &mut at)?;
        let length = match tag & 7 {
            0 => {
                let start = at;
                varint(bytes, &mut at)?;
                found.push((tag >> 3, start..at));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(bytes, &mut at)?)?,
            5 => 4,
            other => bail!("wire type {other}"),
        };
        ensure!(at + length <= range.end, "a field is cut short");
        found.push((tag >> 3, at..at + length));
        at += length;
    }
    Ok(found)
}

fn varint(bytes: &[u8], at: &mut usize) -> anyhow::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at).context("a number is cut short")?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    bail!("a number is too long")
}

/// How many spans of each trace a request holds, by the trace's id in hexadecimal.
///
/// # Errors
/// When it is not an export request.
pub fn spans_by_trace(request: &[u8]) -> anyhow::Result<BTreeMap<String, usize>> {
    let request = ExportTraceServiceRequest::decode(request)?;
    let mut traces = BTreeMap::new();
    for span in request
        .resource_spans
        .into_iter()
        .flat_map(|r| r.scope_spans)
        .flat_map(|s| s.spans)
    {
        let id = span
            .trace_id
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        *traces.entry(id).or_default() += 1;
    }
    Ok(traces)
}
