//! The ledger in a snapshot.

use std::sync::Arc;

use takt_domain::ledger::card::Card;
use takt_domain::ledger::journal::Line;
use takt_domain::ledger::usage::Mark;
use takt_domain::ledger::{Book, CardName, Head, Ledger, Period};
use takt_model::{Revision, TenantId};
use takt_wire::takt::control::log::v1 as stored;

use super::posting::{hash, posting_from, posting_to};
use super::values::{
    card, commitment_from, commitment_to, credit_from, credit_to, currency, dimension,
    invoice_from, invoice_to, line_from, line_to, list_from, list_to, period, some, source,
    terms_from, terms_to,
};
use crate::codec::DecodeError;

type Result<T> = std::result::Result<T, DecodeError>;

pub(crate) fn state_to(ledger: &Ledger) -> stored::Ledger {
    let books = ledger.books.iter();
    let cards = ledger.cards.iter();
    let retired = ledger.retired.iter();
    stored::Ledger {
        books: books.map(|(tenant, book)| book_to(tenant, book)).collect(),
        cards: cards.map(|(name, card)| card_to(name, card)).collect(),
        retired: retired
            .map(|(source, epoch)| stored::SourceRetired {
                source: source.to_string(),
                epoch: *epoch,
            })
            .collect(),
        last_invoice: ledger.last_invoice,
        closed_through: ledger.closed_through.map(Period::number),
    }
}

pub(crate) fn state_from(ledger: stored::Ledger) -> Result<Ledger> {
    let retired = ledger.retired.iter();
    Ok(Ledger {
        books: ledger
            .books
            .into_iter()
            .map(|book| Ok((TenantId::new(&book.tenant)?, Arc::new(book_from(book)?))))
            .collect::<Result<_>>()?,
        cards: ledger
            .cards
            .into_iter()
            .map(card_from)
            .collect::<Result<_>>()?,
        retired: retired
            .map(|retired| Ok((source(&retired.source)?, retired.epoch)))
            .collect::<Result<_>>()?,
        last_invoice: ledger.last_invoice,
        closed_through: maybe_period(ledger.closed_through)?,
    })
}

fn maybe_period(number: Option<u32>) -> Result<Option<Period>> {
    Ok(number.map(|number| period(number, "period")).transpose()?)
}

fn card_to(name: &CardName, card: &Card) -> stored::RateCard {
    let lists = card
        .lists
        .iter()
        .map(|(from, list)| stored::DatedPriceList {
            from: from.number(),
            list: Some(list_to(list)),
        });
    stored::RateCard {
        card: name.to_string(),
        currency: card.currency.to_string(),
        lists: lists.collect(),
        version: card.version.0,
    }
}

fn card_from(stored: stored::RateCard) -> Result<(CardName, Arc<Card>)> {
    let lists = stored.lists.into_iter().map(|dated| {
        let list = list_from(&some(dated.list, "list")?)?;
        Ok((period(dated.from, "from")?, list))
    });
    let found = Card {
        currency: currency(&stored.currency)?,
        lists: lists.collect::<Result<_>>()?,
        version: Revision(stored.version),
    };
    Ok((card(&stored.card)?, Arc::new(found)))
}

fn book_to(tenant: &TenantId, book: &Book) -> stored::Book {
    let balances = book.balances.iter().map(|((account, currency), amount)| {
        line_to(&Line {
            account: account.clone(),
            currency: *currency,
            amount: *amount,
        })
    });
    let usage = book.usage.iter().map(|(period, of)| stored::PeriodUsage {
        period: period.number(),
        quantities: of
            .iter()
            .map(|(dimension, quantity)| (dimension.to_string(), *quantity))
            .collect(),
    });
    let marks = book.marks.iter();
    let marks = marks.map(|((source, dimension), mark)| stored::UsageMark {
        source: source.to_string(),
        dimension: dimension.to_string(),
        epoch: mark.epoch,
        from: mark.from,
        to: mark.to,
        quantity: mark.quantity,
    });
    let terms = book.terms.iter().map(|(from, terms)| stored::DatedTerms {
        from: from.number(),
        terms: Some(terms_to(terms)),
    });
    let reversed = book.reversed.iter();
    let reversed = reversed.map(|(number, by)| stored::ReversedEntry {
        number: *number,
        by: *by,
    });
    let credits = book.credits.iter();
    let commitments = book.commitments.iter();
    let invoices = book.invoices.iter();
    stored::Book {
        tenant: tenant.to_string(),
        head_number: book.head.number,
        head_hash: book.head.hash.0.to_vec(),
        balances: balances.collect(),
        usage: usage.collect(),
        marks: marks.collect(),
        closed_through: book.closed_through.map(Period::number),
        forgotten_through: book.forgotten_through.map(Period::number),
        terms: terms.collect(),
        credits: credits.map(|(id, credit)| credit_to(*id, credit)).collect(),
        commitments: commitments
            .map(|(id, commitment)| commitment_to(*id, commitment))
            .collect(),
        invoices: invoices
            .map(|(id, invoice)| invoice_to(*id, invoice))
            .collect(),
        entries: book
            .entries
            .values()
            .map(|entry| posting_to(entry))
            .collect(),
        reversed: reversed.collect(),
        version: book.version.0,
    }
}

fn book_from(book: stored::Book) -> Result<Book> {
    let balances = book.balances.iter().map(|line| {
        let line = line_from(line)?;
        Ok(((line.account, line.currency), line.amount))
    });
    let usage = book.usage.iter().map(|of| {
        let quantities = of.quantities.iter();
        let quantities = quantities.map(|(name, quantity)| Ok((dimension(name)?, *quantity)));
        let quantities = quantities.collect::<Result<_>>()?;
        Ok((period(of.period, "period")?, Arc::new(quantities)))
    });
    let marks = book.marks.iter().map(|mark| {
        let key = (source(&mark.source)?, dimension(&mark.dimension)?);
        let mark = Mark {
            epoch: mark.epoch,
            from: mark.from,
            to: mark.to,
            quantity: mark.quantity,
        };
        Ok((key, mark))
    });
    let terms = book.terms.into_iter().map(|dated| {
        let terms = terms_from(&some(dated.terms, "terms")?)?;
        Ok((period(dated.from, "from")?, Arc::new(terms)))
    });
    let credits = book.credits.into_iter().map(|credit| {
        let (id, credit) = credit_from(credit)?;
        Ok((id, Arc::new(credit)))
    });
    let commitments = book.commitments.into_iter().map(|commitment| {
        let (id, commitment) = commitment_from(commitment)?;
        Ok((id, Arc::new(commitment)))
    });
    let invoices = book.invoices.into_iter().map(|invoice| {
        let (id, invoice) = invoice_from(invoice)?;
        Ok((id, Arc::new(invoice)))
    });
    let entries = book.entries.into_iter().map(|entry| {
        let entry = posting_from(entry)?;
        Ok((entry.number, Arc::new(entry)))
    });
    let reversed = book.reversed.iter();
    Ok(Book {
        head: Head {
            number: book.head_number,
            hash: hash(&book.head_hash, "head_hash")?,
        },
        balances: balances.collect::<Result<_>>()?,
        usage: usage.collect::<Result<_>>()?,
        marks: marks.collect::<Result<_>>()?,
        closed_through: maybe_period(book.closed_through)?,
        forgotten_through: maybe_period(book.forgotten_through)?,
        terms: terms.collect::<Result<_>>()?,
        credits: credits.collect::<Result<_>>()?,
        commitments: commitments.collect::<Result<_>>()?,
        invoices: invoices.collect::<Result<_>>()?,
        entries: entries.collect::<Result<_>>()?,
        reversed: reversed.map(|pair| (pair.number, pair.by)).collect(),
        version: Revision(book.version),
    })
}
