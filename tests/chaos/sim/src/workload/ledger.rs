//! Usage and money: reported, priced, billed, paid, taken back.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt as _;
use rand::rngs::SmallRng;
use takt_domain::ledger::card::{List, Price, Scheme, Terms, Tier};
use takt_domain::ledger::credit::{Grant, Promise};
use takt_domain::ledger::invoice::Standing;
use takt_domain::ledger::journal::Line;
use takt_domain::ledger::usage::Range;
use takt_domain::ledger::{
    Account, Book, CardName, Command as Wish, Currency, Dimension, Period, Sku, Source,
};
use takt_domain::{Command, State};
use takt_model::{TenantId, UnixNano};
use uuid::Uuid;

use super::tenants::if_match;
use crate::clock::EPOCH_SECONDS;
use crate::plan::pick;

/// Fewer than there are, so that their books fill.
const TENANTS: [&str; 3] = [TenantId::SINGLE, "t0", "t1"];
const MONTH_SECONDS: u64 = 30 * 86_400;

pub(crate) fn ledger(rng: &mut SmallRng, known: &State) -> Command {
    let tenant = TenantId::new(pick::<&str>(rng, &TENANTS)).expect("legal");
    let book = known.ledger.book(&tenant);
    let wish = match rng.random_range(0..24) {
        0..6 => report(rng, tenant, book),
        6..8 => prices(rng, known),
        8..10 => terms(rng, tenant, book),
        10..12 => Wish::ClosePeriod {
            period: book.open_periods().next().unwrap_or_else(|| period(rng)),
            tenant,
        },
        12..14 => Wish::DraftInvoice {
            period: book.closed_through.unwrap_or_else(|| period(rng)),
            tenant,
        },
        14..18 => invoice(rng, tenant, book),
        18..21 => credit(rng, tenant, book),
        21..23 => by_hand(rng, tenant, book),
        _ => rare(rng, known),
    };
    wish.into()
}

/// A month that is over or not, two that are to one that is not.
fn period(rng: &mut SmallRng) -> Period {
    Period::of(moment(rng))
}

fn moment(rng: &mut SmallRng) -> UnixNano {
    let ago = rng.random_range(0..3) * MONTH_SECONDS;
    UnixNano::from_secs(EPOCH_SECONDS - ago)
}

/// Mostly what comes next, sometimes again what came before, sometimes with a hole.
fn report(rng: &mut SmallRng, tenant: TenantId, book: &Book) -> Wish {
    let source = source(rng);
    let mark = book.marks.get(&(source.clone(), dimension()));
    let (epoch, reached) = mark.map_or((1, 0), |mark| (mark.epoch, mark.to));
    let (epoch, from) = match rng.random_range(0..10) {
        0 => (epoch + 1, 0),
        1 => (epoch, reached / 2),
        2 => (epoch, reached + 1),
        _ => (epoch, reached),
    };
    let used = Range {
        tenant,
        dimension: dimension(),
        from,
        to: from + rng.random_range(1..10),
        quantity: rng.random_range(0..10_000),
        used_at: moment(rng),
    };
    Wish::PostUsage {
        source,
        epoch,
        ranges: vec![used],
    }
}

fn prices(rng: &mut SmallRng, known: &State) -> Wish {
    let version = known.ledger.cards.get(&card()).map(|card| card.version);
    let price = Price {
        dimension: dimension(),
        unit: rng.random_range(1..4),
        included: 10,
        scheme: *pick(rng, &[Scheme::Graduated, Scheme::Volume]),
        tiers: vec![Tier {
            up_to: None,
            unit_price: rng.random_range(0..9),
        }],
    };
    Wish::PutPrices {
        card: card(),
        currency: euro(),
        from: period(rng),
        list: List {
            prices: BTreeMap::from([(sku(), price)]),
            minimum: rng.random_range(0..1_000),
        },
        if_match: if_match(rng, version),
    }
}

fn terms(rng: &mut SmallRng, tenant: TenantId, book: &Book) -> Wish {
    Wish::SetTerms {
        tenant,
        from: period(rng),
        terms: Terms {
            card: card(),
            overrides: BTreeMap::new(),
            minimum: None,
            tax_ppm: *pick(rng, &[0, 190_000]),
            since: None,
        },
        if_match: if_match(rng, Some(book.version)),
    }
}

/// The next step of one that is there; of none, if none is.
fn invoice(rng: &mut SmallRng, tenant: TenantId, book: &Book) -> Wish {
    let invoices: Vec<_> = book.invoices.iter().collect();
    let found = (!invoices.is_empty()).then(|| *pick(rng, &invoices));
    let invoice = found.map_or(Uuid::nil(), |(id, _)| *id);
    let if_match = if_match(rng, found.map(|(_, invoice)| invoice.version));
    let text = String::from("as agreed");
    let draft = found.is_none_or(|(_, invoice)| invoice.standing == Standing::Draft);
    match rng.random_range(0..6) {
        0..3 if draft => Wish::FinaliseInvoice {
            tenant,
            invoice,
            if_match,
        },
        0..3 => Wish::PayInvoice {
            tenant,
            invoice,
            reference: text,
            if_match,
        },
        3 => Wish::WriteOffInvoice {
            tenant,
            invoice,
            reason: text,
            if_match,
        },
        _ => Wish::VoidInvoice {
            tenant,
            invoice,
            reason: text,
            if_match,
        },
    }
}

fn credit(rng: &mut SmallRng, tenant: TenantId, book: &Book) -> Wish {
    let some = |rng: &mut SmallRng, ids: Vec<Uuid>| match ids.as_slice() {
        [] => Uuid::nil(),
        ids => *pick(rng, ids),
    };
    let (amount, currency) = (rng.random_range(1..5_000), euro());
    let (from, reason) = (period(rng), String::from("welcome"));
    match rng.random_range(0..7) {
        0..2 => Wish::GrantCredit {
            tenant,
            grant: Grant {
                currency,
                amount,
                priority: rng.random_range(0..3),
                expires: rng
                    .random_bool(0.3)
                    .then(|| UnixNano::from_secs(EPOCH_SECONDS + 10)),
                scope: BTreeSet::new(),
                prepaid: rng.random_bool(0.5),
                reason,
            },
        },
        2..4 => Wish::Commit {
            tenant,
            promise: Promise {
                currency,
                amount,
                from,
                through: from.next(),
                reason,
            },
        },
        4 => Wish::VoidCredit {
            tenant,
            credit: some(rng, book.credits.keys().copied().collect()),
            reason,
            if_match: None,
        },
        5 => Wish::ExpireCredit {
            tenant,
            credit: some(rng, book.credits.keys().copied().collect()),
        },
        _ => Wish::LapseCommitment {
            tenant,
            commitment: some(rng, book.commitments.keys().copied().collect()),
        },
    }
}

/// Sometimes not balanced.
fn by_hand(rng: &mut SmallRng, tenant: TenantId, book: &Book) -> Wish {
    let line = |account, amount| Line {
        account,
        currency: euro(),
        amount,
    };
    let amount = rng.random_range(-500..500);
    let against = if rng.random_bool(0.1) {
        amount
    } else {
        -amount
    };
    let lines = vec![
        line(Account::Adjustments, amount),
        line(Account::Receivable, against),
    ];
    let memo = String::from("goodwill");
    let numbers: Vec<u64> = book.entries.keys().copied().collect();
    if numbers.is_empty() || rng.random_bool(0.5) {
        return Wish::Adjust {
            tenant,
            lines,
            memo,
        };
    }
    Wish::Correct {
        tenant,
        number: *pick(rng, &numbers),
        lines,
        memo,
    }
}

fn rare(rng: &mut SmallRng, known: &State) -> Wish {
    let version = known.ledger.cards.get(&card()).map(|card| card.version);
    if rng.random_bool(0.5) {
        return Wish::DeleteCard {
            card: card(),
            if_match: if_match(rng, version),
        };
    }
    Wish::RetireSource {
        source: source(rng),
        epoch: rng.random_range(0..2),
    }
}

fn source(rng: &mut SmallRng) -> Source {
    Source::new(pick::<&str>(rng, &["ingester-0", "ingester-1"])).expect("legal")
}

fn dimension() -> Dimension {
    Dimension::new("received_bytes").expect("legal")
}

fn sku() -> Sku {
    Sku::new("ingest").expect("legal")
}

fn card() -> CardName {
    CardName::new("standard").expect("legal")
}

fn euro() -> Currency {
    Currency::new("EUR").expect("legal")
}
