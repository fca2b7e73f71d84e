//! Every released event is read for ever; every state survives its snapshot.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use prost::Message as _;
use takt_domain::overrides::Values;
use takt_domain::tenants::BlockFormat;
use takt_domain::{Layer, Seen, Standing, State, Tenant};
use takt_model::TenantId;

use super::*;
use crate::types::AppliedAt;

mod access;
mod cluster;
mod decisions;
mod first;
mod jobs;
mod ledger;
mod licences;
mod nodes;
mod overrides;
mod policies;
mod ring;
mod tenants;

/// One of every event. A new aggregate adds a table of its own, a new event stands at the end of its table.
fn corpus() -> Vec<(&'static str, Event)> {
    [
        first::corpus(),
        access::corpus(),
        cluster::corpus(),
        ring::corpus(),
        nodes::corpus(),
        jobs::corpus(),
        policies::corpus(),
        decisions::corpus(),
        overrides::corpus(),
        tenants::corpus(),
        ledger::corpus(),
        licences::corpus(),
    ]
    .concat()
}

fn batch_of(events: Vec<Event>) -> Batch {
    Batch {
        command: CommandId(Uuid::from_u128(7)),
        actor: "ada".into(),
        at: UnixNano(1_700_000_000_000_000_000),
        decided_at: Revision(41),
        after: None,
        events,
    }
}

fn released(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(format!("{name}.bin"))
}

#[test]
fn every_released_event_is_read_as_it_was_meant() {
    for (name, event) in corpus() {
        let bytes = std::fs::read(released(name)).unwrap();
        let batch = batch_from(stored::Batch::decode(bytes.as_slice()).unwrap()).unwrap();
        assert_eq!(batch, batch_of(vec![event]), "{name}");
    }
}

#[test]
fn what_is_written_today_is_what_was_released() {
    for (name, event) in corpus() {
        let bytes = batch_to(&batch_of(vec![event])).encode_to_vec();
        assert_eq!(bytes, std::fs::read(released(name)).unwrap(), "{name}");
    }
}

#[test]
fn the_corpus_has_a_file_for_every_event_and_no_other() {
    let files = std::fs::read_dir(released("x").parent().unwrap()).unwrap();
    let events = files
        .filter(|file| {
            !file
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with("snapshot")
        })
        .count();
    assert_eq!(events, corpus().len());
}

#[test]
fn the_cluster_survives_its_snapshot_and_its_absence() {
    let mut state = State::default();
    for (number, (_, event)) in cluster::corpus().into_iter().enumerate() {
        let (bytes, applied) = (
            seal_snapshot(&state, &AppliedAt::default()),
            AppliedAt::default(),
        );
        assert_eq!(open_snapshot(&bytes).unwrap(), (state.clone(), applied));
        let mut batch = batch_of(vec![event]);
        batch.command = CommandId(Uuid::from_u128(number as u128));
        batch.decided_at = state.revision;
        state.apply(&batch);
    }
    let bytes = seal_snapshot(&state, &AppliedAt::default());
    let (read, applied) = open_snapshot(&bytes).unwrap();
    assert_eq!(read, state);
    assert_eq!(seal_snapshot(&read, &applied), bytes);
}

#[test]
fn the_released_snapshot_is_read_as_it_was_meant() {
    let bytes = std::fs::read(released("snapshot-v1")).unwrap();
    let (state, applied) = open_snapshot(&bytes).unwrap();
    assert_eq!((state, applied), (sample(), AppliedAt::default()));
}

/// What stands after every event up to level 8, but for those that take something away.
fn of_level_8() -> State {
    const TAKES_AWAY: [&str; 12] = [
        "cancelled",
        "cleared",
        "deleted",
        "forgotten",
        "left",
        "lost",
        "purge",
        "released",
        "removed",
        "retired",
        "trimmed",
        "voided",
    ];
    let mut state = State::default();
    for (number, (name, event)) in corpus().into_iter().enumerate() {
        // The same segment in another form.
        let again = name.starts_with("decisions-0001-registered-");
        let takes_away = TAKES_AWAY.iter().any(|word| name.contains(word));
        if level_of(&event) <= 8 && !again && !takes_away {
            fold(&mut state, number, vec![event]);
        }
    }
    state
}

fn fold(state: &mut State, number: usize, events: Vec<Event>) -> Batch {
    let mut batch = batch_of(events);
    batch.command = CommandId(Uuid::from_u128(number as u128));
    batch.decided_at = state.revision;
    state.apply(&batch);
    batch
}

#[test]
fn the_snapshot_of_level_8_is_read_as_it_was_meant() {
    let bytes = std::fs::read(released("snapshot-level-8")).unwrap();
    let (state, applied) = open_snapshot(&bytes).unwrap();
    assert_eq!((state, applied), (of_level_8(), AppliedAt::default()));
}

#[test]
fn an_event_of_a_newer_version_is_fatal() {
    let mut bytes = Vec::new();
    prost::encoding::encode_key(5, prost::encoding::WireType::LengthDelimited, &mut bytes);
    // An event with field 99: an empty message.
    bytes.extend([3, 0x9a, 0x06, 0x00]);
    let mut encoded = batch_to(&batch_of(Vec::new())).encode_to_vec();
    encoded.extend(bytes);
    let read = batch_from(stored::Batch::decode(encoded.as_slice()).unwrap());
    assert!(matches!(read, Err(DecodeError::UnknownKind)));
}

#[test]
fn a_damaged_or_newer_snapshot_is_refused() {
    let sealed = seal_snapshot(&sample(), &AppliedAt::default());
    let broken = |change: &dyn Fn(&mut stored::Snapshot)| {
        let mut snapshot = stored::Snapshot::decode(sealed.as_slice()).unwrap();
        change(&mut snapshot);
        open_snapshot(&snapshot.encode_to_vec()).unwrap_err()
    };
    assert!(matches!(
        broken(&|snapshot| snapshot.state[0] ^= 1),
        DecodeError::Checksum
    ));
    assert!(matches!(
        broken(&|snapshot| snapshot.version = 2),
        DecodeError::SnapshotVersion(2)
    ));
    assert!(matches!(
        broken(&|snapshot| snapshot.level = 99),
        DecodeError::Level(99)
    ));
}

/// The state that `corpus/snapshot-v1.bin` holds.
fn sample() -> State {
    let mut state = State::default();
    for (number, (_, event)) in corpus().into_iter().take(4).enumerate() {
        let mut batch = batch_of(vec![event]);
        batch.command = CommandId(Uuid::from_u128(number as u128));
        batch.decided_at = state.revision;
        state.apply(&batch);
    }
    state
}

proptest! {
    /// Whoever replays the stored log, and whoever starts from a stored snapshot and replays the rest, comes to the
    /// bytes of whoever saw it all.
    #[test]
    fn replay_and_snapshot_with_the_rest_and_the_live_state_are_the_same_bytes(
        order in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..4), 1..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let events = corpus();
        let mut live = State::default();
        let mut log = Vec::new();
        for (number, (first, count)) in order.iter().enumerate() {
            let first = first.index(events.len());
            let events = events.iter().cycle().skip(first).take(*count);
            let events = events.map(|(_, event)| event.clone()).collect();
            log.push(batch_to(&fold(&mut live, number, events)).encode_to_vec());
        }
        let replay = |state: &mut State, log: &[Vec<u8>]| {
            for batch in log {
                state.apply(&batch_from(stored::Batch::decode(batch.as_slice()).unwrap()).unwrap());
            }
        };
        let bytes = |state: &State| seal_snapshot(state, &AppliedAt::default());

        let mut replayed = State::default();
        replay(&mut replayed, &log);
        prop_assert_eq!(bytes(&replayed), bytes(&live));

        let (before, rest) = log.split_at(cut.index(log.len() + 1));
        let mut first = State::default();
        replay(&mut first, before);
        let (mut resumed, _) = open_snapshot(&bytes(&first)).unwrap();
        replay(&mut resumed, rest);
        prop_assert_eq!(bytes(&resumed), bytes(&live));
    }

    #[test]
    fn a_state_survives_its_snapshot(
        names in prop::collection::btree_map("[a-z]{1,8}", (".{0,8}", 0_u64..100), 0..8),
        fields in prop::collection::btree_map("[a-z.]{1,8}", ".{0,8}", 0..8),
        commands in prop::collection::btree_map(any::<u64>(), any::<u128>(), 0..8),
    ) {
        let mut state = State { revision: Revision(100), at: UnixNano(5), ..State::default() };
        for (number, (id, (display_name, version))) in names.into_iter().enumerate() {
            let id = TenantId::new(&id).unwrap();
            let standing = match number % 3 {
                0 => Standing::Active,
                1 => Standing::Suspended { reason: display_name.clone() },
                _ => Standing::Deleted,
            };
            let layer = Layer::Tenant(id.clone());
            state.tenants.insert(id, Arc::new(Tenant {
                display_name, standing, created_at: UnixNano(version), version: Revision(version),
                labels: fields.clone(), block_format: BlockFormat::VParquet5, cell: "c".into(),
            }));
            state.overrides.insert(layer, Arc::new(Values {
                fields: fields.clone().into(), version: Revision(version),
            }));
        }
        state.seen = commands
            .into_iter()
            .map(|(revision, id)| (CommandId(Uuid::from_u128(id)), Revision(revision)))
            .collect::<Seen>();
        let sealed = seal_snapshot(&state, &AppliedAt::default());
        let (opened, applied) = open_snapshot(&sealed).unwrap();
        prop_assert_eq!(seal_snapshot(&opened, &applied), sealed);
        prop_assert_eq!(opened, state);
    }
}
