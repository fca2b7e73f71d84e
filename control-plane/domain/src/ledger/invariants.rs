//! What holds of every ledger, whatever happened; the catalogue is `crate::invariants`.

use std::collections::BTreeMap;

use takt_model::TenantId;

use super::chain::What;
use super::journal::imbalance;
use super::{Account, Book, Currency, Posting};
use crate::State;

/// The balances of a book sum to zero in every currency.
pub(crate) fn balanced(state: &State) -> Result<(), String> {
    books(state, |book| {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for ((_, currency), amount) in &book.balances {
            *sums.entry(*currency).or_default() += i128::from(*amount);
        }
        let odd = sums.into_iter().find(|(_, sum)| *sum != 0);
        odd.map(|(currency, sum)| format!("its balances in {currency} sum to {sum}"))
    })
}

/// What is left of credits and commitments is what their accounts say, and none is below zero.
pub(crate) fn credits_backed(state: &State) -> Result<(), String> {
    books(state, |book| {
        let credits = book.credits.values();
        let credits = credits.map(|credit| (credit.currency, credit.remaining));
        let commitments = book.commitments.values();
        let commitments = commitments.map(|promise| (promise.currency, promise.remaining));
        backed(book, &Account::Credits, credits)
            .or_else(|| backed(book, &Account::Commitments, commitments))
    })
}

fn backed(
    book: &Book,
    account: &Account,
    left: impl Iterator<Item = (Currency, i64)>,
) -> Option<String> {
    let balances = book.balances.iter();
    let mut sums: BTreeMap<Currency, i128> = balances
        .filter(|((of, _), _)| of == account)
        .map(|((_, currency), amount)| (*currency, i128::from(*amount)))
        .collect();
    for (currency, remaining) in left {
        if remaining < 0 {
            return Some(format!("{remaining} is left of one of its {account:?}"));
        }
        *sums.entry(currency).or_default() += i128::from(remaining);
    }
    let odd = sums.into_iter().find(|(_, sum)| *sum != 0);
    odd.map(|(currency, sum)| format!("{account:?} in {currency} is {sum} off what is left of it"))
}

/// The entries a book keeps follow from one another as far as they are neighbours, none is beyond the
/// head, and each is balanced.
pub(crate) fn chained(state: &State) -> Result<(), String> {
    books(state, |book| {
        let mut before: Option<&Posting> = None;
        for posting in book.entries.values() {
            let neighbour = before.filter(|before| before.number + 1 == posting.number);
            if neighbour.is_some_and(|before| before.hash != posting.previous) {
                return Some(format!("posting {} does not follow", posting.number));
            }
            if let What::Entry(entry) = &posting.what
                && let Some((currency, sum)) = imbalance(&entry.lines)
            {
                return Some(format!("entry {} is {sum} {currency} off", posting.number));
            }
            before = Some(posting);
        }
        let last = before?;
        let head = book.head;
        let fits =
            last.number < head.number || (last.number, last.hash) == (head.number, head.hash);
        (!fits).then(|| format!("posting {} is beyond head {}", last.number, head.number))
    })
}

/// No two invoices have one number, and none is beyond the last.
pub(crate) fn numbered(state: &State) -> Result<(), String> {
    let mut numbers: BTreeMap<u64, &TenantId> = BTreeMap::new();
    for (tenant, book) in &state.ledger.books {
        for number in book.invoices.values().filter_map(|invoice| invoice.number) {
            if number > state.ledger.last_invoice {
                return Err(format!("invoice {number} is beyond the last"));
            }
            if let Some(other) = numbers.insert(number, tenant) {
                return Err(format!("{other} and {tenant} share invoice {number}"));
            }
        }
    }
    Ok(())
}

fn books(state: &State, wrong: impl Fn(&Book) -> Option<String>) -> Result<(), String> {
    for (tenant, book) in &state.ledger.books {
        if let Some(found) = wrong(book) {
            return Err(format!("of tenant {tenant}, {found}"));
        }
    }
    Ok(())
}
