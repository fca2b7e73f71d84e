//! The admin API v3 over a real socket: every route, answered and refused.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

mod node;

use http::Method;
use serde_json::json;
use takt_server::auth::MAX_REQUEST_BYTES;
use takt_wire::takt::admin::v1 as wire;

use node::{NOW, Node, envelope};

const POLICY: &str = "accesspolicies/team-a";

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_seen_changed_and_gone() {
    let node = Node::start().await;
    let body = json!({"name": "team-a", "display_name": "Team A", "cluster": "takt"});
    let made = node.post("tenants", &body).await.expect(200);
    let shown = json!({
        "name": "team-a", "display_name": "Team A", "created_at": "2023-11-14T22:13:20Z",
        "status": "active", "cluster": "takt",
    });
    assert_eq!(made.json, shown);
    let got = node.get("tenants/team-a").await.expect(200);
    assert_eq!((&got.json, &got.etag), (&made.json, &made.etag));
    let list = node.get("tenants").await.expect(200);
    assert_eq!(list.json["type"], json!("tenant"));
    assert_eq!(list.json["items"].as_array().unwrap().last(), Some(&shown));

    // What was read is sent back, but for what is to be different.
    let mut wanted = got.json.clone();
    wanted["status"] = json!("inactive");
    let put = node.put("tenants/team-a", &got.etag, &wanted).await;
    let put = put.expect(200);
    assert_eq!(put.json, wanted);
    assert_ne!(put.etag, got.etag);
    let again = node
        .put("tenants/team-a", "*", &json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&again.json["status"], &again.json["display_name"]),
        (&json!("active"), &json!(""))
    );

    let gone = node.delete("tenants/team-a", &again.etag).await;
    assert_eq!((gone.code, gone.text.as_str()), (204, ""));
    for answer in [
        node.get("tenants/team-a").await,
        node.put("tenants/team-a", "*", &json!({})).await,
        node.delete("tenants/team-a", "*").await,
    ] {
        assert_eq!(answer.code, 404, "{answer:?}");
    }
    let reborn = node.post("tenants", &body).await;
    reborn.refused(409, "TENANT_DELETED");
    let names = node.get("tenants").await.expect(200).text;
    assert!(!names.contains("team-a"), "{names}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_policy_keeps_what_v3_has_no_words_for() {
    let node = Node::start().await;
    let mut shown = json!({
        "name": "team-a", "display_name": "", "created_at": "2023-11-14T22:13:20Z", "status": "active",
        "realms": [{
            "tenant": "mine", "cluster": "takt",
            "label_policies": [{"selector": "{ resource.team = \"a\" }"}],
        }],
        "scopes": ["traces:read"],
    });
    let wanted = json!({
        "name": "team-a", "scopes": ["traces:read"],
        "realms": [{"tenant": "mine", "label_policies": [{"selector": "{resource.team=\"a\"}"}]}],
    });
    let made = node.post("accesspolicies", &wanted).await.expect(200);
    assert_eq!(made.json, shown);
    assert_eq!(
        node.get("accesspolicies").await.json["type"],
        json!("accesspolicy")
    );

    // Somebody bounds it to a network and denies a secret, by the other API.
    let mut spec = node.policy("team-a").await;
    spec.networks = vec!["10.0.0.0/8".into()];
    spec.realms[0].deny = vec!["{ resource.secret = true }".into()];
    node.update_policy("team-a", spec.clone()).await;
    shown["display_name"] = json!("A");
    shown["realms"][0]["label_policies"] = json!([{"selector": "{ resource.team = \"a\" }"}]);
    let put = node.put(POLICY, "*", &shown).await.expect(200);
    assert_eq!(put.json, shown);
    let kept = node.policy("team-a").await;
    assert_eq!(
        (&kept.networks, &kept.realms),
        (&spec.networks, &spec.realms)
    );

    // It cannot say what would become of the denial.
    let mut wider = shown.clone();
    wider["realms"][0]["label_policies"] = json!(null);
    node.put(POLICY, &put.etag, &wider)
        .await
        .refused(409, "DENY_SELECTORS");
    node.recorded(
        "takt.admin.v1.AccessPolicyService/UpdateAccessPolicy",
        "DENY_SELECTORS",
    )
    .await;
    shown["status"] = json!("inactive");
    let off = node.put(POLICY, &put.etag, &shown).await.expect(200);
    assert!(node.policy("team-a").await.inactive);
    node.delete(POLICY, &off.etag).await.expect(204);
    node.get(POLICY).await.refused(404, "ACCESS_POLICY_UNKNOWN");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_until_it_is_deleted() {
    let node = Node::start().await;
    let wanted = json!({
        "name": "build", "display_name": "CI", "access_policy": "viewer",
        "expiration": "2023-11-15T00:00:00Z",
    });
    let made = node.post("tokens", &wanted).await.expect(200);
    let secret = made.json["token"].as_str().unwrap().to_owned();
    let mut shown = made.json.clone();
    shown.as_object_mut().unwrap().remove("token");
    assert_eq!(
        shown,
        json!({
            "name": "build", "display_name": "CI", "created_at": "2023-11-14T22:13:20Z",
            "status": "active", "access_policy": "viewer", "expiration": "2023-11-15T00:00:00Z",
        })
    );
    let got = node.get("tokens/build").await.expect(200);
    assert_eq!(got.json, shown, "the secret is told once");
    for authorization in [
        node::basic("", &secret),
        node::basic("*", &secret),
        format!("Bearer {secret}"),
    ] {
        let asked = node.ask(Method::GET, "tenants", &authorization);
        assert_eq!(asked.send().await.unwrap().status(), 200);
    }
    node.clock.advance(std::time::Duration::from_secs(86_400));
    let over = node.get("tokens").await.expect(200);
    let row = over.json["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "build");
    assert_eq!(
        row.unwrap()["status"],
        json!("inactive"),
        "its time is over"
    );
    node.delete("tokens/build", &got.etag).await.expect(204);
    node.get("tokens/build").await.refused(404, "TOKEN_UNKNOWN");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_twice_makes_one_token() {
    let node = Node::start().await;
    let twice = async |name: &str| {
        let body = json!({"name": name, "access_policy": "viewer"});
        let key = "6d0f6a8e-4b5f-4a55-9d0e-0a3c3f0f8a11";
        let request = node.ask(Method::POST, "tokens", &node.admin());
        let request = request.header("idempotency-key", key).json(&body);
        node::answer(request).await
    };
    let first = twice("build").await.expect(200);
    let second = twice("build").await.expect(200);
    assert!(first.json["token"].is_string());
    assert!(
        second.json["token"].is_null(),
        "the secret is not known any more"
    );
    assert_eq!(first.etag, second.etag);
    let odd = node.ask(Method::POST, "tokens", &node.admin());
    let odd = odd
        .header("idempotency-key", "seven")
        .json(&json!({"name": "x12", "access_policy": "viewer"}));
    node::answer(odd).await.refused(400, "COMMAND_ID_INVALID");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn licences_bring_features() {
    let node = Node::start().await;
    let before = node.get("features").await.expect(200);
    assert_eq!(before.json["license_status"], json!("unlicensed"));
    let made = node.post("licenses", &json!({"token": envelope()})).await;
    let made = made.expect(200);
    assert_eq!(made.json["name"], json!("l-1"));
    assert_eq!(made.json["status"], json!("active"));
    assert_eq!(made.json["features"], json!(["gateway"]));
    assert_eq!(made.json["token"], json!(envelope()));
    assert_eq!(node.get("licenses").await.json["items"], json!([made.json]));
    assert_eq!(node.get("licenses/l-1").await.etag, made.etag);
    let after = node.get("features").await.expect(200);
    assert_eq!(
        (&after.json["license_status"], &after.json["features"]),
        (&json!("valid"), &json!(["gateway"]))
    );
    let forged = json!({"token": envelope().replace('A', "B")});
    let forged = node.post("licenses", &forged).await;
    assert_eq!(forged.code, 422, "{forged:?}");
    assert_eq!(forged.json["fields"][0]["field"], json!("token"));
    node.delete("licenses/l-1", "*").await.expect(204);
    node.get("licenses/l-1")
        .await
        .refused(404, "LICENCE_UNKNOWN");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_cluster() {
    let node = Node::start().await;
    let list = node.get("clusters").await.expect(200);
    assert_eq!(list.json["type"], json!("cluster"));
    let one = node.get("clusters/takt").await.expect(200);
    assert_eq!(list.json["items"], json!([one.json]));
    assert_eq!(
        (&one.json["name"], &one.json["status"]),
        (&json!("takt"), &json!("active"))
    );
    node.get("clusters/other")
        .await
        .refused(404, "CLUSTER_UNKNOWN");
    let elsewhere = json!({"name": "abc", "cluster": "other"});
    let refused = node.post("tenants", &elsewhere).await;
    refused.refused(422, "CLUSTER_UNKNOWN");
    assert_eq!(refused.json["fields"][0]["field"], json!("cluster"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_come_in_pages() {
    let node = Node::start().await;
    for name in ["owner", "spans"] {
        node.token(name, &["traces:read"], "mine").await;
    }
    let first = node.get("accesspolicies?page_size=2").await.expect(200);
    let names = |list: &serde_json::Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let token = first.json["next_page_token"].as_str().unwrap();
    let rest = format!("accesspolicies?page_size=2&page_token={token}");
    let rest = node.get(&rest).await.expect(200);
    let all = node.get("accesspolicies").await.expect(200);
    assert_eq!(
        [names(&first.json), names(&rest.json)].concat(),
        names(&all.json)
    );
    assert!(all.json["next_page_token"].is_null());
    for odd in ["0", "-1", "many"] {
        let odd = node.get(&format!("tokens?page_size={odd}")).await;
        odd.refused(400, "QUERY_INVALID");
    }
    node.stop().await;
}

/// A thing at each path that names one.
const THINGS: [(&str, &str, &str); 4] = [
    ("tenants/mine", "tenants/nobody", "TENANT_UNKNOWN"),
    (
        "accesspolicies/viewer",
        "accesspolicies/nobody",
        "ACCESS_POLICY_UNKNOWN",
    ),
    ("tokens/viewer", "tokens/nobody", "TOKEN_UNKNOWN"),
    ("licenses/l-1", "licenses/nobody", "LICENCE_UNKNOWN"),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_that_was_not_seen_as_it_is() {
    let node = Node::start().await;
    node.post("licenses", &json!({"token": envelope()}))
        .await
        .expect(200);
    let body = json!({"display_name": "x", "scopes": ["traces:read"], "realms": [{"tenant": "*"}]});
    let change = |path: &'static str, put: bool, etag: Option<&'static str>| {
        let method = if put { Method::PUT } else { Method::DELETE };
        let request = node.ask(method, path, &node.admin());
        let request = match etag {
            Some(etag) => request.header("if-match", etag),
            None => request,
        };
        let mut body = body.clone();
        if path.starts_with("tenants") {
            body = json!({"display_name": "x"});
        }
        if put { request.json(&body) } else { request }
    };
    for (thing, nobody, unknown) in THINGS {
        for put in [true, false] {
            let replaceable = ["tenants", "accesspolicies"]
                .iter()
                .any(|kind| thing.starts_with(kind));
            if put && !replaceable {
                assert_eq!(node::answer(change(thing, put, Some("*"))).await.code, 405);
                continue;
            }
            for (etag, code, reason) in [
                (None, 428, "IF_MATCH_MISSING"),
                (Some("\"999999\""), 412, "VERSION_MISMATCH"),
                (Some("\"seven\""), 412, "VERSION_MISMATCH"),
                (Some("7"), 400, "IF_MATCH_INVALID"),
                (Some("W/\"7\""), 400, "IF_MATCH_INVALID"),
            ] {
                let answer = node.unchanged(node::answer(change(thing, put, etag))).await;
                answer.refused(code, reason);
                node.newest_refusal(reason).await;
            }
            for etag in ["*", "\"7\""] {
                let answer = node
                    .unchanged(node::answer(change(nobody, put, Some(etag))))
                    .await;
                answer.refused(404, unknown);
            }
        }
        node.get(nobody).await.refused(404, unknown);
    }
    node.stop().await;
}

/// Each route, with something in its body if it takes one.
const ROUTES: [(Method, &str); 21] = [
    (Method::GET, "clusters"),
    (Method::GET, "clusters/takt"),
    (Method::GET, "tenants"),
    (Method::POST, "tenants"),
    (Method::GET, "tenants/mine"),
    (Method::PUT, "tenants/mine"),
    (Method::DELETE, "tenants/mine"),
    (Method::GET, "accesspolicies"),
    (Method::POST, "accesspolicies"),
    (Method::GET, "accesspolicies/viewer"),
    (Method::PUT, "accesspolicies/viewer"),
    (Method::DELETE, "accesspolicies/viewer"),
    (Method::GET, "tokens"),
    (Method::POST, "tokens"),
    (Method::GET, "tokens/viewer"),
    (Method::DELETE, "tokens/viewer"),
    (Method::GET, "licenses"),
    (Method::POST, "licenses"),
    (Method::GET, "licenses/l-1"),
    (Method::DELETE, "licenses/l-1"),
    (Method::GET, "features"),
];

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unknown_gets_nowhere_whatever_they_send() {
    let node = Node::start().await;
    let large = vec![b' '; MAX_REQUEST_BYTES + 1];
    for (method, path) in ROUTES {
        for authorization in [
            "",
            "Bearer nonsense",
            "Basic Og==",
            &node::basic("", "takt_x"),
        ] {
            let request = node
                .ask(method.clone(), path, authorization)
                .body(large.clone());
            // Refused before the body is read: the connection may end under who still sends.
            let Ok(response) = request.send().await else {
                continue;
            };
            assert_eq!(response.status(), 401, "{method} {path} {authorization}");
        }
        let request = node.ask(method.clone(), path, "").header("if-match", "*");
        let answer = node.unchanged(node::answer(request.body("{"))).await;
        answer.refused(401, "UNAUTHENTICATED");
        assert_eq!(answer.challenge, "Basic realm=\"takt\", Bearer");
        node.newest_refusal("CREDENTIALS_MISSING").await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_gets_no_further_than_allowed() {
    let node = Node::start().await;
    let spans = node
        .token("spans", &["traces:read", "traces:write"], "*")
        .await;
    let owner = node.token("owner", &["tenant:admin"], "mine").await;
    let bodies = |path: &str| match path.split('/').next() {
        Some("tokens") => json!({"name": "new", "access_policy": "viewer"}),
        Some("licenses") => json!({"token": envelope()}),
        Some("tenants") => json!({"display_name": "x"}),
        _ => json!({"scopes": ["admin"], "realms": [{"tenant": "*"}]}),
    };
    for (method, path) in ROUTES {
        let mut callers = vec![&spans];
        if method != Method::GET {
            callers.push(&node.viewer);
        }
        let own = ["tenants", "tenants/mine"].contains(&path);
        if !own || method != Method::GET {
            callers.push(&owner);
        }
        for caller in callers {
            let request = node.ask(method.clone(), path, &format!("Bearer {caller}"));
            let request = request.header("if-match", "*").json(&bodies(path));
            let answer = node.unchanged(node::answer(request)).await;
            answer.refused(403, "NOT_ALLOWED");
            node.newest_refusal("NOT_ALLOWED").await;
        }
    }
    let own = node.ask(Method::GET, "tenants/mine", &format!("Bearer {owner}"));
    node::answer(own).await.expect(200);
    let list = node.ask(Method::GET, "tenants", &format!("Bearer {owner}"));
    let list = node::answer(list).await.expect(200);
    let items = list.json["items"].as_array().unwrap();
    let names: Vec<_> = items.iter().map(|item| &item["name"]).collect();
    assert_eq!(names, ["mine"]);
    let other = node.ask(Method::GET, "tenants/other", &format!("Bearer {owner}"));
    node::answer(other).await.refused(403, "NOT_ALLOWED");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_as_such() {
    let node = Node::start().await;
    let writes = ROUTES
        .into_iter()
        .filter(|(method, _)| [Method::POST, Method::PUT].contains(method));
    for (method, path) in writes {
        let send = async |body: Vec<u8>| {
            let request = node.ask(method.clone(), path, &node.admin());
            let request = request.header("if-match", "*").body(body);
            node.unchanged(node::answer(request)).await
        };
        for body in [
            "",
            "{",
            "[]",
            "7",
            "{\"name\": 7}",
            "{\"surprise\": 1}",
            "\u{fffd}",
        ] {
            send(body.into()).await.refused(400, "REQUEST_MALFORMED");
            node.newest_refusal("REQUEST_MALFORMED").await;
        }
        send(vec![0xff; 8]).await.refused(400, "REQUEST_MALFORMED");
        send(vec![b' '; MAX_REQUEST_BYTES + 1])
            .await
            .refused(413, "REQUEST_TOO_LARGE");
        node.newest_refusal("REQUEST_TOO_LARGE").await;
    }
    for path in ["nonsense", "tenants/a/b", "tenants/", "v3"] {
        node.get(path).await.refused(404, "PATH_UNKNOWN");
    }
    node.get("tenants/%ff")
        .await
        .refused(400, "REQUEST_MALFORMED");
    let other = json!({"name": "other"});
    node.put("tenants/mine", "*", &other)
        .await
        .refused(422, "NAME_MISMATCH");
    let illegal = node.post("tenants", &json!({"name": "a b"})).await;
    illegal.refused(422, "TENANT_INVALID");
    let tomorrow = json!({"name": "new", "access_policy": "viewer", "expiration": "tomorrow"});
    node.post("tokens", &tomorrow)
        .await
        .refused(422, "TIME_INVALID");
    let twice = node.post("tenants", &json!({"name": "mine"})).await;
    twice.refused(409, "TENANT_EXISTS");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_it_stands_in_the_log() {
    let node = Node::start().await;
    node.post("tenants", &json!({"name": "audited"}))
        .await
        .expect(200);
    let entries = node.entries("audited").await;
    let [entry]: [wire::AuditEntry; 1] = entries.try_into().unwrap();
    assert_eq!(
        (entry.principal.as_str(), entry.address.as_str(), entry.at),
        ("admin", "127.0.0.1", NOW.0)
    );
    node.stop().await;
}
