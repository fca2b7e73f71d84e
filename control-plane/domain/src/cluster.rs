//! The control plane itself: its name and what its voters understand.

use std::fmt;

use takt_model::{Revision, UnixNano};
use uuid::Uuid;

use crate::{Facts, Kind, Resource, State, Subject};

/// The level that every version with more than one voter understands; nothing has to be said to write its events.
pub const FIRST_LEVEL: u32 = 8;

/// Names a cluster, so that nodes of two do not mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub Uuid);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.hyphenated())
    }
}

/// The part of the state that is this aggregate's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// A lone voter that nobody ever joined has no name.
    pub id: Option<ClusterId>,
    pub founded_at: UnixNano,
    /// Events above this level are not written: some voter may not understand them.
    pub level: u32,
    pub version: Revision,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            id: None,
            founded_at: UnixNano(0),
            level: FIRST_LEVEL,
            version: Revision(0),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Gives the cluster its name, once.
    Found { id: ClusterId },
    /// Every voter understands events of this level.
    RaiseLevel { level: u32 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Founded { id: ClusterId },
    LevelRaised { level: u32 },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("this is cluster `{0}` already; a cluster is founded once")]
    Founded(ClusterId),
    #[error("level `{asked}` is below level `{current}`, at which events may have been written")]
    LevelFalls { asked: u32, current: u32 },
}

impl Event {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::named(Resource::Cluster, "")
    }
}

impl Rejection {
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Founded(_) => "CLUSTER_FOUNDED",
            Self::LevelFalls { .. } => "CLUSTER_LEVEL_FALLS",
        }
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Founded(_) | Self::LevelFalls { .. } => Kind::Conflict,
        }
    }

    /// The field of the request that is at fault, if it is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Founded(_) => None,
            Self::LevelFalls { .. } => Some("level"),
        }
    }
}

pub(crate) fn decide(
    state: &State,
    command: &Command,
    _facts: &Facts,
) -> Result<Vec<crate::Event>, crate::Rejection> {
    let cluster = &state.cluster;
    let event = match *command {
        Command::Found { id } => match cluster.id {
            None => Event::Founded { id },
            Some(known) if known == id => return Ok(Vec::new()),
            Some(known) => return Err(Rejection::Founded(known).into()),
        },
        Command::RaiseLevel { level } if level < cluster.level => {
            let (asked, current) = (level, cluster.level);
            return Err(Rejection::LevelFalls { asked, current }.into());
        }
        Command::RaiseLevel { level } if level == cluster.level => return Ok(Vec::new()),
        Command::RaiseLevel { level } => Event::LevelRaised { level },
    };
    Ok(vec![event.into()])
}

/// Folds one event; `version` is the revision after it.
pub(crate) fn evolve(state: &mut State, event: &Event, at: UnixNano, version: Revision) {
    let cluster = &mut state.cluster;
    match *event {
        Event::Founded { id } => {
            cluster.id = Some(id);
            cluster.founded_at = at;
        }
        Event::LevelRaised { level } => cluster.level = level,
    }
    cluster.version = version;
}
