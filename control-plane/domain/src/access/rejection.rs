//! Why not.

use super::{MAX_TOKEN_AGE_SECONDS, Name, Scope};
use crate::Kind;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("`{0}` is not a name: 3 to 64 of a-z, 0-9, - and _, beginning with a letter or digit")]
    NameInvalid(String),
    #[error("access policy `{0}` is unknown")]
    PolicyUnknown(Name),
    #[error("access policy `{0}` exists already")]
    PolicyExists(Name),
    #[error("there are as many access policies as may be; delete some that are not in use")]
    PoliciesFull,
    #[error("token `{0}` is unknown")]
    TokenUnknown(Name),
    #[error("token `{0}` exists already; delete it first or take another name")]
    TokenExists(Name),
    #[error("another token has this secret; make a new one")]
    TokenHashTaken,
    #[error(
        "there are as many tokens as may be, of this policy or in all; delete some that are not in use"
    )]
    TokensFull,
    #[error("issuer `{0}` is unknown")]
    IssuerUnknown(Name),
    #[error("issuer `{0}` exists already")]
    IssuerExists(Name),
    #[error("issuer `{0}` has the same `iss`; change that one")]
    IssuerTwice(Name),
    #[error("there are as many issuers as may be; delete some that are not in use")]
    IssuersFull,
    #[error("scope `{0}` is unknown; `takt ctl access-policy list-scopes` names them")]
    ScopeUnknown(String),
    #[error("a policy needs a scope: what it allows")]
    ScopesMissing,
    #[error("scope `{0}` is about the whole installation; it needs a realm of every tenant, `*`")]
    ScopeNeedsEveryTenant(Scope),
    #[error("a policy needs a realm: whose data it is about")]
    RealmsMissing,
    #[error("tenant `{0}` is in two realms; put their selectors into one")]
    RealmTwice(String),
    #[error("`{0}` is not a network such as `10.0.0.0/8`, without bits below its mask")]
    NetworkInvalid(String),
    #[error("{0}")]
    SelectorInvalid(String),
    #[error("stamp `{0}` needs a key of its own and a value")]
    StampInvalid(String),
    #[error("`{0}` is not later than now")]
    ExpiryPast(&'static str),
    #[error("`{url}` in `{field}` is not an https URL (http is for this machine only)")]
    UrlInvalid { field: &'static str, url: String },
    #[error("an issuer needs an audience: whom its tokens must be made for")]
    AudienceMissing,
    #[error("an issuer needs an algorithm its tokens may be signed with")]
    AlgorithmsMissing,
    #[error(
        "algorithm `{0}` is not taken; signatures with public keys are: RS256, PS256, ES256, EdDSA and their longer forms"
    )]
    AlgorithmRefused(String),
    #[error("a token of {0} seconds is too old, at most {max} are allowed", max = MAX_TOKEN_AGE_SECONDS)]
    MaxAgeTooLong(u32),
    #[error("{0}")]
    MappingInvalid(String),
    #[error("`{field}` has {found} of at most {max}")]
    TooMuch {
        field: &'static str,
        found: usize,
        max: usize,
    },
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NameInvalid(_) => "NAME_INVALID",
            Self::PolicyUnknown(_) => "ACCESS_POLICY_UNKNOWN",
            Self::PolicyExists(_) => "ACCESS_POLICY_EXISTS",
            Self::PoliciesFull => "ACCESS_POLICIES_FULL",
            Self::TokenUnknown(_) => "TOKEN_UNKNOWN",
            Self::TokenExists(_) => "TOKEN_EXISTS",
            Self::TokenHashTaken => "TOKEN_SECRET_TAKEN",
            Self::TokensFull => "TOKENS_FULL",
            Self::IssuerUnknown(_) => "ISSUER_UNKNOWN",
            Self::IssuerExists(_) => "ISSUER_EXISTS",
            Self::IssuerTwice(_) => "ISSUER_TWICE",
            Self::IssuersFull => "ISSUERS_FULL",
            Self::ScopeUnknown(_) => "ACCESS_SCOPE_UNKNOWN",
            Self::ScopesMissing => "ACCESS_SCOPES_MISSING",
            Self::ScopeNeedsEveryTenant(_) => "ACCESS_SCOPE_NEEDS_EVERY_TENANT",
            Self::RealmsMissing => "REALMS_MISSING",
            Self::RealmTwice(_) => "REALM_TWICE",
            Self::NetworkInvalid(_) => "NETWORK_INVALID",
            Self::SelectorInvalid(_) => "SELECTOR_INVALID",
            Self::StampInvalid(_) => "STAMP_INVALID",
            Self::ExpiryPast(_) => "EXPIRY_PAST",
            Self::UrlInvalid { .. } => "URL_INVALID",
            Self::AudienceMissing => "AUDIENCE_MISSING",
            Self::AlgorithmsMissing => "ALGORITHMS_MISSING",
            Self::AlgorithmRefused(_) => "ALGORITHM_REFUSED",
            Self::MaxAgeTooLong(_) => "MAX_AGE_TOO_LONG",
            Self::MappingInvalid(_) => "MAPPING_INVALID",
            Self::TooMuch { .. } => "ACCESS_TOO_MUCH",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::PolicyUnknown(_) | Self::TokenUnknown(_) | Self::IssuerUnknown(_) => {
                Kind::NotFound
            }
            Self::PolicyExists(_)
            | Self::PoliciesFull
            | Self::TokenExists(_)
            | Self::TokenHashTaken
            | Self::TokensFull
            | Self::IssuerExists(_)
            | Self::IssuerTwice(_)
            | Self::IssuersFull => Kind::Conflict,
            Self::NameInvalid(_)
            | Self::ScopeUnknown(_)
            | Self::ScopesMissing
            | Self::ScopeNeedsEveryTenant(_)
            | Self::RealmsMissing
            | Self::RealmTwice(_)
            | Self::NetworkInvalid(_)
            | Self::SelectorInvalid(_)
            | Self::StampInvalid(_)
            | Self::ExpiryPast(_)
            | Self::UrlInvalid { .. }
            | Self::AudienceMissing
            | Self::AlgorithmsMissing
            | Self::AlgorithmRefused(_)
            | Self::MaxAgeTooLong(_)
            | Self::MappingInvalid(_)
            | Self::TooMuch { .. } => Kind::Invalid,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::NameInvalid(_)
            | Self::PolicyUnknown(_)
            | Self::PolicyExists(_)
            | Self::TokenUnknown(_)
            | Self::TokenExists(_)
            | Self::IssuerUnknown(_)
            | Self::IssuerExists(_) => Some("name"),
            Self::PoliciesFull | Self::TokenHashTaken | Self::TokensFull | Self::IssuersFull => {
                None
            }
            Self::IssuerTwice(_) => Some("spec.issuer"),
            Self::ScopeUnknown(_) | Self::ScopesMissing | Self::ScopeNeedsEveryTenant(_) => {
                Some("spec.scopes")
            }
            Self::RealmsMissing | Self::RealmTwice(_) => Some("spec.realms"),
            Self::NetworkInvalid(_) => Some("spec.networks"),
            Self::SelectorInvalid(_) => Some("spec.realms.allow"),
            Self::StampInvalid(_) => Some("spec.stamps"),
            Self::ExpiryPast(field)
            | Self::UrlInvalid { field, .. }
            | Self::TooMuch { field, .. } => Some(field),
            Self::AudienceMissing => Some("spec.audiences"),
            Self::AlgorithmsMissing | Self::AlgorithmRefused(_) => Some("spec.algorithms"),
            Self::MaxAgeTooLong(_) => Some("spec.max_age_seconds"),
            Self::MappingInvalid(_) => Some("spec.mappings"),
        }
    }
}
