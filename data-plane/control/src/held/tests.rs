use takt_wire::takt::admin::v1 as admin;

use super::*;

/// A row as the control plane encodes it.
pub(crate) fn row(row: Row) -> Bytes {
    let shown = admin::Row { row: Some(row) };
    let row = wire::NodeRow {
        row: Some(node_row::Row::Shown(shown)),
    };
    row.encode_to_vec().into()
}

pub(crate) fn change(resource: Resource, tenant: &str, row: Option<Bytes>) -> wire::RowChange {
    let subject = Key::new(resource, tenant, "").into();
    wire::RowChange {
        subject: Some(subject),
        row,
        all: false,
    }
}

pub(crate) fn tenant(tenant: &str, state: Told) -> wire::RowChange {
    let told = admin::Tenant {
        tenant: tenant.to_owned(),
        state: state.into(),
        ..admin::Tenant::default()
    };
    change(Resource::Tenant, tenant, Some(row(Row::Tenant(told))))
}

pub(crate) fn overrides(tenant: &str, values: &[(&str, &str)]) -> wire::RowChange {
    let values = values.iter();
    let values = values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let layer = admin::OverridesLayer {
        values: values.collect(),
        version: 1,
    };
    change(
        Resource::Overrides,
        tenant,
        Some(row(Row::Overrides(layer))),
    )
}

pub(crate) fn update(revision: u64, changes: Vec<wire::RowChange>) -> wire::SubscribeResponse {
    wire::SubscribeResponse {
        position: Some(wire::Position {
            revision,
            command: revision.to_be_bytes().repeat(2),
        }),
        decided_at: 5,
        led: true,
        changes,
        ..wire::SubscribeResponse::default()
    }
}

pub(crate) fn held() -> Held {
    Held::new(Limits::default(), UnknownTenants::Accept)
}

fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

const BURST: &str = "ingestion.burst_size_bytes";

#[test]
fn a_tenant_has_its_overrides_over_the_defaults_over_the_base_in_whatever_order_they_come() {
    let base = Limits {
        left_pad_trace_ids: true,
        ..Limits::default()
    };
    let rows = [
        tenant("a", Told::Active),
        tenant("b", Told::Active),
        overrides("", &[(BURST, "7"), ("ingestion.rate_limit_bytes", "8")]),
        overrides("a", &[(BURST, "9")]),
    ];
    for turn in 0..rows.len() {
        let mut held = Held::new(base.clone(), UnknownTenants::Accept);
        let mut rows = rows.to_vec();
        rows.rotate_left(turn);
        for (revision, row) in (1..).zip(rows) {
            held.apply(update(revision, vec![row])).unwrap();
        }
        let limits = |tenant| {
            let limits = held.view.limits(&id(tenant));
            assert!(limits.left_pad_trace_ids);
            let entries = limits.entries().into_iter();
            let of = |name| entries.clone().find(|entry| entry.0 == name).unwrap().1;
            (of(BURST), of("ingestion.rate_limit_bytes"))
        };
        assert_eq!(limits("a"), ("9".into(), "8".into()));
        assert_eq!(limits("b"), ("7".into(), "8".into()));
        assert_eq!(limits("unheard-of"), ("7".into(), "8".into()));
        let b = &held.view.tenants.get(&id("b")).unwrap().limits;
        assert!(Arc::ptr_eq(b, &held.view.defaults), "shared");
    }
}

#[test]
fn what_a_tenant_sets_for_itself_wins_over_what_is_set_for_it() {
    let mut held = held();
    let mut itself = overrides("a", &[(BURST, "11")]);
    if let Some(subject) = itself.subject.as_mut() {
        subject.name = "user-configurable".into();
    }
    let set = [(BURST, "9"), ("ingestion.rate_limit_bytes", "8")];
    let rows = vec![tenant("a", Told::Active), itself, overrides("a", &set)];
    held.apply(update(1, rows)).unwrap();
    let limits = held.view.limits(&id("a")).entries();
    let of = |name| {
        limits
            .iter()
            .find(|entry| entry.0 == name)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(of(BURST), "11");
    assert_eq!(of("ingestion.rate_limit_bytes"), "8");
}

#[test]
fn a_row_that_is_gone_is_gone_and_rows_of_any_kind_are_kept_as_told() {
    let mut held = held();
    let node = Bytes::from_static(b"of a kind that is not known here");
    let unheard_of = wire::RowChange {
        subject: Some(admin::Subject {
            resource: 4711,
            tenant: "a".into(),
            name: "n".into(),
        }),
        row: Some(node.clone()),
        all: false,
    };
    held.apply(update(1, vec![tenant("a", Told::Suspended), unheard_of]))
        .unwrap();
    let key = Key {
        resource: 4711,
        tenant: "a".into(),
        name: "n".into(),
    };
    assert_eq!(held.view.rows.0.get(&key), Some(&node));
    assert_eq!(held.view.rows.of(Resource::Tenant).count(), 1);
    held.apply(update(2, vec![change(Resource::Tenant, "a", None)]))
        .unwrap();
    assert!(held.view.tenants.is_empty());
    assert_eq!(held.view.rows.len(), 1);
}

#[test]
fn a_reset_forgets_and_anything_else_may_not_go_back() {
    let mut held = held();
    held.apply(update(5, vec![tenant("a", Told::Suspended)]))
        .unwrap();
    assert!(matches!(
        held.clone().apply(update(4, Vec::new())),
        Err(UpdateError::Backwards { .. })
    ));
    for senseless in [
        update(6, vec![tenant("../etc", Told::Active)]),
        update(6, vec![tenant("b", Told::Unspecified)]),
        update(
            6,
            vec![change(
                Resource::Tenant,
                "b",
                Some(Bytes::from_static(b"\xff")),
            )],
        ),
        update(6, vec![wire::RowChange::default()]),
        wire::SubscribeResponse::default(),
    ] {
        assert!(held.clone().apply(senseless).is_err());
    }
    held.apply(wire::SubscribeResponse {
        reset: true,
        ..update(1, vec![tenant("b", Told::Active)])
    })
    .unwrap();
    assert_eq!(held.view.tenants.keys().collect::<Vec<_>>(), [&id("b")]);
}

#[test]
fn what_is_held_survives_being_told_again_in_parts() {
    for tenants in [0, 1, 999, 1000, 2500] {
        let mut held = held();
        let rows = (0..tenants).map(|number| tenant(&format!("t{number}"), Told::Suspended));
        held.apply(update(5, rows.collect())).unwrap();
        let mut again = self::held();
        let parts: Vec<_> = held.parts().collect();
        assert!(parts.iter().rev().skip(1).all(|part| part.more));
        for part in parts {
            again.apply(part).unwrap();
        }
        assert_eq!(again.position(), held.position());
        assert_eq!(again.view.rows, held.view.rows);
        assert_eq!(again.view.tenants, held.view.tenants);
    }
}

#[test]
fn all_of_a_kind_and_tenant_is_forgotten_at_once() {
    let mut held = held();
    let of = |tenant: &str, name: &str, all: bool| wire::RowChange {
        subject: Some(Key::new(Resource::Segment, tenant, name).into()),
        row: (!all).then(|| Bytes::from_static(b"")),
        all,
    };
    let there = vec![
        of("a", "1", false),
        of("a", "2", false),
        of("b", "1", false),
    ];
    held.apply(update(1, there)).unwrap();
    let again = vec![of("a", "", true), of("a", "3", false)];
    held.apply(update(2, again)).unwrap();
    let left: Vec<_> = held.view.rows.of(Resource::Segment).collect();
    let left = left
        .iter()
        .map(|(key, _)| (key.tenant.as_str(), key.name.as_str()));
    assert_eq!(left.collect::<Vec<_>>(), [("a", "3"), ("b", "1")]);
}
