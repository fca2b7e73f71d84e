//! Whether a policy makes sense by itself.
//!
//! Regular expressions are compiled. OTTL and TraceQL are only looked at for size, balance and open
//! quotes: their compilers belong to the data plane, which this crate does not know. Who writes a policy
//! (`takt ctl`, the console) asks the compiler before; a sampler that cannot compile one counts it and lets the
//! others decide.

use std::collections::BTreeSet;

use regex::RegexBuilder;

use super::rule::{
    Action, Adaptive, Algorithm, Anomaly, Average, Case, CaseScope, Compare, Composite, Condition,
    Datatype, Diversity, Fingerprint, FirstMatch, Latency, Limit, Matching, NumericAttribute,
    Operator, Ottl, Part, Randomness, StringAttribute,
};
use super::spec::Window;
use super::{Rule, Share, Spec, Stage};

pub const MAX_NAME_BYTES: usize = 128;
pub const MAX_TEXT_BYTES: usize = 1024;
pub const MAX_EXPRESSION_BYTES: usize = 4096;
/// Attribute keys, values of attributes, conditions, labels: each list of a policy.
pub const MAX_ITEMS: usize = 64;
/// Rules within one policy, itself included.
pub const MAX_RULES: usize = 64;
pub const MAX_DEPTH: usize = 6;
/// A compiled regular expression.
const MAX_PATTERN_MEMORY: usize = 1 << 20;
const MAX_PER_SECOND: u64 = 1_000_000_000_000;
const MAX_KEYS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 24 * 3600 * SECOND;
/// As long as a latency or a window may be.
const MAX_DURATION: u64 = 31 * DAY;

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

    /// About how much room it takes, in bytes of text.
    #[must_use]
    pub fn weight(&self) -> usize {
        let labels = self
            .labels
            .iter()
            .map(|(key, value)| key.len() + value.len());
        let texts = [
            &self.name,
            &self.description,
            &self.owner,
            &self.recommendation,
        ];
        let own: usize = texts.into_iter().map(String::len).sum();
        own + labels.sum::<usize>() + self.rule.weight()
    }
}

/// Where in a policy a rule stands.
#[derive(Clone, Copy)]
struct Place {
    inside: &'static str,
    depth: usize,
}

impl Place {
    const TOP: Self = Self {
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
    fn check(&self, place: Place) -> Result<(), Wrong> {
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

    /// Rules in it, itself included.
    fn size(&self) -> usize {
        1 + match self {
            Self::And(parts) | Self::Drop(parts) => parts.iter().map(Self::size).sum(),
            Self::Not(inner) => inner.size(),
            Self::Composite(rule) => rule.parts.iter().map(|part| part.rule.size()).sum(),
            Self::FirstMatch(rule) => rule.cases.len(),
            _ => 0,
        }
    }

    /// About how much room it takes, in bytes of text.
    fn weight(&self) -> usize {
        let all = |texts: &[String]| -> usize { texts.iter().map(String::len).sum() };
        64 + match self {
            Self::StringAttribute(rule) => {
                rule.key.len() + rule.values.iter().map(String::len).sum::<usize>()
            }
            Self::NumericAttribute(rule) => rule.key.len(),
            Self::BooleanAttribute(rule) => rule.key.len(),
            Self::TraceState(rule) => {
                rule.key.len() + rule.values.iter().map(String::len).sum::<usize>()
            }
            Self::Ottl(rule) => all(&rule.span) + all(&rule.span_event),
            Self::TraceQl(query) => query.len(),
            Self::And(parts) | Self::Drop(parts) => parts.iter().map(Self::weight).sum(),
            Self::Not(inner) => inner.weight(),
            Self::Composite(rule) => {
                let parts = rule.parts.iter();
                parts.map(|part| part.name.len() + part.rule.weight()).sum()
            }
            Self::FirstMatch(rule) => rule.cases.iter().map(Case::weight).sum(),
            Self::Diversity(rule) => all(&rule.attributes),
            Self::Volumetric(rule) => all(&rule.group_by),
            Self::Adaptive(rule) => all(&rule.keys),
            Self::Anomaly(rule) => all(&rule.group_by),
            Self::Extension(rule) => {
                let settings = rule.settings.iter();
                let settings = settings.map(|(key, value)| key.len() + value.len());
                rule.name.len() + settings.sum::<usize>()
            }
            Self::Probabilistic(rule) => match &rule.randomness {
                Randomness::Consistent => 0,
                Randomness::Salted(salt) => salt.len(),
            },
            Self::Always
            | Self::Latency(_)
            | Self::StatusCode(_)
            | Self::TraceFlags
            | Self::SpanCount(_)
            | Self::RateLimiting(_)
            | Self::BytesLimiting(_) => 0,
        }
    }
}

impl Case {
    fn weight(&self) -> usize {
        let conditions = self.conditions.iter().map(|condition| match condition {
            Condition::Compare(compare) => {
                let texts = compare.fields.iter().chain(&compare.values);
                texts.map(String::len).sum()
            }
            Condition::Ottl(text) | Condition::TraceQl(text) => text.len(),
        });
        64 + self.name.len() + conditions.sum::<usize>()
    }
}

/// At the head only the first span is known, and only what it begins with.
fn at_the_head(rule: &Rule) -> Result<(), Wrong> {
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

fn first_match(rule: &FirstMatch) -> Result<(), Wrong> {
    some("cases", rule.cases.len())?;
    distinct("cases.name", rule.cases.iter().map(|case| &case.name))?;
    for (number, case) in rule.cases.iter().enumerate() {
        check_case(case).within(&format!("cases[{number}]"))?;
    }
    action("otherwise", &rule.otherwise)
}

fn check_case(case: &Case) -> Result<(), Wrong> {
    name("name", &case.name)?;
    count("conditions", case.conditions.len())?;
    for (number, condition) in case.conditions.iter().enumerate() {
        let checked = match condition {
            Condition::Compare(compare) => check_compare(compare, case.scope),
            Condition::Ottl(text) => expression("ottl", text),
            Condition::TraceQl(query) => expression("traceql", query),
        };
        checked.within(&format!("conditions[{number}]"))?;
    }
    action("action", &case.action)
}

fn check_compare(compare: &Compare, scope: CaseScope) -> Result<(), Wrong> {
    let operator = compare.operator;
    let takes = match operator {
        Operator::HasRootSpan => (0, 0, "no field and one value, `true` or `false`"),
        _ => (1, MAX_ITEMS, "at least one field"),
    };
    let wrong = |takes| {
        let operator = operator.name();
        Err(Fault::Operands { operator, takes }.at("operator"))
    };
    if !(takes.0..=takes.1).contains(&compare.fields.len()) {
        return wrong(takes.2);
    }
    for field in &compare.fields {
        name("fields", field)?;
    }
    let values = compare.values.len();
    match operator {
        Operator::Exists | Operator::NotExists if values > 0 => return wrong("no value"),
        Operator::Exists | Operator::NotExists => {}
        Operator::In | Operator::NotIn => some("values", values)?,
        _ if values != 1 => return wrong("exactly one value"),
        _ => {}
    }
    if operator == Operator::HasRootSpan && scope == CaseScope::SameSpan {
        return wrong("the scope `any span`: it asks the trace, not a span");
    }
    for value in &compare.values {
        check_value(value, compare)?;
    }
    Ok(())
}

fn check_value(value: &str, compare: &Compare) -> Result<(), Wrong> {
    text("values", value)?;
    match compare.operator {
        Operator::Matches => pattern("values", value),
        Operator::HasRootSpan => readable(value, Datatype::Boolean),
        _ => readable(value, compare.datatype),
    }
}

fn readable(value: &str, datatype: Datatype) -> Result<(), Wrong> {
    let (fits, what) = match datatype {
        Datatype::String => (true, "text"),
        Datatype::Integer => (value.parse::<i64>().is_ok(), "an integer of 64 bits"),
        Datatype::Decimal => (is_decimal(value), "a decimal number, as in `-12.5`"),
        Datatype::Boolean => (matches!(value, "true" | "false"), "`true` or `false`"),
    };
    if fits {
        return Ok(());
    }
    Err(Fault::NotA(what).at("values"))
}

/// Digits, perhaps with a sign and a point between them.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 64 && digits(whole) && digits(part)
}

fn action(path: &str, action: &Action) -> Result<(), Wrong> {
    match action {
        Action::Pass | Action::Drop | Action::Keep => Ok(()),
        Action::KeepOneIn(one_in) => within(path, *one_in, 1, MAX_PER_SECOND),
        Action::KeepAdaptively(rule) => adaptive(rule).within(path),
    }
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

fn adaptive(rule: &Adaptive) -> Result<(), Wrong> {
    keys("keys", &rule.keys)?;
    within("max_keys", u64::from(rule.max_keys), 1, MAX_KEYS)?;
    algorithm(&rule.algorithm).within("algorithm")
}

fn algorithm(algorithm: &Algorithm) -> Result<(), Wrong> {
    let rate = |path, one_in| within(path, one_in, 1, MAX_PER_SECOND);
    let time = |path, nanos| within(path, nanos, SECOND / 10, DAY);
    match algorithm {
        Algorithm::Deterministic { one_in } => rate("one_in", *one_in),
        Algorithm::Dynamic {
            one_in,
            interval_ns,
        } => {
            rate("one_in", *one_in)?;
            time("interval_ns", *interval_ns)
        }
        Algorithm::EmaDynamic { one_in, average } => {
            rate("one_in", *one_in)?;
            check_average(average)
        }
        Algorithm::EmaThroughput {
            per_second,
            initial_one_in,
            average,
        } => {
            rate("per_second", *per_second)?;
            rate("initial_one_in", *initial_one_in)?;
            check_average(average)
        }
        Algorithm::WindowedThroughput {
            per_second,
            update_ns,
            lookback_ns,
        } => {
            rate("per_second", *per_second)?;
            time("update_ns", *update_ns)?;
            time("lookback_ns", *lookback_ns)?;
            ordered("lookback_ns", *update_ns, *lookback_ns)
        }
        Algorithm::TotalThroughput {
            per_second,
            interval_ns,
        } => {
            rate("per_second", *per_second)?;
            time("interval_ns", *interval_ns)
        }
        Algorithm::Percentage { share: _ } => Ok(()),
        Algorithm::Throughput { per_second } => rate("per_second", *per_second),
    }
}

fn check_average(average: &Average) -> Result<(), Wrong> {
    let whole = u64::from(Share::WHOLE.parts());
    within("average.interval_ns", average.interval_ns, SECOND / 10, DAY)?;
    within(
        "average.weight",
        u64::from(average.weight.parts()),
        1,
        whole,
    )?;
    let burst = u64::from(average.burst_thousandths);
    within("average.burst_thousandths", burst, 1_000, 1_000_000)?;
    let delay = u64::from(average.burst_delay);
    within("average.burst_delay", delay, 0, 1_000)
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

fn within(path: &str, is: u64, min: u64, max: u64) -> Result<(), Wrong> {
    if (min..=max).contains(&is) {
        return Ok(());
    }
    Err(Fault::OutOfRange { is, min, max }.at(path))
}

fn ordered(path: &str, min: u64, max: u64) -> Result<(), Wrong> {
    if min <= max {
        return Ok(());
    }
    let (min, max) = (min.to_string(), max.to_string());
    Err(Fault::RangeEmpty { min, max }.at(path))
}

fn count(path: &str, is: usize) -> Result<(), Wrong> {
    let max = MAX_ITEMS;
    if is > max {
        return Err(Fault::TooMany { is, max }.at(path));
    }
    Ok(())
}

fn some(path: &str, is: usize) -> Result<(), Wrong> {
    if is == 0 {
        return Err(Fault::Empty.at(path));
    }
    count(path, is)
}

fn long(path: &str, text: &str, max: usize) -> Result<(), Wrong> {
    let is = text.len();
    if is > max {
        return Err(Fault::TooLong { is, max }.at(path));
    }
    Ok(())
}

fn text(path: &str, text: &str) -> Result<(), Wrong> {
    long(path, text, MAX_TEXT_BYTES)
}

fn name(path: &str, name: &str) -> Result<(), Wrong> {
    if name.is_empty() {
        return Err(Fault::Empty.at(path));
    }
    long(path, name, MAX_NAME_BYTES)?;
    if name.trim() != name || name.chars().any(char::is_control) {
        return Err(Fault::Characters.at(path));
    }
    Ok(())
}

fn keys(path: &str, keys: &[String]) -> Result<(), Wrong> {
    count(path, keys.len())?;
    distinct(path, keys)?;
    keys.iter().try_for_each(|key| name(path, key))
}

fn values(path: &str, values: &BTreeSet<String>) -> Result<(), Wrong> {
    some(path, values.len())?;
    values.iter().try_for_each(|value| text(path, value))
}

fn distinct<'a>(path: &str, names: impl IntoIterator<Item = &'a String>) -> Result<(), Wrong> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Fault::Twice(name.clone()).at(path));
        }
    }
    Ok(())
}

fn pattern(path: &str, pattern: &str) -> Result<(), Wrong> {
    text(path, pattern)?;
    let compiled = RegexBuilder::new(pattern)
        .size_limit(MAX_PATTERN_MEMORY)
        .build();
    match compiled {
        Ok(_) => Ok(()),
        Err(error) => {
            let last = error.to_string();
            let last = last.lines().last().unwrap_or_default().trim();
            Err(Fault::Pattern(last.to_owned()).at(path))
        }
    }
}

fn expression(path: &str, text: &str) -> Result<(), Wrong> {
    if text.trim().is_empty() {
        return Err(Fault::Empty.at(path));
    }
    long(path, text, MAX_EXPRESSION_BYTES)?;
    balanced(text).map_err(|why| Fault::Unbalanced(why).at(path))
}

/// Brackets match outside of quotes, and quotes end.
fn balanced(text: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' | '`' => end_of_quote(letter, &mut letters)
                .ok_or_else(|| format!("the quote at {at} does not end"))?,
            '(' => open.push((at, ')')),
            '[' => open.push((at, ']')),
            '{' => open.push((at, '}')),
            ')' | ']' | '}' => match open.pop() {
                Some((_, wanted)) if wanted == letter => {}
                Some((begin, wanted)) => {
                    return Err(format!(
                        "`{letter}` at {at} where `{wanted}` for {begin} is due"
                    ));
                }
                None => return Err(format!("`{letter}` at {at} closes nothing")),
            },
            _ => {}
        }
    }
    match open.pop() {
        Some((at, wanted)) => Err(format!("the bracket at {at} lacks its `{wanted}`")),
        None => Ok(()),
    }
}

/// Backslashes escape in double quotes, not in back quotes.
fn end_of_quote(quote: char, letters: &mut std::str::CharIndices<'_>) -> Option<()> {
    while let Some((_, letter)) = letters.next() {
        if letter == '\\' && quote == '"' {
            letters.next()?;
        } else if letter == quote {
            return Some(());
        }
    }
    None
}
