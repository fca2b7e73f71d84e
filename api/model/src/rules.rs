//! Rules on traces: TraceQL metrics queries asked on a schedule, and what becomes of their answers.
//!
//! Shape and names are those of Prometheus' rule files, so that people know them; one field is added,
//! `query_window`: how far back the queries of a group look. What TraceQL means is not known here:
//! `expr` is a text.

mod raw;
mod template;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use template::{Template, TemplateError, label_name};

/// Longest text of all rules of a tenant.
pub const MAX_BYTES: usize = 256 << 10;
pub const MAX_GROUPS: usize = 100;
/// Most rules in all groups together.
pub const MAX_RULES: usize = 1000;
/// Most labels, and most annotations, of one rule.
pub const MAX_LABELS: usize = 32;
/// Most series a rule may have whose group does not say `limit`.
pub const DEFAULT_LIMIT: usize = 1000;
pub const MAX_LIMIT: usize = 10_000;
pub const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// Longest interval, window and wait of any rule.
pub const MAX_DURATION: Duration = Duration::from_secs(7 * 24 * 3600);

/// The rules of one tenant. They are legal: names are unique and well formed, templates are read.
///
/// As a text they are the JSON of the list under `groups` in a rule file. Clones share.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<raw::Group>", into = "Vec<raw::Group>")]
pub struct RuleGroups(Arc<[Arc<RuleGroup>]>);

/// Rules that are evaluated together, one after the other, at the same moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleGroup {
    /// Unique for the tenant.
    pub name: String,
    /// From one evaluation to the next; `None` is the server's.
    pub interval: Option<Duration>,
    /// How far back a query looks; `None` is one interval.
    pub query_window: Option<Duration>,
    /// How long a moment must be past before it is asked about; `None` is the server's.
    pub query_offset: Option<Duration>,
    /// Most series a rule may have; `None` is [`DEFAULT_LIMIT`].
    pub limit: Option<usize>,
    pub rules: Vec<Rule>,
}

/// One query, and what its answer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// A TraceQL metrics query.
    pub expr: String,
    pub purpose: Purpose,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Each series of the answer is an alert.
    Alert(AlertRule),
    /// Each series of the answer is written under a new name.
    Record(RecordRule),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRule {
    pub name: String,
    /// `for`: how long a series must be there before its alert fires.
    pub hold: Duration,
    /// How long an alert goes on firing after its series went away.
    pub keep_firing: Duration,
    pub labels: BTreeMap<String, Template>,
    pub annotations: BTreeMap<String, Template>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRule {
    /// The name of the metric.
    pub name: String,
    pub labels: BTreeMap<String, String>,
}

/// Why rules cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("not a list of rule groups: {0}")]
    Shape(String),
    #[error("the rules are {0} bytes long, at most {MAX_BYTES} are allowed")]
    TooLong(usize),
    #[error("{0} groups, at most {MAX_GROUPS} are allowed")]
    TooManyGroups(usize),
    #[error("{0} rules, at most {MAX_RULES} are allowed")]
    TooManyRules(usize),
    #[error("two groups are named `{0}`")]
    GroupTwice(String),
    #[error("group `{group}`: {problem}")]
    Group { group: String, problem: Problem },
    #[error("group `{group}`, rule {number} (`{rule}`): {problem}")]
    Rule {
        group: String,
        /// Counted from one.
        number: usize,
        rule: String,
        problem: Problem,
    },
}

/// What is wrong with one group or rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("a rule is either an `alert` or a `record`: name exactly one of them")]
    Purpose,
    #[error("`{0}` is empty")]
    Empty(&'static str),
    #[error("`{field}` is {bytes} bytes long, at most {max} are allowed")]
    Long {
        field: &'static str,
        bytes: usize,
        max: usize,
    },
    #[error(
        "`{field}`: `{text}` is not a duration in whole milliseconds, such as `30s` or `1h30m`"
    )]
    Duration { field: &'static str, text: String },
    #[error(
        "`{field}` must be from {min} to {max}",
        min = crate::format_duration(*min),
        max = crate::format_duration(MAX_DURATION)
    )]
    OutOfRange { field: &'static str, min: Duration },
    #[error("`limit` must be from 1 to {MAX_LIMIT}")]
    Limit,
    #[error("`{0}` is for alerts, and this rule records")]
    AlertsOnly(&'static str),
    #[error("`{0}` is not a metric name: letters, digits, `_` and `:`, the first one not a digit")]
    MetricName(String),
    #[error(
        "{what} `{name}` is not a label name: letters, digits and `_`, the first one not a digit, and no `__` before it"
    )]
    LabelName { what: &'static str, name: String },
    #[error("the label `alertname` is the name of the rule and cannot be set")]
    AlertName,
    #[error("{count} {what}s, at most {MAX_LABELS} are allowed")]
    TooMany { what: &'static str, count: usize },
    #[error("{what} `{name}`: {error}")]
    Template {
        what: &'static str,
        name: String,
        error: TemplateError,
    },
}

impl RuleGroup {
    /// Most series one of its rules may have.
    #[must_use]
    pub fn series_max(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }
}

impl Rule {
    /// The name of the alert or of the recorded metric.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.purpose {
            Purpose::Alert(alert) => &alert.name,
            Purpose::Record(record) => &record.name,
        }
    }
}

impl Deref for RuleGroups {
    type Target = [Arc<RuleGroup>];
    fn deref(&self) -> &[Arc<RuleGroup>] {
        &self.0
    }
}

impl FromStr for RuleGroups {
    type Err = RuleError;
    fn from_str(text: &str) -> Result<Self, RuleError> {
        if text.len() > MAX_BYTES {
            return Err(RuleError::TooLong(text.len()));
        }
        let groups: Vec<raw::Group> =
            serde_json::from_str(text).map_err(|error| RuleError::Shape(error.to_string()))?;
        groups.try_into()
    }
}

impl fmt::Display for RuleGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests;
