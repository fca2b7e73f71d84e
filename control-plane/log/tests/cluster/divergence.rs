//! A replica whose state differs.

use std::path::Path;

use prost::Message as _;
use redb::{Database, ReadableDatabase as _, TableDefinition};
use takt_log::ProposeError;
use takt_wire::takt::control::log::v1 as stored;

use crate::nodes::{cluster, create, eventually, write};

const HISTORY: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("history");

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_came_to_another_state_stops_and_the_others_go_on() {
    let mut nodes = cluster(3).await;
    for number in 0..5 {
        write(&nodes, number).await;
    }
    let place = nodes.pop().unwrap().stop().await;
    tamper(&place.dir.path().join("control.redb"));
    nodes.push(place.start(&[]).await);
    nodes[2].log.read().await.unwrap();
    assert_ne!(nodes[2].log.state(), nodes[0].log.state());

    for number in 5..15 {
        write(&nodes, number).await;
    }
    eventually("the stop of node 3", || async { nodes[2].is_stopped() }).await;
    let refused = nodes[2].log.propose(create(99)).await.unwrap_err();
    assert_eq!(refused, ProposeError::Stopped);
    let third = nodes.pop().unwrap();
    for number in 15..30 {
        write(&nodes, number).await;
    }
    assert!(nodes.iter().all(|node| !node.is_stopped()));
    third.stop().await;
}

/// Gives the first tenant another name, as a mistake in applying would have.
fn tamper(file: &Path) {
    let database = Database::open(file).unwrap();
    let (revision, mut batch) = {
        let txn = database.begin_read().unwrap();
        let history = txn.open_table(HISTORY).unwrap();
        let found = history.range::<u64>(..).unwrap().find_map(|row| {
            let (revision, batch) = row.unwrap();
            let batch = stored::Batch::decode(batch.value()).unwrap();
            let created = matches!(
                batch.events[0].event,
                Some(stored::event::Event::TenantCreated(_))
            );
            created.then(|| (revision.value(), batch))
        });
        found.unwrap()
    };
    if let Some(stored::event::Event::TenantCreated(created)) = &mut batch.events[0].event {
        created.display_name = "another".into();
    }
    let txn = database.begin_write().unwrap();
    let bytes = batch.encode_to_vec();
    txn.open_table(HISTORY)
        .unwrap()
        .insert(revision, bytes.as_slice())
        .unwrap();
    txn.commit().unwrap();
}
