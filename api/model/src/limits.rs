//! What one tenant may do: Tempo's per-tenant limits with Tempo's names and defaults.
//!
//! [`Limits`] are the effective values the data plane enforces. [`OverridesPatch`] is what an
//! operator wrote: only the named fields; every other field inherits from the layer below
//! (Tempo replaces the whole entry instead; see ADR 0007).

mod recorded;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::rules::RuleError;
use crate::{ByteSize, RuleGroups, UnitError, format_duration, parse_duration};

/// Why an override cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("no override is named `{0}`; nearest are {near}; `takt ctl overrides list-override-fields` lists all", near = near(.0))]
    Unknown(String),
    #[error("`{name}`: {reason}")]
    Value { name: &'static str, reason: String },
    #[error("`{name}` must be greater than zero")]
    Zero { name: &'static str },
}

/// How many names are proposed for one that is none.
const NEAR: usize = 3;

/// The names that look most like it; what holds it, or is held by it, before anything else.
fn near(name: &str) -> String {
    let limits = FIELDS.iter().map(|field| field.name);
    let recorded = recorded::RECORDED.iter().map(|field| field.name);
    let mut names: Vec<_> = limits
        .chain(recorded)
        .map(|known| {
            let part = !name.is_empty() && (known.contains(name) || name.contains(known));
            let likeness = f64::from(u8::from(part)) + strsim::jaro_winkler(known, name);
            (likeness, format!("`{known}`"))
        })
        .collect();
    names.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let nearest = names.into_iter().take(NEAR).map(|(_, known)| known);
    nearest.collect::<Vec<_>>().join(", ")
}

macro_rules! limits {
    ($( $(#[doc = $doc:literal])+ $field:ident = $name:literal : $kind:ident as $type:ty, default $default:expr, zero $zero:ident; )+) => {
        /// The effective limits of a tenant.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Limits { $( $(#[doc = $doc])+ pub $field: $type, )+ }

        impl Default for Limits {
            fn default() -> Self { Self { $( $field: $default, )+ } }
        }

        /// The fields an operator named; `None` inherits.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct OverridesPatch {
            $( pub $field: Option<$type>, )+
            /// Canonical values of fields that nothing acts on yet, by name.
            pub recorded: BTreeMap<&'static str, String>,
        }

        /// One line of documentation a limit.
        const FIELDS: &[Field] = &[ $( Field { name: $name, unit: $kind::UNIT, doc: concat!($($doc),+) }, )+ ];

        impl OverridesPatch {
            /// Sets a field from Tempo's dotted name and a text.
            ///
            /// # Errors
            /// When no field has that name, or the text is not a value for it.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), LimitError> {
                match name {
                    $( $name => {
                        let value = $kind::parse(value).map_err(|reason| LimitError::Value { name: $name, reason })?;
                        if Zero::$zero == Zero::Refused && $kind::is_zero(&value) {
                            return Err(LimitError::Zero { name: $name });
                        }
                        self.$field = Some(value);
                        Ok(())
                    } )+
                    _ => {
                        let field = recorded::find(name).ok_or_else(|| LimitError::Unknown(name.to_owned()))?;
                        let canonical = field.canonical(value);
                        let value = canonical.map_err(|reason| LimitError::Value { name: field.name, reason })?;
                        self.recorded.insert(field.name, value);
                        Ok(())
                    }
                }
            }

            /// Forgets a field, so that it inherits again.
            ///
            /// # Errors
            /// When no field has that name.
            pub fn clear(&mut self, name: &str) -> Result<(), LimitError> {
                match name {
                    $( $name => { self.$field = None; Ok(()) } )+
                    _ => {
                        let field = recorded::find(name).ok_or_else(|| LimitError::Unknown(name.to_owned()))?;
                        self.recorded.remove(field.name);
                        Ok(())
                    }
                }
            }

            /// The named fields as (name, text), in the order of the documentation.
            #[must_use]
            pub fn entries(&self) -> Vec<(&'static str, String)> {
                let mut out = Vec::new();
                $( if let Some(value) = &self.$field { out.push(($name, $kind::print(value))); } )+
                out.extend(self.recorded.iter().map(|(name, value)| (*name, value.clone())));
                out
            }

            /// This patch laid over `below`: the fields named here win.
            #[must_use]
            pub fn over(&self, below: &Limits) -> Limits {
                Limits { $( $field: self.$field.clone().unwrap_or_else(|| below.$field.clone()), )+ }
            }
        }

        impl Limits {
            /// Every limit as (name, text).
            #[must_use]
            pub fn entries(&self) -> Vec<(&'static str, String)> {
                vec![ $( ($name, $kind::print(&self.$field)), )+ ]
            }
        }
    };
}

/// Whether a tenant may set an override for itself.
#[must_use]
pub fn is_user_configurable(name: &str) -> bool {
    recorded::find(name).is_some_and(|field| field.theirs)
}

/// Every override there is: those that are acted on, then those that are only checked and kept.
pub fn overrides() -> impl Iterator<Item = Override> {
    let limits = FIELDS.iter().map(|field| Override {
        field: *field,
        acted_on: true,
        user_configurable: false,
    });
    let recorded = recorded::RECORDED.iter().map(|recorded| Override {
        field: Field {
            name: recorded.name,
            unit: recorded.unit,
            doc: recorded.doc,
        },
        acted_on: false,
        user_configurable: recorded.theirs,
    });
    limits.chain(recorded)
}

/// What may be set for a tenant.
#[derive(Debug, Clone, Copy)]
pub struct Override {
    pub field: Field,
    /// Otherwise it is checked and kept, and nothing acts on it yet.
    pub acted_on: bool,
    /// Whether a tenant may set it for itself.
    pub user_configurable: bool,
}

/// Name, unit and meaning of one limit.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub unit: &'static str,
    pub doc: &'static str,
}

#[derive(PartialEq)]
enum Zero {
    Allowed,
    Refused,
}

trait Kind {
    type Type;
    const UNIT: &'static str;
    fn parse(text: &str) -> Result<Self::Type, String>;
    fn print(value: &Self::Type) -> String;
    fn is_zero(value: &Self::Type) -> bool;
}

struct Bytes;
impl Kind for Bytes {
    type Type = ByteSize;
    const UNIT: &'static str = "bytes";
    fn parse(text: &str) -> Result<ByteSize, String> {
        text.parse().map_err(|e: UnitError| e.to_string())
    }
    fn print(value: &ByteSize) -> String {
        value.0.to_string()
    }
    fn is_zero(value: &ByteSize) -> bool {
        value.0 == 0
    }
}

struct Time;
impl Kind for Time {
    type Type = Duration;
    const UNIT: &'static str = "duration";
    fn parse(text: &str) -> Result<Duration, String> {
        parse_duration(text).map_err(|e| e.to_string())
    }
    fn print(value: &Duration) -> String {
        format_duration(*value)
    }
    fn is_zero(value: &Duration) -> bool {
        value.is_zero()
    }
}

struct Count;
impl Kind for Count {
    type Type = u64;
    const UNIT: &'static str = "count";
    fn parse(text: &str) -> Result<u64, String> {
        text.parse()
            .map_err(|_| format!("`{text}` is not a whole number"))
    }
    fn print(value: &u64) -> String {
        value.to_string()
    }
    fn is_zero(value: &u64) -> bool {
        *value == 0
    }
}

struct Flag;
impl Kind for Flag {
    type Type = bool;
    const UNIT: &'static str = "true or false";
    fn parse(text: &str) -> Result<bool, String> {
        text.parse()
            .map_err(|_| format!("`{text}` is neither `true` nor `false`"))
    }
    fn print(value: &bool) -> String {
        value.to_string()
    }
    fn is_zero(_: &bool) -> bool {
        false
    }
}

struct Groups;
impl Kind for Groups {
    type Type = RuleGroups;
    const UNIT: &'static str = "rule groups as JSON";
    fn parse(text: &str) -> Result<RuleGroups, String> {
        text.parse().map_err(|error: RuleError| error.to_string())
    }
    fn print(value: &RuleGroups) -> String {
        value.to_string()
    }
    fn is_zero(_: &RuleGroups) -> bool {
        false
    }
}

limits! {
    /// Bytes of spans taken in per second, before requests are refused with a retry hint.
    ingestion_rate_limit = "ingestion.rate_limit_bytes": Bytes as ByteSize, default ByteSize(30_000_000), zero Allowed;
    /// How many bytes may come at once above the rate; also the largest single request that can pass.
    ingestion_burst = "ingestion.burst_size_bytes": Bytes as ByteSize, default ByteSize(30_000_000), zero Allowed;
    /// Longest attribute key or string value kept; longer ones are cut at a character boundary. 0 keeps all.
    max_attribute_bytes = "ingestion.max_attribute_bytes": Bytes as ByteSize, default ByteSize(2048), zero Allowed;
    /// Whether refusals for rate carry a `RetryInfo`, which OpenTelemetry exporters need to retry.
    retry_info_enabled = "ingestion.retry_info_enabled": Flag as bool, default true, zero Allowed;
    /// Most traces that may be live at once; while there are as many, requests are refused with a retry hint. 0 is no bound.
    max_live_traces = "ingestion.max_traces_per_user": Count as u64, default 0, zero Allowed;
    /// Largest trace: spans beyond are dropped and counted, and reads of a larger trace say so. 0 is no bound.
    max_bytes_per_trace = "global.max_bytes_per_trace": Bytes as ByteSize, default ByteSize(5_000_000), zero Allowed;
    /// Most bytes of values in an answer to a tag-values query; a cut answer says so.
    max_bytes_per_tag_values_query = "read.max_bytes_per_tag_values_query": Bytes as ByteSize, default ByteSize(1_000_000), zero Refused;
    /// Longest time range of a search. 0 is no bound.
    max_search_duration = "read.max_search_duration": Time as Duration, default Duration::from_secs(168 * 3600), zero Allowed;
    /// Longest time range of a metrics query. 0 is no bound.
    max_metrics_duration = "read.max_metrics_duration": Time as Duration, default Duration::from_secs(24 * 3600), zero Allowed;
    /// Whether trace ids in search results keep their leading zeros.
    left_pad_trace_ids = "read.left_pad_trace_ids": Flag as bool, default false, zero Allowed;
    /// How long blocks are kept, by the end of their newest span; 0 keeps them for ever. Recorded now, acted on by the compaction worker, which is not built yet.
    block_retention = "compaction.block_retention": Time as Duration, default Duration::from_secs(336 * 3600), zero Allowed;
    /// Alerts and recorded series: queries asked on a schedule, as the list under `groups` in a rule file of Prometheus. `takt ctl rules` checks and sets them; they are evaluated where `ruler.enabled` is set.
    rules = "rules.groups": Groups as RuleGroups, default RuleGroups::default(), zero Allowed;
}

impl Limits {
    /// Name, unit and meaning of every limit.
    #[must_use]
    pub fn fields() -> &'static [Field] {
        FIELDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_inherits_the_rest() {
        let mut patch = OverridesPatch::default();
        patch.set("ingestion.rate_limit_bytes", "1MB").unwrap();
        let limits = patch.over(&Limits::default());
        assert_eq!(limits.ingestion_rate_limit, ByteSize(1_000_000));
        assert_eq!(
            limits.max_bytes_per_trace,
            Limits::default().max_bytes_per_trace
        );
        assert_eq!(
            patch.entries(),
            vec![("ingestion.rate_limit_bytes", "1000000".to_owned())]
        );
    }

    #[test]
    fn unknown_names_and_bad_values_are_refused_with_the_way_out() {
        let mut patch = OverridesPatch::default();
        for (name, near) in [
            ("ingestion.rate", "ingestion.rate_limit_bytes"),
            ("max_bytes_per_trace", "global.max_bytes_per_trace"),
            ("ingestion.rate_limit_byte", "ingestion.rate_limit_bytes"),
            ("read.max_search_duratoin", "read.max_search_duration"),
        ] {
            let said = patch.set(name, "1").unwrap_err().to_string();
            assert!(said.contains(&format!("`{near}`")), "{said}");
        }
        let said = patch.set("", "1").unwrap_err().to_string();
        assert_eq!(said.matches('`').count(), 2 * (1 + NEAR + 1), "{said}");
        assert!(patch.set("read.max_search_duration", "soon").is_err());
        assert!(
            patch
                .set("read.max_bytes_per_tag_values_query", "0")
                .is_err()
        );
    }
}
