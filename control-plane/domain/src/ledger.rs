//! What was used and what it costs: double entry in whole micro-units, append-only, hash-chained.
//!
//! Everything that happens to a tenant's usage and money is a posting of that tenant's chain
//! ([`chain`]). The state keeps one [`Book`] of sums per tenant and the head of its chain; the postings
//! themselves are the events of the log, and its history has them all. So the state grows with tenants,
//! their sources and their terms, and not with traffic.
//!
//! Usage is posted once however often it is reported ([`usage`]), rated exactly ([`rating`]), and billed by
//! calendar month ([`invoice`]). Nothing is edited: what was wrong is taken back by an entry that reverses
//! it.

mod book;
mod due;
mod money;
mod names;
mod period;
mod rejection;

pub mod card;
pub mod chain;
pub mod credit;
pub(crate) mod invariants;
pub mod invoice;
pub mod journal;
pub mod rating;
pub mod usage;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use takt_model::{Revision, TenantId, UnixNano};
use uuid::Uuid;

pub use book::{Book, KEPT_ENTRIES, KEPT_PERIODS};
pub use card::{Card, Terms};
pub use chain::{Hash, Head, Posting};
pub use credit::{Commitment, Credit};
pub use due::{CLOSE_AFTER, due};
pub use invoice::{Bill, Invoice};
pub use journal::{Account, Entry};
pub use money::{Currency, CurrencyError, Share};
pub use names::{CardName, Dimension, NameError, Sku, Source};
pub use period::{Period, PeriodError};
pub use rejection::Rejection;

use crate::tenants::matches;
use crate::{Facts, Map, Resource, State, Subject};

/// How many sources may be retired.
pub const MAX_RETIRED: usize = 65_536;

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    pub books: Map<TenantId, Arc<Book>>,
    pub cards: Map<CardName, Arc<Card>>,
    /// Sources that are no more, and the last epoch they may have had.
    pub retired: Map<Source, u64>,
    /// The number of the last invoice that was made final.
    pub last_invoice: u64,
    /// The latest period that is closed for anybody.
    pub closed_through: Option<Period>,
}

impl Ledger {
    /// A tenant's book; an empty one if nothing was posted yet.
    #[must_use]
    pub fn book(&self, tenant: &TenantId) -> &Book {
        static EMPTY: LazyLock<Book> = LazyLock::new(Book::default);
        self.books.get(tenant).map_or(&EMPTY, |book| book)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// What a source measured; see [`usage`].
    PostUsage {
        source: Source,
        epoch: u64,
        ranges: Vec<usage::Range>,
    },
    /// A source is no more: its marks are dropped, and epochs up to this one are taken no longer.
    RetireSource {
        source: Source,
        epoch: u64,
    },
    ClosePeriod {
        tenant: TenantId,
        period: Period,
    },
    /// The prices of a card from a period on.
    PutPrices {
        card: CardName,
        currency: Currency,
        from: Period,
        list: card::List,
        if_match: Option<Revision>,
    },
    DeleteCard {
        card: CardName,
        if_match: Option<Revision>,
    },
    SetTerms {
        tenant: TenantId,
        from: Period,
        terms: Terms,
        if_match: Option<Revision>,
    },
    /// The credit is named by the command's id.
    GrantCredit {
        tenant: TenantId,
        grant: credit::Grant,
    },
    VoidCredit {
        tenant: TenantId,
        credit: Uuid,
        reason: String,
        if_match: Option<Revision>,
    },
    ExpireCredit {
        tenant: TenantId,
        credit: Uuid,
    },
    /// The commitment is named by the command's id.
    Commit {
        tenant: TenantId,
        promise: credit::Promise,
    },
    LapseCommitment {
        tenant: TenantId,
        commitment: Uuid,
    },
    /// The invoice is named by the command's id.
    DraftInvoice {
        tenant: TenantId,
        period: Period,
    },
    FinaliseInvoice {
        tenant: TenantId,
        invoice: Uuid,
        if_match: Option<Revision>,
    },
    PayInvoice {
        tenant: TenantId,
        invoice: Uuid,
        reference: String,
        if_match: Option<Revision>,
    },
    WriteOffInvoice {
        tenant: TenantId,
        invoice: Uuid,
        reason: String,
        if_match: Option<Revision>,
    },
    VoidInvoice {
        tenant: TenantId,
        invoice: Uuid,
        reason: String,
        if_match: Option<Revision>,
    },
    /// An entry by hand.
    Adjust {
        tenant: TenantId,
        lines: Vec<journal::Line>,
        memo: String,
    },
    /// Takes back an entry by hand, and posts what it should have been, if anything.
    Correct {
        tenant: TenantId,
        number: u64,
        lines: Vec<journal::Line>,
        memo: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Posted {
        tenant: TenantId,
        posting: Posting,
    },
    SourceRetired {
        source: Source,
        epoch: u64,
    },
    PeriodClosed {
        tenant: TenantId,
        period: Period,
    },
    PricesPut {
        card: CardName,
        currency: Currency,
        from: Period,
        list: card::List,
    },
    CardDeleted {
        card: CardName,
    },
    TermsSet {
        tenant: TenantId,
        from: Period,
        terms: Terms,
    },
    CreditGranted {
        tenant: TenantId,
        credit: Uuid,
        grant: credit::Grant,
    },
    CreditVoided {
        tenant: TenantId,
        credit: Uuid,
        reason: String,
    },
    CreditExpired {
        tenant: TenantId,
        credit: Uuid,
    },
    /// It was used up or over and made room for another.
    CreditForgotten {
        tenant: TenantId,
        credit: Uuid,
    },
    CommitmentMade {
        tenant: TenantId,
        commitment: Uuid,
        promise: credit::Promise,
    },
    CommitmentLapsed {
        tenant: TenantId,
        commitment: Uuid,
    },
    InvoiceDrafted {
        tenant: TenantId,
        invoice: Uuid,
        bill: Bill,
    },
    InvoiceDiscarded {
        tenant: TenantId,
        invoice: Uuid,
    },
    InvoiceFinalised {
        tenant: TenantId,
        invoice: Uuid,
        number: u64,
    },
    InvoicePaid {
        tenant: TenantId,
        invoice: Uuid,
        reference: String,
    },
    InvoiceWrittenOff {
        tenant: TenantId,
        invoice: Uuid,
        reason: String,
    },
    InvoiceVoided {
        tenant: TenantId,
        invoice: Uuid,
        reason: String,
    },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let of = |resource, tenant: &TenantId, name: String| Subject {
            name,
            ..Subject::of_tenant(resource, tenant)
        };
        match self {
            Self::Posted { tenant, posting } => match &posting.what {
                chain::What::Usage(usage) => of(Resource::Usage, tenant, usage.source.to_string()),
                chain::What::Entry(_) => Subject::of_tenant(Resource::Account, tenant),
            },
            Self::SourceRetired { source, .. } => {
                Subject::named(Resource::Usage, source.to_string())
            }
            Self::PeriodClosed { tenant, .. } | Self::TermsSet { tenant, .. } => {
                Subject::of_tenant(Resource::Account, tenant)
            }
            Self::PricesPut { card, .. } | Self::CardDeleted { card } => {
                Subject::named(Resource::RateCard, card.to_string())
            }
            Self::CreditGranted { tenant, credit, .. }
            | Self::CreditVoided { tenant, credit, .. }
            | Self::CreditExpired { tenant, credit }
            | Self::CreditForgotten { tenant, credit } => {
                of(Resource::Credit, tenant, credit.to_string())
            }
            Self::CommitmentMade {
                tenant, commitment, ..
            }
            | Self::CommitmentLapsed { tenant, commitment } => {
                of(Resource::Credit, tenant, commitment.to_string())
            }
            Self::InvoiceDrafted {
                tenant, invoice, ..
            }
            | Self::InvoiceDiscarded { tenant, invoice }
            | Self::InvoiceFinalised {
                tenant, invoice, ..
            }
            | Self::InvoicePaid {
                tenant, invoice, ..
            }
            | Self::InvoiceWrittenOff {
                tenant, invoice, ..
            }
            | Self::InvoiceVoided {
                tenant, invoice, ..
            } => of(Resource::Invoice, tenant, invoice.to_string()),
        }
    }

    /// With every fact of a tenant its account, and with an invoice what it was paid from.
    pub(crate) fn changes(&self) -> Vec<Subject> {
        let subject = self.subject();
        let Some(tenant) = subject.tenant.clone() else {
            // No list says of usage where it came from.
            let shown = subject.resource != Resource::Usage;
            return shown.then_some(subject).into_iter().collect();
        };
        let account = Subject::of_tenant(Resource::Account, &tenant);
        let mut changed = vec![account];
        if subject.resource == Resource::Invoice {
            changed.push(Subject::of_tenant(Resource::Credit, &tenant));
        }
        if !matches!(subject.resource, Resource::Usage | Resource::Account) {
            changed.push(subject);
        }
        changed
    }
}

pub(crate) fn decide(
    state: &State,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let events = judge(state, command, facts)?;
    Ok(events.into_iter().map(Into::into).collect())
}

fn judge(state: &State, command: &Command, facts: &Facts) -> Result<Vec<Event>, crate::Rejection> {
    Ok(match command {
        Command::PostUsage {
            source,
            epoch,
            ranges,
        } => usage::post(state, source, *epoch, ranges, facts)?,
        Command::RetireSource { source, epoch } => retire(state, source, *epoch)?,
        Command::ClosePeriod { tenant, period } => close(state, tenant, *period, facts)?,
        Command::PutPrices {
            card,
            currency,
            from,
            list,
            if_match,
        } => put_prices(state, card, *currency, *from, list, *if_match)?,
        Command::DeleteCard { card, if_match } => delete_card(state, card, *if_match)?,
        Command::SetTerms {
            tenant,
            from,
            terms,
            if_match,
        } => set_terms(state, tenant, *from, terms, *if_match)?,
        Command::GrantCredit { tenant, grant } => credit::grant(state, tenant, grant, facts)?,
        Command::VoidCredit {
            tenant,
            credit,
            reason,
            if_match,
        } => credit::void(state, tenant, *credit, reason, *if_match, facts)?,
        Command::ExpireCredit { tenant, credit } => credit::expire(state, tenant, *credit, facts)?,
        Command::Commit { tenant, promise } => credit::commit(state, tenant, promise, facts)?,
        Command::LapseCommitment { tenant, commitment } => {
            credit::lapse(state, tenant, *commitment, facts)?
        }
        Command::DraftInvoice { tenant, period } => invoice::draft(state, tenant, *period, facts)?,
        Command::FinaliseInvoice {
            tenant,
            invoice,
            if_match,
        } => invoice::finalise(state, tenant, *invoice, *if_match, facts)?,
        Command::PayInvoice {
            tenant,
            invoice,
            reference,
            if_match,
        } => {
            let end = (invoice::End::Paid, reference.as_str());
            invoice::settle(state, tenant, *invoice, end, *if_match, facts)?
        }
        Command::WriteOffInvoice {
            tenant,
            invoice,
            reason,
            if_match,
        } => {
            let end = (invoice::End::WrittenOff, reason.as_str());
            invoice::settle(state, tenant, *invoice, end, *if_match, facts)?
        }
        Command::VoidInvoice {
            tenant,
            invoice,
            reason,
            if_match,
        } => invoice::void(state, tenant, *invoice, reason, *if_match, facts)?,
        Command::Adjust {
            tenant,
            lines,
            memo,
        } => adjust(state, tenant, lines, memo, facts)?,
        Command::Correct {
            tenant,
            number,
            lines,
            memo,
        } => correct(state, tenant, *number, lines, memo, facts)?,
    })
}

/// Whoever was ever created has a book, so that a deleted tenant gets its last bill; and so has everybody
/// together where tenants are not told apart.
fn known(state: &State, tenant: &TenantId) -> Result<(), Rejection> {
    if state.tenants.contains_key(tenant) || tenant.as_str() == TenantId::SINGLE {
        Ok(())
    } else {
        Err(Rejection::TenantUnknown(tenant.clone()))
    }
}

fn bounded_memo(memo: &str) -> Result<(), Rejection> {
    if memo.len() > journal::MAX_MEMO_BYTES {
        return Err(Rejection::MemoTooLong(memo.len()));
    }
    Ok(())
}

fn retire(state: &State, source: &Source, epoch: u64) -> Result<Vec<Event>, Rejection> {
    match state.ledger.retired.get(source) {
        Some(retired) if *retired >= epoch => return Ok(Vec::new()),
        None if state.ledger.retired.len() >= MAX_RETIRED => {
            return Err(Rejection::TooManyRetired);
        }
        Some(_) | None => {}
    }
    Ok(vec![Event::SourceRetired {
        source: source.clone(),
        epoch,
    }])
}

fn close(
    state: &State,
    tenant: &TenantId,
    period: Period,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    known(state, tenant)?;
    let book = state.ledger.book(tenant);
    if book.closed_through >= Some(period) {
        return Ok(Vec::new());
    }
    if facts.at < period.end() {
        return Err(Rejection::PeriodNotOver(period));
    }
    match book.open_periods().next() {
        Some(earliest) if earliest < period => Err(Rejection::PeriodsOutOfOrder(earliest)),
        Some(_) | None => Ok(vec![Event::PeriodClosed {
            tenant: tenant.clone(),
            period,
        }]),
    }
}

fn put_prices(
    state: &State,
    name: &CardName,
    currency: Currency,
    from: Period,
    list: &card::List,
    if_match: Option<Revision>,
) -> Result<Vec<Event>, crate::Rejection> {
    list.check()?;
    match state.ledger.cards.get(name) {
        Some(card) => {
            matches(if_match, card.version)?;
            if card.currency != currency {
                return Err(Rejection::CardCurrency(name.clone(), card.currency).into());
            }
            match card.lists.get(&from) {
                Some(found) if found == list => return Ok(Vec::new()),
                None if card.lists.len() >= card::MAX_LISTS => {
                    return Err(Rejection::TooManyLists(name.clone()).into());
                }
                Some(_) | None => {}
            }
            // Prices that somebody may have been billed by stay.
            if let Some(closed) = state.ledger.closed_through.filter(|closed| from <= *closed) {
                return Err(Rejection::PricesInForce(closed).into());
            }
        }
        None => {
            matches(if_match, Revision(0))?;
            if state.ledger.cards.len() >= card::MAX_CARDS {
                return Err(Rejection::TooManyCards.into());
            }
        }
    }
    Ok(vec![Event::PricesPut {
        card: name.clone(),
        currency,
        from,
        list: list.clone(),
    }])
}

fn delete_card(
    state: &State,
    name: &CardName,
    if_match: Option<Revision>,
) -> Result<Vec<Event>, crate::Rejection> {
    let card = state.ledger.cards.get(name);
    let card = card.ok_or_else(|| Rejection::CardUnknown(name.clone()))?;
    matches(if_match, card.version)?;
    let mut books = state.ledger.books.iter();
    let user = books.find(|(_, book)| book.terms.values().any(|terms| terms.card == *name));
    match user {
        Some((tenant, _)) => Err(Rejection::CardInUse(name.clone(), tenant.clone()).into()),
        None => Ok(vec![Event::CardDeleted { card: name.clone() }]),
    }
}

fn set_terms(
    state: &State,
    tenant: &TenantId,
    from: Period,
    terms: &Terms,
    if_match: Option<Revision>,
) -> Result<Vec<Event>, crate::Rejection> {
    known(state, tenant)?;
    let book = state.ledger.book(tenant);
    matches(if_match, book.version)?;
    terms.check(from)?;
    let card = state.ledger.cards.get(&terms.card);
    let card = card.ok_or_else(|| Rejection::CardUnknown(terms.card.clone()))?;
    if card.list(from).is_none() {
        return Err(Rejection::NoPrices(terms.card.clone(), from).into());
    }
    let skus: BTreeSet<&Sku> = card
        .lists
        .values()
        .flat_map(|list| list.prices.keys())
        .collect();
    let all = skus.union(&terms.overrides.keys().collect()).count();
    if all > card::MAX_SKUS {
        return Err(Rejection::TooManySkus(all).into());
    }
    if book.closed_through >= Some(from) {
        return Err(Rejection::TermsInThePast(from).into());
    }
    match book.terms.get(&from) {
        Some(found) if **found == *terms => return Ok(Vec::new()),
        None if book.terms.len() >= card::MAX_TERMS => {
            return Err(Rejection::TooManyTerms(tenant.clone()).into());
        }
        Some(_) | None => {}
    }
    Ok(vec![Event::TermsSet {
        tenant: tenant.clone(),
        from,
        terms: terms.clone(),
    }])
}

/// What credits and commitments are left is kept credit by credit; no entry by hand may disagree.
fn by_hand(lines: &[journal::Line]) -> Result<(), Rejection> {
    let kept =
        |line: &&journal::Line| matches!(line.account, Account::Credits | Account::Commitments);
    match lines.iter().find(kept) {
        Some(_) => Err(Rejection::AccountNotByHand),
        None => Ok(()),
    }
}

fn adjust(
    state: &State,
    tenant: &TenantId,
    lines: &[journal::Line],
    memo: &str,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    known(state, tenant)?;
    by_hand(lines)?;
    let entry = Entry::new(journal::Cause::Adjusted, memo, lines.iter().cloned())?;
    Ok(vec![
        state.ledger.book(tenant).post(tenant, facts.at, entry)?,
    ])
}

fn correct(
    state: &State,
    tenant: &TenantId,
    number: u64,
    lines: &[journal::Line],
    memo: &str,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    let book = state.ledger.book(tenant);
    let posting = book.entries.get(&number);
    let posting = posting.ok_or(Rejection::EntryUnknown(number))?;
    let chain::What::Entry(entry) = &posting.what else {
        return Err(Rejection::EntryUnknown(number));
    };
    if entry.cause != journal::Cause::Adjusted {
        return Err(Rejection::EntryNotByHand(number));
    }
    if let Some(by) = book.reversed.get(&number) {
        return Err(Rejection::EntryReversed { number, by: *by });
    }
    by_hand(lines)?;
    let mut entries = vec![entry.reversal(journal::Cause::Reversed(number), memo)?];
    if !lines.is_empty() {
        entries.push(Entry::new(
            journal::Cause::Adjusted,
            memo,
            lines.iter().cloned(),
        )?);
    }
    book.post_all(tenant, facts.at, entries)
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let ledger = &mut state.ledger;
    match event {
        Event::Posted { tenant, posting } => {
            ledger.change(tenant, version, |book| book.take(posting))
        }
        Event::SourceRetired { source, epoch } => ledger.retire(source, *epoch),
        Event::PeriodClosed { tenant, period } => {
            ledger.closed_through = ledger.closed_through.max(Some(*period));
            ledger.change(tenant, version, |book| book.close(*period));
        }
        Event::PricesPut {
            card,
            currency,
            from,
            list,
        } => ledger.put_prices(card, *currency, *from, list, version),
        Event::CardDeleted { card } => {
            ledger.cards.remove(card);
        }
        Event::TermsSet {
            tenant,
            from,
            terms,
        } => ledger.change(tenant, version, |book| {
            book.terms.insert(*from, Arc::new(terms.clone()));
        }),
        Event::CreditGranted { tenant, .. }
        | Event::CreditVoided { tenant, .. }
        | Event::CreditExpired { tenant, .. }
        | Event::CreditForgotten { tenant, .. }
        | Event::CommitmentMade { tenant, .. }
        | Event::CommitmentLapsed { tenant, .. } => {
            ledger.change(tenant, version, |book| {
                book.evolve_credit(event, at, version)
            });
        }
        Event::InvoiceFinalised { tenant, number, .. } => {
            ledger.last_invoice = *number;
            ledger.change(tenant, version, |book| {
                book.evolve_invoice(event, at, version)
            });
        }
        Event::InvoiceDrafted { tenant, .. }
        | Event::InvoiceDiscarded { tenant, .. }
        | Event::InvoicePaid { tenant, .. }
        | Event::InvoiceWrittenOff { tenant, .. }
        | Event::InvoiceVoided { tenant, .. } => {
            ledger.change(tenant, version, |book| {
                book.evolve_invoice(event, at, version)
            });
        }
    }
}

impl Ledger {
    fn change(&mut self, tenant: &TenantId, version: Revision, how: impl FnOnce(&mut Book)) {
        let book = Arc::make_mut(self.books.entry(tenant.clone()).or_default());
        how(book);
        book.version = version;
    }

    fn retire(&mut self, source: &Source, epoch: u64) {
        self.retired.insert(source.clone(), epoch);
        let retired = |book: &Book| -> Vec<(Source, Dimension)> {
            let marks = book.marks.iter();
            let marks = marks.filter(|((of, _), mark)| of == source && mark.epoch <= epoch);
            marks.map(|(key, _)| key.clone()).collect()
        };
        let stale: Vec<_> = self
            .books
            .iter()
            .map(|(tenant, book)| (tenant.clone(), retired(book)))
            .filter(|(_, marks)| !marks.is_empty())
            .collect();
        for (tenant, marks) in stale {
            if let Some(book) = self.books.get_mut(&tenant) {
                let book = Arc::make_mut(book);
                for mark in marks {
                    book.marks.remove(&mark);
                }
            }
        }
    }

    fn put_prices(
        &mut self,
        name: &CardName,
        currency: Currency,
        from: Period,
        list: &card::List,
        version: Revision,
    ) {
        let card = self.cards.entry(name.clone()).or_insert_with(|| {
            Arc::new(Card {
                currency,
                lists: std::collections::BTreeMap::new(),
                version,
            })
        });
        let card = Arc::make_mut(card);
        card.lists.insert(from, list.clone());
        card.version = version;
    }
}
