//! The log itself: what was decided, what stood when, and all of it as one file.

use std::collections::BTreeMap;

use takt_model::Revision;
use takt_wire::takt::admin::v1::log_service_client::LogServiceClient;
use takt_wire::takt::admin::v1::{self as admin, Resource, row};
use tonic::service::Routes;

use crate::house::{House, create, refused, rename};

type Client = LogServiceClient<Routes>;

/// Two tenants, of which one was renamed: four decisions, an event each.
async fn house() -> (House, Client) {
    let house = House::new().await;
    house.change(1, create("a")).await;
    house.change(2, create("b")).await;
    house.change(3, rename("a", "first")).await;
    house.change(4, rename("a", "second")).await;
    let log = LogServiceClient::new(house.services.routes(&house.guard));
    (house, log)
}

async fn shown(log: &mut Client, request: admin::ShowLogRequest) -> Vec<u64> {
    let mut told = log.show_log(request).await.unwrap().into_inner();
    let mut revisions = Vec::new();
    while let Some(shown) = told.message().await.unwrap() {
        revisions.push(shown.entry.unwrap().revision);
    }
    revisions
}

/// Display names by tenant.
async fn at(log: &mut Client, revision: u64) -> BTreeMap<String, String> {
    let request = admin::AtRequest {
        revision,
        resources: vec![Resource::Tenant.into()],
        ..admin::AtRequest::default()
    };
    let mut told = log.at(request).await.unwrap().into_inner();
    let mut names = BTreeMap::new();
    while let Some(part) = told.message().await.unwrap() {
        assert_eq!(part.revision, revision);
        for thing in part.things {
            names.insert(thing.subject.unwrap().tenant, name(thing.row).unwrap());
        }
    }
    names
}

fn name(row: Option<admin::Row>) -> Option<String> {
    match row?.row? {
        row::Row::Tenant(tenant) => Some(tenant.display_name),
        other => panic!("{other:?} is no tenant"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_shown_from_the_oldest_on_and_followed() {
    let (house, mut log) = house().await;
    let all = admin::ShowLogRequest::default();
    assert_eq!(shown(&mut log, all.clone()).await, [1, 2, 3, 4]);
    let later = admin::ShowLogRequest {
        after_revision: 2,
        ..all.clone()
    };
    assert_eq!(shown(&mut log, later).await, [3, 4]);
    let of_b = admin::ShowLogRequest {
        tenant: "b".into(),
        ..all.clone()
    };
    assert_eq!(shown(&mut log, of_b.clone()).await, [2]);

    let follow = admin::ShowLogRequest {
        follow: true,
        ..of_b
    };
    let mut told = log.show_log(follow).await.unwrap().into_inner();
    house.change(5, rename("a", "third")).await;
    house.change(6, rename("b", "other")).await;
    for revision in [2, 6] {
        let heard = told.message().await.unwrap().unwrap();
        assert_eq!(heard.entry.unwrap().revision, revision);
    }
    let ahead = admin::ShowLogRequest {
        after_revision: 7,
        ..all
    };
    refused(log.show_log(ahead).await.unwrap_err(), "REVISION_IN_FUTURE");
    drop(told);
    drop(log);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stood_at_a_revision_can_be_asked_for() {
    let (house, mut log) = house().await;
    let names = |all: &[(&str, &str)]| {
        let all = all
            .iter()
            .map(|(tenant, name)| ((*tenant).into(), (*name).into()));
        all.collect::<BTreeMap<String, String>>()
    };
    assert_eq!(at(&mut log, 1).await, names(&[("a", "")]));
    assert_eq!(at(&mut log, 3).await, names(&[("a", "first"), ("b", "")]));
    assert_eq!(at(&mut log, 4).await, names(&[("a", "second"), ("b", "")]));
    let ahead = admin::AtRequest {
        revision: 5,
        ..admin::AtRequest::default()
    };
    refused(log.at(ahead).await.unwrap_err(), "REVISION_IN_FUTURE");
    drop(log);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_revisions_differ_in_what_was_decided_between_them() {
    let (house, mut log) = house().await;
    let request = |from_revision, to_revision| admin::DiffRequest {
        from_revision,
        to_revision,
        ..admin::DiffRequest::default()
    };
    let mut told = log.diff(request(1, 4)).await.unwrap().into_inner();
    let mut found = Vec::new();
    while let Some(difference) = told.message().await.unwrap() {
        let tenant = difference.subject.unwrap().tenant;
        found.push((tenant, name(difference.before), name(difference.after)));
    }
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [
            ("a".to_owned(), text(""), text("second")),
            ("b".to_owned(), None, text(""))
        ]
    );
    house.change(5, rename("a", "first")).await;
    let same = log.diff(request(3, 0)).await.unwrap().into_inner();
    let mut same = same;
    let last = same.message().await.unwrap();
    // The name is the old one, and the version tells that it was changed.
    assert_eq!(
        last.map(|last| name(last.before) == name(last.after)),
        Some(true)
    );
    refused(
        log.diff(request(4, 1)).await.unwrap_err(),
        "REVISIONS_REVERSED",
    );
    drop((log, same, told));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_leads_to_the_same_state() {
    let (house, mut log) = house().await;
    let mut told = log
        .backup(admin::BackupRequest {})
        .await
        .unwrap()
        .into_inner();
    let mut backup = Vec::new();
    while let Some(piece) = told.message().await.unwrap() {
        backup.extend(piece.piece);
    }
    let (state, restored) = takt_log::replay(backup.as_slice()).unwrap();
    assert_eq!((restored.newest, restored.batches), (Revision(4), 4));
    assert_eq!(state.tenants.len(), 2);
    drop((log, told));
    house.stop().await;
}
