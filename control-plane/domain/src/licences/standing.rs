//! What licences come to at a moment. Pure; a clock that was set back does not bring a licence back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use takt_model::UnixNano;

use super::{Licence, Licences, Rejection};
use crate::{Standing as TenantStanding, State};

const DAY: Duration = Duration::from_hours(24);
/// How far a clock may be behind what is known to have happened.
pub const BEHIND_MAX: Duration = DAY;
/// Days before the end at which to warn, latest first.
pub const WARNINGS: [u32; 4] = [1, 7, 14, 30];
/// How far above a limit is still let pass, in percent.
pub const SOFT_PERCENT: u64 = 10;
/// The limit on tenants that are not deleted.
pub const TENANTS: &str = "tenants";

/// How one licence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its time has not come.
    Pending,
    Valid,
    /// It ends within so many days: one of [`WARNINGS`].
    Expiring(u32),
    /// It is over, and everything still works.
    Grace,
    /// It is over.
    Degraded,
    /// Whoever issued it took it back.
    Revoked,
}

impl Standing {
    /// Whether its features and limits count.
    #[must_use]
    pub fn counts(self) -> bool {
        match self {
            Self::Valid | Self::Expiring(_) | Self::Grace => true,
            Self::Pending | Self::Degraded | Self::Revoked => false,
        }
    }
}

/// How an installation stands: as its best licence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overall {
    /// Without a licence this is the open edition, and nothing is restricted.
    Unlicensed,
    Valid,
    Expiring,
    Grace,
    /// There were licences and none counts any more: nothing new is made. Ingest and reads go on.
    Degraded,
}

/// What all licences together come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub standing: Overall,
    pub editions: BTreeSet<String>,
    /// Of any that counts.
    pub features: BTreeSet<String>,
    /// Summed; a limit that none names is none.
    pub limits: BTreeMap<String, u64>,
    /// The latest of any that counts.
    pub support_until: Option<UnixNano>,
    /// Licences that somebody should look after.
    pub warnings: BTreeMap<String, Standing>,
}

/// Something that a licence might be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Ingest,
    Read,
    CreateTenant,
    CreatePolicy,
}

/// The latest that is known to have happened: anything committed, and any licence issued.
#[must_use]
pub fn high_water(state: &State) -> UnixNano {
    state.at.max(state.licences.latest_issue)
}

/// What time it is for licences: the clock, unless it is more than a day behind what is known to have
/// happened; then that.
#[must_use]
pub fn now(state: &State, clock: UnixNano) -> UnixNano {
    let mark = high_water(state);
    if clock.plus(BEHIND_MAX) < mark {
        mark
    } else {
        clock
    }
}

/// How a licence stands at a moment, see [`now`].
#[must_use]
pub fn standing(licences: &Licences, licence: &Licence, now: UnixNano) -> Standing {
    let claims = &licence.claims;
    if licences.revokes(&claims.id, claims.revocation_epoch, &licence.signers) {
        return Standing::Revoked;
    }
    if now < claims.not_before {
        return Standing::Pending;
    }
    if now >= claims.expires {
        let grace = DAY * claims.grace_days;
        return if now < claims.expires.plus(grace) {
            Standing::Grace
        } else {
            Standing::Degraded
        };
    }
    let left = claims.expires.since(now);
    let warning = WARNINGS.iter().find(|days| left <= DAY * **days);
    warning.map_or(Standing::Valid, |days| Standing::Expiring(*days))
}

/// What all licences together come to at a moment of the clock.
#[must_use]
pub fn merged(state: &State, clock: UnixNano) -> Merged {
    let now = now(state, clock);
    let mut merged = Merged {
        standing: Overall::Unlicensed,
        editions: BTreeSet::new(),
        features: BTreeSet::new(),
        limits: BTreeMap::new(),
        support_until: None,
        warnings: BTreeMap::new(),
    };
    let mut best: Option<Overall> = None;
    for (id, licence) in &state.licences.rows {
        let standing = standing(&state.licences, licence, now);
        let overall = match standing {
            Standing::Pending => None,
            Standing::Valid => Some(Overall::Valid),
            Standing::Expiring(_) => Some(Overall::Expiring),
            Standing::Grace => Some(Overall::Grace),
            Standing::Degraded | Standing::Revoked => Some(Overall::Degraded),
        };
        best = match (best, overall) {
            (Some(best), Some(overall)) => Some(best.min(overall)),
            (best, overall) => best.or(overall),
        };
        if standing.counts() {
            merged.add(licence);
        }
        if standing != Standing::Valid {
            merged.warnings.insert(id.clone(), standing);
        }
    }
    merged.standing = best.unwrap_or(Overall::Unlicensed);
    merged
}

impl Merged {
    fn add(&mut self, licence: &Licence) {
        let claims = &licence.claims;
        self.editions.insert(claims.edition.clone());
        self.features.extend(claims.features.iter().cloned());
        for (name, limit) in &claims.limits {
            let sum = self.limits.entry(name.clone()).or_default();
            *sum = sum.saturating_add(*limit);
        }
        self.support_until = self.support_until.max(claims.support_until);
    }
}

/// Whether licences let something happen. What brings data in or shows it always happens.
///
/// # Errors
/// When there were licences and none counts any more, or a limit is passed by more than its soft band.
pub fn permits(state: &State, clock: UnixNano, action: Action) -> Result<(), Rejection> {
    match action {
        Action::Ingest | Action::Read => Ok(()),
        Action::CreatePolicy => alive(&merged(state, clock)),
        Action::CreateTenant => {
            let merged = merged(state, clock);
            alive(&merged)?;
            match merged.limits.get(TENANTS) {
                Some(limit) => room(state, *limit),
                None => Ok(()),
            }
        }
    }
}

fn alive(merged: &Merged) -> Result<(), Rejection> {
    match merged.standing {
        Overall::Unlicensed | Overall::Valid | Overall::Expiring | Overall::Grace => Ok(()),
        Overall::Degraded => Err(Rejection::Degraded),
    }
}

fn room(state: &State, limit: u64) -> Result<(), Rejection> {
    let band = u128::from(limit) * u128::from(100 + SOFT_PERCENT) / 100;
    // Deleted ones leave a row, so this is no fewer than are there.
    if u128::try_from(state.tenants.len()).is_ok_and(|rows| rows < band) {
        return Ok(());
    }
    let tenants = state.tenants.values();
    let present = tenants.filter(|tenant| match tenant.standing {
        TenantStanding::Active | TenantStanding::Suspended { .. } => true,
        TenantStanding::Deleting(_) | TenantStanding::Deleted => false,
    });
    let present = u64::try_from(present.count()).unwrap_or(u64::MAX);
    if u128::from(present) < band {
        return Ok(());
    }
    Err(Rejection::LimitPassed {
        name: TENANTS.into(),
        limit,
        used: present,
    })
}
