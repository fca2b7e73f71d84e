//! What is odd about a set of policies, though each makes sense by itself.
//!
//! Pure: the same set at the same time has the same findings in the same order, whatever order it came
//! in. A finding is advice; nothing is refused because of it.

use std::collections::BTreeMap;
use std::fmt;

use takt_model::UnixNano;

use super::check::Fault;
use super::covers::{contradiction, covers, everything, nothing, plain};
use super::rule::{Matching, Status};
use super::{Rule, Spec, Stage, Window};

/// What kind of oddity; stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// It breaks a rule and would be refused.
    Invalid,
    /// No trace can satisfy it.
    Contradictory,
    /// Its time is over.
    Expired,
    /// Another one does the same.
    Duplicate,
    /// A policy that drops takes everything it would keep.
    Shadowed,
    /// Without effect: another one keeps everything it keeps, or it keeps nothing.
    Unreachable,
    /// It keeps, or drops, every trace or nearly every one.
    Broad,
    /// A text that looks like a regular expression is compared exactly.
    PatternAsText,
    /// No policy keeps anything, so that every trace is dropped.
    KeepsNothing,
}

impl Oddity {
    pub const ALL: [Self; 9] = [
        Self::Invalid,
        Self::Contradictory,
        Self::Expired,
        Self::Duplicate,
        Self::Shadowed,
        Self::Unreachable,
        Self::Broad,
        Self::PatternAsText,
        Self::KeepsNothing,
    ];

    /// Stable; part of the API.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Contradictory => "CONTRADICTORY",
            Self::Expired => "EXPIRED",
            Self::Duplicate => "DUPLICATE",
            Self::Shadowed => "SHADOWED",
            Self::Unreachable => "UNREACHABLE",
            Self::Broad => "BROAD",
            Self::PatternAsText => "PATTERN_AS_TEXT",
            Self::KeepsNothing => "KEEPS_NOTHING",
        }
    }
}

/// Something odd.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The name of the policy; empty if it is the whole set.
    pub policy: String,
    pub oddity: Oddity,
    /// The name of the policy it is because of, if it is because of one.
    pub because_of: Option<String>,
    /// For people.
    pub message: String,
}

/// A policy that makes sense by itself.
struct Sound<'a> {
    spec: &'a Spec,
    rule: Rule,
}

/// What is odd about a set, by name of policy. `now` tells what is expired.
#[must_use]
pub fn lint<'a>(set: impl IntoIterator<Item = &'a Spec>, now: UnixNano) -> Vec<Finding> {
    let mut specs: Vec<&Spec> = set.into_iter().collect();
    // By name, and of equal names by everything else that is said, so that the order of the set is nothing.
    specs.sort_by_cached_key(|spec| (spec.name.clone(), format!("{spec:?}")));
    let mut findings = twice(&specs);
    let mut sound = Vec::new();
    for spec in &specs {
        match by_itself(spec, now) {
            Ok(odd) => {
                findings.extend(odd);
                let rule = plain(&spec.rule);
                sound.push(Sound { spec, rule });
            }
            Err(finding) => findings.push(finding),
        }
    }
    sound.retain(|one| !is_over(one.spec, now));
    for (number, one) in sound.iter().enumerate() {
        findings.extend(beside(number, one, &sound));
    }
    if sound.iter().any(in_force) && !sound.iter().any(keeps_something) {
        findings.push(Finding {
            policy: String::new(),
            oddity: Oddity::KeepsNothing,
            because_of: None,
            message: "no policy keeps anything, so every trace is dropped; \
                      add one that keeps a share of all"
                .to_owned(),
        });
    }
    findings.sort();
    findings
}

fn found(spec: &Spec, oddity: Oddity, message: impl fmt::Display) -> Finding {
    Finding {
        policy: spec.name.clone(),
        oddity,
        because_of: None,
        message: message.to_string(),
    }
}

fn twice(specs: &[&Spec]) -> Vec<Finding> {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for spec in specs {
        *names.entry(&spec.name).or_default() += 1;
    }
    names.retain(|_, count| *count > 1);
    names
        .into_iter()
        .map(|(name, count)| Finding {
            policy: name.to_owned(),
            oddity: Oddity::Invalid,
            because_of: None,
            message: format!("{count} policies have this name; names are unique"),
        })
        .collect()
}

/// What can be said of one policy alone.
fn by_itself(spec: &Spec, now: UnixNano) -> Result<Vec<Finding>, Finding> {
    if let Err(wrong) = spec.check() {
        let oddity = match wrong.fault {
            Fault::RangeEmpty { .. } => Oddity::Contradictory,
            _ => Oddity::Invalid,
        };
        return Err(found(spec, oddity, wrong));
    }
    let mut findings = Vec::new();
    if is_over(spec, now) {
        let message = "its time is over; it is removed within a minute, or delete it";
        findings.push(found(spec, Oddity::Expired, message));
    }
    let rule = match plain(&spec.rule) {
        Rule::Drop(parts) => plain(&Rule::And(parts)),
        rule => rule,
    };
    if contradicts_itself(&rule) {
        let message = "two of its conditions exclude each other, so no trace satisfies it";
        findings.push(found(spec, Oddity::Contradictory, message));
    } else if nothing(&rule) {
        let message = "it matches no trace at all; raise its share or delete it";
        findings.push(found(spec, Oddity::Unreachable, message));
    } else if is_broad(&rule) {
        let does = if is_drop(&spec.rule) {
            "drops"
        } else {
            "keeps"
        };
        let message = format!("it {does} every trace or nearly every one");
        findings.push(found(spec, Oddity::Broad, message));
    }
    if let Some(text) = pattern_as_text(&spec.rule) {
        let message =
            format!("`{text}` is compared exactly; say that values are regular expressions");
        findings.push(found(spec, Oddity::PatternAsText, message));
    }
    Ok(findings)
}

fn contradicts_itself(rule: &Rule) -> bool {
    matches!(rule, Rule::And(parts) if contradiction(parts))
}

fn is_drop(rule: &Rule) -> bool {
    matches!(rule, Rule::Drop(_))
}

/// Most spans have no status, so `unset` matches nearly every trace.
fn is_broad(rule: &Rule) -> bool {
    let unset = matches!(rule, Rule::StatusCode(codes) if codes.contains(&Status::Unset));
    unset || everything(rule)
}

fn pattern_as_text(rule: &Rule) -> Option<&str> {
    match rule {
        Rule::StringAttribute(rule) if rule.matching == Matching::Exact => {
            let odd = |text: &&String| {
                text.contains(".*")
                    || text.contains(".+")
                    || text.starts_with('^')
                    || text.ends_with('$')
            };
            rule.values.iter().find(odd).map(String::as_str)
        }
        Rule::And(parts) | Rule::Drop(parts) => parts.iter().find_map(pattern_as_text),
        Rule::Not(inner) => pattern_as_text(inner),
        Rule::Composite(rule) => rule
            .parts
            .iter()
            .find_map(|part| pattern_as_text(&part.rule)),
        _ => None,
    }
}

fn is_over(spec: &Spec, now: UnixNano) -> bool {
    spec.expires_at.is_some_and(|expires| expires <= now)
}

/// What can be said of a policy because of another. The first reason is enough.
fn beside(number: usize, one: &Sound<'_>, all: &[Sound<'_>]) -> Option<Finding> {
    let drops = is_drop(&one.spec.rule);
    let others = || {
        all.iter()
            .enumerate()
            .filter(move |(other, _)| *other != number)
    };
    let because = |oddity, other: &Sound<'_>, message: &str| Finding {
        because_of: Some(other.spec.name.clone()),
        ..found(one.spec, oddity, message)
    };
    for (other, twin) in others() {
        if other < number && does_the_same(twin.spec, one.spec) {
            return Some(because(
                Oddity::Duplicate,
                twin,
                "the other one does the same",
            ));
        }
    }
    if !drops && nothing(&one.rule) {
        return None;
    }
    for (_, dropping) in others() {
        if !drops && is_drop(&dropping.spec.rule) && reaches(dropping, one) {
            let message = "the other one drops everything that this one would keep";
            return Some(because(Oddity::Shadowed, dropping, message));
        }
    }
    for (other, wide) in others() {
        let alike = is_drop(&wide.spec.rule) == drops;
        // Of two that cover each other the later one is the superfluous one.
        if alike && reaches(wide, one) && (other < number || !reaches(one, wide)) {
            let message = if drops {
                "the other one drops everything that this one drops"
            } else {
                "the other one keeps everything that this one keeps"
            };
            return Some(because(Oddity::Unreachable, wide, message));
        }
    }
    None
}

fn does_the_same(a: &Spec, b: &Spec) -> bool {
    a.rule == b.rule
        && a.shadow == b.shadow
        && a.stage == b.stage
        && a.starts_at == b.starts_at
        && a.expires_at == b.expires_at
        && a.windows == b.windows
        && a.max_spans_per_second == b.max_spans_per_second
        && a.max_bytes_per_second == b.max_bytes_per_second
}

/// Does `a` concern every trace that concerns `b`, for as long as `b` lasts?
fn reaches(a: &Sound<'_>, b: &Sound<'_>) -> bool {
    let unlimited = a.spec.max_spans_per_second.is_none() && a.spec.max_bytes_per_second.is_none();
    !a.spec.shadow
        && (unlimited || is_drop(&a.rule))
        && a.spec.stage == b.spec.stage
        && lasts_as_long(a.spec, b.spec)
        && covers(&concerned(&a.rule), &concerned(&b.rule))
}

fn concerned(rule: &Rule) -> Rule {
    match rule {
        Rule::Drop(parts) => plain(&Rule::And(parts.clone())),
        other => other.clone(),
    }
}

fn lasts_as_long(a: &Spec, b: &Spec) -> bool {
    let begins = a.starts_at.is_none() || a.starts_at <= b.starts_at;
    let ends = match (a.expires_at, b.expires_at) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => a >= b,
    };
    let within = |window: &Window| {
        let reaches = |wide: &Window| {
            wide.from_minute <= window.from_minute && window.to_minute <= wide.to_minute
        };
        a.windows.iter().any(reaches)
    };
    let always = a.windows.is_empty();
    begins && ends && (always || (!b.windows.is_empty() && b.windows.iter().all(within)))
}

/// Does it have a say in what becomes of whole traces?
fn in_force(one: &Sound<'_>) -> bool {
    !one.spec.shadow && one.spec.stage == Stage::Tail
}

fn keeps_something(one: &Sound<'_>) -> bool {
    in_force(one) && !is_drop(&one.rule) && !nothing(&one.rule)
}
