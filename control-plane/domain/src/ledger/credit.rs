//! Money a tenant has before it owes any: credits it was granted, and commitments it made.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use takt_model::{Revision, TenantId, UnixNano};
use uuid::Uuid;

use super::journal::{Account, Cause, Entry};
use super::names::Sku;
use super::rules::{bounded_memo, known};
use super::{Book, Currency, Event, Period, Rejection};
use crate::tenants::matches;
use crate::{Facts, State};

/// How many credits of a tenant are kept, used up ones among them.
pub const MAX_CREDITS: usize = 256;
pub const MAX_COMMITMENTS: usize = 64;
pub const MAX_SCOPE: usize = 64;
/// How long after its expiry a credit is taken back: the invoice of its last period may still use it.
pub const EXPIRY_GRACE: Duration = Duration::from_hours(45 * 24);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    pub currency: Currency,
    /// Micro-units granted.
    pub amount: i64,
    /// Micro-units not used up; never negative.
    pub remaining: i64,
    /// Among credits of the same expiry the lowest goes first.
    pub priority: u32,
    pub expires: Option<UnixNano>,
    /// What it may pay for; empty is everything.
    pub scope: BTreeSet<Sku>,
    /// It was paid for, and not a gift.
    pub prepaid: bool,
    pub reason: String,
    pub granted_at: UnixNano,
    pub standing: Standing,
    pub version: Revision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Active,
    Voided,
    Expired,
}

/// What a tenant promised to use: owed at once, and burnt down by what usage costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    pub currency: Currency,
    pub amount: i64,
    /// Never negative.
    pub remaining: i64,
    pub from: Period,
    /// The last period it covers.
    pub through: Period,
    pub reason: String,
    pub version: Revision,
}

/// What is asked to be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub currency: Currency,
    pub amount: i64,
    pub priority: u32,
    pub expires: Option<UnixNano>,
    pub scope: BTreeSet<Sku>,
    pub prepaid: bool,
    pub reason: String,
}

/// What is asked to be committed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    pub currency: Currency,
    pub amount: i64,
    pub from: Period,
    pub through: Period,
    pub reason: String,
}

impl Credit {
    /// Whether the invoice of a period may use it.
    #[must_use]
    pub fn usable(&self, period: Period) -> bool {
        self.standing == Standing::Active
            && self.remaining > 0
            && self.expires.is_none_or(|expires| expires > period.start())
    }

    /// Nothing will come of it any more.
    fn finished(&self) -> bool {
        self.remaining == 0 || self.standing != Standing::Active
    }
}

/// Where the other side of a grant is.
fn source(prepaid: bool) -> Account {
    if prepaid {
        Account::Cash
    } else {
        Account::Promotions
    }
}

pub(super) fn grant(
    state: &State,
    tenant: &TenantId,
    grant: &Grant,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    known(state, tenant)?;
    let id = facts.command.0;
    let book = state.ledger.book(tenant);
    if book.credits.contains_key(&id) {
        return Ok(Vec::new());
    }
    positive(grant.amount)?;
    bounded_memo(&grant.reason)?;
    if grant.scope.len() > MAX_SCOPE {
        return Err(Rejection::ScopeTooLong(grant.scope.len()));
    }
    if grant.expires.is_some_and(|expires| expires <= facts.at) {
        return Err(Rejection::CreditExpiresInThePast);
    }
    let mut events = Vec::new();
    if book.credits.len() >= MAX_CREDITS {
        let mut finished = book.credits.iter().filter(|(_, credit)| credit.finished());
        let (oldest, _) = finished
            .by_ref()
            .min_by_key(|(id, credit)| (credit.granted_at, **id))
            .ok_or_else(|| Rejection::TooManyCredits(tenant.clone()))?;
        events.push(Event::CreditForgotten {
            tenant: tenant.clone(),
            credit: *oldest,
        });
    }
    let entry = Entry::transfer(
        Cause::CreditGranted(id),
        &grant.reason,
        grant.currency,
        source(grant.prepaid),
        Account::Credits,
        grant.amount,
    )?;
    events.push(Event::CreditGranted {
        tenant: tenant.clone(),
        credit: id,
        grant: grant.clone(),
    });
    events.push(book.post(tenant, facts.at, entry)?);
    Ok(events)
}

/// Takes back what is left of a credit.
pub(super) fn void(
    state: &State,
    tenant: &TenantId,
    id: Uuid,
    reason: &str,
    if_match: Option<Revision>,
    facts: &Facts,
) -> Result<Vec<Event>, crate::Rejection> {
    let book = state.ledger.book(tenant);
    let credit = find(book, id)?;
    matches(if_match, credit.version)?;
    match credit.standing {
        Standing::Voided => return Ok(Vec::new()),
        Standing::Expired => return Err(Rejection::CreditOver(id).into()),
        Standing::Active => {}
    }
    held(book, id)?;
    let mut events = vec![Event::CreditVoided {
        tenant: tenant.clone(),
        credit: id,
        reason: reason.to_owned(),
    }];
    bounded_memo(reason)?;
    if credit.remaining > 0 {
        let entry = Entry::transfer(
            Cause::CreditVoided(id),
            reason,
            credit.currency,
            Account::Credits,
            source(credit.prepaid),
            credit.remaining,
        )?;
        events.push(book.post(tenant, facts.at, entry)?);
    }
    Ok(events)
}

/// Takes back what is left of a credit whose time is over.
pub(super) fn expire(
    state: &State,
    tenant: &TenantId,
    id: Uuid,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    let book = state.ledger.book(tenant);
    let credit = find(book, id)?;
    match credit.standing {
        Standing::Expired => return Ok(Vec::new()),
        Standing::Voided => return Err(Rejection::CreditOver(id)),
        Standing::Active => {}
    }
    if !lapsed(credit, facts.at) {
        return Err(Rejection::CreditNotExpired(id));
    }
    held(book, id)?;
    let mut events = vec![Event::CreditExpired {
        tenant: tenant.clone(),
        credit: id,
    }];
    if credit.remaining > 0 {
        let to = if credit.prepaid {
            Account::Breakage
        } else {
            Account::Promotions
        };
        let entry = Entry::transfer(
            Cause::CreditExpired(id),
            "",
            credit.currency,
            Account::Credits,
            to,
            credit.remaining,
        )?;
        events.push(book.post(tenant, facts.at, entry)?);
    }
    Ok(events)
}

/// Whether a credit is to be taken back.
pub(super) fn lapsed(credit: &Credit, now: UnixNano) -> bool {
    credit.standing == Standing::Active
        && credit
            .expires
            .is_some_and(|expires| expires.plus(EXPIRY_GRACE) <= now)
}

/// A draft that would use a credit holds it.
fn held(book: &Book, id: Uuid) -> Result<(), Rejection> {
    let mut drafts = book.drafts();
    match drafts.find(|(_, invoice)| invoice.credits().any(|(credit, _)| credit == id)) {
        Some((invoice, _)) => Err(Rejection::CreditHeld {
            credit: id,
            invoice: *invoice,
        }),
        None => Ok(()),
    }
}

fn find(book: &Book, id: Uuid) -> Result<&Credit, Rejection> {
    let found = book.credits.get(&id);
    found.map(AsRef::as_ref).ok_or(Rejection::CreditUnknown(id))
}

pub(super) fn commit(
    state: &State,
    tenant: &TenantId,
    promise: &Promise,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    known(state, tenant)?;
    let id = facts.command.0;
    let book = state.ledger.book(tenant);
    if book.commitments.contains_key(&id) {
        return Ok(Vec::new());
    }
    positive(promise.amount)?;
    bounded_memo(&promise.reason)?;
    if promise.through < promise.from || book.closed_through >= Some(promise.from) {
        return Err(Rejection::CommitmentPeriods {
            from: promise.from,
            through: promise.through,
        });
    }
    if book.commitments.len() >= MAX_COMMITMENTS {
        return Err(Rejection::TooManyCommitments(tenant.clone()));
    }
    let entry = Entry::transfer(
        Cause::CommitmentMade(id),
        &promise.reason,
        promise.currency,
        Account::Receivable,
        Account::Commitments,
        promise.amount,
    )?;
    Ok(vec![
        Event::CommitmentMade {
            tenant: tenant.clone(),
            commitment: id,
            promise: promise.clone(),
        },
        book.post(tenant, facts.at, entry)?,
    ])
}

/// What was not used of a commitment by its end is earned nevertheless.
pub(super) fn lapse(
    state: &State,
    tenant: &TenantId,
    id: Uuid,
    facts: &Facts,
) -> Result<Vec<Event>, Rejection> {
    let book = state.ledger.book(tenant);
    let commitment = book
        .commitments
        .get(&id)
        .ok_or(Rejection::CommitmentUnknown(id))?;
    if !over(commitment, facts.at) {
        return Err(Rejection::CommitmentNotOver(commitment.through));
    }
    let mut drafts = book.drafts();
    if drafts.any(|(_, invoice)| invoice.commitments().any(|(used, _)| used == id)) {
        return Err(Rejection::CommitmentNotOver(commitment.through));
    }
    let mut events = vec![Event::CommitmentLapsed {
        tenant: tenant.clone(),
        commitment: id,
    }];
    if commitment.remaining > 0 {
        let entry = Entry::transfer(
            Cause::CommitmentLapsed(id),
            "",
            commitment.currency,
            Account::Commitments,
            Account::Breakage,
            commitment.remaining,
        )?;
        events.push(book.post(tenant, facts.at, entry)?);
    }
    Ok(events)
}

/// Whether a commitment is to lapse: its last invoice had its time.
pub(super) fn over(commitment: &Commitment, now: UnixNano) -> bool {
    commitment.through.end().plus(EXPIRY_GRACE) <= now
}

fn positive(amount: i64) -> Result<(), Rejection> {
    if amount > 0 {
        Ok(())
    } else {
        Err(Rejection::AmountNotPositive(amount))
    }
}

impl Book {
    pub(super) fn evolve_credit(&mut self, event: &Event, at: UnixNano, version: Revision) {
        match event {
            Event::CreditGranted { credit, grant, .. } => {
                let granted = Credit {
                    currency: grant.currency,
                    amount: grant.amount,
                    remaining: grant.amount,
                    priority: grant.priority,
                    expires: grant.expires,
                    scope: grant.scope.clone(),
                    prepaid: grant.prepaid,
                    reason: grant.reason.clone(),
                    granted_at: at,
                    standing: Standing::Active,
                    version,
                };
                self.credits.insert(*credit, Arc::new(granted));
            }
            Event::CreditVoided { credit, .. } => {
                self.end_credit(*credit, Standing::Voided, version);
            }
            Event::CreditExpired { credit, .. } => {
                self.end_credit(*credit, Standing::Expired, version);
            }
            Event::CreditForgotten { credit, .. } => {
                self.credits.remove(credit);
            }
            Event::CommitmentMade {
                commitment,
                promise,
                ..
            } => {
                let made = Commitment {
                    currency: promise.currency,
                    amount: promise.amount,
                    remaining: promise.amount,
                    from: promise.from,
                    through: promise.through,
                    reason: promise.reason.clone(),
                    version,
                };
                self.commitments.insert(*commitment, Arc::new(made));
            }
            Event::CommitmentLapsed { commitment, .. } => {
                self.commitments.remove(commitment);
            }
            Event::Posted { .. }
            | Event::SourceRetired { .. }
            | Event::PeriodClosed { .. }
            | Event::PricesPut { .. }
            | Event::CardDeleted { .. }
            | Event::TermsSet { .. }
            | Event::InvoiceDrafted { .. }
            | Event::InvoiceDiscarded { .. }
            | Event::InvoiceFinalised { .. }
            | Event::InvoicePaid { .. }
            | Event::InvoiceWrittenOff { .. }
            | Event::InvoiceVoided { .. } => {}
        }
    }

    fn end_credit(&mut self, id: Uuid, standing: Standing, version: Revision) {
        if let Some(credit) = self.credits.get_mut(&id) {
            let credit = Arc::make_mut(credit);
            credit.remaining = 0;
            credit.standing = standing;
            credit.version = version;
        }
    }
}
