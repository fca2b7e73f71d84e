//! What a subscriber has to hear, in messages of bounded size.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use takt_domain::{Resource, State, Subject};
use takt_views::{Filter, Heard, Moment};

use super::page;

const ROWS_MAX: usize = 1000;
const BYTES_MAX: usize = 256 << 10;

/// One message.
#[derive(Debug)]
pub(crate) struct Part<T> {
    pub(crate) reset: bool,
    pub(crate) more: bool,
    pub(crate) rows: Vec<(Subject, Stands<T>)>,
}

/// How it is with a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stands<T> {
    Here(T),
    /// It is there no more.
    Gone,
    /// What there was of its kind and tenant is to be forgotten; what there is follows.
    AllGone,
}

impl<T> Stands<T> {
    pub(crate) fn here(self) -> Option<T> {
        match self {
            Self::Here(row) => Some(row),
            Self::Gone | Self::AllGone => None,
        }
    }
}

/// What is left to be said of one step. It is made when it is asked for, from one state.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) state: Arc<State>,
    /// Where the subscriber is after all of them.
    pub(crate) moment: Moment,
    filter: Filter,
    whole: bool,
    changed: VecDeque<Subject>,
    /// Over all there is, or over all of what was just said to be forgotten.
    cursor: Option<Cursor>,
    first: bool,
}

impl Parts {
    pub(crate) fn new(heard: Heard, moment: Moment, filter: &Filter) -> Self {
        let state = Arc::clone(heard.state());
        let (whole, changed, cursor) = match heard {
            Heard::Changed { subjects, .. } => (false, subjects.into_iter().collect(), None),
            Heard::Reset(_) => (true, VecDeque::new(), Some(Cursor::new(filter.clone()))),
        };
        Self {
            state,
            moment,
            filter: filter.clone(),
            whole,
            changed,
            cursor,
            first: true,
        }
    }

    /// Whether they are everything there is.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// The next message; there is always a first one. `row` gives a row and its size.
    pub(crate) fn next<T>(
        &mut self,
        row: impl Fn(&State, &Subject) -> Option<(T, usize)>,
    ) -> Part<T> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        while rows.len() < ROWS_MAX
            && bytes < BYTES_MAX
            && let Some(subject) = self.subject()
        {
            if subject.is_all() {
                self.begin(&subject);
                rows.push((subject, Stands::AllGone));
                continue;
            }
            match row(&self.state, &subject) {
                Some((row, size)) => {
                    bytes += size;
                    rows.push((subject, Stands::Here(row)));
                }
                None if self.whole => {}
                None => rows.push((subject, Stands::Gone)),
            }
        }
        Part {
            reset: self.whole && std::mem::replace(&mut self.first, false),
            more: self.more(),
            rows,
        }
    }

    fn subject(&mut self) -> Option<Subject> {
        let (cursor, state) = (&mut self.cursor, &self.state);
        let found = cursor.as_mut().and_then(|cursor| cursor.next(state));
        found.or_else(|| self.changed.pop_front())
    }

    /// Goes on with all of a kind and tenant.
    fn begin(&mut self, all: &Subject) {
        self.cursor = Some(Cursor::new(Filter {
            resources: [all.resource].into(),
            tenant: all.tenant.clone(),
            name: self.filter.name.clone(),
        }));
    }

    fn more(&mut self) -> bool {
        let (cursor, state) = (&mut self.cursor, &self.state);
        !self.changed.is_empty() || cursor.as_mut().is_some_and(|cursor| cursor.fill(state))
    }
}

/// Goes over everything a filter wants, holding a page of it.
#[derive(Debug)]
struct Cursor {
    filter: Filter,
    kinds: BTreeSet<Resource>,
    page: VecDeque<Subject>,
    last: Option<Subject>,
}

impl Cursor {
    fn new(filter: Filter) -> Self {
        let kinds = Resource::ALL.into_iter();
        Self {
            kinds: kinds.filter(|kind| filter.wants(*kind)).collect(),
            filter,
            page: VecDeque::new(),
            last: None,
        }
    }

    fn next(&mut self, state: &State) -> Option<Subject> {
        self.fill(state);
        self.page.pop_front()
    }

    /// Whether there is anything left.
    fn fill(&mut self, state: &State) -> bool {
        while self.page.is_empty() {
            let Some(kind) = self.kinds.first().copied() else {
                return false;
            };
            let tenant = self.filter.tenant.as_ref();
            let found = page(state, kind, tenant, self.last.as_ref(), ROWS_MAX);
            self.last = found.last().cloned();
            if self.last.is_none() {
                self.kinds.pop_first();
            }
            let wanted = found.into_iter();
            self.page
                .extend(wanted.filter(|subject| self.filter.admits(subject)));
        }
        true
    }
}
