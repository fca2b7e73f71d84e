//! Answers to metrics queries: charts over time, a table for one point in time.

use console::Alignment;
use serde_json::Value;
use takt_traceql::{BinaryOp, Field, Function, Intrinsic, MetricsExpr, What};

use super::chart::{self, Axis};
use super::json::{attributes, float, items, number};
use super::screen::{Ink, Screen};
use super::table::Table;
use super::units::Unit;
use super::{compare, heatmap};

/// So many series are drawn; the others are listed.
const DRAWN: usize = 8;

pub(super) struct Series {
    pub(super) labels: Vec<(String, String)>,
    /// Milliseconds since the Unix epoch, and the value; in order, finite.
    pub(super) points: Vec<(i64, f64)>,
}

pub(super) fn range(body: &Value, query: &MetricsExpr, screen: &Screen) -> String {
    let series: Vec<Series> = items(body, "series").iter().map(over_time).collect();
    let Some(axis) = Axis::of(&series) else {
        return "no series".to_owned();
    };
    if series
        .iter()
        .all(|series| series.label("__bucket").is_some())
    {
        return heatmap::draw(&series, axis, histogram_unit(query), screen);
    }
    if series
        .iter()
        .any(|series| series.label("__meta_type").is_some())
    {
        return compare::draw(&series, screen);
    }
    charts(series, axis, unit(query), screen)
}

pub(super) fn instant(body: &Value, query: &MetricsExpr, screen: &Screen) -> String {
    let mut series: Vec<Series> = items(body, "series").iter().map(at_once).collect();
    if series.is_empty() {
        return "no series".to_owned();
    }
    if series
        .iter()
        .any(|series| series.label("__meta_type").is_some())
    {
        return compare::draw(&series, screen);
    }
    let unit = unit(query);
    series.sort_by(|a, b| b.peak().total_cmp(&a.peak()));
    let mut table = Table::new(vec![
        ("VALUE".to_owned(), Alignment::Right),
        ("SERIES".to_owned(), Alignment::Left),
    ]);
    for series in &series {
        let values = series.points.iter().map(|(_, value)| unit.show(*value));
        table.push(vec![values.collect(), series.name()], None);
    }
    table.draw(screen)
}

impl Series {
    pub(super) fn label(&self, key: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// The labels without `except`; the name of the function where there are no others.
    pub(super) fn name_without(&self, except: &str) -> String {
        let shown: Vec<String> = self
            .labels
            .iter()
            .filter(|(key, _)| key != except)
            .map(|(key, value)| match key.as_str() {
                "__name__" => value.clone(),
                key => format!("{key}={value}"),
            })
            .collect();
        shown.join(", ")
    }

    fn name(&self) -> String {
        self.name_without("")
    }

    fn peak(&self) -> f64 {
        let values = self.points.iter().map(|(_, value)| *value);
        values.fold(f64::NEG_INFINITY, f64::max)
    }
}

fn over_time(series: &Value) -> Series {
    let mut points: Vec<(i64, f64)> = items(series, "samples")
        .iter()
        .map(|sample| {
            (
                number(sample, "timestampMs").cast_signed(),
                float(sample, "value"),
            )
        })
        .filter(|(_, value)| value.is_finite())
        .collect();
    points.sort_by_key(|(at, _)| *at);
    Series {
        labels: labels(series),
        points,
    }
}

fn at_once(series: &Value) -> Series {
    Series {
        labels: labels(series),
        points: vec![(0, float(series, "value"))],
    }
}

fn labels(series: &Value) -> Vec<(String, String)> {
    attributes(series, "labels")
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// A chart for each of the highest series, the highest first; a table of the others.
fn charts(mut series: Vec<Series>, axis: Axis, unit: Unit, screen: &Screen) -> String {
    series.sort_by(|a, b| b.peak().total_cmp(&a.peak()));
    let rest = series.split_off(series.len().min(DRAWN));
    let height = if series.len() <= 2 { 10 } else { 5 };
    let mut out = String::new();
    for (at, series) in series.iter().enumerate() {
        let ink = Ink::Series(at);
        out.push_str(&screen.paint(&series.name(), ink));
        out.push_str(&screen.paint(&summary(series, unit), Ink::Faint));
        out.push('\n');
        out.push_str(&chart::draw(
            &series.points,
            axis,
            height,
            unit,
            screen,
            ink,
        ));
        out.push('\n');
    }
    if !rest.is_empty() {
        out.push_str(&listed(&rest, unit, screen));
    }
    out
}

fn summary(series: &Series, unit: Unit) -> String {
    spread(series).map_or_else(String::new, |[min, max, last]| {
        let [min, max, last] = [min, max, last].map(|value| unit.show(value));
        format!("  min {min}  max {max}  last {last}")
    })
}

fn listed(series: &[Series], unit: Unit, screen: &Screen) -> String {
    let headings = ["MIN", "MAX", "LAST"].map(|name| (name.to_owned(), Alignment::Right));
    let mut headings = headings.to_vec();
    headings.push((format!("{} MORE SERIES", series.len()), Alignment::Left));
    let mut table = Table::new(headings);
    for series in series {
        let values = spread(series).map(|values| values.map(|value| unit.show(value)));
        let mut row = values.unwrap_or_default().to_vec();
        row.push(series.name());
        table.push(row, None);
    }
    table.draw(screen)
}

fn spread(series: &Series) -> Option<[f64; 3]> {
    let (_, last) = *series.points.last()?;
    let values = series.points.iter().map(|(_, value)| *value);
    Some([values.fold(f64::INFINITY, f64::min), series.peak(), last])
}

/// What the values are, as far as the query tells.
fn unit(query: &MetricsExpr) -> Unit {
    match query {
        MetricsExpr::Query(query) => match &query.function {
            Function::MinOverTime(of)
            | Function::MaxOverTime(of)
            | Function::AvgOverTime(of)
            | Function::SumOverTime(of)
            | Function::QuantileOverTime(of, _) => unit_of(of),
            Function::Rate
            | Function::CountOverTime
            | Function::HistogramOverTime(_)
            | Function::Compare(_) => Unit::Number,
        },
        MetricsExpr::Number(_) => Unit::Number,
        MetricsExpr::Then { of, .. } => unit(of),
        MetricsExpr::Binary { op, left, right } => match (op, unit(left), unit(right)) {
            (BinaryOp::Div, _, Unit::Seconds) | (BinaryOp::Mul, Unit::Seconds, Unit::Seconds) => {
                Unit::Number
            }
            (_, Unit::Number, Unit::Number) => Unit::Number,
            (_, Unit::Seconds, _) | (_, _, Unit::Seconds) => Unit::Seconds,
        },
    }
}

/// What the bounds of the buckets are.
fn histogram_unit(query: &MetricsExpr) -> Unit {
    let mut unit = Unit::Number;
    query.for_each_query(&mut |query| {
        if let Function::HistogramOverTime(of) = &query.function {
            unit = unit_of(of);
        }
    });
    unit
}

fn unit_of(field: &Field) -> Unit {
    match field.what {
        What::Intrinsic(
            Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::EventTimeSinceStart,
        ) => Unit::Seconds,
        What::Intrinsic(_) | What::Attribute(..) => Unit::Number,
    }
}

#[cfg(test)]
mod tests;
