//! Invoices: composed from usage and prices, drafted, made final under a number without holes, settled.
//!
//! A draft is what will be final: making it final adds a number and an entry and changes no line. What is
//! final is never edited; it is voided by an entry that takes it back, and drafted anew.

mod compose;

use std::sync::Arc;

use takt_model::{Revision, TenantId, UnixNano};
use uuid::Uuid;

pub use compose::compose;

use super::journal::{Account, Cause, Entry};
use super::names::{CardName, Dimension, Sku};
use super::rating::Rated;
use super::rules::{bounded_memo, known};
use super::{Book, Currency, Event, Period, Rejection, credit};
use crate::tenants::matches;
use crate::{Facts, State};
use compose::entry;

/// How many invoices of a tenant are kept; older settled ones are in the history only.
pub const MAX_INVOICES: usize = 36;
pub const MAX_REFERENCE_BYTES: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    pub bill: Bill,
    pub standing: Standing,
    /// From 1, without holes over all tenants; none on a draft.
    pub number: Option<u64>,
    pub drafted_at: UnixNano,
    pub finalised_at: Option<UnixNano>,
    /// When it was paid, voided or written off.
    pub settled_at: Option<UnixNano>,
    /// Of the payment; or why it was voided or written off.
    pub reference: String,
    pub version: Revision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Draft,
    Final,
    Paid,
    Void,
    WrittenOff,
}

/// What is owed for a period, and how it comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    pub period: Period,
    pub currency: Currency,
    pub card: CardName,
    /// Which of the card's lists was in force.
    pub list: Period,
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Usage {
        sku: Sku,
        dimension: Dimension,
        /// The quantity the unit price is for.
        unit: u64,
        rated: Rated,
    },
    /// What usage falls short of the minimum.
    Minimum { amount: i64 },
    /// Paid from a credit; the amount is taken off.
    Credit { credit: Uuid, amount: i64 },
    /// Paid from a commitment; the amount is taken off.
    Commitment { commitment: Uuid, amount: i64 },
    /// On what is owed after credits and commitments.
    Tax { ppm: u32, base: i64, amount: i64 },
}

impl Line {
    /// What it adds to the total.
    #[must_use]
    pub fn amount(&self) -> i64 {
        match self {
            Self::Usage { rated, .. } => rated.amount,
            Self::Minimum { amount } | Self::Tax { amount, .. } => *amount,
            Self::Credit { amount, .. } | Self::Commitment { amount, .. } => -amount,
        }
    }
}

impl Invoice {
    /// What it takes from credits.
    pub fn credits(&self) -> impl Iterator<Item = (Uuid, i64)> + '_ {
        self.bill.lines.iter().filter_map(|line| match line {
            Line::Credit { credit, amount } => Some((*credit, *amount)),
            Line::Usage { .. }
            | Line::Minimum { .. }
            | Line::Commitment { .. }
            | Line::Tax { .. } => None,
        })
    }

    /// What it takes from commitments.
    pub fn commitments(&self) -> impl Iterator<Item = (Uuid, i64)> + '_ {
        self.bill.lines.iter().filter_map(|line| match line {
            Line::Commitment { commitment, amount } => Some((*commitment, *amount)),
            Line::Usage { .. } | Line::Minimum { .. } | Line::Credit { .. } | Line::Tax { .. } => {
                None
            }
        })
    }

    pub(super) fn settled(&self) -> bool {
        match self.standing {
            Standing::Draft | Standing::Final => false,
            Standing::Paid | Standing::Void | Standing::WrittenOff => true,
        }
    }
}

pub(super) fn draft(
    state: &State,
    tenant: &TenantId,
    period: Period,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    known(state, tenant)?;
    let book = state.ledger.book(tenant);
    if book.closed_through < Some(period) {
        return Err(Rejection::PeriodOpen(tenant.clone(), period));
    }
    if !book.usage.contains_key(&period) && book.forgotten_through >= Some(period) {
        return Err(Rejection::PeriodForgotten(period));
    }
    let mut standing = book
        .invoices
        .iter()
        .filter(|(_, invoice)| invoice.bill.period == period && invoice.standing != Standing::Void);
    let mut events = Vec::new();
    let bill = compose(&state.ledger, tenant, period, None)?;
    match standing.next() {
        Some((id, invoice)) if invoice.standing == Standing::Draft => {
            if invoice.bill == bill {
                return Ok(Vec::new());
            }
            events.push(Event::InvoiceDiscarded {
                tenant: tenant.clone(),
                invoice: *id,
            });
        }
        Some((id, _)) => return Err(Rejection::InvoiceExists(*id, period)),
        None => {
            let settled = book.invoices.values().any(|invoice| invoice.settled());
            if book.invoices.len() >= MAX_INVOICES && !settled {
                return Err(Rejection::TooManyInvoices(tenant.clone()));
            }
        }
    }
    events.push(Event::InvoiceDrafted {
        tenant: tenant.clone(),
        invoice: facts.command.0,
        bill,
    });
    Ok(events)
}

pub(super) fn finalise(
    state: &State,
    tenant: &TenantId,
    id: Uuid,
    if_match: Option<Revision>,
    facts: &Facts,
) -> Result<Vec<Event>, crate::Rejection> {
    let book = state.ledger.book(tenant);
    let invoice = find(book, id)?;
    matches(if_match, invoice.version)?;
    match invoice.standing {
        Standing::Draft => {}
        Standing::Final => return Ok(Vec::new()),
        Standing::Paid | Standing::Void | Standing::WrittenOff => {
            return Err(Rejection::InvoiceSettled(id).into());
        }
    }
    let mut events = vec![Event::InvoiceFinalised {
        tenant: tenant.clone(),
        invoice: id,
        number: state.ledger.last_invoice + 1,
    }];
    if let Some(entry) = entry(id, &invoice.bill)? {
        events.push(book.post(tenant, facts.at, entry)?);
    }
    Ok(events)
}

/// A draft is thrown away; what is final is taken back, with the credits and commitments it used.
pub(super) fn void(
    state: &State,
    tenant: &TenantId,
    id: Uuid,
    reason: &str,
    if_match: Option<Revision>,
    facts: &Facts,
) -> Result<Vec<Event>, crate::Rejection> {
    let book = state.ledger.book(tenant);
    let invoice = find(book, id)?;
    matches(if_match, invoice.version)?;
    bounded_memo(reason)?;
    let tenant = tenant.clone();
    match invoice.standing {
        Standing::Draft => Ok(vec![Event::InvoiceDiscarded {
            tenant,
            invoice: id,
        }]),
        Standing::Void => Ok(Vec::new()),
        Standing::Paid | Standing::WrittenOff => Err(Rejection::InvoiceSettled(id).into()),
        Standing::Final => {
            if let Some((gone, _)) = invoice.credits().find(|(credit, _)| !book.active(*credit)) {
                return Err(Rejection::CreditOver(gone).into());
            }
            let mut commitments = invoice.commitments();
            if let Some((gone, _)) = commitments.find(|(id, _)| !book.commitments.contains_key(id))
            {
                return Err(Rejection::CommitmentUnknown(gone).into());
            }
            let mut events = vec![Event::InvoiceVoided {
                tenant: tenant.clone(),
                invoice: id,
                reason: reason.to_owned(),
            }];
            if let Some(entry) = entry(id, &invoice.bill)? {
                let entry = entry.reversal(Cause::InvoiceVoided(id), reason)?;
                events.push(book.post(&tenant, facts.at, entry)?);
            }
            Ok(events)
        }
    }
}

/// How a final invoice ends.
pub(super) enum End {
    Paid,
    WrittenOff,
}

pub(super) fn settle(
    state: &State,
    tenant: &TenantId,
    id: Uuid,
    (end, reference): (End, &str),
    if_match: Option<Revision>,
    facts: &Facts,
) -> Result<Vec<Event>, crate::Rejection> {
    let book = state.ledger.book(tenant);
    let invoice = find(book, id)?;
    matches(if_match, invoice.version)?;
    if reference.len() > MAX_REFERENCE_BYTES {
        return Err(Rejection::ReferenceTooLong(reference.len()).into());
    }
    let (wanted, cause, account) = match end {
        End::Paid => (Standing::Paid, Cause::InvoicePaid(id), Account::Cash),
        End::WrittenOff => (
            Standing::WrittenOff,
            Cause::InvoiceWrittenOff(id),
            Account::WriteOff,
        ),
    };
    match invoice.standing {
        Standing::Final => {}
        Standing::Draft => return Err(Rejection::InvoiceDraft(id).into()),
        already if already == wanted => return Ok(Vec::new()),
        Standing::Paid | Standing::Void | Standing::WrittenOff => {
            return Err(Rejection::InvoiceSettled(id).into());
        }
    }
    let (tenant, reference) = (tenant.clone(), reference.to_owned());
    let mut events = vec![match end {
        End::Paid => Event::InvoicePaid {
            tenant: tenant.clone(),
            invoice: id,
            reference: reference.clone(),
        },
        End::WrittenOff => Event::InvoiceWrittenOff {
            tenant: tenant.clone(),
            invoice: id,
            reason: reference.clone(),
        },
    }];
    if invoice.bill.total > 0 {
        let entry = Entry::transfer(
            cause,
            &reference,
            invoice.bill.currency,
            account,
            Account::Receivable,
            invoice.bill.total,
        )?;
        events.push(book.post(&tenant, facts.at, entry)?);
    }
    Ok(events)
}

fn find(book: &Book, id: Uuid) -> Result<&Invoice, Rejection> {
    let found = book.invoices.get(&id);
    found
        .map(AsRef::as_ref)
        .ok_or(Rejection::InvoiceUnknown(id))
}

impl Book {
    fn active(&self, credit: Uuid) -> bool {
        let found = self.credits.get(&credit);
        found.is_some_and(|credit| credit.standing == credit::Standing::Active)
    }

    /// Drafts, which hold the credits and commitments they use.
    pub(super) fn drafts(&self) -> impl Iterator<Item = (&Uuid, &Invoice)> {
        self.invoices
            .iter()
            .filter(|(_, invoice)| invoice.standing == Standing::Draft)
            .map(|(id, invoice)| (id, invoice.as_ref()))
    }

    /// The draft of a period.
    #[must_use]
    pub fn draft_of(&self, period: Period) -> Option<Uuid> {
        let mut drafts = self.drafts();
        let found = drafts.find(|(_, invoice)| invoice.bill.period == period);
        found.map(|(id, _)| *id)
    }

    /// What drafts of other periods hold of a credit or commitment.
    fn held_by_drafts(&self, period: Period, id: Uuid) -> i64 {
        self.drafts()
            .filter(|(_, invoice)| invoice.bill.period != period)
            .flat_map(|(_, invoice)| invoice.credits().chain(invoice.commitments()))
            .filter(|(held, _)| *held == id)
            .map(|(_, amount)| amount)
            .sum()
    }
}

impl Book {
    pub(super) fn evolve_invoice(&mut self, event: &Event, at: UnixNano, version: Revision) {
        match event {
            Event::InvoiceDrafted { invoice, bill, .. } => self.draft(*invoice, bill, at, version),
            Event::InvoiceDiscarded { invoice, .. } => {
                self.invoices.remove(invoice);
            }
            Event::InvoiceFinalised {
                invoice, number, ..
            } => {
                self.pay_with(*invoice, -1, version);
                self.change_invoice(*invoice, version, |invoice| {
                    invoice.standing = Standing::Final;
                    invoice.number = Some(*number);
                    invoice.finalised_at = Some(at);
                });
            }
            Event::InvoicePaid {
                invoice, reference, ..
            } => self.settle(*invoice, Standing::Paid, reference, at, version),
            Event::InvoiceWrittenOff {
                invoice, reason, ..
            } => self.settle(*invoice, Standing::WrittenOff, reason, at, version),
            Event::InvoiceVoided {
                invoice, reason, ..
            } => {
                self.pay_with(*invoice, 1, version);
                self.settle(*invoice, Standing::Void, reason, at, version);
            }
            Event::Posted { .. }
            | Event::SourceRetired { .. }
            | Event::PeriodClosed { .. }
            | Event::PricesPut { .. }
            | Event::CardDeleted { .. }
            | Event::TermsSet { .. }
            | Event::CreditGranted { .. }
            | Event::CreditVoided { .. }
            | Event::CreditExpired { .. }
            | Event::CreditForgotten { .. }
            | Event::CommitmentMade { .. }
            | Event::CommitmentLapsed { .. } => {}
        }
    }

    /// One more; the oldest settled one makes room.
    fn draft(&mut self, id: Uuid, bill: &Bill, at: UnixNano, version: Revision) {
        if self.invoices.len() >= MAX_INVOICES {
            let settled = self
                .invoices
                .iter()
                .filter(|(_, invoice)| invoice.settled());
            let oldest = settled
                .min_by_key(|(id, invoice)| (invoice.drafted_at, **id))
                .map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                self.invoices.remove(&oldest);
            }
        }
        let invoice = Invoice {
            bill: bill.clone(),
            standing: Standing::Draft,
            number: None,
            drafted_at: at,
            finalised_at: None,
            settled_at: None,
            reference: String::new(),
            version,
        };
        self.invoices.insert(id, Arc::new(invoice));
    }

    /// Uses up what the invoice takes from credits and commitments, or gives it back.
    fn pay_with(&mut self, id: Uuid, sign: i64, version: Revision) {
        let Some(invoice) = self.invoices.get(&id).cloned() else {
            return;
        };
        for (credit, amount) in invoice.credits() {
            if let Some(credit) = self.credits.get_mut(&credit) {
                let credit = Arc::make_mut(credit);
                credit.remaining = credit.remaining.saturating_add(sign * amount);
                credit.version = version;
            }
        }
        for (commitment, amount) in invoice.commitments() {
            if let Some(commitment) = self.commitments.get_mut(&commitment) {
                let commitment = Arc::make_mut(commitment);
                commitment.remaining = commitment.remaining.saturating_add(sign * amount);
                commitment.version = version;
            }
        }
    }

    fn settle(&mut self, id: Uuid, standing: Standing, why: &str, at: UnixNano, version: Revision) {
        self.change_invoice(id, version, |invoice| {
            invoice.standing = standing;
            invoice.settled_at = Some(at);
            why.clone_into(&mut invoice.reference);
        });
    }

    fn change_invoice(&mut self, id: Uuid, version: Revision, how: impl FnOnce(&mut Invoice)) {
        if let Some(invoice) = self.invoices.get_mut(&id) {
            let invoice = Arc::make_mut(invoice);
            how(invoice);
            invoice.version = version;
        }
    }
}
