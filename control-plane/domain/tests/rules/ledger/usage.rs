use takt_domain::ledger::usage::{MAX_DIMENSIONS, MAX_OPEN_PERIODS, MAX_RANGES, Range};
use takt_domain::ledger::{Command, Event};
use takt_domain::{Command as Any, Facts, Rejection, decide, ledger};
use takt_model::{TenantId, UnixNano};

use super::*;

fn total(office: &Office, text: &str) -> u64 {
    let usage = office
        .ledger()
        .book(&tenant("a"))
        .usage
        .get(&period(text))
        .cloned();
    usage
        .and_then(|usage| usage.get(&dimension("bytes")).copied())
        .unwrap_or_default()
}

#[test]
fn usage_is_posted_once_however_often_it_is_reported() {
    let mut office = Office::open();
    let first = report(1, vec![range("a", 0, 10, 100)]);
    assert_eq!(office.ask(first.clone()).len(), 1);
    assert_eq!(office.ask(first), vec![]);
    office.ask(report(
        1,
        vec![
            range("a", 10, 12, 5),
            range("a", 12, 20, 7),
            range("b", 0, 9, 1),
        ],
    ));
    assert_eq!(
        office.ask(report(1, vec![range("a", 12, 20, 7), range("a", 3, 5, 1)])),
        vec![]
    );
    assert_eq!(total(&office, "2026-11"), 112);
    assert_eq!(office.postings("a").len(), 2);
    assert_eq!(office.postings("b").len(), 1);
}

#[test]
fn a_report_with_something_new_posts_only_that() {
    let mut office = Office::open();
    office.ask(report(1, vec![range("a", 0, 10, 100)]));
    office.ask(report(
        1,
        vec![range("a", 0, 10, 100), range("a", 10, 11, 1)],
    ));
    assert_eq!(total(&office, "2026-11"), 101);
}

#[test]
fn an_overlap_or_a_gap_is_refused_with_what_is_expected() {
    let mut office = Office::open();
    office.refused(
        report(1, vec![range("a", 1, 2, 1)]),
        "USAGE_RANGE_MISPLACED",
    );
    office.ask(report(1, vec![range("a", 0, 10, 100)]));
    for (from, to) in [(9, 11), (11, 12), (0, 11)] {
        let rejection = decide(
            &office.state,
            &Any::Ledger(report(1, vec![range("a", from, to, 1)])),
            &Facts {
                at: office.now,
                command: CommandId(id(9)),
            },
        )
        .unwrap_err();
        let Rejection::Ledger(ledger::Rejection::RangeMisplaced { expected, .. }) = &rejection
        else {
            unreachable!("{rejection}")
        };
        assert_eq!(*expected, 10);
        assert!(
            rejection.to_string().contains("next begins at `10`"),
            "{rejection}"
        );
    }
    office.refused(
        report(1, vec![range("a", 10, 11, 1), range("a", 12, 13, 1)]),
        "USAGE_RANGE_MISPLACED",
    );
    assert_eq!(
        total(&office, "2026-11"),
        100,
        "a report is taken whole or not at all"
    );
}

#[test]
fn the_same_range_with_another_quantity_is_refused() {
    let mut office = Office::open();
    office.ask(report(1, vec![range("a", 0, 10, 100)]));
    office.refused(
        report(1, vec![range("a", 0, 10, 99)]),
        "USAGE_RANGE_DIFFERS",
    );
    office.refused(report(1, vec![range("a", 10, 10, 0)]), "USAGE_RANGE_EMPTY");
}

#[test]
fn an_epoch_begins_at_zero_and_ends_with_the_next() {
    let mut office = Office::open();
    office.ask(report(1, vec![range("a", 0, 10, 100)]));
    office.refused(
        report(2, vec![range("a", 10, 11, 1)]),
        "USAGE_RANGE_MISPLACED",
    );
    office.ask(report(2, vec![range("a", 0, 4, 1)]));
    office.refused(report(1, vec![range("a", 10, 11, 1)]), "USAGE_EPOCH_CLOSED");
    assert_eq!(total(&office, "2026-11"), 101);
}

#[test]
fn a_retired_source_leaves_no_marks_and_cannot_post_again() {
    let mut office = Office::open();
    office.ask(report(3, vec![range("a", 0, 10, 100)]));
    let retire = |epoch| Command::RetireSource {
        source: source(),
        epoch,
    };
    assert_eq!(
        office.ask(retire(3)),
        vec![Event::SourceRetired {
            source: source(),
            epoch: 3
        }]
    );
    assert!(office.ledger().book(&tenant("a")).marks.is_empty());
    assert_eq!(office.ask(retire(2)), vec![]);
    office.refused(
        report(3, vec![range("a", 0, 10, 100)]),
        "USAGE_EPOCH_CLOSED",
    );
    office.ask(report(4, vec![range("a", 0, 1, 1)]));
    assert_eq!(total(&office, "2026-11"), 101);
}

#[test]
fn late_usage_counts_in_the_next_open_period_and_says_so() {
    let mut office = Office::open();
    office.used("2026-10", 5);
    office.ask(close("2026-10"));
    office.used("2026-09", 2);
    assert_eq!(
        (total(&office, "2026-10"), total(&office, "2026-11")),
        (5, 2)
    );
    let late = office.postings("a").pop().unwrap();
    let What::Usage(usage) = late.what else {
        unreachable!()
    };
    assert_eq!(
        (usage.period, usage.late_for),
        (period("2026-11"), Some(period("2026-09")))
    );
}

#[test]
fn usage_of_nobody_and_of_tomorrow_is_refused() {
    let mut office = Office::open();
    office.refused(report(1, vec![range("nobody", 0, 1, 1)]), "TENANT_UNKNOWN");
    let tomorrow = Range {
        used_at: UnixNano(office.now.0 + 2 * DAY),
        ..range("a", 0, 1, 1)
    };
    office.refused(report(1, vec![tomorrow]), "USAGE_FROM_THE_FUTURE");
    office.ask(report(1, vec![range(TenantId::SINGLE, 0, 1, 1)]));
}

#[test]
fn reports_and_books_are_bounded() {
    let mut office = Office::open();
    let many = (0..=MAX_RANGES as u64)
        .map(|n| range("a", n, n + 1, 1))
        .collect();
    office.refused(report(1, many), "USAGE_REPORT_TOO_LONG");
    let dimensions = |count| {
        (0..count)
            .map(|n| Range {
                dimension: dimension(&format!("d{n}")),
                ..range("a", 0, 1, 1)
            })
            .collect()
    };
    office.refused(
        report(1, dimensions(MAX_DIMENSIONS + 1)),
        "USAGE_TOO_MANY_DIMENSIONS",
    );
    let periods = |count: u64| {
        (0..count)
            .map(|n| Range {
                used_at: UnixNano(n * 31 * DAY),
                ..range("a", n, n + 1, 1)
            })
            .collect()
    };
    office.refused(
        report(1, periods(MAX_OPEN_PERIODS as u64 + 1)),
        "USAGE_TOO_MANY_OPEN_PERIODS",
    );
    office.refused(
        report(1, vec![range("a", 0, 1, u64::MAX), range("a", 1, 2, 1)]),
        "USAGE_QUANTITY_TOO_LARGE",
    );
    office.ask(report(1, dimensions(MAX_DIMENSIONS)));
    assert_eq!(office.postings("a").len(), 1);
}

#[test]
fn periods_close_in_order_once_they_are_over() {
    let mut office = Office::open();
    office.used("2026-09", 1).used("2026-10", 1);
    office.refused(close("2026-11"), "PERIOD_NOT_OVER");
    office.refused(close("2026-10"), "PERIODS_OUT_OF_ORDER");
    office.ask(close("2026-09"));
    office.ask(close("2026-10"));
    assert_eq!(office.ask(close("2026-10")), vec![]);
    assert_eq!(office.ask(close("2026-01")), vec![]);
    let nobody = Command::ClosePeriod {
        tenant: tenant("nobody"),
        period: period("2026-10"),
    };
    office.refused(nobody, "TENANT_UNKNOWN");
}

#[test]
fn closed_periods_are_kept_for_two_years() {
    let mut office = Office::open();
    let mut month = period("2020-01");
    for _ in 0..30 {
        office.used(&month.to_string(), 1);
        office.ask(close(&month.to_string()));
        month = month.next();
    }
    let book = office.ledger().book(&tenant("a"));
    assert_eq!(book.usage.len(), ledger::KEPT_PERIODS);
    assert_eq!(book.forgotten_through, Some(period("2020-06")));
    let draft = Command::DraftInvoice {
        tenant: tenant("a"),
        period: period("2020-06"),
    };
    office.refused(draft, "PERIOD_FORGOTTEN");
}
