//! What a period costs: pure.

use std::collections::BTreeMap;

use takt_model::{TenantId, UnixNano};
use uuid::Uuid;

use super::{Bill, Line};
use crate::ledger::card::{self, Card, List, Price, Terms};
use crate::ledger::journal::{Account, Cause, Entry, Line as Booking};
use crate::ledger::money::{Share, divide};
use crate::ledger::names::{CardName, Sku};
use crate::ledger::rating::rate;
use crate::ledger::{Book, Ledger, Period, Rejection};

/// What a period costs as its usage stands: the preview of an open period, and the draft of a closed one.
/// With `instead`, what it would cost by the prices of another card, without what was negotiated.
///
/// # Errors
/// When nothing is agreed with the tenant for the period, or an amount is beyond what 64 bits hold.
pub fn compose(
    ledger: &Ledger,
    tenant: &TenantId,
    period: Period,
    instead: Option<&CardName>,
) -> Result<Bill, Rejection> {
    let book = ledger.book(tenant);
    let (from, terms) = book
        .terms(period)
        .ok_or_else(|| Rejection::TermsMissing(tenant.clone(), period))?;
    let terms = match instead {
        None => terms.clone(),
        Some(card) => Terms {
            card: card.clone(),
            overrides: BTreeMap::new(),
            minimum: None,
            ..terms.clone()
        },
    };
    let card = ledger
        .cards
        .get(&terms.card)
        .ok_or_else(|| Rejection::CardUnknown(terms.card.clone()))?;
    let (since, list) = card
        .list(period)
        .ok_or_else(|| Rejection::NoPrices(terms.card.clone(), period))?;
    let share = share(from, &terms, period);
    let mut lines = usage_lines(book, list, &terms, period, share)?;
    let mut owed = Owed::of(&lines)?;
    let minimum = share.of_amount(terms.minimum.unwrap_or(list.minimum));
    if owed.total() < i128::from(minimum) {
        let amount = amount(i128::from(minimum) - owed.total())?;
        owed.minimum = amount;
        lines.push(Line::Minimum { amount });
    }
    lines.extend(owed.pay_with_credits(book, card, period));
    lines.extend(owed.pay_with_commitments(book, card, period));
    let base = amount(owed.total())?;
    let tax = i128::from(base) * i128::from(terms.tax_ppm);
    let tax = amount(divide(tax, i128::from(card::ALL_PPM)))?;
    if tax > 0 {
        lines.push(Line::Tax {
            ppm: terms.tax_ppm,
            base,
            amount: tax,
        });
    }
    Ok(Bill {
        period,
        currency: card.currency,
        card: terms.card.clone(),
        list: since,
        total: amount(i128::from(base) + i128::from(tax))?,
        lines,
    })
}

/// How much of the period service was given in.
fn share(from: Period, terms: &Terms, period: Period) -> Share {
    match terms.since {
        Some(since) if from == period => {
            let (start, end) = (period.start().0, period.end().0);
            Share::new(end - since.0.clamp(start, end), end - start)
        }
        Some(_) | None => Share::ALL,
    }
}

fn usage_lines(
    book: &Book,
    list: &List,
    terms: &Terms,
    period: Period,
    share: Share,
) -> Result<Vec<Line>, Rejection> {
    let mut prices: BTreeMap<&Sku, &Price> = list.prices.iter().collect();
    prices.extend(&terms.overrides);
    let used = book.usage.get(&period);
    let mut lines = Vec::new();
    for (sku, price) in prices {
        let quantity = used.and_then(|used| used.get(&price.dimension).copied());
        for rated in rate(sku, price, quantity.unwrap_or_default(), share)? {
            lines.push(Line::Usage {
                sku: sku.clone(),
                dimension: price.dimension.clone(),
                unit: price.unit,
                rated,
            });
        }
    }
    Ok(lines)
}

fn amount(exact: i128) -> Result<i64, Rejection> {
    i64::try_from(exact).map_err(|_| Rejection::AmountTooLarge("the bill".into()))
}

/// What is still to be paid, by what for.
struct Owed {
    skus: BTreeMap<Sku, i64>,
    minimum: i64,
    /// What commitments have paid.
    paid: i64,
}

impl Owed {
    fn of(lines: &[Line]) -> Result<Self, Rejection> {
        let mut skus: BTreeMap<Sku, i64> = BTreeMap::new();
        for line in lines {
            if let Line::Usage { sku, rated, .. } = line {
                let owed = skus.entry(sku.clone()).or_default();
                *owed = amount(i128::from(*owed) + i128::from(rated.amount))?;
            }
        }
        Ok(Self {
            skus,
            minimum: 0,
            paid: 0,
        })
    }

    fn total(&self) -> i128 {
        let skus: i128 = self.skus.values().map(|owed| i128::from(*owed)).sum();
        skus + i128::from(self.minimum) - i128::from(self.paid)
    }

    /// Earliest expiry first, then priority, then age.
    fn pay_with_credits(&mut self, book: &Book, card: &Card, period: Period) -> Vec<Line> {
        let mut credits: Vec<_> = book
            .credits
            .iter()
            .filter(|(_, credit)| credit.currency == card.currency && credit.usable(period))
            .collect();
        credits.sort_by_key(|(id, credit)| {
            let expires = credit.expires.unwrap_or(UnixNano::MAX);
            (expires, credit.priority, credit.granted_at, **id)
        });
        let mut lines = Vec::new();
        for (id, credit) in credits {
            let held = book.held_by_drafts(period, *id);
            let mut left = credit.remaining.saturating_sub(held);
            let before = left;
            for (sku, owed) in &mut self.skus {
                if credit.scope.is_empty() || credit.scope.contains(sku) {
                    let paid = left.min(*owed);
                    *owed -= paid;
                    left -= paid;
                }
            }
            if credit.scope.is_empty() {
                let paid = left.min(self.minimum);
                self.minimum -= paid;
                left -= paid;
            }
            if left < before {
                lines.push(Line::Credit {
                    credit: *id,
                    amount: before - left,
                });
            }
        }
        lines
    }

    /// Earliest end first, then age.
    fn pay_with_commitments(&mut self, book: &Book, card: &Card, period: Period) -> Vec<Line> {
        let mut commitments: Vec<_> = book
            .commitments
            .iter()
            .filter(|(_, commitment)| {
                commitment.currency == card.currency
                    && (commitment.from..=commitment.through).contains(&period)
            })
            .collect();
        commitments.sort_by_key(|(id, commitment)| (commitment.through, **id));
        let mut lines = Vec::new();
        for (id, commitment) in commitments {
            let held = book.held_by_drafts(period, *id);
            let left = i128::from(commitment.remaining.saturating_sub(held));
            // At most what remains of the commitment, which is an `i64`.
            let paid = i64::try_from(self.total().min(left)).unwrap_or_default();
            if paid > 0 {
                self.paid += paid;
                lines.push(Line::Commitment {
                    commitment: *id,
                    amount: paid,
                });
            }
        }
        lines
    }
}

/// The entry of a bill: who owes what, and what was earned.
pub(super) fn entry(id: Uuid, bill: &Bill) -> Result<Option<Entry>, Rejection> {
    let mut sums: BTreeMap<Account, i128> = BTreeMap::new();
    let mut book = |account, amount: i64| *sums.entry(account).or_default() += i128::from(amount);
    for line in &bill.lines {
        match line {
            Line::Usage { sku, rated, .. } => book(Account::Revenue(sku.clone()), -rated.amount),
            Line::Minimum { amount } => book(Account::Minimum, -amount),
            Line::Credit { amount, .. } => book(Account::Credits, *amount),
            Line::Commitment { amount, .. } => book(Account::Commitments, *amount),
            Line::Tax { amount, .. } => book(Account::Tax, -amount),
        }
    }
    book(Account::Receivable, bill.total);
    let lines: Vec<Booking> = sums
        .into_iter()
        .map(|(account, sum)| {
            Ok(Booking {
                account,
                currency: bill.currency,
                amount: amount(sum)?,
            })
        })
        .collect::<Result<_, Rejection>>()?;
    if lines.iter().all(|line| line.amount == 0) {
        return Ok(None);
    }
    Entry::new(Cause::InvoiceFinalised(id), "", lines).map(Some)
}
