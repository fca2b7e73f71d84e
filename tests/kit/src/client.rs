//! Asking over HTTP.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// The HTTP API of one server.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    tenant: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: bytes::Bytes,
}

impl Answer {
    /// # Errors
    /// When the status is not 200 or the body not JSON.
    pub fn json(&self) -> anyhow::Result<Value> {
        ensure!(
            self.status == 200,
            "status {}: {}",
            self.status,
            self.text()
        );
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }

    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            http: reqwest::Client::new(),
            tenant: None,
        }
    }

    /// The same, asking for a tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.get_with(path, &[]).await
    }

    /// # Errors
    /// When no answer comes.
    pub async fn get_with(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let mut request = self.http.get(format!("{}{path}", self.base)).query(query);
        if let Some(tenant) = &self.tenant {
            request = request.header("x-scope-orgid", tenant);
        }
        let response = request.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            body: response.bytes().await?,
        })
    }

    /// The traces of a TraceQL search over all that is kept, as the API gives them.
    ///
    /// # Errors
    /// When the search fails.
    pub async fn search(
        &self,
        query: &str,
        limit: usize,
        spans_per_set: usize,
    ) -> anyhow::Result<Vec<Value>> {
        let (limit, spans) = (limit.to_string(), spans_per_set.to_string());
        let answer = self
            .get_with(
                "/api/search",
                &[("q", query), ("limit", &limit), ("spss", &spans)],
            )
            .await?
            .json()?;
        Ok(answer["traces"].as_array().cloned().unwrap_or_default())
    }

    /// How many spans of a trace come back, with their ids as the API writes them; none if it is unknown.
    ///
    /// # Errors
    /// When the request fails otherwise.
    pub async fn span_ids(&self, trace_id: &str) -> anyhow::Result<Vec<String>> {
        let answer = self.get(&format!("/api/traces/{trace_id}")).await?;
        if answer.status == 404 {
            return Ok(Vec::new());
        }
        let trace = answer.json()?;
        let mut ids = Vec::new();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        for batch in list(&trace["batches"]) {
            for scope in list(&batch["scopeSpans"]) {
                for span in list(&scope["spans"]) {
                    ids.push(span["spanId"].as_str().unwrap_or_default().to_owned());
                }
            }
        }
        Ok(ids)
    }
}

/// Asks again until `check` holds, at most for `budget`; then fails with what it said last.
///
/// # Errors
/// When the time is over.
pub async fn eventually<T, F>(budget: Duration, mut check: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let deadline = Instant::now() + budget;
    loop {
        match check().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= deadline => {
                return Err(error.context(format!("still not so after {budget:?}")));
            }
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}
