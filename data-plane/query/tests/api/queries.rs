//! Whole queries: structure, aggregates, metrics, pages, and queriers elsewhere.

use std::time::Duration;

use serde_json::{Value, json};
use takt_kit::Tasks;
use takt_model::{TenantId, UnixNano};
use takt_query::{Frontend, Params, QuerierService, Settings, request};

use crate::house::{Asked, House, Where};
use crate::shop;

const PLACES: [Where; 3] = [Where::Live, Where::Blocks, Where::HalfAndHalf];

/// A query as it stands in a URL.
fn escaped(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

async fn search(house: &House, query: &str) -> Asked {
    let asked = house
        .get(&format!("/api/search?spss=10&q={}", escaped(query)))
        .await;
    assert_eq!(asked.status, 200, "{query}: {}", asked.text());
    asked
}

/// The id of a found trace, and of each spanset the number of spans.
type Found = (String, Vec<u64>);

fn found(asked: &Asked) -> Vec<Found> {
    let body = asked.json();
    let traces = body["traces"].as_array().cloned().unwrap_or_default();
    let matched = |trace: &Value| -> Vec<u64> {
        let sets = trace["spanSets"].as_array().unwrap();
        sets.iter()
            .map(|set| set["matched"].as_u64().unwrap())
            .collect()
    };
    traces
        .iter()
        .map(|trace| {
            (
                trace["traceID"].as_str().unwrap().to_owned(),
                matched(trace),
            )
        })
        .collect()
}

/// A query, and of each trace it finds the id and the number of spans of each spanset.
type Expected = (&'static str, &'static [(&'static str, &'static [u64])]);

#[tokio::test]
async fn traces_are_asked_whole_wherever_their_parts_are() {
    // Trace 3 comes in two requests, of which one is stored and one live when half is.
    let expected: &[Expected] = &[
        (
            r#"{ kind = server } >> { resource.service.name = "cart" }"#,
            &[("3", &[1]), ("2", &[1]), ("1", &[1])],
        ),
        (
            r#"{ name = "late child" } < { kind = server }"#,
            &[("3", &[1])],
        ),
        (r#"{ } !> { resource.service.name = "cart" }"#, &[]),
        (r#"{ name = "POST /order" } &> { }"#, &[("3", &[2])]),
        (
            "{ } | count() = 2",
            &[("3", &[2]), ("2", &[2]), ("1", &[2])],
        ),
        (
            "{ } | by(resource.service.name) | count() = 1 | coalesce()",
            &[("3", &[2]), ("2", &[2]), ("1", &[2])],
        ),
        (
            "{ traceDuration > 1004ms }",
            &[("3", &[2]), ("2", &[2]), ("1", &[2])],
        ),
        (
            r#"{ rootName = "POST /order" && name = "late child" }"#,
            &[("3", &[1])],
        ),
        (
            r#"{ parent.kind = server && name = "late child" }"#,
            &[("3", &[1])],
        ),
        ("!{ status = error }", &[("3", &[2]), ("1", &[2])]),
        (
            r#"{ resource.service.name = "cart" } && !{ .db.system = "redis" }"#,
            &[("3", &[1])],
        ),
        (
            "{ } | order by duration desc",
            &[("2", &[2]), ("1", &[2]), ("3", &[2])],
        ),
        (
            "{ } | order by start asc",
            &[("1", &[2]), ("2", &[2]), ("3", &[2])],
        ),
    ];
    for place in PLACES {
        let house = House::open(Settings::default());
        house.fill(&shop(), place).await;
        for (query, traces) in expected {
            let traces: Vec<Found> = traces
                .iter()
                .map(|(trace, sets)| ((*trace).to_owned(), sets.to_vec()))
                .collect();
            assert_eq!(
                found(&search(&house, query).await),
                traces,
                "{place:?} {query}"
            );
        }
        house.close().await;
    }
}

#[tokio::test]
async fn spans_are_counted_once_wherever_they_are() {
    let label = |key: &str, value: &str| json!([{"key": key, "value": {"stringValue": value}}]);
    let service = |name| label("resource.service.name", name);
    for place in PLACES {
        let house = House::open(Settings::default());
        house.fill(&shop(), place).await;
        let ask = async |path: &str, query: &str| -> Value {
            let asked = house
                .get(&format!(
                    "/api/metrics/{path}?start=60&end=360&step=60&q={}",
                    escaped(query)
                ))
                .await;
            assert_eq!(asked.status, 200, "{query}: {}", asked.text());
            asked.json()["series"].clone()
        };
        let series = ask(
            "query",
            "{ } | count_over_time() by (resource.service.name)",
        )
        .await;
        assert_eq!(
            series,
            json!([
                {"labels": service("cart"), "value": 3.0},
                {"labels": service("gateway"), "value": 3.0},
            ]),
            "{place:?}"
        );
        let series = ask(
            "query",
            "({ status = error } | count_over_time()) / ({ } | count_over_time())",
        )
        .await;
        assert_eq!(series[0]["value"], json!(2.0 / 6.0), "{place:?}");
        let series = ask("query_range", "{ kind = server } >> { } | rate()").await;
        let samples = &series[0]["samples"];
        assert_eq!(
            samples.as_array().map(Vec::len),
            Some(6),
            "from the step before the start to the end: {samples}"
        );
        assert_eq!(
            samples[1],
            json!({"timestampMs": "120000", "value": 1.0 / 60.0})
        );
        assert_eq!(
            samples[0],
            json!({"timestampMs": "60000"}),
            "zero is left out"
        );
        house.close().await;
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    for place in PLACES {
        let house = House::open(Settings::default());
        house.fill(&shop(), place).await;
        for (query, order) in [
            ("{ }", ["3", "2", "1"]),
            ("{ } | order by duration asc", ["3", "1", "2"]),
        ] {
            let (mut page, mut seen) = (String::new(), Vec::new());
            loop {
                let asked = house
                    .get(&format!(
                        "/api/search?limit=1&q={}&page={page}",
                        escaped(query)
                    ))
                    .await;
                assert_eq!(asked.status, 200, "{}", asked.text());
                seen.extend(found(&asked).into_iter().map(|(trace, _)| trace));
                match asked.next_page {
                    Some(next) => page = next,
                    None => break,
                }
            }
            assert_eq!(seen, order, "{place:?} {query}");
            let other = format!(
                "/api/search?limit=1&q={}&page={page}",
                escaped("{ .x = 1 }")
            );
            let other = house.get(&other).await;
            assert_eq!(other.status, 400);
            assert!(other.text().contains("another search"), "{}", other.text());
        }
        house.close().await;
    }
}

#[tokio::test]
async fn a_query_that_may_be_meant_otherwise_is_answered_with_a_warning() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::Live).await;
    let asked = search(
        &house,
        r#"{ status = error || kind = server && name = "load cart" }"#,
    )
    .await;
    let warning = asked.warning.clone().unwrap();
    assert!(
        warning.contains("&&") && warning.contains("||"),
        "{warning}"
    );
    assert_eq!(found(&asked), [("2".to_owned(), vec![1])]);
    assert_eq!(
        search(&house, "{ status = error && kind = server }")
            .await
            .warning,
        None
    );
    house.close().await;
}

#[tokio::test]
async fn a_query_takes_no_more_memory_than_one_may() {
    let house = House::open(Settings {
        query_memory_bytes: 16,
        ..Settings::default()
    });
    house.fill(&shop(), Where::Blocks).await;
    for question in [
        format!("/api/search?q={}", escaped("{ }")),
        format!("/api/search?q={}", escaped("{ } | by(name)")),
        format!(
            "/api/metrics/query?start=60&end=360&q={}",
            escaped("{ } | rate() by (name)")
        ),
    ] {
        let asked = house.get(&question).await;
        assert_eq!(asked.status, 422, "{}", asked.text());
        assert!(
            asked.text().contains("16 bytes of memory"),
            "{}",
            asked.text()
        );
    }
    house.close().await;
}

#[tokio::test]
async fn the_same_question_is_not_asked_of_a_block_twice() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::Blocks).await;
    for question in [
        format!("/api/search?q={}", escaped("{ status = error }")),
        format!(
            "/api/metrics/query?start=60&end=360&q={}",
            escaped("{ } | rate()")
        ),
    ] {
        let (first, again) = (
            house.get(&question).await.json(),
            house.get(&question).await.json(),
        );
        let inspected = |answer: &Value| answer["metrics"]["inspectedSpans"].clone();
        assert_eq!(inspected(&first), json!("6"));
        assert_eq!(
            inspected(&again),
            Value::Null,
            "what was read once is not read again"
        );
        let found = |answer: &Value| (answer["traces"].clone(), answer["series"].clone());
        assert_eq!(found(&first), found(&again));
    }
    house.close().await;
}

/// The answer of a frontend, to be compared with another's.
async fn answers(frontend: &Frontend) -> Vec<String> {
    let tenants = [TenantId::single()];
    let (settings, now) = (frontend.settings(), UnixNano::from_secs(1000));
    let mut answers = Vec::new();
    for query in [
        "{ }",
        r#"{ kind = server } >> { } | by(name) | select(resource.service.name)"#,
        "{ status = error } | order by duration desc",
    ] {
        let params = Params::parse(&format!("spss=10&q={}", escaped(query)));
        let asked = request::Search::parse(&params, settings, now, Duration::ZERO).unwrap();
        answers.push(format!(
            "{:?}",
            frontend
                .search(&tenants, &asked)
                .await
                .unwrap()
                .message
                .traces
        ));
    }
    for query in [
        "{ } | rate() by (name)",
        "{ } | quantile_over_time(duration, .5, .9) by (resource.service.name)",
        "({ status = error } | sum_over_time(duration)) / ({ } | max_over_time(duration))",
        "{ } | avg_over_time(duration) | topk(1)",
        "{ } | compare({ status = error })",
    ] {
        let params = Params::parse(&format!("start=60&end=360&step=60&q={}", escaped(query)));
        let asked = request::Metrics::range(&params, settings, now, Duration::ZERO).unwrap();
        answers.push(format!(
            "{:?}",
            frontend.query_range(&tenants, asked).await.unwrap().series
        ));
    }
    answers
}

/// A querier over the spans of a house, at an address of its own until its tasks stop.
async fn querier(house: &House) -> (String, Tasks) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let tasks = Tasks::default();
    let server = tonic::transport::Server::builder()
        .add_service(QuerierService::new(house.frontend.clone()).server())
        .serve_with_incoming_shutdown(incoming, tasks.stopped());
    tasks.spawn("querier", server);
    (address, tasks)
}

async fn stop(tasks: Tasks) {
    tasks.stop();
    assert!(tasks.drain(Duration::from_secs(10)).await.is_empty());
}

#[tokio::test]
async fn a_querier_elsewhere_finds_the_same() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::HalfAndHalf).await;
    let (address, tasks) = querier(&house).await;
    let away = house.another(Settings {
        queriers: vec![address],
        ..Settings::default()
    });
    assert_eq!(answers(&away).await, answers(&house.frontend).await);
    stop(tasks).await;

    // Live spans are asked here, stored ones cannot be: that is said, and nothing is made up.
    let params = Params::parse("q=%7B%7D&limit=7");
    let now = UnixNano::from_secs(1000);
    let asked = request::Search::parse(&params, away.settings(), now, Duration::ZERO);
    let failure = away
        .search(&[TenantId::single()], &asked.unwrap())
        .await
        .unwrap_err();
    assert_eq!(failure.status().as_u16(), 500);
    assert!(failure.to_string().contains("querier"), "{failure}");
    house.close().await;
}

#[tokio::test]
async fn a_querier_that_is_gone_or_slow_is_gone_around() {
    let house = House::open(Settings::default());
    house.fill(&shop(), Where::Blocks).await;
    let (address, tasks) = querier(&house).await;
    let gone = "http://127.0.0.1:1".to_owned();
    let tried_again = house.another(Settings {
        queriers: vec![gone, address.clone()],
        ..Settings::default()
    });
    assert_eq!(answers(&tried_again).await, answers(&house.frontend).await);

    // Takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hedged = house.another(Settings {
        queriers: vec![format!("http://{}", silent.local_addr().unwrap()), address],
        hedge_jobs_at: Duration::from_millis(20),
        // Only the second attempt beside the first can help.
        max_retries: 1,
        ..Settings::default()
    });
    assert_eq!(answers(&hedged).await, answers(&house.frontend).await);
    stop(tasks).await;
    house.close().await;
}
