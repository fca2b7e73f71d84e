//! How rules are evaluated, and where what comes of them goes.

use std::time::Duration;

use ::http::HeaderValue;
use reqwest::Url;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether requests name their tenant, and every tenant of the view has rules.
    pub multitenancy: bool,
    /// For groups that do not say `interval`.
    pub evaluation_interval: Duration,
    /// For groups that do not say `query_offset`.
    pub query_offset: Duration,
    /// How long one query may take.
    pub evaluation_timeout: Duration,
    /// Groups that are evaluated at once.
    pub concurrency: usize,
    /// How long after a notice the next one of the same alert follows.
    pub resend_delay: Duration,
    /// Where people reach this server.
    pub external_url: Url,
    /// Without it, alerts are shown and not sent.
    pub alertmanager: Option<Endpoint>,
    /// Without it, rules that record fail.
    pub remote_write: Option<Endpoint>,
    /// How long one request to an endpoint may take.
    pub request_timeout: Duration,
    /// How long a delivery is tried again.
    pub retry_for: Duration,
    /// Most notices, and most points, that may wait to be delivered.
    pub queue_capacity: usize,
}

/// Where to deliver, and as whom.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub url: Url,
    /// The whole value of the `Authorization` header.
    pub authorization: Option<HeaderValue>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            multitenancy: false,
            evaluation_interval: Duration::from_secs(60),
            query_offset: Duration::from_secs(10),
            evaluation_timeout: Duration::from_secs(30),
            concurrency: 4,
            resend_delay: Duration::from_secs(60),
            external_url: Url::parse("http://127.0.0.1:3200").expect("a legal URL"),
            alertmanager: None,
            remote_write: None,
            request_timeout: Duration::from_secs(10),
            retry_for: Duration::from_secs(60),
            queue_capacity: 20_000,
        }
    }
}
