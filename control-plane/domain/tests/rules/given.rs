//! Given what happened, when somebody asks, then this follows.

use takt_domain::{Applied, Batch, Command, CommandId, Event, Facts, Rejection, State, decide};
use takt_model::{Revision, UnixNano};
use uuid::Uuid;

/// The command that is asked in [`Given::when`].
pub(crate) const ASKED: CommandId = CommandId(Uuid::from_u128(1001));

/// What happened before, all at time 1, and what time it is when somebody asks.
pub(crate) struct Given {
    state: State,
    now: UnixNano,
}

pub(crate) struct When {
    state: State,
    now: UnixNano,
    decided: Result<Vec<Event>, Rejection>,
}

pub(crate) fn given<E: Into<Event>>(events: impl IntoIterator<Item = E>) -> Given {
    let mut state = State::default();
    let events = events.into_iter().map(Into::into).collect();
    assert!(matches!(
        state.apply(&batch(1000, 0, events)),
        Applied::At(_)
    ));
    Given {
        state,
        now: UnixNano(1),
    }
}

impl Given {
    /// Somebody asks at this time.
    pub(crate) fn at(mut self, now: UnixNano) -> Self {
        self.now = now;
        self
    }

    /// Something more happened, at the time that is set.
    pub(crate) fn and(mut self, command: u128, events: Vec<Event>) -> Self {
        let next = Batch {
            at: self.now,
            ..batch(command, self.state.revision.0, events)
        };
        assert!(matches!(self.state.apply(&next), Applied::At(_)));
        self
    }

    pub(crate) fn when(self, command: impl Into<Command>) -> When {
        let facts = Facts {
            at: self.now,
            command: ASKED,
        };
        let decided = decide(&self.state, &command.into(), &facts);
        When {
            state: self.state,
            now: self.now,
            decided,
        }
    }
}

impl When {
    pub(crate) fn then<E: Into<Event>>(self, events: impl IntoIterator<Item = E>) -> Self {
        let expected: Vec<Event> = events.into_iter().map(Into::into).collect();
        assert_eq!(self.decided.as_ref().unwrap(), &expected);
        self
    }

    /// It is so already.
    pub(crate) fn nothing(self) -> Self {
        self.then(Vec::<Event>::new())
    }

    pub(crate) fn refused(self, rejection: impl Into<Rejection>) {
        assert_eq!(self.refusal(), rejection.into());
    }

    pub(crate) fn refusal(self) -> Rejection {
        self.decided.unwrap_err()
    }

    /// The state once what follows is applied.
    pub(crate) fn state(self, check: impl FnOnce(&State)) {
        check(&self.after());
    }

    pub(crate) fn after(mut self) -> State {
        let next = Batch {
            at: self.now,
            ..batch(1001, self.state.revision.0, self.decided.unwrap())
        };
        self.state.apply(&next);
        self.state
    }
}

pub(crate) fn batch(command: u128, decided_at: u64, events: Vec<Event>) -> Batch {
    Batch {
        command: CommandId(Uuid::from_u128(command)),
        actor: "test".into(),
        at: UnixNano(1),
        decided_at: Revision(decided_at),
        after: None,
        events,
    }
}
