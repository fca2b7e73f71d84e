//! The public keys of issuers: fetched, kept, fetched again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use parking_lot::Mutex;
use takt_kit::Clock;
use takt_model::UnixNano;

use super::Refused;

/// Keys are taken for fresh at least and at most this long, whatever the issuer says.
const FRESH_MIN: Duration = Duration::from_secs(60);
const FRESH_MAX: Duration = Duration::from_secs(3600);
/// While an issuer does not answer, its keys are believed this long.
const STALE_MAX: Duration = Duration::from_secs(24 * 3600);
/// A key nobody knows makes us ask again, but not more often than this.
const ASK_AGAIN: Duration = Duration::from_secs(30);
const MAX_BODY_BYTES: usize = 256 << 10;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where keys come from; tests have an issuer of their own.
#[tonic::async_trait]
pub trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// The body of a key set, and how long it may be kept if that is said.
    async fn fetch(&self, url: &str) -> Result<(Vec<u8>, Option<Duration>), FetchError>;
}

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the issuer does not answer")]
    Http(#[from] reqwest::Error),
    #[error("the issuer answers with status {0}")]
    Status(u16),
    #[error("the key set has more than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    #[error("the key set cannot be read")]
    Json(#[from] serde_json::Error),
    #[error("two keys of the set have the name `{0}`")]
    Duplicate(String),
}

/// Over the network; redirects are not followed.
#[derive(Debug, Clone)]
pub struct HttpKeys(reqwest::Client);

impl HttpKeys {
    /// # Errors
    /// When the machine's certificates cannot be read.
    pub fn new() -> Result<Self, FetchError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self(client))
    }
}

#[tonic::async_trait]
impl Fetch for HttpKeys {
    async fn fetch(&self, url: &str) -> Result<(Vec<u8>, Option<Duration>), FetchError> {
        let mut response = self.0.get(url).send().await?;
        if response.status() != http::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let control = response.headers().get(http::header::CACHE_CONTROL);
        let keep = control.and_then(|value| max_age(value.to_str().ok()?));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok((body, keep))
    }
}

/// No issuer answers.
#[derive(Debug)]
pub(in crate::auth) struct NoKeys;

#[tonic::async_trait]
impl Fetch for NoKeys {
    async fn fetch(&self, _: &str) -> Result<(Vec<u8>, Option<Duration>), FetchError> {
        Err(FetchError::Status(http::StatusCode::NOT_FOUND.as_u16()))
    }
}

pub(super) fn max_age(control: &str) -> Option<Duration> {
    let mut words = control.split(',').map(str::trim);
    let seconds = words.find_map(|word| word.strip_prefix("max-age="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// What is kept of one issuer.
#[derive(Debug, Clone, Default)]
struct Kept {
    keys: Option<Arc<JwkSet>>,
    fetched: UnixNano,
    fresh_until: UnixNano,
    asked: Option<UnixNano>,
}

#[derive(Debug)]
pub(in crate::auth) struct Keys {
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    /// One fetch at a time for each issuer; the others wait for it.
    kept: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Kept>>>>,
}

impl Keys {
    pub(in crate::auth) fn new(fetch: Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Self {
        Self {
            fetch,
            clock,
            kept: Mutex::default(),
        }
    }

    /// The key of this name.
    pub(super) async fn key(&self, url: &str, kid: &str) -> Result<Jwk, Refused> {
        let kept = Arc::clone(self.kept.lock().entry(url.to_owned()).or_default());
        let mut kept = kept.lock().await;
        let now = self.clock.now();
        let known = kept.find(kid);
        let wanted = known.is_none() || now >= kept.fresh_until;
        let rested = kept.asked.is_none_or(|asked| now.since(asked) >= ASK_AGAIN);
        if wanted && rested {
            kept.asked = Some(now);
            match self.set(url).await {
                Ok((keys, keep)) => {
                    kept.keys = Some(Arc::new(keys));
                    kept.fetched = now;
                    kept.fresh_until =
                        now.plus(keep.unwrap_or(FRESH_MAX).clamp(FRESH_MIN, FRESH_MAX));
                }
                Err(error) => {
                    tracing::warn!(
                        url,
                        error = &error as &dyn std::error::Error,
                        "the keys of an issuer cannot be fetched"
                    );
                }
            }
        }
        if kept.keys.is_none() || now.since(kept.fetched) > STALE_MAX {
            return Err(Refused::KeysUnavailable);
        }
        kept.find(kid).ok_or(Refused::KeyUnknown)
    }

    async fn set(&self, url: &str) -> Result<(JwkSet, Option<Duration>), FetchError> {
        let (body, keep) = self.fetch.fetch(url).await?;
        let keys: JwkSet = serde_json::from_slice(&body)?;
        let mut names: Vec<&str> = keys.keys.iter().filter_map(name).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(FetchError::Duplicate(pair[0].to_owned()));
        }
        Ok((keys, keep))
    }
}

impl Kept {
    fn find(&self, kid: &str) -> Option<Jwk> {
        let keys = &self.keys.as_ref()?.keys;
        keys.iter().find(|key| name(key) == Some(kid)).cloned()
    }
}

fn name(key: &Jwk) -> Option<&str> {
    key.common.key_id.as_deref()
}
