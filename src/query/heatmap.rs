//! Histograms over time: a row for each bucket, time from left to right, darker where there is more.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::chart::Axis;
use super::metrics::Series;
use super::screen::{Ink, Screen};
use super::units::Unit;

const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

pub(super) fn draw(series: &[Series], axis: Axis, unit: Unit, screen: &Screen) -> String {
    let mut groups = BTreeMap::<String, Vec<&Series>>::new();
    for one in series {
        groups
            .entry(one.name_without("__bucket"))
            .or_default()
            .push(one);
    }
    let mut out = String::new();
    for (at, (name, series)) in groups.iter().enumerate() {
        let ink = Ink::Series(at);
        if !name.is_empty() {
            let _ = writeln!(out, "{}", screen.paint(name, ink));
        }
        out.push_str(&map(series, axis, unit, screen, ink));
        out.push('\n');
    }
    out
}

fn map(series: &[&Series], axis: Axis, unit: Unit, screen: &Screen, ink: Ink) -> String {
    let mut buckets: Vec<(f64, &Series)> = series
        .iter()
        .filter_map(|series| Some((series.label("__bucket")?.parse().ok()?, *series)))
        .collect();
    buckets.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let labels: Vec<String> = buckets
        .iter()
        .map(|(bound, _)| format!("≤ {}", unit.show(*bound)))
        .collect();
    let margin = labels
        .iter()
        .map(|label| label.chars().count())
        .max()
        .unwrap_or(0);
    let width = columns(
        axis,
        screen
            .width()
            .saturating_sub(margin + " ┤ UTC".len())
            .max(2),
    );
    // A sample covers the step before it.
    let axis = Axis {
        from: axis.from - axis.step,
        ..axis
    };
    let rows: Vec<Vec<f64>> = buckets
        .iter()
        .map(|(_, series)| row(series, axis, width))
        .collect();
    let most = rows.iter().flatten().copied().fold(0.0, f64::max);

    let mut out = String::new();
    for (label, row) in labels.iter().zip(&rows) {
        let label = screen.paint(&format!("{label:>margin$} ┤"), Ink::Faint);
        let cells: String = row.iter().map(|count| shade(*count, most)).collect();
        let _ = writeln!(out, "{label}{}", screen.paint(cells.trim_end(), ink));
    }
    out.push_str(&axis.draw(margin, width, screen));
    let legend = format!("{:margin$}  ░▒▓█ up to {}\n", "", Unit::Number.show(most));
    out + screen.paint(&legend, Ink::Faint).as_str()
}

/// As many columns as fit, each the same number of characters for a sample where there is room.
fn columns(axis: Axis, room: usize) -> usize {
    let samples = (axis.to - axis.from)
        .checked_div(axis.step)
        .and_then(|samples| usize::try_from(samples + 1).ok())
        .unwrap_or(1);
    match room / samples {
        0 => room,
        each => samples * each,
    }
}

/// What falls into each column; a sample that covers several counts in each.
fn row(series: &Series, axis: Axis, width: usize) -> Vec<f64> {
    let mut row = vec![0.0; width];
    for (at, count) in &series.points {
        let [first, end] = [at - axis.step, *at].map(|at| axis.cell(at, width + 1));
        let first = first.min(width - 1);
        for cell in &mut row[first..end.max(first + 1)] {
            *cell += count;
        }
    }
    row
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "one of four shades"
)]
fn shade(count: f64, most: f64) -> char {
    // By the root, so that a few beside many still show.
    let darkness = (count / most.max(f64::MIN_POSITIVE)).sqrt() * 4.0;
    SHADES[darkness.ceil().clamp(0.0, 4.0) as usize]
}
