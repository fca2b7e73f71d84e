//! `compare()`: how often each value of each attribute occurs in a selection of spans, and in all others.

use std::cmp::Ordering;

use takt_trace::{AttrTable, Value};
use takt_traceql::{Compare, Field, Intrinsic, Scope};

use super::MetricsPlan;
use super::accumulate::Run;
use super::batch::each_batch;
use super::cells::Tally;
use super::codes::Codes;
use super::evaluate::dense;
use super::partial::{Cells, Group, Partial, order_of_keys, order_of_values};
use super::series::{Series, text};
use crate::Bitmap;
use crate::Stopped;
use crate::plan::plan;

/// What is compared besides attributes: no durations and no ids, of which most values are unique.
const INTRINSICS: [Intrinsic; 9] = [
    Intrinsic::Name,
    Intrinsic::Status,
    Intrinsic::StatusMessage,
    Intrinsic::Kind,
    Intrinsic::ChildCount,
    Intrinsic::TraceRootName,
    Intrinsic::TraceRootService,
    Intrinsic::InstrumentationName,
    Intrinsic::InstrumentationVersion,
];

/// Counts the values of everything that the matching spans have; what their events and links have is
/// not compared, as in Tempo.
pub(super) fn fill(run: &Run<'_>, compare: &Compare, partial: &mut Partial) -> Result<(), Stopped> {
    let selection = selection(run, compare)?;
    let columns = run.search.columns;
    for intrinsic in INTRINSICS {
        let field = Field::intrinsic(intrinsic);
        let codes = Codes::new(&field, run)?;
        by_row(run, &selection, &field, &codes, partial)?;
    }
    for (scope, table) in [
        (Scope::Span, &columns.attrs),
        (Scope::Resource, &columns.resources.attrs),
        (Scope::Instrumentation, &columns.scopes.attrs),
    ] {
        for key in keys(table) {
            let field = Field::attribute(scope, key);
            let codes = Codes::new(&field, run)?;
            by_row(run, &selection, &field, &codes, partial)?;
        }
    }
    partial.groups.sort_by(|a, b| order_of_keys(&a.key, &b.key));
    partial.cut();
    Ok(())
}

/// The matching spans that are in the selection; all others are the baseline.
fn selection(run: &Run<'_>, compare: &Compare) -> Result<Bitmap, Stopped> {
    let search = run.search;
    let selected = search.node(&plan(&compare.selection), &run.rows)?;
    let Some((start, end)) = compare.window else {
        return Ok(selected);
    };
    let starts = &search.columns.start;
    search.filter(&selected, |row| {
        let time = starts[row as usize];
        start < time && time <= end
    })
}

fn keys(table: &AttrTable) -> impl Iterator<Item = &str> {
    table.iter().map(|(key, _)| key)
}

/// Places within a step: baseline and selection.
const SIDES: u64 = 2;

/// Counts by code, step and side; code 0 is for spans without a value.
struct Counts {
    tally: Tally<f64>,
    steps: u64,
    places: u64,
}

impl Counts {
    fn new(run: &Run<'_>, codes: &Codes<'_>) -> Result<Self, Stopped> {
        let steps = u64::from(run.plan.interval.clock().steps());
        let tally = Tally::new();
        let places = u64::from(codes.count()) * (steps + 1) * SIDES;
        run.may_hold(codes.memory() + tally.memory_with(places))?;
        Ok(Self {
            tally,
            steps,
            places,
        })
    }

    fn add(&mut self, code: u32, step: u32, selected: bool, weight: f64) {
        let step = u64::from(code) * (self.steps + 1) + u64::from(step);
        let place = step * SIDES + u64::from(selected);
        match self.tally.reserve(self.places) {
            Some(array) => array[usize::try_from(place).expect("a few million")] += weight,
            None => *self.tally.place(place) += weight,
        }
    }

    /// Enters the counts of each value, and those of all of them.
    fn finish(self, field: &Field, codes: &Codes<'_>, partial: &mut Partial) {
        let stride = (self.steps + 1) * SIDES;
        let name = Some(Value::String(field.to_string()));
        let mut totals = std::collections::BTreeMap::<u32, f64>::new();
        let mut values = Vec::new();
        for numbers in self
            .tally
            .used()
            .chunk_by(|a, b| a.0 / stride == b.0 / stride)
        {
            let code = u32::try_from(numbers[0].0 / stride).expect("codes are u32");
            let Some(value) = codes.value(code) else {
                continue;
            };
            let cells: Vec<(u32, f64)> = numbers
                .iter()
                .map(|(place, count)| (place % stride, *count))
                .filter(|(at, _)| *at < self.steps * SIDES)
                .map(|(at, count)| (u32::try_from(at).expect("at most 2^25"), count))
                .collect();
            for (at, count) in &cells {
                *totals.entry(*at).or_default() += count;
            }
            if !cells.is_empty() {
                values.push((value, cells));
            }
        }
        if values.is_empty() {
            return;
        }
        values.sort_by(|a, b| order_of_values(Some(&a.0), Some(&b.0)));
        let most = partial.bounds.groups_per_head.unwrap_or(usize::MAX) - 1;
        partial.groups_cut |= values.len() > most;
        values.truncate(most);
        partial.groups.push(Group {
            key: vec![name.clone(), None],
            cells: Cells::Counts(totals.into_iter().collect()),
        });
        partial
            .groups
            .extend(values.into_iter().map(|(value, cells)| Group {
                key: vec![name.clone(), Some(value)],
                cells: Cells::Counts(cells),
            }));
    }
}

/// Counts what each span has one of.
fn by_row(
    run: &Run<'_>,
    selection: &Bitmap,
    field: &Field,
    codes: &Codes<'_>,
    partial: &mut Partial,
) -> Result<(), Stopped> {
    let mut counts = Counts::new(run, codes)?;
    each_batch(run, |batch| {
        batch.groups.resize(batch.rows.len(), 0);
        codes.read(&batch.rows, &mut batch.groups);
        for (at, row) in batch.rows.iter().enumerate() {
            let selected = selection.has(*row);
            counts.add(
                batch.groups[at],
                batch.steps[at],
                selected,
                batch.weights[at],
            );
        }
        run.may_hold(codes.memory() + counts.tally.memory_with(counts.places))
    })?;
    counts.finish(field, codes, partial);
    Ok(())
}

const TYPE: &str = "__meta_type";
pub(super) const ERROR: &str = "__meta_error";
const SIDES_AS_TYPES: [(&str, &str); 2] = [
    ("baseline", "baseline_total"),
    ("selection", "selection_total"),
];

/// The most frequent values of each attribute, on each side, and how often it occurs at all.
pub(super) fn series(plan: &MetricsPlan, compare: &Compare, partial: Partial) -> Vec<Series> {
    let most = compare.top as usize;
    let mut series = Vec::new();
    for groups in partial
        .groups
        .chunk_by(|a, b| a.key.first() == b.key.first())
    {
        let Some(Some(Value::String(name))) = groups[0].key.first() else {
            continue;
        };
        let mut crowded = false;
        for (side, (values, total)) in (0..).zip(SIDES_AS_TYPES) {
            let mut found: Vec<(&Group, Vec<(u32, f64)>)> = groups
                .iter()
                .map(|group| (group, of_side(&group.cells, side)))
                .filter(|(_, cells)| !cells.is_empty())
                .collect();
            let total_of = |cells: &[(u32, f64)]| cells.iter().map(|(_, count)| count).sum::<f64>();
            // Equally frequent values come in the order of their texts.
            found.sort_by_cached_key(|(group, cells)| {
                let value = group.key.get(1).and_then(Option::as_ref);
                (Descending(total_of(cells)), text(value))
            });
            let mut shown = 0;
            for (group, cells) in found {
                let value = group.key.get(1).cloned().flatten();
                let kind = if value.is_some() { values } else { total };
                shown += usize::from(value.is_some());
                if value.is_none() || shown <= most {
                    series.push(labelled(plan, TYPE, kind, name, value, &cells));
                }
            }
            crowded |= shown > most;
        }
        if crowded {
            let mut error = labelled(plan, ERROR, "__too_many_values__", name, None, &[]);
            error.samples.fill(f64::NAN);
            series.push(error);
        }
    }
    series
}

/// A count, largest first.
#[derive(PartialEq)]
struct Descending(f64);

impl Eq for Descending {}

impl PartialOrd for Descending {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Descending {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0)
    }
}

/// The counts of one side, by step.
fn of_side(cells: &Cells, side: u32) -> Vec<(u32, f64)> {
    let Cells::Counts(counts) = cells else {
        return Vec::new();
    };
    let counts = counts.iter().filter(|(at, _)| at % 2 == side);
    counts.map(|(at, count)| (at / 2, *count)).collect()
}

fn labelled(
    plan: &MetricsPlan,
    meta: &str,
    kind: &str,
    name: &str,
    value: Option<Value>,
    cells: &[(u32, f64)],
) -> Series {
    Series {
        labels: vec![
            (meta.to_owned(), Some(Value::String(kind.to_owned()))),
            (name.to_owned(), value),
        ],
        samples: dense(plan.interval.steps(), 0.0, cells, |count| {
            count * plan.scale()
        }),
        exemplars: Vec::new(),
    }
}
