//! Sampling policies: the set, its changes, its end.

mod check;
mod laws;
mod lints;

use takt_domain::policies::rule::{
    Latency, Limit, Matching, Probabilistic, Randomness, StringAttribute,
};
use takt_domain::policies::{
    self, Command, Event, Field, MAX_POLICIES, MAX_SET_BYTES, PolicyId, Rejection, Rule, Share,
    Spec, Wanted, Which,
};
use takt_domain::{Rejection as Refusal, Resource, tenants};
use takt_model::{Revision, TenantId, UnixNano};

use crate::given::given;

const SECOND: u64 = 1_000_000_000;

#[test]
fn policies_are_counted_within_their_tenant_and_no_number_comes_twice() {
    given([tenant()])
        .when(create(slow("slow")))
        .then([created(1, slow("slow"))])
        .state(|state| {
            let set = state.policies.set(&id()).unwrap();
            let policy = &set.policies[&PolicyId(1)];
            assert_eq!(set.version, Revision(2));
            assert_eq!(
                (policy.version, policy.created_at),
                (Revision(2), UnixNano(1))
            );
        });
    given([tenant(), created(1, slow("slow")), deleted(1, "slow")])
        .when(create(slow("slow")))
        .then([created(2, slow("slow"))]);
}

#[test]
fn a_name_is_taken_once() {
    given([tenant(), created(1, slow("slow"))])
        .when(create(slow("slow")))
        .refused(Rejection::NameTaken {
            name: "slow".into(),
            by: PolicyId(1),
        });
    let two = [
        tenant(),
        created(1, slow("slow")),
        created(2, always("all")),
    ];
    given(two)
        .when(update("all", always("slow")))
        .refused(Rejection::NameTaken {
            name: "slow".into(),
            by: PolicyId(1),
        });
}

#[test]
fn a_policy_is_written_anew_and_the_event_says_what_differs() {
    let before = || [tenant(), created(1, slow("slow"))];
    given(before()).when(update("slow", slow("slow"))).nothing();
    let next = Spec {
        owner: "team checkout".into(),
        shadow: true,
        ..always("slow")
    };
    let changed = changed(1, next.clone(), [Field::Owner, Field::Shadow, Field::Rule]);
    given(before())
        .at(UnixNano(7))
        .when(update("slow", next.clone()))
        .then([changed.clone()])
        .state(|state| {
            let policy = &state.policies.set(&id()).unwrap().policies[&PolicyId(1)];
            assert_eq!(policy.spec, next);
            assert_eq!(
                (policy.created_at, policy.changed_at),
                (UnixNano(1), UnixNano(7))
            );
        });
    given(before()).when(update("1", next)).then([changed]);
}

#[test]
fn a_policy_that_is_not_there_cannot_be_changed() {
    let unknown = |policy: &str| Rejection::PolicyUnknown {
        tenant: id(),
        policy: policy.into(),
    };
    given([tenant()])
        .when(update("slow", slow("slow")))
        .refused(unknown("slow"));
    given([tenant()])
        .when(delete("7", None))
        .refused(unknown("7"));
    given([tenant()])
        .when(replace([wanted(Some(7), slow("slow"))], None))
        .refused(unknown("7"));
}

#[test]
fn a_policy_goes() {
    given([tenant(), created(1, slow("slow"))])
        .when(delete("slow", None))
        .then([deleted(1, "slow")])
        .state(|state| {
            let set = state.policies.set(&id()).unwrap();
            assert!(set.policies.is_empty());
            assert_eq!((set.last, set.version), (1, Revision(3)));
        });
}

#[test]
fn a_change_on_an_old_version_is_refused() {
    let two = || {
        [
            tenant(),
            created(1, slow("slow")),
            created(2, always("all")),
        ]
    };
    let stale = |asked, current| Refusal::VersionMismatch {
        asked: Revision(asked),
        current: Revision(current),
    };
    // Of the policy, where it is about one; of the set, where it is about all.
    given(two())
        .when(delete("slow", Some(3)))
        .refused(stale(3, 2));
    given(two())
        .when(delete("slow", Some(2)))
        .then([deleted(1, "slow")]);
    given(two()).when(replace([], Some(2))).refused(stale(2, 3));
    given(two())
        .when(replace([], Some(3)))
        .then([deleted(1, "slow"), deleted(2, "all")]);
    let create_if = |if_match| Command::Create {
        tenant: id(),
        spec: Box::new(always("more")),
        if_match: Some(Revision(if_match)),
    };
    given(two()).when(create_if(0)).refused(stale(0, 3));
    given([tenant()])
        .when(create_if(0))
        .then([created(1, always("more"))]);
}

#[test]
fn a_set_is_replaced_by_its_difference() {
    let before = [
        tenant(),
        created(1, slow("slow")),
        created(2, always("all")),
        created(3, share("some", 1)),
    ];
    let wish = [
        wanted(None, share("zebra", 5)),
        wanted(None, share("some", 2)),
        wanted(None, always("all")),
        wanted(None, share("ant", 5)),
    ];
    given(before).when(replace(wish, None)).then([
        deleted(1, "slow"),
        changed(3, share("some", 2), [Field::Rule]),
        created(4, share("ant", 5)),
        created(5, share("zebra", 5)),
    ]);
}

#[test]
fn a_number_tells_which_policy_gets_another_name() {
    let before = || [tenant(), created(1, always("a")), created(2, share("b", 1))];
    let swapped = [wanted(Some(1), always("b")), wanted(Some(2), share("a", 1))];
    given(before()).when(replace(swapped, None)).then([
        changed(1, always("b"), [Field::Name]),
        changed(2, share("a", 1), [Field::Name]),
    ]);
    let twice = [wanted(Some(1), always("c")), wanted(None, always("a"))];
    given(before())
        .when(replace(twice, None))
        .refused(Rejection::WantedTwice("1".into()));
    let twice = [wanted(None, always("c")), wanted(None, share("c", 1))];
    given(before())
        .when(replace(twice, None))
        .refused(Rejection::WantedTwice("c".into()));
}

#[test]
fn a_set_has_bounds() {
    let many = |count: usize| (0..count).map(|number| wanted(None, always(&format!("p{number}"))));
    given([tenant()])
        .when(replace(many(MAX_POLICIES + 1), None))
        .refused(Rejection::TooMany(MAX_POLICIES + 1));
    let full = given([tenant()]).when(replace(many(MAX_POLICIES), None));
    assert_eq!(
        full.after().policies.set(&id()).unwrap().policies.len(),
        MAX_POLICIES
    );
    let wordy = (0..MAX_POLICIES).map(|number| {
        let description = "x".repeat(1024);
        wanted(
            None,
            Spec {
                description,
                ..always(&format!("p{number}"))
            },
        )
    });
    let refusal = given([tenant()]).when(replace(wordy, None)).refusal();
    assert!(
        matches!(refusal, Refusal::Policy(Rejection::SetTooLarge(bytes)) if bytes > MAX_SET_BYTES)
    );
}

#[test]
fn a_set_has_a_bound_of_regular_expressions_and_is_refused_before_any_is_compiled() {
    let patterns = |name: &str, count: usize| {
        let rule = Rule::StringAttribute(StringAttribute {
            key: "http.route".into(),
            // None of them compiles.
            values: (0..count).map(|number| format!("({number}")).collect(),
            matching: Matching::Regex { cache_size: 0 },
            invert: false,
        });
        Spec::new(name, Rule::And(vec![Rule::TraceFlags, rule]))
    };
    let half = |name| created(if name == "a" { 1 } else { 2 }, patterns(name, 128));
    given([tenant(), half("a"), half("b")])
        .when(create(patterns("c", 1)))
        .refused(Rejection::TooManyPatterns(257));
    given([tenant(), half("a"), half("b")])
        .when(update("a", patterns("a", 129)))
        .refused(Rejection::TooManyPatterns(257));
    given([tenant()])
        .when(replace([wanted(None, patterns("a", 257))], None))
        .refused(Rejection::TooManyPatterns(257));
}

#[test]
fn what_is_over_is_removed_by_the_clock_of_the_leader() {
    let mortal = Spec {
        expires_at: Some(UnixNano(100)),
        ..slow("mortal")
    };
    let before = || {
        [
            tenant(),
            created(1, mortal.clone()),
            created(2, always("all")),
        ]
    };
    let expire = || Command::Expire { tenant: id() };
    given(before()).at(UnixNano(99)).when(expire()).nothing();
    let gone = Event::Expired {
        tenant: id(),
        policy: PolicyId(1),
        name: "mortal".into(),
    };
    let state = given(before())
        .at(UnixNano(100))
        .when(expire())
        .then([gone])
        .after();
    assert_eq!(policies::due(&state, UnixNano(1000)), []);
    let state = given(before()).when(expire()).nothing().after();
    assert_eq!(policies::due(&state, UnixNano(99)), []);
    assert_eq!(policies::due(&state, UnixNano(100)), [expire()]);
}

#[test]
fn a_policy_whose_end_was_moved_is_due_at_the_new_one() {
    let until = |time| Spec {
        expires_at: Some(UnixNano(time)),
        ..slow("mortal")
    };
    let moved = changed(1, until(200), [Field::ExpiresAt]);
    let state = given([tenant(), created(1, until(100))])
        .at(UnixNano(50))
        .and(5, vec![moved])
        .when(Command::Expire { tenant: id() })
        .nothing()
        .after();
    assert_eq!(policies::due(&state, UnixNano(199)), []);
    assert_eq!(policies::due(&state, UnixNano(200)).len(), 1);
}

#[test]
fn nothing_begins_that_is_over() {
    let over = Spec {
        expires_at: Some(UnixNano(100)),
        ..slow("slow")
    };
    let refused = || Rejection::ExpiresInThePast("slow".into());
    let at = |events: Vec<takt_domain::Event>| given(events).at(UnixNano(100));
    at(vec![tenant()])
        .when(create(over.clone()))
        .refused(refused());
    at(vec![tenant(), created(1, slow("slow"))])
        .when(update("slow", over.clone()))
        .refused(refused());
    at(vec![tenant()])
        .when(replace([wanted(None, over)], None))
        .refused(refused());
}

#[test]
fn the_policies_of_a_tenant_go_with_it() {
    let mortal = Spec {
        expires_at: Some(UnixNano(100)),
        ..slow("mortal")
    };
    let delete = tenants::Command::Delete {
        tenant: id(),
        if_match: None,
    };
    let state = given([tenant(), created(1, mortal)])
        .when(takt_domain::Command::Tenant(delete))
        .after();
    assert_eq!(state.policies.set(&id()), None);
    assert_eq!(policies::due(&state, UnixNano(100)), []);
    given([tenant(), tenants::Event::Deleted { tenant: id() }.into()])
        .when(create(slow("slow")))
        .refused(Refusal::TenantDeleted(id()));
}

#[test]
fn nobody_has_policies_without_being_a_tenant() {
    let nobody: [Event; 0] = [];
    for command in [
        create(slow("slow")),
        update("slow", slow("slow")),
        delete("slow", None),
        replace([], None),
        Command::Expire { tenant: id() },
    ] {
        given(nobody.clone())
            .when(command)
            .refused(Refusal::TenantUnknown(id()));
    }
}

#[test]
fn events_are_about_the_set_of_their_tenant() {
    let takt_domain::Event::Policy(event) = created(1, slow("slow")) else {
        unreachable!("it is one of ours");
    };
    let subject = event.subject();
    assert_eq!(subject.resource, Resource::PolicySet);
    assert_eq!(subject.tenant, Some(id()));
}

fn id() -> TenantId {
    TenantId::new("a").unwrap()
}

fn tenant() -> takt_domain::Event {
    tenants::Event::Created {
        tenant: id(),
        display_name: String::new(),
    }
    .into()
}

fn always(name: &str) -> Spec {
    Spec::new(name, Rule::Always)
}

fn slow(name: &str) -> Spec {
    let above_ns = SECOND;
    let up_to_ns = None;
    Spec::new(name, Rule::Latency(Latency { above_ns, up_to_ns }))
}

fn share(name: &str, percent: u32) -> Spec {
    let share = Share::of_billion(percent * 10_000_000).unwrap();
    let randomness = Randomness::Consistent;
    Spec::new(
        name,
        Rule::Probabilistic(Probabilistic { share, randomness }),
    )
}

fn limited(name: &str, per_second: u64) -> Spec {
    let burst = None;
    Spec::new(name, Rule::RateLimiting(Limit { per_second, burst }))
}

fn wanted(policy: Option<u32>, spec: Spec) -> Wanted {
    Wanted {
        policy: policy.map(PolicyId),
        spec,
    }
}

fn create(spec: Spec) -> Command {
    Command::Create {
        tenant: id(),
        spec: Box::new(spec),
        if_match: None,
    }
}

fn update(policy: &str, spec: Spec) -> Command {
    Command::Update {
        tenant: id(),
        policy: Which::parse(policy),
        spec: Box::new(spec),
        if_match: None,
    }
}

fn delete(policy: &str, if_match: Option<u64>) -> Command {
    Command::Delete {
        tenant: id(),
        policy: Which::parse(policy),
        if_match: if_match.map(Revision),
    }
}

fn replace(wanted: impl IntoIterator<Item = Wanted>, if_match: Option<u64>) -> Command {
    Command::Replace {
        tenant: id(),
        wanted: wanted.into_iter().collect(),
        if_match: if_match.map(Revision),
    }
}

fn created(policy: u32, spec: Spec) -> takt_domain::Event {
    Event::Created {
        tenant: id(),
        policy: PolicyId(policy),
        spec: Box::new(spec),
    }
    .into()
}

fn changed(policy: u32, spec: Spec, fields: impl Into<Vec<Field>>) -> takt_domain::Event {
    Event::Changed {
        tenant: id(),
        policy: PolicyId(policy),
        spec: Box::new(spec),
        fields: fields.into(),
    }
    .into()
}

fn deleted(policy: u32, name: &str) -> takt_domain::Event {
    Event::Deleted {
        tenant: id(),
        policy: PolicyId(policy),
        name: name.into(),
    }
    .into()
}
