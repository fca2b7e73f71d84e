//! A trace found, and then shown in part or compared with another.

use futures::future::try_join;
use takt_model::TenantId;

use super::Whole;
use crate::failure::Failure;
use crate::frontend::Frontend;
use crate::request::diff::Diff;
use crate::request::trace::TraceById;
use crate::trace_view::{View, decoded, diff};

/// Why two traces are not compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffRefusal {
    #[error("Not Found")]
    NotFound,
    /// What is missing of one side would look like a difference.
    #[error("fetch {side} trace: trace {id}: partial traces cannot be diffed: {why}")]
    Partial {
        side: &'static str,
        id: String,
        why: String,
    },
    #[error(
        "trace diff input too large: combined trace size {bytes} bytes exceeds limit {limit} bytes"
    )]
    TooLarge { bytes: u64, limit: u64 },
    #[error("the spans of the traces are nested too deeply to be compared")]
    TooDeep,
}

/// Memory that is asked for to look at the spans of a trace, for each of its encoded bytes: structs and
/// strings of their own take several times what they take on the wire.
const DECODED: usize = 5;

impl Frontend {
    /// As [`Frontend::trace`], but only what `view` asks for.
    ///
    /// # Errors
    /// As [`Frontend::trace`], and when there is no memory to look at the spans.
    pub(crate) async fn trace_view(
        &self,
        tenants: &[TenantId],
        request: &TraceById,
        view: View,
    ) -> Result<Option<Whole>, Failure> {
        let Some(mut found) = self.trace(tenants, request).await? else {
            return Ok(None);
        };
        if view.is_whole() {
            return Ok(Some(found));
        }
        let proto = std::mem::take(&mut found.trace.proto);
        let asking = self.asking(tenants);
        let mut held = asking.asked().lease();
        held.hold(proto.len().saturating_mul(DECODED))?;
        let (proto, missing) = self
            .workers()
            .run(asking.asked(), move |asked| {
                let _held = held;
                view.of(proto, &|| asked.still())
            })
            .await?;
        found.trace.proto = proto;
        found.trace.missing.extend(missing);
        Ok(Some(found))
    }

    /// The document about two traces, as JSON.
    ///
    /// # Errors
    /// When one of them is missing or partial, or both together are larger than one may be.
    pub(crate) async fn trace_diff(
        &self,
        tenants: &[TenantId],
        request: &Diff,
    ) -> Result<Vec<u8>, Failure> {
        let (base, compare) = try_join(
            self.complete(tenants, "base", &request.base),
            self.complete(tenants, "compare", &request.compare),
        )
        .await?;
        let encoded = base.len().saturating_add(compare.len());
        let limit = self.limits(tenants).max_bytes_per_trace.0;
        let bytes = encoded as u64;
        if limit > 0 && bytes > limit {
            return Err(DiffRefusal::TooLarge { bytes, limit }.into());
        }
        let asking = self.asking(tenants);
        let mut held = asking.asked().lease();
        held.hold(encoded.saturating_mul(2 * DECODED))?;
        let format = request.format;
        self.workers()
            .run(asking.asked(), move |_| {
                let _held = held;
                let (base, compare) = (decoded(&base)?, decoded(&compare)?);
                Ok(diff::diff(&base, &compare, format)?)
            })
            .await
    }

    async fn complete(
        &self,
        tenants: &[TenantId],
        side: &'static str,
        request: &TraceById,
    ) -> Result<Vec<u8>, Failure> {
        let found = self.trace(tenants, request).await?;
        let trace = found.ok_or(DiffRefusal::NotFound)?.trace;
        if trace.missing.is_empty() {
            return Ok(trace.proto);
        }
        Err(DiffRefusal::Partial {
            side,
            id: request.id.to_string(),
            why: trace.missing.join("; "),
        }
        .into())
    }
}

impl From<diff::Refusal> for Failure {
    fn from(refusal: diff::Refusal) -> Self {
        match refusal {
            diff::Refusal::TooDeep => DiffRefusal::TooDeep.into(),
            diff::Refusal::Json(_) => Self::Internal(refusal.to_string()),
        }
    }
}
