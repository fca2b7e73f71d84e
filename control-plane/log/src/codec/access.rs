//! Access policies, tokens and issuers.

mod policy;

use std::sync::Arc;

use takt_domain::access::{
    Access, Algorithm, Day, Event, Issuer, IssuerSpec, Mapping, Name, Policy, Revoked, Token,
    TokenHash, TokenSpec,
};
use takt_model::{Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::access_event::Event as Stored;
use uuid::Uuid;

use super::DecodeError;

pub(super) fn event_to(event: &Event) -> stored::AccessEvent {
    let text = Name::to_string;
    let event = match event {
        Event::PolicyCreated { name, spec } => Stored::PolicyCreated(stored::AccessPolicyCreated {
            name: text(name),
            spec: Some(policy::to(spec)),
        }),
        Event::PolicyUpdated { name, spec } => Stored::PolicyUpdated(stored::AccessPolicyUpdated {
            name: text(name),
            spec: Some(policy::to(spec)),
        }),
        Event::PolicyDeleted { name } => {
            Stored::PolicyDeleted(stored::AccessPolicyDeleted { name: text(name) })
        }
        Event::TokenCreated { name, spec } => Stored::TokenCreated(stored::TokenCreated {
            name: text(name),
            spec: Some(token_to(spec)),
        }),
        Event::TokenRevoked { name, reason } => Stored::TokenRevoked(stored::TokenRevoked {
            name: text(name),
            reason: reason.clone(),
        }),
        Event::TokenDeleted { name } => {
            Stored::TokenDeleted(stored::TokenDeleted { name: text(name) })
        }
        Event::TokensUsed { day, names } => Stored::TokensUsed(stored::TokensUsed {
            day: day.0,
            names: names.iter().map(text).collect(),
        }),
        Event::IssuerCreated { name, spec } => Stored::IssuerCreated(stored::OidcIssuerCreated {
            name: text(name),
            spec: Some(issuer_to(spec)),
        }),
        Event::IssuerUpdated { name, spec } => Stored::IssuerUpdated(stored::OidcIssuerUpdated {
            name: text(name),
            spec: Some(issuer_to(spec)),
        }),
        Event::IssuerDeleted { name } => {
            Stored::IssuerDeleted(stored::OidcIssuerDeleted { name: text(name) })
        }
    };
    stored::AccessEvent { event: Some(event) }
}

pub(super) fn event_from(event: stored::AccessEvent) -> Result<Event, DecodeError> {
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::PolicyCreated(e) => Event::PolicyCreated {
            name: name(&e.name)?,
            spec: policy_spec(e.spec)?,
        },
        Stored::PolicyUpdated(e) => Event::PolicyUpdated {
            name: name(&e.name)?,
            spec: policy_spec(e.spec)?,
        },
        Stored::PolicyDeleted(e) => Event::PolicyDeleted {
            name: name(&e.name)?,
        },
        Stored::TokenCreated(e) => Event::TokenCreated {
            name: name(&e.name)?,
            spec: token_spec(e.spec)?,
        },
        Stored::TokenRevoked(e) => Event::TokenRevoked {
            name: name(&e.name)?,
            reason: e.reason,
        },
        Stored::TokenDeleted(e) => Event::TokenDeleted {
            name: name(&e.name)?,
        },
        Stored::TokensUsed(e) => Event::TokensUsed {
            day: Day(e.day),
            names: e
                .names
                .iter()
                .map(|text| name(text))
                .collect::<Result<_, _>>()?,
        },
        Stored::IssuerCreated(e) => Event::IssuerCreated {
            name: name(&e.name)?,
            spec: issuer_spec(e.spec)?,
        },
        Stored::IssuerUpdated(e) => Event::IssuerUpdated {
            name: name(&e.name)?,
            spec: issuer_spec(e.spec)?,
        },
        Stored::IssuerDeleted(e) => Event::IssuerDeleted {
            name: name(&e.name)?,
        },
    })
}

pub(super) fn state_to(access: &Access) -> stored::Access {
    let policies = access.policies().iter();
    let policies = policies.map(|(name, policy)| stored::AccessPolicyState {
        name: name.to_string(),
        spec: Some(policy::to(&policy.spec)),
        created_at: policy.created_at.0,
        version: policy.version.0,
    });
    let tokens = access.tokens().iter();
    let tokens = tokens.map(|(name, token)| stored::TokenState {
        name: name.to_string(),
        spec: Some(token_to(&token.spec)),
        created_at: token.created_at.0,
        revoked: token
            .revoked
            .as_ref()
            .map(|revoked| stored::TokenRevocation {
                at: revoked.at.0,
                reason: revoked.reason.clone(),
            }),
        last_used_day: token.last_used.map(|day| day.0),
        version: token.version.0,
    });
    let issuers = access.issuers().iter();
    let issuers = issuers.map(|(name, issuer)| stored::OidcIssuerState {
        name: name.to_string(),
        spec: Some(issuer_to(&issuer.spec)),
        created_at: issuer.created_at.0,
        version: issuer.version.0,
    });
    stored::Access {
        policies: policies.collect(),
        tokens: tokens.collect(),
        issuers: issuers.collect(),
        version: access.version().0,
    }
}

pub(super) fn state_from(access: stored::Access) -> Result<Access, DecodeError> {
    let mut policies = Vec::with_capacity(access.policies.len());
    for row in access.policies {
        let policy = Policy {
            spec: policy_spec(row.spec)?,
            created_at: UnixNano(row.created_at),
            version: Revision(row.version),
        };
        policies.push((name(&row.name)?, policy));
    }
    let mut tokens = Vec::with_capacity(access.tokens.len());
    for row in access.tokens {
        let token = Token {
            spec: token_spec(row.spec)?,
            created_at: UnixNano(row.created_at),
            revoked: row.revoked.map(|revoked| Revoked {
                at: UnixNano(revoked.at),
                reason: revoked.reason,
            }),
            last_used: row.last_used_day.map(Day),
            version: Revision(row.version),
        };
        tokens.push((name(&row.name)?, token));
    }
    let mut issuers = Vec::with_capacity(access.issuers.len());
    for row in access.issuers {
        let issuer = Issuer {
            spec: issuer_spec(row.spec)?,
            created_at: UnixNano(row.created_at),
            version: Revision(row.version),
        };
        issuers.push((name(&row.name)?, issuer));
    }
    Ok(Access::restore(
        policies,
        tokens,
        issuers,
        Revision(access.version),
    ))
}

fn name(text: &str) -> Result<Name, DecodeError> {
    Name::new(text).map_err(|_| DecodeError::Illegal("name"))
}

fn policy_spec(
    spec: Option<stored::AccessPolicySpec>,
) -> Result<Arc<takt_domain::access::PolicySpec>, DecodeError> {
    policy::from(spec.ok_or(DecodeError::Missing("spec"))?).map(Arc::new)
}

fn token_to(spec: &TokenSpec) -> stored::TokenSpec {
    stored::TokenSpec {
        id: spec.id.as_bytes().to_vec(),
        display_name: spec.display_name.clone(),
        policy: spec.policy.to_string(),
        hash: spec.hash.0.to_vec(),
        prefix: spec.prefix.clone(),
        expires_at: spec.expires_at.map(|end| end.0),
    }
}

fn token_spec(spec: Option<stored::TokenSpec>) -> Result<Arc<TokenSpec>, DecodeError> {
    let spec = spec.ok_or(DecodeError::Missing("spec"))?;
    let hash = spec
        .hash
        .try_into()
        .map_err(|_| DecodeError::Illegal("hash"))?;
    Ok(Arc::new(TokenSpec {
        id: Uuid::from_slice(&spec.id).map_err(|_| DecodeError::Illegal("id"))?,
        display_name: spec.display_name,
        policy: name(&spec.policy)?,
        hash: TokenHash(hash),
        prefix: spec.prefix,
        expires_at: spec.expires_at.map(UnixNano),
    }))
}

fn issuer_to(spec: &IssuerSpec) -> stored::OidcIssuerSpec {
    let algorithms = spec.algorithms.iter();
    let mappings = spec.mappings.iter();
    stored::OidcIssuerSpec {
        display_name: spec.display_name.clone(),
        issuer: spec.issuer.clone(),
        audiences: spec.audiences.iter().cloned().collect(),
        jwks_url: spec.jwks_url.clone(),
        algorithms: algorithms
            .map(|algorithm| algorithm.name().to_owned())
            .collect(),
        required: spec.required.clone(),
        mappings: mappings
            .map(|mapping| stored::OidcMapping {
                claim: mapping.claim.clone(),
                pattern: mapping.pattern.clone(),
                policy: mapping.policy.as_ref().map(Name::to_string),
            })
            .collect(),
        max_age_seconds: spec.max_age_seconds,
        inactive: spec.inactive,
    }
}

fn issuer_spec(spec: Option<stored::OidcIssuerSpec>) -> Result<Arc<IssuerSpec>, DecodeError> {
    let spec = spec.ok_or(DecodeError::Missing("spec"))?;
    let algorithm = |text: &String| Algorithm::parse(text).map_err(|_| DecodeError::UnknownKind);
    let mut mappings = Vec::with_capacity(spec.mappings.len());
    for mapping in spec.mappings {
        let policy = mapping.policy.as_deref().map(name).transpose()?;
        mappings.push(Mapping {
            claim: mapping.claim,
            pattern: mapping.pattern,
            policy,
        });
    }
    Ok(Arc::new(IssuerSpec {
        display_name: spec.display_name,
        issuer: spec.issuer,
        audiences: spec.audiences.into_iter().collect(),
        jwks_url: spec.jwks_url,
        algorithms: spec
            .algorithms
            .iter()
            .map(algorithm)
            .collect::<Result<_, _>>()?,
        required: spec.required,
        mappings,
        max_age_seconds: spec.max_age_seconds,
        inactive: spec.inactive,
    }))
}
