//! What outlives the machines: disks, clocks, what clients saw. Everything runs on one thread; the
//! locks are there because tasks must be able to move.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use takt_kit::Tasks;
use takt_log::Handle;

use crate::clock::SimClock;
use crate::disk::SimDisk;
use crate::history::History;
use crate::plan::Plan;
use crate::rpc::Desk;

/// Clones are the same world.
#[derive(Debug, Clone)]
pub(crate) struct World(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) plan: Plan,
    pub(crate) history: History,
    pub(crate) desk: Desk,
    pub(crate) nodes: Vec<Node>,
    calm: AtomicBool,
    quiet: AtomicBool,
}

/// One node, running or not.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) disk: SimDisk,
    pub(crate) clock: SimClock,
    machine: Mutex<Machine>,
}

#[derive(Debug, Default)]
struct Machine {
    starts: u64,
    handle: Option<Handle>,
    tasks: Option<Tasks>,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let history = History::default();
        let nodes = (1..=plan.nodes).map(|id| Node {
            id,
            disk: SimDisk::new(
                plan.seed.wrapping_mul(31).wrapping_add(id),
                plan.disk.clone(),
            ),
            clock: SimClock::new(history.clone()),
            machine: Mutex::default(),
        });
        let nodes: Vec<Node> = nodes.collect();
        Self(Arc::new(Inner {
            plan,
            history,
            desk: Desk::default(),
            nodes,
            calm: AtomicBool::new(false),
            quiet: AtomicBool::new(false),
        }))
    }

    pub(crate) fn node(&self, id: u64) -> &Node {
        let index = usize::try_from(id - 1).expect("there are few nodes");
        &self.0.nodes[index]
    }

    /// Faults are over.
    pub(crate) fn calm_down(&self) {
        self.0.calm.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.0.calm.load(Ordering::Relaxed)
    }

    pub(crate) fn is_founded(&self) -> bool {
        let founded = |node: &Node| {
            let (_, handle) = node.handle()?;
            Some(!handle.status().voters.is_empty())
        };
        self.nodes.iter().any(|node| founded(node) == Some(true))
    }

    /// The newest leader any node knows, and the voters it knows. The leader itself is believed first:
    /// who was let go may never hear of it.
    pub(crate) fn members(&self) -> Option<(u64, Vec<u64>)> {
        let known = self.nodes.iter().filter_map(|node| {
            let status = node.handle()?.1.status();
            let voters = status.voters.iter().map(|voter| voter.0).collect();
            let leader = status.leader?.0;
            Some(((status.term, leader == node.id), leader, voters))
        });
        let (_, leader, voters) = known.max_by_key(|(newest, ..)| *newest)?;
        Some((leader, voters))
    }

    /// Clients stop.
    pub(crate) fn be_quiet(&self) {
        self.0.quiet.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.0.quiet.load(Ordering::Relaxed)
    }
}

impl std::ops::Deref for World {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Node {
    pub(crate) fn host(&self) -> String {
        host(self.id)
    }

    /// A machine starts; says how many started before.
    pub(crate) fn start(&self) -> u64 {
        let mut machine = self.machine.lock();
        machine.starts += 1;
        machine.handle = None;
        machine.tasks = None;
        machine.starts - 1
    }

    pub(crate) fn is_open(&self, handle: Handle, tasks: Tasks) {
        let mut machine = self.machine.lock();
        machine.handle = Some(handle);
        machine.tasks = Some(tasks);
    }

    /// The machine is gone, with everything in it.
    pub(crate) fn is_gone(&self) {
        let mut machine = self.machine.lock();
        machine.handle = None;
        machine.tasks = None;
    }

    /// The running log, and which start of the machine it belongs to.
    pub(crate) fn handle(&self) -> Option<(u64, Handle)> {
        let machine = self.machine.lock();
        let stopped = machine.tasks.as_ref().is_none_or(Tasks::is_stopped);
        let handle = machine.handle.clone().filter(|_| !stopped)?;
        Some((machine.starts, handle))
    }
}

pub(crate) fn host(id: u64) -> String {
    format!("node-{id}")
}
