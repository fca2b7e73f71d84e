//! The state machine as openraft asks for it: apply, snapshot, restore.
//!
//! On disk the state is the last snapshot plus the batches applied since; both are in the same file
//! as the Raft log. What is applied is written a moment later and without a sync: commits are kept in order, so a
//! crash falls back to an earlier moment of the same history and openraft applies the rest of its (synced) log again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use futures::{Stream, StreamExt as _};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder};
use prost::Message as _;
use redb::Durability;
use takt_domain::{Applied, State};
use takt_model::Revision;
use takt_wire::takt::control::log::v1 as stored;
use tokio::sync::{Notify, watch};

use crate::codec;
use crate::digest::Digests;
use crate::history;
use crate::pace::Pace;
use crate::past;
use crate::store::{APPLIED, HISTORY, Row, Sealed, Store, corrupt, name, put_value};
use crate::types::{AppliedAt, RaftLogId, RaftMembership, Snapshot, SnapshotMeta, TypeConfig};

/// Where readers find the newest state, and hear of every change.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) state: ArcSwap<State>,
    pub(crate) revision: watch::Sender<Revision>,
}

impl Published {
    fn publish(&self, state: &Arc<State>) {
        self.state.store(Arc::clone(state));
        self.revision.send_replace(state.revision);
    }
}

#[derive(Debug)]
pub(crate) struct Machine {
    store: Store,
    state: Arc<State>,
    applied: AppliedAt,
    published: Arc<Published>,
    digests: Digests,
    history_keep: u64,
    pace: Pace,
}

impl Machine {
    /// Restores the state from the file.
    pub(crate) fn restore(
        store: Store,
        digests: Digests,
        history_keep: u64,
        mut pace: Pace,
    ) -> io::Result<Self> {
        history::index_if_missing(&store)?;
        past::adopt_snapshots(&store)?;
        let (mut state, mut applied) = match store.sealed()? {
            Some(sealed) => {
                pace.taken(sealed.bytes);
                codec::read_snapshot(sealed.reader()).map_err(corrupt)?
            }
            None => (State::default(), AppliedAt::default()),
        };
        let since = past::replay(&store, &mut state)?;
        pace.count(since.entries, since.bytes);
        if let Some(bytes) = store.value_now(APPLIED)? {
            let stored = stored::Applied::decode(bytes.as_slice()).map_err(corrupt)?;
            applied = codec::applied_from(stored).map_err(corrupt)?;
        }
        let state = Arc::new(state);
        let published = Published {
            revision: watch::Sender::new(state.revision),
            state: ArcSwap::new(Arc::clone(&state)),
        };
        Ok(Self {
            store,
            state,
            applied,
            published: Arc::new(published),
            digests,
            history_keep,
            pace,
        })
    }

    /// Wakes up when a snapshot is due.
    pub(crate) fn snapshot_due(&self) -> Arc<Notify> {
        self.pace.alarm()
    }

    pub(crate) fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published)
    }
}

/// The applied batches after a revision, oldest first.
pub(crate) fn since(
    store: &Store,
    after: Revision,
    limit: usize,
) -> io::Result<Vec<takt_domain::Batch>> {
    let unwritten = store.unwritten(after);
    let stored = store.read_now(|txn| {
        let table = txn.open_table(HISTORY)?;
        let (mut batches, mut newest) = (Vec::new(), after.0);
        for entry in table.range(after.0 + 1..)?.take(limit) {
            let (revision, batch) = entry?;
            newest = revision.value();
            batches.push(batch.value().to_vec());
        }
        let rest = unwritten.iter().filter(|row| row.revision > newest);
        let room = limit - batches.len();
        batches.extend(rest.map(|row| row.batch.clone()).take(room));
        Ok(batches)
    })?;
    stored
        .iter()
        .map(|bytes| {
            let batch = stored::Batch::decode(bytes.as_slice()).map_err(corrupt)?;
            codec::batch_from(batch).map_err(corrupt)
        })
        .collect()
}

impl RaftStateMachine<TypeConfig> for Machine {
    type SnapshotData = Sealed;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<RaftLogId>, RaftMembership)> {
        Ok((self.applied.last, self.applied.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        let mut answers = Vec::new();
        let mut history = Vec::new();
        let (mut entries_seen, mut bytes_seen) = (0, 0);
        let mut applied = self.applied.clone();
        let mut state = Arc::clone(&self.state);
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            applied.advance(&entry);
            entries_seen += 1;
            let outcome = match &entry.payload {
                EntryPayload::Blank | EntryPayload::Membership(_) => None,
                EntryPayload::Normal(batch) => {
                    #[cfg(takt_flaws)]
                    let batch = &crate::flaws::judged(batch, &state);
                    let before = state.revision;
                    let outcome = Arc::make_mut(&mut state).apply(batch);
                    if let Applied::At(revision) = outcome
                        && revision > before
                    {
                        let bytes = codec::batch_to(batch).encode_to_vec();
                        bytes_seen += bytes.len() as u64;
                        history.push(Arc::new(Row {
                            revision: revision.0,
                            keys: history::keys(batch),
                            batch: bytes,
                        }));
                        if self.digests.passes(before, revision) {
                            self.digests.offer(&state);
                        }
                    }
                    Some(outcome)
                }
            };
            answers.extend(responder.map(|responder| (responder, outcome)));
        }
        let position = codec::applied_to(&applied).encode_to_vec();
        self.store.applied(history, position)?;
        self.pace.count(entries_seen, bytes_seen);
        (self.applied, self.state) = (applied, state);
        self.published.publish(&self.state);
        for (responder, outcome) in answers {
            responder.send(outcome);
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder {
            store: self.store.clone(),
            state: Arc::clone(&self.state),
            applied: self.applied.clone(),
            history_keep: self.history_keep,
            bytes: self.pace.begin(),
        }
    }

    /// The history before the snapshot is not known here, so it is not kept either: better none than one with a hole.
    async fn install_snapshot(&mut self, _: &SnapshotMeta, snapshot: Sealed) -> io::Result<()> {
        let read = snapshot.run(|sealed| codec::read_snapshot(sealed.reader()).map_err(corrupt));
        let (state, applied) = read.await?;
        let position = codec::applied_to(&applied).encode_to_vec();
        let (revision, bytes) = (state.revision, snapshot.bytes);
        self.store
            .write(Durability::Immediate, move |txn| {
                past::begin_with(txn, revision, &snapshot)?;
                put_value(txn, APPLIED, &position)?;
                name(txn, &snapshot)
            })
            .await?;
        let store = self.store.clone();
        self.store.disk().run(move || store.sweep()).await?;
        self.pace.taken(bytes);
        (self.applied, self.state) = (applied, Arc::new(state));
        self.published.publish(&self.state);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        let store = self.store.clone();
        let sealed = self.store.disk().run(move || store.sealed()).await?;
        Ok(sealed.map(|sealed| Snapshot {
            meta: sealed.applied.snapshot_meta(),
            snapshot: sealed,
        }))
    }
}

/// Builds a snapshot off the apply path, from its own hold on the state.
#[derive(Debug)]
pub(crate) struct Builder {
    store: Store,
    state: Arc<State>,
    applied: AppliedAt,
    history_keep: u64,
    /// Where its size is put.
    bytes: Arc<AtomicU64>,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = Sealed;

    /// Also forgets history that is older than wanted, which only a snapshot makes safe.
    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let (store, state, applied) = (
            self.store.clone(),
            Arc::clone(&self.state),
            self.applied.clone(),
        );
        let sealing = move || store.seal(&state, &applied);
        let snapshot = self.store.disk().run(sealing).await?;
        self.bytes.store(snapshot.bytes, Ordering::Relaxed);
        let sealed = snapshot.clone();
        let (revision, history_keep) = (self.state.revision, self.history_keep);
        self.store
            .write(Durability::Immediate, move |txn| {
                name(txn, &sealed)?;
                past::keep(txn, revision, &sealed, history_keep)
            })
            .await?;
        let store = self.store.clone();
        self.store.disk().run(move || store.sweep()).await?;
        Ok(Snapshot {
            meta: self.applied.snapshot_meta(),
            snapshot,
        })
    }
}
