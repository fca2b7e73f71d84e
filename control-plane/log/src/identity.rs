//! Which cluster this node belongs to. The file remembers, for ever.

use std::io;
use std::sync::Arc;

use parking_lot::RwLock;
use prost::Message as _;
use redb::Durability;
use takt_domain::cluster::ClusterId;
use takt_wire::takt::control::log::v1 as stored;

use crate::codec::{cluster_id_from, cluster_id_to};
use crate::store::{IDENTITY, Store, corrupt, put_value};

/// How a node came to its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Belongs {
    pub(crate) cluster: ClusterId,
    /// It named the cluster itself.
    pub(crate) founder: bool,
}

/// Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    store: Store,
    belongs: Arc<RwLock<Option<Belongs>>>,
}

impl Identity {
    pub(crate) fn open(store: Store) -> io::Result<Self> {
        let belongs = match store.value_now(IDENTITY)? {
            None => None,
            Some(bytes) => {
                let stored = stored::Identity::decode(bytes.as_slice()).map_err(corrupt)?;
                let cluster = cluster_id_from(&stored.cluster).map_err(corrupt)?;
                let founder = stored.founder;
                cluster.map(|cluster| Belongs { cluster, founder })
            }
        };
        Ok(Self {
            store,
            belongs: Arc::new(RwLock::new(belongs)),
        })
    }

    /// `None` while it belongs to none: it then takes no part in anything.
    pub(crate) fn known(&self) -> Option<Belongs> {
        *self.belongs.read()
    }

    pub(crate) fn cluster(&self) -> Option<ClusterId> {
        self.known().map(|belongs| belongs.cluster)
    }

    /// On disk when this returns.
    pub(crate) async fn settle(&self, belongs: Belongs) -> io::Result<()> {
        let identity = stored::Identity {
            cluster: cluster_id_to(belongs.cluster),
            founder: belongs.founder,
        };
        let bytes = identity.encode_to_vec();
        self.store
            .write(Durability::Immediate, move |txn| {
                put_value(txn, IDENTITY, &bytes)
            })
            .await?;
        *self.belongs.write() = Some(belongs);
        Ok(())
    }
}
