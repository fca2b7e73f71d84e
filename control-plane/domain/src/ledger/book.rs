//! What is kept of one tenant: sums, never the traffic they are sums of.
//!
//! | what | bound |
//! |---|---|
//! | head of the chain | one number and hash |
//! | balances | one per account and currency; accounts are fixed but for one per SKU ever sold |
//! | usage by period and dimension | 36 open and 24 closed periods, 64 dimensions each |
//! | marks | one per source and dimension, at most 16,384 |
//! | last entries | 128, for corrections and lists; older ones are in the history |
//! | credits, commitments, invoices, terms | 256, 64, 36, 64 |

use std::collections::BTreeMap;
use std::sync::Arc;

use takt_model::{Revision, TenantId, UnixNano};
use uuid::Uuid;

use super::card::Terms;
use super::chain::{Head, Posting, What};
use super::credit::{Commitment, Credit};
use super::invoice::Invoice;
use super::journal::{Account, Cause, Entry};
use super::names::{Dimension, Source};
use super::usage::{Mark, Usage};
use super::{Currency, Event, Period, Rejection};
use crate::Map;

/// How many entries are kept. Like the other bounds of what is kept it is part of the state's meaning:
/// replicas that differ here would diverge, so it never changes.
pub const KEPT_ENTRIES: usize = 128;
/// How many closed periods keep their usage.
pub const KEPT_PERIODS: usize = 24;

/// One tenant's account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book {
    pub head: Head,
    /// Micro-units; a debit is positive. Those of a currency sum to zero.
    pub balances: Map<(Account, Currency), i64>,
    pub usage: Map<Period, Arc<BTreeMap<Dimension, u64>>>,
    pub marks: Map<(Source, Dimension), Mark>,
    /// Periods up to this one take no more usage.
    pub closed_through: Option<Period>,
    /// Usage of periods up to this one is no longer kept.
    pub forgotten_through: Option<Period>,
    /// What was agreed, by the period it begins with.
    pub terms: Map<Period, Arc<Terms>>,
    pub credits: Map<Uuid, Arc<Credit>>,
    pub commitments: Map<Uuid, Arc<Commitment>>,
    pub invoices: Map<Uuid, Arc<Invoice>>,
    /// The last entries by number; usage is not among them.
    pub entries: Map<u64, Arc<Posting>>,
    /// Which of them were taken back, and by which.
    pub reversed: Map<u64, u64>,
    /// The revision after the last change.
    pub version: Revision,
}

impl Book {
    /// What holds in a period, and since which.
    #[must_use]
    pub fn terms(&self, period: Period) -> Option<(Period, &Terms)> {
        let (from, terms) = self.terms.range(..=period).next_back()?;
        Some((*from, terms))
    }

    /// Periods with usage that are not closed, earliest first.
    pub fn open_periods(&self) -> impl Iterator<Item = Period> + '_ {
        let closed = self.closed_through;
        self.usage
            .keys()
            .copied()
            .filter(move |period| Some(*period) > closed)
    }

    #[must_use]
    pub fn balance(&self, account: &Account, currency: Currency) -> i64 {
        let key = (account.clone(), currency);
        self.balances.get(&key).copied().unwrap_or_default()
    }

    /// The next posting, with an entry in it.
    pub(super) fn post(
        &self,
        tenant: &TenantId,
        at: UnixNano,
        entry: Entry,
    ) -> Result<Event, Rejection> {
        let mut events = self.post_all(tenant, at, [entry])?;
        // One entry, one posting.
        Ok(events.remove(0))
    }

    /// The next postings, an entry in each.
    pub(super) fn post_all(
        &self,
        tenant: &TenantId,
        at: UnixNano,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<Vec<Event>, Rejection> {
        let mut head = self.head;
        let mut sums: BTreeMap<(Account, Currency), i128> = BTreeMap::new();
        let mut events = Vec::new();
        for entry in entries {
            for line in &entry.lines {
                let sum = sums
                    .entry((line.account.clone(), line.currency))
                    .or_insert_with(|| self.balance(&line.account, line.currency).into());
                *sum += i128::from(line.amount);
                if i64::try_from(*sum).is_err() {
                    return Err(Rejection::AmountTooLarge("a balance".into()));
                }
            }
            let posting = head.link(tenant, at, What::Entry(entry));
            events.push(Event::Posted {
                tenant: tenant.clone(),
                posting,
            });
        }
        Ok(events)
    }

    pub(super) fn take(&mut self, posting: &Posting) {
        self.head = Head {
            number: posting.number,
            hash: posting.hash,
        };
        match &posting.what {
            What::Usage(usage) => self.use_up(usage),
            What::Entry(entry) => {
                self.book(posting.number, entry);
                self.entries
                    .insert(posting.number, Arc::new(posting.clone()));
                while self.entries.len() > KEPT_ENTRIES {
                    if let Some((oldest, _)) = self.entries.get_min().cloned() {
                        self.entries.remove(&oldest);
                        self.reversed.remove(&oldest);
                    }
                }
            }
        }
    }

    fn use_up(&mut self, usage: &Usage) {
        let totals = self.usage.entry(usage.period).or_default();
        let totals = Arc::make_mut(totals);
        for line in &usage.lines {
            let total = totals.entry(line.dimension.clone()).or_default();
            *total = total.saturating_add(line.quantity);
            self.marks.insert(
                (usage.source.clone(), line.dimension.clone()),
                Mark {
                    epoch: usage.epoch,
                    from: line.from,
                    to: line.to,
                    quantity: line.quantity,
                },
            );
        }
    }

    fn book(&mut self, number: u64, entry: &Entry) {
        for line in &entry.lines {
            let key = (line.account.clone(), line.currency);
            let balance = self.balances.get(&key).copied().unwrap_or_default();
            match balance.saturating_add(line.amount) {
                0 => self.balances.remove(&key),
                balance => self.balances.insert(key, balance),
            };
        }
        if let Cause::Reversed(taken_back) = entry.cause {
            self.reversed.insert(taken_back, number);
        }
    }

    pub(super) fn close(&mut self, period: Period) {
        self.closed_through = self.closed_through.max(Some(period));
        let closed: Vec<Period> = self
            .usage
            .range(..=period)
            .map(|(period, _)| *period)
            .collect();
        let surplus = closed.len().saturating_sub(KEPT_PERIODS);
        for period in closed.into_iter().take(surplus) {
            self.usage.remove(&period);
            self.forgotten_through = Some(period);
        }
    }
}
