//! A policy as somebody wants it: its rule and what surrounds it.

use std::collections::BTreeMap;

use takt_model::UnixNano;

use super::Rule;

/// Everything about a policy that can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Unique within the set.
    pub name: String,
    pub description: String,
    /// The person or team to ask.
    pub owner: String,
    pub labels: BTreeMap<String, String>,
    /// Evaluated and counted, without effect.
    pub shadow: bool,
    pub stage: Stage,
    /// In effect from then on; at once if nothing is said.
    pub starts_at: Option<UnixNano>,
    /// Removed then.
    pub expires_at: Option<UnixNano>,
    /// In effect within these parts of the week; always if there are none.
    pub windows: Vec<Window>,
    /// At most this many spans per second of the whole fleet are kept because of it.
    pub max_spans_per_second: Option<u64>,
    pub max_bytes_per_second: Option<u64>,
    /// The recommendation it comes from.
    pub recommendation: String,
    pub rule: Rule,
}

/// Where it is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Once the trace is there.
    Tail,
    /// Where the trace begins: in SDKs that ask for their sampling rules.
    Head,
}

/// A part of the week, in minutes since Monday 00:00 UTC; the end is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub from_minute: u16,
    pub to_minute: u16,
}

impl Window {
    pub const MINUTES_OF_A_WEEK: u16 = 7 * 24 * 60;
}

/// The fields of a policy, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Name,
    Description,
    Owner,
    Labels,
    Shadow,
    Stage,
    StartsAt,
    ExpiresAt,
    Windows,
    MaxSpansPerSecond,
    MaxBytesPerSecond,
    Recommendation,
    Rule,
}

impl Spec {
    /// A policy with a rule and nothing more.
    #[must_use]
    pub fn new(name: impl Into<String>, rule: Rule) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            owner: String::new(),
            labels: BTreeMap::new(),
            shadow: false,
            stage: Stage::Tail,
            starts_at: None,
            expires_at: None,
            windows: Vec::new(),
            max_spans_per_second: None,
            max_bytes_per_second: None,
            recommendation: String::new(),
            rule,
        }
    }

    /// Which fields differ.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Field> {
        let fields = [
            (Field::Name, self.name != other.name),
            (Field::Description, self.description != other.description),
            (Field::Owner, self.owner != other.owner),
            (Field::Labels, self.labels != other.labels),
            (Field::Shadow, self.shadow != other.shadow),
            (Field::Stage, self.stage != other.stage),
            (Field::StartsAt, self.starts_at != other.starts_at),
            (Field::ExpiresAt, self.expires_at != other.expires_at),
            (Field::Windows, self.windows != other.windows),
            (
                Field::MaxSpansPerSecond,
                self.max_spans_per_second != other.max_spans_per_second,
            ),
            (
                Field::MaxBytesPerSecond,
                self.max_bytes_per_second != other.max_bytes_per_second,
            ),
            (
                Field::Recommendation,
                self.recommendation != other.recommendation,
            ),
            (Field::Rule, self.rule != other.rule),
        ];
        let changed = fields.into_iter().filter(|(_, differs)| *differs);
        changed.map(|(field, _)| field).collect()
    }
}

impl Field {
    pub const ALL: [Self; 13] = [
        Self::Name,
        Self::Description,
        Self::Owner,
        Self::Labels,
        Self::Shadow,
        Self::Stage,
        Self::StartsAt,
        Self::ExpiresAt,
        Self::Windows,
        Self::MaxSpansPerSecond,
        Self::MaxBytesPerSecond,
        Self::Recommendation,
        Self::Rule,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Description => "description",
            Self::Owner => "owner",
            Self::Labels => "labels",
            Self::Shadow => "shadow",
            Self::Stage => "stage",
            Self::StartsAt => "starts_at",
            Self::ExpiresAt => "expires_at",
            Self::Windows => "windows",
            Self::MaxSpansPerSecond => "max_spans_per_second",
            Self::MaxBytesPerSecond => "max_bytes_per_second",
            Self::Recommendation => "recommendation",
            Self::Rule => "rule",
        }
    }
}
