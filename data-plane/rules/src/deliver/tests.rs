//! Couriers and servers on loopback that stand for an Alertmanager and a remote-write receiver.

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use takt_model::UnixNano;
use tokio::net::TcpListener;

use super::*;
use crate::alert::Notice;
use crate::labels::Labels;
use crate::record::Point;

/// What a server was sent, and what it answers, first to last; then 200.
#[derive(Debug, Clone, Default)]
struct Server {
    seen: Arc<Mutex<Vec<(HeaderMap, String, Bytes)>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

/// A status, and how long to wait before the next request.
type Answer = (u16, Option<&'static str>);

impl Server {
    async fn start(&self, tasks: &Tasks) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        let serve = axum::serve(listener, router).with_graceful_shutdown(tasks.stopped());
        tasks.spawn("server", serve.into_future());
        url.parse().unwrap()
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    server
        .seen
        .lock()
        .push((head.headers, head.uri.to_string(), body));
    let mut answers = server.answers.lock();
    if answers.is_empty() {
        return StatusCode::OK.into_response();
    }
    let (status, retry_after) = answers.remove(0);
    let mut response = (StatusCode::from_u16(status).unwrap(), "because").into_response();
    if let Some(seconds) = retry_after {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    response
}

struct World {
    server: Server,
    serving: Tasks,
    tasks: Tasks,
    metrics: QueueMetrics,
    queue: Queue<Point>,
}

impl World {
    async fn new(answers: &[Answer], retry_for: Duration) -> Self {
        let (server, serving, tasks) = (Server::default(), Tasks::default(), Tasks::default());
        *server.answers.lock() = answers.to_vec();
        let url = server.start(&serving).await;
        let metrics = QueueMetrics::default();
        let endpoint = Endpoint {
            authorization: Some(HeaderValue::from_static("Bearer t")),
            url: url.clone(),
        };
        let patience = Patience {
            request_timeout: Duration::from_secs(5),
            retry_for,
            queue_capacity: 3,
        };
        let route = remote_write::route(&url);
        let queue = Queue::open(route, &endpoint, patience, &metrics, &tasks).unwrap();
        Self {
            server,
            serving,
            tasks,
            metrics,
            queue,
        }
    }

    /// Stops the courier, which then has tried what waited. Requests, delivered, lost, retries.
    async fn end(self) -> (usize, u64, u64, u64) {
        self.tasks.stop();
        assert_eq!(self.tasks.drain(Duration::from_secs(20)).await, [""; 0]);
        self.serving.stop();
        let label = QueueLabel {
            queue: remote_write::NAME,
        };
        let count = |of: &prometheus_client::metrics::family::Family<QueueLabel, Counter>| {
            of.get_or_create(&label).get()
        };
        let metrics = &self.metrics;
        assert_eq!(metrics.waiting.get_or_create(&label).get(), 0);
        let requests = self.server.seen.lock().len();
        (
            requests,
            count(&metrics.delivered),
            count(&metrics.lost),
            count(&metrics.retries),
        )
    }

    async fn requests(&self, count: usize) {
        while self.server.seen.lock().len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn tenant() -> TenantId {
    TenantId::new("team-1").unwrap()
}

fn points(count: usize) -> Vec<Point> {
    let point = Point {
        labels: Labels::default().with("__name__", "r"),
        at: UnixNano::from_secs(1),
        value: 1.0,
    };
    vec![point; count]
}

const PATIENT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn points_arrive_as_remote_write_for_their_tenant() {
    let world = World::new(&[], PATIENT).await;
    world.queue.offer(&tenant(), points(2)).unwrap();
    world.requests(1).await;
    let (headers, path, body) = world.server.seen.lock()[0].clone();
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
        ("x-scope-orgid", "team-1"),
        ("authorization", "Bearer t"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert_eq!(path, "/base");
    let message = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    assert!(message.windows(8).any(|part| part == b"__name__"));
    assert_eq!(world.end().await, (1, 2, 0, 0));
}

#[tokio::test]
async fn notices_arrive_as_alerts() {
    let (server, tasks) = (Server::default(), Tasks::default());
    let url = server.start(&tasks).await;
    let endpoint = Endpoint {
        url: url.clone(),
        authorization: None,
    };
    let patience = Patience {
        request_timeout: PATIENT,
        retry_for: PATIENT,
        queue_capacity: 10,
    };
    let route = alertmanager::route(&url, url.clone());
    let queue = Queue::open(route, &endpoint, patience, &QueueMetrics::default(), &tasks).unwrap();
    let notice = Notice {
        labels: Labels::default().with("alertname", "A"),
        annotations: std::collections::BTreeMap::new(),
        starts_at: UnixNano::from_secs(1),
        ends_at: UnixNano::from_secs(2),
        expr: "{ } | rate()".to_owned(),
    };
    queue.offer(&tenant(), vec![notice]).unwrap();
    while server.seen.lock().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (headers, path, body) = server.seen.lock()[0].clone();
    assert_eq!(path, "/base/api/v2/alerts");
    assert_eq!(headers["content-type"], "application/json");
    let alerts: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(alerts[0]["labels"]["alertname"], "A");
    assert_eq!(alerts[0]["endsAt"], "1970-01-01T00:00:02.000Z");
    tasks.stop();
    assert_eq!(tasks.drain(PATIENT).await, [""; 0]);
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let world = World::new(&[(503, None), (429, Some("1"))], PATIENT).await;
    let began = Instant::now();
    world.queue.offer(&tenant(), points(1)).unwrap();
    world.requests(3).await;
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "as `Retry-After` says"
    );
    assert_eq!(world.end().await, (3, 1, 0, 2));
}

#[tokio::test]
async fn a_refusal_is_final_and_the_next_parcel_goes_on() {
    let world = World::new(&[(400, None)], PATIENT).await;
    world.queue.offer(&tenant(), points(1)).unwrap();
    world.queue.offer(&tenant(), points(2)).unwrap();
    world.requests(2).await;
    assert_eq!(world.end().await, (2, 2, 1, 0));
}

#[tokio::test]
async fn after_the_deadline_it_is_given_up() {
    let world = World::new(&[(500, None); 9], Duration::from_millis(350)).await;
    world.queue.offer(&tenant(), points(1)).unwrap();
    world.queue.offer(&tenant(), points(1)).unwrap();
    // At once, after 100 ms and after 300 ms; then the next parcel.
    world.requests(4).await;
    let (_, delivered, lost, _) = world.end().await;
    assert_eq!((delivered, lost), (0, 2));
}

#[tokio::test]
async fn a_full_queue_refuses_and_has_room_again() {
    let world = World::new(&[(503, Some("3600"))], PATIENT).await;
    world.queue.offer(&tenant(), points(2)).unwrap();
    assert_eq!(
        world.queue.offer(&tenant(), points(2)),
        Err(Full(remote_write::NAME))
    );
    assert_eq!(
        world.queue.offer(&tenant(), points(4)),
        Err(Full(remote_write::NAME))
    );
    world.queue.offer(&tenant(), points(1)).unwrap();
    // The endpoint wants an hour, the courier has half a minute: the first parcel is lost, the second goes.
    world.requests(2).await;
    while world.queue.offer(&tenant(), points(3)).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.end().await, (3, 4, 2, 0));
}

#[tokio::test]
async fn what_waits_when_the_process_stops_is_tried_once_more() {
    let world = World::new(&[(503, None), (200, None), (503, None)], PATIENT).await;
    world.queue.offer(&tenant(), points(1)).unwrap();
    world.queue.offer(&tenant(), points(1)).unwrap();
    world.queue.offer(&tenant(), points(1)).unwrap();
    world.requests(1).await;
    // The first is tried again, the second is refused and given up, the third goes.
    assert_eq!(world.end().await, (4, 2, 1, 1));
}
