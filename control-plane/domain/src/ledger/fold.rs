//! What each fact changes in the books.

use std::sync::Arc;

use takt_model::{Revision, TenantId, UnixNano};

use super::{Book, Card, CardName, Currency, Dimension, Event, Ledger, Period, Source, card};
use crate::State;

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
