//! Slow, large and many: what one sender can cost.

use std::io::Write as _;
use std::time::Duration;

use http_body_util::{BodyExt as _, StreamBody};
use takt_receive::Settings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, encoded, eventually, span};

fn impatient(settings: &mut Settings) {
    settings.read_timeout = Duration::from_millis(200);
    settings.idle_timeout = Duration::from_millis(400);
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is as good an end as any.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_larger_than_the_bound_is_refused_before_it_is_read() {
    let world = World::with(|settings| settings.max_request_bytes = 1_000).await;
    let mut stream = TcpStream::connect(world.http).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1001\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_request_of_unknown_length_is_refused_at_the_bound() {
    let world = World::with(|settings| settings.max_request_bytes = 1_000).await;
    let mut stream = TcpStream::connect(world.http).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("200\r\n{}\r\n", "x".repeat(0x200));
    stream.write_all(chunk.repeat(2).as_bytes()).await.unwrap();
    let answer = read_all(stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_gzip_bomb_is_refused_at_the_bound() {
    let world = World::with(|settings| settings.max_decompressed_bytes = 1 << 20).await;
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        bomb.write_all(&[0; 1 << 20]).unwrap();
    }
    let answer = world
        .post(bomb.finish().unwrap())
        .header("content-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(world.stored(), []);
    assert!(
        world.metrics().contains("takt_receive_in_flight_bytes 0\n"),
        "what was held is given back"
    );
}

#[tokio::test]
async fn requests_beyond_the_bytes_in_flight_are_asked_to_come_back() {
    let world = World::with(|settings| settings.max_in_flight_bytes = 1_000).await;
    let mut large = span(1);
    large.name = "x".repeat(2_000);
    let answer = world.post(encoded(vec![large])).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "5");
    let answer = world.post(encoded(vec![span(1)])).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn bytes_of_a_request_that_is_under_way_count_as_in_flight() {
    let world = World::with(|settings| settings.max_in_flight_bytes = 1_000).await;
    let mut slow = TcpStream::connect(world.http).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 960\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    slow.write_all(&[0; 959]).await.unwrap();
    eventually(|| {
        world
            .metrics()
            .contains("takt_receive_in_flight_bytes 959\n")
    })
    .await;
    let answer = world.post(encoded(vec![span(1)])).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    drop(slow);
    eventually(|| world.metrics().contains("takt_receive_in_flight_bytes 0\n")).await;
    let answer = world.post(encoded(vec![span(1)])).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_body_that_trickles_in_is_cut_off() {
    let world = World::with(impatient).await;
    let drops = futures_stream(encoded(vec![span(1)]).to_vec());
    let answer = world.post(reqwest::Body::wrap(drops)).send().await.unwrap();
    assert_eq!(answer.status(), 408);
    assert_eq!(world.stored(), []);
}

/// One byte every 50 ms.
fn futures_stream(
    bytes: Vec<u8>,
) -> impl http_body::Body<Data = bytes::Bytes, Error = std::io::Error> + Send + Sync + 'static {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let tasks = takt_kit::Tasks::default();
    tasks.spawn("trickle", async move {
        for byte in bytes {
            let frame = http_body::Frame::data(bytes::Bytes::from(vec![byte]));
            if sender.send(Ok(frame)).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok::<(), &str>(())
    });
    StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(receiver)).boxed()
}

#[tokio::test]
async fn headers_that_trickle_in_are_cut_off() {
    let world = World::with(impatient).await;
    let mut stream = TcpStream::connect(world.http).await.unwrap();
    stream.write_all(b"POST /v1/traces HT").await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(5), read_all(stream)).await;
    assert!(answer.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn silent_connections_are_closed_on_both_ports() {
    let world = World::with(impatient).await;
    for address in [world.http, world.grpc] {
        let silent = TcpStream::connect(address).await.unwrap();
        let mut preface = TcpStream::connect(address).await.unwrap();
        preface.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
        for stream in [silent, preface] {
            let answer = tokio::time::timeout(Duration::from_secs(5), read_all(stream)).await;
            assert!(answer.is_ok(), "the connection is still open");
        }
    }
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_at_once() {
    let world = World::with(|settings| settings.max_connections = 2).await;
    let first = TcpStream::connect(world.http).await.unwrap();
    let _second = TcpStream::connect(world.http).await.unwrap();
    let third = TcpStream::connect(world.http).await.unwrap();
    assert_eq!(read_all(third).await, "");
    let metrics = world.metrics();
    let line = "takt_receive_refused_connections_total{transport=\"http\"} 1";
    assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    drop(first);
    let one_left = "takt_receive_connections{transport=\"http\"} 1";
    eventually(|| world.metrics().contains(one_left)).await;
    let answer = world.post(encoded(vec![span(1)])).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn stopping_closes_idle_connections_and_takes_no_new_ones() {
    let world = World::start().await;
    let client = reqwest::Client::new();
    let answer = client
        .post(world.url())
        .header("content-type", "application/x-protobuf")
        .body(encoded(vec![span(1)]))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    world.tasks.stop();
    let late = world.tasks.drain(Duration::from_secs(5)).await;
    assert!(late.is_empty(), "{late:?}");
    assert!(TcpStream::connect(world.http).await.is_err());
}
