//! The Raft log as openraft asks for it.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};

use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogReader};
use prost::Message as _;
use redb::{Durability, ReadableTable as _};
use takt_wire::takt::control::log::v1 as stored;

use super::{COMMITTED, LOG, PURGED, Store, VOTE, corrupt, put_value};
use crate::codec;
use crate::types::{Entry, RaftLogId, TypeConfig, Vote};

impl RaftLogReader<TypeConfig> for Store {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<Entry>> {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        let stored = self
            .read(move |txn| {
                let table = txn.open_table(LOG)?;
                let mut entries = Vec::new();
                for entry in table.range::<u64>(range)? {
                    entries.push(entry?.1.value().to_vec());
                }
                Ok(entries)
            })
            .await?;
        stored
            .iter()
            .map(|bytes| codec::entry_from(bytes).map_err(corrupt))
            .collect()
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        let Some(bytes) = self.value(VOTE).await? else {
            return Ok(None);
        };
        let vote = stored::Vote::decode(bytes.as_slice()).map_err(corrupt)?;
        Ok(Some(codec::vote_from(vote)))
    }
}

impl RaftLogStorage<TypeConfig> for Store {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let purged = self.log_id(PURGED).await?;
        let last = self
            .read(|txn| {
                let table = txn.open_table(LOG)?;
                Ok(table.last()?.map(|(_, entry)| entry.value().to_vec()))
            })
            .await?;
        let last = match last {
            Some(bytes) => Some(codec::entry_from(&bytes).map_err(corrupt)?.log_id),
            None => purged,
        };
        Ok(LogState {
            last_purged_log_id: purged,
            last_log_id: last,
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let bytes = codec::vote_to(vote).encode_to_vec();
        self.write(Durability::Immediate, move |txn| {
            put_value(txn, VOTE, &bytes)
        })
        .await
    }

    /// Not synced: it only shortens what is applied again after a crash.
    async fn save_committed(&mut self, committed: Option<RaftLogId>) -> io::Result<()> {
        let Some(committed) = committed else {
            return Ok(());
        };
        let bytes = codec::log_id_to(&committed).encode_to_vec();
        self.write(Durability::None, move |txn| {
            put_value(txn, COMMITTED, &bytes)
        })
        .await
    }

    async fn read_committed(&mut self) -> io::Result<Option<RaftLogId>> {
        self.log_id(COMMITTED).await
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let encoded: Vec<(u64, Vec<u8>)> = entries
            .into_iter()
            .map(|entry| {
                let bytes = codec::entry_to(&entry).encode_to_vec();
                (entry.log_id.index, bytes)
            })
            .collect();
        let flushed = self
            .write(entry_durability(), move |txn| {
                let mut table = txn.open_table(LOG)?;
                for (index, bytes) in &encoded {
                    table.insert(index, bytes.as_slice())?;
                }
                Ok(())
            })
            .await;
        callback.io_completed(flushed);
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<RaftLogId>) -> io::Result<()> {
        let from = last.map_or(Bound::Unbounded, |last| Bound::Excluded(last.index));
        self.write(Durability::Immediate, move |txn| {
            txn.open_table(LOG)?
                .retain_in::<u64, _>((from, Bound::Unbounded), |_, _| false)?;
            Ok(())
        })
        .await
    }

    async fn purge(&mut self, last: RaftLogId) -> io::Result<()> {
        let bytes = codec::log_id_to(&last).encode_to_vec();
        self.write(Durability::Immediate, move |txn| {
            txn.open_table(LOG)?
                .retain_in::<u64, _>(..=last.index, |_, _| false)?;
            put_value(txn, PURGED, &bytes)
        })
        .await
    }
}

impl Store {
    async fn log_id(&self, name: &'static str) -> io::Result<Option<RaftLogId>> {
        let Some(bytes) = self.value(name).await? else {
            return Ok(None);
        };
        let id = stored::LogId::decode(bytes.as_slice()).map_err(corrupt)?;
        Ok(Some(codec::log_id_from(id)))
    }
}

/// Entries are on disk when they are acknowledged.
fn entry_durability() -> Durability {
    #[cfg(takt_flaws)]
    return crate::flaws::durability_of_entries();
    #[cfg(not(takt_flaws))]
    Durability::Immediate
}
