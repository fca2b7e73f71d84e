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
    /// Why the answer is not all there is.
    pub(super) missing: Option<String>,
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
        segments: &[&str],
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
        let missing = response
            .headers()
            .get("x-takt-partial")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body = response.text().await?;
        if !status.is_success() {
            bail!("{status}: {}", body.trim());
        }
        let body = serde_json::from_str(&body).context("the answer is not JSON")?;
        Ok(Answer { body, missing })
    }
}

fn url(base: &Url, segments: &[&str]) -> Url {
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
            &["api", "v2", "search", "tag", "span.a/b c", "values"],
        );
        assert_eq!(
            url.as_str(),
            "http://host:3200/tempo/api/v2/search/tag/span.a%2Fb%20c/values"
        );
    }
}
