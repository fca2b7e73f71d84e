//! The Raft log as openraft asks for it.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};

use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogReader};
use prost::Message as _;
use redb::{Durability, ReadableTable as _};
use takt_wire::takt::control::log::v1 as stored;

use super::{LOG, PURGED, Store, VOTE, corrupt, put_value};
use crate::codec;
use crate::types::{Entry, RaftLogId, TypeConfig, Vote};

/// Entries beyond this are read another time.
const READ_BYTES: usize = 8 << 20;

impl RaftLogReader<TypeConfig> for Store {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<Entry>> {
        let from = match range.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let until = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(until) => *until,
            Bound::Unbounded => u64::MAX,
        };
        self.entries(from, until, usize::MAX).await
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        self.entries(start, end, READ_BYTES).await
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
        self.settled().await?;
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

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries.into_iter().map(|entry| {
            let bytes = codec::entry_to(&entry).encode_to_vec();
            (entry, bytes)
        });
        self.behind.append(entries.collect(), callback)
    }

    async fn truncate_after(&mut self, last: Option<RaftLogId>) -> io::Result<()> {
        let from = last.map_or(Bound::Unbounded, |last| Bound::Excluded(last.index));
        self.settled().await?;
        self.behind.cut(last.map(|last| last.index));
        self.write(Durability::Immediate, move |txn| {
            txn.open_table(LOG)?
                .retain_in::<u64, _>((from, Bound::Unbounded), |_, _| false)?;
            Ok(())
        })
        .await
    }

    async fn purge(&mut self, last: RaftLogId) -> io::Result<()> {
        let bytes = codec::log_id_to(&last).encode_to_vec();
        self.settled().await?;
        self.behind.purge(last.index);
        self.write(Durability::Immediate, move |txn| {
            txn.open_table(LOG)?
                .retain_in::<u64, _>(..=last.index, |_, _| false)?;
            put_value(txn, PURGED, &bytes)
        })
        .await
    }
}

impl Store {
    /// From `from` to before `until`, at most `bytes` of them, but one. What is in memory is looked at first: it
    /// leaves memory only when it is in the file.
    async fn entries(&self, from: u64, until: u64, bytes: usize) -> io::Result<Vec<Entry>> {
        let mut recent = self.behind.recent(from, until, bytes);
        let in_memory = recent.first().map_or(until, |first| first.log_id.index);
        if in_memory == from || from >= until {
            return Ok(recent);
        }
        let stored = self
            .read(move |txn| {
                let table = txn.open_table(LOG)?;
                let (mut entries, mut left) = (Vec::new(), bytes);
                for entry in table.range(from..in_memory)? {
                    let entry = entry?.1.value().to_vec();
                    if !entries.is_empty() && entry.len() > left {
                        return Ok((entries, false));
                    }
                    left = left.saturating_sub(entry.len());
                    entries.push(entry);
                }
                Ok((entries, bytes == usize::MAX))
            })
            .await?;
        let (stored, more) = stored;
        let stored = stored
            .iter()
            .map(|bytes| codec::entry_from(bytes).map_err(corrupt));
        let mut entries = stored.collect::<io::Result<Vec<_>>>()?;
        if more || entries.is_empty() {
            entries.append(&mut recent);
        }
        Ok(entries)
    }

    async fn log_id(&self, name: &'static str) -> io::Result<Option<RaftLogId>> {
        let Some(bytes) = self.value(name).await? else {
            return Ok(None);
        };
        let id = stored::LogId::decode(bytes.as_slice()).map_err(corrupt)?;
        Ok(Some(codec::log_id_from(id)))
    }
}
