//! A number of places, given to those who wait tenant by tenant: however many pieces one tenant has
//! waiting, another one's next piece comes after at most one of each tenant.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;
use takt_model::TenantId;
use tokio::sync::oneshot;

#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// No queue is empty.
    waiting: BTreeMap<TenantId, VecDeque<oneshot::Sender<Turn>>>,
    /// Who was served last; the next one in order comes next.
    last: Option<TenantId>,
}

/// A place; given on when dropped.
#[derive(Debug)]
pub(super) struct Turn(Turns);

impl Turns {
    pub(super) fn new(places: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: places,
            waiting: BTreeMap::new(),
            last: None,
        })))
    }

    pub(super) async fn take(&self, tenant: &TenantId) -> Turn {
        let called = {
            let mut state = self.0.lock();
            if state.free > 0 {
                state.free -= 1;
                return Turn(self.clone());
            }
            let (call, called) = oneshot::channel();
            state
                .waiting
                .entry(tenant.clone())
                .or_default()
                .push_back(call);
            called
        };
        called
            .await
            .expect("a waiting call is dropped only once it is answered")
    }

    /// Hands a place to the next who waits, or keeps it free.
    fn pass_on(&self) {
        let mut turn = Turn(self.clone());
        loop {
            let Some(call) = self.0.lock().next() else {
                // The place is free again; forgetting the turn keeps it from being passed on once more.
                std::mem::forget(turn);
                return;
            };
            match call.send(turn) {
                Ok(()) => return,
                // Whoever waited has gone.
                Err(back) => turn = back,
            }
        }
    }
}

impl State {
    /// The call to answer next; without one, the place counts as free.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let after = self.last.as_ref().and_then(|last| {
            let later = (Bound::Excluded(last), Bound::Unbounded);
            self.waiting.range::<TenantId, _>(later).next()
        });
        let Some((tenant, _)) = after.or_else(|| self.waiting.first_key_value()) else {
            self.free += 1;
            return None;
        };
        let tenant = tenant.clone();
        let queue = self.waiting.get_mut(&tenant)?;
        let call = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&tenant);
        }
        self.last = Some(tenant);
        call
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.clone().pass_on();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::stream::{FuturesUnordered, StreamExt as _};

    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[tokio::test]
    async fn a_tenant_with_much_to_do_does_not_hold_up_another() {
        let turns = Turns::new(1);
        let first = turns.take(&tenant("a")).await;
        let served = Arc::new(Mutex::new(Vec::new()));
        let wait = |name: &'static str| {
            let (turns, served) = (turns.clone(), Arc::clone(&served));
            async move {
                let _turn = turns.take(&tenant(name)).await;
                served.lock().push(name);
            }
            .boxed()
        };
        let mut waiting: FuturesUnordered<_> = ["a", "a", "a", "a", "b", "c", "b"]
            .map(wait)
            .into_iter()
            .collect();
        assert_eq!(futures::poll!(waiting.next()), std::task::Poll::Pending);
        drop(first);
        while waiting.next().await.is_some() {}
        assert_eq!(*served.lock(), ["a", "b", "c", "a", "b", "a", "a"]);
    }

    #[tokio::test]
    async fn a_place_is_not_lost_when_who_waited_has_gone() {
        let turns = Turns::new(1);
        let first = turns.take(&tenant("a")).await;
        let waits = tenant("a");
        let mut gone = turns.take(&waits).boxed();
        assert!(futures::poll!(&mut gone).is_pending());
        drop(gone);
        drop(first);
        let other = tenant("b");
        let again = turns.take(&other).now_or_never();
        assert!(again.is_some());
    }
}
