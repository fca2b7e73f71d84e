//! The rule of a policy, type by type.

mod adaptive;
mod first_match;

use std::collections::BTreeSet;

use takt_domain::policies::rule::{
    Anomaly, BooleanAttribute, Composite, Detector, Diversity, ErrorMode, Extension, Fingerprint,
    Latency, Limit, Matching, NumericAttribute, Ottl, Part, Probabilistic, Randomness, SpanCount,
    Status, StringAttribute, TraceState, Volume, Volumetric,
};
use takt_domain::policies::{Rule, Share};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::policy_rule::Rule as Stored;

use super::spec::{Malformed, known, share_from};

pub(super) fn rule_to(rule: &Rule) -> stored::PolicyRule {
    let rule = match rule {
        Rule::Always => Stored::AlwaysSample(stored::AlwaysSampleRule {}),
        Rule::Probabilistic(rule) => Stored::Probabilistic(stored::ProbabilisticRule {
            share: rule.share.parts(),
            hash_salt: match &rule.randomness {
                Randomness::Consistent => None,
                Randomness::Salted(salt) => Some(salt.clone()),
            },
        }),
        Rule::Latency(rule) => Stored::Latency(stored::LatencyRule {
            above_ns: rule.above_ns,
            up_to_ns: rule.up_to_ns,
        }),
        Rule::StatusCode(codes) => Stored::StatusCode(stored::StatusCodeRule {
            status_codes: codes.iter().map(|code| status_to(*code).into()).collect(),
        }),
        Rule::StringAttribute(rule) => Stored::StringAttribute(string_attribute_to(rule)),
        Rule::NumericAttribute(rule) => Stored::NumericAttribute(stored::NumericAttributeRule {
            key: rule.key.clone(),
            min_value: rule.min,
            max_value: rule.max,
            invert_match: rule.invert,
        }),
        Rule::BooleanAttribute(rule) => Stored::BooleanAttribute(stored::BooleanAttributeRule {
            key: rule.key.clone(),
            value: rule.value,
            invert_match: rule.invert,
        }),
        Rule::TraceState(rule) => Stored::TraceState(stored::TraceStateRule {
            key: rule.key.clone(),
            values: rule.values.iter().cloned().collect(),
        }),
        Rule::TraceFlags => Stored::TraceFlags(stored::TraceFlagsRule {}),
        Rule::SpanCount(rule) => Stored::SpanCount(stored::SpanCountRule {
            min_spans: rule.min,
            max_spans: rule.max,
        }),
        Rule::RateLimiting(limit) => Stored::RateLimiting(stored::RateLimitingRule {
            spans_per_second: limit.per_second,
            burst_capacity: limit.burst,
        }),
        Rule::BytesLimiting(limit) => Stored::BytesLimiting(stored::BytesLimitingRule {
            bytes_per_second: limit.per_second,
            burst_capacity: limit.burst,
        }),
        Rule::Ottl(rule) => Stored::OttlCondition(stored::OttlConditionRule {
            error_mode: error_mode_to(rule.error_mode).into(),
            span: rule.span.clone(),
            span_event: rule.span_event.clone(),
        }),
        Rule::TraceQl(query) => Stored::Traceql(stored::TraceqlRule {
            query: query.clone(),
        }),
        Rule::And(parts) => Stored::And(stored::AndRule {
            policies: parts.iter().map(rule_to).collect(),
        }),
        Rule::Not(inner) => Stored::Not(Box::new(stored::NotRule {
            policy: Some(Box::new(rule_to(inner))),
        })),
        Rule::Drop(parts) => Stored::Drop(stored::DropRule {
            policies: parts.iter().map(rule_to).collect(),
        }),
        Rule::Composite(rule) => Stored::Composite(composite_to(rule)),
        Rule::FirstMatch(rule) => Stored::FirstMatch(first_match::to(rule)),
        Rule::Diversity(rule) => Stored::Diversity(diversity_to(rule)),
        Rule::Volumetric(rule) => Stored::Volumetric(volumetric_to(rule)),
        Rule::Adaptive(rule) => Stored::Adaptive(adaptive::to(rule)),
        Rule::Anomaly(rule) => Stored::Anomaly(anomaly_to(rule)),
        Rule::Extension(rule) => Stored::Extension(stored::ExtensionRule {
            name: rule.name.clone(),
            settings: rule.settings.clone(),
        }),
    };
    stored::PolicyRule { rule: Some(rule) }
}

pub(super) fn rule_from(rule: Option<stored::PolicyRule>) -> Result<Rule, Malformed> {
    let rule = rule.and_then(|rule| rule.rule);
    Ok(match rule.ok_or(Malformed::Missing("rule"))? {
        Stored::AlwaysSample(_) => Rule::Always,
        Stored::Probabilistic(rule) => Rule::Probabilistic(Probabilistic {
            share: share_from("probabilistic.share", rule.share)?,
            randomness: match rule.hash_salt {
                None => Randomness::Consistent,
                Some(salt) => Randomness::Salted(salt),
            },
        }),
        Stored::Latency(rule) => Rule::Latency(Latency {
            above_ns: rule.above_ns,
            up_to_ns: rule.up_to_ns,
        }),
        Stored::StatusCode(rule) => {
            let codes = rule.status_codes.into_iter().map(status_from);
            Rule::StatusCode(codes.collect::<Result<BTreeSet<_>, _>>()?)
        }
        Stored::StringAttribute(rule) => Rule::StringAttribute(string_attribute_from(rule)),
        Stored::NumericAttribute(rule) => Rule::NumericAttribute(NumericAttribute {
            key: rule.key,
            min: rule.min_value,
            max: rule.max_value,
            invert: rule.invert_match,
        }),
        Stored::BooleanAttribute(rule) => Rule::BooleanAttribute(BooleanAttribute {
            key: rule.key,
            value: rule.value,
            invert: rule.invert_match,
        }),
        Stored::TraceState(rule) => Rule::TraceState(TraceState {
            key: rule.key,
            values: rule.values.into_iter().collect(),
        }),
        Stored::TraceFlags(_) => Rule::TraceFlags,
        Stored::SpanCount(rule) => Rule::SpanCount(SpanCount {
            min: rule.min_spans,
            max: rule.max_spans,
        }),
        Stored::RateLimiting(rule) => Rule::RateLimiting(Limit {
            per_second: rule.spans_per_second,
            burst: rule.burst_capacity,
        }),
        Stored::BytesLimiting(rule) => Rule::BytesLimiting(Limit {
            per_second: rule.bytes_per_second,
            burst: rule.burst_capacity,
        }),
        Stored::OttlCondition(rule) => Rule::Ottl(Ottl {
            error_mode: error_mode_from(rule.error_mode)?,
            span: rule.span,
            span_event: rule.span_event,
        }),
        Stored::Traceql(rule) => Rule::TraceQl(rule.query),
        Stored::And(rule) => Rule::And(all_from(rule.policies)?),
        Stored::Not(rule) => Rule::Not(Box::new(rule_from(rule.policy.map(|rule| *rule))?)),
        Stored::Drop(rule) => Rule::Drop(all_from(rule.policies)?),
        Stored::Composite(rule) => Rule::Composite(composite_from(rule)?),
        Stored::FirstMatch(rule) => Rule::FirstMatch(first_match::from(rule)?),
        Stored::Diversity(rule) => Rule::Diversity(Diversity {
            window_ns: rule.window_ns,
            per_window: rule.per_window,
            fingerprint: fingerprint_from(rule.fingerprint)?,
            attributes: rule.attributes,
        }),
        Stored::Volumetric(rule) => Rule::Volumetric(Volumetric {
            share: share_from("volumetric.share", rule.share)?,
            volume: volume_from(rule.volume)?,
            group_by: rule.group_by,
        }),
        Stored::Adaptive(rule) => Rule::Adaptive(adaptive::from(rule)?),
        Stored::Anomaly(rule) => Rule::Anomaly(anomaly_from(rule)?),
        Stored::Extension(rule) => Rule::Extension(Extension {
            name: rule.name,
            settings: rule.settings,
        }),
    })
}

fn all_from(rules: Vec<stored::PolicyRule>) -> Result<Vec<Rule>, Malformed> {
    rules
        .into_iter()
        .map(|rule| rule_from(Some(rule)))
        .collect()
}

fn string_attribute_to(rule: &StringAttribute) -> stored::StringAttributeRule {
    let (enabled_regex_matching, cache_max_size) = match rule.matching {
        Matching::Exact => (false, 0),
        Matching::Regex { cache_size } => (true, cache_size),
    };
    stored::StringAttributeRule {
        key: rule.key.clone(),
        values: rule.values.iter().cloned().collect(),
        enabled_regex_matching,
        cache_max_size,
        invert_match: rule.invert,
    }
}

fn string_attribute_from(rule: stored::StringAttributeRule) -> StringAttribute {
    let cache_size = rule.cache_max_size;
    StringAttribute {
        key: rule.key,
        values: rule.values.into_iter().collect(),
        matching: if rule.enabled_regex_matching {
            Matching::Regex { cache_size }
        } else {
            Matching::Exact
        },
        invert: rule.invert_match,
    }
}

fn composite_to(rule: &Composite) -> stored::CompositeRule {
    let parts = rule.parts.iter().map(|part| stored::CompositePart {
        name: part.name.clone(),
        share: part.share.map(Share::parts),
        rule: Some(rule_to(&part.rule)),
    });
    stored::CompositeRule {
        spans_per_second: rule.spans_per_second,
        parts: parts.collect(),
    }
}

fn composite_from(rule: stored::CompositeRule) -> Result<Composite, Malformed> {
    let parts = rule.parts.into_iter().map(|part| {
        let share = part.share.map(|share| share_from("parts.share", share));
        Ok(Part {
            name: part.name,
            share: share.transpose()?,
            rule: rule_from(part.rule)?,
        })
    });
    Ok(Composite {
        spans_per_second: rule.spans_per_second,
        parts: parts.collect::<Result<_, Malformed>>()?,
    })
}

fn diversity_to(rule: &Diversity) -> stored::DiversityRule {
    stored::DiversityRule {
        window_ns: rule.window_ns,
        per_window: rule.per_window,
        fingerprint: fingerprint_to(rule.fingerprint).into(),
        attributes: rule.attributes.clone(),
    }
}

fn volumetric_to(rule: &Volumetric) -> stored::VolumetricRule {
    stored::VolumetricRule {
        share: rule.share.parts(),
        volume: volume_to(rule.volume).into(),
        group_by: rule.group_by.clone(),
    }
}

fn anomaly_to(rule: &Anomaly) -> stored::AnomalyRule {
    let detectors = rule.detectors.iter();
    stored::AnomalyRule {
        detectors: detectors
            .map(|detector| detector_to(*detector).into())
            .collect(),
        min_latency_ns: rule.min_latency_ns,
        min_change: rule.min_change.parts(),
        false_discovery: rule.false_discovery.parts(),
        confirm_ns: rule.confirm_ns,
        hold_ns: rule.hold_ns,
        cooldown_ns: rule.cooldown_ns,
        extra_spans_per_second: rule.extra_spans_per_second,
        group_by: rule.group_by.clone(),
    }
}

fn anomaly_from(rule: stored::AnomalyRule) -> Result<Anomaly, Malformed> {
    let detectors = rule.detectors.into_iter().map(detector_from);
    Ok(Anomaly {
        detectors: detectors.collect::<Result<_, _>>()?,
        min_latency_ns: rule.min_latency_ns,
        min_change: share_from("anomaly.min_change", rule.min_change)?,
        false_discovery: share_from("anomaly.false_discovery", rule.false_discovery)?,
        confirm_ns: rule.confirm_ns,
        hold_ns: rule.hold_ns,
        cooldown_ns: rule.cooldown_ns,
        extra_spans_per_second: rule.extra_spans_per_second,
        group_by: rule.group_by,
    })
}

fn status_to(status: Status) -> stored::SpanStatus {
    match status {
        Status::Unset => stored::SpanStatus::Unset,
        Status::Ok => stored::SpanStatus::Ok,
        Status::Error => stored::SpanStatus::Error,
    }
}

fn status_from(status: i32) -> Result<Status, Malformed> {
    match known("status_code.status_codes", status)? {
        stored::SpanStatus::Unspecified => Err(Malformed::Missing("status_code.status_codes")),
        stored::SpanStatus::Unset => Ok(Status::Unset),
        stored::SpanStatus::Ok => Ok(Status::Ok),
        stored::SpanStatus::Error => Ok(Status::Error),
    }
}

fn error_mode_to(mode: ErrorMode) -> stored::OttlErrorMode {
    match mode {
        ErrorMode::Ignore => stored::OttlErrorMode::Ignore,
        ErrorMode::Silent => stored::OttlErrorMode::Silent,
        ErrorMode::Propagate => stored::OttlErrorMode::Propagate,
    }
}

fn error_mode_from(mode: i32) -> Result<ErrorMode, Malformed> {
    Ok(match known("ottl_condition.error_mode", mode)? {
        stored::OttlErrorMode::Unspecified | stored::OttlErrorMode::Ignore => ErrorMode::Ignore,
        stored::OttlErrorMode::Silent => ErrorMode::Silent,
        stored::OttlErrorMode::Propagate => ErrorMode::Propagate,
    })
}

fn fingerprint_to(fingerprint: Fingerprint) -> stored::Fingerprint {
    match fingerprint {
        Fingerprint::Attributes => stored::Fingerprint::Attributes,
        Fingerprint::Root => stored::Fingerprint::Root,
        Fingerprint::Edges => stored::Fingerprint::Edges,
        Fingerprint::CountedEdges => stored::Fingerprint::CountedEdges,
    }
}

fn fingerprint_from(fingerprint: i32) -> Result<Fingerprint, Malformed> {
    match known("diversity.fingerprint", fingerprint)? {
        stored::Fingerprint::Unspecified => Err(Malformed::Missing("diversity.fingerprint")),
        stored::Fingerprint::Attributes => Ok(Fingerprint::Attributes),
        stored::Fingerprint::Root => Ok(Fingerprint::Root),
        stored::Fingerprint::Edges => Ok(Fingerprint::Edges),
        stored::Fingerprint::CountedEdges => Ok(Fingerprint::CountedEdges),
    }
}

fn volume_to(volume: Volume) -> stored::Volume {
    match volume {
        Volume::Traces => stored::Volume::Traces,
        Volume::Spans => stored::Volume::Spans,
        Volume::Bytes => stored::Volume::Bytes,
    }
}

fn volume_from(volume: i32) -> Result<Volume, Malformed> {
    Ok(match known("volumetric.volume", volume)? {
        stored::Volume::Traces => Volume::Traces,
        stored::Volume::Unspecified | stored::Volume::Spans => Volume::Spans,
        stored::Volume::Bytes => Volume::Bytes,
    })
}

fn detector_to(detector: Detector) -> stored::AnomalyDetector {
    match detector {
        Detector::LatencyOutlier => stored::AnomalyDetector::LatencyOutlier,
        Detector::ErrorRate => stored::AnomalyDetector::ErrorRate,
        Detector::NewPattern => stored::AnomalyDetector::NewPattern,
        Detector::MissingPattern => stored::AnomalyDetector::MissingPattern,
        Detector::FanOut => stored::AnomalyDetector::FanOut,
        Detector::AttributeContrast => stored::AnomalyDetector::AttributeContrast,
        Detector::RuntimeState => stored::AnomalyDetector::RuntimeState,
        Detector::Alert => stored::AnomalyDetector::Alert,
    }
}

fn detector_from(detector: i32) -> Result<Detector, Malformed> {
    match known("anomaly.detectors", detector)? {
        stored::AnomalyDetector::Unspecified => Err(Malformed::Missing("anomaly.detectors")),
        stored::AnomalyDetector::LatencyOutlier => Ok(Detector::LatencyOutlier),
        stored::AnomalyDetector::ErrorRate => Ok(Detector::ErrorRate),
        stored::AnomalyDetector::NewPattern => Ok(Detector::NewPattern),
        stored::AnomalyDetector::MissingPattern => Ok(Detector::MissingPattern),
        stored::AnomalyDetector::FanOut => Ok(Detector::FanOut),
        stored::AnomalyDetector::AttributeContrast => Ok(Detector::AttributeContrast),
        stored::AnomalyDetector::RuntimeState => Ok(Detector::RuntimeState),
        stored::AnomalyDetector::Alert => Ok(Detector::Alert),
    }
}
