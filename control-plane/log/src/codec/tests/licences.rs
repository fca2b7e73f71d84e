//! Licences.

use takt_domain::licences::{Claims, Event, Revocations, Standing};

use super::*;

type Corpus = Vec<(&'static str, crate::codec::Event)>;

pub(super) fn corpus() -> Corpus {
    vec![
        ("licences-0001-added", added("l-1", Standing::Valid)),
        (
            "licences-0002-removed",
            Event::Removed {
                id: "l-1".into(),
                reason: "sold".into(),
            }
            .into(),
        ),
        (
            "licences-0003-standing-changed",
            Event::StandingChanged {
                id: "l-1".into(),
                standing: Standing::Expiring(14),
            }
            .into(),
        ),
        ("licences-0004-revocations-taken", taken()),
    ]
}

fn added(id: &str, standing: Standing) -> crate::codec::Event {
    let claims = Claims {
        id: id.into(),
        customer: "Shop".into(),
        products: ["takt".to_owned()].into(),
        edition: "enterprise".into(),
        features: ["gateway".to_owned(), "lbac".to_owned()].into(),
        limits: [("tenants".to_owned(), 5)].into(),
        cluster: Some(Uuid::from_u128(77)),
        issued: UnixNano::from_secs(1_800_000_000),
        not_before: UnixNano::from_secs(1_800_000_001),
        expires: UnixNano::from_secs(1_900_000_000),
        grace_days: 10,
        support_until: Some(UnixNano::from_secs(1_850_000_000)),
        revocation_epoch: 2,
    };
    let envelope = "header.payload.signature".into();
    let signers = vec!["root-a".into(), "mid".into()];
    Event::Added {
        envelope,
        claims,
        signers,
        standing,
    }
    .into()
}

fn taken() -> crate::codec::Event {
    Event::RevocationsTaken {
        envelope: "header.payload.signature".into(),
        signer: "root-b".into(),
        list: Revocations {
            epoch: 3,
            minimum: 1,
            licences: ["l-9".to_owned()].into(),
            keys: ["mid".to_owned()].into(),
            issued: UnixNano::from_secs(1_810_000_000),
        },
    }
    .into()
}

#[test]
fn licences_in_every_standing_survive_their_snapshot() {
    let standings = [
        Standing::Pending,
        Standing::Valid,
        Standing::Expiring(30),
        Standing::Expiring(14),
        Standing::Expiring(7),
        Standing::Expiring(1),
        Standing::Grace,
        Standing::Degraded,
        Standing::Revoked,
    ];
    let numbered = standings.into_iter().enumerate();
    let mut events: Vec<_> = numbered
        .map(|(number, standing)| added(&format!("l-{number}"), standing))
        .collect();
    events.push(taken());
    let mut state = State::default();
    let batch = Batch {
        decided_at: Revision(0),
        ..batch_of(events)
    };
    state.apply(&batch);
    assert_eq!(state.licences.rows.len(), 9);
    let sealed = seal_snapshot(&state, &AppliedAt::default());
    let (opened, applied) = open_snapshot(&sealed).unwrap();
    assert_eq!(seal_snapshot(&opened, &applied), sealed);
    assert_eq!(opened, state);
}
