//! Bytes per column, and times to write, open and read, over a corpus file:
//! frames of a little-endian `u32` length and an encoded `ExportTraceServiceRequest`, zstd-packed if named `.zst`.
//!
//! `cargo run --release --example measure -- CORPUS [COPIES]` writes the block's three files beside the corpus
//! only if `--keep DIR` follows. With COPIES the corpus is taken several times, under other trace ids.

#![expect(clippy::print_stdout, reason = "an example speaks to a person")]
#![expect(clippy::disallowed_methods, reason = "an example may look at a clock")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use takt_block::{Encoded, Fetched, Opened, Spec};
use takt_model::{BlockId, TenantId};
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::{Column, Projection, SpanColumns};

/// The allocator of the binary: zstd's contexts are large, and what an allocator does with them shows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Times are the best of so many runs.
const RUNS: usize = 7;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().context("name a corpus file")?;
    let copies: u8 = args.next().map_or(Ok(1), |text| text.parse())?;
    let keep = args.next();
    let columns = load(&path, copies)?;
    let spans = columns.len();
    let spec = Spec {
        block: BlockId(uuid::Uuid::nil()),
        tenant: TenantId::single(),
        journal: None,
        compaction_level: 0,
    };
    let (time, block) = best(|| takt_block::write(&columns, &spec));
    let block = block?;
    println!(
        "{spans} spans, {} traces, {} row groups",
        block.meta.traces, block.meta.groups
    );
    table(&block, spans)?;
    println!(
        "write    {time:>12.3?}  {:.3} us/span",
        micros(time) / float(spans)
    );
    reads(&block)?;
    if let Some(directory) = keep {
        std::fs::write(format!("{directory}/data.parquet"), &block.data)?;
        std::fs::write(format!("{directory}/index"), &block.index)?;
        std::fs::write(format!("{directory}/meta.json"), block.meta.to_json())?;
    }
    Ok(())
}

fn load(path: &str, copies: u8) -> Result<SpanColumns> {
    let file = std::fs::read(path)?;
    let raw = match path.ends_with(".zst") {
        true => zstd::decode_all(&*file)?,
        false => file,
    };
    let mut columns = SpanColumns::default();
    let mut decoder = Decoder::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    let mut rest = raw.as_slice();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let (frame, tail) = tail.split_at_checked(length).context("a frame is cut")?;
        decoder.append(&mut columns, frame, &limits)?;
        rest = tail;
    }
    match copies {
        0 | 1 => Ok(columns),
        _ => repeat(&raw, copies),
    }
}

/// The corpus several times: each copy with other ids and a minute later.
fn repeat(raw: &[u8], copies: u8) -> Result<SpanColumns> {
    let mut columns = SpanColumns::default();
    let mut decoder = Decoder::default();
    let limits = DecodeLimits {
        max_attribute_bytes: 0,
    };
    for copy in 0..copies {
        let mut rest = raw;
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let (frame, tail) = tail.split_at_checked(length).context("a frame is cut")?;
            let mut request = opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest::default();
            prost::Message::merge(&mut request, frame)?;
            for span in request
                .resource_spans
                .iter_mut()
                .flat_map(|resource| &mut resource.scope_spans)
                .flat_map(|scope| &mut scope.spans)
            {
                span.trace_id.iter_mut().for_each(|byte| *byte ^= copy);
                span.span_id.iter_mut().for_each(|byte| *byte ^= copy);
                span.parent_span_id
                    .iter_mut()
                    .for_each(|byte| *byte ^= copy);
                span.start_time_unix_nano += u64::from(copy) * 60_000_000_000;
                span.end_time_unix_nano += u64::from(copy) * 60_000_000_000;
            }
            let frame = prost::Message::encode_to_vec(&request);
            decoder.append(&mut columns, &frame, &limits)?;
            rest = tail;
        }
    }
    Ok(columns)
}

fn table(block: &Encoded, spans: usize) -> Result<()> {
    let footer =
        parquet::file::metadata::ParquetMetaDataReader::new().parse_and_finish(&block.data)?;
    let mut columns = BTreeMap::<String, (i64, i64, String)>::new();
    for group in footer.row_groups() {
        for column in group.columns() {
            let entry = columns.entry(column.column_path().string()).or_default();
            entry.0 += column.compressed_size();
            entry.1 += column.uncompressed_size();
            entry.2 = format!("{:?}", column.encodings().collect::<Vec<_>>());
        }
    }
    let mut rows: Vec<_> = columns.into_iter().collect();
    rows.sort_by_key(|(_, (stored, ..))| std::cmp::Reverse(*stored));
    for (name, (stored, raw, encodings)) in &rows {
        println!(
            "{:>8.3} B/span {:>9.3} raw  {name}  {encodings}",
            float(*stored) / float(spans),
            float(*raw) / float(spans)
        );
    }
    let (data, index) = (block.data.len(), block.index.len());
    println!(
        "data {:.3} + index {:.3} = {:.3} B/span; page index and footer {:.3}; {} columns",
        float(data) / float(spans),
        float(index) / float(spans),
        float(data + index) / float(spans),
        float(block.meta.takt.tail_size) / float(spans),
        rows.len()
    );
    Ok(())
}

fn reads(block: &Encoded) -> Result<()> {
    let tail = Opened::footer_range(&block.meta);
    let footer = block.data.slice(usize::try_from(tail.start)?..);
    let (time, opened) = best(|| Opened::parse(block.meta.clone(), &block.index, &footer));
    let opened = opened?;
    let per_spans = float(block.meta.takt.spans) / 100_000.0;
    println!(
        "open     {time:>12.3?}  {:.3} ms/100k spans",
        micros(time) / 1000.0 / per_spans
    );

    let middle = opened.locate(u32::try_from(opened.traces() / 2)?);
    let rows = Some(middle.rows.clone());
    let ranges = opened.ranges(middle.group, &Projection::All, rows.clone())?;
    let fetched = fetch(&block.data, &ranges)?;
    let (time, one) =
        best(|| opened.decode(middle.group, &Projection::All, rows.clone(), &fetched));
    println!(
        "point    {time:>12.3?}  {} spans, all columns, {} ranges, {} bytes",
        one?.len(),
        ranges.len(),
        ranges
            .iter()
            .map(|range| range.end - range.start)
            .sum::<u64>()
    );
    for projection in [
        Projection::only([
            Column::Name,
            Column::Attr("http.response.status_code".to_owned()),
        ]),
        Projection::only([Column::Resource, Column::Duration]),
        Projection::only([Column::Start, Column::Duration]),
        Projection::only([]),
        Projection::All,
    ] {
        let ranges = opened.ranges(0, &projection, None)?;
        let fetched = fetch(&block.data, &ranges)?;
        let (time, columns) = best(|| opened.decode(0, &projection, None, &fetched));
        let rows = columns?.len();
        println!("group    {time:>12.3?}  {rows} rows of {projection:?}");
    }
    Ok(())
}

fn fetch(data: &Bytes, ranges: &[std::ops::Range<u64>]) -> Result<Fetched> {
    let slices = ranges
        .iter()
        .map(|range| Ok(data.slice(usize::try_from(range.start)?..usize::try_from(range.end)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(Fetched::new(ranges, slices))
}

fn best<T>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut timed = || {
        let start = Instant::now();
        let result = run();
        (start.elapsed(), result)
    };
    let mut best = timed();
    for _ in 1..RUNS {
        let next = timed();
        if next.0 < best.0 {
            best = next;
        }
    }
    best
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn float(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or_default() as f64
}
