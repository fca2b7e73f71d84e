use axum::body::Body;
use axum::extract::Request;
use http_body_util::BodyExt as _;
use takt_control::{UnknownTenants, View};
use takt_model::RuleGroups;
use tower::ServiceExt as _;

use super::*;
use crate::evaluator::Sample;
use crate::group::{Group, Tick};

const RULES: &str = r#"[
    {"name":"first","interval":"30s","rules":[
        {"alert":"Slow","expr":"{ } | rate() > 1","for":"1m","labels":{"severity":"page"},"annotations":{"summary":"{{ $value }}"}},
        {"record":"r:rate","expr":"{ } | rate()","labels":{"team":"a"}}]},
    {"name":"second","rules":[{"alert":"Never","expr":"{ }"}]}]"#;

/// The first group evaluated once, its alert found and its record failed; the second not yet.
fn board(tenant: &TenantId) -> Board {
    let board = Board::default();
    let groups: RuleGroups = RULES.parse().unwrap();
    for spec in groups.iter() {
        let mut group = Group::new(Arc::clone(spec));
        if spec.name == "first" {
            let at = UnixNano::from_secs(1_700_000_000);
            let tick = Tick { at, window_end: at };
            let labels = vec![("resource.service.name".to_owned(), "a".to_owned())];
            let sample = Sample { labels, value: 2.0 };
            group.evaluate(0, tick, &[sample]).unwrap();
            for (index, error) in [(0, None), (1, Some("no".to_owned()))] {
                group.standing(index).health = Health {
                    evaluated_at: Some(at),
                    took: Duration::from_millis(250),
                    error,
                };
            }
        }
        let interval = Duration::from_secs(30);
        board.put(
            (tenant.clone(), spec.name.clone()),
            Shown { group, interval },
        );
    }
    board
}

async fn ask(router: Router, path: &str, tenant: Option<&str>) -> (u16, Value) {
    let mut request = Request::get(path);
    if let Some(tenant) = tenant {
        request = request.header("X-Scope-OrgID", tenant);
    }
    let answer = router.oneshot(request.body(Body::empty()).unwrap());
    let answer = answer.await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn single(path: &str) -> Value {
    let router = router(board(&TenantId::single()), ViewHandle::default(), false);
    let (status, answer) = ask(router, path, None).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["status"], "success");
    answer["data"].clone()
}

fn alert() -> Value {
    json!({
        "labels": {"alertname": "Slow", "resource_service_name": "a", "severity": "page"},
        "annotations": {"summary": "2"},
        "state": "pending",
        "activeAt": "2023-11-14T22:13:20.000Z",
        "value": "2e0",
    })
}

#[tokio::test]
async fn rules_are_shown_in_the_shape_of_prometheus() {
    let data = single("/prometheus/api/v1/rules").await;
    assert_eq!(
        data["groups"][0],
        json!({
            "name": "first", "file": "overrides", "interval": 30.0, "limit": 1000,
            "evaluationTime": 0.5, "lastEvaluation": "2023-11-14T22:13:20.000Z",
            "rules": [
                {
                    "type": "alerting", "name": "Slow", "query": "{ } | rate() > 1", "health": "ok",
                    "evaluationTime": 0.25, "lastEvaluation": "2023-11-14T22:13:20.000Z",
                    "state": "pending", "duration": 60.0, "keepFiringFor": 0.0,
                    "labels": {"severity": "page"}, "annotations": {"summary": "{{ $value }}"},
                    "alerts": [alert()],
                },
                {
                    "type": "recording", "name": "r:rate", "query": "{ } | rate()", "health": "err",
                    "lastError": "no", "evaluationTime": 0.25,
                    "lastEvaluation": "2023-11-14T22:13:20.000Z", "labels": {"team": "a"},
                },
            ],
        })
    );
    let never = &data["groups"][1]["rules"][0];
    assert_eq!(
        (&never["health"], &never["state"]),
        (&json!("unknown"), &json!("inactive"))
    );
    assert_eq!(never["lastEvaluation"], "0001-01-01T00:00:00Z");
}

#[tokio::test]
async fn alerts_are_shown_without_their_rules() {
    let data = single("/prometheus/api/v1/alerts").await;
    assert_eq!(data, json!({ "alerts": [alert()] }));
}

#[tokio::test]
async fn rules_are_chosen_by_type_name_and_group() {
    for (query, names) in [
        ("type=alert", &["Slow", "Never"][..]),
        ("type=record", &["r:rate"]),
        ("rule_name[]=Slow&rule_name[]=r:rate", &["Slow", "r:rate"]),
        ("rule_group[]=second", &["Never"]),
        ("rule_name[]=none", &[]),
    ] {
        let data = single(&format!("/prometheus/api/v1/rules?{query}")).await;
        let groups = data["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        let found: Vec<_> = rules.map(|rule| rule["name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{query}");
    }
    let data = single("/prometheus/api/v1/rules?exclude_alerts=true").await;
    assert_eq!(data["groups"][0]["rules"][0]["alerts"], json!([]));
    let router = router(Board::default(), ViewHandle::default(), false);
    let (status, answer) = ask(router, "/prometheus/api/v1/rules?type=both", None).await;
    assert_eq!((status, &answer["status"]), (400, &json!("error")));
}

#[tokio::test]
async fn a_tenant_sees_its_own_rules_and_no_others() {
    let strict = View {
        unknown: UnknownTenants::Refuse,
        ..View::default()
    };
    let board = board(&TenantId::new("a").unwrap());
    let open = router(board.clone(), ViewHandle::default(), true);
    for path in ["/prometheus/api/v1/rules", "/prometheus/api/v1/alerts"] {
        assert_eq!(ask(open.clone(), path, None).await.0, 401);
        assert_eq!(ask(open.clone(), path, Some("a|b")).await.0, 400);
        let own = ask(open.clone(), path, Some("a")).await.1.to_string();
        assert!(own.contains("Slow"), "{own}");
        let other = ask(open.clone(), path, Some("b")).await.1.to_string();
        assert!(!other.contains("Slow"), "{other}");
        let strict = router(board.clone(), ViewHandle::new(strict.clone()), true);
        assert_eq!(ask(strict, path, Some("a")).await.0, 403);
    }
}
