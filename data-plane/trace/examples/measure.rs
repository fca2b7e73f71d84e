//! What a span costs: `cargo run --release --example measure -- tests/golden/shop-3k/shop-3k.otlp.zst`
//!
//! The corpus is a file of frames, each a length (u32, little endian) and an encoded
//! `ExportTraceServiceRequest`, compressed with zstd if its name ends in `.zst`. It is repeated with
//! other trace ids until there are half a million spans (or as many as a second argument says).

#![expect(
    clippy::print_stdout,
    reason = "what it measured is for people to read"
)]

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::{SpanColumns, encode, reorder, scan};

/// Each step runs this often; the fastest counts. Processor time, not wall time.
const RUNS: usize = 3;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("which corpus?")?;
    let at_least: usize = arguments.next().map_or(Ok(500_000), |text| text.parse())?;
    let once = frames(&std::fs::read(&path)?, path.ends_with(".zst"))?;
    let columns = decode(&once)?;
    print_memory("memory, corpus once", &columns);

    let copies = at_least.div_ceil(columns.len().max(1));
    let requests = repeated(&once, copies)?;
    let bytes: usize = requests.iter().map(Vec::len).sum();
    let spans = columns.len() * copies;
    println!(
        "{copies} copies: {spans} spans in {} requests, {} bytes a span",
        requests.len(),
        bytes / spans
    );
    measure(&requests, Load { spans, bytes })
}

/// What a step worked on.
#[derive(Clone, Copy)]
struct Load {
    spans: usize,
    bytes: usize,
}

fn measure(requests: &[Vec<u8>], load: Load) -> Result<()> {
    timed("scan", load, || {
        requests.iter().try_for_each(|request| {
            black_box(scan::scan(request)?);
            anyhow::Ok(())
        })
    })?;
    let mut columns = timed("decode", load, || decode(requests))?;
    print_memory("memory, as it grew", &columns);
    columns.shrink();
    print_memory("memory, sealed", &columns);

    let clustered = timed("cluster", load, || Ok(reorder::cluster(&columns)))?;
    print_memory("memory, clustered", &clustered);
    let traces = u32::try_from(columns.traces.len())?;
    let some: Vec<u32> = (0..traces).step_by(4).collect();
    let selected = reorder::select(&columns, &some).len();
    let quarter = Load {
        spans: selected,
        bytes: load.bytes / load.spans * selected,
    };
    timed("select a quarter", quarter, || {
        Ok(reorder::select(&columns, &some))
    })?;
    for (name, columns) in [("live", &columns), ("clustered", &clustered)] {
        timed(
            &format!("trace_proto, {name}, trace by trace"),
            load,
            || {
                for trace in 0..traces {
                    let rows: Vec<u32> = columns.rows_of(trace).collect();
                    black_box(encode::trace_proto(columns, &rows));
                }
                Ok(())
            },
        )?;
    }
    let rows: Vec<u32> = (0..u32::try_from(columns.len())?).collect();
    timed("trace_proto, all at once", load, || {
        Ok(encode::trace_proto(&clustered, &rows))
    })?;
    Ok(())
}

fn timed<T>(step: &str, load: Load, run: impl Fn() -> Result<T>) -> Result<T> {
    let mut best = Duration::MAX;
    let mut result = None;
    for _ in 0..RUNS {
        drop(result.take());
        let begin = processor_time()?;
        result = Some(run()?);
        best = best.min(processor_time()?.saturating_sub(begin));
    }
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let (spans, megabytes) = (load.spans as f64, load.bytes as f64 / 1e6);
    let seconds = best.as_secs_f64();
    println!(
        "{step:<38} {:>7.0} ns/span {:>7.0} MB/s",
        seconds * 1e9 / spans,
        megabytes / seconds
    );
    result.context("at least one run")
}

/// What this thread has used, as Linux counts it: other programs on the machine do not matter.
fn processor_time() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split(' ').next().context("no time in schedstat")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

fn print_memory(what: &str, columns: &SpanColumns) {
    let spans = columns.len().max(1);
    println!("{what:<38} {:>7} B/span", columns.memory() / spans);
}

fn decode(requests: &[Vec<u8>]) -> Result<SpanColumns> {
    let limits = DecodeLimits {
        max_attribute_bytes: 2048,
    };
    let (mut decoder, mut columns) = (Decoder::default(), SpanColumns::default());
    for request in requests {
        decoder.append(&mut columns, request, &limits)?;
    }
    Ok(columns)
}

fn frames(file: &[u8], compressed: bool) -> Result<Vec<Vec<u8>>> {
    let whole = if compressed {
        zstd::decode_all(file)?
    } else {
        file.to_vec()
    };
    let mut rest = whole.as_slice();
    let mut frames = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length))?;
        let (frame, after) = after
            .split_at_checked(length)
            .context("the last frame is cut")?;
        frames.push(frame.to_vec());
        rest = after;
    }
    ensure!(rest.is_empty(), "{} bytes after the last frame", rest.len());
    Ok(frames)
}

/// The requests over and over, each time with trace ids of their own.
fn repeated(once: &[Vec<u8>], copies: usize) -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::with_capacity(once.len() * copies);
    for copy in 0..copies {
        let mark = u32::try_from(copy)?.wrapping_mul(0x9e37_79b9).to_le_bytes();
        for frame in once {
            let mut request = ExportTraceServiceRequest::decode(frame.as_slice())?;
            let scopes = request.resource_spans.iter_mut();
            let spans = scopes
                .flat_map(|resource| &mut resource.scope_spans)
                .flat_map(|scope| &mut scope.spans);
            for span in spans {
                let links = span.links.iter_mut().map(|link| &mut link.trace_id);
                for id in std::iter::once(&mut span.trace_id).chain(links) {
                    id.iter_mut()
                        .zip(mark)
                        .for_each(|(byte, mark)| *byte ^= mark);
                }
            }
            all.push(request.encode_to_vec());
        }
    }
    Ok(all)
}
