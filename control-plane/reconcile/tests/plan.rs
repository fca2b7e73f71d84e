//! The plan comes to an end, loses nothing and moves no more than it must.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use takt_domain::nodes::{NodeName, Profile, Role, Standing as NodeStanding, Zone};
use takt_domain::ring::{
    self, Added, Fact, Partition, Purpose, Ring, Spec, Standing, Wish, shard_of_tenant,
};
use takt_domain::{Batch, Command, CommandId, Event, Facts, State, decide, jobs, nodes};
use takt_model::{TenantId, UnixNano};
use takt_reconcile::{Heard, Heartbeat, Observed, Report, Waits, plan};
use uuid::Uuid;

#[test]
fn a_new_cluster_gets_a_partition_for_each_node_of_a_zone_and_an_owner_in_each_zone() {
    let mut world = World::with_ring(Spec::default());
    world.start(["a0", "a1", "a2", "b0", "b1", "b2"]);
    world.settle();
    let ring = world.ring();
    assert_eq!(ring.partitions.len(), 3);
    for partition in ring.partitions.values() {
        assert_eq!(partition.standing, Standing::Active);
        assert_eq!(partition.seats.len(), 2);
    }
    assert!(world.loads().values().all(|load| *load == 1));
}

#[test]
fn a_node_that_joins_takes_a_new_partition_and_moves_none() {
    let mut world = World::with_ring(Spec::default());
    world.start(["a0", "a1", "b0", "b1"]);
    world.settle();
    let before = world.owners();
    world.start(["a2", "b2"]);
    world.settle();
    let after = world.owners();
    assert!(before.iter().all(|owner| after.contains(owner)));
    assert_eq!(after.len(), before.len() + 2);
}

#[test]
fn a_fixed_ring_evens_out_with_as_few_moves_as_can_be() {
    let mut world = World::with_ring(Spec {
        partitions: Some(12),
        ..Spec::default()
    });
    world.start(["a0", "a1", "a2"]);
    world.settle();
    world.start(["a3"]);
    let moves = world.settle();
    // 4, 4, 4 and nothing become 3 each: one from everybody.
    assert_eq!(moves, 3);
    assert!(world.loads().values().all(|load| *load == 3));
}

#[test]
fn a_node_that_drains_gives_away_what_it_has_once_it_is_flushed() {
    let mut world = World::with_ring(Spec::default());
    world.start(["a0", "a1", "a2"]);
    world.settle();
    let tenant = TenantId::new("team").unwrap();
    assert_eq!(shard_of_tenant(&world.ring(), &tenant, 0).len(), 3);
    world.run(
        &nodes::Command::Drain {
            node: name("a1"),
            if_match: None,
        }
        .into(),
    );
    world.unflushed.insert(name("a1"));
    world.settle();
    // Its partition takes no writes and stays with it, whatever the time.
    let ring = world.ring();
    let (number, partition) = ring
        .partitions
        .iter()
        .find(|(_, p)| owned(p, "a1"))
        .unwrap();
    assert_eq!(partition.standing, Standing::Inactive);
    world.unflushed.clear();
    world.settle();
    assert!(!world.ring().partitions.contains_key(number));
    assert!(
        !world
            .owners()
            .iter()
            .any(|(_, _, node)| *node == name("a1"))
    );
}

#[test]
fn a_lost_node_may_come_back_before_its_partitions_are_given_away() {
    let mut world = World::with_ring(Spec {
        partitions: Some(4),
        ..Spec::default()
    });
    world.start(["a0", "a1"]);
    world.settle();
    let before = world.owners();
    world.silent.insert(name("a1"));
    world.pass(Duration::from_secs(31));
    assert_eq!(world.standing("a1"), NodeStanding::Lost);
    assert_eq!(world.owners(), before);
    world.silent.clear();
    world.pass(Duration::from_secs(1));
    assert_eq!(world.standing("a1"), NodeStanding::Joined);
    assert_eq!(world.owners(), before);
    world.silent.insert(name("a1"));
    world.pass(Duration::from_secs(31));
    world.pass(Duration::from_secs(120));
    assert!(
        world
            .owners()
            .iter()
            .all(|(_, _, node)| *node == name("a0"))
    );
    world.pass(Duration::from_secs(3601));
    assert!(!world.state.nodes.by_name.contains_key(&name("a1")));
}

#[test]
fn a_node_that_goes_right_after_its_restart_has_gone() {
    let mut world = World::with_ring(Spec {
        partitions: Some(2),
        ..Spec::default()
    });
    world.start(["a0", "a1"]);
    world.settle();
    world.step(&Step::Restart("a1"));
    world.step(&Step::Leave("a1"));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.standing("a1"), NodeStanding::Left);
    world.settle();
    world.check_settled();
}

#[test]
fn a_new_leader_calls_nobody_lost_whom_it_could_not_hear() {
    let mut world = World::with_ring(Spec::default());
    world.start(["a0"]);
    world.settle();
    world.now = world.now.plus(Duration::from_secs(3600));
    let observed = Observed {
        since: world.now,
        heard: BTreeMap::new(),
    };
    let soon = world.now.plus(Duration::from_secs(30));
    assert_eq!(plan(&world.state, &observed, &Waits::default(), soon), []);
    let later = world.now.plus(Duration::from_secs(31));
    let lose = nodes::Command::Lose {
        node: name("a0"),
        incarnation: 1,
        last_heard: world.now,
    };
    let commands = plan(&world.state, &observed, &Waits::default(), later);
    assert_eq!(commands, [lose.into()]);
}

#[test]
fn leases_of_jobs_end_and_finished_jobs_are_forgotten() {
    let mut world = World::with_ring(Spec::default());
    let draft = jobs::Draft {
        tenant: TenantId::new("team").unwrap(),
        payload: jobs::Payload::Retention,
        batch: String::new(),
        priority: 0,
        not_before: UnixNano(0),
        max_attempts: 1,
    };
    world.run(&jobs::Command::Plan { jobs: vec![draft] }.into());
    let ttl = Duration::from_secs(60);
    world.run(
        &jobs::Command::Lease {
            worker: name("w"),
            kinds: BTreeSet::new(),
            count: 1,
            ttl,
        }
        .into(),
    );
    world.pass(Duration::from_secs(59));
    assert_eq!(world.state.jobs.leased().count(), 1);
    world.pass(Duration::from_secs(1));
    let (_, job) = world.state.jobs.iter_after(None).next().unwrap();
    assert_eq!(job.standing, jobs::Standing::Poisoned);
    world.pass(Duration::from_secs(3601));
    assert_eq!(world.state.jobs.len(), 1, "somebody should look at it");
    world.pass(Duration::from_secs(7 * 24 * 3600));
    assert!(world.state.jobs.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// From wherever it starts: the plan ends, every seat that can be filled is, and loads are even.
    #[test]
    fn the_plan_comes_to_an_end(history in prop::collection::vec(step(), 0..25), fixed in any::<Option<u8>>()) {
        let spec = Spec {
            partitions: fixed.map(|count| u32::from(count % 9) + 1),
            ..Spec::default()
        };
        let mut world = World::with_ring(spec);
        for step in &history {
            world.step(step);
        }
        world.settle();
        world.check_settled();
        prop_assert_eq!(world.settle(), 0, "and it has nothing more to move");
    }
}

/// Something that happens to a cluster.
#[derive(Debug, Clone)]
enum Step {
    Start(&'static str),
    Restart(&'static str),
    Fall(&'static str),
    Leave(&'static str),
    Drain(&'static str),
    Resume(&'static str),
    Resize(u32),
    Pass(u64),
}

const NODES: [&str; 6] = ["a0", "a1", "a2", "b0", "b1", "c0"];

fn step() -> impl Strategy<Value = Step> {
    let node = || prop::sample::select(NODES.to_vec());
    prop_oneof![
        4 => node().prop_map(Step::Start),
        1 => node().prop_map(Step::Restart),
        1 => node().prop_map(Step::Fall),
        1 => node().prop_map(Step::Leave),
        1 => node().prop_map(Step::Drain),
        1 => node().prop_map(Step::Resume),
        1 => (1_u32..9).prop_map(Step::Resize),
        4 => (1_u64..400).prop_map(Step::Pass),
    ]
}

/// A control plane and the nodes around it, which do at once what they are told.
struct World {
    state: State,
    now: UnixNano,
    incarnations: BTreeMap<NodeName, u64>,
    leaving: BTreeSet<NodeName>,
    /// Running, and nobody hears them.
    silent: BTreeSet<NodeName>,
    /// They do not get what they have into the object store.
    unflushed: BTreeSet<NodeName>,
    heard: BTreeMap<NodeName, Heard>,
    commands: u128,
    /// Who took writes, and has not said that they are safe since: by partition and node.
    holding: BTreeSet<(u32, NodeName)>,
}

impl World {
    fn with_ring(spec: Spec) -> Self {
        let mut world = Self {
            state: State::default(),
            now: UnixNano::from_secs(1_000_000),
            incarnations: BTreeMap::new(),
            leaving: BTreeSet::new(),
            silent: BTreeSet::new(),
            unflushed: BTreeSet::new(),
            heard: BTreeMap::new(),
            commands: 0,
            holding: BTreeSet::new(),
        };
        world.wish(Wish::Configure {
            spec,
            if_match: None,
        });
        world
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Start(node) => self.start([*node]),
            Step::Restart(node) => {
                if let Some(incarnation) = self.incarnations.get_mut(&name(node)) {
                    *incarnation += 1;
                    self.leaving.remove(&name(node));
                    self.silent.remove(&name(node));
                }
            }
            Step::Fall(node) => drop(self.silent.insert(name(node))),
            Step::Leave(node) => drop(self.leaving.insert(name(node))),
            Step::Drain(node) => self.wish_node(nodes::Command::Drain {
                node: name(node),
                if_match: None,
            }),
            Step::Resume(node) => self.wish_node(nodes::Command::Resume {
                node: name(node),
                if_match: None,
            }),
            Step::Resize(count) => {
                let spec = Spec {
                    partitions: Some(*count),
                    ..self.ring().spec
                };
                self.wish(Wish::Configure {
                    spec,
                    if_match: None,
                });
            }
            Step::Pass(seconds) => self.pass(Duration::from_secs(*seconds)),
        }
    }

    fn start<const N: usize>(&mut self, nodes: [&str; N]) {
        for node in nodes {
            self.incarnations.entry(name(node)).or_insert(1);
            if self.leaving.remove(&name(node)) {
                *self.incarnations.get_mut(&name(node)).unwrap() += 1;
            }
            self.silent.remove(&name(node));
        }
    }

    /// Time passes; who is there is heard every few seconds, and then there is a plan.
    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.listen();
        self.round();
    }

    /// Until the plan has nothing to say for longer than anything is waited for; how many handovers it took.
    fn settle(&mut self) -> usize {
        let mut moves = 0;
        let mut quiet = 0;
        for _ in 0..2000 {
            self.now = self.now.plus(Duration::from_secs(20));
            self.listen();
            let events = self.round();
            moves += events
                .iter()
                .filter(|event| {
                    matches!(
                        event,
                        Event::Ring(ring::Event {
                            fact: Fact::HandoverStarted { .. },
                            ..
                        })
                    )
                })
                .count();
            quiet = if events.is_empty() { quiet + 1 } else { 0 };
            if quiet > 200 {
                return moves;
            }
        }
        panic!("the plan does not come to an end");
    }

    fn round(&mut self) -> Vec<Event> {
        let observed = Observed {
            since: UnixNano(0),
            heard: self.heard.clone(),
        };
        let commands = plan(&self.state, &observed, &Waits::default(), self.now);
        commands
            .iter()
            .flat_map(|command| self.run(command))
            .collect()
    }

    fn listen(&mut self) {
        for (node, incarnation) in &self.incarnations {
            if self.silent.contains(node) {
                continue;
            }
            let heartbeat = Heartbeat {
                node: node.clone(),
                incarnation: *incarnation,
                sequence: self.now.0,
                profile: profile(node),
                leaving: self.leaving.contains(node),
                reports: reports(&self.ring(), node, !self.unflushed.contains(node)),
            };
            let at = self.now;
            self.heard.insert(node.clone(), Heard { heartbeat, at });
        }
    }

    /// Carries out a command if the rules allow it, and checks what must hold for every event.
    fn run(&mut self, command: &Command) -> Vec<Event> {
        self.commands += 1;
        let facts = Facts {
            at: self.now,
            command: CommandId(Uuid::from_u128(self.commands * 1000)),
        };
        let Ok(events) = decide(&self.state, command, &facts) else {
            return Vec::new();
        };
        for event in &events {
            self.check(event);
        }
        self.state.apply(&Batch {
            command: facts.command,
            actor: "test".into(),
            at: self.now,
            decided_at: self.state.revision,
            after: None,
            events: events.clone(),
        });
        for (number, partition) in &self.ring().partitions {
            if partition.standing.writable() {
                self.holding
                    .extend(owners(partition).map(|node| (*number, node)));
            }
        }
        events
    }

    fn check(&mut self, event: &Event) {
        let Event::Ring(ring::Event { fact, .. }) = event else {
            return;
        };
        match fact {
            Fact::Flushed {
                partition, node, ..
            } => {
                self.holding.remove(&(*partition, node.clone()));
            }
            Fact::Removed {
                partition,
                abandoned,
            } => {
                assert!(!abandoned);
                let found = self.ring().partitions[partition].clone();
                for node in owners(&found) {
                    let holds = self.holding.contains(&(*partition, node.clone()));
                    assert!(!holds, "partition {partition} went with what {node} held");
                }
                self.holding.retain(|(number, _)| number != partition);
            }
            Fact::HandoverCompleted {
                partition, from, ..
            } => {
                // The heir has it now.
                self.holding.remove(&(*partition, from.clone()));
            }
            Fact::Configured { .. }
            | Fact::Added { .. }
            | Fact::Activated { .. }
            | Fact::Deactivated { .. }
            | Fact::Assigned { .. }
            | Fact::Unassigned { .. }
            | Fact::HandoverStarted { .. }
            | Fact::HandoverCancelled { .. } => {}
        }
    }

    fn check_settled(&self) {
        let ring = self.ring();
        for partition in ring
            .partitions
            .values()
            .filter(|p| p.standing != Standing::Inactive)
        {
            for zone in self.zones() {
                let seat = &partition.seats[&zone];
                assert!(seat.heir.is_none());
                let owner = &seat.owner.as_ref().unwrap().node;
                assert_eq!(
                    self.state.nodes.by_name[owner].standing,
                    NodeStanding::Joined
                );
            }
            assert!(self.zones().is_empty() || partition.standing == Standing::Active);
        }
        for zone in self.zones() {
            let loads: Vec<usize> = self
                .loads()
                .into_iter()
                .filter(|(node, _)| profile(node).zone == zone)
                .map(|(_, load)| load)
                .collect();
            let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
            assert!(most - least <= 1, "{loads:?}");
        }
    }

    fn wish(&mut self, wish: Wish) {
        self.run(
            &ring::Command {
                ring: Purpose::Ingest,
                wish,
            }
            .into(),
        );
    }

    fn wish_node(&mut self, command: nodes::Command) {
        self.run(&command.into());
    }

    fn ring(&self) -> Ring {
        self.state.ring.by_purpose[&Purpose::Ingest].clone()
    }

    fn standing(&self, node: &str) -> NodeStanding {
        self.state.nodes.by_name[&name(node)].standing
    }

    /// Zones with somebody to take partitions.
    fn zones(&self) -> BTreeSet<Zone> {
        let nodes = self.state.nodes.by_name.values();
        nodes
            .filter(|node| node.standing == NodeStanding::Joined)
            .map(|node| node.profile.zone.clone())
            .collect()
    }

    /// How many partitions each joined node owns.
    fn loads(&self) -> BTreeMap<NodeName, usize> {
        let joined = self.state.nodes.by_name.iter();
        let joined = joined.filter(|(_, node)| node.standing == NodeStanding::Joined);
        let mut loads: BTreeMap<NodeName, usize> =
            joined.map(|(node, _)| (node.clone(), 0)).collect();
        for partition in self.ring().partitions.values() {
            if partition.standing == Standing::Inactive {
                continue;
            }
            for node in owners(partition) {
                *loads.entry(node).or_default() += 1;
            }
        }
        loads
    }

    fn owners(&self) -> BTreeSet<(u32, Zone, NodeName)> {
        let ring = self.ring();
        let seats = ring.partitions.iter().flat_map(|(number, partition)| {
            let seats = partition.seats.iter();
            seats.filter_map(|(zone, seat)| {
                Some((*number, zone.clone(), seat.owner.as_ref()?.node.clone()))
            })
        });
        seats.collect()
    }
}

fn owners(partition: &Partition) -> impl Iterator<Item = NodeName> {
    let seats = partition.seats.values();
    seats.filter_map(|seat| Some(seat.owner.as_ref()?.node.clone()))
}

fn owned(partition: &Partition, node: &str) -> bool {
    owners(partition).any(|owner| owner == name(node))
}

/// An heir is ready at once; an owner flushes at once, if it can.
fn reports(ring: &Ring, node: &NodeName, flushes: bool) -> Vec<Report> {
    let mut reports = Vec::new();
    for (partition, found) in &ring.partitions {
        for seat in found.seats.values() {
            for (holder, heir) in [(&seat.owner, false), (&seat.heir, true)] {
                let Some(holder) = holder.as_ref().filter(|holder| holder.node == *node) else {
                    continue;
                };
                reports.push(Report {
                    ring: Purpose::Ingest,
                    partition: *partition,
                    epoch: holder.epoch,
                    ready: heir,
                    flushed: !heir && flushes && found.standing == Standing::Inactive,
                });
            }
        }
    }
    reports
}

fn name(text: &str) -> NodeName {
    NodeName::new(text).expect("a legal name")
}

/// The zone is the first letter.
fn profile(node: &NodeName) -> Profile {
    Profile {
        roles: [Role::Ingester].into(),
        zone: Zone::new(&node.as_str()[..1]).unwrap(),
        build: "1.0.0".into(),
        feature_level: 8,
        address: "localhost:9095".into(),
    }
}

#[test]
fn partitions_may_be_added_by_hand_and_go_again() {
    let mut world = World::with_ring(Spec {
        partitions: Some(2),
        ..Spec::default()
    });
    world.start(["a0"]);
    world.settle();
    world.wish(Wish::Add(Added::Number(7)));
    world.settle();
    assert_eq!(
        world.ring().partitions.keys().copied().collect::<Vec<_>>(),
        [0, 1]
    );
}
