//! Access policies and their tokens.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;
use rand::rngs::SmallRng;
use takt_domain::access::{self, Name, NewToken, PolicySpec, Realm, Scope, Tenants, TokenHash};
use takt_domain::{Command, State};

use super::tenants::{if_match, tenant_id};
use crate::plan::pick;

fn name(rng: &mut SmallRng, kind: &str) -> Name {
    let number = rng.random_range(0..4);
    Name::new(&format!("{kind}-{number}")).expect("legal")
}

pub(crate) fn policy(rng: &mut SmallRng, known: &State) -> Command {
    let name = name(rng, "policy");
    let version = known.access.policies().get(&name).map(|row| row.version);
    let if_match = if_match(rng, version);
    let command = match rng.random_range(0..6) {
        0..3 => access::Command::CreatePolicy {
            spec: spec(rng),
            name,
        },
        3..5 => access::Command::UpdatePolicy {
            spec: spec(rng),
            name,
            if_match,
        },
        _ => access::Command::DeletePolicy { name, if_match },
    };
    command.into()
}

fn spec(rng: &mut SmallRng) -> PolicySpec {
    let tenants = match rng.random_range(0..3) {
        0 => Tenants::All,
        _ => Tenants::One(tenant_id(rng)),
    };
    PolicySpec {
        display_name: (*pick(rng, &["", "ours"])).into(),
        scopes: BTreeSet::from([*pick(rng, &[Scope::TracesRead, Scope::TracesWrite])]),
        realms: vec![Realm {
            tenants,
            allow: Vec::new(),
            deny: Vec::new(),
        }],
        networks: Vec::new(),
        expires_at: None,
        inactive: rng.random_bool(0.2),
        labels: BTreeMap::new(),
        redaction: access::Redaction::default(),
        stamps: Vec::new(),
    }
}

pub(crate) fn token(rng: &mut SmallRng, known: &State) -> Command {
    let token = name(rng, "token");
    let version = known.access.tokens().get(&token).map(|row| row.version);
    let if_match = if_match(rng, version);
    let command = match rng.random_range(0..6) {
        0..3 => access::Command::CreateToken(NewToken {
            display_name: String::new(),
            policy: name(rng, "policy"),
            hash: TokenHash([rng.random_range(0..8); 32]),
            prefix: "takt".into(),
            expires_at: None,
            name: token,
        }),
        3..5 => access::Command::RevokeToken {
            name: token,
            reason: "leaked".into(),
            if_match,
        },
        _ => access::Command::DeleteToken {
            name: token,
            if_match,
        },
    };
    command.into()
}
