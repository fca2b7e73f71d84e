use takt_domain::ledger::card::{MAX_SKUS, MAX_TIERS};
use takt_domain::ledger::rating::{Rated, rate};
use takt_domain::ledger::{Event, Share};

use super::*;

#[test]
fn prices_take_effect_from_a_period_on() {
    let mut office = Office::open();
    let cheap = list([("ingest", price("bytes", 10, 0, &[(None, 7)]))]);
    let dear = list([("ingest", price("bytes", 10, 0, &[(None, 9)]))]);
    let put = office.ask(prices("2026-01", cheap.clone()));
    assert_eq!(
        put,
        vec![Event::PricesPut {
            card: card(),
            currency: eur(),
            from: period("2026-01"),
            list: cheap.clone(),
        }]
    );
    assert_eq!(office.ask(prices("2026-01", cheap.clone())), vec![]);
    office.ask(prices("2026-12", dear.clone()));
    let standard = &office.ledger().cards[&card()];
    assert_eq!(standard.list(period("2025-12")), None);
    assert_eq!(
        standard.list(period("2026-11")),
        Some((period("2026-01"), &cheap))
    );
    assert_eq!(
        standard.list(period("2027-11")),
        Some((period("2026-12"), &dear))
    );
}

#[test]
fn prices_somebody_may_have_been_billed_by_stay() {
    let mut office = Office::with_terms();
    office.used("2026-10", 1).ask(close("2026-10"));
    let dear = list([("ingest", price("bytes", 10, 0, &[(None, 9)]))]);
    office.refused(prices("2026-10", dear.clone()), "PRICES_IN_FORCE");
    office.ask(prices("2026-11", dear));
}

#[test]
fn malformed_prices_are_refused() {
    let mut office = Office::open();
    let mut no =
        |price: Price, reason| office.refused(prices("2026-01", list([("x", price)])), reason);
    no(price("bytes", 0, 0, &[(None, 1)]), "UNIT_ZERO");
    no(price("bytes", 1, 0, &[(None, -1)]), "PRICE_NEGATIVE");
    no(price("bytes", 1, 0, &[]), "TIERS_MALFORMED");
    no(price("bytes", 1, 0, &[(Some(5), 1)]), "TIERS_MALFORMED");
    no(
        price("bytes", 1, 0, &[(Some(5), 1), (Some(5), 1), (None, 1)]),
        "TIERS_MALFORMED",
    );
    no(
        price("bytes", 1, 0, &[(None, 1), (None, 1)]),
        "TIERS_MALFORMED",
    );
    let many: Vec<_> = (1..=MAX_TIERS as u64)
        .map(|n| (Some(n), 1))
        .chain([(None, 1)])
        .collect();
    no(price("bytes", 1, 0, &many), "TOO_MANY_TIERS");
    let mut negative = list([]);
    negative.minimum = -1;
    office.refused(prices("2026-01", negative), "PRICE_NEGATIVE");
    let mut many = list([]);
    for n in 0..=MAX_SKUS {
        many.prices
            .insert(sku(&format!("s{n}")), price("bytes", 1, 0, &[(None, 1)]));
    }
    office.refused(prices("2026-01", many), "TOO_MANY_SKUS");
}

#[test]
fn a_card_keeps_its_currency_and_its_version() {
    let mut office = Office::open();
    office.ask(prices("2026-01", list([])));
    let dollars = Command::PutPrices {
        card: card(),
        currency: Currency::new("USD").unwrap(),
        from: period("2027-01"),
        list: list([]),
        if_match: None,
    };
    office.refused(dollars, "RATE_CARD_CURRENCY");
    let stale = Command::PutPrices {
        card: card(),
        currency: eur(),
        from: period("2027-01"),
        list: list([]),
        if_match: Some(Revision(99)),
    };
    office.refused(stale, "VERSION_MISMATCH");
}

#[test]
fn a_card_is_deleted_unless_it_is_in_use() {
    let mut office = Office::with_terms();
    let delete = |if_match| Command::DeleteCard {
        card: card(),
        if_match,
    };
    office.refused(delete(None), "RATE_CARD_IN_USE");
    let mut office = Office::open();
    office.refused(delete(None), "RATE_CARD_UNKNOWN");
    office.ask(prices("2026-01", list([])));
    office.refused(delete(Some(Revision(1))), "VERSION_MISMATCH");
    office.ask(delete(None));
    assert!(office.ledger().cards.is_empty());
}

#[test]
fn terms_hold_from_a_period_on() {
    let mut office = Office::with_terms();
    assert_eq!(office.ask(terms("2026-11", agreed())), vec![]);
    let better = Terms {
        tax_ppm: 190_000,
        ..agreed()
    };
    office.ask(terms("2027-01", better.clone()));
    let book = office.ledger().book(&tenant("a"));
    assert_eq!(book.terms(period("2026-10")), None);
    assert_eq!(
        book.terms(period("2026-12")),
        Some((period("2026-11"), &agreed()))
    );
    assert_eq!(
        book.terms(period("2027-02")),
        Some((period("2027-01"), &better))
    );
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    let mut office = Office::with_terms();
    let taxed = Terms {
        tax_ppm: 1_000_001,
        ..agreed()
    };
    office.refused(terms("2026-12", taxed), "TAX_TOO_HIGH");
    let outside = Terms {
        since: Some(period("2027-01").start()),
        ..agreed()
    };
    office.refused(terms("2026-12", outside), "TERMS_SINCE_OUTSIDE_PERIOD");
    let nameless = Terms {
        card: CardName::new("none").unwrap(),
        ..agreed()
    };
    office.refused(terms("2026-12", nameless), "RATE_CARD_UNKNOWN");
    office.refused(terms("2025-12", agreed()), "PRICES_MISSING");
    let owed = Terms {
        minimum: Some(-1),
        ..agreed()
    };
    office.refused(terms("2026-12", owed), "PRICE_NEGATIVE");
    let stale = Command::SetTerms {
        tenant: tenant("a"),
        from: period("2026-12"),
        terms: agreed(),
        if_match: Some(Revision(99)),
    };
    office.refused(stale, "VERSION_MISMATCH");
    office.at("2026-12").ask(close("2026-11"));
    office.refused(
        terms(
            "2026-11",
            Terms {
                tax_ppm: 1,
                ..agreed()
            },
        ),
        "TERMS_IN_THE_PAST",
    );
}

fn amounts(price: &Price, quantity: u64) -> Vec<(u32, u64, i64)> {
    let rated = rate(&sku("x"), price, quantity, Share::ALL).unwrap();
    rated
        .iter()
        .map(|rated: &Rated| (rated.tier, rated.quantity, rated.amount))
        .collect()
}

#[test]
fn graduated_prices_hold_part_by_part() {
    let tiers = price(
        "bytes",
        10,
        0,
        &[(Some(100), 50), (Some(300), 20), (None, 1)],
    );
    assert_eq!(amounts(&tiers, 0), vec![]);
    assert_eq!(amounts(&tiers, 100), vec![(0, 100, 500)]);
    assert_eq!(amounts(&tiers, 101), vec![(0, 100, 500), (1, 1, 2)]);
    assert_eq!(
        amounts(&tiers, 1000),
        vec![(0, 100, 500), (1, 200, 400), (2, 700, 70)]
    );
}

#[test]
fn volume_prices_hold_for_everything() {
    let tiers = Price {
        scheme: Scheme::Volume,
        ..price("bytes", 10, 0, &[(Some(100), 50), (None, 20)])
    };
    assert_eq!(amounts(&tiers, 0), vec![]);
    assert_eq!(amounts(&tiers, 100), vec![(0, 100, 500)]);
    assert_eq!(amounts(&tiers, 101), vec![(1, 101, 202)]);
}

#[test]
fn what_is_included_costs_nothing_and_tiers_begin_after_it() {
    let tiers = price("bytes", 1, 50, &[(Some(100), 5), (None, 2)]);
    assert_eq!(amounts(&tiers, 50), vec![]);
    assert_eq!(amounts(&tiers, 160), vec![(0, 100, 500), (1, 10, 20)]);
    let half = rate(&sku("x"), &tiers, 50, Share::new(1, 2)).unwrap();
    assert_eq!(half[0].amount, 125);
}

#[test]
fn a_cost_is_rounded_once_and_its_lines_sum_to_it() {
    // 1/3 + 1/3 + 1/3 of a micro-unit: three lines, one micro-unit.
    let thirds = price("bytes", 3, 0, &[(Some(1), 1), (Some(2), 1), (None, 1)]);
    assert_eq!(amounts(&thirds, 3), vec![(0, 1, 1), (1, 1, 0), (2, 1, 0)]);
    // 2.5 rounds up.
    let half = price("bytes", 2, 0, &[(None, 1)]);
    assert_eq!(amounts(&half, 5), vec![(0, 5, 3)]);
}

#[test]
fn an_amount_beyond_64_bits_is_refused() {
    let dear = price("bytes", 1, 0, &[(None, i64::MAX)]);
    let rejection = rate(&sku("x"), &dear, u64::MAX, Share::ALL).unwrap_err();
    assert_eq!(rejection.reason(), "AMOUNT_TOO_LARGE");
}
