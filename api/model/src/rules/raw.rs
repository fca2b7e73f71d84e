//! Rules as they are written, and the way from there to legal ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    AlertRule, MAX_DURATION, MAX_GROUPS, MAX_LABELS, MAX_LIMIT, MAX_RULES, MIN_INTERVAL, Problem,
    Purpose, RecordRule, Rule, RuleError, RuleGroup, RuleGroups, Template,
};
use crate::{format_duration, parse_duration};

const MAX_NAME_BYTES: usize = 256;
const MAX_EXPR_BYTES: usize = 16 << 10;
const MAX_TEXT_BYTES: usize = 4 << 10;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query_window: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query_offset: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    #[serde(default)]
    rules: Vec<Written>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    expr: String,
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_firing_for: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl TryFrom<Vec<Group>> for RuleGroups {
    type Error = RuleError;
    fn try_from(groups: Vec<Group>) -> Result<Self, RuleError> {
        if groups.len() > MAX_GROUPS {
            return Err(RuleError::TooManyGroups(groups.len()));
        }
        let rules = groups.iter().map(|group| group.rules.len()).sum();
        if rules > MAX_RULES {
            return Err(RuleError::TooManyRules(rules));
        }
        let mut names = BTreeSet::new();
        let read = groups.into_iter().map(|group| {
            if !names.insert(group.name.clone()) {
                return Err(RuleError::GroupTwice(group.name));
            }
            group.read().map(Arc::new)
        });
        Ok(Self(read.collect::<Result<Vec<_>, _>>()?.into()))
    }
}

impl Group {
    fn read(self) -> Result<RuleGroup, RuleError> {
        let name = self.name.clone();
        let wrong = |problem| RuleError::Group {
            group: name.clone(),
            problem,
        };
        sized("name", &self.name, MAX_NAME_BYTES).map_err(wrong)?;
        let time = |field, text: Option<String>, min| {
            let read = text.map(|text| duration(field, &text, min));
            read.transpose().map_err(wrong)
        };
        let interval = time("interval", self.interval, MIN_INTERVAL)?;
        let query_window = time("query_window", self.query_window, MIN_INTERVAL)?;
        let query_offset = time("query_offset", self.query_offset, Duration::ZERO)?;
        if self
            .limit
            .is_some_and(|limit| limit == 0 || limit > MAX_LIMIT)
        {
            return Err(wrong(Problem::Limit));
        }
        let rules = self.rules.into_iter().zip(1..).map(|(rule, number)| {
            let named = rule.alert.as_ref().or(rule.record.as_ref());
            let named = named.cloned().unwrap_or_default();
            rule.read().map_err(|problem| RuleError::Rule {
                group: name.clone(),
                number,
                rule: named,
                problem,
            })
        });
        Ok(RuleGroup {
            rules: rules.collect::<Result<_, _>>()?,
            name: self.name,
            interval,
            query_window,
            query_offset,
            limit: self.limit,
        })
    }
}

impl Written {
    fn read(mut self) -> Result<Rule, Problem> {
        sized("expr", self.expr.trim(), MAX_EXPR_BYTES)?;
        let expr = std::mem::take(&mut self.expr);
        let purpose = match (self.alert.take(), self.record.take()) {
            (Some(name), None) => Purpose::Alert(self.alert(name)?),
            (None, Some(name)) => Purpose::Record(self.record(name)?),
            (None, None) | (Some(_), Some(_)) => return Err(Problem::Purpose),
        };
        Ok(Rule { expr, purpose })
    }

    fn alert(self, name: String) -> Result<AlertRule, Problem> {
        sized("alert", &name, MAX_NAME_BYTES)?;
        if self.labels.contains_key("alertname") {
            return Err(Problem::AlertName);
        }
        let time = |field, text: Option<String>| {
            let read = text.map(|text| duration(field, &text, Duration::ZERO));
            read.transpose().map(Option::unwrap_or_default)
        };
        Ok(AlertRule {
            name,
            hold: time("for", self.hold)?,
            keep_firing: time("keep_firing_for", self.keep_firing_for)?,
            labels: templates("label", self.labels)?,
            annotations: templates("annotation", self.annotations)?,
        })
    }

    fn record(self, name: String) -> Result<RecordRule, Problem> {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(legal) {
            return Err(Problem::MetricName(name));
        }
        sized("record", &name, MAX_NAME_BYTES)?;
        for (field, present) in [
            ("for", self.hold.is_some()),
            ("keep_firing_for", self.keep_firing_for.is_some()),
            ("annotations", !self.annotations.is_empty()),
        ] {
            if present {
                return Err(Problem::AlertsOnly(field));
            }
        }
        named("label", &self.labels)?;
        Ok(RecordRule {
            name,
            labels: self.labels,
        })
    }
}

fn sized(field: &'static str, text: &str, max: usize) -> Result<(), Problem> {
    match text.len() {
        0 => Err(Problem::Empty(field)),
        bytes if bytes > max => Err(Problem::Long { field, bytes, max }),
        _ => Ok(()),
    }
}

fn duration(field: &'static str, text: &str, min: Duration) -> Result<Duration, Problem> {
    let whole = |duration: &Duration| duration.subsec_nanos().is_multiple_of(1_000_000);
    let read = parse_duration(text).ok().filter(whole);
    let read = read.ok_or_else(|| Problem::Duration {
        field,
        text: text.to_owned(),
    })?;
    if read < min || read > MAX_DURATION {
        return Err(Problem::OutOfRange { field, min });
    }
    Ok(read)
}

fn templates(
    what: &'static str,
    texts: BTreeMap<String, String>,
) -> Result<BTreeMap<String, Template>, Problem> {
    named(what, &texts)?;
    let read = texts
        .into_iter()
        .map(|(name, text)| match Template::new(text) {
            Ok(template) => Ok((name, template)),
            Err(error) => Err(Problem::Template { what, name, error }),
        });
    read.collect()
}

fn named(what: &'static str, texts: &BTreeMap<String, String>) -> Result<(), Problem> {
    if texts.len() > MAX_LABELS {
        let count = texts.len();
        return Err(Problem::TooMany { what, count });
    }
    for (name, text) in texts {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = !name.starts_with(|c: char| c.is_ascii_digit()) && !name.starts_with("__");
        if name.is_empty() || !starts || !name.chars().all(legal) {
            let name = name.clone();
            return Err(Problem::LabelName { what, name });
        }
        let (field, bytes, max) = (what, text.len(), MAX_TEXT_BYTES);
        if bytes > max {
            return Err(Problem::Long { field, bytes, max });
        }
    }
    Ok(())
}

impl From<RuleGroups> for Vec<Group> {
    fn from(groups: RuleGroups) -> Self {
        groups.iter().map(|group| Group::write(group)).collect()
    }
}

impl Group {
    fn write(group: &RuleGroup) -> Self {
        Self {
            name: group.name.clone(),
            interval: group.interval.map(format_duration),
            query_window: group.query_window.map(format_duration),
            query_offset: group.query_offset.map(format_duration),
            limit: group.limit,
            rules: group.rules.iter().map(Written::write).collect(),
        }
    }
}

impl Written {
    fn write(rule: &Rule) -> Self {
        let expr = rule.expr.clone();
        let wait = |wait: Duration| (!wait.is_zero()).then(|| format_duration(wait));
        let texts = |templates: &BTreeMap<String, Template>| {
            let texts = templates.iter();
            texts
                .map(|(name, template)| (name.clone(), template.to_string()))
                .collect()
        };
        match &rule.purpose {
            Purpose::Alert(alert) => Self {
                alert: Some(alert.name.clone()),
                expr,
                hold: wait(alert.hold),
                keep_firing_for: wait(alert.keep_firing),
                labels: texts(&alert.labels),
                annotations: texts(&alert.annotations),
                ..Self::default()
            },
            Purpose::Record(record) => Self {
                record: Some(record.name.clone()),
                expr,
                labels: record.labels.clone(),
                ..Self::default()
            },
        }
    }
}
