//! Snapshots are whole or not there, and what nobody wants leaves the file.

use redb::ReadableTableMetadata as _;
use takt_domain::{Batch, CommandId, tenants};
use takt_model::{Revision, TenantId, UnixNano};
use uuid::Uuid;

use super::*;
use crate::past;
use crate::store::{Disk, SNAPSHOT};

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("control.redb");
    let store = Store::open(Disk::File, &file).unwrap().unwrap();
    (dir, store)
}

/// A state that takes a few pieces.
fn large() -> State {
    let mut state = State::default();
    for number in 0..20_000_u32 {
        let tenant = TenantId::new(&format!("tenant-{number}")).unwrap();
        let display_name = format!("{tenant} {}", "x".repeat(100));
        state.apply(&Batch {
            command: CommandId(Uuid::from_u128(u128::from(number))),
            actor: "test".into(),
            at: UnixNano(1),
            decided_at: state.revision,
            after: None,
            events: vec![
                tenants::Event::Created {
                    tenant,
                    display_name,
                }
                .into(),
            ],
        });
    }
    state
}

fn pieces_in_file(store: &Store) -> u64 {
    let count = |txn: &ReadTransaction| Ok(txn.open_table(PIECES)?.len()?);
    store.read_now(count).unwrap()
}

#[test]
fn a_snapshot_in_pieces_is_the_message_it_always_was() {
    let ((_dir, store), state) = (store(), large());
    let applied = AppliedAt::default();
    let sealed = store.seal(&state, &applied).unwrap();
    assert!(sealed.pieces > 3, "{}", sealed.pieces);
    let mut bytes = Vec::new();
    sealed.reader().read_to_end(&mut bytes).unwrap();
    assert_eq!(sealed.bytes, bytes.len() as u64);
    let whole = stored::Snapshot::decode(bytes.as_slice()).unwrap();
    assert_eq!(whole.encode_to_vec(), bytes);
    let one = stored::State::decode(whole.state.as_slice()).unwrap();
    assert_eq!(one.encode_to_vec(), whole.state);
    assert_eq!(
        codec::read_snapshot(sealed.reader()).unwrap(),
        (state, applied)
    );
}

#[test]
fn what_nobody_names_or_holds_is_swept() {
    let ((_dir, store), state) = (store(), State::default());
    let seal = || store.seal(&state, &AppliedAt::default()).unwrap();
    let (started_from, kept, held, dropped) = (seal(), seal(), seal(), seal());
    store
        .write_now(Durability::None, |txn| {
            name(txn, &started_from)?;
            past::begin_with(txn, Revision(0), &kept)
        })
        .unwrap();
    let each = held.pieces;
    let all = pieces_in_file(&store);
    drop((started_from, kept, dropped));
    store.sweep().unwrap();
    assert_eq!(pieces_in_file(&store), all - each);
    assert!(codec::read_snapshot(held.reader()).is_ok());
    drop(held);
    store.sweep().unwrap();
    assert_eq!(pieces_in_file(&store), all - 2 * each);
    assert!(store.sealed().unwrap().is_some());
}

#[test]
fn a_piece_that_is_gone_or_damaged_is_not_overlooked() {
    let ((_dir, store), state) = (store(), large());
    let sealed = store.seal(&state, &AppliedAt::default()).unwrap();
    let slot = sealed.hold.slot;
    let put = |piece: Option<&[u8]>| {
        store.write_now(Durability::None, |txn| {
            let mut table = txn.open_table(PIECES)?;
            match piece {
                Some(piece) => table.insert((slot, 2), piece)?.map(drop),
                None => table.remove((slot, 2))?.map(drop),
            };
            Ok(())
        })
    };
    let mut damaged = sealed.piece(2).unwrap();
    damaged[1000] ^= 1;
    put(Some(&damaged)).unwrap();
    let read = codec::read_snapshot(sealed.reader()).unwrap_err();
    assert_eq!(read.to_string(), "the checksum of the snapshot is wrong");
    put(None).unwrap();
    assert!(codec::read_snapshot(sealed.reader()).is_err());
}

#[test]
fn snapshots_of_earlier_versions_are_taken_over() {
    const CHECKPOINTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("checkpoints");
    let ((_dir, store), state) = (store(), large());
    let whole = codec::seal_snapshot(&state, &AppliedAt::default());
    store
        .write_now(Durability::Immediate, |txn| {
            put_value(txn, SNAPSHOT, &whole)?;
            let mut table = txn.open_table(CHECKPOINTS)?;
            table.insert(state.revision.0, whole.as_slice())?;
            Ok(())
        })
        .unwrap();
    past::adopt_snapshots(&store).unwrap();
    assert_eq!(store.value_now(SNAPSHOT).unwrap(), None);
    let sealed = store.sealed().unwrap().unwrap();
    assert_eq!(codec::read_snapshot(sealed.reader()).unwrap().0, state);
    store
        .read_now(|txn| {
            let (revision, named) = past::oldest_checkpoint(txn)?.unwrap();
            assert_eq!(revision, state.revision.0);
            let read = codec::read_snapshot(reader(txn, &named)?);
            assert_eq!(read.unwrap().0, state);
            Ok(())
        })
        .unwrap();
}
