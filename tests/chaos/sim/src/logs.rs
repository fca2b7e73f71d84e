//! Holds the Raft logs of the nodes against each other, applied or not.

use std::collections::BTreeMap;

use takt_log::Kept;
use takt_model::Term;

use crate::violation::{Id, Violation};

/// Every entry that any node ever had, by index and term.
///
/// Two logs that have an entry of the same index and term have the same entries before it. It is enough
/// to see that they have the same entry, and before it entries of one term: the rest is induction.
#[derive(Debug, Default)]
pub(crate) struct Logs(BTreeMap<(u64, Term), Known>);

#[derive(Debug)]
struct Known {
    bytes: Vec<u8>,
    /// The term of the entry before, if it was ever seen with one.
    before: Option<Term>,
    /// Who had it first.
    node: u64,
}

impl Logs {
    /// A node shows what it keeps, in order.
    ///
    /// # Errors
    /// When it does not match what another showed, or the same before.
    pub(crate) fn look(&mut self, node: u64, log: Vec<Kept>) -> Result<(), Violation> {
        let mut last: Option<(u64, Term)> = None;
        for Kept { index, term, bytes } in log {
            let before = last.filter(|(at, _)| at + 1 == index).map(|(_, term)| term);
            last = Some((index, term));
            let known = self.0.entry((index, term)).or_insert_with(|| Known {
                bytes: bytes.clone(),
                before,
                node,
            });
            let same_before = match (known.before, before) {
                (Some(known), Some(found)) => known == found,
                (None, _) | (_, None) => true,
            };
            if known.bytes != bytes || !same_before {
                return Err(Id::LogMatching.violated(format!(
                    "node {node} has another entry {index} of term {} than node {} had, or before it one of another term",
                    term.0, known.node
                )));
            }
            known.before = known.before.or(before);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[u64]) -> Vec<Kept> {
        let entries = (1..).zip(terms);
        let entry = |(index, term): (u64, &u64)| Kept {
            index,
            term: Term(*term),
            bytes: vec![1],
        };
        entries.map(entry).collect()
    }

    fn broken(outcome: Result<(), Violation>) -> Id {
        outcome.unwrap_err().id
    }

    #[test]
    fn logs_that_match_are_let_pass() {
        let mut logs = Logs::default();
        logs.look(1, log(&[1, 1, 2])).unwrap();
        logs.look(2, log(&[1, 1, 1])).unwrap();
        logs.look(2, log(&[1, 1, 2, 2])).unwrap();
        let purged = log(&[1, 1, 2, 2]).split_off(2);
        logs.look(3, purged).unwrap();
    }

    #[test]
    fn another_entry_of_the_same_index_and_term_is_noticed() {
        let mut logs = Logs::default();
        logs.look(1, log(&[1, 1])).unwrap();
        let mut other = log(&[1, 1]);
        other[1].bytes = vec![2];
        assert_eq!(broken(logs.look(2, other)), Id::LogMatching);
    }

    #[test]
    fn another_term_before_the_same_entry_is_noticed() {
        let mut logs = Logs::default();
        logs.look(1, log(&[1, 2, 3])).unwrap();
        assert_eq!(broken(logs.look(2, log(&[1, 1, 3]))), Id::LogMatching);
    }
}
