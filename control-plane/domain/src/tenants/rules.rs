//! What may be done with tenants.

use std::collections::{BTreeMap, BTreeSet};

use takt_model::{Revision, TenantId, UnixNano};

use super::{
    Command, Event, MAX_CELL_BYTES, MAX_DISPLAY_NAME_BYTES, MAX_LABEL_KEY_BYTES,
    MAX_LABEL_VALUE_BYTES, MAX_LABELS, MAX_REASON_BYTES, Profile, PurgeStep, Rejection, Standing,
    Tenant,
};
use crate::{Facts, Layer, State, decisions, licences, overrides, policies};

pub(crate) fn decide(
    state: &State,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let events = match command {
        Command::Create { tenant, profile } => {
            let events = create(state, tenant, profile)?;
            licences::permits(state, facts.at, licences::Action::CreateTenant)?;
            events
        }
        Command::Update {
            tenant,
            change,
            clear_labels,
            if_match,
        } => {
            let found = present(state, tenant, *if_match)?;
            update(found, tenant, change, clear_labels)?
        }
        Command::Suspend {
            tenant,
            reason,
            if_match,
        } => suspend(present(state, tenant, *if_match)?, tenant, reason)?,
        Command::Resume { tenant, if_match } => resume(present(state, tenant, *if_match)?, tenant),
        Command::Delete { tenant, if_match } => {
            present(state, tenant, *if_match)?;
            let mut events = farewell(state, tenant);
            let tenant = tenant.clone();
            events.push(Event::Deleted { tenant }.into());
            return Ok(events);
        }
        Command::Undelete { tenant, if_match } => undelete(state, tenant, *if_match)?,
        Command::RecordPurge { tenant, step } => record_purge(state, tenant, step)?,
    };
    Ok(events.into_iter().map(Into::into).collect())
}

/// The tenant, if it is there, not deleted, and at the version asked for.
pub(crate) fn present<'a>(
    state: &'a State,
    tenant: &TenantId,
    if_match: Option<Revision>,
) -> Result<&'a Tenant, crate::Rejection> {
    let found = known(state, tenant)?;
    if let Standing::Deleting(_) | Standing::Deleted = found.standing {
        return Err(crate::Rejection::TenantDeleted(tenant.clone()));
    }
    matches(if_match, found.version)?;
    Ok(found)
}

fn known<'a>(state: &'a State, tenant: &TenantId) -> Result<&'a Tenant, crate::Rejection> {
    let found = state.tenants.get(tenant);
    let found = found.ok_or_else(|| crate::Rejection::TenantUnknown(tenant.clone()))?;
    Ok(found)
}

pub(crate) fn matches(
    if_match: Option<Revision>,
    current: Revision,
) -> Result<(), crate::Rejection> {
    match if_match {
        Some(asked) if asked != current => {
            Err(crate::Rejection::VersionMismatch { asked, current })
        }
        Some(_) | None => Ok(()),
    }
}

/// What goes with a tenant: everything that is its own is cleared, and the log says so.
fn farewell(state: &State, tenant: &TenantId) -> Vec<crate::Event> {
    let mut events = overrides::clear_all(state, &Layer::Tenant(tenant.clone()));
    events.extend(overrides::clear_all(
        state,
        &Layer::OfTenantItself(tenant.clone()),
    ));
    events.extend(policies::farewell(state, tenant));
    events.extend(decisions::farewell(state, tenant));
    events
}

fn create(
    state: &State,
    tenant: &TenantId,
    profile: &Profile,
) -> Result<Vec<Event>, crate::Rejection> {
    match state.tenants.get(tenant).map(|found| &found.standing) {
        Some(Standing::Deleting(_) | Standing::Deleted) => {
            return Err(crate::Rejection::TenantDeleted(tenant.clone()));
        }
        Some(Standing::Active | Standing::Suspended { .. }) => {
            return Err(Rejection::Exists(tenant.clone()).into());
        }
        None => {}
    }
    let blank = Tenant::new(String::new(), UnixNano(0), Revision(0));
    let display_name = short_name(profile.display_name.as_deref().unwrap_or_default())?;
    let mut events = vec![Event::Created {
        tenant: tenant.clone(),
        display_name,
    }];
    let rest = Profile {
        display_name: None,
        ..profile.clone()
    };
    events.extend(update(&blank, tenant, &rest, &BTreeSet::new())?);
    Ok(events)
}

fn update(
    found: &Tenant,
    tenant: &TenantId,
    change: &Profile,
    clear_labels: &BTreeSet<String>,
) -> Result<Vec<Event>, Rejection> {
    let mut events = Vec::new();
    if let Some(display_name) = &change.display_name {
        let display_name = short_name(display_name)?;
        if found.display_name != display_name {
            let tenant = tenant.clone();
            events.push(Event::Renamed {
                tenant,
                display_name,
            });
        }
    }
    events.extend(relabel(found, tenant, &change.labels, clear_labels)?);
    if let Some(block_format) = change.block_format
        && block_format != found.block_format
    {
        let tenant = tenant.clone();
        events.push(Event::BlockFormatChosen {
            tenant,
            block_format,
        });
    }
    if let Some(cell) = &change.cell {
        let cell = legal_cell(cell)?;
        if found.cell != cell {
            let tenant = tenant.clone();
            events.push(Event::CellAssigned { tenant, cell });
        }
    }
    match (change.suspended, &found.standing) {
        (Some(true), Standing::Active) => events.extend(suspend(found, tenant, "")?),
        (Some(false), _) => events.extend(resume(found, tenant)),
        (Some(true), _) | (None, _) => {}
    }
    Ok(events)
}

fn relabel(
    found: &Tenant,
    tenant: &TenantId,
    set: &BTreeMap<String, String>,
    clear: &BTreeSet<String>,
) -> Result<Vec<Event>, Rejection> {
    if let Some(key) = clear.iter().find(|key| set.contains_key(*key)) {
        return Err(Rejection::LabelAmbiguous(key.clone()));
    }
    let mut after: BTreeSet<&String> = found.labels.keys().collect();
    let mut events = Vec::new();
    for (key, value) in set {
        legal_label(key, value)?;
        after.insert(key);
        if found.labels.get(key) != Some(value) {
            events.push(Event::LabelSet {
                tenant: tenant.clone(),
                key: key.clone(),
                value: value.clone(),
            });
        }
    }
    for key in clear {
        if after.remove(key) {
            let (tenant, key) = (tenant.clone(), key.clone());
            events.push(Event::LabelCleared { tenant, key });
        }
    }
    if after.len() > MAX_LABELS {
        return Err(Rejection::TooManyLabels(after.len()));
    }
    Ok(events)
}

fn suspend(found: &Tenant, tenant: &TenantId, reason: &str) -> Result<Vec<Event>, Rejection> {
    let reason = short_reason(reason)?;
    let wanted = Standing::Suspended {
        reason: reason.clone(),
    };
    if found.standing == wanted {
        return Ok(Vec::new());
    }
    let tenant = tenant.clone();
    Ok(vec![Event::Suspended { tenant, reason }])
}

fn resume(found: &Tenant, tenant: &TenantId) -> Vec<Event> {
    if found.standing == Standing::Active {
        return Vec::new();
    }
    let tenant = tenant.clone();
    vec![Event::Resumed { tenant }]
}

fn undelete(
    state: &State,
    tenant: &TenantId,
    if_match: Option<Revision>,
) -> Result<Vec<Event>, crate::Rejection> {
    let found = known(state, tenant)?;
    matches(if_match, found.version)?;
    match &found.standing {
        Standing::Active | Standing::Suspended { .. } => Ok(Vec::new()),
        Standing::Deleting(purge) if purge.blocks == 0 => {
            let tenant = tenant.clone();
            Ok(vec![Event::Undeleted { tenant }])
        }
        Standing::Deleting(_) | Standing::Deleted => {
            Err(Rejection::PurgeBegan(tenant.clone()).into())
        }
    }
}

fn record_purge(
    state: &State,
    tenant: &TenantId,
    step: &PurgeStep,
) -> Result<Vec<Event>, crate::Rejection> {
    let found = known(state, tenant)?;
    let tenant = tenant.clone();
    match (&found.standing, step) {
        (Standing::Deleted, PurgeStep::Finished) => Ok(Vec::new()),
        (
            Standing::Deleting(_),
            PurgeStep::Progressed {
                blocks: 0,
                bytes: 0,
            },
        ) => Ok(Vec::new()),
        (Standing::Deleting(_), PurgeStep::Progressed { blocks, bytes }) => {
            Ok(vec![Event::PurgeProgressed {
                tenant,
                blocks: *blocks,
                bytes: *bytes,
            }])
        }
        (Standing::Deleting(_), PurgeStep::Failed { reason }) => {
            let reason = short_reason(reason)?;
            Ok(vec![Event::PurgeFailed { tenant, reason }])
        }
        (Standing::Deleting(_), PurgeStep::Finished) => Ok(vec![Event::Purged { tenant }]),
        (Standing::Active | Standing::Suspended { .. } | Standing::Deleted, _) => {
            Err(Rejection::NotDeleting(tenant).into())
        }
    }
}

fn short_name(display_name: &str) -> Result<String, Rejection> {
    if display_name.len() > MAX_DISPLAY_NAME_BYTES {
        return Err(Rejection::DisplayNameTooLong(display_name.len()));
    }
    Ok(display_name.to_owned())
}

fn short_reason(reason: &str) -> Result<String, Rejection> {
    if reason.len() > MAX_REASON_BYTES {
        return Err(Rejection::ReasonTooLong(reason.len()));
    }
    Ok(reason.to_owned())
}

fn legal_label(key: &str, value: &str) -> Result<(), Rejection> {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    let begins = key
        .chars()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    if !begins || key.len() > MAX_LABEL_KEY_BYTES || !key.chars().all(legal) {
        let key: String = key.chars().take(MAX_LABEL_KEY_BYTES).collect();
        return Err(Rejection::LabelKey(key));
    }
    if value.len() > MAX_LABEL_VALUE_BYTES {
        let (key, bytes) = (key.to_owned(), value.len());
        return Err(Rejection::LabelValue { key, bytes });
    }
    Ok(())
}

fn legal_cell(cell: &str) -> Result<String, Rejection> {
    let legal =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if cell.len() > MAX_CELL_BYTES || !cell.chars().all(legal) {
        let cell: String = cell.chars().take(MAX_CELL_BYTES).collect();
        return Err(Rejection::Cell(cell));
    }
    Ok(cell.to_owned())
}
