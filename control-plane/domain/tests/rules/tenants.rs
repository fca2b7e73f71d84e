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
        .refused(tenants::Rejection::Exists(id("a")));
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
        .when(update_or_create(true, named(&"x".repeat(257))))
        .refused(tenants::Rejection::DisplayNameTooLong(257));
}

#[test]
fn a_tenant_is_created_with_all_that_is_said_of_it() {
    let profile = tenants::Profile {
        block_format: Some(tenants::BlockFormat::VParquet4),
        cell: Some("eu-1".into()),
        ..labelled(&[("team", "shop")])
    };
    given(NOTHING)
        .when(update_or_create(true, profile))
        .state(|state| {
            let tenant = &state.tenants[&id("a")];
            assert_eq!(tenant.labels["team"], "shop");
            assert_eq!(tenant.block_format, tenants::BlockFormat::VParquet4);
            assert_eq!(tenant.cell, "eu-1");
        });
}

#[test]
fn a_change_may_suspend_and_resume_along_with_the_rest() {
    let profile = |suspended| tenants::Profile {
        suspended: Some(suspended),
        ..named("A")
    };
    let standing = |state: &State| state.tenants[&id("a")].standing.clone();
    let without_reason = Standing::Suspended {
        reason: String::new(),
    };
    given(NOTHING)
        .when(update_or_create(true, profile(true)))
        .state(|state| assert_eq!(standing(state), without_reason));
    let renamed = tenants::Event::Renamed {
        tenant: id("a"),
        display_name: "A".into(),
    };
    given([created("a"), suspended("a", "unpaid")])
        .when(update_or_create(false, profile(true)))
        .then([renamed.clone()]);
    given([created("a"), suspended("a", "unpaid")])
        .when(update_or_create(false, profile(false)))
        .then([renamed, tenants::Event::Resumed { tenant: id("a") }]);
}

#[test]
fn labels_are_set_and_cleared_and_the_others_stay() {
    let profile = labelled(&[("a", "1"), ("b", "2")]);
    let state = given([created("a")])
        .when(update_or_create(false, profile))
        .after();
    let labels = &state.tenants[&id("a")].labels;
    assert_eq!((labels.len(), labels["b"].as_str()), (2, "2"));
    let label_set = |key: &str| tenants::Event::LabelSet {
        tenant: id("a"),
        key: key.into(),
        value: "1".into(),
    };
    let clear = |change: tenants::Profile| tenants::Command::Update {
        tenant: id("a"),
        change,
        clear_labels: BTreeSet::from(["a".into(), "nobody has it".into()]),
        if_match: None,
    };
    given([created("a"), label_set("a").into(), label_set("b").into()])
        .when(clear(labelled(&[("b", "1")])))
        .then([tenants::Event::LabelCleared {
            tenant: id("a"),
            key: "a".into(),
        }]);
    given([created("a")])
        .when(clear(labelled(&[("a", "1")])))
        .refused(tenants::Rejection::LabelAmbiguous("a".into()));
}

#[test]
fn illegal_labels_and_cells_are_refused() {
    let refused = |profile: tenants::Profile| {
        let asked = given([created("a")]).when(update_or_create(false, profile));
        asked.refusal().reason()
    };
    assert_eq!(refused(labelled(&[("1a", "")])), "LABEL_KEY_INVALID");
    assert_eq!(refused(labelled(&[("", "")])), "LABEL_KEY_INVALID");
    let long = "x".repeat(257);
    assert_eq!(refused(labelled(&[("a", &long)])), "LABEL_VALUE_TOO_LONG");
    let many: Vec<String> = (0..33).map(|number| format!("a{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "")).collect();
    assert_eq!(refused(labelled(&many)), "TOO_MANY_LABELS");
    let cell = tenants::Profile {
        cell: Some("EU 1".into()),
        ..tenants::Profile::default()
    };
    assert_eq!(refused(cell), "CELL_INVALID");
}

#[test]
fn a_deletion_is_carried_out_step_by_step_and_leaves_the_id() {
    let purge = |step| tenants::Command::RecordPurge {
        tenant: id("a"),
        step,
    };
    let progressed = tenants::Event::PurgeProgressed {
        tenant: id("a"),
        blocks: 2,
        bytes: 10,
    };
    given([created("a"), deleted("a")])
        .when(purge(tenants::PurgeStep::Progressed {
            blocks: 2,
            bytes: 10,
        }))
        .then([progressed.clone()]);
    let failed = tenants::Event::PurgeFailed {
        tenant: id("a"),
        reason: "no bucket".into(),
    };
    given([created("a"), deleted("a"), progressed.clone().into()])
        .when(purge(tenants::PurgeStep::Failed {
            reason: "no bucket".into(),
        }))
        .then([failed.clone()])
        .state(|state| {
            let Standing::Deleting(purge) = &state.tenants[&id("a")].standing else {
                panic!("not deleting");
            };
            assert_eq!(
                (purge.blocks, purge.last_failure.as_str()),
                (2, "no bucket")
            );
        });
    let purged = tenants::Event::Purged { tenant: id("a") };
    given([created("a"), deleted("a"), failed.into()])
        .when(purge(tenants::PurgeStep::Finished))
        .then([purged.clone()])
        .state(|state| assert_eq!(state.tenants[&id("a")].standing, Standing::Deleted));
    given([created("a"), deleted("a"), purged.clone().into()])
        .when(purge(tenants::PurgeStep::Finished))
        .nothing();
    given([created("a"), deleted("a"), purged.into()])
        .when(create("a"))
        .refused(Rejection::TenantDeleted(id("a")));
    given([created("a")])
        .when(purge(tenants::PurgeStep::Finished))
        .refused(tenants::Rejection::NotDeleting(id("a")));
}

#[test]
fn a_deletion_is_taken_back_while_nothing_is_purged() {
    let undelete = || tenants::Command::Undelete {
        tenant: id("a"),
        if_match: None,
    };
    given([created("a"), deleted("a")])
        .when(undelete())
        .then([tenants::Event::Undeleted { tenant: id("a") }])
        .state(|state| assert_eq!(state.tenants[&id("a")].standing, Standing::Active));
    let progressed = tenants::Event::PurgeProgressed {
        tenant: id("a"),
        blocks: 1,
        bytes: 1,
    };
    given([created("a"), deleted("a"), progressed.into()])
        .when(undelete())
        .refused(tenants::Rejection::PurgeBegan(id("a")));
    given([created("a")]).when(undelete()).nothing();
}

#[test]
fn a_layer_goes_back_to_what_it_was() {
    let roll_back = |fields: BTreeMap<String, String>| overrides::Command {
        layer: tenant("a"),
        wish: overrides::Wish::RollBack {
            fields,
            to: Revision(2),
        },
        if_match: None,
    };
    let rolled_back = overrides::Event::RolledBack {
        layer: tenant("a"),
        to: Revision(2),
    };
    let before = BTreeMap::from([("global.max_bytes_per_trace".to_owned(), "7".to_owned())]);
    let restored = overrides::Event::Set {
        layer: tenant("a"),
        name: "global.max_bytes_per_trace".into(),
        value: "7".into(),
    };
    given([created("a"), was_set(tenant("a"))])
        .when(roll_back(before.clone()))
        .then([
            rolled_back.into(),
            restored.into(),
            was_cleared(tenant("a")),
        ])
        .state(|state| assert_eq!(state.overrides[&tenant("a")].fields.to_map(), before));
    given([created("a")])
        .when(roll_back(BTreeMap::new()))
        .nothing();
}

#[test]
fn a_tenant_sets_for_itself_only_what_it_may_and_that_wins() {
    let replace = |name: &str, value: &str| overrides::Command {
        layer: Layer::OfTenantItself(id("a")),
        wish: overrides::Wish::Replace {
            fields: BTreeMap::from([(name.to_owned(), value.to_owned())]),
        },
        if_match: Some(Revision(0)),
    };
    given([created("a")])
        .when(replace("ingestion.rate_limit_bytes", "1"))
        .refused(Rejection::OverrideNotTheirs(
            "ingestion.rate_limit_bytes".into(),
        ));
    let operators = overrides::Event::Set {
        layer: tenant("a"),
        name: "forwarders".into(),
        value: "x".into(),
    };
    let state = given([created("a"), operators.into()])
        .when(replace("forwarders", "y"))
        .after();
    assert_eq!(overrides::own(&state, &id("a"))["forwarders"], "y");
}

#[test]
fn renaming_to_the_same_name_has_nothing_to_say() {
    let rename = |name: &str| update_or_create(false, named(name));
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
            wish: overrides::Wish::Change {
                set: BTreeMap::from([("ingestion.rate_limit_bytes".into(), "1".into())]),
                clear: BTreeSet::from(["ingestion.rate_limit_bytes".into()]),
            },
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
            wish: overrides::Wish::Change {
                set: BTreeMap::from([("ingestion.rate_limit_bytes".into(), "1MB".into())]),
                clear: BTreeSet::new(),
            },
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
fn a_batch_does_not_count_on_a_revision_of_the_same_number_that_another_command_led_to() {
    let mut state = State::default();
    assert!(matches!(
        state.apply(&batch(1, 0, vec![created("a")])),
        Applied::At(_)
    ));
    let mut next = batch(3, 1, vec![created("b")]);
    next.after = Some(batch(2, 0, Vec::new()).command);
    assert_eq!(state.apply(&next), Applied::Stale(Revision(1)));
    next.after = state.last_command();
    assert_eq!(state.apply(&next), Applied::At(Revision(2)));
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

fn named(name: &str) -> tenants::Profile {
    tenants::Profile {
        display_name: Some(name.to_owned()),
        ..tenants::Profile::default()
    }
}

fn labelled(labels: &[(&str, &str)]) -> tenants::Profile {
    let labels = labels.iter();
    tenants::Profile {
        labels: labels
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..tenants::Profile::default()
    }
}

fn update_or_create(create: bool, profile: tenants::Profile) -> tenants::Command {
    let tenant = id("a");
    if create {
        return tenants::Command::Create { tenant, profile };
    }
    tenants::Command::Update {
        tenant,
        change: profile,
        clear_labels: BTreeSet::new(),
        if_match: None,
    }
}

fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn tenant(text: &str) -> Layer {
    Layer::Tenant(id(text))
}

fn create(tenant: &str) -> Command {
    Command::Tenant(tenants::Command::create(id(tenant)))
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
        wish: overrides::Wish::Change {
            set: BTreeMap::from([("ingestion.rate_limit_bytes".into(), "1MB".into())]),
            clear: BTreeSet::new(),
        },
        if_match: None,
    })
}

fn set_text(name: &str, value: &str) -> Command {
    Command::Overrides(overrides::Command {
        layer: Layer::Defaults,
        wish: overrides::Wish::Change {
            set: BTreeMap::from([(name.into(), value.into())]),
            clear: BTreeSet::new(),
        },
        if_match: None,
    })
}

fn clear(name: &str) -> Command {
    Command::Overrides(overrides::Command {
        layer: Layer::Defaults,
        wish: overrides::Wish::Change {
            set: BTreeMap::new(),
            clear: BTreeSet::from([name.into()]),
        },
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
