//! `meta.json`: what a block list needs to know of a block, in the keys of Tempo's own meta.

use std::ops::Range;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use takt_model::{BlockId, TenantId, TimeRange, UnixNano};

use crate::Error;

/// The `format` of native blocks in `meta.json`.
pub const FORMAT: &str = "takt1";
/// The version of the native format this crate writes; it reads all versions up to it.
pub const VERSION: u32 = 1;

/// What the caller knows of the block to be written.
#[derive(Debug, Clone)]
pub struct Spec {
    pub block: BlockId,
    pub tenant: TenantId,
    /// The journal records whose spans the block holds, if it was cut from a journal.
    pub journal: Option<JournalRange>,
    /// How often its spans have been rewritten; 0 for a block fresh from the journal.
    pub compaction_level: u32,
}

/// Journal offsets, `to` excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRange {
    pub from: u64,
    pub to: u64,
}

/// The meta of one block. Unknown keys are ignored when read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub format: String,
    #[serde(rename = "blockID", with = "by_text")]
    pub block: BlockId,
    #[serde(rename = "tenantID", with = "tenant")]
    pub tenant: TenantId,
    /// Earliest start and latest end of all traces.
    #[serde(rename = "startTime", with = "time")]
    pub start: UnixNano,
    #[serde(rename = "endTime", with = "time")]
    pub end: UnixNano,
    /// Traces.
    #[serde(rename = "totalObjects")]
    pub traces: u64,
    /// Bytes of `data.parquet`.
    pub size: u64,
    #[serde(rename = "compactionLevel")]
    pub compaction_level: u32,
    /// Row groups.
    #[serde(rename = "totalRecords")]
    pub groups: u32,
    /// Bytes of the Parquet footer proper.
    #[serde(rename = "footerSize")]
    pub footer_size: u32,
    /// Always 1: a span is in one block.
    #[serde(rename = "replicationFactor")]
    pub replication_factor: u32,
    pub takt: Native,
}

/// What only native blocks have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Native {
    pub version: u32,
    pub spans: u64,
    /// Bytes of `index`.
    pub index_size: u64,
    /// Bytes at the end of `data.parquet` that a reader must have: page index and footer.
    pub tail_size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalRange>,
}

impl Meta {
    /// # Errors
    /// When the text is not a meta of a native block.
    pub fn from_json(text: &[u8]) -> Result<Self, Error> {
        /// Read first, so that a block of another format is named as such.
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let head: Head = serde_json::from_slice(text).map_err(Error::Meta)?;
        if head.format != FORMAT {
            return Err(Error::Format(head.format));
        }
        let meta: Self = serde_json::from_slice(text).map_err(Error::Meta)?;
        match meta.takt.version {
            1..=VERSION => Ok(meta),
            other => Err(Error::Version(other)),
        }
    }

    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("text and numbers serialise")
    }

    #[must_use]
    pub fn range(&self) -> TimeRange {
        TimeRange {
            start: self.start,
            end: self.end,
        }
    }

    /// Where in `data.parquet` the bytes are that [`crate::Opened::parse`] needs.
    #[must_use]
    pub fn tail(&self) -> Range<u64> {
        self.size.saturating_sub(self.takt.tail_size)..self.size
    }
}

mod by_text {
    use super::*;

    pub(super) fn serialize<S: Serializer>(id: &BlockId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BlockId, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

mod tenant {
    use super::*;

    pub(super) fn serialize<S: Serializer>(id: &TenantId, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(id.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TenantId, D::Error> {
        let text = String::deserialize(from)?;
        TenantId::new(&text).map_err(serde::de::Error::custom)
    }
}

/// RFC 3339 with as many digits as the moment needs.
mod time {
    use super::*;

    pub(super) fn serialize<S: Serializer>(moment: &UnixNano, to: S) -> Result<S::Ok, S::Error> {
        let seconds = moment.0 / 1_000_000_000;
        let nanos = u32::try_from(moment.0 % 1_000_000_000).unwrap_or(0);
        let moment = DateTime::<Utc>::from_timestamp(seconds.cast_signed(), nanos)
            .expect("64 bits of nanoseconds end in the year 2554");
        to.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<UnixNano, D::Error> {
        let text = String::deserialize(from)?;
        let moment = DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        let seconds = u64::try_from(moment.timestamp()).unwrap_or(0);
        Ok(UnixNano(
            seconds
                .saturating_mul(1_000_000_000)
                .saturating_add(u64::from(moment.timestamp_subsec_nanos())),
        ))
    }
}
