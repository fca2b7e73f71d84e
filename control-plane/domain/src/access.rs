//! Who may do what: access policies, the tokens that stand for them, and OIDC issuers.
//!
//! A policy says which scopes hold in which realms. Tokens, and the claims of issuers, lead to
//! policies; nothing else allows anything. Secrets are never here, only their hashes.

mod issuers;
mod name;
mod network;
mod policies;
mod rejection;
mod scope;
mod selector;
mod tokens;

use std::collections::BTreeSet;
use std::sync::Arc;

use takt_model::{Revision, UnixNano};

pub use issuers::{Algorithm, Issuer, IssuerSpec, MAX_ISSUERS, MAX_TOKEN_AGE_SECONDS, Mapping};
pub use name::Name;
pub use network::Network;
pub use policies::{
    MAX_DISPLAY_NAME_BYTES, MAX_NETWORKS, MAX_POLICIES, MAX_REALMS, MAX_SELECTORS, Otherwise,
    Policy, PolicySpec, Realm, Redaction, RedactionMode, Stamp, Tenants,
};
pub use rejection::Rejection;
pub use scope::Scope;
pub use selector::{Comparison, Double, MAX_MATCHERS, Matcher, Place, Selector, Value};
pub use tokens::{
    Authenticated, Day, MAX_PREFIX_BYTES, MAX_TOKENS, MAX_TOKENS_OF_POLICY, MAX_USED, NewToken,
    Refused, Revoked, Token, TokenHash, TokenSpec, authenticate,
};

use crate::{Facts, Map, Resource, State, Subject};

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    policies: Map<Name, Policy>,
    tokens: Map<Name, Token>,
    issuers: Map<Name, Issuer>,
    /// What follows from the tokens.
    by_hash: Map<TokenHash, Name>,
    by_policy: Map<Name, Map<Name, ()>>,
    version: Revision,
}

impl Access {
    /// What was kept, with what follows from it.
    #[must_use]
    pub fn restore(
        policies: impl IntoIterator<Item = (Name, Policy)>,
        tokens: impl IntoIterator<Item = (Name, Token)>,
        issuers: impl IntoIterator<Item = (Name, Issuer)>,
        version: Revision,
    ) -> Self {
        let mut access = Self {
            policies: policies.into_iter().collect(),
            issuers: issuers.into_iter().collect(),
            version,
            ..Self::default()
        };
        for (name, token) in tokens {
            access.insert(name, token);
        }
        access
    }

    #[must_use]
    pub fn policies(&self) -> &Map<Name, Policy> {
        &self.policies
    }

    #[must_use]
    pub fn tokens(&self) -> &Map<Name, Token> {
        &self.tokens
    }

    #[must_use]
    pub fn issuers(&self) -> &Map<Name, Issuer> {
        &self.issuers
    }

    /// The names of a policy's tokens, in their order.
    pub fn tokens_of<'a>(&'a self, policy: &'a Name) -> impl Iterator<Item = &'a Name> {
        tokens::of_policy(self, policy)
    }

    /// The revision after the last change of who may do what; a token's use is none.
    #[must_use]
    pub fn version(&self) -> Revision {
        self.version
    }

    fn insert(&mut self, name: Name, token: Token) {
        let policy = token.spec.policy.clone();
        self.by_policy
            .entry(policy)
            .or_default()
            .insert(name.clone(), ());
        self.by_hash.insert(token.spec.hash, name.clone());
        self.tokens.insert(name, token);
    }

    fn remove(&mut self, name: &Name) {
        let Some(token) = self.tokens.remove(name) else {
            return;
        };
        self.by_hash.remove(&token.spec.hash);
        if let Some(mut siblings) = self.by_policy.remove(&token.spec.policy) {
            siblings.remove(name);
            if !siblings.is_empty() {
                self.by_policy.insert(token.spec.policy.clone(), siblings);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    CreatePolicy {
        name: Name,
        spec: PolicySpec,
    },
    /// What is said replaces what was said.
    UpdatePolicy {
        name: Name,
        spec: PolicySpec,
        if_match: Option<Revision>,
    },
    DeletePolicy {
        name: Name,
        if_match: Option<Revision>,
    },
    CreateToken(NewToken),
    RevokeToken {
        name: Name,
        reason: String,
        if_match: Option<Revision>,
    },
    DeleteToken {
        name: Name,
        if_match: Option<Revision>,
    },
    /// These were used on that day.
    RecordUse {
        day: Day,
        names: BTreeSet<Name>,
    },
    CreateIssuer {
        name: Name,
        spec: IssuerSpec,
    },
    UpdateIssuer {
        name: Name,
        spec: IssuerSpec,
        if_match: Option<Revision>,
    },
    DeleteIssuer {
        name: Name,
        if_match: Option<Revision>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    PolicyCreated { name: Name, spec: Arc<PolicySpec> },
    PolicyUpdated { name: Name, spec: Arc<PolicySpec> },
    PolicyDeleted { name: Name },
    TokenCreated { name: Name, spec: Arc<TokenSpec> },
    TokenRevoked { name: Name, reason: String },
    TokenDeleted { name: Name },
    TokensUsed { day: Day, names: BTreeSet<Name> },
    IssuerCreated { name: Name, spec: Arc<IssuerSpec> },
    IssuerUpdated { name: Name, spec: Arc<IssuerSpec> },
    IssuerDeleted { name: Name },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let (resource, name) = match self {
            Self::PolicyCreated { name, .. }
            | Self::PolicyUpdated { name, .. }
            | Self::PolicyDeleted { name } => (Resource::AccessPolicy, name.as_str()),
            Self::TokenCreated { name, .. }
            | Self::TokenRevoked { name, .. }
            | Self::TokenDeleted { name } => (Resource::Token, name.as_str()),
            Self::TokensUsed { .. } => (Resource::Token, ""),
            Self::IssuerCreated { name, .. }
            | Self::IssuerUpdated { name, .. }
            | Self::IssuerDeleted { name } => (Resource::OidcIssuer, name.as_str()),
        };
        Subject::named(resource, name)
    }

    /// Each of the tokens that were used, though it is about none of them.
    pub(crate) fn changes(&self) -> Vec<Subject> {
        let Self::TokensUsed { names, .. } = self else {
            return vec![self.subject()];
        };
        let names = names.iter().map(Name::as_str);
        names
            .map(|name| Subject::named(Resource::Token, name))
            .collect()
    }
}

pub(crate) fn decide(
    state: &State,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let access = &state.access;
    match command {
        Command::CreatePolicy { name, spec } => policies::create(access, name, spec, facts),
        Command::UpdatePolicy {
            name,
            spec,
            if_match,
        } => policies::update(access, name, spec, *if_match),
        Command::DeletePolicy { name, if_match } => policies::delete(access, name, *if_match),
        Command::CreateToken(new) => tokens::create(access, new, facts),
        Command::RevokeToken {
            name,
            reason,
            if_match,
        } => tokens::revoke(access, name, reason, *if_match),
        Command::DeleteToken { name, if_match } => tokens::delete(access, name, *if_match),
        Command::RecordUse { day, names } => tokens::used(access, *day, names),
        Command::CreateIssuer { name, spec } => issuers::create(access, name, spec),
        Command::UpdateIssuer {
            name,
            spec,
            if_match,
        } => issuers::update(access, name, spec, *if_match),
        Command::DeleteIssuer { name, if_match } => issuers::delete(access, name, *if_match),
    }
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let access = &mut state.access;
    match event {
        Event::PolicyCreated { name, spec } => {
            let spec = Arc::clone(spec);
            access.policies.insert(
                name.clone(),
                Policy {
                    spec,
                    created_at: at,
                    version,
                },
            );
        }
        Event::PolicyUpdated { name, spec } => {
            if let Some(policy) = access.policies.get_mut(name) {
                policy.spec = Arc::clone(spec);
                policy.version = version;
            }
        }
        Event::PolicyDeleted { name } => {
            access.policies.remove(name);
        }
        Event::TokenCreated { name, spec } => {
            let token = Token {
                spec: Arc::clone(spec),
                created_at: at,
                revoked: None,
                last_used: None,
                version,
            };
            access.insert(name.clone(), token);
        }
        Event::TokenRevoked { name, reason } => {
            if let Some(token) = access.tokens.get_mut(name) {
                token.revoked = Some(Revoked {
                    at,
                    reason: reason.clone(),
                });
                token.version = version;
            }
        }
        Event::TokenDeleted { name } => access.remove(name),
        Event::TokensUsed { day, names } => {
            for name in names {
                if let Some(token) = access.tokens.get_mut(name) {
                    token.last_used = Some(*day);
                }
            }
            return;
        }
        Event::IssuerCreated { name, spec } => {
            let spec = Arc::clone(spec);
            access.issuers.insert(
                name.clone(),
                Issuer {
                    spec,
                    created_at: at,
                    version,
                },
            );
        }
        Event::IssuerUpdated { name, spec } => {
            if let Some(issuer) = access.issuers.get_mut(name) {
                issuer.spec = Arc::clone(spec);
                issuer.version = version;
            }
        }
        Event::IssuerDeleted { name } => {
            access.issuers.remove(name);
        }
    }
    access.version = version;
}

fn bounded(field: &'static str, found: usize, max: usize) -> Result<(), Rejection> {
    if found > max {
        return Err(Rejection::TooMuch { field, found, max });
    }
    Ok(())
}
