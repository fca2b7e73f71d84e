use std::collections::BTreeSet;

use takt_domain::ledger::credit::Grant;
use takt_domain::ledger::invoice::{MAX_INVOICES, Standing, compose};
use takt_domain::ledger::{Event, Invoice};

use super::credits::{gift, grant, promise};
use super::*;

fn draft(text: &str) -> Command {
    Command::DraftInvoice {
        tenant: tenant("a"),
        period: period(text),
    }
}

fn finalise(invoice: Uuid) -> Command {
    Command::FinaliseInvoice {
        tenant: tenant("a"),
        invoice,
        if_match: None,
    }
}

fn pay(invoice: Uuid) -> Command {
    Command::PayInvoice {
        tenant: tenant("a"),
        invoice,
        reference: "wire 7".into(),
        if_match: None,
    }
}

fn write_off(invoice: Uuid) -> Command {
    Command::WriteOffInvoice {
        tenant: tenant("a"),
        invoice,
        reason: "bankrupt".into(),
        if_match: None,
    }
}

fn void(invoice: Uuid) -> Command {
    Command::VoidInvoice {
        tenant: tenant("a"),
        invoice,
        reason: "wrong".into(),
        if_match: None,
    }
}

fn invoice(office: &Office, id: Uuid) -> Invoice {
    office.ledger().book(&tenant("a")).invoices[&id]
        .as_ref()
        .clone()
}

/// November is over, with 1000 bytes used at 0.7 micro-units each.
fn december() -> Office {
    let mut office = Office::with_terms();
    office.used("2026-11", 1000);
    office.at("2026-12").ask(close("2026-11"));
    office
}

fn drafted(office: &mut Office) -> Uuid {
    office.ask(draft("2026-11"));
    office.last()
}

#[test]
fn an_invoice_is_drafted_made_final_and_paid() {
    let mut office = december();
    let id = drafted(&mut office);
    assert_eq!(invoice(&office, id).bill.total, 700);
    assert_eq!(
        office.balance(&Account::Receivable),
        0,
        "a draft is not owed"
    );
    assert_eq!(
        office.ask(draft("2026-11")),
        vec![],
        "nothing changed since"
    );

    office.ask(finalise(id));
    let made = invoice(&office, id);
    assert_eq!((made.standing, made.number), (Standing::Final, Some(1)));
    assert_eq!(office.balance(&Account::Receivable), 700);
    assert_eq!(office.balance(&Account::Revenue(sku("ingest"))), -700);
    assert_eq!(office.ask(finalise(id)), vec![]);
    office.refused(draft("2026-11"), "INVOICE_EXISTS");

    office.ask(pay(id));
    assert_eq!(office.balance(&Account::Receivable), 0);
    assert_eq!(office.balance(&Account::Cash), 700);
    let paid = invoice(&office, id);
    assert_eq!(
        (paid.standing, paid.reference.as_str()),
        (Standing::Paid, "wire 7")
    );
    assert_eq!(office.ask(pay(id)), vec![]);
    for after in [void(id), write_off(id), finalise(id)] {
        office.refused(after, "INVOICE_SETTLED");
    }
}

#[test]
fn an_invoice_that_is_never_paid_is_written_off() {
    let mut office = december();
    let id = drafted(&mut office);
    office.refused(pay(id), "INVOICE_DRAFT");
    office.ask(finalise(id));
    office.ask(write_off(id));
    assert_eq!(office.balance(&Account::WriteOff), 700);
    assert_eq!(office.ask(write_off(id)), vec![]);
    office.refused(pay(id), "INVOICE_SETTLED");
    office.refused(pay(super::id(99)), "INVOICE_UNKNOWN");
}

#[test]
fn numbers_have_no_holes() {
    let mut office = december();
    let first = drafted(&mut office);
    office.ask(void(first));
    let second = drafted(&mut office);
    office.ask(finalise(second));
    office.ask(void(second));
    let third = drafted(&mut office);
    office.ask(finalise(third));
    assert_eq!(invoice(&office, second).number, Some(1));
    assert_eq!(invoice(&office, third).number, Some(2));
    assert_eq!(office.ledger().last_invoice, 2);
}

#[test]
fn a_voided_invoice_gives_everything_back() {
    let mut office = december();
    office.ask(grant(gift(100)));
    let credit = office.last();
    office.ask(promise(50, "2026-12", "2026-12"));
    let id = drafted(&mut office);
    office.ask(finalise(id));
    assert_eq!(
        office.ledger().book(&tenant("a")).credits[&credit].remaining,
        0
    );
    office.ask(void(id));
    assert_eq!(office.ask(void(id)), vec![]);
    assert_eq!(
        office.ledger().book(&tenant("a")).credits[&credit].remaining,
        100
    );
    assert_eq!(office.balance(&Account::Receivable), 50, "the commitment");
    assert_eq!(office.balance(&Account::Revenue(sku("ingest"))), 0);
}

#[test]
fn what_is_voided_must_be_able_to_go_back() {
    let mut office = december();
    office.ask(grant(gift(100)));
    let credit = office.last();
    let id = drafted(&mut office);
    let void_credit = Command::VoidCredit {
        tenant: tenant("a"),
        credit,
        reason: String::new(),
        if_match: None,
    };
    office.refused(void_credit.clone(), "CREDIT_HELD");
    office.ask(finalise(id));
    office.ask(void_credit);
    office.refused(void(id), "CREDIT_OVER");
}

#[test]
fn credits_go_by_expiry_then_priority_and_stay_in_their_scope() {
    let mut office = december();
    let mut given = |grant_: Grant| {
        office.ask(grant(grant_));
        office.last()
    };
    let forever = given(gift(1000));
    let later = Some(period("2027-06").start());
    let soon = Some(period("2027-01").start());
    let second = given(Grant {
        expires: later,
        priority: 2,
        ..gift(100)
    });
    let first = given(Grant {
        expires: later,
        priority: 1,
        ..gift(100)
    });
    let zeroth = given(Grant {
        expires: soon,
        priority: 9,
        ..gift(100)
    });
    let other: BTreeSet<Sku> = [sku("storage")].into();
    given(Grant {
        expires: soon,
        scope: other,
        ..gift(100)
    });
    let dollars = Currency::new("USD").unwrap();
    given(Grant {
        expires: soon,
        currency: dollars,
        ..gift(100)
    });
    let id = drafted(&mut office);
    let bill = invoice(&office, id);
    let used: Vec<(Uuid, i64)> = bill.credits().collect();
    assert_eq!(
        used,
        vec![(zeroth, 100), (first, 100), (second, 100), (forever, 400)]
    );
    assert_eq!(bill.bill.total, 0);
    office.ask(finalise(id));
    assert_eq!(
        office.ledger().book(&tenant("a")).credits[&forever].remaining,
        600
    );
    assert_eq!(office.balance(&Account::Receivable), 0);
}

#[test]
fn two_drafts_do_not_use_the_same_credit_twice() {
    let mut office = december();
    office.used("2026-12", 1000);
    office.at("2027-01").ask(close("2026-12"));
    office.ask(grant(gift(1000)));
    let november = drafted(&mut office);
    office.ask(draft("2026-12"));
    let december = office.last();
    assert_eq!(invoice(&office, november).bill.total, 0);
    assert_eq!(invoice(&office, december).bill.total, 400);
    office.ask(finalise(december));
    office.ask(finalise(november));
}

#[test]
fn a_commitment_burns_down_before_anything_is_owed() {
    let mut office = december();
    office.ask(promise(500, "2026-12", "2026-12"));
    let id = drafted(&mut office);
    assert_eq!(
        invoice(&office, id).bill.total,
        700,
        "it does not cover November"
    );
    let mut office = Office::with_terms();
    office.ask(promise(500, "2026-11", "2026-12"));
    let commitment = office.last();
    office
        .used("2026-11", 1000)
        .at("2026-12")
        .ask(close("2026-11"));
    let id = drafted(&mut office);
    let bill = invoice(&office, id);
    assert_eq!(
        bill.commitments().collect::<Vec<_>>(),
        vec![(commitment, 500)]
    );
    assert_eq!(bill.bill.total, 200);
    office.ask(finalise(id));
    assert_eq!(office.balance(&Account::Commitments), 0);
    assert_eq!(office.balance(&Account::Receivable), 700);
}

#[test]
fn the_minimum_and_what_is_included_are_owed_for_the_days_of_service() {
    let mut office = Office::open();
    let mut dear = list([("ingest", price("bytes", 1, 300, &[(None, 1)]))]);
    dear.minimum = 3000;
    office.ask(prices("2026-01", dear));
    // 10 of the 30 days of November.
    let since = Some(UnixNano(period("2026-11").end().0 - 10 * DAY));
    office.ask(terms("2026-11", Terms { since, ..agreed() }));
    office.used("2026-11", 500);
    let bill = compose(office.ledger(), &tenant("a"), period("2026-11"), None).unwrap();
    let amounts: Vec<i64> = bill.lines.iter().map(ledger_line).collect();
    assert_eq!(
        amounts,
        vec![400, 600],
        "500 - 100 included, and what lacks to 1000"
    );
    office.at("2026-12").used("2026-12", 300);
    let bill = compose(office.ledger(), &tenant("a"), period("2026-12"), None).unwrap();
    assert_eq!(bill.total, 3000, "a full month owes the full minimum");
}

fn ledger_line(line: &takt_domain::ledger::invoice::Line) -> i64 {
    line.amount()
}

#[test]
fn what_was_negotiated_stands_before_the_card_and_tax_comes_last() {
    let mut office = Office::with_terms();
    let negotiated = price("bytes", 10, 0, &[(None, 5)]);
    let mut overrides = agreed().overrides;
    overrides.insert(sku("ingest"), negotiated);
    office.ask(terms(
        "2026-12",
        Terms {
            overrides,
            tax_ppm: 190_000,
            ..agreed()
        },
    ));
    office.at("2026-12").used("2026-12", 1000);
    let bill = compose(office.ledger(), &tenant("a"), period("2026-12"), None).unwrap();
    assert_eq!(bill.total, 595, "500 and 19 percent");
}

#[test]
fn a_period_is_closed_before_it_is_invoiced_and_needs_terms() {
    let mut office = Office::with_terms();
    office.used("2026-11", 1000);
    office.refused(draft("2026-11"), "PERIOD_OPEN");
    office.ask(close("2026-10"));
    office.refused(draft("2026-10"), "TERMS_MISSING");
}

#[test]
fn a_draft_is_drafted_anew_when_something_changed() {
    let mut office = december();
    let old = drafted(&mut office);
    office.ask(grant(gift(100)));
    let events = office.ask(draft("2026-11"));
    let new = office.last();
    assert_eq!(
        events[0],
        Event::InvoiceDiscarded {
            tenant: tenant("a"),
            invoice: old
        }
    );
    assert_eq!(invoice(&office, new).bill.total, 600);
    let version = invoice(&office, new).version;
    let stale = Command::FinaliseInvoice {
        tenant: tenant("a"),
        invoice: new,
        if_match: Some(Revision(version.0 - 1)),
    };
    office.refused(stale, "VERSION_MISMATCH");
}

#[test]
fn old_invoices_make_room_once_they_are_settled() {
    let mut office = Office::with_terms();
    let mut month = period("2026-11");
    for number in 0..=MAX_INVOICES {
        let text = month.to_string();
        office.used(&text, 10);
        office.at(&month.next().to_string()).ask(close(&text));
        if number == MAX_INVOICES {
            office.refused(draft(&text), "TOO_MANY_INVOICES");
            let first = office.ledger().book(&tenant("a")).invoices.iter();
            let first = first.min_by_key(|(_, invoice)| invoice.number).unwrap().0;
            let first = *first;
            office.ask(pay(first));
            office.ask(draft(&text));
            assert!(
                !office
                    .ledger()
                    .book(&tenant("a"))
                    .invoices
                    .contains_key(&first)
            );
        } else {
            office.ask(draft(&text));
            let id = office.last();
            office.ask(finalise(id));
        }
        month = month.next();
    }
    assert_eq!(
        office.ledger().book(&tenant("a")).invoices.len(),
        MAX_INVOICES
    );
}

#[test]
fn another_card_can_be_tried() {
    let mut office = december();
    let cheap = list([("ingest", price("bytes", 10, 0, &[(None, 1)]))]);
    let other = CardName::new("other").unwrap();
    office.ask(Command::PutPrices {
        card: other.clone(),
        currency: eur(),
        from: period("2026-12"),
        list: cheap,
        if_match: None,
    });
    office.at("2026-12").used("2026-12", 1000);
    let cost = |card: Option<&CardName>| {
        compose(office.ledger(), &tenant("a"), period("2026-12"), card).map(|bill| bill.total)
    };
    assert_eq!(cost(None), Ok(700));
    assert_eq!(cost(Some(&other)), Ok(100));
    let none = CardName::new("none").unwrap();
    assert_eq!(cost(Some(&none)).unwrap_err().reason(), "RATE_CARD_UNKNOWN");
}
