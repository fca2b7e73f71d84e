//! The ways the ledger says no.

use takt_model::TenantId;
use uuid::Uuid;

use super::card::{MAX_CARDS, MAX_LISTS, MAX_SKUS, MAX_TERMS, MAX_TIERS};
use super::credit::{EXPIRY_GRACE, MAX_COMMITMENTS, MAX_CREDITS, MAX_SCOPE};
use super::invoice::{MAX_INVOICES, MAX_REFERENCE_BYTES};
use super::journal::{MAX_ENTRY_LINES, MAX_MEMO_BYTES};
use super::usage::{MAX_DIMENSIONS, MAX_MARKS, MAX_OPEN_PERIODS, MAX_RANGES};
use super::{CardName, Currency, Dimension, KEPT_ENTRIES, MAX_RETIRED, Period, Sku, Source};
use crate::Kind;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("tenant `{0}` is unknown; nothing can be booked for it")]
    TenantUnknown(TenantId),

    // --- usage ---
    #[error("the report has {0} ranges, at most {MAX_RANGES} are allowed; send several reports")]
    ReportTooLong(usize),
    #[error("the range from `{from}` to `{to}` is empty")]
    RangeEmpty { from: u64, to: u64 },
    #[error(
        "`{by}` reported `{dimension}` of tenant `{tenant}` from `{from}` to `{to}` in epoch `{epoch}`, \
         but the range expected next begins at `{expected}`"
    )]
    RangeMisplaced {
        by: Source,
        epoch: u64,
        tenant: TenantId,
        dimension: Dimension,
        from: u64,
        to: u64,
        expected: u64,
    },
    #[error(
        "the range from `{from}` to `{to}` was posted with quantity `{posted}` and is now reported with `{asked}`"
    )]
    RangeDiffers {
        from: u64,
        to: u64,
        posted: u64,
        asked: u64,
    },
    #[error(
        "`{by}` reported for epoch `{asked}`, which is over; epoch `{current}` is the one to report for"
    )]
    EpochClosed {
        by: Source,
        asked: u64,
        current: u64,
    },
    #[error("the usage lies more than a day in the future; check the clock of the source")]
    UsageFromTheFuture,
    #[error("the quantity of `{0}` is beyond what 64 bits hold")]
    QuantityTooLarge(Dimension),
    #[error("tenant `{0}` would have more than {MAX_DIMENSIONS} dimensions in a period")]
    TooManyDimensions(TenantId),
    #[error(
        "tenant `{0}` would have more than {MAX_OPEN_PERIODS} open periods; close the earliest"
    )]
    TooManyOpenPeriods(TenantId),
    #[error("tenant `{0}` would have more than {MAX_MARKS} sources; retire those that are no more")]
    TooManySources(TenantId),
    #[error("{MAX_RETIRED} sources are retired, no more are allowed")]
    TooManyRetired,

    // --- periods ---
    #[error("period `{0}` is not over")]
    PeriodNotOver(Period),
    #[error("period `{0}` has usage and is still open; close it first")]
    PeriodsOutOfOrder(Period),
    #[error("period `{1}` of tenant `{0}` is open; close it first, or ask for a preview")]
    PeriodOpen(TenantId, Period),
    #[error("the usage of period `{0}` is no longer kept; the history has it")]
    PeriodForgotten(Period),

    // --- prices ---
    #[error("rate card `{0}` is unknown")]
    CardUnknown(CardName),
    #[error("rate card `{0}` is in `{1}` for ever; make another card for another currency")]
    CardCurrency(CardName, Currency),
    #[error("rate card `{0}` holds for tenant `{1}`; a card with terms on it cannot be deleted")]
    CardInUse(CardName, TenantId),
    #[error("period `{0}` is closed for some tenants; prices can be set from the period after it")]
    PricesInForce(Period),
    #[error("rate card `{0}` has no prices for period `{1}`")]
    NoPrices(CardName, Period),
    #[error("there are {MAX_CARDS} rate cards, no more are allowed")]
    TooManyCards,
    #[error("rate card `{0}` has {MAX_LISTS} lists of prices, no more are allowed")]
    TooManyLists(CardName),
    #[error("{0} SKUs are too many, at most {MAX_SKUS} are allowed")]
    TooManySkus(usize),
    #[error("SKU `{0}` has more than {MAX_TIERS} tiers")]
    TooManyTiers(Sku),
    #[error(
        "the tiers of SKU `{0}` must rise, and only the last, which must be there, has no bound"
    )]
    TiersMalformed(Sku),
    #[error("the unit of SKU `{0}` is zero; say what quantity a price is for")]
    UnitZero(Sku),
    #[error("the price of `{0}` is negative; grant a credit instead")]
    PriceNegative(String),
    #[error("a tax of `{0}` parts per million is more than all")]
    TaxTooHigh(u32),
    #[error("service must begin within `{0}`, the first period of the terms")]
    SinceOutsidePeriod(Period),
    #[error("period `{0}` is closed; terms can begin with the period after the last closed one")]
    TermsInThePast(Period),
    #[error("tenant `{0}` has {MAX_TERMS} terms, no more are allowed")]
    TooManyTerms(TenantId),
    #[error("nothing is agreed with tenant `{0}` for period `{1}`; set its terms")]
    TermsMissing(TenantId, Period),

    // --- credits and commitments ---
    #[error("the amount `{0}` is not positive")]
    AmountNotPositive(i64),
    #[error("the amount of {0} is beyond what 64 bits of micro-units hold")]
    AmountTooLarge(String),
    #[error("credit `{0}` is unknown")]
    CreditUnknown(Uuid),
    #[error("credit `{0}` is voided or expired")]
    CreditOver(Uuid),
    #[error(
        "invoice `{invoice}` is a draft that uses credit `{credit}`; make it final or void it first"
    )]
    CreditHeld { credit: Uuid, invoice: Uuid },
    #[error("the credit would expire before it is granted")]
    CreditExpiresInThePast,
    #[error(
        "credit `{0}` does not expire, or not yet: it is taken back {days} days after its expiry",
        days = EXPIRY_GRACE.as_secs() / 86_400
    )]
    CreditNotExpired(Uuid),
    #[error("tenant `{0}` has {MAX_CREDITS} credits that are not used up, no more are allowed")]
    TooManyCredits(TenantId),
    #[error("{0} SKUs are too many for the scope of a credit, at most {MAX_SCOPE} are allowed")]
    ScopeTooLong(usize),
    #[error("commitment `{0}` is unknown or over")]
    CommitmentUnknown(Uuid),
    #[error(
        "a commitment from `{from}` through `{through}` ends before it begins, or begins in a closed period"
    )]
    CommitmentPeriods { from: Period, through: Period },
    #[error("the commitment covers period `{0}`, which may still be invoiced")]
    CommitmentNotOver(Period),
    #[error("tenant `{0}` has {MAX_COMMITMENTS} commitments, no more are allowed")]
    TooManyCommitments(TenantId),

    // --- invoices ---
    #[error("invoice `{0}` is unknown")]
    InvoiceUnknown(Uuid),
    #[error("period `{1}` has invoice `{0}`; void it to draft another")]
    InvoiceExists(Uuid, Period),
    #[error("invoice `{0}` is a draft; make it final first")]
    InvoiceDraft(Uuid),
    #[error("invoice `{0}` is settled; what is settled is put right by an adjustment or a credit")]
    InvoiceSettled(Uuid),
    #[error("tenant `{0}` has {MAX_INVOICES} invoices that are not settled, no more are allowed")]
    TooManyInvoices(TenantId),
    #[error("the reference is {0} bytes long, at most {MAX_REFERENCE_BYTES} are allowed")]
    ReferenceTooLong(usize),

    // --- entries ---
    #[error("debits and credits in `{currency}` differ by `{difference}` micro-units")]
    EntryUnbalanced {
        currency: Currency,
        difference: i128,
    },
    #[error("the entry moves nothing")]
    EntryEmpty,
    #[error("the entry has {0} lines, at most {MAX_ENTRY_LINES} are allowed")]
    EntryTooLong(usize),
    #[error("the memo is {0} bytes long, at most {MAX_MEMO_BYTES} are allowed")]
    MemoTooLong(usize),
    #[error("there is no entry `{0}` among the last {KEPT_ENTRIES} of the tenant")]
    EntryUnknown(u64),
    #[error("entry `{0}` was not made by hand; void the credit or the invoice it is of")]
    EntryNotByHand(u64),
    #[error("entry `{number}` was taken back by entry `{by}`")]
    EntryReversed { number: u64, by: u64 },
    #[error("credits and commitments are not booked by hand; grant, void or commit")]
    AccountNotByHand,
}

impl Rejection {
    /// Stable; part of the API.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TenantUnknown(_) => "TENANT_UNKNOWN",
            Self::ReportTooLong(_) => "USAGE_REPORT_TOO_LONG",
            Self::RangeEmpty { .. } => "USAGE_RANGE_EMPTY",
            Self::RangeMisplaced { .. } => "USAGE_RANGE_MISPLACED",
            Self::RangeDiffers { .. } => "USAGE_RANGE_DIFFERS",
            Self::EpochClosed { .. } => "USAGE_EPOCH_CLOSED",
            Self::UsageFromTheFuture => "USAGE_FROM_THE_FUTURE",
            Self::QuantityTooLarge(_) => "USAGE_QUANTITY_TOO_LARGE",
            Self::TooManyDimensions(_) => "USAGE_TOO_MANY_DIMENSIONS",
            Self::TooManyOpenPeriods(_) => "USAGE_TOO_MANY_OPEN_PERIODS",
            Self::TooManySources(_) => "USAGE_TOO_MANY_SOURCES",
            Self::TooManyRetired => "USAGE_TOO_MANY_RETIRED",
            Self::PeriodNotOver(_) => "PERIOD_NOT_OVER",
            Self::PeriodsOutOfOrder(_) => "PERIODS_OUT_OF_ORDER",
            Self::PeriodOpen(..) => "PERIOD_OPEN",
            Self::PeriodForgotten(_) => "PERIOD_FORGOTTEN",
            Self::CardUnknown(_) => "RATE_CARD_UNKNOWN",
            Self::CardCurrency(..) => "RATE_CARD_CURRENCY",
            Self::CardInUse(..) => "RATE_CARD_IN_USE",
            Self::PricesInForce(_) => "PRICES_IN_FORCE",
            Self::NoPrices(..) => "PRICES_MISSING",
            Self::TooManyCards => "TOO_MANY_RATE_CARDS",
            Self::TooManyLists(_) => "TOO_MANY_PRICE_LISTS",
            Self::TooManySkus(_) => "TOO_MANY_SKUS",
            Self::TooManyTiers(_) => "TOO_MANY_TIERS",
            Self::TiersMalformed(_) => "TIERS_MALFORMED",
            Self::UnitZero(_) => "UNIT_ZERO",
            Self::PriceNegative(_) => "PRICE_NEGATIVE",
            Self::TaxTooHigh(_) => "TAX_TOO_HIGH",
            Self::SinceOutsidePeriod(_) => "TERMS_SINCE_OUTSIDE_PERIOD",
            Self::TermsInThePast(_) => "TERMS_IN_THE_PAST",
            Self::TooManyTerms(_) => "TOO_MANY_TERMS",
            Self::TermsMissing(..) => "TERMS_MISSING",
            Self::AmountNotPositive(_) => "AMOUNT_NOT_POSITIVE",
            Self::AmountTooLarge(_) => "AMOUNT_TOO_LARGE",
            Self::CreditUnknown(_) => "CREDIT_UNKNOWN",
            Self::CreditOver(_) => "CREDIT_OVER",
            Self::CreditHeld { .. } => "CREDIT_HELD",
            Self::CreditExpiresInThePast => "CREDIT_EXPIRES_IN_THE_PAST",
            Self::CreditNotExpired(_) => "CREDIT_NOT_EXPIRED",
            Self::TooManyCredits(_) => "TOO_MANY_CREDITS",
            Self::ScopeTooLong(_) => "CREDIT_SCOPE_TOO_LONG",
            Self::CommitmentUnknown(_) => "COMMITMENT_UNKNOWN",
            Self::CommitmentPeriods { .. } => "COMMITMENT_PERIODS",
            Self::CommitmentNotOver(_) => "COMMITMENT_NOT_OVER",
            Self::TooManyCommitments(_) => "TOO_MANY_COMMITMENTS",
            Self::InvoiceUnknown(_) => "INVOICE_UNKNOWN",
            Self::InvoiceExists(..) => "INVOICE_EXISTS",
            Self::InvoiceDraft(_) => "INVOICE_DRAFT",
            Self::InvoiceSettled(_) => "INVOICE_SETTLED",
            Self::TooManyInvoices(_) => "TOO_MANY_INVOICES",
            Self::ReferenceTooLong(_) => "REFERENCE_TOO_LONG",
            Self::EntryUnbalanced { .. } => "ENTRY_UNBALANCED",
            Self::EntryEmpty => "ENTRY_EMPTY",
            Self::EntryTooLong(_) => "ENTRY_TOO_LONG",
            Self::MemoTooLong(_) => "MEMO_TOO_LONG",
            Self::EntryUnknown(_) => "ENTRY_UNKNOWN",
            Self::EntryNotByHand(_) => "ENTRY_NOT_BY_HAND",
            Self::EntryReversed { .. } => "ENTRY_REVERSED",
            Self::AccountNotByHand => "ACCOUNT_NOT_BY_HAND",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::TenantUnknown(_)
            | Self::CardUnknown(_)
            | Self::CreditUnknown(_)
            | Self::CommitmentUnknown(_)
            | Self::InvoiceUnknown(_)
            | Self::EntryUnknown(_) => Kind::NotFound,
            Self::RangeMisplaced { .. }
            | Self::RangeDiffers { .. }
            | Self::EpochClosed { .. }
            | Self::TooManyDimensions(_)
            | Self::TooManyOpenPeriods(_)
            | Self::TooManySources(_)
            | Self::TooManyRetired
            | Self::QuantityTooLarge(_)
            | Self::PeriodNotOver(_)
            | Self::PeriodsOutOfOrder(_)
            | Self::PeriodOpen(..)
            | Self::PeriodForgotten(_)
            | Self::CardCurrency(..)
            | Self::CardInUse(..)
            | Self::PricesInForce(_)
            | Self::NoPrices(..)
            | Self::TooManyCards
            | Self::TooManyLists(_)
            | Self::TermsInThePast(_)
            | Self::TooManyTerms(_)
            | Self::TermsMissing(..)
            | Self::CreditOver(_)
            | Self::CreditHeld { .. }
            | Self::CreditNotExpired(_)
            | Self::TooManyCredits(_)
            | Self::CommitmentNotOver(_)
            | Self::TooManyCommitments(_)
            | Self::InvoiceExists(..)
            | Self::InvoiceDraft(_)
            | Self::InvoiceSettled(_)
            | Self::TooManyInvoices(_)
            | Self::EntryNotByHand(_)
            | Self::EntryReversed { .. } => Kind::Conflict,
            Self::ReportTooLong(_)
            | Self::RangeEmpty { .. }
            | Self::UsageFromTheFuture
            | Self::TooManySkus(_)
            | Self::TooManyTiers(_)
            | Self::TiersMalformed(_)
            | Self::UnitZero(_)
            | Self::PriceNegative(_)
            | Self::TaxTooHigh(_)
            | Self::SinceOutsidePeriod(_)
            | Self::AmountNotPositive(_)
            | Self::AmountTooLarge(_)
            | Self::CreditExpiresInThePast
            | Self::ScopeTooLong(_)
            | Self::CommitmentPeriods { .. }
            | Self::ReferenceTooLong(_)
            | Self::EntryUnbalanced { .. }
            | Self::EntryEmpty
            | Self::EntryTooLong(_)
            | Self::MemoTooLong(_)
            | Self::AccountNotByHand => Kind::Invalid,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::TenantUnknown(_) => Some("tenant"),
            Self::ReportTooLong(_)
            | Self::RangeEmpty { .. }
            | Self::RangeMisplaced { .. }
            | Self::RangeDiffers { .. }
            | Self::UsageFromTheFuture
            | Self::QuantityTooLarge(_) => Some("ranges"),
            Self::EpochClosed { .. } => Some("epoch"),
            Self::PeriodNotOver(_)
            | Self::PeriodsOutOfOrder(_)
            | Self::PeriodOpen(..)
            | Self::PeriodForgotten(_)
            | Self::InvoiceExists(..) => Some("period"),
            Self::CardUnknown(_) => Some("card"),
            Self::CardCurrency(..) => Some("currency"),
            Self::PricesInForce(_) | Self::TermsInThePast(_) | Self::CommitmentPeriods { .. } => {
                Some("from")
            }
            Self::TooManySkus(_)
            | Self::TooManyTiers(_)
            | Self::TiersMalformed(_)
            | Self::UnitZero(_)
            | Self::PriceNegative(_) => Some("prices"),
            Self::TaxTooHigh(_) => Some("tax_ppm"),
            Self::SinceOutsidePeriod(_) => Some("since"),
            Self::AmountNotPositive(_) => Some("amount"),
            Self::CreditUnknown(_) | Self::CreditOver(_) => Some("credit"),
            Self::CreditExpiresInThePast => Some("expires"),
            Self::ScopeTooLong(_) => Some("scope"),
            Self::CommitmentUnknown(_) => Some("commitment"),
            Self::InvoiceUnknown(_) => Some("invoice"),
            Self::ReferenceTooLong(_) => Some("reference"),
            Self::EntryUnbalanced { .. }
            | Self::EntryEmpty
            | Self::EntryTooLong(_)
            | Self::AccountNotByHand => Some("lines"),
            Self::MemoTooLong(_) => Some("memo"),
            Self::EntryUnknown(_) | Self::EntryNotByHand(_) | Self::EntryReversed { .. } => {
                Some("number")
            }
            Self::TooManyDimensions(_)
            | Self::TooManyOpenPeriods(_)
            | Self::TooManySources(_)
            | Self::TooManyRetired
            | Self::CardInUse(..)
            | Self::NoPrices(..)
            | Self::TooManyCards
            | Self::TooManyLists(_)
            | Self::TooManyTerms(_)
            | Self::TermsMissing(..)
            | Self::AmountTooLarge(_)
            | Self::CreditHeld { .. }
            | Self::CreditNotExpired(_)
            | Self::TooManyCredits(_)
            | Self::CommitmentNotOver(_)
            | Self::TooManyCommitments(_)
            | Self::InvoiceDraft(_)
            | Self::InvoiceSettled(_)
            | Self::TooManyInvoices(_) => None,
        }
    }
}
