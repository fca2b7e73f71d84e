//! The results as a table beside their first marks.

use std::fmt::Write as _;
use std::time::Duration;

use takt_testkit::Stored;

use crate::load::Sent;
use crate::questions::Asked;

#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) sent: Sent,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) peak_bytes: Option<u64>,
    pub(crate) stored: Option<Stored>,
    pub(crate) asked: Asked,
}

type Row = (&'static str, &'static str, fn(&Numbers) -> Option<String>);

const ROWS: &[Row] = &[
    ("spans sent", "", |n| Some(n.sent.spans.to_string())),
    (
        "processor seconds per million spans, acceptance to block",
        "≤ 8",
        |n| {
            n.cpu_seconds
                .map(|seconds| format!("{:.1}", seconds / n.millions()))
        },
    ),
    ("spans per second, beside the sender", "≥ 100,000", |n| {
        Some(format!(
            "{:.0}",
            n.millions() * 1e6 / n.sent.elapsed.as_secs_f64()
        ))
    }),
    ("acknowledged within, median / p99", "", |n| {
        Some(percentiles(&n.sent.acknowledged))
    }),
    (
        "peak memory",
        "≤ 100 MB + 0.4 GB per million live spans",
        |n| {
            n.peak_bytes
                .map(|bytes| format!("{} MB", bytes / 1_000_000))
        },
    ),
    ("stored bytes per span, index included", "≤ 60", |n| {
        n.stored.map(|stored| {
            format!(
                "{:.1} ({} blocks)",
                ratio(stored.bytes, stored.spans),
                stored.blocks
            )
        })
    }),
    ("trace by id, median / p99", "≤ 5 ms at the median", |n| {
        Some(percentiles(&n.asked.trace_by_id))
    }),
    (
        "selective search, median / p99",
        "≤ 20 ms at the median",
        |n| Some(percentiles(&n.asked.search)),
    ),
];

impl Numbers {
    fn millions(&self) -> f64 {
        ratio(self.sent.spans as u64, 1_000_000)
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
fn ratio(part: u64, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// Columns side by side.
pub(crate) fn table(columns: &[(&str, Numbers)]) -> String {
    let mut out = String::from("| |");
    for (name, _) in columns {
        let _ = write!(out, " {name} |");
    }
    out.push_str(" first mark |\n|---|");
    for _ in columns {
        out.push_str("---|");
    }
    out.push_str("---|\n");
    for (what, mark, value) in ROWS {
        let _ = write!(out, "| {what} |");
        for (_, numbers) in columns {
            let _ = write!(
                out,
                " {} |",
                value(numbers).unwrap_or_else(|| "not seen".to_owned())
            );
        }
        let _ = writeln!(out, " {mark} |");
    }
    out
}

fn percentiles(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at =
        |part: usize| sorted.get((sorted.len() * part / 100).min(sorted.len().saturating_sub(1)));
    let shown = |time: Option<&Duration>| {
        time.map_or_else(String::new, |time| {
            format!("{:.1}", time.as_secs_f64() * 1e3)
        })
    };
    format!("{} / {} ms", shown(at(50)), shown(at(99)))
}
