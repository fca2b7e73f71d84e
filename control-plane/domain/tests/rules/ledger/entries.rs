use takt_domain::ledger::KEPT_ENTRIES;
use takt_domain::ledger::journal::Cause;

use super::*;

fn adjust(lines: Vec<Line>) -> Command {
    Command::Adjust {
        tenant: tenant("a"),
        lines,
        memo: "by hand".into(),
    }
}

fn correct(number: u64, lines: Vec<Line>) -> Command {
    Command::Correct {
        tenant: tenant("a"),
        number,
        lines,
        memo: "typo".into(),
    }
}

fn goodwill(amount: i64) -> Vec<Line> {
    vec![
        line(Account::Adjustments, amount),
        line(Account::Receivable, -amount),
    ]
}

#[test]
fn an_entry_by_hand_balances_or_is_refused() {
    let mut office = Office::open();
    office.ask(adjust(goodwill(40)));
    assert_eq!(office.balance(&Account::Receivable), -40);
    office.refused(
        adjust(vec![line(Account::Cash, 1), line(Account::Receivable, -2)]),
        "ENTRY_UNBALANCED",
    );
    let dollars = Line {
        currency: Currency::new("USD").unwrap(),
        ..line(Account::Cash, -1)
    };
    office.refused(
        adjust(vec![line(Account::Cash, 1), dollars]),
        "ENTRY_UNBALANCED",
    );
    office.refused(adjust(vec![]), "ENTRY_EMPTY");
    office.refused(adjust(vec![line(Account::Cash, 0)]), "ENTRY_EMPTY");
    office.refused(adjust(vec![line(Account::Cash, 0); 129]), "ENTRY_EMPTY");
    let long = (0..65).flat_map(|_| goodwill(1)).collect();
    office.refused(adjust(long), "ENTRY_TOO_LONG");
    for account in [Account::Credits, Account::Commitments] {
        office.refused(
            adjust(vec![line(account, 1), line(Account::Cash, -1)]),
            "ACCOUNT_NOT_BY_HAND",
        );
    }
}

#[test]
fn a_correction_is_a_pair_of_entries() {
    let mut office = Office::open();
    office.ask(adjust(goodwill(40)));
    office.ask(correct(1, goodwill(30)));
    assert_eq!(office.balance(&Account::Receivable), -30);
    let postings = office.postings("a");
    assert_eq!(entry_of(&postings[1]).cause, Cause::Reversed(1));
    assert_eq!(entry_of(&postings[1]).lines[0].amount, -40);
    assert_eq!(entry_of(&postings[2]).cause, Cause::Adjusted);
    office.refused(correct(1, vec![]), "ENTRY_REVERSED");
    office.ask(correct(3, vec![]));
    assert_eq!(office.balance(&Account::Receivable), 0);
}

#[test]
fn only_what_was_made_by_hand_is_corrected_by_hand() {
    let mut office = Office::open();
    office.ask(credits::grant(credits::gift(5)));
    office.refused(correct(1, vec![]), "ENTRY_NOT_BY_HAND");
    office.refused(correct(2, vec![]), "ENTRY_UNKNOWN");
    office.used("2026-11", 5);
    office.refused(correct(2, vec![]), "ENTRY_UNKNOWN");
    office.ask(adjust(goodwill(1)));
    office.ask(correct(3, vec![]));
    office.refused(correct(4, vec![]), "ENTRY_NOT_BY_HAND");
}

#[test]
fn the_last_entries_are_kept_and_older_ones_are_not() {
    let mut office = Office::open();
    for _ in 0..=KEPT_ENTRIES {
        office.ask(adjust(goodwill(1)));
    }
    assert_eq!(
        office.ledger().book(&tenant("a")).entries.len(),
        KEPT_ENTRIES
    );
    office.refused(correct(1, vec![]), "ENTRY_UNKNOWN");
    office.ask(correct(2, vec![]));
    let reversed = office.ledger().book(&tenant("a")).reversed.clone();
    assert!(
        reversed.is_empty(),
        "the reversal pushed the entry it takes back out: {reversed:?}"
    );
}
