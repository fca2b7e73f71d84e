use std::collections::BTreeSet;

use takt_domain::ledger::credit::{Grant, MAX_CREDITS, Promise, Standing};
use takt_domain::ledger::{Credit, Event, due};

use super::*;

pub(super) fn gift(amount: i64) -> Grant {
    Grant {
        currency: eur(),
        amount,
        priority: 0,
        expires: None,
        scope: BTreeSet::new(),
        prepaid: false,
        reason: "welcome".into(),
    }
}

pub(super) fn grant(grant: Grant) -> Command {
    Command::GrantCredit {
        tenant: tenant("a"),
        grant,
    }
}

pub(super) fn promise(amount: i64, from: &str, through: &str) -> Command {
    Command::Commit {
        tenant: tenant("a"),
        promise: Promise {
            currency: eur(),
            amount,
            from: period(from),
            through: period(through),
            reason: "contract".into(),
        },
    }
}

fn credit(office: &Office, id: Uuid) -> Credit {
    office.ledger().book(&tenant("a")).credits[&id]
        .as_ref()
        .clone()
}

fn void(credit: Uuid) -> Command {
    Command::VoidCredit {
        tenant: tenant("a"),
        credit,
        reason: "mistake".into(),
        if_match: None,
    }
}

fn expire(credit: Uuid) -> Command {
    Command::ExpireCredit {
        tenant: tenant("a"),
        credit,
    }
}

#[test]
fn a_granted_credit_stands_in_the_books() {
    let mut office = Office::open();
    let events = office.ask(grant(gift(500)));
    assert!(matches!(
        events[..],
        [Event::CreditGranted { .. }, Event::Posted { .. }]
    ));
    assert_eq!(office.balance(&Account::Credits), -500);
    assert_eq!(office.balance(&Account::Promotions), 500);
    office.ask(grant(Grant {
        prepaid: true,
        ..gift(200)
    }));
    assert_eq!(office.balance(&Account::Credits), -700);
    assert_eq!(office.balance(&Account::Cash), 200);
}

#[test]
fn grants_that_make_no_sense_are_refused() {
    let mut office = Office::open();
    office.refused(grant(gift(0)), "AMOUNT_NOT_POSITIVE");
    office.refused(grant(gift(-5)), "AMOUNT_NOT_POSITIVE");
    office.refused(
        grant(Grant {
            expires: Some(office.now),
            ..gift(1)
        }),
        "CREDIT_EXPIRES_IN_THE_PAST",
    );
    office.refused(
        grant(Grant {
            reason: "x".repeat(513),
            ..gift(1)
        }),
        "MEMO_TOO_LONG",
    );
    let scope = (0..65).map(|n| sku(&format!("s{n}"))).collect();
    office.refused(grant(Grant { scope, ..gift(1) }), "CREDIT_SCOPE_TOO_LONG");
    let nobody = Command::GrantCredit {
        tenant: tenant("nobody"),
        grant: gift(1),
    };
    office.refused(nobody, "TENANT_UNKNOWN");
    office.ask(grant(gift(i64::MAX)));
    office.refused(grant(gift(1)), "AMOUNT_TOO_LARGE");
}

#[test]
fn what_is_left_of_a_voided_credit_goes_back() {
    let mut office = Office::open();
    office.ask(grant(gift(500)));
    let id = office.last();
    office.ask(void(id));
    assert_eq!(credit(&office, id).standing, Standing::Voided);
    assert_eq!(office.balance(&Account::Credits), 0);
    assert_eq!(office.balance(&Account::Promotions), 0);
    assert_eq!(office.ask(void(id)), vec![]);
    office.refused(expire(id), "CREDIT_OVER");
    office.refused(void(super::id(77)), "CREDIT_UNKNOWN");
}

#[test]
fn a_credit_is_taken_back_after_its_expiry_and_its_grace() {
    let mut office = Office::open();
    let expires = Some(period("2026-12").start());
    office.ask(grant(Grant {
        expires,
        prepaid: true,
        ..gift(500)
    }));
    let id = office.last();
    office
        .at("2027-01")
        .refused(expire(id), "CREDIT_NOT_EXPIRED");
    office.at("2027-03");
    assert_eq!(due(&office.state, office.now, 9), vec![expire(id)]);
    office.ask(expire(id));
    assert_eq!(credit(&office, id).remaining, 0);
    assert_eq!(office.balance(&Account::Breakage), -500);
    assert_eq!(office.ask(expire(id)), vec![]);
    office.refused(void(id), "CREDIT_OVER");
    assert_eq!(due(&office.state, office.now, 9), vec![]);
}

#[test]
fn a_used_up_credit_makes_room_and_a_full_shelf_refuses() {
    let mut office = Office::open();
    office.ask(grant(gift(1)));
    let first = office.last();
    for _ in 1..MAX_CREDITS {
        office.ask(grant(gift(1)));
    }
    office.refused(grant(gift(1)), "TOO_MANY_CREDITS");
    office.ask(void(first));
    let events = office.ask(grant(gift(1)));
    assert_eq!(
        events[0],
        Event::CreditForgotten {
            tenant: tenant("a"),
            credit: first
        }
    );
    assert_eq!(
        office.ledger().book(&tenant("a")).credits.len(),
        MAX_CREDITS
    );
}

#[test]
fn a_commitment_is_owed_at_once_and_what_is_not_used_is_earned_in_the_end() {
    let mut office = Office::open();
    office.ask(promise(900, "2026-11", "2026-12"));
    let id = office.last();
    assert_eq!(office.balance(&Account::Receivable), 900);
    assert_eq!(office.balance(&Account::Commitments), -900);
    let lapse = Command::LapseCommitment {
        tenant: tenant("a"),
        commitment: id,
    };
    office.refused(lapse.clone(), "COMMITMENT_NOT_OVER");
    office.at("2027-03");
    assert_eq!(due(&office.state, office.now, 9), vec![lapse.clone()]);
    office.ask(lapse.clone());
    assert_eq!(office.balance(&Account::Commitments), 0);
    assert_eq!(office.balance(&Account::Breakage), -900);
    office.refused(lapse, "COMMITMENT_UNKNOWN");
}

#[test]
fn commitments_that_make_no_sense_are_refused() {
    let mut office = Office::open();
    office.refused(promise(0, "2026-11", "2026-12"), "AMOUNT_NOT_POSITIVE");
    office.refused(promise(1, "2026-12", "2026-11"), "COMMITMENT_PERIODS");
    office.ask(close("2026-10"));
    office.refused(promise(1, "2026-10", "2026-12"), "COMMITMENT_PERIODS");
}
