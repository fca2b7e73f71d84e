//! What a policy does: every type of the catalogue with its fields.
//!
//! Durations are nanoseconds, shares are billionths, no number is a float. A condition on an attribute
//! holds if any span or resource of the trace satisfies it, as in the OpenTelemetry Collector. What every
//! field means to those who write policies stands in `api/proto/takt/control/log/v1/policies.proto`.

use std::collections::{BTreeMap, BTreeSet};

use super::Share;

/// What a policy keeps, or drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    Always,
    Probabilistic(Probabilistic),
    Latency(Latency),
    StatusCode(BTreeSet<Status>),
    StringAttribute(StringAttribute),
    NumericAttribute(NumericAttribute),
    BooleanAttribute(BooleanAttribute),
    TraceState(TraceState),
    TraceFlags,
    SpanCount(SpanCount),
    RateLimiting(Limit),
    BytesLimiting(Limit),
    Ottl(Ottl),
    TraceQl(String),
    And(Vec<Rule>),
    Not(Box<Rule>),
    Drop(Vec<Rule>),
    Composite(Composite),
    FirstMatch(FirstMatch),
    Diversity(Diversity),
    Volumetric(Volumetric),
    Adaptive(Adaptive),
    Anomaly(Anomaly),
    Extension(Extension),
}

/// Keeps a share of all traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probabilistic {
    pub share: Share,
    pub randomness: Randomness,
}

/// Where the coin is thrown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Randomness {
    /// The randomness of W3C trace context, level 2: consistent with every other stage, weights exact.
    Consistent,
    /// A hash of the trace id with a salt, as older collectors do: independent of other stages.
    Salted(String),
}

/// How long a trace takes, from its first start to its last end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latency {
    /// Longer than this.
    pub above_ns: u64,
    /// And not longer than this.
    pub up_to_ns: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Unset,
    Ok,
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringAttribute {
    pub key: String,
    /// Any of these.
    pub values: BTreeSet<String>,
    pub matching: Matching,
    pub invert: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    Exact,
    /// The values are regular expressions, found anywhere in the text. Results of this many texts are
    /// remembered; 0 leaves it to the sampler.
    Regex {
        cache_size: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumericAttribute {
    pub key: String,
    /// Inclusive, as is `max`.
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub invert: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BooleanAttribute {
    pub key: String,
    pub value: bool,
    pub invert: bool,
}

/// A member of the W3C trace state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceState {
    pub key: String,
    pub values: BTreeSet<String>,
}

/// How many spans came before the decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanCount {
    /// Inclusive, as is `max`.
    pub min: u64,
    pub max: Option<u64>,
}

/// A budget for the whole fleet, spent on the traces with the highest randomness first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub per_second: u64,
    /// What may be saved up; twice the rate if nothing is said.
    pub burst: Option<u64>,
}

/// Conditions in the language of the Collector's transformations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ottl {
    pub error_mode: ErrorMode,
    pub span: Vec<String>,
    pub span_event: Vec<String>,
}

/// What an error in a condition comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorMode {
    /// It does not hold, and a log line says so.
    Ignore,
    /// It does not hold.
    Silent,
    /// The whole policy has nothing to say about the trace, and the error is counted; others decide.
    Propagate,
}

/// A budget divided among sub-policies; the first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    pub spans_per_second: u64,
    /// In the order in which they are asked.
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Of the budget. Those without one divide evenly what the others leave.
    pub share: Option<Share>,
    pub rule: Rule,
}

/// Ordered cases, of which the first that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstMatch {
    pub cases: Vec<Case>,
    /// What becomes of a trace that no case matches.
    pub otherwise: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub name: String,
    pub scope: CaseScope,
    /// All of them; none matches everything.
    pub conditions: Vec<Condition>,
    pub action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseScope {
    /// Different spans may satisfy different conditions.
    AnySpan,
    /// One span must satisfy all.
    SameSpan,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Compare(Compare),
    Ottl(String),
    TraceQl(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// The first that is there is compared. `root.` before a name asks the root span.
    pub fields: Vec<String>,
    pub operator: Operator,
    /// None for operators that compare with nothing, several for `in` and `not in`.
    pub values: Vec<String>,
    pub datatype: Datatype,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    StartsWith,
    Contains,
    DoesNotContain,
    Exists,
    NotExists,
    HasRootSpan,
    Matches,
    In,
    NotIn,
}

/// What the values are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datatype {
    String,
    Integer,
    Decimal,
    Boolean,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// This policy has nothing to say.
    Pass,
    /// A veto, as of a policy of type `drop`.
    Drop,
    Keep,
    KeepOneIn(u64),
    KeepAdaptively(Adaptive),
}

/// Keeps at least one trace of every kind in every window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diversity {
    pub window_ns: u64,
    pub per_window: u32,
    pub fingerprint: Fingerprint,
    /// Attributes that tell kinds apart, beside the fingerprint's own.
    pub attributes: Vec<String>,
}

/// What makes two traces the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fingerprint {
    /// Only the attributes that are listed.
    Attributes,
    /// Service and operation of the root span.
    Root,
    /// The set of edges from parent service and operation to child service and operation.
    Edges,
    /// The edges and how often each occurs, in four bands.
    CountedEdges,
}

/// Keeps a share of the volume, with small groups over-represented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volumetric {
    pub share: Share,
    pub volume: Volume,
    pub group_by: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volume {
    Traces,
    Spans,
    Bytes,
}

/// Keeps rare keys more often than frequent ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adaptive {
    pub algorithm: Algorithm,
    /// Attributes that make the key.
    pub keys: Vec<String>,
    /// Keys beyond this many share one rate.
    pub max_keys: u32,
    /// How many spans a trace has is part of the key.
    pub use_trace_length: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Algorithm {
    /// One in so many, whatever the key.
    Deterministic { one_in: u64 },
    /// A goal rate over intervals, each for itself.
    Dynamic { one_in: u64, interval_ns: u64 },
    /// A goal rate over a moving average.
    EmaDynamic { one_in: u64, average: Average },
    /// Spans per second over a moving average.
    EmaThroughput {
        per_second: u64,
        initial_one_in: u64,
        average: Average,
    },
    /// Spans per second, looking back over a window.
    WindowedThroughput {
        per_second: u64,
        update_ns: u64,
        lookback_ns: u64,
    },
    /// Spans per second over intervals, each for itself.
    TotalThroughput { per_second: u64, interval_ns: u64 },
    /// A share of the span volume.
    Percentage { share: Share },
    /// Spans per second of the whole fleet, as Collectors with a shared counter.
    Throughput { per_second: u64 },
}

/// An exponential moving average of counts by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Average {
    pub interval_ns: u64,
    /// Of the newest interval.
    pub weight: Share,
    /// A key whose average falls below this part of one is forgotten.
    pub age_out: Share,
    /// An interval with more than so many thousandths of the average is a burst: rates are computed at once.
    pub burst_thousandths: u32,
    /// Bursts are looked for after this many intervals.
    pub burst_delay: u32,
}

/// Keeps more while something is unusual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    pub detectors: BTreeSet<Detector>,
    /// How much must be unusual before it counts, in absolute terms and as a part of what is usual.
    pub min_latency_ns: u64,
    pub min_change: Share,
    /// How likely a false alarm may be, over all series together.
    pub false_discovery: Share,
    /// It must last this long.
    pub confirm_ns: u64,
    /// How long more is kept, and how long it is quiet afterwards.
    pub hold_ns: u64,
    pub cooldown_ns: u64,
    /// A false alarm costs at most this.
    pub extra_spans_per_second: u64,
    /// Series are told apart by these.
    pub group_by: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detector {
    LatencyOutlier,
    ErrorRate,
    NewPattern,
    MissingPattern,
    FanOut,
    AttributeContrast,
    RuntimeState,
    Alert,
}

/// An evaluator from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    pub name: String,
    pub settings: BTreeMap<String, String>,
}

impl Rule {
    /// The name of its type, as in the catalogue.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Always => "always_sample",
            Self::Probabilistic(_) => "probabilistic",
            Self::Latency(_) => "latency",
            Self::StatusCode(_) => "status_code",
            Self::StringAttribute(_) => "string_attribute",
            Self::NumericAttribute(_) => "numeric_attribute",
            Self::BooleanAttribute(_) => "boolean_attribute",
            Self::TraceState(_) => "trace_state",
            Self::TraceFlags => "trace_flags",
            Self::SpanCount(_) => "span_count",
            Self::RateLimiting(_) => "rate_limiting",
            Self::BytesLimiting(_) => "bytes_limiting",
            Self::Ottl(_) => "ottl_condition",
            Self::TraceQl(_) => "traceql",
            Self::And(_) => "and",
            Self::Not(_) => "not",
            Self::Drop(_) => "drop",
            Self::Composite(_) => "composite",
            Self::FirstMatch(_) => "first_match",
            Self::Diversity(_) => "diversity",
            Self::Volumetric(_) => "volumetric",
            Self::Adaptive(_) => "adaptive",
            Self::Anomaly(_) => "anomaly",
            Self::Extension(_) => "extension",
        }
    }

    /// Whether it is true or false of a trace by itself, whatever other traces there are and however the
    /// coin falls. Only such a rule can be inverted or be a reason to drop: the others keep by randomness or
    /// by what else there is, and their opposite would keep traces whose weight nobody can tell.
    #[must_use]
    pub fn is_condition(&self) -> bool {
        match self {
            Self::Always
            | Self::Latency(_)
            | Self::StatusCode(_)
            | Self::StringAttribute(_)
            | Self::NumericAttribute(_)
            | Self::BooleanAttribute(_)
            | Self::TraceState(_)
            | Self::TraceFlags
            | Self::SpanCount(_)
            | Self::Ottl(_)
            | Self::TraceQl(_) => true,
            Self::And(parts) => parts.iter().all(Self::is_condition),
            Self::Not(inner) => inner.is_condition(),
            Self::Probabilistic(_)
            | Self::RateLimiting(_)
            | Self::BytesLimiting(_)
            | Self::Drop(_)
            | Self::Composite(_)
            | Self::FirstMatch(_)
            | Self::Diversity(_)
            | Self::Volumetric(_)
            | Self::Adaptive(_)
            | Self::Anomaly(_)
            | Self::Extension(_) => false,
        }
    }
}

impl Operator {
    /// As it is written in rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::GreaterOrEqual => ">=",
            Self::LessOrEqual => "<=",
            Self::StartsWith => "starts-with",
            Self::Contains => "contains",
            Self::DoesNotContain => "does-not-contain",
            Self::Exists => "exists",
            Self::NotExists => "not-exists",
            Self::HasRootSpan => "has-root-span",
            Self::Matches => "matches",
            Self::In => "in",
            Self::NotIn => "not-in",
        }
    }
}
