//! Usage and money: events and state as they are stored, and the values in them, which the admin API shows and
//! takes in the same form.

mod posting;
mod state;
mod values;

use takt_domain::ledger::Event;
use takt_model::TenantId;
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::ledger_event::Event as Stored;
use uuid::Uuid;

pub use posting::{posting_from, posting_to};
pub(super) use state::{state_from, state_to};
pub use values::{
    ValueError, bill_to, commitment_to, credit_to, grant_from, grant_to, invoice_to, line_from,
    line_to, list_from, list_to, promise_from, promise_to, terms_from, terms_to,
};

use super::DecodeError;
use values::{bill_from, card, currency, period, some, source, uuid};

fn bytes(id: &Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

#[expect(clippy::too_many_lines, reason = "one arm per event")]
pub(super) fn event_to(event: &Event) -> stored::LedgerEvent {
    let event = match event {
        Event::Posted { tenant, posting } => Stored::Posted(stored::Posted {
            tenant: tenant.to_string(),
            posting: Some(posting_to(posting)),
        }),
        Event::SourceRetired { source, epoch } => Stored::SourceRetired(stored::SourceRetired {
            source: source.to_string(),
            epoch: *epoch,
        }),
        Event::PeriodClosed { tenant, period } => Stored::PeriodClosed(stored::PeriodClosed {
            tenant: tenant.to_string(),
            period: period.number(),
        }),
        Event::PricesPut {
            card,
            currency,
            from,
            list,
        } => Stored::PricesPut(stored::PricesPut {
            card: card.to_string(),
            currency: currency.to_string(),
            from: from.number(),
            list: Some(list_to(list)),
        }),
        Event::CardDeleted { card } => Stored::CardDeleted(stored::CardDeleted {
            card: card.to_string(),
        }),
        Event::TermsSet {
            tenant,
            from,
            terms,
        } => Stored::TermsSet(stored::TermsSet {
            tenant: tenant.to_string(),
            from: from.number(),
            terms: Some(terms_to(terms)),
        }),
        Event::CreditGranted {
            tenant,
            credit,
            grant,
        } => Stored::CreditGranted(stored::CreditGranted {
            tenant: tenant.to_string(),
            credit: bytes(credit),
            grant: Some(grant_to(grant)),
        }),
        Event::CreditVoided {
            tenant,
            credit,
            reason,
        } => Stored::CreditVoided(stored::CreditVoided {
            tenant: tenant.to_string(),
            credit: bytes(credit),
            reason: reason.clone(),
        }),
        Event::CreditExpired { tenant, credit } => Stored::CreditExpired(stored::CreditExpired {
            tenant: tenant.to_string(),
            credit: bytes(credit),
        }),
        Event::CreditForgotten { tenant, credit } => {
            Stored::CreditForgotten(stored::CreditForgotten {
                tenant: tenant.to_string(),
                credit: bytes(credit),
            })
        }
        Event::CommitmentMade {
            tenant,
            commitment,
            promise,
        } => Stored::CommitmentMade(stored::CommitmentMade {
            tenant: tenant.to_string(),
            commitment: bytes(commitment),
            promise: Some(promise_to(promise)),
        }),
        Event::CommitmentLapsed { tenant, commitment } => {
            Stored::CommitmentLapsed(stored::CommitmentLapsed {
                tenant: tenant.to_string(),
                commitment: bytes(commitment),
            })
        }
        Event::InvoiceDrafted {
            tenant,
            invoice,
            bill,
        } => Stored::InvoiceDrafted(stored::InvoiceDrafted {
            tenant: tenant.to_string(),
            invoice: bytes(invoice),
            bill: Some(bill_to(bill)),
        }),
        Event::InvoiceDiscarded { tenant, invoice } => {
            Stored::InvoiceDiscarded(stored::InvoiceDiscarded {
                tenant: tenant.to_string(),
                invoice: bytes(invoice),
            })
        }
        Event::InvoiceFinalised {
            tenant,
            invoice,
            number,
        } => Stored::InvoiceFinalised(stored::InvoiceFinalised {
            tenant: tenant.to_string(),
            invoice: bytes(invoice),
            number: *number,
        }),
        Event::InvoicePaid {
            tenant,
            invoice,
            reference,
        } => Stored::InvoicePaid(stored::InvoicePaid {
            tenant: tenant.to_string(),
            invoice: bytes(invoice),
            reference: reference.clone(),
        }),
        Event::InvoiceWrittenOff {
            tenant,
            invoice,
            reason,
        } => Stored::InvoiceWrittenOff(stored::InvoiceWrittenOff {
            tenant: tenant.to_string(),
            invoice: bytes(invoice),
            reason: reason.clone(),
        }),
        Event::InvoiceVoided {
            tenant,
            invoice,
            reason,
        } => Stored::InvoiceVoided(stored::InvoiceVoided {
            tenant: tenant.to_string(),
            invoice: bytes(invoice),
            reason: reason.clone(),
        }),
    };
    stored::LedgerEvent { event: Some(event) }
}

#[expect(clippy::too_many_lines, reason = "one arm per event")]
pub(super) fn event_from(event: stored::LedgerEvent) -> Result<Event, DecodeError> {
    let tenant = |text: &str| TenantId::new(text);
    Ok(match event.event.ok_or(DecodeError::UnknownKind)? {
        Stored::Posted(e) => Event::Posted {
            tenant: tenant(&e.tenant)?,
            posting: posting_from(some(e.posting, "posting")?)?,
        },
        Stored::SourceRetired(e) => Event::SourceRetired {
            source: source(&e.source)?,
            epoch: e.epoch,
        },
        Stored::PeriodClosed(e) => Event::PeriodClosed {
            tenant: tenant(&e.tenant)?,
            period: period(e.period, "period")?,
        },
        Stored::PricesPut(e) => Event::PricesPut {
            card: card(&e.card)?,
            currency: currency(&e.currency)?,
            from: period(e.from, "from")?,
            list: list_from(&some(e.list, "list")?)?,
        },
        Stored::CardDeleted(e) => Event::CardDeleted {
            card: card(&e.card)?,
        },
        Stored::TermsSet(e) => Event::TermsSet {
            tenant: tenant(&e.tenant)?,
            from: period(e.from, "from")?,
            terms: terms_from(&some(e.terms, "terms")?)?,
        },
        Stored::CreditGranted(e) => Event::CreditGranted {
            tenant: tenant(&e.tenant)?,
            credit: uuid(&e.credit, "credit")?,
            grant: grant_from(&some(e.grant, "grant")?)?,
        },
        Stored::CreditVoided(e) => Event::CreditVoided {
            tenant: tenant(&e.tenant)?,
            credit: uuid(&e.credit, "credit")?,
            reason: e.reason,
        },
        Stored::CreditExpired(e) => Event::CreditExpired {
            tenant: tenant(&e.tenant)?,
            credit: uuid(&e.credit, "credit")?,
        },
        Stored::CreditForgotten(e) => Event::CreditForgotten {
            tenant: tenant(&e.tenant)?,
            credit: uuid(&e.credit, "credit")?,
        },
        Stored::CommitmentMade(e) => Event::CommitmentMade {
            tenant: tenant(&e.tenant)?,
            commitment: uuid(&e.commitment, "commitment")?,
            promise: promise_from(&some(e.promise, "promise")?)?,
        },
        Stored::CommitmentLapsed(e) => Event::CommitmentLapsed {
            tenant: tenant(&e.tenant)?,
            commitment: uuid(&e.commitment, "commitment")?,
        },
        Stored::InvoiceDrafted(e) => Event::InvoiceDrafted {
            tenant: tenant(&e.tenant)?,
            invoice: uuid(&e.invoice, "invoice")?,
            bill: bill_from(some(e.bill, "bill")?)?,
        },
        Stored::InvoiceDiscarded(e) => Event::InvoiceDiscarded {
            tenant: tenant(&e.tenant)?,
            invoice: uuid(&e.invoice, "invoice")?,
        },
        Stored::InvoiceFinalised(e) => Event::InvoiceFinalised {
            tenant: tenant(&e.tenant)?,
            invoice: uuid(&e.invoice, "invoice")?,
            number: e.number,
        },
        Stored::InvoicePaid(e) => Event::InvoicePaid {
            tenant: tenant(&e.tenant)?,
            invoice: uuid(&e.invoice, "invoice")?,
            reference: e.reference,
        },
        Stored::InvoiceWrittenOff(e) => Event::InvoiceWrittenOff {
            tenant: tenant(&e.tenant)?,
            invoice: uuid(&e.invoice, "invoice")?,
            reason: e.reason,
        },
        Stored::InvoiceVoided(e) => Event::InvoiceVoided {
            tenant: tenant(&e.tenant)?,
            invoice: uuid(&e.invoice, "invoice")?,
            reason: e.reason,
        },
    })
}
