//! Money and usage that somebody made up.

use takt_log::History;
use takt_model::Revision;
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::v1 as control;
use tonic::Code;

use crate::node::{NOW, Node};

const POST: AdminMethod = AdminMethod::UsagePostUsage;

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_told_by_nodes_alone() {
    let node = Node::start().await;
    let report = encoded(&report("mine", 0, 10, 1));
    for token in [&node.viewer, &node.tenant_admin] {
        let authorization = format!("Bearer {token}");
        let answer = node
            .unchanged(node.call(POST, &authorization, &report))
            .await;
        assert_eq!(answer.code, Code::PermissionDenied, "{answer:?}");
        node.recorded(POST, Code::PermissionDenied, "NOT_ALLOWED")
            .await;
    }
    let authorization = format!("Bearer {}", node.node);
    assert_eq!(
        node.call(POST, &authorization, &report).await.code,
        Code::Ok
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_for_several_tenants_at_once_is_shown_to_each_in_its_part() {
    let node = Node::start().await;
    let both = control::PostUsageRequest {
        ranges: vec![range("mine", 0, 10, 1), range("other", 0, 10, 7)],
        ..report("mine", 0, 10, 1)
    };
    let authorization = format!("Bearer {}", node.node);
    let posted = node.call(POST, &authorization, &encoded(&both)).await;
    assert_eq!(posted.code, Code::Ok, "{posted:?}");
    let newest = node.log.history(Revision(0), 1000).await.unwrap();
    let History::Batches(batches) = newest else {
        panic!("everything is kept");
    };
    assert_eq!(batches.last().unwrap().batch.events.len(), 2);

    let authorization = format!("Bearer {}", node.tenant_admin);
    let asked = wire::ListHistoryRequest {
        tenant: "mine".into(),
        ..wire::ListHistoryRequest::default()
    };
    let method = AdminMethod::ResourceListHistory;
    let listed = node.call(method, &authorization, &encoded(&asked)).await;
    let listed = listed.read::<wire::ListHistoryResponse>().entries;
    let asked = wire::ShowLogRequest {
        tenant: "mine".into(),
        ..wire::ShowLogRequest::default()
    };
    let method = AdminMethod::LogShowLog;
    let shown = node.call(method, &authorization, &encoded(&asked)).await;
    let shown = shown.read_all::<wire::ShowLogResponse>();
    let shown: Vec<_> = shown.into_iter().filter_map(|told| told.entry).collect();
    for entries in [listed, shown] {
        let of_usage = |entry: &&wire::HistoryEntry| entry.revision == node.log.state().revision.0;
        let entry = entries.iter().find(of_usage).unwrap();
        assert_eq!(entry.events.len(), 1);
        assert!(!format!("{entries:?}").contains("other"), "{entries:?}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_posted_once_and_in_its_place() {
    let node = Node::start().await;
    let post = async |request: &control::PostUsageRequest| {
        let authorization = format!("Bearer {}", node.node);
        node.call(POST, &authorization, &encoded(request)).await
    };
    let first = report("mine", 0, 10, 5);
    assert_eq!(post(&first).await.code, Code::Ok);
    let again = node.unchanged(post(&first)).await;
    assert_eq!(
        again.code,
        Code::Ok,
        "a report may be sent again, and counts once"
    );

    let nobody = report("nobody", 0, 10, 5);
    let too_large = report("mine", 10, 20, u64::MAX);
    let twice = control::PostUsageRequest {
        ranges: [range("mine", 10, 20, 1), range("mine", 10, 20, 2)].into(),
        ..report("mine", 10, 20, 1)
    };
    let tomorrow = control::PostUsageRequest {
        ranges: vec![control::UsageRange {
            used_at: NOW.0 + 2 * 86_400_000_000_000,
            ..range("mine", 10, 20, 1)
        }],
        ..report("mine", 10, 20, 1)
    };
    for (forged, reason) in [
        // The same range, with more or less in it, or a part of it.
        (report("mine", 0, 10, 6), "USAGE_RANGE_DIFFERS"),
        (report("mine", 0, 11, 5), "USAGE_RANGE_MISPLACED"),
        (report("mine", 5, 15, 5), "USAGE_RANGE_MISPLACED"),
        (report("mine", 11, 20, 5), "USAGE_RANGE_MISPLACED"),
        (report("mine", 20, 10, 5), "USAGE_RANGE_EMPTY"),
        (report("mine", 10, 10, 5), "USAGE_RANGE_EMPTY"),
        (nobody, "TENANT_UNKNOWN"),
        (too_large, "USAGE_QUANTITY_TOO_LARGE"),
        (twice, "USAGE_RANGE_DIFFERS"),
        (tomorrow, "USAGE_FROM_THE_FUTURE"),
    ] {
        let answer = node.unchanged(post(&forged)).await;
        assert_eq!(answer.reason, reason, "{forged:?} {answer:?}");
        node.recorded(POST, answer.code, reason).await;
    }
    // An epoch that is over stays so.
    let next = control::PostUsageRequest {
        epoch: 2,
        ..report("mine", 0, 10, 1)
    };
    assert_eq!(post(&next).await.code, Code::Ok);
    let late = node.unchanged(post(&report("mine", 10, 20, 1))).await;
    assert_eq!(late.reason, "USAGE_EPOCH_CLOSED", "{late:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_balances_or_is_none() {
    let node = Node::start().await;
    let method = AdminMethod::LedgerPostAdjustment;
    let post = async |lines: &[(stored::LedgerAccount, i64)]| {
        let line = |(account, amount): &(stored::LedgerAccount, i64)| stored::EntryLine {
            account: (*account).into(),
            currency: "EUR".into(),
            amount: *amount,
            ..stored::EntryLine::default()
        };
        let request = wire::PostAdjustmentRequest {
            tenant: "mine".into(),
            lines: lines.iter().map(line).collect(),
            ..wire::PostAdjustmentRequest::default()
        };
        node.ask(method, &request).await
    };
    let (cash, receivable) = (
        stored::LedgerAccount::Cash,
        stored::LedgerAccount::Receivable,
    );
    for lines in [
        &[][..],
        &[(cash, 5)],
        &[(cash, 5), (receivable, -4)],
        &[(cash, i64::MAX), (receivable, 1)],
        &[(cash, i64::MIN), (receivable, i64::MIN)],
        &[(stored::LedgerAccount::Unspecified, 5), (cash, -5)],
    ] {
        let answer = node.unchanged(post(lines)).await;
        assert_eq!(answer.code, Code::InvalidArgument, "{lines:?} {answer:?}");
        node.recorded(method, answer.code, &answer.reason).await;
    }
    // As much as can be counted, and then one more.
    let all = post(&[(cash, i64::MAX), (receivable, -i64::MAX)]).await;
    assert_eq!(all.code, Code::Ok, "{all:?}");
    let more = node.unchanged(post(&[(cash, 1), (receivable, -1)])).await;
    assert_eq!(more.reason, "AMOUNT_TOO_LARGE", "{more:?}");
    node.recorded(method, more.code, &more.reason).await;
    let negative = wire::GrantCreditRequest {
        tenant: "mine".into(),
        grant: Some(stored::CreditGrant {
            currency: "EUR".into(),
            amount: -5,
            ..stored::CreditGrant::default()
        }),
        ..wire::GrantCreditRequest::default()
    };
    let method = AdminMethod::BillingGrantCredit;
    let negative = node.unchanged(node.ask(method, &negative)).await;
    assert_eq!(negative.reason, "AMOUNT_NOT_POSITIVE", "{negative:?}");
    // Nobody books for themselves, nor for others.
    for tenant in ["mine", "other"] {
        let request = node.about(AdminMethod::LedgerPostAdjustment, tenant);
        let authorization = format!("Bearer {}", node.tenant_admin);
        let own = node.call(AdminMethod::LedgerPostAdjustment, &authorization, &request);
        let own = node.unchanged(own).await;
        assert_eq!(own.code, Code::PermissionDenied, "{own:?}");
    }
    node.stop().await;
}

fn report(tenant: &str, from: u64, to: u64, quantity: u64) -> control::PostUsageRequest {
    control::PostUsageRequest {
        source: "ingester-1".into(),
        epoch: 1,
        ranges: vec![range(tenant, from, to, quantity)],
        ..control::PostUsageRequest::default()
    }
}

fn range(tenant: &str, from: u64, to: u64, quantity: u64) -> control::UsageRange {
    control::UsageRange {
        tenant: tenant.into(),
        dimension: "bytes".into(),
        from,
        to,
        quantity,
        used_at: NOW.0,
    }
}

fn encoded(message: &impl prost::Message) -> Vec<u8> {
    message.encode_to_vec()
}
