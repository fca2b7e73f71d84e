//! What holds for every history.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use takt_domain::{
    Applied, Batch, Command, CommandId, Facts, Layer, Standing, State, decide, invariants,
    overrides, tenants,
};
use takt_model::{OverridesPatch, Revision, TenantId, UnixNano};
use uuid::Uuid;

proptest! {
    /// A replica that starts from a copy of the state ends where one ends that saw everything.
    #[test]
    fn replay_equals_snapshot_plus_the_rest(commands in commands(), cut in 0_usize..40) {
        let log = run(&commands).1;
        let cut = cut.min(log.len());
        let mut whole = State::default();
        for batch in &log {
            whole.apply(batch);
        }
        let mut snapshot = State::default();
        for batch in &log[..cut] {
            snapshot.apply(batch);
        }
        let mut resumed = snapshot.clone();
        for batch in &log[cut..] {
            resumed.apply(batch);
        }
        prop_assert_eq!(whole, resumed);
    }

    /// Applying the tail of the log again, as a restart may, changes nothing.
    #[test]
    fn applying_again_changes_nothing(commands in commands(), from in 0_usize..40) {
        let (mut state, log) = run(&commands);
        let before = state.clone();
        for batch in log.iter().skip(from) {
            // A batch without events leaves no trace, so it is never too late for one.
            let taken = matches!(state.apply(batch), Applied::At(_));
            prop_assert!(!taken || batch.events.is_empty());
        }
        prop_assert_eq!(state, before);
    }

    /// Every state, and every step to it, holds the invariants.
    #[test]
    fn every_step_holds_the_invariants(commands in commands()) {
        let mut state = State::default();
        for batch in run(&commands).1 {
            let mut then = state.clone();
            let revision = then.revision;
            if then.apply(&batch) != Applied::At(revision) {
                prop_assert_eq!(invariants::check_step(&state, &batch, &then), Ok(()));
            }
            prop_assert_eq!(invariants::check(&then), Ok(()));
            state = then;
        }
    }

    /// What is stored is always readable, and a deleted tenant holds nothing.
    #[test]
    fn every_stored_override_can_be_read(commands in commands()) {
        let (state, _) = run(&commands);
        for (layer, values) in &state.overrides {
            prop_assert!(values.patch().1.is_empty());
            prop_assert!(values.version <= state.revision);
            if let Some(tenant) = layer.tenant()
                && matches!(state.tenants[tenant].standing, Standing::Deleting(_) | Standing::Deleted)
            {
                prop_assert!(values.fields.is_empty());
            }
        }
    }

    /// What was asked for holds afterwards, and asking again has nothing to say.
    #[test]
    fn an_accepted_command_has_nothing_to_say_the_second_time(commands in commands()) {
        let mut state = State::default();
        for (number, command) in commands.iter().enumerate() {
            let Ok(events) = decide(&state, command, &facts(number)) else { continue };
            state.apply(&batch(number, state.revision, events));
            match (decide(&state, command, &facts(number)), command) {
                (Ok(again), _) => prop_assert!(again.is_empty()),
                (Err(_), Command::Tenant(tenants::Command::Create { .. } | tenants::Command::Delete { .. })) => {}
                (Err(no), _) => prop_assert!(false, "refused the second time: {no}"),
            }
        }
    }
}

fn run(commands: &[Command]) -> (State, Vec<Batch>) {
    let mut state = State::default();
    let mut log = Vec::new();
    for (number, command) in commands.iter().enumerate() {
        if let Ok(events) = decide(&state, command, &facts(number)) {
            let batch = batch(number, state.revision, events);
            assert!(matches!(state.apply(&batch), Applied::At(_)));
            log.push(batch);
        }
    }
    (state, log)
}

fn facts(number: usize) -> Facts {
    Facts {
        at: UnixNano(number as u64),
        command: CommandId(Uuid::from_u128(number as u128)),
    }
}

fn batch(number: usize, decided_at: Revision, events: Vec<takt_domain::Event>) -> Batch {
    Batch {
        command: CommandId(Uuid::from_u128(number as u128)),
        actor: "property".into(),
        at: UnixNano(number as u64),
        decided_at,
        after: None,
        events,
    }
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    prop::collection::vec(command(), 0..40)
}

fn command() -> impl Strategy<Value = Command> {
    let tenant =
        || prop::sample::select(vec!["a", "b", "c"]).prop_map(|id| TenantId::new(id).unwrap());
    prop_oneof![
        3 => (tenant(), profile()).prop_map(|(tenant, profile)| {
            tenants::Command::Create { tenant, profile }.into()
        }),
        1 => (tenant(), profile()).prop_map(|(tenant, change)| {
            let (clear_labels, if_match) = (BTreeSet::new(), None);
            tenants::Command::Update { tenant, change, clear_labels, if_match }.into()
        }),
        1 => tenant().prop_map(|tenant| {
            tenants::Command::Undelete { tenant, if_match: None }.into()
        }),
        1 => (tenant(), ".{0,4}").prop_map(|(tenant, reason)| Command::Tenant(
            tenants::Command::Suspend { tenant, reason, if_match: None }
        )),
        1 => tenant().prop_map(|tenant| Command::Tenant(
            tenants::Command::Resume { tenant, if_match: None }
        )),
        1 => tenant().prop_map(|tenant| Command::Tenant(
            tenants::Command::Delete { tenant, if_match: None }
        )),
        4 => change(prop_oneof![Just(Layer::Defaults), tenant().prop_map(Layer::Tenant)]),
        1 => (tenant(), prop::collection::btree_map("forwarders", "[ab]", 0..2)).prop_map(
            |(tenant, fields)| overrides::Command {
                layer: Layer::OfTenantItself(tenant),
                wish: overrides::Wish::Replace { fields },
                if_match: None,
            }.into()
        ),
    ]
}

fn profile() -> impl Strategy<Value = tenants::Profile> {
    let label = prop::collection::btree_map("[ab]", "[xy]", 0..3);
    let cell = prop::option::of("[a-c]{0,2}");
    let suspended = prop::option::of(any::<bool>());
    ("[a-c]{0,2}", label, cell, suspended).prop_map(|(name, labels, cell, suspended)| {
        tenants::Profile {
            display_name: Some(name),
            labels,
            block_format: None,
            cell,
            suspended,
        }
    })
}

fn change(layer: impl Strategy<Value = Layer>) -> impl Strategy<Value = Command> {
    let names: Vec<String> = takt_model::Limits::default()
        .entries()
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    let values = vec!["1", "true", "1h30m", "5MB", "nonsense"];
    (
        layer,
        prop::sample::subsequence(names.clone(), 0..3),
        prop::sample::select(values),
        prop::sample::subsequence(names, 0..3),
    )
        .prop_map(|(layer, set, value, clear)| {
            let set: BTreeMap<String, String> = set
                .into_iter()
                .filter(|name| OverridesPatch::default().set(name, value).is_ok())
                .map(|name| (name, value.to_owned()))
                .collect();
            let clear: BTreeSet<String> = clear
                .into_iter()
                .filter(|name| !set.contains_key(name))
                .collect();
            Command::Overrides(overrides::Command {
                layer,
                wish: overrides::Wish::Change { set, clear },
                if_match: None,
            })
        })
}
