//! Licences: events and state as they are stored, and what a licence says, which the admin API shows in the
//! same form.

use std::sync::Arc;

use takt_domain::licences::{Claims, Event, Licence, Licences, Revocations, Standing};
use takt_model::{Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::licence_event::Event as Stored;
use uuid::Uuid;

use super::DecodeError;

type Result<T> = std::result::Result<T, DecodeError>;

pub(super) fn event_to(event: &Event) -> stored::LicenceEvent {
    let event = match event {
        Event::Added {
            envelope,
            claims,
            signers,
            standing,
        } => Stored::Added(stored::LicenceAdded {
            envelope: envelope.clone(),
            claims: Some(claims_to(claims)),
            signers: signers.clone(),
            standing: standing_to(*standing).into(),
        }),
        Event::Removed { id, reason } => Stored::Removed(stored::LicenceRemoved {
            id: id.clone(),
            reason: reason.clone(),
        }),
        Event::StandingChanged { id, standing } => {
            Stored::StandingChanged(stored::LicenceStandingChanged {
                id: id.clone(),
                standing: standing_to(*standing).into(),
            })
        }
        Event::RevocationsTaken {
            envelope,
            signer,
            list,
        } => Stored::RevocationsTaken(stored::RevocationsTaken {
            envelope: envelope.clone(),
            signer: signer.clone(),
            list: Some(revocations_to(list)),
        }),
    };
    stored::LicenceEvent { event: Some(event) }
}

pub(super) fn event_from(event: stored::LicenceEvent) -> Result<Event> {
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::Added(e) => Event::Added {
            envelope: e.envelope,
            claims: claims_from(e.claims)?,
            signers: e.signers,
            standing: standing_from(e.standing)?,
        },
        Stored::Removed(e) => Event::Removed {
            id: e.id,
            reason: e.reason,
        },
        Stored::StandingChanged(e) => Event::StandingChanged {
            id: e.id,
            standing: standing_from(e.standing)?,
        },
        Stored::RevocationsTaken(e) => Event::RevocationsTaken {
            envelope: e.envelope,
            signer: e.signer,
            list: revocations_from(e.list.ok_or(DecodeError::Missing("list"))?),
        },
    })
}

pub(super) fn state_to(licences: &Licences) -> stored::Licences {
    let rows = licences.rows.values();
    let rows = rows.map(|licence| stored::HeldLicence {
        envelope: licence.envelope.clone(),
        claims: Some(claims_to(&licence.claims)),
        signers: licence.signers.clone(),
        told: standing_to(licence.told).into(),
        added_at: licence.added_at.0,
        version: licence.version.0,
    });
    stored::Licences {
        licences: rows.collect(),
        revocations: Some(revocations_to(&licences.revocations)),
        latest_issue: licences.latest_issue.0,
    }
}

pub(super) fn state_from(licences: stored::Licences) -> Result<Licences> {
    let rows = licences.licences.into_iter().map(|held| {
        let claims = claims_from(held.claims)?;
        let licence = Licence {
            envelope: held.envelope,
            signers: held.signers,
            told: standing_from(held.told)?,
            added_at: UnixNano(held.added_at),
            version: Revision(held.version),
            claims,
        };
        Ok((licence.claims.id.clone(), Arc::new(licence)))
    });
    Ok(Licences {
        rows: rows.collect::<Result<_>>()?,
        revocations: Arc::new(revocations_from(licences.revocations.unwrap_or_default())),
        latest_issue: UnixNano(licences.latest_issue),
    })
}

/// What a licence says, as it is stored and shown.
#[must_use]
pub fn claims_to(claims: &Claims) -> stored::LicenceClaims {
    let cluster = claims.cluster;
    stored::LicenceClaims {
        id: claims.id.clone(),
        customer: claims.customer.clone(),
        products: claims.products.iter().cloned().collect(),
        edition: claims.edition.clone(),
        features: claims.features.iter().cloned().collect(),
        limits: claims.limits.clone(),
        cluster: cluster.map_or_else(Vec::new, |cluster| cluster.as_bytes().to_vec()),
        issued: claims.issued.0,
        not_before: claims.not_before.0,
        expires: claims.expires.0,
        grace_days: claims.grace_days,
        support_until: claims.support_until.map(|until| until.0),
        revocation_epoch: claims.revocation_epoch,
    }
}

fn claims_from(claims: Option<stored::LicenceClaims>) -> Result<Claims> {
    let claims = claims.ok_or(DecodeError::Missing("claims"))?;
    let cluster = match claims.cluster.as_slice() {
        [] => None,
        bytes => Some(Uuid::from_slice(bytes).map_err(|_| DecodeError::Illegal("cluster"))?),
    };
    Ok(Claims {
        id: claims.id,
        customer: claims.customer,
        products: claims.products.into_iter().collect(),
        edition: claims.edition,
        features: claims.features.into_iter().collect(),
        limits: claims.limits,
        cluster,
        issued: UnixNano(claims.issued),
        not_before: UnixNano(claims.not_before),
        expires: UnixNano(claims.expires),
        grace_days: claims.grace_days,
        support_until: claims.support_until.map(UnixNano),
        revocation_epoch: claims.revocation_epoch,
    })
}

/// As it is stored and shown.
#[must_use]
pub fn standing_to(standing: Standing) -> stored::LicenceStanding {
    use stored::LicenceStanding as To;
    match standing {
        Standing::Pending => To::Pending,
        Standing::Valid => To::Valid,
        Standing::Expiring(0 | 1) => To::Expiring1,
        Standing::Expiring(2..=7) => To::Expiring7,
        Standing::Expiring(8..=14) => To::Expiring14,
        Standing::Expiring(15..) => To::Expiring30,
        Standing::Grace => To::Grace,
        Standing::Degraded => To::Degraded,
        Standing::Revoked => To::Revoked,
    }
}

fn standing_from(standing: i32) -> Result<Standing> {
    use stored::LicenceStanding as From;
    Ok(match From::try_from(standing) {
        Ok(From::Pending) => Standing::Pending,
        Ok(From::Valid) => Standing::Valid,
        Ok(From::Expiring30) => Standing::Expiring(30),
        Ok(From::Expiring14) => Standing::Expiring(14),
        Ok(From::Expiring7) => Standing::Expiring(7),
        Ok(From::Expiring1) => Standing::Expiring(1),
        Ok(From::Grace) => Standing::Grace,
        Ok(From::Degraded) => Standing::Degraded,
        Ok(From::Revoked) => Standing::Revoked,
        Ok(From::Unspecified) | Err(_) => return Err(DecodeError::UnknownKind),
    })
}

fn revocations_to(list: &Revocations) -> stored::Revocations {
    stored::Revocations {
        epoch: list.epoch,
        minimum: list.minimum,
        licences: list.licences.iter().cloned().collect(),
        keys: list.keys.iter().cloned().collect(),
        issued: list.issued.0,
    }
}

fn revocations_from(list: stored::Revocations) -> Revocations {
    Revocations {
        epoch: list.epoch,
        minimum: list.minimum,
        licences: list.licences.into_iter().collect(),
        keys: list.keys.into_iter().collect(),
        issued: UnixNano(list.issued),
    }
}
