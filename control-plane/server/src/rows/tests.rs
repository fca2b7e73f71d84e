use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prost::Message as _;
use takt_domain::{Batch, CommandId, Event, overrides, tenants};
use takt_model::{Revision, UnixNano};
use takt_views::{Heard, Moment};
use takt_wire::takt::control::log::v1::Batch as Stored;
use takt_wire::takt::control::v1::node_row;
use uuid::Uuid;

use super::*;

/// With this many tenants, and overrides for the defaults and every other tenant.
fn state(tenants: u64) -> Arc<State> {
    let mut events = Vec::new();
    let set = |layer| -> Event {
        overrides::Event::Set {
            layer,
            name: "read.left_pad_trace_ids".into(),
            value: "true".into(),
        }
        .into()
    };
    events.push(set(Layer::Defaults));
    for number in 0..tenants {
        let tenant = TenantId::new(&format!("t{number:05}")).unwrap();
        let display_name = String::new();
        let created = tenants::Event::Created {
            tenant: tenant.clone(),
            display_name,
        };
        events.push(created.into());
        if number % 2 == 0 {
            events.push(set(Layer::Tenant(tenant)));
        }
    }
    let mut state = State::default();
    state.apply(&Batch {
        command: CommandId(Uuid::from_u128(1)),
        actor: String::new(),
        at: UnixNano(1),
        decided_at: Revision(0),
        after: None,
        events,
    });
    Arc::new(state)
}

fn all(heard: Heard, filter: &Filter) -> (usize, BTreeMap<Subject, Stands<wire::Row>>) {
    let mut parts = Parts::new(heard, Moment::default(), filter);
    let (mut count, mut found) = (0, BTreeMap::new());
    loop {
        let part = parts.next(|state, subject| Some((find(state, subject)?, 300)));
        assert_eq!(part.reset, count == 0);
        assert!(part.rows.len() <= 1000);
        count += 1;
        for (subject, row) in part.rows {
            assert_eq!(found.insert(subject, row), None, "told once");
        }
        if !part.more {
            return (count, found);
        }
    }
}

#[test]
fn the_whole_state_is_told_in_parts_and_each_row_once() {
    for tenants in [0, 1, 999, 1000, 1001, 2500] {
        let state = state(tenants);
        let (parts, found) = all(Heard::Reset(state), &Filter::default());
        let rows = tenants + tenants.div_ceil(2) + 1;
        assert_eq!(found.len() as u64, rows);
        assert!(
            found
                .values()
                .all(|stands| matches!(stands, Stands::Here(_)))
        );
        assert_eq!(
            parts as u64,
            rows.div_ceil(874).max(1),
            "256 KiB of 300 bytes each"
        );
    }
}

#[test]
fn a_tenant_is_told_what_is_its_own() {
    let tenant = TenantId::new("t00002").unwrap();
    let filter = Filter {
        tenant: Some(tenant.clone()),
        ..Filter::default()
    };
    let (_, found) = all(Heard::Reset(state(10)), &filter);
    let subjects: Vec<Subject> = found.into_keys().collect();
    let own = |resource| Subject::of_tenant(resource, &tenant);
    assert_eq!(subjects, [own(Resource::Tenant), own(Resource::Overrides)]);
}

#[test]
fn a_thing_that_is_gone_is_told_as_gone() {
    let gone = Subject::named(Resource::Node, "n");
    let heard = Heard::Changed {
        state: state(1),
        subjects: [gone.clone()].into(),
    };
    let mut parts = Parts::new(heard, Moment::default(), &Filter::default());
    let part = parts.next(|state, subject| Some((find(state, subject)?, 1)));
    assert_eq!(part.rows, [(gone, Stands::Gone)]);
    assert!(!part.reset && !part.more);
}

/// One event of every form that was ever stored, each applied to what those before left.
fn every_event() -> Vec<Event> {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../log/corpus");
    let mut files: Vec<_> = std::fs::read_dir(corpus)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| !path.to_str().unwrap().contains("snapshot"))
        .collect();
    files.sort();
    let events = files.iter().flat_map(|file| {
        let bytes = std::fs::read(file).unwrap();
        Stored::decode(bytes.as_slice()).unwrap().events
    });
    takt_log::events_from_wire(events).unwrap()
}

#[test]
fn what_is_told_of_every_change_adds_up_to_what_there_is() {
    let mut state = State::default();
    let mut had = BTreeMap::new();
    let mut shown = BTreeSet::new();
    for (number, event) in (1..).zip(every_event()) {
        let subjects = event.changes().into_iter().collect();
        state.apply(&Batch {
            command: CommandId(Uuid::from_u128(number)),
            actor: String::new(),
            at: UnixNano(1),
            decided_at: state.revision,
            after: None,
            events: vec![event.clone()],
        });
        let state = Arc::new(state.clone());
        let mut parts = Parts::new(
            Heard::Changed {
                state: Arc::clone(&state),
                subjects,
            },
            Moment::default(),
            &Filter::default(),
        );
        loop {
            let part = parts.next(|state, subject| Some((find(state, subject)?, 1)));
            for (subject, stands) in part.rows {
                match stands {
                    Stands::Here(row) => drop(had.insert(subject, Stands::Here(row))),
                    Stands::Gone => drop(had.remove(&subject)),
                    Stands::AllGone => had.retain(|had: &Subject, _| {
                        (had.resource, &had.tenant) != (subject.resource, &subject.tenant)
                    }),
                }
            }
            if !part.more {
                break;
            }
        }
        shown.extend(had.keys().map(|subject| subject.resource));
        let (_, is) = all(Heard::Reset(state), &Filter::default());
        assert_eq!(had, is, "after {event:?}");
    }
    let never: Vec<_> = Resource::ALL
        .into_iter()
        .filter(|kind| !shown.contains(kind))
        .collect();
    assert_eq!(never, [Resource::Usage], "every kind was there once");
}

#[test]
fn nodes_are_told_what_tokens_are_recognised_by_and_people_are_not() {
    let mut state = State::default();
    let events = every_event().into_iter();
    let created = |event: &Event| {
        matches!(
            event,
            Event::Access(takt_domain::access::Event::TokenCreated { .. })
        )
    };
    state.apply(&Batch {
        command: CommandId(Uuid::from_u128(1)),
        actor: String::new(),
        at: UnixNano(1),
        decided_at: Revision(0),
        after: None,
        events: events.filter(created).collect(),
    });
    let (name, token) = state.access.tokens().iter().next().unwrap();
    let subject = Subject::named(Resource::Token, name.as_str());
    let row = encoded::encode(&state, &subject).unwrap();
    let row = takt_wire::takt::control::v1::NodeRow::decode(row).unwrap();
    let Some(node_row::Row::Token(told)) = row.row else {
        panic!("{row:?}");
    };
    assert_eq!(told.hash, token.spec.hash.0);
    let hash = |bytes: &[u8]| bytes.windows(32).any(|part| part == token.spec.hash.0);
    assert!(!hash(&find(&state, &subject).unwrap().encode_to_vec()));
}

#[test]
fn every_kind_has_a_number_of_its_own() {
    for kind in Resource::ALL {
        assert_eq!(resource(resource_to_wire(kind).into()).unwrap(), kind);
    }
    for number in [0, -1, 1000] {
        assert!(resource(number).is_err());
    }
}
