//! The words of the language, and which of them is near to a misspelt one.

use std::ops::RangeInclusive;

use crate::literal::constant;
use crate::tree::{Intrinsic, Kind, Status};

pub(crate) const AGGREGATES: [&str; 5] = ["count", "avg", "max", "min", "sum"];
pub(crate) const METRICS: [&str; 9] = [
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
];
/// Words that mean something in some place only.
const OTHERS: [&str; 16] = [
    "true",
    "false",
    "nil",
    "rootService",
    "id",
    "traceID",
    "spanID",
    "parentID",
    "timeSinceStart",
    "version",
    "childCount",
    "parent",
    "by",
    "coalesce",
    "select",
    "with",
];
const SECOND_STAGES: [&str; 2] = ["topk", "bottomk"];
const UNSCOPED: [(&str, Intrinsic); 11] = [
    ("duration", Intrinsic::Duration),
    ("name", Intrinsic::Name),
    ("status", Intrinsic::Status),
    ("statusMessage", Intrinsic::StatusMessage),
    ("kind", Intrinsic::Kind),
    ("rootName", Intrinsic::TraceRootName),
    ("rootServiceName", Intrinsic::TraceRootService),
    ("traceDuration", Intrinsic::TraceDuration),
    ("nestedSetLeft", Intrinsic::NestedSetLeft),
    ("nestedSetRight", Intrinsic::NestedSetRight),
    ("nestedSetParent", Intrinsic::NestedSetParent),
];
const SCOPES: [&str; 6] = [
    "span",
    "resource",
    "event",
    "link",
    "instrumentation",
    "trace",
];

/// The intrinsic that a word names without a scope.
pub(crate) fn intrinsic(word: &str) -> Option<Intrinsic> {
    UNSCOPED
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, intrinsic)| *intrinsic)
}

/// The intrinsics of each scope, in the order in which an error names them.
pub(crate) fn scoped_intrinsics(scope: &str) -> &'static [(&'static str, Intrinsic)] {
    match scope {
        "span:" => &[
            ("duration", Intrinsic::Duration),
            ("name", Intrinsic::Name),
            ("status", Intrinsic::Status),
            ("statusMessage", Intrinsic::StatusMessage),
            ("kind", Intrinsic::Kind),
            ("id", Intrinsic::SpanId),
            ("parentID", Intrinsic::ParentId),
            ("childCount", Intrinsic::ChildCount),
        ],
        "trace:" => &[
            ("duration", Intrinsic::TraceDuration),
            ("rootName", Intrinsic::TraceRootName),
            ("rootService", Intrinsic::TraceRootService),
            ("id", Intrinsic::TraceId),
        ],
        "event:" => &[
            ("name", Intrinsic::EventName),
            ("timeSinceStart", Intrinsic::EventTimeSinceStart),
        ],
        "link:" => &[
            ("traceID", Intrinsic::LinkTraceId),
            ("spanID", Intrinsic::LinkSpanId),
        ],
        _ => &[
            ("name", Intrinsic::InstrumentationName),
            ("version", Intrinsic::InstrumentationVersion),
        ],
    }
}

/// Whether Tempo's lexer knows the word. What it does not know, its errors call `IDENTIFIER`.
pub(crate) fn is_keyword(word: &str) -> bool {
    intrinsic(word).is_some()
        || (constant(word).is_some() && !matches!(word, "minInt" | "maxInt"))
        || OTHERS.contains(&word)
        || SECOND_STAGES.contains(&word)
        || AGGREGATES.contains(&word)
        || METRICS.contains(&word)
}

/// The word of the language that `word` is most likely meant to be.
pub(crate) fn nearest(word: &str) -> Option<&'static str> {
    let statuses = Status::ALL.into_iter().map(Status::name);
    let kinds = Kind::ALL.into_iter().map(Kind::name);
    let known = UNSCOPED
        .into_iter()
        .map(|(name, _)| name)
        .chain(METRICS)
        .chain(AGGREGATES)
        .chain(SECOND_STAGES)
        .chain(OTHERS)
        .chain(SCOPES)
        .chain(["order", "minInt", "maxInt"])
        .chain(statuses)
        .chain(kinds);
    nearest_of(word, known)
}

/// The one of `known` that is nearest to `word`, if any is near: a third of its letters may be wrong.
pub(crate) fn nearest_of(
    word: &str,
    known: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    const LENGTHS: RangeInclusive<usize> = 3..=40;
    let letters: Vec<char> = word.to_lowercase().chars().collect();
    if !LENGTHS.contains(&letters.len()) {
        return None;
    }
    known
        .filter(|name| *name != word)
        .map(|name| (distance(&letters, &name.to_lowercase()), name))
        .filter(|(wrong, name)| wrong * 3 <= name.len().max(letters.len()))
        .min_by_key(|(wrong, _)| *wrong)
        .map(|(_, name)| name)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour.
fn distance(from: &[char], to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut rows = vec![(0..=to.len()).collect::<Vec<_>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let changed = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if swapped {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_words_find_their_neighbour() {
        for (word, meant) in [
            ("nme", Some("name")),
            ("Duration", Some("duration")),
            ("durati0n", Some("duration")),
            ("ratee", Some("rate")),
            ("quantile_overtime", Some("quantile_over_time")),
            ("resourcee", Some("resource")),
            ("sevrer", Some("server")),
            ("topK", Some("topk")),
            ("x", None),
            ("in", None),
            ("and", None),
            ("http", None),
            ("wharblgarbl", None),
        ] {
            assert_eq!(nearest(word), meant, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(100_000)), None);
    }
}
