//! Trace files of every format we know, as OTLP.

mod attributes;
mod flat;
mod frames;
mod ids;
mod jaeger;
mod nezha;
mod otlp_json;
mod tracetest;
mod zipkin;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use serde_json::Value;

/// A format of trace files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// OTLP export requests in protobuf, each behind its length as a little-endian u32.
    OtlpProto,
    /// OTLP export requests in JSON: one, or one after the other.
    OtlpJson,
    /// Jaeger's JSON, as its UI downloads it and its query API answers.
    Jaeger,
    /// Zipkin's v2 JSON: an array of spans.
    Zipkin,
    /// Tracetest's nested JSON.
    Tracetest,
    /// Flat JSON spans, one a line, with the field names of OTLP (F5's otlp-arrow data).
    FlatJson,
    /// Nezha's CSV.
    Nezha,
}

/// Pieces of a file, in its order.
pub(super) type Pieces = Box<dyn Iterator<Item = anyhow::Result<Vec<ResourceSpans>>> + Send>;

/// Opens a file, unpacks it if it is compressed, and reads it as `format` or as what it looks like.
///
/// # Errors
/// When it cannot be read or looks like nothing we know.
pub(super) fn open(path: &Path, format: Option<Format>) -> anyhow::Result<Pieces> {
    open_unnamed(path, format).with_context(|| format!("cannot read `{}`", path.display()))
}

fn open_unnamed(path: &Path, format: Option<Format>) -> anyhow::Result<Pieces> {
    let mut file = unpacked(BufReader::new(File::open(path)?))?;
    let format = match format {
        Some(format) => format,
        None => detect(&mut file)?,
    };
    if format == Format::OtlpProto {
        return Ok(Box::new(frames::Frames::new(file)));
    }
    if format == Format::Nezha {
        return Ok(Box::new(nezha::Rows::new(file)?));
    }
    // A JSON value can only be read whole.
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    match format {
        Format::OtlpJson => otlp_json::read(&text),
        Format::Jaeger => jaeger::read(&text),
        Format::Zipkin => zipkin::read(&text),
        Format::Tracetest => tracetest::read(&text),
        Format::FlatJson => flat::read(&text),
        Format::OtlpProto | Format::Nezha => unreachable!("read as a stream above"),
    }
    .map(|piece| Box::new(std::iter::once(Ok(piece))) as Pieces)
}

type Source = Box<dyn BufRead + Send>;

/// Looks at the first bytes, not at the name.
fn unpacked(mut file: BufReader<File>) -> anyhow::Result<Source> {
    let start = file.fill_buf()?;
    Ok(if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file)))
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(BufReader::new(zstd::Decoder::with_buffer(file)?))
    } else {
        Box::new(file)
    })
}

/// What a file looks like.
fn detect(file: &mut Source) -> anyhow::Result<Format> {
    let start = file.fill_buf()?;
    if start.starts_with(b"TraceID,SpanID,") {
        return Ok(Format::Nezha);
    }
    match start.trim_ascii_start().first() {
        Some(b'{' | b'[') => {
            let json = String::from_utf8_lossy(start);
            detect_json(&json).context("it is JSON of no format we know; name one with `--format`")
        }
        // The length of the first frame, which then starts with field 1 of its message.
        Some(_) if matches!(start, [_, _, _, _, 0x0a, ..]) => Ok(Format::OtlpProto),
        _ => anyhow::bail!("it is of no format we know; name one with `--format`"),
    }
}

/// The key that comes first and that only one format has.
fn detect_json(start: &str) -> Option<Format> {
    const SIGNS: [(&str, Format); 9] = [
        ("\"resourceSpans\"", Format::OtlpJson),
        ("\"resource_spans\"", Format::OtlpJson),
        ("\"RootSpan\"", Format::Tracetest),
        ("\"processes\"", Format::Jaeger),
        ("\"spanID\"", Format::Jaeger),
        ("\"traceID\"", Format::Jaeger),
        ("\"span_id\"", Format::FlatJson),
        ("\"traceId\"", Format::Zipkin),
        ("\"localEndpoint\"", Format::Zipkin),
    ];
    SIGNS
        .iter()
        .filter_map(|(key, format)| Some((start.find(key)?, *format)))
        .min_by_key(|(at, _)| *at)
        .map(|(_, format)| format)
}

/// The JSON values of a file, one after the other: a whole file and JSON lines are the same.
fn values(text: &[u8]) -> impl Iterator<Item = anyhow::Result<Value>> {
    serde_json::Deserializer::from_slice(text)
        .into_iter()
        .map(|value| value.context("it is not JSON"))
}
