//! From settings to a client of the backend.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use crate::Error;

/// Where blocks are and how to get there; the names are Tempo's.
#[derive(Debug, Clone)]
pub struct Settings {
    pub backend: Backend,
    /// Bytes that indexes and columns may hold in memory once they were read.
    pub cache_bytes: u64,
    /// One try of one request.
    pub try_timeout: Duration,
    /// All tries of one request together; within it a failed try is repeated with back-off and jitter.
    pub deadline: Duration,
}

impl Settings {
    /// The defaults for a directory.
    #[must_use]
    pub fn local(path: PathBuf) -> Self {
        Self {
            backend: Backend::Local { path },
            cache_bytes: 128 << 20,
            try_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(90),
        }
    }
}

/// The kinds of storage.
#[derive(Debug, Clone)]
pub enum Backend {
    Local { path: PathBuf },
    S3(S3),
    Gcs(Gcs),
    Azure(Azure),
}

/// Amazon S3 and what speaks like it. Without keys, credentials come from the instance or web identity.
#[derive(Clone, Default)]
pub struct S3 {
    pub bucket: String,
    pub prefix: Option<String>,
    /// Host and port, or a URL.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
    pub session_token: Option<String>,
    pub insecure: bool,
    pub forcepathstyle: bool,
}

/// Google Cloud Storage. Without a key file, credentials come from the instance.
#[derive(Debug, Clone, Default)]
pub struct Gcs {
    pub bucket_name: String,
    pub prefix: Option<String>,
    pub endpoint: Option<String>,
    pub service_account_file: Option<PathBuf>,
}

/// Azure Blob Storage.
#[derive(Clone, Default)]
pub struct Azure {
    pub container_name: String,
    pub storage_account_name: String,
    pub storage_account_key: Option<String>,
    pub prefix: Option<String>,
    pub endpoint: Option<String>,
}

/// Without the keys: settings get logged.
impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("bucket", &self.bucket)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Without the key: settings get logged.
impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure")
            .field("container_name", &self.container_name)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

pub(crate) fn open(settings: &Settings) -> Result<(Arc<dyn ObjectStore>, Path), Error> {
    match &settings.backend {
        Backend::Local { path } => local(path),
        Backend::S3(s3) => Ok((
            self::s3(s3, settings).map_err(Error::Open)?,
            prefix(s3.prefix.as_deref()),
        )),
        Backend::Gcs(gcs) => Ok((
            self::gcs(gcs, settings).map_err(Error::Open)?,
            prefix(gcs.prefix.as_deref()),
        )),
        Backend::Azure(azure) => Ok((
            self::azure(azure, settings).map_err(Error::Open)?,
            prefix(azure.prefix.as_deref()),
        )),
    }
}

fn prefix(prefix: Option<&str>) -> Path {
    Path::from(prefix.unwrap_or_default())
}

/// Written files and their directories are synced: the journal forgets what the store says it has.
fn local(path: &std::path::Path) -> Result<(Arc<dyn ObjectStore>, Path), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::Directory {
        path: path.to_owned(),
        source,
    })?;
    let files = LocalFileSystem::new_with_prefix(path).map_err(Error::Open)?;
    let files = files.with_fsync(true).with_automatic_cleanup(true);
    Ok((Arc::new(files), Path::default()))
}

fn s3(s3: &S3, settings: &Settings) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&s3.bucket)
        .with_region(s3.region.as_deref().unwrap_or("us-east-1"))
        .with_virtual_hosted_style_request(!s3.forcepathstyle)
        .with_retry(retry(settings))
        .with_client_options(client(settings, s3.insecure));
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_endpoint(s3_url(endpoint, s3));
    }
    if let (Some(id), Some(key)) = (&s3.access_key, &s3.secret_key) {
        builder = builder.with_access_key_id(id).with_secret_access_key(key);
    }
    if let Some(token) = &s3.session_token {
        builder = builder.with_token(token);
    }
    Ok(Arc::new(builder.build()?))
}

fn gcs(gcs: &Gcs, settings: &Settings) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    let insecure = gcs
        .endpoint
        .as_deref()
        .is_some_and(|endpoint| endpoint.starts_with("http://"));
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&gcs.bucket_name)
        .with_retry(retry(settings))
        .with_client_options(client(settings, insecure));
    if let Some(endpoint) = &gcs.endpoint {
        builder = builder.with_base_url(&url(endpoint, insecure));
    }
    if let Some(file) = &gcs.service_account_file {
        builder = builder.with_service_account_path(file.to_string_lossy());
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(azure: &Azure, settings: &Settings) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    let insecure = azure
        .endpoint
        .as_deref()
        .is_some_and(|endpoint| endpoint.starts_with("http://"));
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(&azure.storage_account_name)
        .with_container_name(&azure.container_name)
        .with_retry(retry(settings))
        .with_client_options(client(settings, insecure));
    if let Some(endpoint) = &azure.endpoint {
        builder = builder.with_endpoint(url(endpoint, insecure));
    }
    if let Some(key) = &azure.storage_account_key {
        builder = builder.with_access_key(key);
    }
    Ok(Arc::new(builder.build()?))
}

/// The client takes an endpoint as it is, so a bucket that belongs into the host name is put there.
fn s3_url(endpoint: &str, s3: &S3) -> String {
    let url = url(endpoint, s3.insecure);
    match url.split_once("://") {
        Some((scheme, host)) if !s3.forcepathstyle => format!("{scheme}://{}.{host}", s3.bucket),
        _ => url,
    }
}

fn url(endpoint: &str, insecure: bool) -> String {
    match (endpoint.contains("://"), insecure) {
        (true, _) => endpoint.to_owned(),
        (false, true) => format!("http://{endpoint}"),
        (false, false) => format!("https://{endpoint}"),
    }
}

fn client(settings: &Settings, insecure: bool) -> ClientOptions {
    ClientOptions::new()
        .with_timeout(settings.try_timeout)
        .with_connect_timeout(settings.try_timeout.min(Duration::from_secs(5)))
        .with_allow_http(insecure)
}

fn retry(settings: &Settings) -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(10),
        base: 2.0,
    };
    RetryConfig {
        backoff,
        max_retries: 8,
        retry_timeout: settings.deadline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_in_the_host_name_or_in_the_path() {
        let s3 = |forcepathstyle| S3 {
            bucket: "b".to_owned(),
            forcepathstyle,
            ..S3::default()
        };
        assert_eq!(
            s3_url("store.example:9000", &s3(false)),
            "https://b.store.example:9000"
        );
        assert_eq!(
            s3_url("http://store.example", &s3(true)),
            "http://store.example"
        );
    }

    #[test]
    fn settings_that_are_logged_show_no_keys() {
        let s3 = S3 {
            secret_key: Some("hidden".to_owned()),
            ..S3::default()
        };
        let azure = Azure {
            storage_account_key: Some("hidden".to_owned()),
            ..Azure::default()
        };
        assert!(!format!("{s3:?}{azure:?}").contains("hidden"));
    }
}
