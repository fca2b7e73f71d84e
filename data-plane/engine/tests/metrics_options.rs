//! Metrics beyond their plain answer: bounds, examples, sampling, weights, columns.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;
mod corpus;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use takt_engine::metrics::{MetricsOptions, MetricsPlan, Partial, Refusal};
use takt_engine::{Interval, Scope, Series, Stopped, accumulate, evaluate};
use takt_model::TimeRange;
use takt_trace::{AttrTable, Column, Projection, SpanColumns, Value};
use takt_traceql::{Body, Query, parse};

static SHOP: LazyLock<SpanColumns> = LazyLock::new(|| common::columns(&corpus::requests()));

const SECOND: u64 = 1_000_000_000;

const RANGE: Interval = Interval {
    start: 1_789_999_920 * SECOND,
    end: 1_790_000_700 * SECOND,
    step: 60 * SECOND,
};

const OPTIONS: MetricsOptions = MetricsOptions {
    exemplars: 100,
    max_groups: 10_000,
    extrapolate: false,
    sample: None,
};

fn query(text: &str) -> Query {
    parse(text).unwrap()
}

fn plan(query: &Query, options: MetricsOptions) -> MetricsPlan {
    let Body::Metrics(expr) = &query.body else {
        unreachable!("a metrics query");
    };
    let mut plans = Vec::new();
    expr.for_each_query(&mut |query| plans.push(MetricsPlan::new(query, RANGE, options).unwrap()));
    plans.pop().unwrap()
}

fn partial(columns: &SpanColumns, plan: &MetricsPlan) -> Partial {
    accumulate(columns, plan, &Scope::new(TimeRange::ALL, &|| true)).unwrap()
}

fn series(query: &Query, plan: MetricsPlan, partial: Partial) -> Vec<Series> {
    let Body::Metrics(expr) = &query.body else {
        unreachable!("a metrics query");
    };
    evaluate(expr, vec![(plan, partial)])
}

fn ask(columns: &SpanColumns, text: &str, options: MetricsOptions) -> Vec<Series> {
    let query = query(text);
    let options = options.with_hints(&query.hints);
    let plan = plan(&query, options);
    let partial = partial(columns, &plan);
    series(&query, plan, partial)
}

fn total(series: &[Series]) -> f64 {
    let samples = series.iter().flat_map(|series| &series.samples);
    samples.filter(|sample| !sample.is_nan()).sum()
}

#[test]
fn of_too_many_groups_those_with_the_smallest_keys_are_kept_whole() {
    let all = ask(
        &SHOP,
        "{ } | count_over_time() by (resource.service.name, name)",
        OPTIONS,
    );
    let few = MetricsOptions {
        max_groups: 5,
        ..OPTIONS
    };
    let query = query("{ } | count_over_time() by (resource.service.name, name)");
    let plan = plan(&query, few);
    let partial = partial(&SHOP, &plan);
    assert!(partial.groups_cut && partial.groups.len() == 5);
    let mut kept = series(&query, plan, partial);
    let mut all: Vec<Series> = all.into_iter().take(5).collect();
    // Examples are chosen before groups are known.
    for series in kept.iter_mut().chain(&mut all) {
        series.exemplars.clear();
    }
    assert_eq!(kept, all);
}

#[test]
fn memory_is_asked_for_before_it_is_taken_and_never_too_little() {
    let query = query("{ } | histogram_over_time(duration) by (span.app.user_id, name)");
    let plan = plan(&query, OPTIONS);
    let asked = std::cell::Cell::new(0);
    let may_hold = |bytes: usize| {
        asked.set(asked.get().max(bytes));
        bytes < 1 << 20
    };
    let scope = Scope {
        may_hold: &may_hold,
        ..Scope::new(TimeRange::ALL, &|| true)
    };
    assert_eq!(accumulate(&SHOP, &plan, &scope), Err(Stopped::OverBudget));
    assert!(asked.get() >= 1 << 20);
    let partial = partial(&SHOP, &plan);
    let cells: usize = partial
        .groups
        .iter()
        .map(|group| match &group.cells {
            takt_engine::metrics::Cells::Counts(cells) => cells.len(),
            other => unreachable!("histograms are counts, not {other:?}"),
        })
        .sum();
    assert!(partial.memory() >= cells * 16);
}

#[test]
fn accumulating_stops_when_it_is_told_to() {
    let plan = plan(&query("{ } | rate()"), OPTIONS);
    let scope = Scope::new(TimeRange::ALL, &|| false);
    assert_eq!(accumulate(&SHOP, &plan, &scope), Err(Stopped::Cancelled));
}

#[test]
fn traces_that_are_evaluated_elsewhere_do_not_count() {
    let query = query("{ } | count_over_time()");
    let plan = plan(&query, OPTIONS);
    let mut skip = takt_engine::Bitmap::none(SHOP.traces.len());
    skip.insert(7);
    skip.insert(8);
    let scope = Scope {
        skip: Some(&skip),
        ..Scope::new(TimeRange::ALL, &|| true)
    };
    let rest = series(
        &query,
        plan.clone(),
        accumulate(&SHOP, &plan, &scope).unwrap(),
    );
    let skipped = SHOP.traces.spans[7] + SHOP.traces.spans[8];
    let all = f64::from(u32::try_from(SHOP.len()).unwrap());
    assert_eq!(total(&rest).to_bits(), (all - f64::from(skipped)).to_bits());
}

#[test]
fn examples_are_spread_one_of_each_trace_and_carry_what_the_query_touched() {
    let text = "{ kind = server } | max_over_time(duration) by (resource.service.name)";
    let series = ask(&SHOP, text, OPTIONS);
    let examples: Vec<_> = series.iter().flat_map(|series| &series.exemplars).collect();
    assert!((60..=100).contains(&examples.len()), "{}", examples.len());
    let label = |example: &takt_engine::Exemplar, name: &str| {
        let label = example.labels.iter().find(|(key, _)| key == name);
        label.map(|(_, value)| value.clone())
    };
    let traces: BTreeSet<String> = examples
        .iter()
        .map(|example| format!("{:?}", label(example, "trace:id").unwrap()))
        .collect();
    assert_eq!(traces.len(), examples.len(), "one of each trace");
    let steps: BTreeSet<u64> = examples
        .iter()
        .map(|example| (example.time - RANGE.start) / RANGE.step)
        .collect();
    assert_eq!(steps.len(), 11, "every minute that has spans");
    for series in &series {
        for example in &series.exemplars {
            assert_eq!(
                label(example, "kind"),
                Some(Value::String("server".to_owned()))
            );
            assert_eq!(label(example, "resource.service.name"), series.labels[0].1);
            let step = usize::try_from((example.time - 1 - RANGE.start) / RANGE.step).unwrap();
            assert!(
                example.value <= series.samples[step],
                "not above the greatest"
            );
        }
    }
    let rates = ask(
        &SHOP,
        "{ } | rate() by (name) with (exemplars = 10)",
        OPTIONS,
    );
    let examples: usize = rates.iter().map(|series| series.exemplars.len()).sum();
    assert!((5..=10).contains(&examples));
    for series in &rates {
        for example in &series.exemplars {
            let step = usize::try_from((example.time - 1 - RANGE.start) / RANGE.step).unwrap();
            assert_eq!(example.value.to_bits(), series.samples[step].to_bits());
        }
    }
    let none = ask(&SHOP, "{ } | rate() with (exemplars = false)", OPTIONS);
    assert!(none[0].exemplars.is_empty());
}

#[test]
fn a_sample_is_scaled_and_says_how_wrong_it_may_be() {
    let text = "{ kind = server } | count_over_time()";
    let exact = total(&ask(&SHOP, text, OPTIONS));
    let query = query(&format!("{text} with (sample = 0.25)"));
    let plan = plan(&query, OPTIONS.with_hints(&query.hints));
    let partial = partial(&SHOP, &plan);
    let sampling = partial.sampling;
    assert_eq!(sampling.sampled + sampling.skipped, SHOP.len() as u64);
    let error = sampling.relative_error().unwrap();
    assert!((0.01..0.2).contains(&error), "{error}");
    let found = total(&series(&query, plan, partial));
    assert!((found - exact).abs() > 0.0, "it is a sample");
    assert!(
        (found - exact).abs() <= found * error * 1.5,
        "{found}, not {exact}"
    );
    let whole = self::partial(&SHOP, &self::plan(&self::query(text), OPTIONS));
    assert_eq!(whole.sampling.relative_error(), None);
}

#[test]
fn extremes_do_not_change_with_sampling_or_weights() {
    let plain = ask(&SHOP, "{ } | max_over_time(duration)", OPTIONS);
    let weighed = ask(
        &SHOP,
        "{ } | max_over_time(duration) with (extrapolate = true)",
        OPTIONS,
    );
    // Not a number is not equal to itself, but prints the same.
    assert_eq!(format!("{plain:?}"), format!("{weighed:?}"));
    let sampled = ask(
        &SHOP,
        "{ } | max_over_time(duration) with (sample = 0.5)",
        OPTIONS,
    );
    let pairs = plain[0].samples.iter().zip(&sampled[0].samples);
    assert!(
        pairs
            .clone()
            .all(|(all, some)| some.is_nan() || some <= all)
    );
}

/// The corpus with every span one of four.
fn thinned() -> SpanColumns {
    let requests = corpus::requests();
    let requests: Vec<Vec<u8>> = requests
        .iter()
        .map(|bytes| {
            let mut request = ExportTraceServiceRequest::decode(bytes.as_slice()).unwrap();
            for resource in &mut request.resource_spans {
                for span in resource
                    .scope_spans
                    .iter_mut()
                    .flat_map(|scope| &mut scope.spans)
                {
                    span.trace_state = "ot=th:c".to_owned();
                }
            }
            request.encode_to_vec()
        })
        .collect();
    common::columns(&requests)
}

#[test]
fn extrapolated_spans_count_for_those_that_were_dropped() {
    let thinned = thinned();
    for (text, factor) in [
        ("{ } | rate() by (kind)", 4.0),
        ("{ } | sum_over_time(duration)", 4.0),
        ("{ } | histogram_over_time(duration)", 4.0),
        ("{ } | avg_over_time(duration)", 1.0),
        ("{ } | quantile_over_time(duration, .5)", 1.0),
        ("{ } | min_over_time(duration)", 1.0),
    ] {
        let plain = total(&ask(&thinned, text, OPTIONS));
        let weighed = format!("{text} with (extrapolate = true)");
        let weighed = total(&ask(&thinned, &weighed, OPTIONS));
        // A quantile of few spans is rounded up by less when there are more.
        let close = (weighed - plain * factor).abs() <= plain * factor * 2e-3;
        assert!(close, "{text}: {weighed}, not {}", plain * factor);
    }
}

#[test]
fn a_plan_reads_no_more_than_the_columns_it_names() {
    for text in [
        "{ } | rate()",
        "{ } | rate() by (.app.currency, resource.service.name, kind)",
        "{ status = error } | avg_over_time(span.app.amount) by (rootName)",
        "{ span.http.response.status_code >= 500 } | quantile_over_time(duration, .5)",
        "{ nestedSetParent < 0 } | rate() by (event:name)",
        "{ } | max_over_time(traceDuration) by (instrumentation:name)",
    ] {
        for exemplars in [0, 100] {
            let options = MetricsOptions {
                exemplars,
                ..OPTIONS
            };
            let plan = plan(&query(text), options);
            let narrow = restrict(&SHOP, &plan.columns());
            let (all, some) = (partial(&SHOP, &plan), partial(&narrow, &plan));
            assert_eq!(format!("{all:?}"), format!("{some:?}"), "{text}");
        }
    }
}

/// The columns a block reader would have filled.
fn restrict(columns: &SpanColumns, asked: &Projection) -> SpanColumns {
    let mut left = columns.clone();
    let keep = |column: Column| asked.has(&column);
    macro_rules! drop_unless {
        ($($column:ident => $($field:ident).+),+ $(,)?) => {
            $(if !keep(Column::$column) { left.$($field).+ = Default::default(); })+
        };
    }
    drop_unless! {
        SpanId => span_id, ParentId => parent_id, Parent => parent, Start => start,
        Duration => duration, Name => name, Kind => kind, Status => status,
        StatusMessage => status_message, Resource => resource, Scope => scope,
        Events => events.span, Events => events.time, Events => events.name,
        Links => links.span, Links => links.trace_id, Links => links.span_id,
        Rest => trace_state,
    }
    left.attrs = table(&left.attrs, |key| keep(Column::Attr(key)));
    left.events.attrs = table(&left.events.attrs, |key| keep(Column::EventAttr(key)));
    left.links.attrs = table(&left.links.attrs, |key| keep(Column::LinkAttr(key)));
    left
}

fn table(table: &AttrTable, keep: impl Fn(String) -> bool) -> AttrTable {
    let mut left = AttrTable::default();
    for (key, column) in table.iter().filter(|(key, _)| keep((*key).to_owned())) {
        *left.column_mut(key) = column.clone();
    }
    left
}

#[test]
fn comparing_shows_the_most_frequent_values_of_each_side() {
    let found = ask(&SHOP, "{ } | compare({ status = error }, 2)", OPTIONS);
    let of = |meta: &str, name: &str| -> Vec<(Option<Value>, f64)> {
        let wanted = Some(Value::String(meta.to_owned()));
        found
            .iter()
            .filter(|series| series.labels[0].1 == wanted && series.labels[1].0 == name)
            .map(|series| {
                (
                    series.labels[1].1.clone(),
                    total(std::slice::from_ref(series)),
                )
            })
            .collect()
    };
    let errors = total(&ask(
        &SHOP,
        "{ status = error } | count_over_time()",
        OPTIONS,
    ));
    let all = total(&ask(&SHOP, "{ } | count_over_time()", OPTIONS));
    assert_eq!(of("selection_total", "name"), [(None, errors)]);
    assert_eq!(of("baseline_total", "name"), [(None, all - errors)]);
    assert_eq!(
        of("selection", "status"),
        [(Some(Value::String("error".to_owned())), errors)]
    );
    assert_eq!(of("baseline", "status").len(), 2);
    let counts = ask(
        &SHOP,
        "{ status != error } | count_over_time() by (name)",
        OPTIONS,
    );
    let mut counts: Vec<f64> = counts
        .iter()
        .map(|s| total(std::slice::from_ref(s)))
        .collect();
    counts.sort_by(|a, b| b.total_cmp(a));
    let mut shown: Vec<f64> = of("baseline", "name").into_iter().map(|(_, n)| n).collect();
    shown.sort_by(|a, b| b.total_cmp(a));
    assert_eq!(shown, counts[..2]);
    assert_eq!(of("__too_many_values__", "name").len(), 1);
    assert!(of("__too_many_values__", "status").is_empty());
    assert!(found.iter().all(|series| series.labels[1].0 != "duration"));
}

#[test]
fn what_tempo_does_not_group_by_is_refused_in_its_words() {
    let by = |count: usize| ["span.a"; 6][..count].join(", ");
    for (text, expected) in [
        (format!("{{ }} | rate() by ({})", by(5)), None),
        (
            format!("{{ }} | quantile_over_time(duration, .5) by ({})", by(4)),
            None,
        ),
    ] {
        let Body::Metrics(expr) = query(&text).body else {
            unreachable!("a metrics query");
        };
        expr.for_each_query(&mut |query| {
            assert_eq!(
                MetricsPlan::new(query, RANGE, OPTIONS).err(),
                expected,
                "{text}"
            );
        });
    }
    assert_eq!(
        Refusal::GroupBy(6).to_string(),
        "metrics group by 6 values not yet supported"
    );
}
