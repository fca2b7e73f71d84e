//! Licences, and the features that follow from all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::control::log::v1::{LicenceClaims, LicenceStanding};

use super::answer::Answer;
use super::ask::{Ask, Result};
use super::json::{Standing, time};

#[derive(Debug, Serialize)]
struct License {
    /// The id of the licence.
    name: String,
    created_at: String,
    /// Whether it counts: from its first day to the last of its grace.
    status: Standing,
    /// Where exactly it stands.
    standing: &'static str,
    customer: String,
    products: Vec<String>,
    edition: String,
    features: Vec<String>,
    limits: BTreeMap<String, u64>,
    issued_at: String,
    not_before: String,
    expiration: String,
    /// The envelope it came in.
    token: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The envelope.
    token: String,
}

/// What all licences come to.
#[derive(Debug, Serialize)]
struct Features {
    product: &'static str,
    version: &'static str,
    license_status: &'static str,
    features: Vec<String>,
    /// What is not here is without limit.
    limits: BTreeMap<String, u64>,
}

pub(super) async fn list(ask: &Ask<'_>) -> Result<Answer> {
    let list = ask.list("license", |page_size, page_token| async move {
        let request = wire::ListLicencesRequest {
            page_size,
            page_token,
        };
        let method = AdminMethod::LicenceListLicences;
        let page: wire::ListLicencesResponse = ask.call(method, &request).await?;
        let rows = page.licences.into_iter().map(show).collect();
        Ok((rows, page.next_page_token))
    });
    Ok(Answer::many(&list.await?)?)
}

pub(super) async fn create(ask: &Ask<'_>) -> Result<Answer> {
    let wanted: Wanted = ask.json()?;
    let request = wire::AddLicenceRequest {
        change: Some(ask.change(None)?),
        envelope: wanted.token,
        replaces: String::new(),
    };
    let method = AdminMethod::LicenceAddLicence;
    let added: wire::AddLicenceResponse = ask.call(method, &request).await?;
    shown(added.licence)
}

pub(super) async fn get(ask: &Ask<'_>) -> Result<Answer> {
    let licence = ask.name().await?;
    let request = wire::GetLicenceRequest { licence };
    let method = AdminMethod::LicenceGetLicence;
    let got: wire::GetLicenceResponse = ask.call(method, &request).await?;
    shown(got.licence)
}

pub(super) async fn delete(ask: &Ask<'_>) -> Result<Answer> {
    let request = wire::RemoveLicenceRequest {
        licence: ask.name().await?,
        change: Some(ask.change(Some(ask.precondition()?))?),
        reason: String::new(),
    };
    let method = AdminMethod::LicenceRemoveLicence;
    let _: wire::RemoveLicenceResponse = ask.call(method, &request).await?;
    Ok(Answer::Gone)
}

pub(super) async fn features(ask: &Ask<'_>) -> Result<Answer> {
    let method = AdminMethod::LicenceGetLicenceStatus;
    let request = wire::GetLicenceStatusRequest {};
    let status: wire::GetLicenceStatusResponse = ask.call(method, &request).await?;
    let license_status = match status.state() {
        wire::LicenceState::Unspecified | wire::LicenceState::Unlicensed => "unlicensed",
        wire::LicenceState::Valid => "valid",
        wire::LicenceState::Expiring => "expiring",
        wire::LicenceState::Grace => "grace",
        wire::LicenceState::Degraded => "degraded",
    };
    Ok(Answer::many(&Features {
        product: "takt",
        version: env!("CARGO_PKG_VERSION"),
        license_status,
        features: status.features,
        limits: status.limits,
    })?)
}

fn shown(licence: Option<wire::Licence>) -> Result<Answer> {
    let licence = licence.unwrap_or_default();
    let version = licence.version;
    Ok(Answer::one(&show(licence), version)?)
}

fn show(licence: wire::Licence) -> License {
    let (status, standing) = standing(licence.standing());
    let claims: LicenceClaims = licence.claims.unwrap_or_default();
    License {
        name: licence.licence,
        created_at: time(licence.added_at),
        status,
        standing,
        customer: claims.customer,
        products: claims.products,
        edition: claims.edition,
        features: claims.features,
        limits: claims.limits,
        issued_at: time(claims.issued),
        not_before: time(claims.not_before),
        expiration: time(claims.expires),
        token: licence.envelope,
    }
}

fn standing(standing: LicenceStanding) -> (Standing, &'static str) {
    match standing {
        LicenceStanding::Unspecified => (Standing::Inactive, "unknown"),
        LicenceStanding::Pending => (Standing::Inactive, "pending"),
        LicenceStanding::Valid => (Standing::Active, "valid"),
        LicenceStanding::Expiring30
        | LicenceStanding::Expiring14
        | LicenceStanding::Expiring7
        | LicenceStanding::Expiring1 => (Standing::Active, "expiring"),
        LicenceStanding::Grace => (Standing::Active, "grace"),
        LicenceStanding::Degraded => (Standing::Inactive, "degraded"),
        LicenceStanding::Revoked => (Standing::Inactive, "revoked"),
    }
}
