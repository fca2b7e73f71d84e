//! Which columns a reader asks for.

use std::collections::BTreeSet;

/// One column of [`crate::SpanColumns`], by name.
///
/// Always present without asking: `traces`, `trace`, `previous`, the resource table and the scope table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    SpanId,
    ParentId,
    /// `SpanColumns::parent`.
    Parent,
    Start,
    Duration,
    Name,
    Kind,
    Status,
    StatusMessage,
    /// The reference of each span into the resource table.
    Resource,
    /// The reference of each span into the scope table.
    Scope,
    /// A span attribute, all its types.
    Attr(String),
    /// Events with span, time and name.
    Events,
    EventAttr(String),
    /// Links with span, trace id and span id.
    Links,
    LinkAttr(String),
    /// What only a whole trace needs: trace state, flags, dropped counts.
    Rest,
}

/// A set of columns, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Projection {
    All,
    Only(BTreeSet<Column>),
}

impl Projection {
    #[must_use]
    pub fn only(columns: impl IntoIterator<Item = Column>) -> Self {
        Self::Only(columns.into_iter().collect())
    }

    #[must_use]
    pub fn has(&self, column: &Column) -> bool {
        match self {
            Self::All => true,
            Self::Only(columns) => columns.contains(column),
        }
    }

    #[must_use]
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut mine), Self::Only(theirs)) => {
                mine.extend(theirs);
                Self::Only(mine)
            }
            _ => Self::All,
        }
    }
}
