//! What goes over the wire comes back the same.

use futures::StreamExt as _;
use openraft::raft::AppendEntriesRequest;
use openraft::{EntryPayload, LogId};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use takt_domain::{Batch, CommandId, tenants};
use takt_model::{Revision, TenantId, UnixNano};
use takt_wire::takt::control::raft::v1 as wire;
use uuid::Uuid;

use super::{messages, parts, request_from, request_to};
use crate::store::{Disk, PIECE_BYTES, Sealing, Store};
use crate::types::{AppliedAt, Entry, LeaderId, Snapshot, TypeConfig, Vote};

fn entry(index: u64, name_bytes: usize) -> Entry {
    let created = tenants::Event::Created {
        tenant: TenantId::new("a").unwrap(),
        display_name: "n".repeat(name_bytes),
    };
    let batch = Batch {
        command: CommandId(Uuid::from_u128(u128::from(index))),
        actor: "test".into(),
        at: UnixNano(1),
        decided_at: Revision(index),
        after: None,
        events: vec![created.into()],
    };
    Entry {
        log_id: LogId::new(3.into(), index),
        payload: EntryPayload::Normal(batch),
    }
}

fn vote() -> Vote {
    Vote {
        leader_id: LeaderId {
            term: 3,
            voted_for: 2,
        },
        committed: true,
    }
}

fn request(entries: Vec<Entry>) -> AppendEntriesRequest<TypeConfig> {
    AppendEntriesRequest {
        vote: vote(),
        prev_log_id: Some(LogId::new(2.into(), 9)),
        entries,
        leader_commit: Some(LogId::new(2.into(), 8)),
    }
}

#[test]
fn entries_arrive_as_they_were_sent() {
    let sent = request((10..20).map(|index| entry(index, 5)).collect());
    let (message, cut) = request_to(wire::Route::default(), &sent, 1 << 20);
    assert_eq!(cut, None);
    let bytes = message.encode_to_vec();
    let message = wire::AppendEntriesRequest::decode(bytes.as_slice()).unwrap();
    let received = request_from(message).unwrap();
    assert_eq!(format!("{received:?}"), format!("{sent:?}"));
}

#[test]
fn more_entries_than_one_message_holds_are_cut_but_never_to_nothing() {
    let sent = request((10..20).map(|index| entry(index, 1000)).collect());
    let (message, cut) = request_to(wire::Route::default(), &sent, 3500);
    assert_eq!(message.entries.len(), 3);
    assert_eq!(cut, Some(LogId::new(3.into(), 12)));
    let (message, cut) = request_to(wire::Route::default(), &sent, 10);
    assert_eq!(message.entries.len(), 1);
    assert_eq!(cut, Some(LogId::new(3.into(), 10)));
}

#[tokio::test]
async fn a_snapshot_travels_in_pieces_behind_its_head() {
    use wire::install_snapshot_request::Part;
    let bytes: Vec<u8> = (0..PIECE_BYTES * 2 + 7)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(Disk::File, &dir.path().join("control.redb"));
    let mut sealing = Sealing::begin(&store.unwrap().unwrap());
    for piece in bytes.chunks(PIECE_BYTES) {
        sealing.add(piece).unwrap();
    }
    let applied = AppliedAt {
        last: Some(LogId::new(3.into(), 12)),
        ..AppliedAt::default()
    };
    let snapshot = Snapshot {
        meta: applied.snapshot_meta(),
        snapshot: sealing.finish(applied.clone()).unwrap(),
    };
    let mut sent: Vec<_> = parts(wire::Route::default(), &vote(), snapshot)
        .await
        .unwrap()
        .map(|request| request.part.unwrap())
        .collect()
        .await;
    let Part::Head(head) = sent.remove(0) else {
        panic!("the head comes first");
    };
    assert_eq!(head.length, bytes.len() as u64);
    let checksum = head.checksum.clone();
    assert_eq!(checksum, Sha256::digest(&bytes).as_slice());
    assert_eq!(messages::head_from(head).unwrap(), (vote(), applied));
    assert_eq!(sent.len(), 3);
    let joined: Vec<u8> = sent
        .into_iter()
        .flat_map(|part| match part {
            Part::Bytes(bytes) => bytes,
            Part::Head(_) => panic!("one head is enough"),
        })
        .collect();
    assert_eq!(joined, bytes);
}
