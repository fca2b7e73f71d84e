//! Which traces are kept: sampling policies by tenant.

use takt_model::{Revision, UnixNano};

use crate::{Facts, Kind, State, Subject};

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match *self {}
    }
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match *self {}
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match *self {}
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match *self {}
    }
}

pub(crate) fn decide(
    _state: &State,
    command: &Command,
    _facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    match *command {}
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(_state: &mut State, event: &Event, _at: UnixNano, _version: Revision) {
    match *event {}
}
