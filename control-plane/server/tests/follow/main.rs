//! Following the control log over the wire, as nodes and as people, and looking back on it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

mod house;
mod log;

use std::collections::BTreeMap;

use takt_wire::takt::admin::v1 as admin;
use takt_wire::takt::admin::v1::resource_service_client::ResourceServiceClient;
use takt_wire::takt::admin::v1::{Resource, row};
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::subscribe_request::Said;
use tonic::Code;
use uuid::Uuid;

use house::{House, NOW, create, refused, rename};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_hears_what_it_lacks_then_every_change_then_that_all_is_quiet() {
    let house = House::new().await;
    house.change(1, create("a")).await;
    let mut told = house.subscribe(wire::Begin::default()).await.unwrap();
    let first = told.message().await.unwrap().unwrap();
    assert_eq!(names(&first), ["a"]);
    assert!(first.led && !first.more);
    house.change(2, create("b")).await;
    let second = told.message().await.unwrap().unwrap();
    assert_eq!((names(&second), second.reset), (vec!["b".into()], false));
    let quiet = told.message().await.unwrap().unwrap();
    assert_eq!(quiet.position, second.position);
    assert_eq!(quiet.decided_at, NOW.0);
    assert!(quiet.changes.is_empty() && quiet.led);

    let mut again = house
        .subscribe(wire::Begin {
            after: first.position,
            ..wire::Begin::default()
        })
        .await
        .unwrap();
    let heard = again.message().await.unwrap().unwrap();
    assert_eq!((names(&heard), heard.reset), (vec!["b".into()], false));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_from_another_history_is_told_to_forget_it() {
    let house = House::new().await;
    house.change(1, create("a")).await;
    for revision in [1, 7] {
        let begin = wire::Begin {
            after: Some(wire::Position {
                revision,
                command: vec![9; 16],
            }),
            ..wire::Begin::default()
        };
        let mut told = house.subscribe(begin).await.unwrap();
        let heard = told.message().await.unwrap().unwrap();
        assert_eq!((names(&heard), heard.reset), (vec!["a".into()], true));
        assert_eq!(heard.position.unwrap().revision, 1);
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_with_its_reason() {
    let house = House::new().await;
    let position = wire::Begin {
        after: Some(wire::Position {
            revision: 1,
            command: vec![1],
        }),
        ..wire::Begin::default()
    };
    let resource = wire::Begin {
        resources: vec![4711],
        ..wire::Begin::default()
    };
    let tenant = wire::Begin {
        tenant: "../etc".into(),
        ..wire::Begin::default()
    };
    for (begin, reason) in [
        (position, "POSITION_INVALID"),
        (resource, "RESOURCE_UNKNOWN"),
        (tenant, "TENANT_INVALID"),
    ] {
        refused(house.subscribe(begin).await.unwrap_err(), reason);
    }
    let beat = Said::Heartbeat(wire::Heartbeat::default());
    refused(
        house.say([beat]).await.map(drop).unwrap_err(),
        "SUBSCRIBE_BEGIN_MISSING",
    );
    let begin = || Said::Begin(wire::Begin::default());
    let (mut told, _say) = house.say([begin(), begin()]).await.unwrap();
    let twice = loop {
        match told.message().await {
            Ok(heard) => assert!(heard.is_some()),
            Err(status) => break status,
        }
    };
    refused(twice, "SUBSCRIBE_BEGIN_TWICE");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_in_quick_succession_are_told_as_they_stand_and_in_order() {
    let house = House::new().await;
    let mut told = house.subscribe(wire::Begin::default()).await.unwrap();
    told.message().await.unwrap().unwrap();
    for number in 1..=300 {
        let command = match number {
            1..=10 => create(&format!("t{number}")),
            _ => rename(&format!("t{}", number % 10 + 1), &format!("n{number}")),
        };
        house.change(number, command).await;
    }
    let mut known = BTreeMap::new();
    let mut messages = 0;
    loop {
        let heard = told.message().await.unwrap().unwrap();
        messages += 1;
        for change in &heard.changes {
            let admin::Row { row } = shown(change);
            let Some(row::Row::Tenant(tenant)) = row else {
                panic!("there are only tenants");
            };
            let before = known.insert(tenant.tenant.clone(), tenant.version);
            assert!(before < Some(tenant.version), "never an older one");
        }
        if heard.position.unwrap().revision == 300 {
            break;
        }
    }
    assert!(messages <= 300);
    assert!(known.values().all(|version| *version > 290), "{known:?}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_watch_one_tenant_as_nodes_watch_all() {
    let house = House::new().await;
    house.change(1, create("a")).await;
    house.change(2, create("b")).await;
    let request = admin::WatchRequest {
        resources: vec![Resource::Tenant.into()],
        tenant: "a".into(),
        ..admin::WatchRequest::default()
    };
    let mut resources = ResourceServiceClient::new(house.services.routes(&house.guard));
    let mut told = resources.watch(request).await.unwrap().into_inner();
    let first = told.message().await.unwrap().unwrap();
    assert_eq!(first.changes.len(), 1);
    let row = first.changes[0].row.clone().unwrap().row;
    assert!(matches!(row, Some(row::Row::Tenant(tenant)) if tenant.tenant == "a"));
    house.change(3, rename("b", "other")).await;
    loop {
        let nothing = told.message().await.unwrap().unwrap();
        assert_eq!(nothing.changes.len(), 0, "it is of another tenant");
        if nothing.revision == 3 {
            break;
        }
    }
    house.change(4, rename("a", "new")).await;
    let second = told.message().await.unwrap().unwrap();
    assert_eq!((second.revision, second.changes.len()), (4, 1));

    let from_now = admin::WatchRequest {
        from_now: true,
        ..admin::WatchRequest::default()
    };
    let mut told = resources.watch(from_now).await.unwrap().into_inner();
    house.change(5, rename("a", "newer")).await;
    let heard = loop {
        let heard = told.message().await.unwrap().unwrap();
        assert!(!heard.reset, "it is told nothing of what there was");
        if !heard.changes.is_empty() {
            break heard;
        }
    };
    assert_eq!((heard.revision, heard.changes.len()), (5, 1));
    let both = admin::WatchRequest {
        from_now: true,
        after_revision: 1,
        ..admin::WatchRequest::default()
    };
    refused(resources.watch(both).await.unwrap_err(), "WATCH_AMBIGUOUS");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_thing_says_who_decided_what_page_by_page() {
    let house = House::new().await;
    house.change(1, create("a")).await;
    house.change(2, create("b")).await;
    for number in 3..=11 {
        house
            .change(number, rename("a", &format!("n{number}")))
            .await;
    }
    let of_a = admin::ListHistoryRequest {
        subject: Some(admin::Subject {
            resource: Resource::Tenant.into(),
            tenant: "a".into(),
            name: String::new(),
        }),
        page_size: 4,
        min_revision: 11,
        ..admin::ListHistoryRequest::default()
    };
    let whole = house.history(of_a.clone()).await;
    assert_eq!(whole, [11, 10, 9, 8, 7, 6, 5, 4, 3, 1]);
    let filtered = admin::ListHistoryRequest {
        subject: None,
        tenant: "a".into(),
        resources: vec![Resource::Tenant.into()],
        ..of_a.clone()
    };
    assert_eq!(house.history(filtered).await, whole);
    let all = admin::ListHistoryRequest {
        subject: None,
        ..of_a.clone()
    };
    assert_eq!(
        house.history(all).await,
        [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    );

    let mut resources = ResourceServiceClient::new(house.services.routes(&house.guard));
    let page = resources.list_history(of_a.clone()).await.unwrap();
    let newest = &page.into_inner().entries[0];
    assert_eq!(newest.actor, "test");
    assert_eq!(newest.command_id, Uuid::from_u128(11).to_string());
    assert_eq!((newest.decided_at, newest.events.len()), (NOW.0, 1));

    let both = admin::ListHistoryRequest {
        tenant: "a".into(),
        ..of_a.clone()
    };
    let token = admin::ListHistoryRequest {
        page_token: "x".into(),
        ..of_a.clone()
    };
    for (request, reason) in [(both, "HISTORY_AMBIGUOUS"), (token, "PAGE_TOKEN_INVALID")] {
        refused(resources.list_history(request).await.unwrap_err(), reason);
    }
    let ahead = admin::ListHistoryRequest {
        min_revision: 12,
        ..of_a
    };
    let status = resources.list_history(ahead).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_nodes_hear_the_same_and_one_row_is_encoded_for_all() {
    let house = House::new().await;
    let mut nodes = Vec::new();
    for _ in 0..100 {
        let mut told = house.subscribe(wire::Begin::default()).await.unwrap();
        told.message().await.unwrap().unwrap();
        nodes.push(told);
    }
    house.change(1, create("a")).await;
    let mut rows = Vec::new();
    for told in &mut nodes {
        let heard = told.message().await.unwrap().unwrap();
        rows.push(heard.changes[0].row.clone().unwrap());
    }
    assert!(rows.windows(2).all(|pair| pair[0] == pair[1]));
    house.stop().await;
}

fn shown(change: &wire::RowChange) -> admin::Row {
    use prost::Message as _;
    let row = wire::NodeRow::decode(change.row.clone().unwrap()).unwrap();
    let Some(wire::node_row::Row::Shown(shown)) = row.row else {
        panic!("people see it as well");
    };
    shown
}

fn names(heard: &wire::SubscribeResponse) -> Vec<String> {
    let subjects = heard.changes.iter().map(|change| change.subject.clone());
    subjects.map(|subject| subject.unwrap().tenant).collect()
}
