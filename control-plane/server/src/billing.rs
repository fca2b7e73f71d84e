//! Prices, credits and invoices over the wire.

mod to_wire;

use std::sync::Arc;

use takt_domain::ledger::credit::Promise;
use takt_domain::ledger::invoice::compose;
use takt_domain::ledger::{CardName, Command, Currency, Rejection};
use takt_kit::{Clock, Code, Reject};
use takt_log::ledger::{ValueError, grant_from, list_from, terms_from};
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::billing_service_server::BillingService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::ledger::{account, known, named, period, value};
use crate::page::by_key;
use crate::refusal::rejected;
use crate::request::{actor, tenant};
use crate::writer::{Writer, command_id, if_match};
use to_wire::bill;
pub(crate) use to_wire::{card, commitment, credit, invoice};

#[derive(Debug)]
pub(crate) struct BillingApi {
    writer: Writer,
    clock: Arc<dyn Clock>,
}

impl BillingApi {
    pub(crate) fn new(writer: Writer, clock: Arc<dyn Clock>) -> Self {
        Self { writer, clock }
    }

    /// The change with its command's id, which names what the command makes.
    fn naming(&self, change: Option<wire::Change>) -> Result<(wire::Change, Uuid), Status> {
        let change = change.unwrap_or_default();
        let id = command_id(&change.command_id, self.clock.as_ref())?;
        let command_id = id.to_string();
        Ok((
            wire::Change {
                command_id,
                ..change
            },
            id.0,
        ))
    }

    /// Carries out a command about an invoice and answers with it as it stands then, if it still does.
    async fn change_invoice(
        &self,
        actor: String,
        change: Option<wire::Change>,
        (tenant, id): (&TenantId, Uuid),
        command: Command,
    ) -> Result<(Option<wire::Outcome>, Option<wire::Invoice>), Status> {
        let changed = self.writer.change(actor, change, command).await?;
        let found = invoice(&changed.state, tenant, id);
        Ok((Some(changed.outcome), found))
    }
}

#[tonic::async_trait]
impl BillingService for BillingApi {
    async fn list_rate_cards(
        &self,
        request: Request<wire::ListRateCardsRequest>,
    ) -> Result<Response<wire::ListRateCardsResponse>, Status> {
        let request = request.into_inner();
        let state = self.writer.read().await?;
        let rows = state.ledger.cards.keys();
        let rows = rows.map(|name| (name.to_string(), name));
        let (page, next_page_token) = by_key(rows, request.page_size, &request.page_token);
        let cards = page.into_iter().filter_map(|name| card(&state, name));
        Ok(Response::new(wire::ListRateCardsResponse {
            cards: cards.collect(),
            next_page_token,
        }))
    }

    async fn get_rate_card(
        &self,
        request: Request<wire::GetRateCardRequest>,
    ) -> Result<Response<wire::GetRateCardResponse>, Status> {
        let name = card_name(&request.into_inner().card)?;
        let state = self.writer.read().await?;
        let found = card(&state, &name).ok_or_else(|| no(Rejection::CardUnknown(name)))?;
        let card = Some(found);
        Ok(Response::new(wire::GetRateCardResponse { card }))
    }

    async fn update_rate_card(
        &self,
        request: Request<wire::UpdateRateCardRequest>,
    ) -> Result<Response<wire::UpdateRateCardResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let name = card_name(&request.card)?;
        let command = Command::PutPrices {
            card: name.clone(),
            currency: currency(&request.currency)?,
            from: period(&request.from, "from")?,
            list: list_from(&given(request.list, "list")?).map_err(|error| value(&error))?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::UpdateRateCardResponse {
            card: card(&changed.state, &name),
            outcome: Some(changed.outcome),
        }))
    }

    async fn delete_rate_card(
        &self,
        request: Request<wire::DeleteRateCardRequest>,
    ) -> Result<Response<wire::DeleteRateCardResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::DeleteCard {
            card: card_name(&request.card)?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(wire::DeleteRateCardResponse { outcome }))
    }

    async fn set_terms(
        &self,
        request: Request<wire::SetTermsRequest>,
    ) -> Result<Response<wire::SetTermsResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let command = Command::SetTerms {
            tenant: tenant.clone(),
            from: period(&request.from, "from")?,
            terms: terms_from(&given(request.terms, "terms")?).map_err(|error| value(&error))?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let account = account(&tenant, changed.state.ledger.book(&tenant));
        Ok(Response::new(wire::SetTermsResponse {
            outcome: Some(changed.outcome),
            account: Some(account),
        }))
    }

    async fn grant_credit(
        &self,
        request: Request<wire::GrantCreditRequest>,
    ) -> Result<Response<wire::GrantCreditResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let command = Command::GrantCredit {
            tenant: tenant.clone(),
            grant: grant_from(&given(request.grant, "grant")?).map_err(|error| value(&error))?,
        };
        let (change, id) = self.naming(request.change)?;
        let changed = self.writer.add(actor, Some(change), command).await?;
        let credit = credit(&changed.state, &tenant, id);
        Ok(Response::new(wire::GrantCreditResponse {
            outcome: Some(changed.outcome),
            credit,
        }))
    }

    async fn list_credits(
        &self,
        request: Request<wire::ListCreditsRequest>,
    ) -> Result<Response<wire::ListCreditsResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let state = self.writer.read().await?;
        let rows = known(&state, &tenant)?.credits.keys();
        let rows = rows.map(|id| (id.to_string(), *id));
        let (page, next_page_token) = by_key(rows, request.page_size, &request.page_token);
        let credits = page
            .into_iter()
            .filter_map(|id| credit(&state, &tenant, id));
        Ok(Response::new(wire::ListCreditsResponse {
            credits: credits.collect(),
            next_page_token,
        }))
    }

    async fn void_credit(
        &self,
        request: Request<wire::VoidCreditRequest>,
    ) -> Result<Response<wire::VoidCreditResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let id = uuid(&request.credit, "credit")?;
        let command = Command::VoidCredit {
            tenant: tenant.clone(),
            credit: id,
            reason: request.reason,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::VoidCreditResponse {
            credit: credit(&changed.state, &tenant, id),
            outcome: Some(changed.outcome),
        }))
    }

    async fn create_commitment(
        &self,
        request: Request<wire::CreateCommitmentRequest>,
    ) -> Result<Response<wire::CreateCommitmentResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let command = Command::Commit {
            tenant: tenant.clone(),
            promise: Promise {
                currency: currency(&request.currency)?,
                amount: request.amount,
                from: period(&request.from, "from")?,
                through: period(&request.through, "through")?,
                reason: request.reason,
            },
        };
        let (change, id) = self.naming(request.change)?;
        let changed = self.writer.add(actor, Some(change), command).await?;
        let commitment = commitment(&changed.state, &tenant, id);
        Ok(Response::new(wire::CreateCommitmentResponse {
            outcome: Some(changed.outcome),
            commitment,
        }))
    }

    async fn list_commitments(
        &self,
        request: Request<wire::ListCommitmentsRequest>,
    ) -> Result<Response<wire::ListCommitmentsResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let state = self.writer.read().await?;
        let rows = known(&state, &tenant)?.commitments.keys();
        let rows = rows.map(|id| (id.to_string(), *id));
        let (page, next_page_token) = by_key(rows, request.page_size, &request.page_token);
        let found = page.into_iter();
        let found = found.filter_map(|id| commitment(&state, &tenant, id));
        Ok(Response::new(wire::ListCommitmentsResponse {
            commitments: found.collect(),
            next_page_token,
        }))
    }

    async fn list_invoices(
        &self,
        request: Request<wire::ListInvoicesRequest>,
    ) -> Result<Response<wire::ListInvoicesResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let state = self.writer.read().await?;
        let rows = known(&state, &tenant)?.invoices.keys();
        let rows = rows.map(|id| (id.to_string(), *id));
        let (page, next_page_token) = by_key(rows, request.page_size, &request.page_token);
        let found = page.into_iter();
        let found = found.filter_map(|id| invoice(&state, &tenant, id));
        Ok(Response::new(wire::ListInvoicesResponse {
            invoices: found.collect(),
            next_page_token,
        }))
    }

    async fn get_invoice(
        &self,
        request: Request<wire::GetInvoiceRequest>,
    ) -> Result<Response<wire::GetInvoiceResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let id = uuid(&request.invoice, "invoice")?;
        let state = self.writer.read().await?;
        known(&state, &tenant)?;
        let found = invoice(&state, &tenant, id);
        let invoice = Some(found.ok_or_else(|| no(Rejection::InvoiceUnknown(id)))?);
        Ok(Response::new(wire::GetInvoiceResponse { invoice }))
    }

    async fn preview_invoice(
        &self,
        request: Request<wire::PreviewInvoiceRequest>,
    ) -> Result<Response<wire::PreviewInvoiceResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let period = period(&request.period, "period")?;
        let instead = match request.card.as_str() {
            "" => None,
            name => Some(card_name(name)?),
        };
        let state = self.writer.read().await?;
        known(&state, &tenant)?;
        let composed = compose(&state.ledger, &tenant, period, instead.as_ref()).map_err(no)?;
        let invoice = Some(bill(&tenant, &composed));
        Ok(Response::new(wire::PreviewInvoiceResponse { invoice }))
    }

    async fn draft_invoice(
        &self,
        request: Request<wire::DraftInvoiceRequest>,
    ) -> Result<Response<wire::DraftInvoiceResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let period = period(&request.period, "period")?;
        let command = Command::DraftInvoice {
            tenant: tenant.clone(),
            period,
        };
        let (change, id) = self.naming(request.change)?;
        let changed = self.writer.add(actor, Some(change), command).await?;
        // Nothing was drafted if the draft that is there says the same.
        let book = changed.state.ledger.book(&tenant);
        let same = book
            .draft_of(period)
            .filter(|_| !book.invoices.contains_key(&id));
        let invoice = invoice(&changed.state, &tenant, same.unwrap_or(id));
        Ok(Response::new(wire::DraftInvoiceResponse {
            outcome: Some(changed.outcome),
            invoice,
        }))
    }

    async fn finalise_invoice(
        &self,
        request: Request<wire::FinaliseInvoiceRequest>,
    ) -> Result<Response<wire::FinaliseInvoiceResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let id = uuid(&request.invoice, "invoice")?;
        let command = Command::FinaliseInvoice {
            tenant: tenant.clone(),
            invoice: id,
            if_match: if_match(request.change.as_ref()),
        };
        let about = (&tenant, id);
        let (outcome, invoice) = self
            .change_invoice(actor, request.change, about, command)
            .await?;
        Ok(Response::new(wire::FinaliseInvoiceResponse {
            outcome,
            invoice,
        }))
    }

    async fn pay_invoice(
        &self,
        request: Request<wire::PayInvoiceRequest>,
    ) -> Result<Response<wire::PayInvoiceResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let id = uuid(&request.invoice, "invoice")?;
        let command = Command::PayInvoice {
            tenant: tenant.clone(),
            invoice: id,
            reference: request.reference,
            if_match: if_match(request.change.as_ref()),
        };
        let about = (&tenant, id);
        let (outcome, invoice) = self
            .change_invoice(actor, request.change, about, command)
            .await?;
        Ok(Response::new(wire::PayInvoiceResponse { outcome, invoice }))
    }

    async fn write_off_invoice(
        &self,
        request: Request<wire::WriteOffInvoiceRequest>,
    ) -> Result<Response<wire::WriteOffInvoiceResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let id = uuid(&request.invoice, "invoice")?;
        let command = Command::WriteOffInvoice {
            tenant: tenant.clone(),
            invoice: id,
            reason: request.reason,
            if_match: if_match(request.change.as_ref()),
        };
        let about = (&tenant, id);
        let (outcome, invoice) = self
            .change_invoice(actor, request.change, about, command)
            .await?;
        Ok(Response::new(wire::WriteOffInvoiceResponse {
            outcome,
            invoice,
        }))
    }

    async fn void_invoice(
        &self,
        request: Request<wire::VoidInvoiceRequest>,
    ) -> Result<Response<wire::VoidInvoiceResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let id = uuid(&request.invoice, "invoice")?;
        let command = Command::VoidInvoice {
            tenant: tenant.clone(),
            invoice: id,
            reason: request.reason,
            if_match: if_match(request.change.as_ref()),
        };
        let about = (&tenant, id);
        let (outcome, invoice) = self
            .change_invoice(actor, request.change, about, command)
            .await?;
        Ok(Response::new(wire::VoidInvoiceResponse {
            outcome,
            invoice,
        }))
    }
}

fn no(rejection: Rejection) -> Status {
    rejected(&rejection.into())
}

fn given<T>(value_: Option<T>, field: &'static str) -> Result<T, Status> {
    value_.ok_or_else(|| value(&ValueError::Missing(field)))
}

fn card_name(text: &str) -> Result<CardName, Status> {
    CardName::new(text).map_err(|error| named("card", &error))
}

fn currency(text: &str) -> Result<Currency, Status> {
    Currency::new(text).map_err(|error| {
        Reject::new(Code::Invalid, "CURRENCY_INVALID", error.to_string())
            .at_field("currency")
            .status()
    })
}

fn uuid(text: &str, field: &'static str) -> Result<Uuid, Status> {
    Uuid::parse_str(text).map_err(|_| {
        let text: String = text.chars().take(64).collect();
        Reject::new(
            Code::Invalid,
            "ID_INVALID",
            format!("`{text}` is not an id (a UUID)"),
        )
        .at_field(field)
        .status()
    })
}
