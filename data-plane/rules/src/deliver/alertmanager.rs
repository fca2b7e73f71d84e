//! `POST /api/v2/alerts`: JSON, as an Alertmanager takes it.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use reqwest::Url;
use serde::Serialize;

use super::Route;
use crate::alert::Notice;
use crate::labels::Labels;
use crate::moment::rfc3339;

pub(crate) const NAME: &str = "alertmanager";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PostableAlert<'a> {
    labels: &'a Labels,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

pub(crate) fn route(base: &Url, external_url: Url) -> Route<Notice> {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Route {
        name: NAME,
        url: below(base, &["api", "v2", "alerts"]),
        headers: HeaderMap::from_iter(headers),
        encode: Box::new(move |notices| encode(notices, &external_url)),
    }
}

fn encode(notices: &[Notice], external_url: &Url) -> Vec<u8> {
    let alerts: Vec<_> = notices
        .iter()
        .map(|notice| PostableAlert {
            labels: &notice.labels,
            annotations: &notice.annotations,
            starts_at: rfc3339(notice.starts_at),
            ends_at: rfc3339(notice.ends_at),
            generator_url: query_url(external_url, &notice.expr),
        })
        .collect();
    serde_json::to_vec(&alerts).expect("texts and maps of texts are JSON")
}

/// Where the query can be asked.
fn query_url(external_url: &Url, expr: &str) -> String {
    let mut url = below(external_url, &["api", "metrics", "query_range"]);
    url.query_pairs_mut().append_pair("q", expr);
    url.to_string()
}

/// A path below another.
fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    url.path_segments_mut()
        .expect("an http URL has a path")
        .pop_if_empty()
        .extend(path);
    url
}

#[cfg(test)]
mod tests {
    use takt_model::UnixNano;

    use super::*;

    #[test]
    fn a_notice_is_an_alert_of_the_second_api() {
        let notice = Notice {
            labels: Labels::default().with("alertname", "Slow"),
            annotations: BTreeMap::from([("summary".to_owned(), "1 s".to_owned())]),
            starts_at: UnixNano::from_secs(1_700_000_000),
            ends_at: UnixNano(1_700_000_240_500_000_000),
            expr: "{ } | rate() > 1".to_owned(),
        };
        let base = Url::parse("http://takt.example/tempo/").unwrap();
        assert_eq!(
            String::from_utf8(encode(&[notice], &base)).unwrap(),
            r#"[{"labels":{"alertname":"Slow"},"annotations":{"summary":"1 s"},"startsAt":"2023-11-14T22:13:20.000Z","endsAt":"2023-11-14T22:17:20.500Z","generatorURL":"http://takt.example/tempo/api/metrics/query_range?q=%7B+%7D+%7C+rate%28%29+%3E+1"}]"#
        );
    }

    #[test]
    fn the_path_goes_below_that_of_the_url() {
        for (base, url) in [
            ("http://am:9093", "http://am:9093/api/v2/alerts"),
            (
                "http://m/alertmanager/",
                "http://m/alertmanager/api/v2/alerts",
            ),
        ] {
            let route = route(&Url::parse(base).unwrap(), Url::parse("http://x").unwrap());
            assert_eq!(route.url.as_str(), url);
        }
    }
}
