//! What a patch amounts to: directions, sums and the services in which something changed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::document::{
    Deltas, Format, Patch, Service, Signals, Summary, TraceSummary, Trust, Warning,
};
use super::normalize::{Identity, Normal};

const NANOS: i64 = 1_000_000;

pub(super) fn summarize(patch: &Patch, base: &Normal<'_>, compare: &Normal<'_>) -> Summary {
    let (before, after) = (Totals::of(base), Totals::of(compare));
    let restructured = restructured(base, compare);
    let stats = Deltas {
        trace_latency_delta_ms: (after.envelope - before.envelope) / NANOS,
        sum_span_duration_delta_ms: (after.sum - before.sum) / NANOS,
        span_count_delta: difference(patch.stats.compare_spans, patch.stats.base_spans),
        error_span_delta: difference(after.errors, before.errors),
        matched_spans: patch.stats.matched_spans,
        modified_spans: patch.stats.modified_spans,
        added_spans: patch.stats.added_spans,
        removed_spans: patch.stats.removed_spans,
        field_changes: patch.stats.field_changes,
        attribute_changes: patch.stats.attribute_changes,
    };
    let structure = if stats.added_spans + stats.removed_spans + restructured.len() > 0 {
        "changed"
    } else {
        "unchanged"
    };
    let services = services(&churn(patch), &before.by_service, &after.by_service);
    let changed = services.iter().map(|service| service.name.clone());
    let changed_services = changed.chain(restructured).collect();
    let warnings: Vec<Warning> = patch.warnings.clone();
    Summary {
        version: Format::Summary.name(),
        base: head(base, &before),
        compare: head(compare, &after),
        signals: Signals {
            trace_latency: direction(stats.trace_latency_delta_ms),
            sum_span_duration: direction(stats.sum_span_duration_delta_ms),
            errors: direction(stats.error_span_delta),
            span_count: direction(stats.span_count_delta),
            structure,
        },
        trust: trust(patch),
        stats,
        warnings,
        changed_services,
        services,
    }
}

fn head(trace: &Normal<'_>, totals: &Totals) -> TraceSummary {
    let root = trace.spans.first().map(|span| span.identity);
    TraceSummary {
        trace_id: trace.meta.trace_id.clone(),
        root_service: root.map_or_else(String::new, |root| root.service.to_owned()),
        root_name: root.map_or_else(String::new, |root| root.name.to_owned()),
        span_count: trace.meta.span_count,
        error_span_count: totals.errors,
        duration_ms: totals.envelope / NANOS,
        sum_span_duration_ms: totals.sum / NANOS,
    }
}

/// Nanoseconds and counts over all spans of a trace.
struct Totals {
    /// From the earliest start to the latest end of spans with a valid duration.
    envelope: i64,
    sum: i64,
    errors: usize,
    by_service: BTreeMap<String, i64>,
}

impl Totals {
    fn of(trace: &Normal<'_>) -> Self {
        let timed = || trace.spans.iter().filter(|span| span.duration.is_some());
        let start = timed().map(|span| span.start).min().unwrap_or_default();
        let end = timed().map(|span| span.end).max().unwrap_or_default();
        let mut sum = 0_i64;
        let mut by_service = BTreeMap::<String, i64>::new();
        for span in &trace.spans {
            let duration = span.duration.unwrap_or_default();
            sum = sum.saturating_add(duration);
            let of_service = by_service.entry(named(span.identity.service)).or_default();
            *of_service = of_service.saturating_add(duration);
        }
        Self {
            envelope: i64::try_from(end - start).unwrap_or(i64::MAX),
            sum,
            errors: trace
                .spans
                .iter()
                .filter(|span| span.status == "error")
                .count(),
            by_service,
        }
    }
}

fn named(service: &str) -> String {
    if service.is_empty() {
        "<unknown>"
    } else {
        service
    }
    .to_owned()
}

fn difference(a: usize, b: usize) -> i64 {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    number(a) - number(b)
}

fn direction(delta: i64) -> &'static str {
    match delta {
        1.. => "increased",
        0 => "unchanged",
        _ => "decreased",
    }
}

fn trust(patch: &Patch) -> Trust {
    let (a, b) = (patch.stats.base_spans, patch.stats.compare_spans);
    Trust {
        matched_span_ratio: ratio(patch.stats.matched_spans, a.max(b)),
        structure_overlap: if a.max(b) > 0 && a.min(b) == 0 {
            0.0
        } else {
            ratio(patch.stats.matched_spans, a.min(b))
        },
    }
}

/// Of nothing, everything matches.
#[expect(clippy::cast_precision_loss, reason = "a ratio for the eye")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

/// Services whose spans hang together differently, whatever the order of siblings.
fn restructured(base: &Normal<'_>, compare: &Normal<'_>) -> BTreeSet<String> {
    let (before, after) = (structure(base), structure(compare));
    let services = before.keys().chain(after.keys());
    services
        .filter(|service| before.get(*service) != after.get(*service))
        .cloned()
        .collect()
}

/// How often each kind of span stands under each kind of parent.
type Structure<'a> = BTreeMap<(Identity<'a>, Option<Identity<'a>>), usize>;

fn structure<'a>(trace: &Normal<'a>) -> BTreeMap<String, Structure<'a>> {
    let mut services = BTreeMap::<String, Structure<'a>>::new();
    for span in &trace.spans {
        let rows = services.entry(named(span.identity.service)).or_default();
        *rows
            .entry((span.identity, trace.parent_of(span)))
            .or_default() += 1;
    }
    services
}

/// What matching found, by service. Errors that come and go in one trace do not cancel out here.
fn churn(patch: &Patch) -> BTreeMap<String, Service> {
    let mut services = BTreeMap::<String, Service>::new();
    for modified in &patch.modified {
        let service = services.entry(named(&modified.span.service)).or_default();
        service.modified += 1;
        for change in modified
            .changes
            .iter()
            .filter(|change| change.target.is_status())
        {
            match (change.before == "error", change.after == "error") {
                (false, true) => service.new_errors += 1,
                (true, false) => service.resolved_errors += 1,
                _ => {}
            }
        }
    }
    for added in &patch.added {
        let service = services.entry(named(&added.span.span.service)).or_default();
        service.added += 1;
        service.new_errors += u32::from(added.span.status == "error");
    }
    for removed in &patch.removed {
        let service = services
            .entry(named(&removed.span.span.service))
            .or_default();
        service.removed += 1;
        service.resolved_errors += u32::from(removed.span.status == "error");
    }
    services
}

/// Services with churn or drift, the largest change of durations first.
fn services(
    churn: &BTreeMap<String, Service>,
    before: &BTreeMap<String, i64>,
    after: &BTreeMap<String, i64>,
) -> Vec<Service> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let sum = |of: &BTreeMap<String, i64>, name: &String| of.get(name).copied().unwrap_or_default();
    let mut services: Vec<Service> = names
        .into_iter()
        .filter_map(|name| {
            let base = sum(before, name);
            let delta = sum(after, name) - base;
            let churned = churn.get(name);
            (churned.is_some() || drifted(base, delta)).then(|| Service {
                name: name.clone(),
                sum_span_duration_delta_ms: delta / NANOS,
                ..churned.cloned().unwrap_or_default()
            })
        })
        .collect();
    services.sort_by_cached_key(|service| {
        let size = service.sum_span_duration_delta_ms.unsigned_abs();
        (Reverse((size, service.new_errors)), service.name.clone())
    });
    services
}

/// Every span a little slower is seen in the sum, though no single one is: at least a millisecond and a twentieth.
fn drifted(base: i64, delta: i64) -> bool {
    let delta = delta.unsigned_abs();
    delta >= NANOS.unsigned_abs() && delta >= base.unsigned_abs().div_ceil(20)
}
