//! Whether one rule keeps all that another keeps, as far as their text tells.
//!
//! A yes is certain; a no means that it cannot be told. A condition on an attribute, a status or a flag
//! holds if any span satisfies it, so two of them exclude each other only if they are a condition and
//! its opposite: a trace may well have one span with `a = 1` and another with `a = 2`. How long a trace takes
//! and how many spans it has are of the whole trace; their ranges do exclude each other.

use super::Rule;
use super::rule::{
    Adaptive, Algorithm, Latency, Matching, NumericAttribute, Probabilistic, SpanCount, Status,
    StringAttribute,
};
use super::share::Share;

/// Without inversions hidden in fields, nested `and`, double `not`, or two ways to say the same.
pub(super) fn plain(rule: &Rule) -> Rule {
    match rule {
        Rule::StringAttribute(inner) if inner.invert => {
            let invert = false;
            negated(Rule::StringAttribute(StringAttribute {
                invert,
                ..inner.clone()
            }))
        }
        Rule::NumericAttribute(inner) if inner.invert => {
            let invert = false;
            negated(Rule::NumericAttribute(NumericAttribute {
                invert,
                ..inner.clone()
            }))
        }
        Rule::BooleanAttribute(inner) if inner.invert => {
            let mut inner = inner.clone();
            inner.invert = false;
            negated(Rule::BooleanAttribute(inner))
        }
        Rule::And(parts) => {
            let mut flat = Vec::new();
            for part in parts {
                match plain(part) {
                    Rule::And(inner) => flat.extend(inner),
                    other => flat.push(other),
                }
            }
            match <[Rule; 1]>::try_from(flat) {
                Ok([one]) => one,
                Err(flat) => Rule::And(flat),
            }
        }
        Rule::Not(inner) => negated(plain(inner)),
        Rule::Drop(parts) => Rule::Drop(parts.iter().map(plain).collect()),
        Rule::StringAttribute(_)
        | Rule::NumericAttribute(_)
        | Rule::BooleanAttribute(_)
        | Rule::Always
        | Rule::Probabilistic(_)
        | Rule::Latency(_)
        | Rule::StatusCode(_)
        | Rule::TraceState(_)
        | Rule::TraceFlags
        | Rule::SpanCount(_)
        | Rule::RateLimiting(_)
        | Rule::BytesLimiting(_)
        | Rule::Ottl(_)
        | Rule::TraceQl(_)
        | Rule::Composite(_)
        | Rule::FirstMatch(_)
        | Rule::Diversity(_)
        | Rule::Volumetric(_)
        | Rule::Adaptive(_)
        | Rule::Anomaly(_)
        | Rule::Extension(_) => rule.clone(),
    }
}

fn negated(rule: Rule) -> Rule {
    match rule {
        Rule::Not(inner) => *inner,
        other => Rule::Not(Box::new(other)),
    }
}

/// Does `a` keep every trace that `b` keeps? Both are [`plain`].
pub(super) fn covers(a: &Rule, b: &Rule) -> bool {
    if everything(a) || nothing(b) {
        return true;
    }
    match (a, b) {
        (Rule::And(parts), _) => parts.iter().all(|part| covers(part, b)),
        (Rule::Not(a), Rule::Not(b)) => covers(b, a),
        (Rule::Not(a), _) => excludes(a, b),
        (_, Rule::And(parts)) => parts.iter().any(|part| covers(a, part)),
        (Rule::Latency(a), Rule::Latency(b)) => latency_covers(a, b),
        (Rule::StatusCode(a), Rule::StatusCode(b)) => b.is_subset(a),
        (Rule::StringAttribute(a), Rule::StringAttribute(b)) => strings_cover(a, b),
        (Rule::NumericAttribute(a), Rule::NumericAttribute(b)) => {
            a.key == b.key && low(a) <= low(b) && high(b) <= high(a)
        }
        (Rule::TraceState(a), Rule::TraceState(b)) => {
            a.key == b.key && b.values.is_subset(&a.values)
        }
        (Rule::SpanCount(a), Rule::SpanCount(b)) => a.min <= b.min && most(b) <= most(a),
        (Rule::Probabilistic(a), Rule::Probabilistic(b)) => {
            a.randomness == b.randomness && a.share >= b.share
        }
        _ => a.is_condition() && a == b,
    }
}

/// Can no trace satisfy both? Both are [`plain`].
pub(super) fn excludes(a: &Rule, b: &Rule) -> bool {
    if nothing(a) || nothing(b) {
        return true;
    }
    match (a, b) {
        (Rule::And(parts), other) | (other, Rule::And(parts)) => {
            parts.iter().any(|part| excludes(part, other))
        }
        (Rule::Not(inner), other) | (other, Rule::Not(inner)) => covers(inner, other),
        (Rule::Latency(a), Rule::Latency(b)) => {
            longest(a) <= b.above_ns || longest(b) <= a.above_ns
        }
        (Rule::SpanCount(a), Rule::SpanCount(b)) => most(a) < b.min || most(b) < a.min,
        _ => false,
    }
}

/// Does it keep every trace?
pub(super) fn everything(rule: &Rule) -> bool {
    match rule {
        Rule::Always => true,
        Rule::Probabilistic(rule) => rule.share == Share::WHOLE,
        Rule::StatusCode(codes) => [Status::Unset, Status::Ok, Status::Error]
            .iter()
            .all(|code| codes.contains(code)),
        // A trace has a span.
        Rule::SpanCount(rule) => rule.min <= 1 && rule.max.is_none(),
        Rule::And(parts) => !parts.is_empty() && parts.iter().all(everything),
        Rule::Not(inner) => nothing(inner),
        Rule::Adaptive(rule) => matches!(rule.algorithm, Algorithm::Deterministic { one_in: 1 }),
        Rule::Latency(_)
        | Rule::StringAttribute(_)
        | Rule::NumericAttribute(_)
        | Rule::BooleanAttribute(_)
        | Rule::TraceState(_)
        | Rule::TraceFlags
        | Rule::RateLimiting(_)
        | Rule::BytesLimiting(_)
        | Rule::Ottl(_)
        | Rule::TraceQl(_)
        | Rule::Drop(_)
        | Rule::Composite(_)
        | Rule::FirstMatch(_)
        | Rule::Diversity(_)
        | Rule::Volumetric(_)
        | Rule::Anomaly(_)
        | Rule::Extension(_) => false,
    }
}

/// Does it keep no trace, by what one part of it says? What two say together is a [`contradiction()`].
pub(super) fn nothing(rule: &Rule) -> bool {
    match rule {
        Rule::Probabilistic(Probabilistic { share, .. }) => *share == Share::NONE,
        Rule::Volumetric(rule) => rule.share == Share::NONE,
        Rule::Adaptive(Adaptive {
            algorithm: Algorithm::Percentage { share },
            ..
        }) => *share == Share::NONE,
        Rule::And(parts) => parts.iter().any(nothing),
        Rule::Not(inner) => everything(inner),
        Rule::Always
        | Rule::Latency(_)
        | Rule::StatusCode(_)
        | Rule::StringAttribute(_)
        | Rule::NumericAttribute(_)
        | Rule::BooleanAttribute(_)
        | Rule::TraceState(_)
        | Rule::TraceFlags
        | Rule::SpanCount(_)
        | Rule::RateLimiting(_)
        | Rule::BytesLimiting(_)
        | Rule::Ottl(_)
        | Rule::TraceQl(_)
        | Rule::Drop(_)
        | Rule::Composite(_)
        | Rule::FirstMatch(_)
        | Rule::Diversity(_)
        | Rule::Adaptive(_)
        | Rule::Anomaly(_)
        | Rule::Extension(_) => false,
    }
}

/// Are there two that no trace can satisfy together?
pub(super) fn contradiction(parts: &[Rule]) -> bool {
    parts.iter().enumerate().any(|(number, one)| {
        // What keeps nothing by itself is not a contradiction between two.
        parts[number + 1..]
            .iter()
            .any(|other| !nothing(one) && !nothing(other) && excludes(one, other))
    })
}

fn latency_covers(a: &Latency, b: &Latency) -> bool {
    a.above_ns <= b.above_ns && longest(b) <= longest(a)
}

fn longest(rule: &Latency) -> u64 {
    rule.up_to_ns.unwrap_or(u64::MAX)
}

fn low(rule: &NumericAttribute) -> i64 {
    rule.min.unwrap_or(i64::MIN)
}

fn high(rule: &NumericAttribute) -> i64 {
    rule.max.unwrap_or(i64::MAX)
}

fn most(rule: &SpanCount) -> u64 {
    rule.max.unwrap_or(u64::MAX)
}

fn strings_cover(a: &StringAttribute, b: &StringAttribute) -> bool {
    a.key == b.key
        && match (a.matching, b.matching) {
            (Matching::Exact, Matching::Exact)
            | (Matching::Regex { .. }, Matching::Regex { .. }) => b.values.is_subset(&a.values),
            // Whether a pattern finds a text would have to be tried, pair by pair.
            (Matching::Regex { .. }, Matching::Exact)
            | (Matching::Exact, Matching::Regex { .. }) => false,
        }
}
