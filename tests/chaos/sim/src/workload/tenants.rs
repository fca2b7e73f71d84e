//! Tenants and their overrides.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;
use rand::rngs::SmallRng;
use takt_domain::{Command, Layer, State, overrides, tenants};
use takt_model::{Revision, TenantId};

use crate::plan::pick;

/// Few, so that clients meet.
const TENANTS: u32 = 6;
const FIELDS: &[(&str, &[&str])] = &[
    ("ingestion.rate_limit_bytes", &["1000", "2000", "3000"]),
    ("global.max_bytes_per_trace", &["0", "500000"]),
    ("no.such.field", &["1"]),
];

pub(crate) fn tenant_id(rng: &mut SmallRng) -> TenantId {
    let number = rng.random_range(0..TENANTS);
    TenantId::new(&format!("t{number}")).expect("legal")
}

/// The version known, none, or one that is not.
pub(crate) fn if_match(rng: &mut SmallRng, known: Option<Revision>) -> Option<Revision> {
    match rng.random_range(0..10) {
        0..5 => None,
        5..9 => known,
        _ => Some(Revision(rng.random_range(0..50))),
    }
}

pub(crate) fn tenant(rng: &mut SmallRng, known: &State) -> Command {
    let tenant = tenant_id(rng);
    let version = known.tenants.get(&tenant).map(|row| row.version);
    let if_match = if_match(rng, version);
    let profile = tenants::Profile {
        display_name: Some((*pick(rng, &["", "a", "b", "c"])).into()),
        ..tenants::Profile::default()
    };
    let command = match rng.random_range(0..14) {
        0..4 => tenants::Command::Create { tenant, profile },
        4..7 => tenants::Command::Update {
            tenant,
            change: profile,
            clear_labels: BTreeSet::new(),
            if_match,
        },
        7..9 => tenants::Command::Suspend {
            tenant,
            reason: "unpaid".into(),
            if_match,
        },
        9..11 => tenants::Command::Resume { tenant, if_match },
        11..13 => tenants::Command::Undelete { tenant, if_match },
        _ => tenants::Command::Delete { tenant, if_match },
    };
    command.into()
}

pub(crate) fn overrides(rng: &mut SmallRng, known: &State) -> Command {
    let layer = if rng.random_bool(0.2) {
        Layer::Defaults
    } else {
        Layer::Tenant(tenant_id(rng))
    };
    let version = known.overrides.get(&layer).map(|values| values.version);
    let (name, values) = pick(rng, FIELDS);
    let mut set = BTreeMap::new();
    let mut clear = BTreeSet::new();
    if rng.random_bool(0.7) {
        set.insert((*name).to_owned(), (*pick(rng, values)).to_owned());
    } else {
        clear.insert((*name).to_owned());
    }
    let if_match = if_match(rng, version);
    overrides::Command {
        layer,
        wish: overrides::Wish::Change { set, clear },
        if_match,
    }
    .into()
}
