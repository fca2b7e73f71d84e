//! Cards, credits, commitments and invoices as they are shown.

use takt_domain::State;
use takt_domain::ledger::invoice::Line;
use takt_domain::ledger::{Bill, CardName};
use takt_log::ledger::{credit_to, invoice_to, list_to};
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use uuid::Uuid;

pub(crate) fn card(state: &State, name: &CardName) -> Option<wire::RateCard> {
    let card = state.ledger.cards.get(name)?;
    let prices = card.lists.iter().map(|(from, list)| wire::DatedPrices {
        from: from.to_string(),
        list: Some(list_to(list)),
    });
    Some(wire::RateCard {
        card: name.to_string(),
        currency: card.currency.to_string(),
        prices: prices.collect(),
        version: card.version.0,
    })
}

pub(crate) fn credit(state: &State, tenant: &TenantId, id: Uuid) -> Option<wire::Credit> {
    let credit = state.ledger.book(tenant).credits.get(&id)?;
    let stored = credit_to(id, credit);
    Some(wire::Credit {
        credit: id.to_string(),
        tenant: tenant.to_string(),
        grant: stored.grant,
        remaining: stored.remaining,
        granted_at: stored.granted_at,
        standing: stored.standing,
        version: stored.version,
    })
}

pub(crate) fn commitment(state: &State, tenant: &TenantId, id: Uuid) -> Option<wire::Commitment> {
    let commitment = state.ledger.book(tenant).commitments.get(&id)?;
    Some(wire::Commitment {
        commitment: id.to_string(),
        tenant: tenant.to_string(),
        currency: commitment.currency.to_string(),
        amount: commitment.amount,
        remaining: commitment.remaining,
        from: commitment.from.to_string(),
        through: commitment.through.to_string(),
        reason: commitment.reason.clone(),
        version: commitment.version.0,
    })
}

pub(crate) fn invoice(state: &State, tenant: &TenantId, id: Uuid) -> Option<wire::Invoice> {
    let invoice = state.ledger.book(tenant).invoices.get(&id)?;
    let stored = invoice_to(id, invoice);
    Some(wire::Invoice {
        invoice: id.to_string(),
        standing: stored.standing,
        number: stored.number.unwrap_or_default(),
        drafted_at: stored.drafted_at,
        finalised_at: stored.finalised_at.unwrap_or_default(),
        settled_at: stored.settled_at.unwrap_or_default(),
        reference: stored.reference,
        version: stored.version,
        ..bill(tenant, &invoice.bill)
    })
}

/// An invoice that is not made yet.
pub(crate) fn bill(tenant: &TenantId, bill: &Bill) -> wire::Invoice {
    wire::Invoice {
        tenant: tenant.to_string(),
        period: bill.period.to_string(),
        currency: bill.currency.to_string(),
        card: bill.card.to_string(),
        lines: bill.lines.iter().map(line).collect(),
        total: bill.total,
        ..wire::Invoice::default()
    }
}

fn line(line: &Line) -> wire::InvoiceLine {
    use wire::InvoiceLineKind as Kind;
    let of = |kind: Kind, name: String| wire::InvoiceLine {
        kind: kind.into(),
        name,
        amount: line.amount(),
        ..wire::InvoiceLine::default()
    };
    match line {
        Line::Usage {
            sku,
            dimension,
            unit,
            rated,
        } => wire::InvoiceLine {
            dimension: dimension.to_string(),
            tier: rated.tier,
            quantity: rated.quantity,
            unit: *unit,
            unit_price: rated.unit_price,
            ..of(Kind::Usage, sku.to_string())
        },
        Line::Minimum { .. } => of(Kind::Minimum, String::new()),
        Line::Credit { credit, .. } => of(Kind::Credit, credit.to_string()),
        Line::Commitment { commitment, .. } => of(Kind::Commitment, commitment.to_string()),
        Line::Tax { .. } => of(Kind::Tax, String::new()),
    }
}
