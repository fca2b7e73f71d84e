//! Moments as texts.

use chrono::{DateTime, SecondsFormat};
use takt_model::UnixNano;

/// In the form of RFC 3339, to the millisecond.
pub(crate) fn rfc3339(moment: UnixNano) -> String {
    let nanos = i64::try_from(moment.0).unwrap_or(i64::MAX);
    DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::Millis, true)
}
