//! Asks the queries of all rules when they are due.
//!
//! One loop owns the groups. It lends a group to the task that evaluates it and gets it back, so that
//! a group is never evaluated twice at once and nothing is locked.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use takt_control::{TenantState, View, ViewHandle};
use takt_kit::{Clock, Tasks};
use takt_model::rules::RuleGroup;
use takt_model::{TenantId, UnixNano};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::desk::Desk;
use crate::evaluator::Evaluator;
use crate::group::Group;
use crate::metrics::Metrics;
use crate::schedule::Timing;
use crate::settings::Settings;

/// How long a change of the rules waits at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whose group, and its name.
pub type Key = (TenantId, String);

/// What a ruler needs.
#[derive(Debug)]
pub struct Parts<E> {
    pub evaluator: E,
    pub view: ViewHandle,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
}

/// The groups as they were after their last evaluation. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<RwLock<BTreeMap<Key, Arc<Shown>>>>);

/// One group as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    pub group: Group,
    pub interval: Duration,
}

/// Owner of all groups and of the loop.
#[derive(Debug)]
pub struct Ruler<E> {
    desk: Arc<Desk<E>>,
    slots: BTreeMap<Key, Slot>,
    /// The view the slots were made from.
    seen: Option<Arc<View>>,
    board: Board,
    /// How many groups are lent to evaluations, and where they come back.
    lent: usize,
    returns: mpsc::Receiver<(Key, Group)>,
    give_back: mpsc::Sender<(Key, Group)>,
}

#[derive(Debug)]
struct Slot {
    /// `None`: the group goes as soon as it is here.
    wanted: Option<Arc<RuleGroup>>,
    /// `None` while it is lent.
    group: Option<Group>,
    timing: Timing,
    due: UnixNano,
}

impl Board {
    /// The groups of a tenant, by name.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Vec<Arc<Shown>> {
        let all = self.0.read();
        let own = all.range((tenant.clone(), String::new())..);
        own.take_while(|((of, _), _)| of == tenant)
            .map(|(_, shown)| Arc::clone(shown))
            .collect()
    }

    pub(crate) fn put(&self, key: Key, shown: Shown) {
        self.0.write().insert(key, Arc::new(shown));
    }
}

impl<E: Evaluator> Ruler<E> {
    /// Opens the queues; their couriers run in `tasks`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        settings: Settings,
        parts: Parts<E>,
        tasks: &Tasks,
    ) -> Result<(Self, Board), reqwest::Error> {
        Ok(Self::at(Desk::new(settings, parts, tasks)?))
    }

    fn at(desk: Desk<E>) -> (Self, Board) {
        let (give_back, returns) = mpsc::channel(desk.settings.concurrency);
        let board = Board::default();
        let ruler = Self {
            desk: Arc::new(desk),
            slots: BTreeMap::new(),
            seen: None,
            board: board.clone(),
            lent: 0,
            returns,
            give_back,
        };
        (ruler, board)
    }

    /// Evaluates until `tasks` stop. Alerts that fire then are not resolved: the next run goes on with them.
    ///
    /// # Errors
    /// Never; the type is what [`Tasks::spawn`] takes.
    pub async fn run(mut self, tasks: Tasks) -> Result<(), Infallible> {
        loop {
            let now = self.desk.now();
            self.follow_view(now);
            let wait = self.lend_due(now, &tasks);
            tokio::select! {
                biased;
                () = tasks.stopped() => return Ok(()),
                Some((key, group)) = self.returns.recv() => self.take_back(&key, group),
                () = sleep(wait) => {}
            }
        }
    }

    /// Brings the groups to what the view says.
    fn follow_view(&mut self, now: UnixNano) {
        let view = self.desk.parts.view.load();
        let known = |seen: &Arc<View>| Arc::ptr_eq(seen, &view);
        if self.seen.as_ref().is_some_and(known) {
            return;
        }
        let mut wanted = wanted(&view, self.desk.settings.multitenancy);
        self.seen = Some(view);
        for (key, slot) in &mut self.slots {
            slot.wanted = wanted.remove(key);
        }
        for (key, spec) in wanted {
            let timing = Timing::new(&spec, &self.desk.settings);
            let slot = Slot {
                group: Some(Group::new(Arc::clone(&spec))),
                wanted: Some(spec),
                due: timing.after(now),
                timing,
            };
            self.slots.insert(key, slot);
        }
        let keys: Vec<Key> = self.slots.keys().cloned().collect();
        keys.iter().for_each(|key| self.settle(key, now));
        let groups = i64::try_from(self.slots.len()).unwrap_or(i64::MAX);
        self.desk.parts.metrics.groups.set(groups);
    }

    /// Makes a group that is here what is wanted of it, and shows it.
    fn settle(&mut self, key: &Key, now: UnixNano) {
        let Some(slot) = self.slots.get_mut(key) else {
            return;
        };
        let Some(group) = &mut slot.group else {
            return;
        };
        let Some(wanted) = &slot.wanted else {
            let output = slot.group.take().map(|group| {
                let pace = self.desk.pace(slot.timing);
                group.close(now, pace)
            });
            self.desk.deliver_last(&key.0, output.unwrap_or_default());
            self.slots.remove(key);
            self.board.0.write().remove(key);
            return;
        };
        if group.spec() != wanted {
            let pace = self.desk.pace(slot.timing);
            let output = group.adopt(Arc::clone(wanted), now, pace);
            self.desk.deliver_last(&key.0, output);
            let timing = Timing::new(wanted, &self.desk.settings);
            if timing != slot.timing {
                slot.timing = timing;
                slot.due = timing.after(now);
            }
        }
        let shown = Shown {
            group: group.clone(),
            interval: slot.timing.interval,
        };
        self.board.put(key.clone(), shown);
    }

    /// Lends every group that is due, the longest due first, as many as there may be at once. How long
    /// until it is worth looking again.
    fn lend_due(&mut self, now: UnixNano, tasks: &Tasks) -> Duration {
        let here = self
            .slots
            .iter_mut()
            .filter(|(_, slot)| slot.group.is_some());
        let mut here: Vec<_> = here.collect();
        here.sort_by_key(|(_, slot)| slot.due);
        for (key, slot) in here {
            if slot.due > now {
                return slot.due.since(now).min(LOOK_EVERY);
            }
            if self.lent >= self.desk.settings.concurrency {
                break;
            }
            let Some(group) = slot.group.take() else {
                continue;
            };
            self.lent += 1;
            let (desk, key, give_back) =
                (Arc::clone(&self.desk), key.clone(), self.give_back.clone());
            let (timing, at, stopped) = (slot.timing, slot.due, tasks.stopped());
            tasks.spawn("rule_group", async move {
                tokio::select! {
                    biased;
                    () = stopped => {}
                    group = desk.evaluate(&key.0, group, timing, at) => {
                        // Refused only when the loop has ended, and then nobody misses it.
                        let _taken = give_back.send((key, group)).await;
                    }
                }
                Ok::<(), Infallible>(())
            });
        }
        LOOK_EVERY
    }

    fn take_back(&mut self, key: &Key, group: Group) {
        self.lent -= 1;
        let now = self.desk.now();
        if let Some(slot) = self.slots.get_mut(key) {
            let (due, missed) = slot.timing.next(slot.due, now);
            slot.due = due;
            slot.group = Some(group);
            self.desk.parts.metrics.missed.inc_by(missed);
        }
        self.settle(key, now);
    }
}

/// The groups of every tenant whose rules are evaluated.
fn wanted(view: &View, multitenancy: bool) -> BTreeMap<Key, Arc<RuleGroup>> {
    let of = |tenant: &TenantId| {
        let tenant = tenant.clone();
        let groups = view.limits(&tenant).rules.clone();
        let keyed = move |group: &Arc<RuleGroup>| {
            let key = (tenant.clone(), group.name.clone());
            (key, Arc::clone(group))
        };
        groups.iter().map(keyed).collect::<Vec<_>>()
    };
    if !multitenancy {
        return of(&TenantId::single()).into_iter().collect();
    }
    let here = view
        .tenants
        .iter()
        .filter(|(_, tenant)| match tenant.state {
            TenantState::Active | TenantState::Suspended => true,
            TenantState::Deleting => false,
        });
    here.flat_map(|(tenant, _)| of(tenant)).collect()
}

#[cfg(test)]
mod tests;
