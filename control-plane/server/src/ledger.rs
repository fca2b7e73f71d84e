//! Usage and the books over the wire.

use std::ops::Bound;
use takt_domain::State;

use takt_domain::ledger::usage::Range;
use takt_domain::ledger::{
    Book, Command, Dimension, NameError, Period, PeriodError, Posting, Source, journal,
};
use takt_kit::{Code, Reject};
use takt_log::ledger::{ValueError, line_from, line_to, posting_to, terms_to};
use takt_model::{TenantId, UnixNano};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::ledger_service_server::LedgerService;
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::v1 as node;
use takt_wire::takt::control::v1::usage_service_server::UsageService;
use tonic::{Request, Response, Status};

use crate::page::by_key;
use crate::request::{actor, tenant};
use crate::writer::Writer;

/// The books, for people.
#[derive(Debug)]
pub(crate) struct LedgerApi {
    writer: Writer,
}

impl LedgerApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }

    /// Carries out a command and answers with the account as it stands then.
    async fn change(
        &self,
        actor: String,
        change: Option<wire::Change>,
        tenant: &TenantId,
        command: Command,
    ) -> Result<(Option<wire::Outcome>, Option<wire::Account>), Status> {
        let changed = self.writer.add(actor, change, command).await?;
        let account = account(tenant, changed.state.ledger.book(tenant));
        Ok((Some(changed.outcome), Some(account)))
    }
}

#[tonic::async_trait]
impl LedgerService for LedgerApi {
    async fn list_accounts(
        &self,
        request: Request<wire::ListAccountsRequest>,
    ) -> Result<Response<wire::ListAccountsResponse>, Status> {
        let request = request.into_inner();
        let state = self.writer.read().await?;
        let after = match request.page_token.as_str() {
            "" => Bound::Unbounded,
            token => Bound::Excluded(tenant(token)?),
        };
        let rows = state.ledger.books.range((after, Bound::Unbounded));
        let rows = rows.map(|(tenant, book)| (tenant.to_string(), (tenant, book)));
        let (page, next_page_token) = by_key(rows, request.page_size, &request.page_token);
        let accounts = page.into_iter().map(|(tenant, book)| account(tenant, book));
        Ok(Response::new(wire::ListAccountsResponse {
            accounts: accounts.collect(),
            next_page_token,
        }))
    }

    async fn get_account(
        &self,
        request: Request<wire::GetAccountRequest>,
    ) -> Result<Response<wire::GetAccountResponse>, Status> {
        let tenant = tenant(&request.into_inner().tenant)?;
        let state = self.writer.read().await?;
        let account = Some(account(&tenant, known(&state, &tenant)?));
        Ok(Response::new(wire::GetAccountResponse { account }))
    }

    async fn get_usage(
        &self,
        request: Request<wire::GetUsageRequest>,
    ) -> Result<Response<wire::GetUsageResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let only = maybe_period(&request.period, "period")?;
        let state = self.writer.read().await?;
        let book = known(&state, &tenant)?;
        let periods = book.usage.iter();
        let periods = periods.filter(|(period, _)| only.is_none_or(|only| only == **period));
        let usage = periods.map(|(period, of)| wire::Usage {
            period: period.to_string(),
            closed: Some(*period) <= book.closed_through,
            quantities: of
                .iter()
                .map(|(dimension, quantity)| (dimension.to_string(), *quantity))
                .collect(),
        });
        let usage = usage.collect();
        Ok(Response::new(wire::GetUsageResponse { usage }))
    }

    async fn list_postings(
        &self,
        request: Request<wire::ListPostingsRequest>,
    ) -> Result<Response<wire::ListPostingsResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let only = maybe_period(&request.period, "period")?;
        let state = self.writer.read().await?;
        let postings = known(&state, &tenant)?.entries.values();
        let postings = postings
            .filter(|posting| only.is_none_or(|only| Period::of(posting.at) == only))
            .map(|posting| (token(posting), posting));
        let (page, next_page_token) = by_key(postings, request.page_size, &request.page_token);
        let postings = page.into_iter().map(|posting| posting_to(posting));
        Ok(Response::new(wire::ListPostingsResponse {
            postings: postings.collect(),
            next_page_token,
        }))
    }

    async fn close_period(
        &self,
        request: Request<wire::ClosePeriodRequest>,
    ) -> Result<Response<wire::ClosePeriodResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let command = Command::ClosePeriod {
            period: period(&request.period, "period")?,
            tenant: tenant.clone(),
        };
        let (outcome, account) = self.change(actor, request.change, &tenant, command).await?;
        Ok(Response::new(wire::ClosePeriodResponse {
            outcome,
            account,
        }))
    }

    async fn post_adjustment(
        &self,
        request: Request<wire::PostAdjustmentRequest>,
    ) -> Result<Response<wire::PostAdjustmentResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let command = Command::Adjust {
            lines: lines(&request.lines)?,
            memo: request.memo,
            tenant: tenant.clone(),
        };
        let (outcome, account) = self.change(actor, request.change, &tenant, command).await?;
        Ok(Response::new(wire::PostAdjustmentResponse {
            outcome,
            account,
        }))
    }

    async fn correct_entry(
        &self,
        request: Request<wire::CorrectEntryRequest>,
    ) -> Result<Response<wire::CorrectEntryResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let command = Command::Correct {
            number: request.number,
            lines: lines(&request.lines)?,
            memo: request.memo,
            tenant: tenant.clone(),
        };
        let (outcome, account) = self.change(actor, request.change, &tenant, command).await?;
        Ok(Response::new(wire::CorrectEntryResponse {
            outcome,
            account,
        }))
    }

    async fn retire_usage_source(
        &self,
        request: Request<wire::RetireUsageSourceRequest>,
    ) -> Result<Response<wire::RetireUsageSourceResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::RetireSource {
            source: source(&request.source)?,
            epoch: request.epoch,
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(wire::RetireUsageSourceResponse { outcome }))
    }
}

/// Reports of usage, from nodes.
#[derive(Debug)]
pub(crate) struct UsageApi {
    writer: Writer,
}

impl UsageApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl UsageService for UsageApi {
    async fn post_usage(
        &self,
        request: Request<node::PostUsageRequest>,
    ) -> Result<Response<node::PostUsageResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let ranges = request.ranges.into_iter().map(range);
        let command = Command::PostUsage {
            source: source(&request.source)?,
            epoch: request.epoch,
            ranges: ranges.collect::<Result<_, _>>()?,
        };
        let change = wire::Change {
            command_id: request.command_id,
            ..wire::Change::default()
        };
        let changed = self.writer.change(actor, Some(change), command).await?;
        let revision = changed.outcome.revision;
        Ok(Response::new(node::PostUsageResponse { revision }))
    }
}

fn range(range: node::UsageRange) -> Result<Range, Status> {
    Ok(Range {
        tenant: tenant(&range.tenant)?,
        dimension: Dimension::new(&range.dimension).map_err(|error| named("dimension", &error))?,
        from: range.from,
        to: range.to,
        quantity: range.quantity,
        used_at: UnixNano(range.used_at),
    })
}

fn source(text: &str) -> Result<Source, Status> {
    Source::new(text).map_err(|error| named("source", &error))
}

/// Rises with the number, as text too.
fn token(posting: &Posting) -> String {
    format!("{:020}", posting.number)
}

/// Whose book it is must be known, though nothing may be in it yet.
pub(crate) fn known<'a>(state: &'a State, tenant: &TenantId) -> Result<&'a Book, Status> {
    if state.tenants.contains_key(tenant) || state.ledger.books.contains_key(tenant) {
        return Ok(state.ledger.book(tenant));
    }
    let unknown = takt_domain::Rejection::TenantUnknown(tenant.clone());
    Err(crate::refusal::rejected(&unknown))
}

pub(crate) fn account(tenant: &TenantId, book: &Book) -> wire::Account {
    let balances = book.balances.iter().map(|((account, currency), amount)| {
        line_to(&journal::Line {
            account: account.clone(),
            currency: *currency,
            amount: *amount,
        })
    });
    let terms = book.terms.iter().map(|(from, terms)| wire::DatedTerms {
        from: from.to_string(),
        terms: Some(terms_to(terms)),
    });
    let closed = book.closed_through;
    wire::Account {
        tenant: tenant.to_string(),
        postings: book.head.number,
        hash: book.head.hash.to_string(),
        balances: balances.collect(),
        closed_through: closed.map_or_else(String::new, |period| period.to_string()),
        terms: terms.collect(),
        version: book.version.0,
    }
}

fn lines(lines: &[stored::EntryLine]) -> Result<Vec<journal::Line>, Status> {
    let lines = lines.iter().map(line_from);
    lines
        .collect::<Result<_, _>>()
        .map_err(|error| value(&error))
}

/// A value of a request that is none.
pub(crate) fn value(error: &ValueError) -> Status {
    Reject::new(Code::Invalid, "VALUE_INVALID", error.to_string())
        .at_field(error.field())
        .status()
}

pub(crate) fn named(field: &'static str, error: &NameError) -> Status {
    Reject::new(Code::Invalid, "NAME_INVALID", error.to_string())
        .at_field(field)
        .status()
}

pub(crate) fn period(text: &str, field: &'static str) -> Result<Period, Status> {
    text.parse().map_err(|error: PeriodError| {
        Reject::new(Code::Invalid, "PERIOD_INVALID", error.to_string())
            .at_field(field)
            .status()
    })
}

fn maybe_period(text: &str, field: &'static str) -> Result<Option<Period>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    period(text, field).map(Some)
}
