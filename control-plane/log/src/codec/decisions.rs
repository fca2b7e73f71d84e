//! Segments of the decision index.

mod segment;

use takt_domain::decisions::{Decisions, Event, Index, RetireReason, Row, SegmentId};
use takt_model::{Revision, TenantId, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::decision_event::Event as Stored;

use super::DecodeError;

pub use segment::{MalformedSegment, segment_from_wire, segment_to_wire};

pub(super) fn event_to(event: &Event) -> stored::DecisionEvent {
    let tenant = event.tenant().to_string();
    let event = match event {
        Event::Registered { segment, .. } => Stored::Registered(stored::SegmentRegistered {
            tenant,
            segment: Some(segment_to_wire(segment)),
        }),
        Event::Superseded { replaced, by, .. } => Stored::Superseded(stored::SegmentsSuperseded {
            tenant,
            replaced: replaced.iter().map(|id| id_to(*id)).collect(),
            by: Some(segment_to_wire(by)),
        }),
        Event::Retired {
            segment, reason, ..
        } => Stored::Retired(stored::SegmentRetired {
            tenant,
            segment: id_to(*segment),
            reason: reason_to_wire(*reason).into(),
        }),
        Event::Forgotten { segment, .. } => Stored::Forgotten(stored::SegmentForgotten {
            tenant,
            segment: id_to(*segment),
        }),
        Event::Cleared { .. } => Stored::Cleared(stored::SegmentsCleared { tenant }),
    };
    stored::DecisionEvent { event: Some(event) }
}

pub(super) fn event_from(event: stored::DecisionEvent) -> Result<Event, DecodeError> {
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::Registered(e) => Event::Registered {
            tenant: TenantId::new(&e.tenant)?,
            segment: Box::new(segment_from_wire(e.segment)?),
        },
        Stored::Superseded(e) => Event::Superseded {
            tenant: TenantId::new(&e.tenant)?,
            replaced: e
                .replaced
                .iter()
                .map(|id| segment::id_from(id))
                .collect::<Result<_, _>>()?,
            by: Box::new(segment_from_wire(e.by)?),
        },
        Stored::Retired(e) => Event::Retired {
            tenant: TenantId::new(&e.tenant)?,
            segment: segment::id_from(&e.segment)?,
            reason: reason_from(e.reason)?,
        },
        Stored::Forgotten(e) => Event::Forgotten {
            tenant: TenantId::new(&e.tenant)?,
            segment: segment::id_from(&e.segment)?,
        },
        Stored::Cleared(e) => Event::Cleared {
            tenant: TenantId::new(&e.tenant)?,
        },
    })
}

pub(super) fn state_to(decisions: &Decisions) -> stored::Decisions {
    let tenants = decisions
        .tenants()
        .map(|(tenant, index)| stored::StoredSegments {
            tenant: tenant.to_string(),
            segments: index.rows().map(row_to).collect(),
            version: index.version.0,
        });
    stored::Decisions {
        tenants: tenants.collect(),
    }
}

pub(super) fn state_from(decisions: stored::Decisions) -> Result<Decisions, DecodeError> {
    let tenants = decisions.tenants.into_iter().map(|stored| {
        let tenant = TenantId::new(&stored.tenant)?;
        let rows = stored.segments.into_iter().map(row_from);
        let rows = rows.collect::<Result<Vec<_>, DecodeError>>()?;
        Ok((tenant, Index::from_rows(rows, Revision(stored.version))))
    });
    let tenants = tenants.collect::<Result<Vec<_>, DecodeError>>()?;
    Ok(Decisions::from_indexes(tenants))
}

fn row_to(row: &Row) -> stored::StoredSegment {
    stored::StoredSegment {
        segment: Some(segment_to_wire(&row.segment)),
        registered_at: row.registered_at.0,
        version: row.version.0,
        retired: row.retired.map(|(reason, at)| stored::Retirement {
            reason: reason_to_wire(reason).into(),
            at: at.0,
        }),
    }
}

fn row_from(row: stored::StoredSegment) -> Result<Row, DecodeError> {
    let retired = row.retired.map(|retired| -> Result<_, DecodeError> {
        Ok((reason_from(retired.reason)?, UnixNano(retired.at)))
    });
    Ok(Row {
        segment: segment_from_wire(row.segment)?,
        registered_at: UnixNano(row.registered_at),
        retired: retired.transpose()?,
        version: Revision(row.version),
    })
}

/// Why a segment is out of use, in the words of the log and of the admin API.
#[must_use]
pub fn reason_to_wire(reason: RetireReason) -> stored::RetireReason {
    match reason {
        RetireReason::Expired => stored::RetireReason::Expired,
        RetireReason::Superseded => stored::RetireReason::Superseded,
        RetireReason::Asked => stored::RetireReason::Asked,
    }
}

fn reason_from(reason: i32) -> Result<RetireReason, DecodeError> {
    let reason = stored::RetireReason::try_from(reason).map_err(|_| DecodeError::UnknownKind)?;
    match reason {
        stored::RetireReason::Unspecified => Err(DecodeError::Missing("reason")),
        stored::RetireReason::Expired => Ok(RetireReason::Expired),
        stored::RetireReason::Superseded => Ok(RetireReason::Superseded),
        stored::RetireReason::Asked => Ok(RetireReason::Asked),
    }
}

fn id_to(id: SegmentId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}
