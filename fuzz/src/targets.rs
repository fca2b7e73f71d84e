//! What is fuzzed: one file a reader.

mod block;
mod journal;
mod otlp;
mod traceql;

use std::fmt;
use std::path::Path;

/// A number for what an input did; equal effects are worth one place in the pool.
pub(crate) type Effect = u64;

/// One reader of foreign bytes.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) seeds: Vec<Vec<u8>>,
    /// Pieces worth putting in anywhere.
    pub(crate) words: &'static [&'static [u8]],
    pub(crate) run: fn(&[u8]) -> Effect,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Every target, with seeds from the directory of golden answers.
pub(crate) fn all(golden: &Path) -> anyhow::Result<Vec<Target>> {
    Ok(vec![
        otlp::target(golden)?,
        traceql::target(golden)?,
        journal::target()?,
        block::stored(golden)?,
        block::index(golden)?,
    ])
}

/// An effect from anything that prints.
pub(crate) fn effect(text: &str) -> Effect {
    use std::hash::BuildHasher as _;
    foldhash::fast::FixedState::default().hash_one(text)
}
