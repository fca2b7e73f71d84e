//! Object storage, the list of blocks, and what readers keep of them in memory.
//!
//! - A block is `<prefix>/<tenant>/<block>/{data.parquet, index, meta.json}`; `meta.json` is stored
//!   last, so a block that is listed is complete.
//! - Own blocks are listed at once ([`BlockList::add`]); those of others are found by polling.
//! - Reads fetch the bytes a query names, close ranges together in one request.
//! - Caches are bounded by bytes; every request has a deadline and is retried with jitter within it.
//!
//! Start reading at [`Store`], then [`BlockList`].

mod cache;
mod list;
mod metrics;
mod open;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use takt_block::{Encoded, Fetched, Meta, Opened};
use takt_model::{BlockId, TenantId};
use takt_trace::{Projection, SpanColumns};

pub use list::{BlockList, PollError};
pub use metrics::Metrics;
pub use open::{Azure, Backend, Gcs, S3, Settings};

use cache::Caches;

const DATA: &str = "data.parquet";
const INDEX: &str = "index";
const META: &str = "meta.json";

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the object store cannot be used: {0}")]
    Open(#[source] object_store::Error),
    #[error("local storage `{path}`: {source}")]
    Directory {
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    #[error("object `{path}`: {source}")]
    Object {
        path: String,
        source: object_store::Error,
    },
    #[error("block `{block}`: {source}")]
    Block {
        block: BlockId,
        source: takt_block::Error,
    },
    /// Shared by all who waited for the same read.
    #[error("{0}")]
    Shared(Arc<Error>),
    #[error("a decoding thread ended")]
    Thread(#[from] tokio::task::JoinError),
}

/// A cheap handle; clones share connections and caches.
#[derive(Debug, Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    caches: Caches,
    metrics: Metrics,
}

/// What stands at `meta.json` of a block.
#[derive(Debug)]
pub enum Listed {
    Block(Arc<Meta>),
    /// Of another format or version, or damaged.
    Unreadable(takt_block::Error),
    /// Not there: the block is being written or deleted.
    Absent,
}

impl Store {
    /// Opens the configured backend; a local directory is made if it is not there.
    ///
    /// # Errors
    /// When the settings do not make a client, or the directory cannot be used.
    pub fn open(settings: &Settings, metrics: Metrics) -> Result<Self, Error> {
        let (objects, prefix) = open::open(settings)?;
        Ok(Self::over(objects, prefix, settings.cache_bytes, metrics))
    }

    /// A store over any client, such as one in memory.
    #[must_use]
    pub fn over(
        objects: Arc<dyn ObjectStore>,
        prefix: Path,
        cache_bytes: u64,
        metrics: Metrics,
    ) -> Self {
        Self {
            objects,
            prefix,
            caches: Caches::new(cache_bytes),
            metrics,
        }
    }

    /// Stores a block: data, index, and then the meta that makes it exist.
    ///
    /// # Errors
    /// When an object cannot be stored; the block then does not exist, whatever was stored of it.
    pub async fn put_block(&self, block: &Encoded) -> Result<(), Error> {
        let meta = &block.meta;
        self.put(
            self.path(&meta.tenant, meta.block, DATA),
            block.data.clone(),
        )
        .await?;
        self.put(
            self.path(&meta.tenant, meta.block, INDEX),
            block.index.clone(),
        )
        .await?;
        self.put(
            self.path(&meta.tenant, meta.block, META),
            meta.to_json().into(),
        )
        .await
    }

    /// Whether a block exists.
    ///
    /// # Errors
    /// When the store does not say.
    pub async fn has_block(&self, tenant: &TenantId, block: BlockId) -> Result<bool, Error> {
        let path = self.path(tenant, block, META);
        match self.objects.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(failed(&path, source)),
        }
    }

    /// Deletes whatever is stored of a block, its meta first: from then on it does not exist.
    ///
    /// # Errors
    /// When an object cannot be deleted; deleting again goes on.
    pub async fn delete_block(&self, tenant: &TenantId, block: BlockId) -> Result<(), Error> {
        for object in [META, INDEX, DATA] {
            let path = self.path(tenant, block, object);
            match self.objects.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(failed(&path, source)),
            }
        }
        Ok(())
    }

    /// The tenants that have objects. Names that are no tenant's are left out.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn list_tenants(&self) -> Result<Vec<TenantId>, Error> {
        let names = self.list_names(&self.prefix).await?;
        // Of what a tenant id may hold, object paths escape the asterisk only.
        Ok(names
            .iter()
            .filter_map(|name| TenantId::new(&name.replace("%2A", "*")).ok())
            .collect())
    }

    /// The blocks of a tenant, complete or not.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn list_blocks(&self, tenant: &TenantId) -> Result<Vec<BlockId>, Error> {
        let names = self
            .list_names(&self.prefix.clone().join(tenant.as_str()))
            .await?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Reads a block's meta.
    ///
    /// # Errors
    /// When the object is there and cannot be read.
    pub async fn meta(&self, tenant: &TenantId, block: BlockId) -> Result<Listed, Error> {
        let path = self.path(tenant, block, META);
        let bytes = match self.objects.get(&path).await {
            Ok(found) => found
                .bytes()
                .await
                .map_err(|source| failed(&path, source))?,
            Err(object_store::Error::NotFound { .. }) => return Ok(Listed::Absent),
            Err(source) => return Err(failed(&path, source)),
        };
        Ok(match Meta::from_json(&bytes) {
            Ok(meta) => Listed::Block(Arc::new(meta)),
            Err(error) => Listed::Unreadable(error),
        })
    }

    /// A block's index and footer, read and parsed once.
    ///
    /// # Errors
    /// When they cannot be read or are damaged.
    pub async fn opened(&self, meta: &Meta) -> Result<Arc<Opened>, Error> {
        self.caches.opened(meta.block, self.open_block(meta)).await
    }

    async fn open_block(&self, meta: &Meta) -> Result<Arc<Opened>, Error> {
        let path = self.path(&meta.tenant, meta.block, INDEX);
        let index = async {
            let found = self
                .objects
                .get(&path)
                .await
                .map_err(|source| failed(&path, source))?;
            found.bytes().await.map_err(|source| failed(&path, source))
        };
        let footer = self.data(meta, vec![Opened::footer_range(meta)]);
        let (index, mut footer) = futures::try_join!(index, footer)?;
        let footer = footer.pop().unwrap_or_default();
        self.metrics.read(index.len() + footer.len());
        let (meta, block) = (meta.clone(), meta.block);
        let opened =
            tokio::task::spawn_blocking(move || Opened::parse(meta, &index, &footer)).await?;
        opened
            .map(Arc::new)
            .map_err(|source| Error::Block { block, source })
    }

    /// Spans of a row group, with the columns that were named. Whole groups are kept in memory for the
    /// next query; a range of rows (of whole traces) is read anew.
    ///
    /// # Errors
    /// When they cannot be read or are damaged.
    pub async fn columns(
        &self,
        opened: &Arc<Opened>,
        group: usize,
        projection: &Projection,
        rows: Option<Range<u32>>,
    ) -> Result<Arc<SpanColumns>, Error> {
        let read = self.read_columns(opened, group, projection, rows.clone());
        match (projection, rows) {
            (Projection::Only(columns), None) => {
                self.caches
                    .columns((opened.meta().block, group, columns.clone()), read)
                    .await
            }
            _ => read.await,
        }
    }

    /// A whole row group, if it is in memory with just these columns.
    pub async fn at_hand(
        &self,
        opened: &Opened,
        group: usize,
        projection: &Projection,
    ) -> Option<Arc<SpanColumns>> {
        match projection {
            Projection::All => None,
            Projection::Only(columns) => {
                let key = (opened.meta().block, group, columns.clone());
                self.caches.columns_at_hand(&key).await
            }
        }
    }

    async fn read_columns(
        &self,
        opened: &Arc<Opened>,
        group: usize,
        projection: &Projection,
        rows: Option<Range<u32>>,
    ) -> Result<Arc<SpanColumns>, Error> {
        let meta = opened.meta();
        let block = meta.block;
        let broken = |source| Error::Block { block, source };
        let ranges = opened
            .ranges(group, projection, rows.clone())
            .map_err(broken)?;
        let bytes = self.data(meta, ranges.clone()).await?;
        self.metrics.read(bytes.iter().map(Bytes::len).sum());
        let fetched = Fetched::new(&ranges, bytes);
        let (opened, projection) = (Arc::clone(opened), projection.clone());
        let decoded =
            tokio::task::spawn_blocking(move || opened.decode(group, &projection, rows, &fetched))
                .await?;
        decoded.map(Arc::new).map_err(broken)
    }

    /// Ranges of a block's data; close ones travel in one request.
    async fn data(&self, meta: &Meta, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>, Error> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let path = self.path(&meta.tenant, meta.block, DATA);
        self.objects
            .get_ranges(&path, &ranges)
            .await
            .map_err(|source| failed(&path, source))
    }

    async fn put(&self, path: Path, bytes: Bytes) -> Result<(), Error> {
        self.metrics.written(bytes.len());
        self.objects
            .put(&path, PutPayload::from_bytes(bytes))
            .await
            .map_err(|source| failed(&path, source))?;
        Ok(())
    }

    /// The names directly below a prefix, in order.
    async fn list_names(&self, prefix: &Path) -> Result<Vec<String>, Error> {
        let listed = self
            .objects
            .list_with_delimiter(Some(prefix))
            .await
            .map_err(|source| failed(prefix, source))?;
        let mut names: Vec<String> = listed
            .common_prefixes
            .iter()
            .filter_map(|path| path.filename().map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Everything stored below a block, for tests and tools.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn objects_of(
        &self,
        tenant: &TenantId,
        block: BlockId,
    ) -> Result<Vec<(String, u64)>, Error> {
        let prefix = self
            .prefix
            .clone()
            .join(tenant.as_str())
            .join(block.to_string());
        let listed: Vec<_> = self
            .objects
            .list(Some(&prefix))
            .try_collect()
            .await
            .map_err(|source| failed(&prefix, source))?;
        Ok(listed
            .into_iter()
            .map(|object| {
                (
                    object.location.filename().unwrap_or_default().to_owned(),
                    object.size,
                )
            })
            .collect())
    }

    fn path(&self, tenant: &TenantId, block: BlockId, object: &'static str) -> Path {
        self.prefix
            .clone()
            .join(tenant.as_str())
            .join(block.to_string())
            .join(object)
    }
}

fn failed(path: &Path, source: object_store::Error) -> Error {
    Error::Object {
        path: path.to_string(),
        source,
    }
}
