//! The Raft log itself, for whoever compares nodes: what they keep, applied or not.

use redb::ReadableTable as _;
use takt_model::Term;

use crate::codec;
use crate::handle::{Handle, ReadError};
use crate::store::{LOG, corrupt};

/// One entry of the Raft log of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub index: u64,
    pub term: Term,
    /// As it is stored.
    pub bytes: Vec<u8>,
}

impl Handle {
    /// The entries that this node keeps, applied or not, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn entries(&self) -> Result<Vec<Kept>, ReadError> {
        let stored = self.store.read(|txn| {
            let table = txn.open_table(LOG)?;
            let mut entries = Vec::new();
            for entry in table.iter()? {
                let (index, bytes) = entry?;
                entries.push((index.value(), bytes.value().to_vec()));
            }
            Ok(entries)
        });
        let mut entries = Vec::new();
        for (index, bytes) in stored.await? {
            let entry = codec::entry_from(&bytes).map_err(corrupt)?;
            let term = Term(entry.log_id.leader_id.term);
            entries.push(Kept { index, term, bytes });
        }
        Ok(entries)
    }
}
