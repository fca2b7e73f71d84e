//! What the resources have in common in JSON.

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use takt_kit::{Code, Reject};
use tonic::Status;

/// Whether something counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    #[default]
    Active,
    Inactive,
}

/// Unix nanoseconds as RFC 3339.
pub(super) fn time(at: u64) -> String {
    let time = DateTime::from_timestamp_nanos(at.cast_signed());
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// # Errors
/// When it is no such text, or a moment outside of 1970 to 2262.
pub(super) fn moment(field: &'static str, text: &str) -> Result<u64, Status> {
    let time = DateTime::parse_from_rfc3339(text).ok();
    let nanos = time.and_then(|time| time.timestamp_nanos_opt());
    nanos
        .and_then(|nanos| u64::try_from(nanos).ok())
        .ok_or_else(|| {
            let text = "is a time such as `2027-01-31T12:00:00Z`";
            refused(field, "TIME_INVALID", format!("`{field}` {text}"))
        })
}

/// There is one cluster here. Whoever names one means it, or all of them.
///
/// # Errors
/// When another one is meant.
pub(super) fn this_cluster(ours: &str, named: &str) -> Result<(), Status> {
    if ["", "*", ours].contains(&named) {
        return Ok(());
    }
    let named: String = named.chars().take(64).collect();
    let text = format!("there is no cluster `{named}` here; this one is `{ours}`");
    Err(refused("cluster", "CLUSTER_UNKNOWN", text))
}

/// A thing keeps its name.
///
/// # Errors
/// When the body says another name than the path.
pub(super) fn same_name(path: &str, body: &str) -> Result<(), Status> {
    if ["", path].contains(&body) {
        return Ok(());
    }
    let text = "the name in the body is not the one in the path; names never change";
    Err(refused("name", "NAME_MISMATCH", text))
}

fn refused(field: &'static str, reason: &'static str, text: impl Into<String>) -> Status {
    Reject::new(Code::Invalid, reason, text)
        .at_field(field)
        .status()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_shown() {
        for at in [0, 1_700_000_000_000_000_001, 1_612_201_079_341_728_283] {
            assert_eq!(moment("expiration", &time(at)).unwrap(), at);
        }
        assert_eq!(
            time(1_612_201_079_341_728_283),
            "2021-02-01T17:37:59.341728283Z"
        );
        for odd in [
            "",
            "tomorrow",
            "1969-12-31T23:59:59Z",
            "2300-01-01T00:00:00Z",
        ] {
            assert!(moment("expiration", odd).is_err(), "{odd}");
        }
    }
}
