//! What may be done with segments.

use takt_model::{Revision, TenantId, UnixNano};

use super::{
    Command, Event, Index, MAX_AT_ONCE, MAX_LIVE, MAX_SEGMENTS, Rejection, RetireReason, Row,
    Segment, SegmentId, index,
};
use crate::tenants::{matches, present};
use crate::{Facts, Map, State};

pub(crate) fn decide(
    state: &State,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let events = match command {
        Command::Register { segments } => register(state, segments, facts.at)?,
        Command::Supersede {
            tenant,
            replaced,
            by,
        } => {
            present(state, tenant, None)?;
            supersede(&index(state, tenant), tenant, replaced, by, facts.at)?
        }
        Command::Retire {
            tenant,
            segment,
            if_match,
        } => {
            present(state, tenant, None)?;
            let index = index(state, tenant);
            let row = get(&index, tenant, *segment)?;
            matches(*if_match, row.version)?;
            retire(tenant, row)
        }
        Command::Expire { tenant } => {
            present(state, tenant, None)?;
            expire(&index(state, tenant), tenant, facts.at)
        }
        Command::Forget { tenant, segments } => {
            present(state, tenant, None)?;
            forget(&index(state, tenant), tenant, segments)?
        }
    };
    Ok(events.into_iter().map(Into::into).collect())
}

/// What the leader should sweep now. A tenant with much to do is there again the next time.
#[must_use]
pub fn due(state: &State, now: UnixNano) -> Vec<Command> {
    let expiring = state.decisions.expiring.iter();
    let over = expiring.take_while(|(expires, _, _)| *expires <= now);
    let mut tenants: Vec<&TenantId> = over
        .take(MAX_AT_ONCE)
        .map(|(_, tenant, _)| tenant)
        .collect();
    tenants.sort_unstable();
    tenants.dedup();
    let expire = |tenant: &TenantId| Command::Expire {
        tenant: tenant.clone(),
    };
    tenants.into_iter().map(expire).collect()
}

/// What follows for the segments of a tenant that is deleted.
pub(crate) fn farewell(state: &State, tenant: &TenantId) -> Vec<crate::Event> {
    let cleared = |_| {
        let tenant = tenant.clone();
        Event::Cleared { tenant }.into()
    };
    state
        .decisions
        .of(tenant)
        .map(cleared)
        .into_iter()
        .collect()
}

/// Cheap: what is in it is shared.
fn index(state: &State, tenant: &TenantId) -> Index {
    state.decisions.of(tenant).cloned().unwrap_or_default()
}

fn get<'a>(index: &'a Index, tenant: &TenantId, segment: SegmentId) -> Result<&'a Row, Rejection> {
    index.get(segment).ok_or_else(|| Rejection::SegmentUnknown {
        tenant: tenant.clone(),
        segment,
    })
}

fn register(
    state: &State,
    segments: &[(TenantId, Segment)],
    now: UnixNano,
) -> Result<Vec<Event>, crate::Rejection> {
    if segments.len() > MAX_AT_ONCE {
        return Err(Rejection::TooMany(segments.len()).into());
    }
    let mut scratch: Map<TenantId, Index> = Map::new();
    let mut events = Vec::new();
    for (tenant, segment) in segments {
        present(state, tenant, None)?;
        let mut within = scratch
            .get(tenant)
            .cloned()
            .unwrap_or_else(|| index(state, tenant));
        if !is_new(&within, segment)? {
            continue;
        }
        sound(segment, now)?;
        room(&within, tenant, 0)?;
        free(&within, segment, &[])?;
        within.insert(Row::new(segment.clone(), now, Revision(0)));
        scratch.insert(tenant.clone(), within);
        events.push(Event::Registered {
            tenant: tenant.clone(),
            segment: Box::new(segment.clone()),
        });
    }
    Ok(events)
}

fn supersede(
    index: &Index,
    tenant: &TenantId,
    replaced: &[SegmentId],
    by: &Segment,
    now: UnixNano,
) -> Result<Vec<Event>, Rejection> {
    if !is_new(index, by)? {
        return Ok(Vec::new());
    }
    if replaced.is_empty() {
        return Err(Rejection::ReplacesNothing(by.id));
    }
    if replaced.len() > MAX_AT_ONCE {
        return Err(Rejection::TooMany(replaced.len()));
    }
    sound(by, now)?;
    let mut replaced = replaced.to_vec();
    replaced.sort_unstable();
    if let Some(twice) = replaced.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Rejection::NamedTwice(twice[0]));
    }
    let mut rows = Vec::new();
    for id in &replaced {
        let row = get(index, tenant, *id)?;
        if row.retired.is_some() {
            return Err(Rejection::Retired(*id));
        }
        rows.push(row);
    }
    room(index, tenant, replaced.len())?;
    free(index, by, &replaced)?;
    if let Some(what) = index::difference(&rows, by) {
        return Err(Rejection::NotTheSame { by: by.id, what });
    }
    Ok(vec![Event::Superseded {
        tenant: tenant.clone(),
        replaced,
        by: Box::new(by.clone()),
    }])
}

fn retire(tenant: &TenantId, row: &Row) -> Vec<Event> {
    if row.retired.is_some() {
        return Vec::new();
    }
    vec![Event::Retired {
        tenant: tenant.clone(),
        segment: row.segment.id,
        reason: RetireReason::Asked,
    }]
}

fn expire(index: &Index, tenant: &TenantId, now: UnixNano) -> Vec<Event> {
    let over = |row: &&Row| row.retired.is_none() && row.segment.expires_at <= now;
    let rows = index.rows().filter(over).take(MAX_AT_ONCE);
    rows.map(|row| Event::Retired {
        tenant: tenant.clone(),
        segment: row.segment.id,
        reason: RetireReason::Expired,
    })
    .collect()
}

/// What is not there any more is forgotten already.
fn forget(
    index: &Index,
    tenant: &TenantId,
    segments: &[SegmentId],
) -> Result<Vec<Event>, Rejection> {
    if segments.len() > MAX_AT_ONCE {
        return Err(Rejection::TooMany(segments.len()));
    }
    let mut events = Vec::new();
    let mut sorted = segments.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    for segment in sorted {
        match index.get(segment) {
            None => {}
            Some(row) if row.retired.is_none() => return Err(Rejection::Live(segment)),
            Some(_) => events.push(Event::Forgotten {
                tenant: tenant.clone(),
                segment,
            }),
        }
    }
    Ok(events)
}

/// The same segment again is nothing new, even if it is out of use by now.
fn is_new(index: &Index, segment: &Segment) -> Result<bool, Rejection> {
    match index.get(segment.id) {
        None => Ok(true),
        Some(row) if row.segment == *segment => Ok(false),
        Some(_) => Err(Rejection::SegmentDiffers(segment.id)),
    }
}

fn sound(segment: &Segment, now: UnixNano) -> Result<(), Rejection> {
    segment.check().map_err(|flaw| Rejection::Invalid {
        segment: segment.id,
        flaw,
    })?;
    if segment.expires_at <= now {
        return Err(Rejection::Expired(segment.id));
    }
    Ok(())
}

/// Is there room for one more, once so many are retired?
fn room(index: &Index, tenant: &TenantId, retiring: usize) -> Result<(), Rejection> {
    let live = index.live().saturating_sub(retiring);
    if live >= MAX_LIVE || index.len() >= MAX_SEGMENTS {
        return Err(Rejection::Full(tenant.clone()));
    }
    Ok(())
}

/// Is nothing it is about in another segment, but for those?
fn free(index: &Index, segment: &Segment, but: &[SegmentId]) -> Result<(), Rejection> {
    for range in &segment.ranges {
        for by in index.overlapping(range) {
            if but.binary_search(&by).is_err() {
                return Err(Rejection::Overlaps { range: *range, by });
            }
        }
    }
    Ok(())
}
