//! What was used and what it costs: double entry in whole micro-units, append-only, hash-chained.
//!
//! Everything that happens to a tenant's usage and money is a posting of that tenant's chain
//! ([`chain`]). The state keeps one [`Book`] of sums per tenant and the head of its chain; the postings
//! themselves are the events of the log, and its history has them all. So the state grows with tenants,
//! their sources and their terms, and not with traffic.
//!
//! Usage is posted once however often it is reported ([`usage`]), rated exactly ([`rating`]), and billed by
//! calendar month ([`invoice`]). Nothing is edited: what was wrong is taken back by an entry that reverses
//! it.

mod book;
mod due;
mod fold;
mod money;
mod names;
mod period;
mod rejection;
mod rules;

pub mod card;
pub mod chain;
pub mod credit;
pub(crate) mod invariants;
pub mod invoice;
pub mod journal;
pub mod rating;
pub mod usage;

use std::sync::{Arc, LazyLock};

use takt_model::{Revision, TenantId};
use uuid::Uuid;

pub use book::{Book, KEPT_ENTRIES, KEPT_PERIODS};
pub use card::{Card, Terms};
pub use chain::{Hash, Head, Posting};
pub use credit::{Commitment, Credit};
pub use due::{CLOSE_AFTER, due};
pub(crate) use fold::evolve;
pub use invoice::{Bill, Invoice};
pub use journal::{Account, Entry};
pub use money::{Currency, CurrencyError, Share};
pub use names::{CardName, Dimension, NameError, Sku, Source};
pub use period::{Period, PeriodError};
pub use rejection::Rejection;
pub(crate) use rules::decide;

use crate::{Map, Resource, Subject};

/// How many sources may be retired.
pub const MAX_RETIRED: usize = 65_536;

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    pub books: Map<TenantId, Arc<Book>>,
    pub cards: Map<CardName, Arc<Card>>,
    /// Sources that are no more, and the last epoch they may have had.
    pub retired: Map<Source, u64>,
    /// The number of the last invoice that was made final.
    pub last_invoice: u64,
    /// The latest period that is closed for anybody.
    pub closed_through: Option<Period>,
}

impl Ledger {
    /// A tenant's book; an empty one if nothing was posted yet.
    #[must_use]
    pub fn book(&self, tenant: &TenantId) -> &Book {
        static EMPTY: LazyLock<Book> = LazyLock::new(Book::default);
        self.books.get(tenant).map_or(&EMPTY, |book| book)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// What a source measured; see [`usage`].
    PostUsage {
        source: Source,
        epoch: u64,
        ranges: Vec<usage::Range>,
    },
    /// A source is no more: its marks are dropped, and epochs up to this one are taken no longer.
    RetireSource {
        source: Source,
        epoch: u64,
    },
    ClosePeriod {
        tenant: TenantId,
        period: Period,
    },
    /// The prices of a card from a period on.
    PutPrices {
        card: CardName,
        currency: Currency,
        from: Period,
        list: card::List,
        if_match: Option<Revision>,
    },
    DeleteCard {
        card: CardName,
        if_match: Option<Revision>,
    },
    SetTerms {
        tenant: TenantId,
        from: Period,
        terms: Terms,
        if_match: Option<Revision>,
    },
    /// The credit is named by the command's id.
    GrantCredit {
        tenant: TenantId,
        grant: credit::Grant,
    },
    VoidCredit {
        tenant: TenantId,
        credit: Uuid,
        reason: String,
        if_match: Option<Revision>,
    },
    ExpireCredit {
        tenant: TenantId,
        credit: Uuid,
    },
    /// The commitment is named by the command's id.
    Commit {
        tenant: TenantId,
        promise: credit::Promise,
    },
    LapseCommitment {
        tenant: TenantId,
        commitment: Uuid,
    },
    /// The invoice is named by the command's id.
    DraftInvoice {
        tenant: TenantId,
        period: Period,
    },
    FinaliseInvoice {
        tenant: TenantId,
        invoice: Uuid,
        if_match: Option<Revision>,
    },
    PayInvoice {
        tenant: TenantId,
        invoice: Uuid,
        reference: String,
        if_match: Option<Revision>,
    },
    WriteOffInvoice {
        tenant: TenantId,
        invoice: Uuid,
        reason: String,
        if_match: Option<Revision>,
    },
    VoidInvoice {
        tenant: TenantId,
        invoice: Uuid,
        reason: String,
        if_match: Option<Revision>,
    },
    /// An entry by hand.
    Adjust {
        tenant: TenantId,
        lines: Vec<journal::Line>,
        memo: String,
    },
    /// Takes back an entry by hand, and posts what it should have been, if anything.
    Correct {
        tenant: TenantId,
        number: u64,
        lines: Vec<journal::Line>,
        memo: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Posted {
        tenant: TenantId,
        posting: Posting,
    },
    SourceRetired {
        source: Source,
        epoch: u64,
    },
    PeriodClosed {
        tenant: TenantId,
        period: Period,
    },
    PricesPut {
        card: CardName,
        currency: Currency,
        from: Period,
        list: card::List,
    },
    CardDeleted {
        card: CardName,
    },
    TermsSet {
        tenant: TenantId,
        from: Period,
        terms: Terms,
    },
    CreditGranted {
        tenant: TenantId,
        credit: Uuid,
        grant: credit::Grant,
    },
    CreditVoided {
        tenant: TenantId,
        credit: Uuid,
        reason: String,
    },
    CreditExpired {
        tenant: TenantId,
        credit: Uuid,
    },
    /// It was used up or over and made room for another.
    CreditForgotten {
        tenant: TenantId,
        credit: Uuid,
    },
    CommitmentMade {
        tenant: TenantId,
        commitment: Uuid,
        promise: credit::Promise,
    },
    CommitmentLapsed {
        tenant: TenantId,
        commitment: Uuid,
    },
    InvoiceDrafted {
        tenant: TenantId,
        invoice: Uuid,
        bill: Bill,
    },
    InvoiceDiscarded {
        tenant: TenantId,
        invoice: Uuid,
    },
    InvoiceFinalised {
        tenant: TenantId,
        invoice: Uuid,
        number: u64,
    },
    InvoicePaid {
        tenant: TenantId,
        invoice: Uuid,
        reference: String,
    },
    InvoiceWrittenOff {
        tenant: TenantId,
        invoice: Uuid,
        reason: String,
    },
    InvoiceVoided {
        tenant: TenantId,
        invoice: Uuid,
        reason: String,
    },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let of = |resource, tenant: &TenantId, name: String| Subject {
            name,
            ..Subject::of_tenant(resource, tenant)
        };
        match self {
            Self::Posted { tenant, posting } => match &posting.what {
                chain::What::Usage(usage) => of(Resource::Usage, tenant, usage.source.to_string()),
                chain::What::Entry(_) => Subject::of_tenant(Resource::Account, tenant),
            },
            Self::SourceRetired { source, .. } => {
                Subject::named(Resource::Usage, source.to_string())
            }
            Self::PeriodClosed { tenant, .. } | Self::TermsSet { tenant, .. } => {
                Subject::of_tenant(Resource::Account, tenant)
            }
            Self::PricesPut { card, .. } | Self::CardDeleted { card } => {
                Subject::named(Resource::RateCard, card.to_string())
            }
            Self::CreditGranted { tenant, credit, .. }
            | Self::CreditVoided { tenant, credit, .. }
            | Self::CreditExpired { tenant, credit }
            | Self::CreditForgotten { tenant, credit } => {
                of(Resource::Credit, tenant, credit.to_string())
            }
            Self::CommitmentMade {
                tenant, commitment, ..
            }
            | Self::CommitmentLapsed { tenant, commitment } => {
                of(Resource::Credit, tenant, commitment.to_string())
            }
            Self::InvoiceDrafted {
                tenant, invoice, ..
            }
            | Self::InvoiceDiscarded { tenant, invoice }
            | Self::InvoiceFinalised {
                tenant, invoice, ..
            }
            | Self::InvoicePaid {
                tenant, invoice, ..
            }
            | Self::InvoiceWrittenOff {
                tenant, invoice, ..
            }
            | Self::InvoiceVoided {
                tenant, invoice, ..
            } => of(Resource::Invoice, tenant, invoice.to_string()),
        }
    }

    /// With every fact of a tenant its account, and with an invoice what it was paid from.
    pub(crate) fn changes(&self) -> Vec<Subject> {
        let subject = self.subject();
        let Some(tenant) = subject.tenant.clone() else {
            // No list says of usage where it came from.
            let shown = subject.resource != Resource::Usage;
            return shown.then_some(subject).into_iter().collect();
        };
        let account = Subject::of_tenant(Resource::Account, &tenant);
        let mut changed = vec![account];
        if subject.resource == Resource::Invoice {
            changed.push(Subject::of_tenant(Resource::Credit, &tenant));
        }
        if !matches!(subject.resource, Resource::Usage | Resource::Account) {
            changed.push(subject);
        }
        changed
    }
}
