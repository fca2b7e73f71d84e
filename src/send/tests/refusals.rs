//! What an endpoint refuses is tried again if it says so, and counted if it is for good.

use std::time::Duration;

use clap::Parser as _;
use takt_kit::Code;

use super::super::{Args, replay, run};
use super::endpoint::{Answer, Endpoint, refuse};
use super::{data, replay_of};

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn again(code: Code) -> Answer {
    Answer::Refuse(refuse(code).retry_after(Duration::from_millis(0)))
}

#[tokio::test]
async fn what_may_be_tried_again_is_tried_until_it_is_accepted() {
    for over_grpc in [false, true] {
        let endpoint = Endpoint::with([again(Code::Exhausted), again(Code::Unavailable)]);
        let url = match over_grpc {
            true => endpoint.grpc().await,
            false => endpoint.http().await,
        };
        let summary = replay(replay_of(&["otlp.json"], &url), |_| {})
            .await
            .unwrap();
        assert_eq!((summary.retried, summary.refused), (2, 0), "{url}");
        assert_eq!(endpoint.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_hint_is_waited_for() {
    let slow = refuse(Code::Exhausted).retry_after(Duration::from_secs(1));
    let endpoint = Endpoint::with([Answer::Refuse(slow)]);
    let asked = replay_of(&["otlp.json"], &endpoint.http().await);
    let summary = replay(asked, |_| {}).await.unwrap();
    assert_eq!(summary.retried, 1);
    assert!(summary.seconds >= 1.0, "{}", summary.seconds);
}

#[tokio::test]
async fn what_is_refused_for_good_is_counted_and_explained() {
    for (code, over_grpc) in [
        (Code::Invalid, false),
        (Code::Invalid, true),
        // Without a hint there is nothing to wait for.
        (Code::Exhausted, true),
    ] {
        let endpoint = Endpoint::with([Answer::Refuse(refuse(code))]);
        let url = match over_grpc {
            true => endpoint.grpc().await,
            false => endpoint.http().await,
        };
        let summary = replay(replay_of(&["otlp.json"], &url), |_| {})
            .await
            .unwrap();
        assert_eq!((summary.spans, summary.refused, summary.retried), (2, 2, 0));
        let reasons: Vec<_> = summary.reasons.into_iter().collect();
        assert!(reasons[0].ends_with("because"), "{reasons:?}");
    }
}

#[tokio::test]
async fn retries_end_when_the_time_for_them_is_over() {
    let long = refuse(Code::Unavailable).retry_after(Duration::from_secs(3600));
    let endpoint = Endpoint::with([Answer::Refuse(long)]);
    let asked = replay_of(&["otlp.json"], &endpoint.http().await);
    let summary = replay(asked, |_| {}).await.unwrap();
    assert_eq!((summary.refused, summary.retried), (2, 0));
    assert!(summary.seconds < 60.0);
}

#[tokio::test]
async fn the_command_fails_if_any_span_was_refused() {
    let endpoint = Endpoint::with([Answer::AcceptBut { rejected: 1 }]);
    let url = endpoint.http().await;
    let file = data("otlp.json");
    let args = ["send", "--endpoint", &url, file.to_str().unwrap()];
    let refused = run(Command::parse_from(args).args).await.unwrap_err();
    assert_eq!(refused.to_string(), "1 of 2 spans were refused");
    run(Command::parse_from(args).args).await.unwrap();
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_tried_for_a_while() {
    for url in ["http://127.0.0.1:1", "grpc://127.0.0.1:1"] {
        let mut asked = replay_of(&["otlp.json"], url);
        asked.retry_for = Duration::from_millis(250);
        let summary = replay(asked, |_| {}).await.unwrap();
        assert_eq!(summary.refused, 2, "{url}");
        assert!(summary.retried >= 1, "{url}");
    }
}
