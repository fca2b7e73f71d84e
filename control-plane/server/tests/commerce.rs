//! Licences, usage and money over their own routes, without a socket.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prometheus_client::registry::Registry;
use takt_domain::ledger::chain::{Head, verify};
use takt_domain::licences::Trust;
use takt_domain::licences::trust::Key;
use takt_kit::{ManualClock, Tasks};
use takt_log::Settings;
use takt_model::{Limits, TenantId, UnixNano};
use takt_server::Services;
use takt_server::auth::Guard;
use takt_views::Views;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::billing_service_client::BillingServiceClient;
use takt_wire::takt::admin::v1::ledger_service_client::LedgerServiceClient;
use takt_wire::takt::admin::v1::licence_service_client::LicenceServiceClient;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::v1 as node;
use takt_wire::takt::control::v1::usage_service_client::UsageServiceClient;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// 2026-12-05.
const NOW: UnixNano = UnixNano::from_secs(1_796_428_800);
/// 2026-11-10.
const USED: u64 = 1_794_268_800_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn usage_becomes_an_invoice_that_is_paid() {
    let node = Node::start().await;
    node.agree().await;
    let mut usage = node.usage();
    for _ in 0..2 {
        usage.post_usage(report(0, 10, 1_000)).await.unwrap();
    }
    usage.post_usage(report(10, 20, 500)).await.unwrap();

    let mut billing = node.billing();
    let preview = billing.preview_invoice(preview("")).await.unwrap();
    let preview = preview.into_inner().invoice.unwrap();
    assert_eq!((preview.total, preview.number), (3_000, 0), "1500 at 2");
    let mut ledger = node.ledger();
    let closed = ledger.close_period(close("2026-11")).await.unwrap();
    let account = closed.into_inner().account.unwrap();
    assert_eq!(account.closed_through, "2026-11");

    let granted = billing
        .grant_credit(grant(1_000))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(granted.credit.unwrap().remaining, 1_000);
    let drafted = billing.draft_invoice(draft()).await.unwrap().into_inner();
    let drafted = drafted.invoice.unwrap();
    assert_eq!((drafted.total, drafted.lines.len()), (2_000, 2));
    let again = billing.draft_invoice(draft()).await.unwrap().into_inner();
    assert_eq!(
        again.invoice.unwrap().invoice,
        drafted.invoice,
        "nothing to say"
    );
    assert!(again.outcome.unwrap().events.is_empty());

    let finalise = wire::FinaliseInvoiceRequest {
        tenant: "a".into(),
        invoice: drafted.invoice.clone(),
        ..wire::FinaliseInvoiceRequest::default()
    };
    let made = billing
        .finalise_invoice(finalise)
        .await
        .unwrap()
        .into_inner();
    let made = made.invoice.unwrap();
    assert_eq!(
        (made.number, made.standing()),
        (1, stored::InvoiceStanding::Final)
    );
    let pay = wire::PayInvoiceRequest {
        tenant: "a".into(),
        invoice: made.invoice,
        reference: "wire 7".into(),
        ..wire::PayInvoiceRequest::default()
    };
    let paid = billing.pay_invoice(pay).await.unwrap().into_inner();
    assert_eq!(
        paid.invoice.unwrap().standing(),
        stored::InvoiceStanding::Paid
    );

    let account = node.account().await;
    let cash = account
        .balances
        .iter()
        .find(|line| line.account() == stored::LedgerAccount::Cash);
    assert_eq!(cash.unwrap().amount, 2_000);
    assert_eq!(
        account.postings, 5,
        "two of usage, a credit, an invoice, a payment"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_can_be_verified_by_whoever_reads_it() {
    let node = Node::start().await;
    node.agree().await;
    for _ in 0..3 {
        node.billing().grant_credit(grant(5)).await.unwrap();
    }
    let mut postings = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = wire::ListPostingsRequest {
            tenant: "a".into(),
            page_size: 2,
            page_token,
            ..wire::ListPostingsRequest::default()
        };
        let page = node
            .ledger()
            .list_postings(request)
            .await
            .unwrap()
            .into_inner();
        postings.extend(
            page.postings
                .into_iter()
                .map(|of| takt_log::ledger::posting_from(of).unwrap()),
        );
        if page.next_page_token.is_empty() {
            break;
        }
        page_token = page.next_page_token;
    }
    let head = verify(&TenantId::new("a").unwrap(), Head::default(), &postings).unwrap();
    let account = node.account().await;
    assert_eq!((head.number, head.hash.to_string()), (3, account.hash));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_malformed_posts_are_refused_and_change_nothing() {
    let node = Node::start().await;
    node.agree().await;
    let before = node.account().await;
    let mut usage = node.usage();
    let gap = usage.post_usage(report(5, 10, 1)).await.unwrap_err();
    refused(
        &gap,
        Code::FailedPrecondition,
        "USAGE_RANGE_MISPLACED",
        "ranges",
    );
    assert!(gap.message().contains("begins at `0`"), "{gap:?}");
    let nameless = node::PostUsageRequest {
        source: String::new(),
        ..report(0, 1, 1)
    };
    let nameless = usage.post_usage(nameless).await.unwrap_err();
    refused(&nameless, Code::InvalidArgument, "NAME_INVALID", "source");

    let mut ledger = node.ledger();
    let unbalanced = adjust(vec![line(stored::LedgerAccount::Cash, 5)]);
    let unbalanced = ledger.post_adjustment(unbalanced).await.unwrap_err();
    refused(
        &unbalanced,
        Code::InvalidArgument,
        "ENTRY_UNBALANCED",
        "lines",
    );
    let nowhere = adjust(vec![line(stored::LedgerAccount::Unspecified, 5)]);
    let nowhere = ledger.post_adjustment(nowhere).await.unwrap_err();
    refused(&nowhere, Code::InvalidArgument, "VALUE_INVALID", "account");
    let period = ledger.close_period(close("november")).await.unwrap_err();
    refused(&period, Code::InvalidArgument, "PERIOD_INVALID", "period");
    let request = wire::GetAccountRequest {
        tenant: "nobody".into(),
    };
    let nobody = ledger.get_account(request).await.unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound);

    let mut billing = node.billing();
    let empty = wire::GrantCreditRequest {
        tenant: "a".into(),
        ..wire::GrantCreditRequest::default()
    };
    let empty = billing.grant_credit(empty).await.unwrap_err();
    refused(&empty, Code::InvalidArgument, "VALUE_INVALID", "grant");
    let unknown = billing.preview_invoice(preview("none")).await.unwrap_err();
    refused(&unknown, Code::NotFound, "RATE_CARD_UNKNOWN", "card");
    assert_eq!(node.account().await, before);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_and_writes_nothing() {
    let node = Node::start().await;
    node.agree().await;
    let dry = wire::GrantCreditRequest {
        change: Some(wire::Change {
            dry_run: true,
            ..wire::Change::default()
        }),
        ..grant(1_000)
    };
    let tried = node.billing().grant_credit(dry).await.unwrap().into_inner();
    assert_eq!(tried.outcome.unwrap().events.len(), 2);
    assert_eq!(tried.credit.unwrap().remaining, 1_000);
    let list = wire::ListCreditsRequest {
        tenant: "a".into(),
        ..wire::ListCreditsRequest::default()
    };
    let credits = node
        .billing()
        .list_credits(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(credits.credits, vec![]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_is_added_shown_and_removed() {
    let node = Node::start().await;
    let mut licences = node.licences();
    let status = |answer: wire::GetLicenceStatusResponse| (answer.state(), answer.features);
    let asked = licences.get_licence_status(wire::GetLicenceStatusRequest {});
    let before = asked.await.unwrap().into_inner();
    assert_eq!(status(before), (wire::LicenceState::Unlicensed, vec![]));

    let tampered = wire::AddLicenceRequest {
        envelope: envelope().replace('A', "B"),
        ..add()
    };
    let tampered = licences.add_licence(tampered).await.unwrap_err();
    assert_eq!(tampered.code(), Code::InvalidArgument, "{tampered:?}");
    let added = licences.add_licence(add()).await.unwrap().into_inner();
    let licence = added.licence.unwrap();
    assert_eq!((licence.licence.as_str(), licence.version), ("l-1", 1));
    assert_eq!(licence.standing(), stored::LicenceStanding::Valid);
    let asked = licences.get_licence_status(wire::GetLicenceStatusRequest {});
    let with = asked.await.unwrap().into_inner();
    assert_eq!(
        status(with),
        (wire::LicenceState::Valid, vec!["gateway".to_owned()])
    );

    let listed = licences
        .list_licences(wire::ListLicencesRequest::default())
        .await
        .unwrap();
    assert_eq!(listed.into_inner().licences, vec![licence]);
    let remove = wire::RemoveLicenceRequest {
        licence: "l-1".into(),
        ..wire::RemoveLicenceRequest::default()
    };
    licences.remove_licence(remove.clone()).await.unwrap();
    let gone = licences.remove_licence(remove).await.unwrap_err();
    refused(&gone, Code::NotFound, "LICENCE_UNKNOWN", "licence");
    node.stop().await;
}

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

/// Signed with a key that these tests alone trust.
fn envelope() -> String {
    let (now, end) = (NOW.as_secs(), NOW.as_secs() + 90 * 86_400);
    let header = r#"{"alg":"EdDSA","typ":"takt-licence+jws","kid":"test"}"#;
    let payload = format!(
        r#"{{"licence":"l-1","customer":"Shop","products":["takt"],"features":["gateway"],"iat":{now},"nbf":{now},"exp":{end}}}"#
    );
    let (header, payload) = (
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload),
    );
    let signed = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn add() -> wire::AddLicenceRequest {
    wire::AddLicenceRequest {
        envelope: envelope(),
        ..wire::AddLicenceRequest::default()
    }
}

struct Node {
    routes: Routes,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

impl Node {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let clock = Arc::new(ManualClock::at(NOW));
        let settings = Settings::new(dir.path().into());
        let parts = takt_log::Parts::new(clock.clone());
        let mut registry = Registry::default();
        let log = takt_log::open(settings, parts, &tasks, &mut registry);
        let log = log.await.unwrap();
        let views = Views::start(
            log.clone(),
            takt_views::Settings::default(),
            &tasks,
            &mut registry,
        )
        .await
        .unwrap();
        let guard = Guard::open_to_all(log.clone(), clock.clone(), &tasks)
            .await
            .unwrap();
        let public = key().public_key().as_ref().try_into().unwrap();
        let trust = Trust {
            roots: vec![Key::ed25519("test", public)],
            product: "takt".into(),
        };
        let services = Services::new(log, views, clock, Limits::default()).trusting(trust);
        Self {
            routes: services.routes(&guard),
            tasks,
            _dir: dir,
        }
    }

    /// There is a tenant that pays 2 micro-units for each byte.
    async fn agree(&self) {
        let create = wire::CreateTenantRequest {
            tenant: "a".into(),
            ..wire::CreateTenantRequest::default()
        };
        let mut tenants = TenantServiceClient::new(self.routes.clone());
        tenants.create_tenant(create).await.unwrap();
        let price = stored::Price {
            dimension: "bytes".into(),
            unit: 1,
            scheme: stored::PriceScheme::Graduated.into(),
            tiers: vec![stored::PriceTier {
                up_to: None,
                unit_price: 2,
            }],
            ..stored::Price::default()
        };
        let prices = wire::UpdateRateCardRequest {
            card: "standard".into(),
            currency: "EUR".into(),
            from: "2026-01".into(),
            list: Some(stored::PriceList {
                prices: [("ingest".to_owned(), price)].into(),
                minimum: 0,
            }),
            ..wire::UpdateRateCardRequest::default()
        };
        self.billing().update_rate_card(prices).await.unwrap();
        let terms = wire::SetTermsRequest {
            tenant: "a".into(),
            from: "2026-11".into(),
            terms: Some(stored::Terms {
                card: "standard".into(),
                ..stored::Terms::default()
            }),
            ..wire::SetTermsRequest::default()
        };
        self.billing().set_terms(terms).await.unwrap();
    }

    async fn account(&self) -> wire::Account {
        let request = wire::GetAccountRequest { tenant: "a".into() };
        let account = self.ledger().get_account(request).await.unwrap();
        account.into_inner().account.unwrap()
    }

    fn licences(&self) -> LicenceServiceClient<Routes> {
        LicenceServiceClient::new(self.routes.clone())
    }

    fn ledger(&self) -> LedgerServiceClient<Routes> {
        LedgerServiceClient::new(self.routes.clone())
    }

    fn billing(&self) -> BillingServiceClient<Routes> {
        BillingServiceClient::new(self.routes.clone())
    }

    fn usage(&self) -> UsageServiceClient<Routes> {
        UsageServiceClient::new(self.routes.clone())
    }

    async fn stop(self) {
        drop(self.routes);
        self.tasks.stop();
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
    }
}

fn report(from: u64, to: u64, quantity: u64) -> node::PostUsageRequest {
    node::PostUsageRequest {
        source: "ingester-1".into(),
        epoch: 1,
        ranges: vec![node::UsageRange {
            tenant: "a".into(),
            dimension: "bytes".into(),
            from,
            to,
            quantity,
            used_at: USED,
        }],
        ..node::PostUsageRequest::default()
    }
}

fn preview(card: &str) -> wire::PreviewInvoiceRequest {
    wire::PreviewInvoiceRequest {
        tenant: "a".into(),
        period: "2026-11".into(),
        card: card.into(),
    }
}

fn draft() -> wire::DraftInvoiceRequest {
    wire::DraftInvoiceRequest {
        tenant: "a".into(),
        period: "2026-11".into(),
        ..wire::DraftInvoiceRequest::default()
    }
}

fn close(period: &str) -> wire::ClosePeriodRequest {
    wire::ClosePeriodRequest {
        tenant: "a".into(),
        period: period.into(),
        ..wire::ClosePeriodRequest::default()
    }
}

fn grant(amount: i64) -> wire::GrantCreditRequest {
    wire::GrantCreditRequest {
        tenant: "a".into(),
        grant: Some(stored::CreditGrant {
            currency: "EUR".into(),
            amount,
            ..stored::CreditGrant::default()
        }),
        ..wire::GrantCreditRequest::default()
    }
}

fn adjust(lines: Vec<stored::EntryLine>) -> wire::PostAdjustmentRequest {
    wire::PostAdjustmentRequest {
        tenant: "a".into(),
        lines,
        ..wire::PostAdjustmentRequest::default()
    }
}

fn line(account: stored::LedgerAccount, amount: i64) -> stored::EntryLine {
    stored::EntryLine {
        account: account.into(),
        currency: "EUR".into(),
        amount,
        ..stored::EntryLine::default()
    }
}

fn refused(status: &Status, code: Code, reason: &str, field: &str) {
    let details = status.get_error_details();
    let found = details.error_info().map(|info| info.reason.as_str());
    assert_eq!((status.code(), found), (code, Some(reason)), "{status:?}");
    let at = details
        .bad_request()
        .and_then(|bad| bad.field_violations.first());
    assert_eq!(at.map(|at| at.field.as_str()), Some(field), "{status:?}");
}
