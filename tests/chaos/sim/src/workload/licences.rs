//! Licences: signed here, by a key that only this simulation trusts. Some end while it runs.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt as _;
use rand::rngs::SmallRng;
use takt_domain::licences::trust::Key;
use takt_domain::licences::{self, Trust};
use takt_domain::{Command, State};

use super::tenants::if_match;
use crate::clock::EPOCH_SECONDS;
use crate::plan::pick;

const ROOT: &str = "simulated";
const IDS: [&str; 3] = ["l0", "l1", "l2"];
/// For how many seconds a licence is good: over soon, over after a jump of the clock, over never.
const GOOD_FOR: [u64; 4] = [10, 300, 90 * 86_400, 90 * 86_400];

pub(crate) fn licence(rng: &mut SmallRng, known: &State) -> Command {
    let id = (*pick(rng, &IDS)).to_owned();
    let held = known.licences.rows.get(&id);
    let if_match = if_match(rng, held.map(|row| row.version));
    let command = match rng.random_range(0..10) {
        0..5 => licences::Command::Add {
            envelope: signed("takt-licence+jws", &claims(rng, &id)),
            replaces: rng.random_bool(0.2).then(|| (*pick(rng, &IDS)).to_owned()),
            trust: trust(),
            if_match,
        },
        5..7 => licences::Command::Remove {
            id,
            reason: "ended".into(),
            if_match,
        },
        7 => licences::Command::Revoke {
            envelope: signed("takt-revocations+jws", &revocations(rng, known)),
            trust: trust(),
        },
        _ => licences::Command::Observe,
    };
    command.into()
}

fn claims(rng: &mut SmallRng, id: &str) -> String {
    let issued = EPOCH_SECONDS - rng.random_range(0..1_000);
    let expires = EPOCH_SECONDS + pick(rng, &GOOD_FOR);
    let tenants = rng.random_range(2..10);
    format!(
        r#"{{"licence":"{id}","customer":"Shop","products":["takt"],"limits":{{"tenants":{tenants}}},"iat":{issued},"nbf":{issued},"exp":{expires}}}"#
    )
}

/// Of licences that nobody issues again, so that there is still one to have.
fn revocations(rng: &mut SmallRng, known: &State) -> String {
    let epoch = known.licences.revocations.epoch + rng.random_range(0..2);
    let revoked = pick(rng, &["l2", "l3"]);
    format!(r#"{{"epoch":{epoch},"iat":{EPOCH_SECONDS},"licences":["{revoked}"]}}"#)
}

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a key")
}

fn trust() -> Arc<Trust> {
    let public = key().public_key().as_ref().try_into();
    let root = Key::ed25519(ROOT, public.expect("a public key has 32 bytes"));
    Arc::new(Trust {
        roots: vec![root],
        product: "takt".into(),
    })
}

fn signed(kind: &str, payload: &str) -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"{kind}","kid":"{ROOT}"}}"#);
    let [header, payload] = [header.as_str(), payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let message = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(key().sign(message.as_bytes()));
    format!("{message}.{signature}")
}
