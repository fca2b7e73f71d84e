//! What holds of every history of usage and money.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use takt_domain::ledger::card::{List, Price, Scheme, Terms, Tier};
use takt_domain::ledger::chain::{self, Head, Posting, What};
use takt_domain::ledger::credit::{Grant, Promise};
use takt_domain::ledger::journal::{Entry, Line};
use takt_domain::ledger::rating::rate;
use takt_domain::ledger::usage::Range;
use takt_domain::ledger::{
    Account, CardName, Command, Currency, Dimension, Event, Period, Share, Sku, Source, due,
};
use takt_domain::{Applied, Batch, CommandId, Facts, State, decide, invariants, tenants};
use takt_model::{TenantId, UnixNano};
use uuid::Uuid;

const DAY: u64 = 86_400_000_000_000;

/// Something that may happen; ids are drawn from what is there.
#[derive(Debug, Clone)]
enum Step {
    Use {
        epoch: u64,
        from: u64,
        len: u64,
        quantity: u64,
        days_ago: u64,
    },
    Days(u64),
    Sweep,
    Grant {
        amount: i64,
        priority: u32,
        days: Option<u64>,
        scoped: bool,
        prepaid: bool,
    },
    Commit {
        amount: i64,
        periods: u32,
    },
    VoidCredit(usize),
    Close,
    Draft(usize),
    Finalise(usize),
    Pay(usize),
    WriteOff(usize),
    VoidInvoice(usize),
    Adjust(i64),
    Correct(u64),
    Prices {
        unit: u64,
        price: i64,
        minimum: i64,
    },
    Tax(u32),
    Retire(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let pick = 0_usize..8;
    prop_oneof![
        6 => (1_u64..3, 0_u64..20, 1_u64..6, 0_u64..10_000, 0_u64..70).prop_map(
            |(epoch, from, len, quantity, days_ago)| Step::Use { epoch, from, len, quantity, days_ago }
        ),
        3 => (1_u64..45).prop_map(Step::Days),
        2 => Just(Step::Sweep),
        2 => (1_i64..5000, 0_u32..3, prop::option::of(1_u64..60), any::<bool>(), any::<bool>()).prop_map(
            |(amount, priority, days, scoped, prepaid)| Step::Grant { amount, priority, days, scoped, prepaid }
        ),
        1 => (1_i64..5000, 0_u32..3).prop_map(|(amount, periods)| Step::Commit { amount, periods }),
        1 => pick.clone().prop_map(Step::VoidCredit),
        2 => Just(Step::Close),
        4 => pick.clone().prop_map(Step::Draft),
        4 => pick.clone().prop_map(Step::Finalise),
        1 => pick.clone().prop_map(Step::Pay),
        1 => pick.clone().prop_map(Step::WriteOff),
        2 => pick.prop_map(Step::VoidInvoice),
        1 => (-500_i64..500).prop_map(Step::Adjust),
        1 => (1_u64..30).prop_map(Step::Correct),
        1 => (1_u64..7, 0_i64..9, 0_i64..2000).prop_map(
            |(unit, price, minimum)| Step::Prices { unit, price, minimum }
        ),
        1 => (0_u32..400_000).prop_map(Step::Tax),
        1 => (0_u64..2).prop_map(Step::Retire),
    ]
}

/// A run of steps, checked after each.
struct World {
    state: State,
    now: UnixNano,
    count: u128,
    log: Vec<Batch>,
}

impl World {
    fn run(steps: &[Step]) -> Self {
        let mut world = Self {
            state: State::default(),
            now: UnixNano(period("2026-11").start().0 + 3 * DAY),
            count: 0,
            log: Vec::new(),
        };
        let created = tenants::Event::Created {
            tenant: tenant(),
            display_name: String::new(),
        };
        world.apply(vec![created.into()]);
        world.ask(prices(period("2026-01"), 3, 7, 0));
        world.ask(terms(period("2026-10"), 0));
        for step in steps {
            match step {
                Step::Days(days) => world.now.0 += days * DAY,
                Step::Sweep => {
                    for command in due(&world.state, world.now, 10) {
                        assert!(world.ask(command), "what is due is allowed");
                    }
                }
                step => {
                    if let Some(command) = world.command(step) {
                        world.ask(command);
                    }
                }
            }
        }
        world
    }

    #[expect(clippy::too_many_lines, reason = "one arm per step")]
    fn command(&self, step: &Step) -> Option<Command> {
        let tenant = tenant();
        let book = self.state.ledger.book(&tenant);
        let some = |ids: Vec<Uuid>, index: usize| ids.get(index % ids.len().max(1)).copied();
        let invoice = |index| some(book.invoices.keys().copied().collect(), index);
        let if_match = None;
        Some(match step {
            Step::Use {
                epoch,
                from,
                len,
                quantity,
                days_ago,
            } => Command::PostUsage {
                source: source(),
                epoch: *epoch,
                ranges: vec![Range {
                    tenant,
                    dimension: dimension(),
                    from: *from,
                    to: from + len,
                    quantity: *quantity,
                    used_at: UnixNano(self.now.0 - days_ago * DAY),
                }],
            },
            Step::Grant {
                amount,
                priority,
                days,
                scoped,
                prepaid,
            } => Command::GrantCredit {
                tenant,
                grant: Grant {
                    currency: eur(),
                    amount: *amount,
                    priority: *priority,
                    expires: days.map(|days| UnixNano(self.now.0 + days * DAY)),
                    scope: scoped.then(sku).into_iter().collect(),
                    prepaid: *prepaid,
                    reason: String::new(),
                },
            },
            Step::Commit { amount, periods } => {
                let from = Period::of(self.now);
                let through = (0..*periods).fold(from, |period, _| period.next());
                let (amount, currency, reason) = (*amount, eur(), String::new());
                Command::Commit {
                    tenant,
                    promise: Promise {
                        currency,
                        amount,
                        from,
                        through,
                        reason,
                    },
                }
            }
            Step::VoidCredit(index) => Command::VoidCredit {
                tenant,
                credit: some(book.credits.keys().copied().collect(), *index)?,
                reason: String::new(),
                if_match,
            },
            Step::Close => Command::ClosePeriod {
                tenant,
                period: book.open_periods().next()?,
            },
            Step::Draft(index) => {
                let period = book
                    .usage
                    .keys()
                    .nth(index % book.usage.len().max(1))
                    .copied()?;
                Command::DraftInvoice { tenant, period }
            }
            Step::Finalise(index) => Command::FinaliseInvoice {
                tenant,
                invoice: invoice(*index)?,
                if_match,
            },
            Step::Pay(index) => Command::PayInvoice {
                tenant,
                invoice: invoice(*index)?,
                reference: String::new(),
                if_match,
            },
            Step::WriteOff(index) => Command::WriteOffInvoice {
                tenant,
                invoice: invoice(*index)?,
                reason: String::new(),
                if_match,
            },
            Step::VoidInvoice(index) => Command::VoidInvoice {
                tenant,
                invoice: invoice(*index)?,
                reason: String::new(),
                if_match,
            },
            Step::Adjust(amount) => Command::Adjust {
                tenant,
                lines: goodwill(*amount),
                memo: String::new(),
            },
            Step::Correct(number) => Command::Correct {
                tenant,
                number: *number,
                lines: goodwill(1),
                memo: String::new(),
            },
            Step::Prices {
                unit,
                price,
                minimum,
            } => prices(Period::of(self.now).next(), *unit, *price, *minimum),
            Step::Tax(ppm) => terms(Period::of(self.now).next(), *ppm),
            Step::Retire(epoch) => Command::RetireSource {
                source: source(),
                epoch: *epoch,
            },
            Step::Days(_) | Step::Sweep => return None,
        })
    }

    /// Whether it was allowed.
    fn ask(&mut self, command: Command) -> bool {
        self.count += 1;
        let facts = Facts {
            at: self.now,
            command: CommandId(Uuid::from_u128(self.count)),
        };
        let Ok(events) = decide(&self.state, &command.into(), &facts) else {
            return false;
        };
        self.apply(events);
        true
    }

    fn apply(&mut self, events: Vec<takt_domain::Event>) {
        let batch = Batch {
            command: CommandId(Uuid::from_u128(self.count + 1_000_000_000)),
            actor: "property".into(),
            at: self.now,
            decided_at: self.state.revision,
            after: None,
            events,
        };
        self.count += 1;
        assert!(matches!(self.state.apply(&batch), Applied::At(_)));
        invariants::check(&self.state).unwrap();
        self.log.push(batch);
    }

    fn postings(&self) -> Vec<Posting> {
        let events = self.log.iter().flat_map(|batch| &batch.events);
        events
            .filter_map(|event| match event {
                takt_domain::Event::Ledger(Event::Posted { posting, .. }) => Some(posting.clone()),
                _ => None,
            })
            .collect()
    }
}

proptest! {
    /// Balanced, backed, chained and numbered after every step (the world checks it), and the chain
    /// of all postings leads to the head, from wherever one begins.
    #[test]
    fn every_book_is_balanced_and_its_chain_verifies(
        steps in prop::collection::vec(step(), 0..80), cut in 0_usize..40,
    ) {
        let world = World::run(&steps);
        let postings = world.postings();
        let head = chain::verify(&tenant(), Head::default(), &postings).unwrap();
        prop_assert_eq!(head, world.state.ledger.book(&tenant()).head);
        let cut = cut.min(postings.len());
        let middle = chain::verify(&tenant(), Head::default(), &postings[..cut]).unwrap();
        prop_assert_eq!(chain::verify(&tenant(), middle, &postings[cut..]), Ok(head));
    }

    /// The balances are the sums of all entries, and the usage is the sum of all that was posted.
    #[test]
    fn a_book_is_the_sum_of_its_postings(steps in prop::collection::vec(step(), 0..80)) {
        let world = World::run(&steps);
        let book = world.state.ledger.book(&tenant());
        let mut balances: BTreeMap<(Account, Currency), i64> = BTreeMap::new();
        let mut usage: BTreeMap<Period, u64> = BTreeMap::new();
        for posting in world.postings() {
            match posting.what {
                What::Entry(entry) => for line in entry.lines {
                    *balances.entry((line.account, line.currency)).or_default() += line.amount;
                },
                What::Usage(posted) => for line in posted.lines {
                    *usage.entry(posted.period).or_default() += line.quantity;
                },
            }
        }
        balances.retain(|_, amount| *amount != 0);
        prop_assert_eq!(balances, book.balances.iter().map(|(k, v)| (k.clone(), *v)).collect());
        let kept: BTreeMap<Period, u64> =
            book.usage.iter().map(|(period, of)| (*period, of[&dimension()])).collect();
        usage.retain(|period, _| kept.contains_key(period));
        prop_assert_eq!(usage, kept);
    }

    /// Whatever order and however often ranges arrive, each offset counts once: what is posted is what
    /// a source that never failed would have posted up to the mark.
    #[test]
    fn usage_counts_once(deliveries in prop::collection::vec((0_u64..12, 1_u64..5), 0..60)) {
        let mut world = World::run(&[]);
        for (from, len) in deliveries {
            let quantity = |offset: u64| offset * offset + 1;
            world.ask(Command::PostUsage {
                source: source(),
                epoch: 1,
                ranges: vec![Range {
                    tenant: tenant(),
                    dimension: dimension(),
                    from,
                    to: from + len,
                    quantity: (from..from + len).map(quantity).sum(),
                    used_at: world.now,
                }],
            });
            let book = world.state.ledger.book(&tenant());
            let mark = book.marks.get(&(source(), dimension())).map_or(0, |mark| mark.to);
            let total = book.usage.get(&Period::of(world.now)).map_or(0, |of| of[&dimension()]);
            prop_assert_eq!(total, (0..mark).map(quantity).sum::<u64>());
        }
    }

    /// A posting that is changed in any field is noticed.
    #[test]
    fn a_changed_posting_breaks_the_chain(
        steps in prop::collection::vec(step(), 5..40), which in any::<prop::sample::Index>(),
        how in 0_u32..12, bit in 0_u32..64,
    ) {
        let world = World::run(&steps);
        let mut postings = world.postings();
        prop_assume!(!postings.is_empty());
        let index = which.index(postings.len());
        let before = postings.clone();
        tamper(&mut postings[index], how, bit);
        prop_assume!(postings != before);
        let verdict = chain::verify(&tenant(), Head::default(), &postings);
        prop_assert!(verdict.is_err(), "{:?}", postings[index]);
    }

    /// Every invoice is the sum of its lines, and its usage lines are what each SKU costs.
    #[test]
    fn invoices_are_the_sum_of_their_lines(steps in prop::collection::vec(step(), 0..80)) {
        let world = World::run(&steps);
        for invoice in world.state.ledger.book(&tenant()).invoices.values() {
            let lines = invoice.bill.lines.iter();
            let sum: i64 = lines.map(takt_domain::ledger::invoice::Line::amount).sum();
            prop_assert_eq!(sum, invoice.bill.total);
            prop_assert!(sum >= 0);
        }
    }

    /// The lines sum to the exact cost, rounded once, half up; the residue is zero.
    #[test]
    fn a_rating_is_the_sum_of_its_lines(price in price(), quantity in 0_u64..100_000) {
        let rated = rate(&sku(), &price, quantity, Share::ALL).unwrap();
        let exact: i128 = rated.iter().map(|of| i128::from(of.quantity) * i128::from(of.unit_price)).sum();
        let total: i128 = rated.iter().map(|of| i128::from(of.amount)).sum();
        let unit = i128::from(price.unit);
        prop_assert_eq!(total, (2 * exact + unit) / (2 * unit));
        for of in &rated {
            let floor = i128::from(of.quantity) * i128::from(of.unit_price) / unit;
            prop_assert!((floor..=floor + 1).contains(&i128::from(of.amount)));
        }
        let billed: u64 = rated.iter().map(|of| of.quantity).sum();
        prop_assert_eq!(billed, quantity.saturating_sub(price.included));
    }

    /// More never costs less: with graduated prices at all, with volume prices within a tier.
    #[test]
    fn more_never_costs_less(price in price(), quantity in 0_u64..100_000, more in 0_u64..100_000) {
        let cost = |quantity| {
            let rated = rate(&sku(), &price, quantity, Share::ALL).unwrap();
            (rated.first().map(|of| of.tier), rated.iter().map(|of| of.amount).sum::<i64>())
        };
        let (tier, less) = cost(quantity);
        let (tier_of_more, not_less) = cost(quantity + more);
        prop_assume!(price.scheme == Scheme::Graduated || tier == tier_of_more || tier.is_none());
        prop_assert!(less <= not_less);
    }

    /// A replica that starts from a copy ends where one ends that saw everything.
    #[test]
    fn replay_equals_a_copy_plus_the_rest(steps in prop::collection::vec(step(), 0..60), cut in 0_usize..60) {
        let world = World::run(&steps);
        let cut = cut.min(world.log.len());
        let mut copy = State::default();
        for batch in &world.log[..cut] {
            copy.apply(batch);
        }
        let mut resumed = copy.clone();
        for batch in &world.log[cut..] {
            resumed.apply(batch);
        }
        prop_assert_eq!(resumed, world.state);
    }
}

fn tamper(posting: &mut Posting, how: u32, bit: u32) {
    let flip = 1_u64 << bit;
    match how {
        0 => posting.number ^= flip,
        1 => posting.at.0 ^= flip,
        2 => posting.previous.0[bit as usize / 2] ^= 1 << (bit % 8),
        3 => posting.hash.0[bit as usize / 2] ^= 1 << (bit % 8),
        _ => match &mut posting.what {
            What::Usage(usage) => match how {
                4 => usage.epoch ^= flip,
                5 => usage.period = usage.period.next(),
                6 => usage.late_for = usage.late_for.xor(Some(usage.period)),
                7 => usage.lines[0].from ^= flip,
                8 => usage.lines[0].to ^= flip,
                9 => usage.lines[0].quantity ^= flip,
                10 => usage.lines.push(usage.lines[0].clone()),
                _ => usage.source = Source::new("node-2").unwrap(),
            },
            What::Entry(entry) => tamper_entry(entry, how, flip),
        },
    }
}

fn tamper_entry(entry: &mut Entry, how: u32, flip: u64) {
    match how {
        4 | 5 => entry.lines[0].amount ^= flip.cast_signed(),
        6 => entry.lines[0].account = Account::Adjustments,
        7 => entry.lines[0].currency = Currency::new("USD").unwrap(),
        8 => entry.memo.push('!'),
        9 => entry.lines.swap(0, 1),
        10 => entry.lines.clear(),
        _ => entry.cause = takt_domain::ledger::journal::Cause::Reversed(flip),
    }
}

fn price() -> impl Strategy<Value = Price> {
    let tiers = prop::collection::btree_set(1_u64..50_000, 0..4);
    let costs = prop::collection::vec(0_i64..1_000_000, 5);
    (1_u64..2000, 0_u64..1000, any::<bool>(), tiers, costs).prop_map(
        |(unit, included, graduated, tiers, costs)| {
            let bounds = tiers.into_iter().map(Some).chain([None]);
            let tiers = bounds.zip(costs);
            Price {
                dimension: dimension(),
                unit,
                included,
                scheme: if graduated {
                    Scheme::Graduated
                } else {
                    Scheme::Volume
                },
                tiers: tiers
                    .map(|(up_to, unit_price)| Tier { up_to, unit_price })
                    .collect(),
            }
        },
    )
}

fn prices(from: Period, unit: u64, price: i64, minimum: i64) -> Command {
    let tiers = vec![
        Tier {
            up_to: Some(1000),
            unit_price: price + 1,
        },
        Tier {
            up_to: None,
            unit_price: price,
        },
    ];
    let scheme = Scheme::Graduated;
    let price = Price {
        dimension: dimension(),
        unit,
        included: 10,
        scheme,
        tiers,
    };
    Command::PutPrices {
        card: card(),
        currency: eur(),
        from,
        list: List {
            prices: [(sku(), price)].into(),
            minimum,
        },
        if_match: None,
    }
}

fn terms(from: Period, tax_ppm: u32) -> Command {
    let overrides = BTreeMap::new();
    let terms = Terms {
        card: card(),
        overrides,
        minimum: None,
        tax_ppm,
        since: None,
    };
    Command::SetTerms {
        tenant: tenant(),
        from,
        terms,
        if_match: None,
    }
}

fn goodwill(amount: i64) -> Vec<Line> {
    let line = |account, amount| Line {
        account,
        currency: eur(),
        amount,
    };
    vec![
        line(Account::Adjustments, amount),
        line(Account::Receivable, -amount),
    ]
}

fn tenant() -> TenantId {
    TenantId::new("a").unwrap()
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
    Dimension::new("bytes").unwrap()
}

fn source() -> Source {
    Source::new("node-1").unwrap()
}

#[test]
fn the_steps_reach_every_event() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for _ in 0..200 {
        let steps = prop::collection::vec(step(), 80)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        for batch in World::run(&steps).log {
            for event in batch.events {
                if let takt_domain::Event::Ledger(event) = event {
                    let text = format!("{event:?}");
                    names.insert(text.split([' ', '{']).next().unwrap().to_owned());
                }
            }
        }
    }
    let expected = [
        "CommitmentLapsed",
        "CommitmentMade",
        "CreditExpired",
        "CreditGranted",
        "CreditVoided",
        "InvoiceDiscarded",
        "InvoiceDrafted",
        "InvoiceFinalised",
        "InvoicePaid",
        "InvoiceVoided",
        "InvoiceWrittenOff",
        "PeriodClosed",
        "Posted",
        "PricesPut",
        "SourceRetired",
        "TermsSet",
    ];
    assert_eq!(names, expected.map(str::to_owned).into());
}
