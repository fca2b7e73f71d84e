//! Several voters over loopback gRPC, with real files.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

mod cord;
mod divergence;
mod full;
mod newer;
mod nodes;
mod tls;

use std::time::Duration;

use takt_log::{MemberError, OpenError, ProposeError, Role};
use takt_model::{NodeId, Revision};
use tokio::time::Instant;

use nodes::{Place, cluster, cluster_of, create, eventually, leader, tenant, voters, write};

#[tokio::test(flavor = "multi_thread")]
async fn what_one_voter_acknowledged_is_read_on_every_voter() {
    let nodes = cluster(3).await;
    for number in 0..20 {
        write(&nodes, number).await;
        for node in &nodes {
            let state = node.log.read().await.unwrap();
            assert!(state.tenants.contains_key(&tenant(number)));
        }
    }
    let first = nodes[0].log.state();
    assert!(nodes.iter().all(|node| node.log.state() == first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_belongs_to_no_cluster_says_so() {
    let node = Place::new(1).start(&[]).await;
    let refused = node.log.propose(create(1)).await.unwrap_err();
    assert_eq!(refused, ProposeError::NoCluster);
    assert!(node.log.read().await.is_err());
    let id = node.log.bootstrap().await.unwrap();
    assert!(matches!(
        node.log.bootstrap().await,
        Err(MemberError::Founded(known)) if known == id
    ));
    node.log.propose(create(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_dies_writes_go_on_within_two_seconds() {
    let mut nodes = cluster(3).await;
    for number in 0..10 {
        write(&nodes, number).await;
    }
    let dead = nodes.remove(leader(&nodes).await);
    dead.cut();
    let since = Instant::now();
    write(&nodes, 10).await;
    let gap = since.elapsed();
    assert!(gap < Duration::from_secs(2), "{gap:?}");
    assert!(dead.log.propose(create(11)).await.is_err());

    // It comes back by itself and knows what it missed.
    let back = dead.stop().await.start(&[]).await;
    let state = back.log.read().await.unwrap();
    assert!((0..=10).all(|number| state.tenants.contains_key(&tenant(number))));
    assert!(!state.tenants.contains_key(&tenant(11)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stops_hands_over() {
    let mut nodes = cluster(3).await;
    write(&nodes, 0).await;
    let first = nodes.remove(leader(&nodes).await);
    let before = first.place.node;
    first.stop().await;
    // No election has to be waited for: they know it already.
    let leaders = nodes.iter().map(|node| node.log.status().leader);
    for leader in leaders {
        assert!(leader.is_some_and(|leader| leader != before), "{leader:?}");
    }
    write(&nodes, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_while_commands_are_carried_out() {
    let mut nodes = cluster(1).await;
    write(&nodes, 0).await;
    let at = nodes[0].place.address.clone();
    for number in 2..=5 {
        nodes.push(Place::new(number).start(&[&at]).await);
        write(&nodes, number).await;
    }
    voters(&nodes[0].log, &[1, 2, 3, 4, 5]).await;
    for gone in [4, 5] {
        let first = leader(&nodes).await;
        nodes[first].log.remove_member(NodeId(gone)).await.unwrap();
        write(&nodes, gone + 10).await;
    }
    voters(&nodes[0].log, &[1, 2, 3]).await;
    let five = nodes.pop().unwrap().stop().await;
    nodes.pop().unwrap().stop().await;
    write(&nodes, 20).await;

    // Who was removed does not come back by itself, but can be taken in again.
    let five = five.start(&[&at]).await;
    let first = leader(&nodes).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    voters(&nodes[first].log, &[1, 2, 3]).await;
    let log = &nodes[first].log;
    assert_eq!(
        log.add_member(&five.place.address).await.unwrap(),
        NodeId(5)
    );
    log.promote_member(NodeId(5)).await.unwrap();
    voters(log, &[1, 2, 3, 5]).await;
    let state = five.log.read().await.unwrap();
    assert!(state.tenants.contains_key(&tenant(20)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_can_be_replaced_and_removed() {
    let nodes = cluster(3).await;
    let first = leader(&nodes).await;
    let next = &nodes[(first + 1) % 3];
    let log = &nodes[first].log;
    log.transfer_leader(next.place.node).await.unwrap();
    assert_eq!(leader(&nodes).await, (first + 1) % 3);
    assert!(matches!(
        log.transfer_leader(NodeId(1)).await,
        Err(MemberError::NotLeader { .. })
    ));
    assert!(matches!(
        next.log.transfer_leader(NodeId(9)).await,
        Err(MemberError::Unknown(NodeId(9)))
    ));

    next.log.remove_member(next.place.node).await.unwrap();
    let rest: Vec<_> = nodes
        .iter()
        .filter(|node| node.place.node != next.place.node)
        .collect();
    let names: Vec<u64> = rest.iter().map(|node| node.place.node.0).collect();
    voters(&rest[0].log, &names).await;
    eventually("another leader", || async {
        rest.iter()
            .any(|node| node.log.status().leader == Some(node.place.node))
    })
    .await;
    eventually("a write", || async {
        for node in &rest {
            if node.log.propose(create(1)).await.is_ok() {
                return true;
            }
        }
        false
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_that_lost_its_disk_comes_back_from_a_snapshot() {
    let places = (1..=3).map(|node| Place {
        snapshot_every: 20,
        ..Place::new(node)
    });
    let mut nodes = cluster_of(places).await;
    for number in 0..100 {
        write(&nodes, number).await;
    }
    let lost = nodes.pop().unwrap().stop().await;
    for file in std::fs::read_dir(lost.dir.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let at = nodes[0].place.address.clone();
    nodes.push(lost.start(&[&at]).await);
    voters(&nodes[2].log, &[1, 2, 3]).await;
    let state = nodes[2].log.read().await.unwrap();
    assert!((0..100).all(|number| state.tenants.contains_key(&tenant(number))));
    assert_eq!(nodes[0].log.read().await.unwrap(), state);
    write(&nodes, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_tells_who_is_in_it() {
    let mut nodes = cluster(3).await;
    let first = leader(&nodes).await;
    nodes.remove((first + 1) % 3).stop().await;
    let first = leader(&nodes).await;
    eventually("a name", || async {
        nodes[first].log.state().cluster.id.is_some()
    })
    .await;
    let cluster = nodes[first].log.cluster().await;
    assert_eq!(cluster.id, nodes[first].log.state().cluster.id);
    assert_eq!(cluster.members.len(), 3);
    let answering = cluster.members.iter().filter(|m| m.description.is_some());
    assert_eq!(answering.count(), 2);
    let leading: Vec<_> = cluster
        .members
        .iter()
        .filter(|member| member.role == Role::Leader)
        .map(|member| member.node)
        .collect();
    assert_eq!(leading, [nodes[first].place.node]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_rises_when_every_voter_understands_it_and_keeps_older_nodes_out() {
    let newer = |node| Place {
        level: Some(9),
        ..Place::new(node)
    };
    let mut nodes = cluster_of([newer(1), newer(2), Place::new(3)]).await;
    let third = nodes.pop().unwrap();
    let level = |at: usize| nodes[at].log.state().cluster.level;
    write(&nodes, 1).await;
    eventually("level 8", || async { level(0) == 8 && level(1) == 8 }).await;

    let mut place = third.stop().await;
    place.level = Some(9);
    let third = place.start(&[]).await;
    eventually("level 9", || async { level(0) == 9 && level(1) == 9 }).await;
    third.log.read().await.unwrap();
    assert_eq!(third.log.state().cluster.level, 9);

    let mut place = third.stop().await;
    place.level = Some(8);
    match place.try_start(&[]).await {
        Err(OpenError::Level {
            announced: 8,
            committed: 9,
        }) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("an older node started"),
    }
    let older = Place::new(4).start(&[]).await;
    let first = leader(&nodes).await;
    assert!(matches!(
        nodes[first].log.add_member(&older.place.address).await,
        Err(MemberError::Level {
            announced: 8,
            committed: 9,
            ..
        })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_that_was_alone_can_get_company() {
    let alone = Place {
        alone: true,
        ..Place::new(1)
    };
    let alone = alone.start(&[]).await;
    alone.log.propose(create(1)).await.unwrap();
    assert_eq!(alone.log.state().revision, Revision(1), "no name is needed");

    let mut place = alone.stop().await;
    place.alone = false;
    let first = place.start(&[]).await;
    let at = first.place.address.clone();
    let second = Place::new(2).start(&[&at]).await;
    voters(&second.log, &[1, 2]).await;
    let state = second.log.read().await.unwrap();
    assert!(state.tenants.contains_key(&tenant(1)));
    eventually("its name and address are known", || async {
        let cluster = second.log.cluster().await;
        let known = second.log.state().cluster.id;
        known.is_some() && known == cluster.id && cluster.members[0].address == at
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_two_clusters_do_not_mix() {
    let nodes = cluster(1).await;
    let other = Place::new(2).start(&[]).await;
    other.log.bootstrap().await.unwrap();
    assert!(matches!(
        nodes[0].log.add_member(&other.place.address).await,
        Err(MemberError::OtherCluster {
            node: NodeId(2),
            ..
        })
    ));
}
