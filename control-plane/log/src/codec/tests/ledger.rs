//! Usage and money.

use std::collections::BTreeMap;

use takt_domain::ledger::card::{List, Price, Scheme, Tier};
use takt_domain::ledger::chain::{Hash, Head, Posting, What, verify};
use takt_domain::ledger::credit::{Grant, Promise};
use takt_domain::ledger::invoice::{Bill, Line as BillLine};
use takt_domain::ledger::journal::{Account, Cause, Entry, Line};
use takt_domain::ledger::rating::Rated;
use takt_domain::ledger::usage::{Line as UsageLine, Range, Usage};
use takt_domain::ledger::{
    CardName, Command, Currency, Dimension, Event, Period, Sku, Source, Terms,
};
use takt_domain::{Facts, decide};

use super::*;
use crate::codec::ledger::{posting_from, posting_to};

type Corpus = Vec<(&'static str, crate::codec::Event)>;

pub(super) fn corpus() -> Corpus {
    [postings(), terms_and_prices(), credits(), invoices()].concat()
}

fn postings() -> Corpus {
    let posting = |number, what| Event::Posted {
        tenant: tenant(),
        posting: Posting {
            number,
            at: UnixNano(1_700_000_000_000_000_001),
            previous: Hash([1; 32]),
            hash: Hash([2; 32]),
            what,
        },
    };
    let usage = Usage {
        source: source(),
        epoch: 3,
        period: period("2026-11"),
        late_for: Some(period("2026-10")),
        lines: vec![UsageLine {
            dimension: dimension(),
            from: 10,
            to: 20,
            quantity: 4096,
        }],
    };
    let accounts = [
        Account::Receivable,
        Account::Revenue(sku()),
        Account::Credits,
        Account::Commitments,
        Account::Tax,
        Account::WriteOff,
        Account::Cash,
        Account::Promotions,
        Account::Breakage,
        Account::Adjustments,
        Account::Minimum,
    ];
    let lines = accounts.into_iter().zip(-5..);
    let entry = Entry {
        cause: Cause::InvoiceFinalised(id(5)),
        memo: "every account".into(),
        lines: lines
            .map(|(account, amount)| line(account, amount))
            .collect(),
    };
    let reversal = Entry {
        cause: Cause::Reversed(7),
        memo: String::new(),
        lines: vec![line(Account::Cash, 1), line(Account::Receivable, -1)],
    };
    vec![
        (
            "ledger-0001-posted-usage",
            posting(1, What::Usage(usage)).into(),
        ),
        (
            "ledger-0001-posted-entry",
            posting(2, What::Entry(entry)).into(),
        ),
        (
            "ledger-0001-posted-reversal",
            posting(3, What::Entry(reversal)).into(),
        ),
        (
            "ledger-0002-source-retired",
            Event::SourceRetired {
                source: source(),
                epoch: 4,
            }
            .into(),
        ),
        (
            "ledger-0003-period-closed",
            Event::PeriodClosed {
                tenant: tenant(),
                period: period("2026-11"),
            }
            .into(),
        ),
    ]
}

fn terms_and_prices() -> Corpus {
    vec![
        (
            "ledger-0004-prices-put",
            Event::PricesPut {
                card: card(),
                currency: eur(),
                from: period("2026-11"),
                list: List {
                    prices: [(sku(), price())].into(),
                    minimum: 5_000_000,
                },
            }
            .into(),
        ),
        (
            "ledger-0005-card-deleted",
            Event::CardDeleted { card: card() }.into(),
        ),
        (
            "ledger-0006-terms-set",
            Event::TermsSet {
                tenant: tenant(),
                from: period("2026-11"),
                terms: Terms {
                    card: card(),
                    overrides: [(
                        sku(),
                        Price {
                            scheme: Scheme::Volume,
                            ..price()
                        },
                    )]
                    .into(),
                    minimum: Some(0),
                    tax_ppm: 190_000,
                    since: Some(UnixNano(1_793_500_000_000_000_000)),
                },
            }
            .into(),
        ),
    ]
}

fn credits() -> Corpus {
    let (tenant, credit, commitment) = (tenant(), id(5), id(6));
    vec![
        (
            "ledger-0007-credit-granted",
            Event::CreditGranted {
                tenant: tenant.clone(),
                credit,
                grant: grant(),
            }
            .into(),
        ),
        (
            "ledger-0008-credit-voided",
            Event::CreditVoided {
                tenant: tenant.clone(),
                credit,
                reason: "mistake".into(),
            }
            .into(),
        ),
        (
            "ledger-0009-credit-expired",
            Event::CreditExpired {
                tenant: tenant.clone(),
                credit,
            }
            .into(),
        ),
        (
            "ledger-0010-credit-forgotten",
            Event::CreditForgotten {
                tenant: tenant.clone(),
                credit,
            }
            .into(),
        ),
        (
            "ledger-0011-commitment-made",
            Event::CommitmentMade {
                tenant: tenant.clone(),
                commitment,
                promise: promise(),
            }
            .into(),
        ),
        (
            "ledger-0012-commitment-lapsed",
            Event::CommitmentLapsed { tenant, commitment }.into(),
        ),
    ]
}

fn invoices() -> Corpus {
    let (tenant, invoice) = (tenant(), id(7));
    let reason = || "mistake".to_owned();
    vec![
        (
            "ledger-0013-invoice-drafted",
            Event::InvoiceDrafted {
                tenant: tenant.clone(),
                invoice,
                bill: bill(),
            }
            .into(),
        ),
        (
            "ledger-0014-invoice-discarded",
            Event::InvoiceDiscarded {
                tenant: tenant.clone(),
                invoice,
            }
            .into(),
        ),
        (
            "ledger-0015-invoice-finalised",
            Event::InvoiceFinalised {
                tenant: tenant.clone(),
                invoice,
                number: 42,
            }
            .into(),
        ),
        (
            "ledger-0016-invoice-paid",
            Event::InvoicePaid {
                tenant: tenant.clone(),
                invoice,
                reference: "wire 7".into(),
            }
            .into(),
        ),
        (
            "ledger-0017-invoice-written-off",
            Event::InvoiceWrittenOff {
                tenant: tenant.clone(),
                invoice,
                reason: reason(),
            }
            .into(),
        ),
        (
            "ledger-0018-invoice-voided",
            Event::InvoiceVoided {
                tenant,
                invoice,
                reason: reason(),
            }
            .into(),
        ),
    ]
}

fn bill() -> Bill {
    Bill {
        period: period("2026-11"),
        currency: eur(),
        card: card(),
        list: period("2026-01"),
        lines: vec![
            BillLine::Usage {
                sku: sku(),
                dimension: dimension(),
                unit: 1000,
                rated: Rated {
                    tier: 1,
                    quantity: 4096,
                    unit_price: 50,
                    amount: 205,
                },
            },
            BillLine::Minimum { amount: 795 },
            BillLine::Credit {
                credit: id(5),
                amount: 100,
            },
            BillLine::Commitment {
                commitment: id(6),
                amount: 200,
            },
            BillLine::Tax {
                ppm: 190_000,
                base: 700,
                amount: 133,
            },
        ],
        total: 833,
    }
}

fn price() -> Price {
    let tiers = vec![
        Tier {
            up_to: Some(100),
            unit_price: 50,
        },
        Tier {
            up_to: None,
            unit_price: 40,
        },
    ];
    Price {
        dimension: dimension(),
        unit: 7,
        included: 20,
        scheme: Scheme::Graduated,
        tiers,
    }
}

fn grant() -> Grant {
    Grant {
        currency: eur(),
        amount: 500,
        priority: 3,
        expires: Some(UnixNano(1_800_000_000_000_000_000)),
        scope: [sku()].into(),
        prepaid: true,
        reason: "welcome".into(),
    }
}

fn promise() -> Promise {
    Promise {
        currency: eur(),
        amount: 900,
        from: period("2026-11"),
        through: period("2027-10"),
        reason: "contract".into(),
    }
}

/// A year of a tenant: commands on a day each, of which those are carried out that are allowed.
#[expect(clippy::too_many_lines, reason = "one command after another")]
fn commands() -> Vec<Command> {
    let tenant = tenant;
    let close = |text| Command::ClosePeriod {
        tenant: tenant(),
        period: period(text),
    };
    let draft = |text| Command::DraftInvoice {
        tenant: tenant(),
        period: period(text),
    };
    let if_match = None;
    // Credits, commitments and invoices are named by the place of their command in a run.
    let about = |n| id(n);
    vec![
        Command::PutPrices {
            card: card(),
            currency: eur(),
            from: period("2026-10"),
            list: List {
                prices: [(sku(), price())].into(),
                minimum: 3000,
            },
            if_match,
        },
        Command::SetTerms {
            tenant: tenant(),
            from: period("2026-10"),
            terms: Terms {
                card: card(),
                overrides: BTreeMap::new(),
                minimum: None,
                tax_ppm: 70_000,
                since: None,
            },
            if_match,
        },
        usage(1, 0, "2026-10"),
        Command::GrantCredit {
            tenant: tenant(),
            grant: grant(),
        },
        Command::Commit {
            tenant: tenant(),
            promise: promise(),
        },
        usage(1, 5, "2026-11"),
        close("2026-10"),
        draft("2026-10"),
        Command::FinaliseInvoice {
            tenant: tenant(),
            invoice: about(7),
            if_match,
        },
        usage(2, 0, "2026-10"),
        Command::VoidInvoice {
            tenant: tenant(),
            invoice: about(7),
            reason: "no".into(),
            if_match,
        },
        draft("2026-10"),
        Command::FinaliseInvoice {
            tenant: tenant(),
            invoice: about(11),
            if_match,
        },
        Command::PayInvoice {
            tenant: tenant(),
            invoice: about(11),
            reference: "wire".into(),
            if_match,
        },
        close("2026-11"),
        draft("2026-11"),
        Command::GrantCredit {
            tenant: tenant(),
            grant: Grant {
                prepaid: false,
                ..grant()
            },
        },
        Command::VoidCredit {
            tenant: tenant(),
            credit: about(16),
            reason: "oh".into(),
            if_match,
        },
        Command::Adjust {
            tenant: tenant(),
            lines: vec![line(Account::Cash, 1), line(Account::Adjustments, -1)],
            memo: "found".into(),
        },
        Command::Correct {
            tenant: tenant(),
            number: 12,
            lines: vec![],
            memo: "lost".into(),
        },
        Command::RetireSource {
            source: source(),
            epoch: 2,
        },
    ]
}

fn usage(epoch: u64, from: u64, text: &str) -> Command {
    Command::PostUsage {
        source: source(),
        epoch,
        ranges: vec![Range {
            tenant: tenant(),
            dimension: dimension(),
            from,
            to: from + 5,
            quantity: 1000,
            used_at: period(text).start(),
        }],
    }
}

/// The state after a run, and all postings in it.
fn run(skip: &[usize]) -> (State, Vec<Posting>) {
    let mut state = State::default();
    let mut postings = Vec::new();
    let created = takt_domain::tenants::Event::Created {
        tenant: tenant(),
        display_name: String::new(),
    };
    state.apply(&batch_of_at(0, &state, vec![created.into()]));
    for (number, command) in commands().into_iter().enumerate() {
        if skip.contains(&number) {
            continue;
        }
        let at = period("2027-01").start();
        let facts = Facts {
            at,
            command: CommandId(id(number as u128)),
        };
        let Ok(events) = decide(&state, &command.into(), &facts) else {
            continue;
        };
        for event in &events {
            if let crate::codec::Event::Ledger(Event::Posted { posting, .. }) = event {
                postings.push(posting.clone());
            }
        }
        state.apply(&batch_of_at(number as u128 + 1, &state, events));
    }
    (state, postings)
}

fn batch_of_at(number: u128, state: &State, events: Vec<crate::codec::Event>) -> Batch {
    Batch {
        command: CommandId(Uuid::from_u128(number)),
        decided_at: state.revision,
        ..batch_of(events)
    }
}

#[test]
fn the_year_is_carried_out_to_its_end() {
    let (state, postings) = run(&[]);
    let book = state.ledger.book(&tenant());
    assert_eq!(state.ledger.last_invoice, 2);
    assert_eq!(
        (
            book.invoices.len(),
            book.credits.len(),
            book.commitments.len()
        ),
        (3, 2, 1)
    );
    assert_eq!(
        (
            book.reversed.len(),
            state.ledger.retired.len(),
            postings.len()
        ),
        (1, 1, 13)
    );
}

proptest! {
    #[test]
    fn a_ledger_survives_its_snapshot(skip in prop::collection::vec(0_usize..21, 0..8)) {
        let (state, _) = run(&skip);
        let sealed = seal_snapshot(&state, &AppliedAt::default());
        let (opened, applied) = open_snapshot(&sealed).unwrap();
        prop_assert_eq!(seal_snapshot(&opened, &applied), sealed);
        prop_assert_eq!(opened, state);
    }

    /// Whichever bit of a stored posting flips, it cannot be read, does not verify, or means the same.
    #[test]
    fn any_flipped_bit_of_a_stored_posting_is_noticed(
        which in any::<prop::sample::Index>(), bit in any::<prop::sample::Index>(),
    ) {
        let (_, mut postings) = run(&[]);
        let index = which.index(postings.len());
        let mut bytes = posting_to(&postings[index]).encode_to_vec();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = stored::Posting::decode(bytes.as_slice()).ok().and_then(|posting| posting_from(posting).ok());
        if let Some(read) = read && read != postings[index] {
            postings[index] = read;
            prop_assert!(verify(&tenant(), Head::default(), &postings).is_err());
        }
    }
}

fn tenant() -> TenantId {
    TenantId::new("team-1").unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn period(text: &str) -> Period {
    text.parse().unwrap()
}

fn eur() -> Currency {
    Currency::new("EUR").unwrap()
}

fn sku() -> Sku {
    Sku::new("ingest").unwrap()
}

fn card() -> CardName {
    CardName::new("standard").unwrap()
}

fn dimension() -> Dimension {
    Dimension::new("received_bytes").unwrap()
}

fn source() -> Source {
    Source::new("ingester-1").unwrap()
}

fn line(account: Account, amount: i64) -> Line {
    Line {
        account,
        currency: eur(),
        amount,
    }
}
