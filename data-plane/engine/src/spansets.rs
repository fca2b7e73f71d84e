//! The spansets of many traces at once: disjoint sets of rows.

use std::borrow::Cow;
use std::rc::Rc;

use takt_trace::{SpanColumns, Value};

use crate::bitmap::Bitmap;
use crate::find::{Same, Search};
use crate::guard::Stopped;
use crate::value::{Val, shown};

/// Spansets by number. Until something splits them, each trace has one, and its number is the trace's ordinal.
#[derive(Clone)]
pub(crate) struct Spansets<'a> {
    /// The rows of all spansets; one without rows is not there.
    pub(crate) rows: Bitmap,
    /// Which spanset each of those rows is in. Other rows say nothing.
    pub(crate) set_of: Cow<'a, [u32]>,
    /// How many numbers there are.
    pub(crate) count: usize,
    /// Whether they have been split: then number and trace differ.
    pub(crate) split: bool,
    /// Which events and links were spoken of: what is grouped and measured is theirs.
    pub(crate) same: Rc<[Same]>,
    /// In the order in which the query made them.
    pub(crate) attributes: Vec<Attribute>,
}

/// What the answer says of each spanset under one key, such as `count()`.
#[derive(Clone)]
pub(crate) struct Attribute {
    pub(crate) key: String,
    pub(crate) of: Values,
}

#[derive(Clone)]
pub(crate) enum Values {
    /// By number of the spanset.
    Numbers(Vec<Option<Val<'static>>>),
    /// A code for each number of a spanset, and a value for each code.
    Coded { codes: Vec<u32>, values: Vec<Value> },
}

impl<'a> Spansets<'a> {
    /// One spanset for each trace that has any of `rows`.
    pub(crate) fn of_traces(columns: &'a SpanColumns, rows: Bitmap) -> Self {
        Self {
            rows,
            set_of: Cow::Borrowed(&columns.trace),
            count: columns.traces.len(),
            split: false,
            same: Rc::default(),
            attributes: Vec::new(),
        }
    }

    /// The same spansets with these rows only.
    pub(crate) fn with_rows(&self, rows: Bitmap) -> Self {
        Self {
            rows,
            set_of: self.set_of.clone(),
            count: self.count,
            split: self.split,
            same: Rc::clone(&self.same),
            attributes: self.attributes.clone(),
        }
    }

    /// Which spansets have any of `rows`.
    pub(crate) fn with_any(&self, rows: &Bitmap, search: &Search<'_>) -> Result<Bitmap, Stopped> {
        let mut sets = Bitmap::none(self.count);
        search.guard.each(rows.iter(), |row| {
            sets.insert(self.set_of[row as usize]);
        })?;
        Ok(sets)
    }

    /// Those of `rows` that are in one of `sets`.
    pub(crate) fn among(
        &self,
        rows: &Bitmap,
        sets: &Bitmap,
        search: &Search<'_>,
    ) -> Result<Bitmap, Stopped> {
        if sets.is_full() {
            return Ok(rows.clone());
        }
        search.filter(rows, |row| sets.has(self.set_of[row as usize]))
    }

    /// Notes what is known of each spanset, in place of what was known under the same key.
    pub(crate) fn note(&mut self, key: &str, of: Values) {
        self.attributes.retain(|attribute| attribute.key != key);
        self.attributes.push(Attribute {
            key: key.to_owned(),
            of,
        });
    }
}

impl Attribute {
    /// What it says of one spanset.
    pub(crate) fn of_set(&self, set: u32) -> Option<Value> {
        match &self.of {
            Values::Numbers(numbers) => numbers[set as usize].map(shown),
            Values::Coded { codes, values } => Some(values[codes[set as usize] as usize].clone()),
        }
    }

    /// The same for new spansets, each of which was part of one of `parents`.
    pub(crate) fn inherited(&self, parents: &[u32]) -> Self {
        let of = match &self.of {
            Values::Numbers(numbers) => {
                Values::Numbers(parents.iter().map(|set| numbers[*set as usize]).collect())
            }
            Values::Coded { codes, values } => Values::Coded {
                codes: parents.iter().map(|set| codes[*set as usize]).collect(),
                values: values.clone(),
            },
        };
        Self {
            key: self.key.clone(),
            of,
        }
    }
}
