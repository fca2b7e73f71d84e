//! What may be done with books, prices and terms.

use std::collections::BTreeSet;

use takt_model::{Revision, TenantId};

use super::{
    Account, CardName, Command, Currency, Entry, Event, MAX_RETIRED, Period, Rejection, Sku,
    Source, Terms, card, chain, credit, invoice, journal, usage,
};
use crate::tenants::matches;
use crate::{Facts, State};

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
pub(super) fn known(state: &State, tenant: &TenantId) -> Result<(), Rejection> {
    if state.tenants.contains_key(tenant) || tenant.as_str() == TenantId::SINGLE {
        Ok(())
    } else {
        Err(Rejection::TenantUnknown(tenant.clone()))
    }
}

pub(super) fn bounded_memo(memo: &str) -> Result<(), Rejection> {
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
