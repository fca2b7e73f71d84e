//! Usage and money.

mod credits;
mod entries;
mod invoices;
mod prices;
mod usage;

use std::collections::BTreeMap;

use takt_domain::ledger::card::{List, Price, Scheme, Tier};
use takt_domain::ledger::chain::{Posting, What};
use takt_domain::ledger::journal::Line;
use takt_domain::ledger::usage::Range;
use takt_domain::ledger::{
    Account, CardName, Command, Currency, Dimension, Entry, Event, Ledger, Period, Sku, Source,
    Terms, chain,
};
use takt_domain::{Batch, CommandId, Facts, Kind, State, decide, tenants};
use takt_model::{Revision, TenantId, UnixNano};
use uuid::Uuid;

use crate::given::batch;

/// A state, and a clock that stands in the middle of November 2026.
pub(crate) struct Office {
    pub(crate) state: State,
    pub(crate) now: UnixNano,
    asked: u128,
    /// Every event so far.
    pub(crate) log: Vec<takt_domain::Event>,
}

impl Office {
    /// With tenants `a` and `b`.
    pub(crate) fn open() -> Self {
        let mut office = Self {
            state: State::default(),
            now: UnixNano(period("2026-11").start().0 + 15 * DAY),
            asked: 0,
            log: Vec::new(),
        };
        for id in ["a", "b"] {
            office.apply(vec![
                tenants::Event::Created {
                    tenant: tenant(id),
                    display_name: String::new(),
                }
                .into(),
            ]);
        }
        office
    }

    /// With prices that tenant `a` agreed to.
    pub(crate) fn with_terms() -> Self {
        let mut office = Self::open();
        office.ask(prices(
            "2026-01",
            list([("ingest", price("bytes", 10, 0, &[(None, 7)]))]),
        ));
        office.ask(terms("2026-11", Terms { ..agreed() }));
        office
    }

    pub(crate) fn at(&mut self, text: &str) -> &mut Self {
        self.now = UnixNano(period(text).start().0 + DAY);
        self
    }

    pub(crate) fn try_ask(
        &mut self,
        command: Command,
    ) -> Result<Vec<Event>, takt_domain::Rejection> {
        self.asked += 1;
        let facts = Facts {
            at: self.now,
            command: CommandId(id(self.asked)),
        };
        let events = decide(&self.state, &command.into(), &facts)?;
        self.apply(events.clone());
        Ok(events
            .into_iter()
            .map(|event| match event {
                takt_domain::Event::Ledger(event) => event,
                other => unreachable!("{other:?}"),
            })
            .collect())
    }

    pub(crate) fn ask(&mut self, command: Command) -> Vec<Event> {
        self.try_ask(command).unwrap()
    }

    /// The id the last command gave to what it made.
    pub(crate) fn last(&self) -> Uuid {
        id(self.asked)
    }

    pub(crate) fn refused(&mut self, command: Command, reason: &str) {
        let before = self.state.clone();
        let rejection = self.try_ask(command).unwrap_err();
        assert_eq!(rejection.reason(), reason, "{rejection}");
        assert!(!rejection.to_string().is_empty());
        let invalid = rejection.kind() == Kind::Invalid;
        assert!(!invalid || rejection.field().is_some() || reason == "AMOUNT_TOO_LARGE");
        assert_eq!(self.state, before);
    }

    fn apply(&mut self, events: Vec<takt_domain::Event>) {
        let number = self.log.len() as u128 + 1_000_000;
        let next = Batch {
            at: self.now,
            ..batch(number, self.state.revision.0, events.clone())
        };
        self.state.apply(&next);
        self.log.extend(events);
        takt_domain::invariants::check(&self.state).unwrap();
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    pub(crate) fn balance(&self, account: &Account) -> i64 {
        self.ledger().book(&tenant("a")).balance(account, eur())
    }

    pub(crate) fn postings(&self, of: &str) -> Vec<Posting> {
        postings(&self.log, &tenant(of))
    }

    /// Posts usage of tenant `a` from where it last ended.
    pub(crate) fn used(&mut self, text: &str, quantity: u64) -> &mut Self {
        let key = (source(), dimension("bytes"));
        let book = self.ledger().book(&tenant("a"));
        let from = book.marks.get(&key).map_or(0, |mark| mark.to);
        let used_at = UnixNano(period(text).start().0 + DAY);
        let range = Range {
            used_at,
            ..range("a", from, from + 1, quantity)
        };
        self.ask(report(1, vec![range]));
        self
    }
}

pub(crate) const DAY: u64 = 86_400_000_000_000;

pub(crate) fn postings(log: &[takt_domain::Event], of: &TenantId) -> Vec<Posting> {
    log.iter()
        .filter_map(|event| match event {
            takt_domain::Event::Ledger(Event::Posted { tenant, posting }) if tenant == of => {
                Some(posting.clone())
            }
            _ => None,
        })
        .collect()
}

pub(crate) fn entry_of(posting: &Posting) -> &Entry {
    match &posting.what {
        What::Entry(entry) => entry,
        What::Usage(usage) => unreachable!("{usage:?}"),
    }
}

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

pub(crate) fn period(text: &str) -> Period {
    text.parse().unwrap()
}

pub(crate) fn eur() -> Currency {
    Currency::new("EUR").unwrap()
}

pub(crate) fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

pub(crate) fn card() -> CardName {
    CardName::new("standard").unwrap()
}

pub(crate) fn dimension(text: &str) -> Dimension {
    Dimension::new(text).unwrap()
}

pub(crate) fn source() -> Source {
    Source::new("node-1").unwrap()
}

pub(crate) fn price(of: &str, unit: u64, included: u64, tiers: &[(Option<u64>, i64)]) -> Price {
    Price {
        dimension: dimension(of),
        unit,
        included,
        scheme: Scheme::Graduated,
        tiers: tiers
            .iter()
            .map(|(up_to, unit_price)| Tier {
                up_to: *up_to,
                unit_price: *unit_price,
            })
            .collect(),
    }
}

pub(crate) fn list<const N: usize>(prices: [(&str, Price); N]) -> List {
    List {
        prices: prices
            .into_iter()
            .map(|(name, price)| (sku(name), price))
            .collect(),
        minimum: 0,
    }
}

pub(crate) fn prices(from: &str, list: List) -> Command {
    Command::PutPrices {
        card: card(),
        currency: eur(),
        from: period(from),
        list,
        if_match: None,
    }
}

pub(crate) fn agreed() -> Terms {
    Terms {
        card: card(),
        overrides: BTreeMap::new(),
        minimum: None,
        tax_ppm: 0,
        since: None,
    }
}

pub(crate) fn terms(from: &str, terms: Terms) -> Command {
    Command::SetTerms {
        tenant: tenant("a"),
        from: period(from),
        terms,
        if_match: None,
    }
}

pub(crate) fn range(of: &str, from: u64, to: u64, quantity: u64) -> Range {
    Range {
        tenant: tenant(of),
        dimension: dimension("bytes"),
        from,
        to,
        quantity,
        used_at: UnixNano(period("2026-11").start().0 + DAY),
    }
}

pub(crate) fn report(epoch: u64, ranges: Vec<Range>) -> Command {
    Command::PostUsage {
        source: source(),
        epoch,
        ranges,
    }
}

pub(crate) fn close(text: &str) -> Command {
    Command::ClosePeriod {
        tenant: tenant("a"),
        period: period(text),
    }
}

pub(crate) fn line(account: Account, amount: i64) -> Line {
    Line {
        account,
        currency: eur(),
        amount,
    }
}

#[test]
fn a_chain_holds_together_and_every_change_of_it_is_noticed() {
    let mut office = Office::with_terms();
    office.used("2026-11", 5).used("2026-11", 7);
    office.ask(Command::Adjust {
        tenant: tenant("a"),
        lines: vec![line(Account::Cash, 3), line(Account::Adjustments, -3)],
        memo: "found".into(),
    });
    let postings = office.postings("a");
    let head = chain::verify(&tenant("a"), chain::Head::default(), &postings).unwrap();
    assert_eq!(head, office.ledger().book(&tenant("a")).head);
    let rest = chain::Head {
        number: 1,
        hash: postings[0].hash,
    };
    assert_eq!(chain::verify(&tenant("a"), rest, &postings[1..]), Ok(head));

    assert_eq!(
        chain::verify(&tenant("b"), chain::Head::default(), &postings),
        Err(chain::Broken::Hash(1)),
        "somebody else's postings"
    );
    assert_eq!(
        chain::verify(
            &tenant("a"),
            chain::Head::default(),
            [&postings[0], &postings[2]]
        ),
        Err(chain::Broken::Number {
            expected: 2,
            found: 3
        }),
        "one left out"
    );
    let mut renumbered = postings[2].clone();
    renumbered.number = 2;
    assert_eq!(
        chain::verify(
            &tenant("a"),
            chain::Head::default(),
            [&postings[0], &renumbered]
        ),
        Err(chain::Broken::Previous(2)),
        "one left out and the next renumbered"
    );
    let mut later = postings.clone();
    later[1].at.0 += 1;
    assert_eq!(
        chain::verify(&tenant("a"), chain::Head::default(), &later),
        Err(chain::Broken::Hash(2))
    );
}

#[test]
fn what_time_brings_about_is_due_until_it_is_done() {
    let mut office = Office::with_terms();
    office.used("2026-10", 5).used("2026-11", 7);
    let none = takt_domain::ledger::due(&office.state, UnixNano(period("2026-10").end().0), 100);
    assert_eq!(none, vec![], "what is on its way may still come");
    office.at("2027-03");
    assert_eq!(
        takt_domain::ledger::due(&office.state, office.now, 1).len(),
        1
    );
    let due = takt_domain::ledger::due(&office.state, office.now, 100);
    assert_eq!(due, vec![close("2026-10"), close("2026-11")]);
    for command in due {
        office.ask(command);
    }
    assert_eq!(
        takt_domain::ledger::due(&office.state, office.now, 100),
        vec![]
    );
}

#[test]
fn every_change_of_a_book_gives_it_a_new_version() {
    let mut office = Office::with_terms();
    let before = office.ledger().book(&tenant("a")).version;
    office.used("2026-11", 5);
    assert!(office.ledger().book(&tenant("a")).version > before);
    assert_eq!(office.ledger().book(&tenant("b")).version, Revision(0));
}
