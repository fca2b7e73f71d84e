//! Whether a policy makes sense by itself.
//!
//! Regular expressions are compiled. OTTL and TraceQL are only looked at for size, balance and open
//! quotes: their compilers belong to the data plane, which this crate does not know. Who writes a policy
//! (`takt ctl`, the console) asks the compiler before; a sampler that cannot compile one counts it and lets the
//! others decide.

mod adaptive;
mod cases;
mod fields;
mod rules;
mod size;

use fields::{MAX_PER_SECOND, count, name, text, within};
use rules::{Place, at_the_head};

use super::spec::Window;
use super::{Spec, Stage};

pub const MAX_NAME_BYTES: usize = 128;
pub const MAX_TEXT_BYTES: usize = 1024;
pub const MAX_EXPRESSION_BYTES: usize = 4096;
/// Attribute keys, values of attributes, conditions, labels: each list of a policy.
pub const MAX_ITEMS: usize = 64;
/// Rules within one policy, itself included.
pub const MAX_RULES: usize = 64;
pub const MAX_DEPTH: usize = 6;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {fault}")]
pub struct Wrong {
    /// Dotted, as in `rule.and[1].latency.up_to_ns`.
    pub path: String,
    pub fault: Fault,
}

/// Why a field cannot be as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("is empty; say at least one")]
    Empty,
    #[error("is {is} bytes long, at most {max} are allowed")]
    TooLong { is: usize, max: usize },
    #[error("has {is} entries, at most {max} are allowed")]
    TooMany { is: usize, max: usize },
    #[error("is nested more than {MAX_DEPTH} deep; write several policies")]
    TooDeep,
    #[error("is {is}, but must be between {min} and {max}")]
    OutOfRange { is: u64, min: u64, max: u64 },
    #[error("nothing is both at least `{min}` and at most `{max}`")]
    RangeEmpty { min: String, max: String },
    #[error("says neither a lower nor an upper bound")]
    RangeMissing,
    #[error("has a control character or a space at an end")]
    Characters,
    #[error("is a number; numbers are given, choose a word")]
    NameIsNumber,
    #[error("`{0}` is there twice")]
    Twice(String),
    #[error("is not a regular expression that can be used: {0}")]
    Pattern(String),
    #[error("does not balance: {0}")]
    Unbalanced(String),
    #[error("cannot be read as {0}")]
    NotA(&'static str),
    #[error("`{kind}` cannot stand inside `{inside}`: {why}")]
    Misplaced {
        kind: &'static str,
        inside: &'static str,
        why: &'static str,
    },
    #[error("the shares come to more than the whole")]
    SharesTooLarge,
    #[error("`{operator}` takes {takes}")]
    Operands {
        operator: &'static str,
        takes: &'static str,
    },
}

impl Fault {
    /// Stable; part of the API.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "POLICY_FIELD_EMPTY",
            Self::TooLong { .. } => "POLICY_FIELD_TOO_LONG",
            Self::TooMany { .. } => "POLICY_FIELD_TOO_MANY",
            Self::TooDeep => "POLICY_RULE_TOO_DEEP",
            Self::OutOfRange { .. } => "POLICY_FIELD_OUT_OF_RANGE",
            Self::RangeEmpty { .. } => "POLICY_RANGE_EMPTY",
            Self::RangeMissing => "POLICY_RANGE_MISSING",
            Self::Characters => "POLICY_FIELD_CHARACTERS",
            Self::NameIsNumber => "POLICY_NAME_IS_NUMBER",
            Self::Twice(_) => "POLICY_FIELD_TWICE",
            Self::Pattern(_) => "POLICY_PATTERN_INVALID",
            Self::Unbalanced(_) => "POLICY_EXPRESSION_UNBALANCED",
            Self::NotA(_) => "POLICY_VALUE_UNREADABLE",
            Self::Misplaced { .. } => "POLICY_RULE_MISPLACED",
            Self::SharesTooLarge => "POLICY_SHARES_TOO_LARGE",
            Self::Operands { .. } => "POLICY_OPERANDS",
        }
    }

    fn at(self, path: &str) -> Wrong {
        Wrong {
            path: path.to_owned(),
            fault: self,
        }
    }
}

trait Within {
    /// The same, seen from further out.
    fn within(self, outer: &str) -> Self;
}

impl<T> Within for Result<T, Wrong> {
    fn within(self, outer: &str) -> Self {
        self.map_err(|wrong| Wrong {
            path: format!("{outer}.{}", wrong.path),
            fault: wrong.fault,
        })
    }
}

impl Spec {
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), Wrong> {
        name("name", &self.name)?;
        if self.name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::NameIsNumber.at("name"));
        }
        text("description", &self.description)?;
        text("owner", &self.owner)?;
        text("recommendation", &self.recommendation)?;
        count("labels", self.labels.len())?;
        for (key, value) in &self.labels {
            name("labels", key)?;
            text("labels", value)?;
        }
        self.check_times()?;
        for (field, limit) in [
            ("max_spans_per_second", self.max_spans_per_second),
            ("max_bytes_per_second", self.max_bytes_per_second),
        ] {
            if let Some(limit) = limit {
                within(field, limit, 1, MAX_PER_SECOND)?;
            }
        }
        let rules = self.rule.size();
        if rules > MAX_RULES {
            let max = MAX_RULES;
            return Err(Fault::TooMany { is: rules, max }.at("rule"));
        }
        self.rule.check(Place::TOP).within("rule")?;
        match self.stage {
            Stage::Tail => Ok(()),
            Stage::Head => at_the_head(&self.rule).within("rule"),
        }
    }

    fn check_times(&self) -> Result<(), Wrong> {
        if let (Some(starts), Some(expires)) = (self.starts_at, self.expires_at)
            && starts >= expires
        {
            let (min, max) = (starts.0.to_string(), expires.0.to_string());
            return Err(Fault::RangeEmpty { min, max }.at("expires_at"));
        }
        count("windows", self.windows.len())?;
        for window in &self.windows {
            let (from, to) = (window.from_minute, window.to_minute);
            let minutes = u64::from(Window::MINUTES_OF_A_WEEK);
            within("windows.to_minute", u64::from(to), 1, minutes)?;
            if from >= to {
                let (min, max) = (from.to_string(), to.to_string());
                return Err(Fault::RangeEmpty { min, max }.at("windows"));
            }
        }
        Ok(())
    }
}
