//! Double entry: what is debited equals what is credited, currency by currency.
//!
//! A positive amount is a debit, a negative one a credit. An [`Entry`] can only be made balanced, so the
//! balances of a book always sum to zero.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::names::Sku;
use super::{Currency, Rejection};

pub const MAX_MEMO_BYTES: usize = 512;
pub const MAX_ENTRY_LINES: usize = 128;

/// Where money is, or where it came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What the customer owes.
    Receivable,
    /// What was earned with a SKU.
    Revenue(Sku),
    /// What minimum fees brought.
    Minimum,
    /// What was granted or paid ahead and is not used up.
    Credits,
    /// What the customer committed to and has not used up.
    Commitments,
    Tax,
    /// What will never be paid.
    WriteOff,
    /// What was paid.
    Cash,
    /// What granted credits cost.
    Promotions,
    /// What was committed to or paid ahead and lapsed.
    Breakage,
    /// The other side of corrections by hand.
    Adjustments,
}

/// Why an entry was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    CreditGranted(Uuid),
    CreditVoided(Uuid),
    CreditExpired(Uuid),
    CommitmentMade(Uuid),
    CommitmentLapsed(Uuid),
    InvoiceFinalised(Uuid),
    InvoiceVoided(Uuid),
    InvoicePaid(Uuid),
    InvoiceWrittenOff(Uuid),
    /// By hand.
    Adjusted,
    /// Takes back the entry with this number.
    Reversed(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub account: Account,
    pub currency: Currency,
    /// Micro-units; a debit is positive.
    pub amount: i64,
}

/// What happened to money, balanced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub cause: Cause,
    pub memo: String,
    pub lines: Vec<Line>,
}

impl Entry {
    /// Lines without an amount are left out.
    ///
    /// # Errors
    /// When debits and credits differ in some currency, or there is nothing or too much in it.
    pub fn new(
        cause: Cause,
        memo: impl Into<String>,
        lines: impl IntoIterator<Item = Line>,
    ) -> Result<Self, Rejection> {
        let memo = memo.into();
        if memo.len() > MAX_MEMO_BYTES {
            return Err(Rejection::MemoTooLong(memo.len()));
        }
        let lines: Vec<Line> = lines.into_iter().filter(|line| line.amount != 0).collect();
        if lines.is_empty() {
            return Err(Rejection::EntryEmpty);
        }
        if lines.len() > MAX_ENTRY_LINES {
            return Err(Rejection::EntryTooLong(lines.len()));
        }
        if let Some((currency, difference)) = imbalance(&lines) {
            return Err(Rejection::EntryUnbalanced {
                currency,
                difference,
            });
        }
        Ok(Self { cause, memo, lines })
    }

    /// From one account to another.
    pub(super) fn transfer(
        cause: Cause,
        memo: &str,
        currency: Currency,
        debit: Account,
        credit: Account,
        amount: i64,
    ) -> Result<Self, Rejection> {
        let line = |account, amount| Line {
            account,
            currency,
            amount,
        };
        Self::new(cause, memo, [line(debit, amount), line(credit, -amount)])
    }

    /// What takes this entry back.
    ///
    /// # Errors
    /// When the memo is too long.
    pub fn reversal(&self, cause: Cause, memo: &str) -> Result<Self, Rejection> {
        let lines = self.lines.iter().map(|line| Line {
            amount: -line.amount,
            ..line.clone()
        });
        Self::new(cause, memo, lines)
    }
}

/// The first currency in which the lines do not sum to zero, and by how much.
#[must_use]
pub fn imbalance(lines: &[Line]) -> Option<(Currency, i128)> {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for line in lines {
        *sums.entry(line.currency).or_default() += i128::from(line.amount);
    }
    sums.into_iter().find(|(_, sum)| *sum != 0)
}
