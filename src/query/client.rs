//! The HTTP side: one GET, its JSON, and what the server says is missing.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::Value;

/// Longer than any server's own limit should be; a query that takes this long will not come back.
const TIMEOUT: Duration = Duration::from_secs(300);

pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
}

pub(super) struct Answer {
    pub(super) body: Value,
    /// What is to be said about the answer beside it, a line each.
    pub(super) remarks: Vec<String>,
}

impl Client {
    pub(super) fn new(endpoint: &str, tenant: Option<&str>) -> anyhow::Result<Self> {
        let mut headers =
            HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        if let Some(tenant) = tenant {
            headers.insert(
                "x-scope-orgid",
                tenant
                    .parse()
                    .context("the tenant cannot stand in a header")?,
            );
        }
        let base: Url = endpoint
            .parse()
            .with_context(|| format!("`{endpoint}` is not a URL"))?;
        anyhow::ensure!(
            !base.cannot_be_a_base(),
            "`{endpoint}` is not an HTTP address"
        );
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self { http, base })
    }

    /// Asks for the path made of `segments`, each escaped where needed.
    pub(super) async fn get(
        &self,
        segments: &[String],
        params: &[(&str, String)],
    ) -> anyhow::Result<Answer> {
        let url = url(&self.base, segments);
        let response = self
            .http
            .get(url)
            .query(params)
            .send()
            .await
            .with_context(|| format!("{} does not answer", self.base))?;
        let status = response.status();
        let mut remarks = remarks(response.headers());
        let body = response.text().await?;
        if !status.is_success() {
            bail!("{status}: {}", body.trim());
        }
        let body: Value = serde_json::from_str(&body).context("the answer is not JSON")?;
        remarks.extend(message(&body));
        Ok(Answer { body, remarks })
    }
}

/// What the headers of an answer say, for people.
fn remarks(headers: &HeaderMap) -> Vec<String> {
    let said = [
        ("x-takt-partial", "not everything: "),
        ("x-takt-warning", "warning: "),
        ("x-takt-next-page", "more with --page "),
    ];
    said.into_iter()
        .flat_map(|(name, prefix)| {
            let values = headers.get_all(name).iter();
            let texts = values.filter_map(|value| value.to_str().ok());
            texts.map(move |text| format!("{prefix}{text}"))
        })
        .collect()
}

/// What the body of an answer says, where it has a place for that.
fn message(body: &Value) -> Option<String> {
    let message = body["message"].as_str().filter(|text| !text.is_empty())?;
    let prefix = match body["status"].as_str() {
        Some("PARTIAL") => "not everything",
        _ => "warning",
    };
    Some(format!("{prefix}: {message}"))
}

fn url(base: &Url, segments: &[String]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_a_path_of_the_endpoint_stays() {
        let base = "http://host:3200/tempo/".parse().unwrap();
        let url = url(
            &base,
            &["api", "v2", "search", "tag", "span.a/b c", "values"].map(str::to_owned),
        );
        assert_eq!(
            url.as_str(),
            "http://host:3200/tempo/api/v2/search/tag/span.a%2Fb%20c/values"
        );
    }

    #[test]
    fn headers_become_remarks() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-takt-next-page", "abc"),
            ("x-takt-warning", "`&&` beside `||`"),
            ("x-takt-warning", "another"),
            ("x-takt-partial", "a block is gone"),
            ("content-type", "application/json"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        assert_eq!(
            remarks(&headers),
            [
                "not everything: a block is gone",
                "warning: `&&` beside `||`",
                "warning: another",
                "more with --page abc",
            ]
        );
    }

    #[test]
    fn a_body_may_say_something_too() {
        let body = |status: &str| serde_json::json!({"status": status, "message": "so"});
        assert_eq!(message(&body("PARTIAL")).unwrap(), "not everything: so");
        assert_eq!(message(&body("")).unwrap(), "warning: so");
        assert_eq!(message(&serde_json::json!({})), None);
    }
}
