//! The values of the ledger, which the admin API shows and takes in their stored form.

use std::collections::{BTreeMap, BTreeSet};

use takt_domain::ledger::card::{List, Price, Scheme, Tier};
use takt_domain::ledger::credit::{self, Grant, Promise};
use takt_domain::ledger::invoice::{self, Bill};
use takt_domain::ledger::journal::{Account, Line};
use takt_domain::ledger::rating::Rated;
use takt_domain::ledger::{
    CardName, Commitment, Credit, Currency, Dimension, Invoice, Period, Sku, Source, Terms,
};
use takt_model::{Revision, UnixNano};
use takt_wire::takt::control::log::v1 as stored;
use uuid::Uuid;

/// Why a value is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("{why}")]
    Illegal {
        /// Which field it is.
        field: &'static str,
        why: String,
    },
}

impl ValueError {
    pub(super) fn of(field: &'static str, why: impl ToString) -> Self {
        Self::Illegal {
            field,
            why: why.to_string(),
        }
    }

    /// The field that is at fault.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Missing(field) | Self::Illegal { field, .. } => field,
        }
    }
}

type Result<T> = std::result::Result<T, ValueError>;

pub(super) fn some<T>(value: Option<T>, field: &'static str) -> Result<T> {
    value.ok_or(ValueError::Missing(field))
}

pub(super) fn uuid(bytes: &[u8], field: &'static str) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|error| ValueError::of(field, error))
}

pub(super) fn period(number: u32, field: &'static str) -> Result<Period> {
    Period::from_number(number)
        .ok_or_else(|| ValueError::of(field, format!("`{number}` is not the number of a period")))
}

pub(super) fn currency(text: &str) -> Result<Currency> {
    Currency::new(text).map_err(|error| ValueError::of("currency", error))
}

pub(super) fn sku(text: &str) -> Result<Sku> {
    Sku::new(text).map_err(|error| ValueError::of("sku", error))
}

pub(super) fn card(text: &str) -> Result<CardName> {
    CardName::new(text).map_err(|error| ValueError::of("card", error))
}

pub(super) fn dimension(text: &str) -> Result<Dimension> {
    Dimension::new(text).map_err(|error| ValueError::of("dimension", error))
}

pub(super) fn source(text: &str) -> Result<Source> {
    Source::new(text).map_err(|error| ValueError::of("source", error))
}

#[must_use]
pub fn line_to(line: &Line) -> stored::EntryLine {
    use stored::LedgerAccount as To;
    let (account, sku) = match &line.account {
        Account::Receivable => (To::Receivable, String::new()),
        Account::Revenue(sku) => (To::Revenue, sku.to_string()),
        Account::Credits => (To::Credits, String::new()),
        Account::Commitments => (To::Commitments, String::new()),
        Account::Tax => (To::Tax, String::new()),
        Account::WriteOff => (To::WriteOff, String::new()),
        Account::Cash => (To::Cash, String::new()),
        Account::Promotions => (To::Promotions, String::new()),
        Account::Breakage => (To::Breakage, String::new()),
        Account::Adjustments => (To::Adjustments, String::new()),
        Account::Minimum => (To::Minimum, String::new()),
    };
    stored::EntryLine {
        account: account.into(),
        sku,
        currency: line.currency.to_string(),
        amount: line.amount,
    }
}

/// # Errors
/// When the account, SKU or currency is none.
pub fn line_from(line: &stored::EntryLine) -> Result<Line> {
    use stored::LedgerAccount as From;
    let account = match From::try_from(line.account) {
        Ok(From::Receivable) => Account::Receivable,
        Ok(From::Revenue) => Account::Revenue(sku(&line.sku)?),
        Ok(From::Credits) => Account::Credits,
        Ok(From::Commitments) => Account::Commitments,
        Ok(From::Tax) => Account::Tax,
        Ok(From::WriteOff) => Account::WriteOff,
        Ok(From::Cash) => Account::Cash,
        Ok(From::Promotions) => Account::Promotions,
        Ok(From::Breakage) => Account::Breakage,
        Ok(From::Adjustments) => Account::Adjustments,
        Ok(From::Minimum) => Account::Minimum,
        Ok(From::Unspecified) | Err(_) => {
            return Err(ValueError::of("account", "say which account a line is of"));
        }
    };
    Ok(Line {
        account,
        currency: currency(&line.currency)?,
        amount: line.amount,
    })
}

#[must_use]
pub fn list_to(list: &List) -> stored::PriceList {
    stored::PriceList {
        prices: prices_to(&list.prices),
        minimum: list.minimum,
    }
}

/// # Errors
/// When a price is none.
pub fn list_from(list: &stored::PriceList) -> Result<List> {
    Ok(List {
        prices: prices_from(&list.prices)?,
        minimum: list.minimum,
    })
}

fn prices_to(prices: &BTreeMap<Sku, Price>) -> BTreeMap<String, stored::Price> {
    let prices = prices.iter();
    prices
        .map(|(sku, price)| (sku.to_string(), price_to(price)))
        .collect()
}

fn prices_from(prices: &BTreeMap<String, stored::Price>) -> Result<BTreeMap<Sku, Price>> {
    let prices = prices.iter();
    prices
        .map(|(name, price)| Ok((sku(name)?, price_from(price)?)))
        .collect()
}

fn price_to(price: &Price) -> stored::Price {
    let scheme = match price.scheme {
        Scheme::Graduated => stored::PriceScheme::Graduated,
        Scheme::Volume => stored::PriceScheme::Volume,
    };
    let tiers = price.tiers.iter().map(|tier| stored::PriceTier {
        up_to: tier.up_to,
        unit_price: tier.unit_price,
    });
    stored::Price {
        dimension: price.dimension.to_string(),
        unit: price.unit,
        included: price.included,
        scheme: scheme.into(),
        tiers: tiers.collect(),
    }
}

fn price_from(price: &stored::Price) -> Result<Price> {
    let scheme = match stored::PriceScheme::try_from(price.scheme) {
        Ok(stored::PriceScheme::Graduated) => Scheme::Graduated,
        Ok(stored::PriceScheme::Volume) => Scheme::Volume,
        Ok(stored::PriceScheme::Unspecified) | Err(_) => {
            let why = "say whether the tiers are graduated or by volume";
            return Err(ValueError::of("scheme", why));
        }
    };
    let tiers = price.tiers.iter().map(|tier| Tier {
        up_to: tier.up_to,
        unit_price: tier.unit_price,
    });
    Ok(Price {
        dimension: dimension(&price.dimension)?,
        unit: price.unit,
        included: price.included,
        scheme,
        tiers: tiers.collect(),
    })
}

#[must_use]
pub fn terms_to(terms: &Terms) -> stored::Terms {
    stored::Terms {
        card: terms.card.to_string(),
        overrides: prices_to(&terms.overrides),
        minimum: terms.minimum,
        tax_ppm: terms.tax_ppm,
        since: terms.since.map(|since| since.0),
    }
}

/// # Errors
/// When the card or a price is none.
pub fn terms_from(terms: &stored::Terms) -> Result<Terms> {
    Ok(Terms {
        card: card(&terms.card)?,
        overrides: prices_from(&terms.overrides)?,
        minimum: terms.minimum,
        tax_ppm: terms.tax_ppm,
        since: terms.since.map(UnixNano),
    })
}

#[must_use]
pub fn grant_to(grant: &Grant) -> stored::CreditGrant {
    stored::CreditGrant {
        currency: grant.currency.to_string(),
        amount: grant.amount,
        priority: grant.priority,
        expires: grant.expires.map(|expires| expires.0),
        scope: grant.scope.iter().map(Sku::to_string).collect(),
        prepaid: grant.prepaid,
        reason: grant.reason.clone(),
    }
}

/// # Errors
/// When the currency or a SKU is none.
pub fn grant_from(grant: &stored::CreditGrant) -> Result<Grant> {
    Ok(Grant {
        currency: currency(&grant.currency)?,
        amount: grant.amount,
        priority: grant.priority,
        expires: grant.expires.map(UnixNano),
        scope: grant
            .scope
            .iter()
            .map(|name| sku(name))
            .collect::<Result<BTreeSet<_>>>()?,
        prepaid: grant.prepaid,
        reason: grant.reason.clone(),
    })
}

#[must_use]
pub fn promise_to(promise: &Promise) -> stored::CommitmentPromise {
    stored::CommitmentPromise {
        currency: promise.currency.to_string(),
        amount: promise.amount,
        from: promise.from.number(),
        through: promise.through.number(),
        reason: promise.reason.clone(),
    }
}

/// # Errors
/// When the currency or a period is none.
pub fn promise_from(promise: &stored::CommitmentPromise) -> Result<Promise> {
    Ok(Promise {
        currency: currency(&promise.currency)?,
        amount: promise.amount,
        from: period(promise.from, "from")?,
        through: period(promise.through, "through")?,
        reason: promise.reason.clone(),
    })
}

#[must_use]
pub fn credit_to(id: Uuid, credit: &Credit) -> stored::Credit {
    let standing = match credit.standing {
        credit::Standing::Active => stored::CreditStanding::Active,
        credit::Standing::Voided => stored::CreditStanding::Voided,
        credit::Standing::Expired => stored::CreditStanding::Expired,
    };
    let grant = Grant {
        currency: credit.currency,
        amount: credit.amount,
        priority: credit.priority,
        expires: credit.expires,
        scope: credit.scope.clone(),
        prepaid: credit.prepaid,
        reason: credit.reason.clone(),
    };
    stored::Credit {
        credit: id.as_bytes().to_vec(),
        grant: Some(grant_to(&grant)),
        remaining: credit.remaining,
        granted_at: credit.granted_at.0,
        standing: standing.into(),
        version: credit.version.0,
    }
}

pub(super) fn credit_from(credit: stored::Credit) -> Result<(Uuid, Credit)> {
    let grant = grant_from(&some(credit.grant, "grant")?)?;
    let standing = match stored::CreditStanding::try_from(credit.standing) {
        Ok(stored::CreditStanding::Active) => credit::Standing::Active,
        Ok(stored::CreditStanding::Voided) => credit::Standing::Voided,
        Ok(stored::CreditStanding::Expired) => credit::Standing::Expired,
        Ok(stored::CreditStanding::Unspecified) | Err(_) => {
            return Err(ValueError::Missing("standing"));
        }
    };
    let id = uuid(&credit.credit, "credit")?;
    Ok((
        id,
        Credit {
            currency: grant.currency,
            amount: grant.amount,
            remaining: credit.remaining,
            priority: grant.priority,
            expires: grant.expires,
            scope: grant.scope,
            prepaid: grant.prepaid,
            reason: grant.reason,
            granted_at: UnixNano(credit.granted_at),
            standing,
            version: Revision(credit.version),
        },
    ))
}

#[must_use]
pub fn commitment_to(id: Uuid, commitment: &Commitment) -> stored::Commitment {
    let promise = Promise {
        currency: commitment.currency,
        amount: commitment.amount,
        from: commitment.from,
        through: commitment.through,
        reason: commitment.reason.clone(),
    };
    stored::Commitment {
        commitment: id.as_bytes().to_vec(),
        promise: Some(promise_to(&promise)),
        remaining: commitment.remaining,
        version: commitment.version.0,
    }
}

pub(super) fn commitment_from(commitment: stored::Commitment) -> Result<(Uuid, Commitment)> {
    let promise = promise_from(&some(commitment.promise, "promise")?)?;
    let id = uuid(&commitment.commitment, "commitment")?;
    Ok((
        id,
        Commitment {
            currency: promise.currency,
            amount: promise.amount,
            remaining: commitment.remaining,
            from: promise.from,
            through: promise.through,
            reason: promise.reason,
            version: Revision(commitment.version),
        },
    ))
}

#[must_use]
pub fn bill_to(bill: &Bill) -> stored::Bill {
    stored::Bill {
        period: bill.period.number(),
        currency: bill.currency.to_string(),
        card: bill.card.to_string(),
        list: bill.list.number(),
        lines: bill.lines.iter().map(bill_line_to).collect(),
        total: bill.total,
    }
}

fn bill_line_to(line: &invoice::Line) -> stored::BillLine {
    use stored::bill_line::Line as To;
    let line = match line {
        invoice::Line::Usage {
            sku,
            dimension,
            unit,
            rated,
        } => To::Usage(stored::BilledUsage {
            sku: sku.to_string(),
            dimension: dimension.to_string(),
            unit: *unit,
            tier: rated.tier,
            quantity: rated.quantity,
            unit_price: rated.unit_price,
            amount: rated.amount,
        }),
        invoice::Line::Minimum { amount } => To::Minimum(stored::BilledMinimum { amount: *amount }),
        invoice::Line::Credit { credit, amount } => To::Credit(stored::BilledCredit {
            credit: credit.as_bytes().to_vec(),
            amount: *amount,
        }),
        invoice::Line::Commitment { commitment, amount } => {
            To::Commitment(stored::BilledCommitment {
                commitment: commitment.as_bytes().to_vec(),
                amount: *amount,
            })
        }
        invoice::Line::Tax { ppm, base, amount } => To::Tax(stored::BilledTax {
            ppm: *ppm,
            base: *base,
            amount: *amount,
        }),
    };
    stored::BillLine { line: Some(line) }
}

pub(super) fn bill_from(bill: stored::Bill) -> Result<Bill> {
    Ok(Bill {
        period: period(bill.period, "period")?,
        currency: currency(&bill.currency)?,
        card: card(&bill.card)?,
        list: period(bill.list, "list")?,
        lines: bill
            .lines
            .into_iter()
            .map(bill_line_from)
            .collect::<Result<_>>()?,
        total: bill.total,
    })
}

fn bill_line_from(line: stored::BillLine) -> Result<invoice::Line> {
    use stored::bill_line::Line as From;
    Ok(match some(line.line, "line")? {
        From::Usage(line) => invoice::Line::Usage {
            sku: sku(&line.sku)?,
            dimension: dimension(&line.dimension)?,
            unit: line.unit,
            rated: Rated {
                tier: line.tier,
                quantity: line.quantity,
                unit_price: line.unit_price,
                amount: line.amount,
            },
        },
        From::Minimum(line) => invoice::Line::Minimum {
            amount: line.amount,
        },
        From::Credit(line) => invoice::Line::Credit {
            credit: uuid(&line.credit, "credit")?,
            amount: line.amount,
        },
        From::Commitment(line) => invoice::Line::Commitment {
            commitment: uuid(&line.commitment, "commitment")?,
            amount: line.amount,
        },
        From::Tax(line) => invoice::Line::Tax {
            ppm: line.ppm,
            base: line.base,
            amount: line.amount,
        },
    })
}

#[must_use]
pub fn invoice_to(id: Uuid, invoice: &Invoice) -> stored::Invoice {
    let standing = match invoice.standing {
        invoice::Standing::Draft => stored::InvoiceStanding::Draft,
        invoice::Standing::Final => stored::InvoiceStanding::Final,
        invoice::Standing::Paid => stored::InvoiceStanding::Paid,
        invoice::Standing::Void => stored::InvoiceStanding::Void,
        invoice::Standing::WrittenOff => stored::InvoiceStanding::WrittenOff,
    };
    stored::Invoice {
        invoice: id.as_bytes().to_vec(),
        bill: Some(bill_to(&invoice.bill)),
        standing: standing.into(),
        number: invoice.number,
        drafted_at: invoice.drafted_at.0,
        finalised_at: invoice.finalised_at.map(|at| at.0),
        settled_at: invoice.settled_at.map(|at| at.0),
        reference: invoice.reference.clone(),
        version: invoice.version.0,
    }
}

pub(super) fn invoice_from(invoice: stored::Invoice) -> Result<(Uuid, Invoice)> {
    let standing = match stored::InvoiceStanding::try_from(invoice.standing) {
        Ok(stored::InvoiceStanding::Draft) => invoice::Standing::Draft,
        Ok(stored::InvoiceStanding::Final) => invoice::Standing::Final,
        Ok(stored::InvoiceStanding::Paid) => invoice::Standing::Paid,
        Ok(stored::InvoiceStanding::Void) => invoice::Standing::Void,
        Ok(stored::InvoiceStanding::WrittenOff) => invoice::Standing::WrittenOff,
        Ok(stored::InvoiceStanding::Unspecified) | Err(_) => {
            return Err(ValueError::Missing("standing"));
        }
    };
    let id = uuid(&invoice.invoice, "invoice")?;
    Ok((
        id,
        Invoice {
            bill: bill_from(some(invoice.bill, "bill")?)?,
            standing,
            number: invoice.number,
            drafted_at: UnixNano(invoice.drafted_at),
            finalised_at: invoice.finalised_at.map(UnixNano),
            settled_at: invoice.settled_at.map(UnixNano),
            reference: invoice.reference,
            version: Revision(invoice.version),
        },
    ))
}
