//! Tenants and their overrides.

use std::collections::{BTreeMap, BTreeSet};

use takt_domain::{
    Applied, Command, CommandId, Event, Layer, Rejection, Standing, State, overrides, tenants,
};
use takt_model::{Revision, TenantId, UnixNano};
use uuid::Uuid;

use crate::given::{batch, given};

const NOTHING: [Event; 0] = [];

#[test]
fn a_new_tenant_is_active() {
    given(NOTHING)
        .when(create("a"))
        .then([created("a")])
        .state(|state| {
            assert_eq!(state.tenants[&id("a")].standing, Standing::Active);
            assert_eq!(state.tenants[&id("a")].created_at, UnixNano(1));
        });
}

#[test]
fn a_tenant_cannot_be_created_twice() {
    given([created("a")])
        .when(create("a"))
        .refused(Rejection::TenantExists(id("a")));
}

#[test]
fn the_id_of_a_deleted_tenant_is_not_given_out_again() {
    given([created("a"), deleted("a")])
        .when(create("a"))
        .refused(Rejection::TenantDeleted(id("a")));
}

#[test]
fn a_display_name_has_a_bound() {
    given(NOTHING)
        .when(Command::Tenant(tenants::Command::Create {
            tenant: id("a"),
            display_name: "x".repeat(257),
        }))
        .refused(Rejection::DisplayNameTooLong(257));
}

#[test]
fn renaming_to_the_same_name_has_nothing_to_say() {
    let rename = |name: &str| {
        Command::Tenant(tenants::Command::Rename {
            tenant: id("a"),
            display_name: name.into(),
            if_match: None,
        })
    };
    given([created("a")]).when(rename("")).nothing();
    given([created("a")])
        .when(rename("Team A"))
        .then([tenants::Event::Renamed {
            tenant: id("a"),
            display_name: "Team A".into(),
        }]);
}

#[test]
fn suspending_and_resuming_are_facts_once() {
    given([created("a")])
        .when(suspend("a", "unpaid"))
        .then([suspended("a", "unpaid")]);
    given([created("a"), suspended("a", "unpaid")])
        .when(suspend("a", "unpaid"))
        .nothing();
    given([created("a"), suspended("a", "unpaid")])
        .when(suspend("a", "abuse"))
        .then([suspended("a", "abuse")]);
    given([created("a"), suspended("a", "unpaid")])
        .when(resume("a"))
        .then([tenants::Event::Resumed { tenant: id("a") }])
        .state(|state| assert_eq!(state.tenants[&id("a")].standing, Standing::Active));
    given([created("a")]).when(resume("a")).nothing();
}

#[test]
fn who_is_unknown_or_deleted_cannot_be_changed() {
    for command in [suspend("a", ""), resume("a"), delete("a"), set(tenant("a"))] {
        given(NOTHING)
            .when(command.clone())
            .refused(Rejection::TenantUnknown(id("a")));
        given([created("a"), deleted("a")])
            .when(command)
            .refused(Rejection::TenantDeleted(id("a")));
    }
}

#[test]
fn deleting_a_tenant_clears_its_overrides_and_says_so() {
    given([created("a"), was_set(tenant("a")), was_set(Layer::Defaults)])
        .when(delete("a"))
        .then([was_cleared(tenant("a")), deleted("a")])
        .state(|state| {
            assert!(state.overrides[&tenant("a")].fields.is_empty());
            assert_eq!(state.overrides[&Layer::Defaults].fields.len(), 1);
        });
}

#[test]
fn an_override_is_kept_in_its_canonical_form() {
    given([created("a")])
        .when(set(tenant("a")))
        .then([was_set(tenant("a"))]);
    given([created("a"), was_set(tenant("a"))])
        .when(set(tenant("a")))
        .nothing();
    given(NOTHING)
        .when(set(Layer::Defaults))
        .then([was_set(Layer::Defaults)]);
}

#[test]
fn clearing_what_is_not_set_has_nothing_to_say() {
    given(NOTHING)
        .when(clear("ingestion.rate_limit_bytes"))
        .nothing();
    given([was_set(Layer::Defaults)])
        .when(clear("ingestion.rate_limit_bytes"))
        .then([was_cleared(Layer::Defaults)]);
}

#[test]
fn bad_overrides_change_nothing() {
    let refused = |command| given(NOTHING).when(command).refusal().reason();
    assert_eq!(refused(clear("no.such")), "OVERRIDE_UNKNOWN");
    assert_eq!(refused(set_text("no.such", "1")), "OVERRIDE_UNKNOWN");
    assert_eq!(
        refused(set_text("ingestion.rate_limit_bytes", "fast")),
        "OVERRIDE_INVALID"
    );
    assert_eq!(
        refused(Command::Overrides(overrides::Command {
            layer: Layer::Defaults,
            set: BTreeMap::from([("ingestion.rate_limit_bytes".into(), "1".into())]),
            clear: BTreeSet::from(["ingestion.rate_limit_bytes".into()]),
            if_match: None,
        })),
        "OVERRIDE_AMBIGUOUS"
    );
}

#[test]
fn a_field_this_version_does_not_know_can_be_cleared_and_is_named() {
    let foreign: Event = overrides::Event::Set {
        layer: Layer::Defaults,
        name: "from.the.future".into(),
        value: "1".into(),
    }
    .into();
    given([foreign.clone()])
        .when(set(Layer::Defaults))
        .state(|state| {
            let (patch, unreadable) = state.overrides[&Layer::Defaults].patch();
            assert_eq!(patch.entries().len(), 1);
            assert_eq!(unreadable[0].0, "from.the.future");
        });
    given([foreign])
        .when(clear("from.the.future"))
        .then([overrides::Event::Cleared {
            layer: Layer::Defaults,
            name: "from.the.future".into(),
        }]);
}

#[test]
fn a_change_on_an_old_version_is_refused() {
    let delete = |if_match| {
        Command::Tenant(tenants::Command::Delete {
            tenant: id("a"),
            if_match: Some(Revision(if_match)),
        })
    };
    let history = [created("a"), suspended("a", "")];
    given(history.clone())
        .when(delete(1))
        .refused(Rejection::VersionMismatch {
            asked: Revision(1),
            current: Revision(2),
        });
    given(history).when(delete(2)).then([deleted("a")]);
    let first_touch = |if_match| {
        Command::Overrides(overrides::Command {
            layer: Layer::Defaults,
            set: BTreeMap::from([("ingestion.rate_limit_bytes".into(), "1MB".into())]),
            clear: BTreeSet::new(),
            if_match: Some(Revision(if_match)),
        })
    };
    given(NOTHING)
        .when(first_touch(0))
        .then([was_set(Layer::Defaults)]);
    given([was_set(Layer::Defaults)])
        .when(first_touch(0))
        .refused(Rejection::VersionMismatch {
            asked: Revision(0),
            current: Revision(1),
        });
}

#[test]
fn a_batch_counts_once_and_only_on_the_revision_it_was_decided_on() {
    let mut state = State::default();
    let first = batch(1, 0, vec![created("a")]);
    assert_eq!(state.apply(&first), Applied::At(Revision(1)));
    assert_eq!(
        state.apply(&batch(2, 0, vec![created("b")])),
        Applied::Stale(Revision(1))
    );
    assert_eq!(
        state.apply(&batch(3, 1, vec![created("b"), created("c")])),
        Applied::At(Revision(3))
    );
    let before = state.clone();
    assert_eq!(state.apply(&first), Applied::Seen(Revision(1)));
    assert_eq!(state, before);
}

#[test]
fn commands_are_remembered_up_to_the_bound() {
    let mut state = State::default();
    let many = u128::try_from(takt_domain::SEEN_MAX).unwrap() + 1;
    for number in 0..many {
        let event = match number {
            0 => created("a"),
            _ => suspended("a", &number.to_string()),
        };
        let decided_at = u64::try_from(number).unwrap();
        let applied = state.apply(&batch(number, decided_at, vec![event]));
        assert_eq!(applied, Applied::At(Revision(decided_at + 1)));
    }
    assert_eq!(state.seen(CommandId(Uuid::from_u128(0))), None);
    assert_eq!(state.seen(CommandId(Uuid::from_u128(1))), Some(Revision(2)));
}

fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn tenant(text: &str) -> Layer {
    Layer::Tenant(id(text))
}

fn create(tenant: &str) -> Command {
    Command::Tenant(tenants::Command::Create {
        tenant: id(tenant),
        display_name: String::new(),
    })
}

fn suspend(tenant: &str, reason: &str) -> Command {
    Command::Tenant(tenants::Command::Suspend {
        tenant: id(tenant),
        reason: reason.into(),
        if_match: None,
    })
}

fn resume(tenant: &str) -> Command {
    Command::Tenant(tenants::Command::Resume {
        tenant: id(tenant),
        if_match: None,
    })
}

fn delete(tenant: &str) -> Command {
    Command::Tenant(tenants::Command::Delete {
        tenant: id(tenant),
        if_match: None,
    })
}

fn set(layer: Layer) -> Command {
    Command::Overrides(overrides::Command {
        layer,
        set: BTreeMap::from([("ingestion.rate_limit_bytes".into(), "1MB".into())]),
        clear: BTreeSet::new(),
        if_match: None,
    })
}

fn set_text(name: &str, value: &str) -> Command {
    Command::Overrides(overrides::Command {
        layer: Layer::Defaults,
        set: BTreeMap::from([(name.into(), value.into())]),
        clear: BTreeSet::new(),
        if_match: None,
    })
}

fn clear(name: &str) -> Command {
    Command::Overrides(overrides::Command {
        layer: Layer::Defaults,
        set: BTreeMap::new(),
        clear: BTreeSet::from([name.into()]),
        if_match: None,
    })
}

fn created(tenant: &str) -> Event {
    tenants::Event::Created {
        tenant: id(tenant),
        display_name: String::new(),
    }
    .into()
}

fn suspended(tenant: &str, reason: &str) -> Event {
    tenants::Event::Suspended {
        tenant: id(tenant),
        reason: reason.into(),
    }
    .into()
}

fn deleted(tenant: &str) -> Event {
    tenants::Event::Deleted { tenant: id(tenant) }.into()
}

fn was_set(layer: Layer) -> Event {
    overrides::Event::Set {
        layer,
        name: "ingestion.rate_limit_bytes".into(),
        value: "1000000".into(),
    }
    .into()
}

fn was_cleared(layer: Layer) -> Event {
    overrides::Event::Cleared {
        layer,
        name: "ingestion.rate_limit_bytes".into(),
    }
    .into()
}
