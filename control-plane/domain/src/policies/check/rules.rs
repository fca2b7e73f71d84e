//! What each type of rule asks of its fields, and where it may stand.

use super::adaptive::adaptive;
use super::cases::first_match;
use super::fields::{
    DAY, MAX_DURATION, MAX_KEYS, MAX_PER_SECOND, SECOND, count, distinct, expression, keys, name,
    ordered, pattern, some, text, values, within,
};
use super::{Fault, MAX_DEPTH, Within as _, Wrong};
use crate::policies::rule::{
    Anomaly, Composite, Diversity, Fingerprint, Latency, Limit, Matching, NumericAttribute, Ottl,
    Part, Randomness, StringAttribute,
};
use crate::policies::{Rule, Share};

/// Where in a policy a rule stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    inside: &'static str,
    depth: usize,
}

impl Place {
    pub(super) const TOP: Self = Self {
        inside: "",
        depth: 1,
    };

    fn inside(self, inside: &'static str) -> Self {
        Self {
            inside,
            depth: self.depth + 1,
        }
    }
}

impl Rule {
    pub(super) fn check(&self, place: Place) -> Result<(), Wrong> {
        self.belongs(place)?;
        let here = place.inside(self.kind());
        let checked = match self {
            Self::Always | Self::TraceFlags => Ok(()),
            Self::Probabilistic(rule) => match &rule.randomness {
                Randomness::Consistent => Ok(()),
                Randomness::Salted(salt) => text("hash_salt", salt),
            },
            Self::Latency(rule) => latency(rule),
            Self::StatusCode(codes) => some("status_codes", codes.len()),
            Self::StringAttribute(rule) => string_attribute(rule),
            Self::NumericAttribute(rule) => numeric_attribute(rule),
            Self::BooleanAttribute(rule) => name("key", &rule.key),
            Self::TraceState(rule) => {
                name("key", &rule.key)?;
                values("values", &rule.values)
            }
            Self::SpanCount(rule) => match rule.max {
                Some(max) => ordered("max_spans", rule.min, max),
                None => within("min_spans", rule.min, 1, u64::MAX),
            },
            Self::RateLimiting(limit) | Self::BytesLimiting(limit) => budget(limit),
            Self::Ottl(rule) => ottl(rule),
            Self::TraceQl(query) => expression("query", query),
            Self::And(parts) | Self::Drop(parts) => all(parts, here),
            Self::Not(inner) => inner.check(here).within("policy"),
            Self::Composite(rule) => composite(rule, here),
            Self::FirstMatch(rule) => first_match(rule),
            Self::Diversity(rule) => diversity(rule),
            Self::Volumetric(rule) => keys("group_by", &rule.group_by),
            Self::Adaptive(rule) => adaptive(rule),
            Self::Anomaly(rule) => anomaly(rule),
            Self::Extension(rule) => {
                name("name", &rule.name)?;
                count("settings", rule.settings.len())?;
                for (key, value) in &rule.settings {
                    name("settings", key)?;
                    text("settings", value)?;
                }
                Ok(())
            }
        };
        checked.within(self.kind())
    }

    /// What may stand where.
    fn belongs(&self, place: Place) -> Result<(), Wrong> {
        let kind = self.kind();
        if place.depth > MAX_DEPTH {
            return Err(Fault::TooDeep.at(kind));
        }
        let why = match (place.inside, self) {
            ("", _) => return Ok(()),
            (_, Self::Drop(_)) => "a veto is a policy of its own",
            (_, Self::Composite(_) | Self::FirstMatch(_)) => "it is a policy of its own",
            ("not" | "drop", _) if !self.is_condition() => {
                "only what is true or false of a trace by itself can be inverted or dropped; \
                 to keep less of something, keep a smaller share of it"
            }
            _ => return Ok(()),
        };
        let inside = place.inside;
        Err(Fault::Misplaced { kind, inside, why }.at(kind))
    }
}

/// At the head only the first span is known, and only what it begins with.
pub(super) fn at_the_head(rule: &Rule) -> Result<(), Wrong> {
    match rule {
        Rule::Always
        | Rule::Probabilistic(_)
        | Rule::RateLimiting(_)
        | Rule::StringAttribute(_)
        | Rule::NumericAttribute(_)
        | Rule::BooleanAttribute(_)
        | Rule::TraceState(_) => Ok(()),
        Rule::And(parts) | Rule::Drop(parts) => parts.iter().try_for_each(at_the_head),
        Rule::Not(inner) => at_the_head(inner),
        Rule::Latency(_)
        | Rule::StatusCode(_)
        | Rule::TraceFlags
        | Rule::SpanCount(_)
        | Rule::BytesLimiting(_)
        | Rule::Ottl(_)
        | Rule::TraceQl(_)
        | Rule::Composite(_)
        | Rule::FirstMatch(_)
        | Rule::Diversity(_)
        | Rule::Volumetric(_)
        | Rule::Adaptive(_)
        | Rule::Anomaly(_)
        | Rule::Extension(_) => {
            let kind = rule.kind();
            let why = "where a trace begins nobody knows this of it yet; use the tail stage";
            let inside = "head";
            Err(Fault::Misplaced { kind, inside, why }.at(kind))
        }
    }
}

fn latency(rule: &Latency) -> Result<(), Wrong> {
    within("above_ns", rule.above_ns, 0, MAX_DURATION)?;
    match rule.up_to_ns {
        None => Ok(()),
        Some(up_to) => {
            within("up_to_ns", up_to, 1, MAX_DURATION)?;
            // The lower bound is not part of it.
            ordered("up_to_ns", rule.above_ns.saturating_add(1), up_to)
        }
    }
}

fn string_attribute(rule: &StringAttribute) -> Result<(), Wrong> {
    name("key", &rule.key)?;
    values("values", &rule.values)?;
    match rule.matching {
        Matching::Exact => Ok(()),
        Matching::Regex { cache_size } => {
            within("cache_max_size", u64::from(cache_size), 0, MAX_KEYS)?;
            rule.values
                .iter()
                .try_for_each(|value| pattern("values", value))
        }
    }
}

fn numeric_attribute(rule: &NumericAttribute) -> Result<(), Wrong> {
    name("key", &rule.key)?;
    match (rule.min, rule.max) {
        (None, None) => Err(Fault::RangeMissing.at("min_value")),
        (Some(min), Some(max)) if min > max => {
            let (min, max) = (min.to_string(), max.to_string());
            Err(Fault::RangeEmpty { min, max }.at("max_value"))
        }
        _ => Ok(()),
    }
}

fn budget(limit: &Limit) -> Result<(), Wrong> {
    within("per_second", limit.per_second, 1, MAX_PER_SECOND)?;
    match limit.burst {
        None => Ok(()),
        Some(burst) => within("burst", burst, 1, MAX_PER_SECOND),
    }
}

fn ottl(rule: &Ottl) -> Result<(), Wrong> {
    some("span", rule.span.len() + rule.span_event.len())?;
    for (field, conditions) in [("span", &rule.span), ("span_event", &rule.span_event)] {
        for condition in conditions {
            expression(field, condition)?;
        }
    }
    Ok(())
}

fn all(parts: &[Rule], place: Place) -> Result<(), Wrong> {
    some("policies", parts.len())?;
    for (number, part) in parts.iter().enumerate() {
        part.check(place).within(&format!("policies[{number}]"))?;
    }
    Ok(())
}

fn composite(rule: &Composite, place: Place) -> Result<(), Wrong> {
    within("spans_per_second", rule.spans_per_second, 1, MAX_PER_SECOND)?;
    some("parts", rule.parts.len())?;
    distinct("parts.name", rule.parts.iter().map(|part| &part.name))?;
    let mut sum = 0;
    for (
        number,
        Part {
            name: part,
            share,
            rule,
        },
    ) in rule.parts.iter().enumerate()
    {
        let outer = format!("parts[{number}]");
        name("name", part).within(&outer)?;
        if *share == Some(Share::NONE) {
            let (is, min, max) = (0, 1, u64::from(Share::WHOLE.parts()));
            return Err(Fault::OutOfRange { is, min, max }.at("share")).within(&outer);
        }
        sum += u64::from(share.map_or(0, Share::parts));
        rule.check(place).within("rule").within(&outer)?;
    }
    let open = rule.parts.iter().any(|part| part.share.is_none());
    let whole = u64::from(Share::WHOLE.parts());
    // Who has no share of their own needs something left over.
    if sum > whole || (open && sum == whole) {
        return Err(Fault::SharesTooLarge.at("parts.share"));
    }
    Ok(())
}

fn diversity(rule: &Diversity) -> Result<(), Wrong> {
    within("window_ns", rule.window_ns, SECOND, MAX_DURATION)?;
    within("per_window", u64::from(rule.per_window), 1, MAX_KEYS)?;
    keys("attributes", &rule.attributes)?;
    match rule.fingerprint {
        Fingerprint::Attributes => some("attributes", rule.attributes.len()),
        Fingerprint::Root | Fingerprint::Edges | Fingerprint::CountedEdges => Ok(()),
    }
}

fn anomaly(rule: &Anomaly) -> Result<(), Wrong> {
    some("detectors", rule.detectors.len())?;
    within("min_latency_ns", rule.min_latency_ns, 0, MAX_DURATION)?;
    let whole = u64::from(Share::WHOLE.parts());
    let false_discovery = u64::from(rule.false_discovery.parts());
    within("false_discovery", false_discovery, 1, whole)?;
    within("confirm_ns", rule.confirm_ns, 0, DAY)?;
    within("hold_ns", rule.hold_ns, SECOND, MAX_DURATION)?;
    within("cooldown_ns", rule.cooldown_ns, 0, MAX_DURATION)?;
    let extra = rule.extra_spans_per_second;
    within("extra_spans_per_second", extra, 1, MAX_PER_SECOND)?;
    keys("group_by", &rule.group_by)
}
