//! Whoever may not, cannot: every method of the control plane, read off the contract, called by those who
//! must not get through. A new method is called as soon as it is in the contract.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

mod ledger;
mod licences;
mod node;
mod stock;
mod tokens;

use std::time::Duration;

use prost::Message as _;
use takt_server::auth::{MAX_REQUEST_BYTES, Secret};
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use tonic::Code;

use node::{Node, policy};
use stock::Asked;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_token_that_opens_something() {
    let node = Node::start().await;
    let unknown = Secret::fresh().unwrap().reveal().to_owned();
    let revoked = node.token("revoked", &policy(&["admin"], "*")).await;
    node.revoke("revoked").await;
    let brief = node
        .token_until("brief", Some(Duration::from_secs(60)))
        .await;
    let switched_off = node.token("off", &policy(&["admin"], "*")).await;
    node.switch_off("off").await;
    let deleted = node.token("gone", &policy(&["admin"], "*")).await;
    node.delete_policy("gone").await;
    node.clock.advance(Duration::from_secs(61));
    let cases = [
        ("", "CREDENTIALS_MISSING"),
        ("Bearer nonsense", "CREDENTIALS_MALFORMED"),
        ("Bearer a.b.c", "JWT_MALFORMED"),
        (&bearer(&unknown), "TOKEN_UNKNOWN"),
        (&bearer(&revoked), "TOKEN_REVOKED"),
        (&bearer(&brief), "TOKEN_EXPIRED"),
        (&bearer(&switched_off), "POLICY_INACTIVE"),
        (&bearer(&deleted), "TOKEN_UNKNOWN"),
        (
            &bearer(&format!("other:{}", node.tenant_admin)),
            "TENANT_OUT_OF_REALM",
        ),
    ];
    for method in AdminMethod::ALL {
        for (authorization, reason) in cases {
            let answer = node.unchanged(node.call(*method, authorization, &[])).await;
            let why = format!("{} with {reason}", method.path());
            assert_eq!(answer.code, Code::Unauthenticated, "{why}");
            assert_eq!(answer.reason, "UNAUTHENTICATED", "nothing is told: {why}");
            node.recorded(*method, Code::Unauthenticated, reason).await;
        }
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_gets_no_further_than_allowed() {
    let node = Node::start().await;
    let spans = node
        .token("spans", &policy(&["traces:read", "traces:write"], "*"))
        .await;
    let mut denied = 0;
    for method in AdminMethod::ALL {
        let other = node.about(*method, "other");
        let mut cases = vec![(&spans, Vec::new())];
        // It shows each what is theirs.
        if *method != AdminMethod::TenantListTenants {
            cases.push((&node.tenant_admin, other));
        }
        if method.mutates() {
            cases.push((&node.viewer, Vec::new()));
        }
        if !is_for_nodes(*method) {
            cases.push((&node.node, Vec::new()));
        }
        for (token, message) in cases {
            let answer = node
                .unchanged(node.call(*method, &bearer(token), &message))
                .await;
            assert_eq!(
                answer.code,
                Code::PermissionDenied,
                "{} {answer:?}",
                method.path()
            );
            node.recorded(*method, Code::PermissionDenied, "NOT_ALLOWED")
                .await;
            denied += 1;
        }
    }
    assert!(denied >= 3 * AdminMethod::ALL.len(), "{denied} calls");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_request_is_refused_as_such() {
    let node = Node::start().await;
    let admin = bearer(&node.admin);
    // A field without an end, a text that is none, a group of old, and a length beyond the end.
    let garbage: [&[u8]; 4] = [
        &[0xff; 32],
        &[0x0a, 0x02, 0xc3, 0x28],
        &[0x0b],
        &[0x12, 0x7f],
    ];
    for method in AdminMethod::ALL
        .iter()
        .filter(|method| !node.streams(**method))
    {
        let path = method.path();
        for bytes in garbage {
            // What happens to be a message of this method is none of this test's.
            if node.decodes(*method, bytes) {
                continue;
            }
            let answer = node.unchanged(node.call(*method, &admin, bytes)).await;
            // What is not served here has nothing to read.
            if answer.code == Code::Unimplemented {
                continue;
            }
            assert_eq!(
                (answer.code, answer.reason.as_str()),
                (Code::InvalidArgument, "REQUEST_MALFORMED"),
                "{path}"
            );
            node.recorded(*method, Code::InvalidArgument, "REQUEST_MALFORMED")
                .await;
        }
        let broken = node
            .unchanged(node.send(*method, &admin, vec![0, 0, 0, 0, 9, 1]))
            .await;
        let refused = [Code::Unimplemented, Code::InvalidArgument];
        assert!(refused.contains(&broken.code), "{path} {broken:?}");
        let packed = node
            .unchanged(node.send(*method, &admin, vec![1, 0, 0, 0, 0]))
            .await;
        assert!(refused.contains(&packed.code), "{path} {packed:?}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let node = Node::start().await;
    let large = vec![0; MAX_REQUEST_BYTES];
    for method in AdminMethod::ALL
        .iter()
        .filter(|method| !node.streams(**method))
    {
        let answer = node
            .unchanged(node.call(*method, &bearer(&node.admin), &large))
            .await;
        assert_eq!(answer.code, Code::ResourceExhausted, "{}", method.path());
        node.recorded(*method, Code::ResourceExhausted, "REQUEST_TOO_LARGE")
            .await;
        let stranger = node.call(*method, "", &large).await;
        assert_eq!(stranger.code, Code::Unauthenticated, "{}", method.path());
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_something_else_than_was_seen_is_refused() {
    let node = Node::start().await;
    let stock = node.stock().await;
    for method in AdminMethod::ALL.iter().filter(|method| method.mutates()) {
        let path = method.path();
        let (message, code, reason) = match stock::asked(*method, &stock) {
            Asked::Mismatched(message) => (message, Code::FailedPrecondition, "VERSION_MISMATCH"),
            Asked::Unfit(message) => (message, Code::InvalidArgument, "IF_MATCH_UNFIT"),
            Asked::Never => {
                assert!(!node.takes_versions(*method), "{path} takes a version");
                continue;
            }
        };
        let answer = node
            .unchanged(node.call(*method, &bearer(&node.admin), &message))
            .await;
        assert_eq!(
            (answer.code, answer.reason.as_str()),
            (code, reason),
            "{path} {answer:?}"
        );
        node.recorded(*method, code, reason).await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_admin_is_master_of_that_tenant_and_no_other() {
    let node = Node::start().await;
    let own = bearer(&node.tenant_admin);
    let method = AdminMethod::OverridesGetOverrides;
    let ask = async |tenant| {
        node.call(method, &own, &node.about(method, tenant))
            .await
            .code
    };
    assert_eq!(ask("mine").await, Code::Ok);
    assert_eq!(ask("other").await, Code::PermissionDenied);
    assert_eq!(
        ask("").await,
        Code::PermissionDenied,
        "the defaults are everybody's"
    );
    assert_eq!(ask("mi ne").await, Code::PermissionDenied);
    // Of two tenants in one message the last one counts, here as there.
    let mut both = node.about(method, "mine");
    both.extend(node.about(method, "other"));
    let answer = node.call(method, &own, &both).await;
    assert_eq!(answer.code, Code::PermissionDenied);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_admin_lists_that_tenant_and_no_other() {
    let node = Node::start().await;
    let method = AdminMethod::TenantListTenants;
    let list = async |token: &str, request: wire::ListTenantsRequest| {
        let request = request.encode_to_vec();
        let answer = node.call(method, &bearer(token), &request).await;
        let list = answer.read::<wire::ListTenantsResponse>();
        assert_eq!(list.next_page_token, "");
        let names = list.tenants.into_iter().map(|tenant| tenant.tenant);
        names.collect::<Vec<String>>()
    };
    let all = wire::ListTenantsRequest::default();
    let theirs = wire::ListTenantsRequest {
        prefix: "o".into(),
        ..all.clone()
    };
    let one = wire::ListTenantsRequest {
        page_size: 1,
        ..all.clone()
    };
    assert_eq!(list(&node.viewer, all.clone()).await, ["mine", "other"]);
    assert_eq!(list(&node.tenant_admin, all).await, ["mine"]);
    assert_eq!(list(&node.tenant_admin, one).await, ["mine"]);
    assert!(list(&node.tenant_admin, theirs).await.is_empty());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_ends_where_its_networks_end() {
    let node = Node::start().await;
    let mut spec = policy(&["control:read"], "*");
    spec.networks = vec!["10.0.0.0/8".into()];
    let token = bearer(&node.token("inside", &spec).await);
    let method = AdminMethod::StatusGetStatus;
    for (address, code) in [
        (Some("10.1.2.3"), Code::Ok),
        (Some("::ffff:10.1.2.3"), Code::Ok),
        (Some("192.168.0.1"), Code::Unauthenticated),
        (None, Code::Unauthenticated),
    ] {
        let answer = node.call_from(method, &token, address, None).await;
        assert_eq!(answer.code, code, "{address:?}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_somebody_if_it_is_configured() {
    let node = Node::start().await;
    let method = AdminMethod::StatusGetStatus;
    let call = async |name: &str| {
        let certificate = node::certificate(name);
        node.call_from(method, "", Some("10.0.0.1"), Some(certificate))
            .await
            .code
    };
    assert_eq!(call("spiffe://takt/node/7").await, Code::Ok);
    assert_eq!(call("spiffe://other/node/7").await, Code::Unauthenticated);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_told_once_and_nowhere_else() {
    let node = Node::start().await;
    let mut request = wire::CreateTokenRequest {
        change: Some(wire::Change {
            command_id: "6d0f6a8e-4b5f-4a55-9d0e-0a3c3f0f8a11".into(),
            dry_run: true,
            ..wire::Change::default()
        }),
        name: "fresh".into(),
        policy: "viewer".into(),
        ..wire::CreateTokenRequest::default()
    };
    let tried = node.create_token(request.clone()).await;
    assert_eq!(tried.secret, "", "nothing is made on a dry run");
    request.change.as_mut().unwrap().dry_run = false;
    let first = node.create_token(request.clone()).await;
    assert!(Secret::read(&first.secret).is_some());
    let again = node.create_token(request).await;
    assert_eq!(
        again.secret, "",
        "the first answer's secret is not known here"
    );
    assert_eq!(again.token, first.token);
    let kept = format!("{:?}", node.log.state());
    assert!(!kept.contains(&first.secret));
    assert!(kept.contains(&first.token.unwrap().prefix));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_and_refused_can_be_asked() {
    let node = Node::start().await;
    let by_admin = wire::ListEntriesRequest {
        actor: "admin".into(),
        resource: "token".into(),
        ..wire::ListEntriesRequest::default()
    };
    let entries = node.entries(by_admin.clone()).await;
    assert_eq!(entries.len(), 3, "one for each token");
    let entry = &entries[0];
    assert_eq!(
        (entry.principal.as_str(), entry.address.as_str()),
        ("admin", "127.0.0.1")
    );
    assert_eq!((entry.events.len(), entry.at), (1, node::NOW.0));
    for (change, count) in [
        (
            wire::ListEntriesRequest {
                actor: "nobody".into(),
                ..by_admin.clone()
            },
            0,
        ),
        (
            wire::ListEntriesRequest {
                actor: "admin@127.0.0.1".into(),
                ..by_admin.clone()
            },
            3,
        ),
        (
            wire::ListEntriesRequest {
                from: Some(node::NOW.0 + 1),
                ..by_admin.clone()
            },
            0,
        ),
        (
            wire::ListEntriesRequest {
                to: Some(node::NOW.0),
                ..by_admin.clone()
            },
            0,
        ),
        (
            wire::ListEntriesRequest {
                resource: "tenant".into(),
                tenant: "mine".into(),
                ..by_admin.clone()
            },
            1,
        ),
    ] {
        assert_eq!(
            node.entries(change.clone()).await.len(),
            count,
            "{change:?}"
        );
    }
    let unknown = wire::ListEntriesRequest {
        resource: "dream".into(),
        ..by_admin
    };
    let answer = node.ask(AdminMethod::AuditListEntries, &unknown).await;
    assert_eq!(
        (answer.code, answer.reason.as_str()),
        (Code::InvalidArgument, "RESOURCE_UNKNOWN")
    );
    node.stop().await;
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// What nodes may call; everything else is not for them.
fn is_for_nodes(method: AdminMethod) -> bool {
    let path = method.path();
    let read = ["/takt.admin.v1.RingService/", "/takt.admin.v1.JobService/"];
    path.starts_with("/takt.control.v1.")
        || path.ends_with("/GetStatus")
        || (!method.mutates() && read.iter().any(|service| path.starts_with(service)))
}
