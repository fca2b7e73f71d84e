//! What people say of policies and issuers, read.

use takt_domain::access::{
    Algorithm, IssuerSpec, Mapping, Name, Network, Otherwise, PolicySpec, Realm, Redaction,
    RedactionMode, Rejection, Scope, Selector, Stamp, Tenants,
};
use takt_model::UnixNano;
use takt_wire::takt::admin::v1 as wire;
use tonic::Status;

use crate::refusal::{invalid, rejected};
use crate::request::tenant;

pub(super) fn policy(spec: Option<wire::AccessPolicySpec>) -> Result<PolicySpec, Status> {
    let spec = spec.ok_or_else(missing)?;
    let realms = spec.realms.into_iter().map(realm);
    Ok(PolicySpec {
        display_name: spec.display_name,
        scopes: all(&spec.scopes, Scope::parse)?,
        realms: realms.collect::<Result<_, _>>()?,
        networks: all(&spec.networks, Network::parse)?,
        expires_at: spec.expires_at.map(UnixNano),
        inactive: spec.inactive,
        labels: spec.labels,
        redaction: redaction(spec.redaction)?,
        stamps: spec
            .stamps
            .into_iter()
            .map(stamp)
            .collect::<Result<_, _>>()?,
    })
}

pub(super) fn issuer(spec: Option<wire::OidcIssuerSpec>) -> Result<IssuerSpec, Status> {
    let spec = spec.ok_or_else(missing)?;
    let mut mappings = Vec::with_capacity(spec.mappings.len());
    for mapping in spec.mappings {
        let policy = match mapping.policy.as_str() {
            "" => None,
            text => Some(Name::new(text).map_err(refused)?),
        };
        mappings.push(Mapping {
            claim: mapping.claim,
            pattern: mapping.pattern,
            policy,
        });
    }
    Ok(IssuerSpec {
        display_name: spec.display_name,
        issuer: spec.issuer,
        audiences: spec.audiences.into_iter().collect(),
        jwks_url: spec.jwks_url,
        algorithms: all(&spec.algorithms, Algorithm::parse)?,
        required: spec.required,
        mappings,
        max_age_seconds: spec.max_age_seconds,
        inactive: spec.inactive,
    })
}

fn realm(realm: wire::Realm) -> Result<Realm, Status> {
    Ok(Realm {
        tenants: match realm.tenant.as_str() {
            "*" => Tenants::All,
            text => Tenants::One(tenant(text)?),
        },
        allow: all(&realm.allow, Selector::parse)?,
        deny: all(&realm.deny, Selector::parse)?,
    })
}

fn redaction(redaction: Option<wire::Redaction>) -> Result<Redaction, Status> {
    let redaction = redaction.unwrap_or_default();
    let mode = match wire::RedactionMode::try_from(redaction.mode) {
        Ok(wire::RedactionMode::Unspecified | wire::RedactionMode::Attributes) => {
            RedactionMode::Attributes
        }
        Ok(wire::RedactionMode::Spans) => RedactionMode::Spans,
        Ok(wire::RedactionMode::Hide) => RedactionMode::Hide,
        Err(_) => return Err(unknown("spec.redaction.mode")),
    };
    Ok(Redaction {
        mode,
        reveal: redaction.reveal.into_iter().collect(),
    })
}

fn stamp(stamp: wire::Stamp) -> Result<Stamp, Status> {
    let otherwise = match wire::StampAction::try_from(stamp.otherwise) {
        Ok(wire::StampAction::Unspecified | wire::StampAction::Reject) => Otherwise::Reject,
        Ok(wire::StampAction::Overwrite) => Otherwise::Overwrite,
        Err(_) => return Err(unknown("spec.stamps.otherwise")),
    };
    Ok(Stamp {
        key: stamp.key,
        values: stamp.values,
        otherwise,
    })
}

fn all<T, C: FromIterator<T>>(
    texts: &[String],
    read: impl Fn(&str) -> Result<T, Rejection>,
) -> Result<C, Status> {
    let values = texts.iter().map(|text| read(text).map_err(refused));
    values.collect()
}

fn refused(rejection: Rejection) -> Status {
    rejected(&rejection.into())
}

fn missing() -> Status {
    invalid("SPEC_MISSING", "say what it is to be: `spec` is missing")
}

/// A newer client may know more than this server.
fn unknown(field: &str) -> Status {
    invalid(
        "VALUE_UNKNOWN",
        format!("`{field}` has a value this version does not know"),
    )
}
