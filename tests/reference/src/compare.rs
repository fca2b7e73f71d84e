//! `compare()`: which values of which fields stand out in a selection of spans.

use std::collections::{BTreeMap, BTreeSet};

use takt_traceql::{Compare, Field, Intrinsic, Scope};

use crate::expr::matches;
use crate::metrics::{Counted, Interval};
use crate::series::{AllSeries, Series, text};
use crate::value::Value;

pub(crate) const ERROR: &str = "__meta_error";

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

pub(crate) fn compare(
    spans: &[Counted<'_, '_>],
    question: &Compare,
    interval: Interval,
) -> AllSeries {
    let selected = |span: &&Counted<'_, '_>| {
        let start = span.trace.spans[span.at].span.start_time_unix_nano;
        let in_window = question
            .window
            .is_none_or(|(from, to)| from < start && start <= to);
        in_window && matches(span.trace, span.at, &question.selection)
    };
    let (selection, baseline): (Vec<_>, Vec<_>) = spans.iter().partition(selected);
    let mut all = AllSeries::new();
    for (side, spans) in [("selection", selection), ("baseline", baseline)] {
        let fields: BTreeSet<Field> = spans.iter().flat_map(|span| fields(span)).collect();
        for field in fields {
            of_field(
                side,
                &spans,
                &field,
                question.top as usize,
                interval,
                &mut all,
            );
        }
    }
    all
}

/// Every field that a span has and that is worth comparing.
fn fields(span: &Counted<'_, '_>) -> Vec<Field> {
    let item = span.trace.spans[span.at];
    let scope = item.scope.map_or(&[][..], |scope| &scope.attributes);
    let of = |scope, attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue]| {
        let keys = attributes.iter().map(|attribute| attribute.key.clone());
        keys.map(|key| Field::attribute(scope, key))
            .collect::<Vec<_>>()
    };
    [
        INTRINSICS.map(Field::intrinsic).to_vec(),
        of(Scope::Span, &item.span.attributes),
        of(Scope::Resource, item.resource),
        of(Scope::Instrumentation, scope),
    ]
    .concat()
}

fn of_field(
    side: &str,
    spans: &[&Counted<'_, '_>],
    field: &Field,
    top: usize,
    interval: Interval,
    all: &mut AllSeries,
) {
    let mut total = zeros(interval);
    let mut values: BTreeMap<String, (Value, BTreeMap<u64, f64>)> = BTreeMap::new();
    for span in spans {
        if let Some(value) = span.first_value(field) {
            let (_, counts) = values
                .entry(value.key())
                .or_insert_with(|| (value.shown(), zeros(interval)));
            *counts.entry(span.stamp).or_default() += 1.0;
            *total.entry(span.stamp).or_default() += 1.0;
        }
    }
    let mut add = |label: &str, side: &str, value: Option<Value>, samples| {
        let series = Series {
            labels: vec![
                (label.to_owned(), Some(Value::Text(side.to_owned()))),
                (field.to_string(), value),
            ],
            samples,
        };
        all.insert(series.key(), series);
    };
    if values.len() > top {
        add(ERROR, "__too_many_values__", None, BTreeMap::new());
    }
    add("__meta_type", &format!("{side}_total"), None, total);
    let mut values: Vec<_> = values.into_values().collect();
    let count = |counts: &BTreeMap<u64, f64>| counts.values().sum::<f64>();
    values.sort_by(|(a, x), (b, y)| {
        let by_count = count(y).total_cmp(&count(x));
        by_count.then_with(|| (text(a), a.key()).cmp(&(text(b), b.key())))
    });
    for (value, counts) in values.into_iter().take(top) {
        add("__meta_type", side, Some(value), counts);
    }
}

fn zeros(interval: Interval) -> BTreeMap<u64, f64> {
    interval.stamps().map(|stamp| (stamp, 0.0)).collect()
}
