//! The block builder's memory across restarts: which journal ranges went into which blocks.
//!
//! A small JSON file, replaced atomically (write beside, fsync, rename, fsync the directory). It
//! holds only cuts that a replay could still meet: those that end after the journal's commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use takt_journal::Offset;
use takt_live::{Covered, Cut, CutRange};
use takt_model::{BlockId, TenantId, TraceId};

/// Why the checkpoint cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("checkpoint `{path}`: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "checkpoint `{path}` is not readable as version {VERSION}: {reason}; remove it only if spans stored twice are acceptable"
    )]
    Format { path: PathBuf, reason: String },
}

const VERSION: u32 = 1;

/// Cuts by tenant, in order.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    cuts: BTreeMap<TenantId, Vec<Entry>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    block: BlockId,
    range: CutRange,
    done: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    tenants: BTreeMap<String, Vec<StoredEntry>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEntry {
    block: String,
    from: u64,
    to: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    carried: Vec<String>,
    done: bool,
}

impl Checkpoint {
    /// Reads the file, or begins a new one where there is none.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    path: path.to_owned(),
                    cuts: BTreeMap::new(),
                });
            }
            Err(source) => {
                return Err(CheckpointError::Io {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let cuts = parse(&text).map_err(|reason| CheckpointError::Format {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self {
            path: path.to_owned(),
            cuts,
        })
    }

    /// Records a cut before its block is written.
    ///
    /// # Errors
    /// When the file cannot be replaced.
    pub fn begin(&mut self, tenant: &TenantId, cut: &Cut) -> Result<(), CheckpointError> {
        let range = CutRange {
            from: cut.from,
            to: cut.to,
            carried: cut.carried.clone(),
        };
        self.cuts.entry(tenant.clone()).or_default().push(Entry {
            block: cut.block,
            range,
            done: false,
        });
        self.save()
    }

    /// Records that a block is stored.
    ///
    /// # Errors
    /// When the file cannot be replaced.
    pub fn finish(&mut self, tenant: &TenantId, block: BlockId) -> Result<(), CheckpointError> {
        for entry in self
            .cuts
            .get_mut(tenant)
            .into_iter()
            .flatten()
            .filter(|entry| entry.block == block)
        {
            entry.done = true;
        }
        self.save()
    }

    /// Forgets a cut whose block never was completed; its spans come from the journal again.
    ///
    /// # Errors
    /// When the file cannot be replaced.
    pub fn abandon(&mut self, tenant: &TenantId, block: BlockId) -> Result<(), CheckpointError> {
        if let Some(cuts) = self.cuts.get_mut(tenant) {
            cuts.retain(|entry| entry.block != block);
        }
        self.save()
    }

    /// Forgets finished cuts that no replay from `offset` can meet.
    ///
    /// # Errors
    /// When the file cannot be replaced.
    pub fn forget_before(&mut self, offset: Offset) -> Result<(), CheckpointError> {
        let count =
            |cuts: &BTreeMap<TenantId, Vec<Entry>>| cuts.values().map(Vec::len).sum::<usize>();
        let before = count(&self.cuts);
        self.cuts.retain(|_, cuts| {
            cuts.retain(|entry| !entry.done || entry.range.to > offset);
            !cuts.is_empty()
        });
        if count(&self.cuts) == before {
            Ok(())
        } else {
            self.save()
        }
    }

    /// Takes back what is said about records from `end` on, which the journal does not have (a crash of
    /// the machine may take those that were not synced): their numbers are given out again.
    ///
    /// # Errors
    /// When the file cannot be replaced.
    pub fn cut_off(&mut self, end: Offset) -> Result<(), CheckpointError> {
        let ranges = || self.cuts.values().flatten().map(|entry| &entry.range);
        if ranges().all(|range| range.to <= end) {
            return Ok(());
        }
        for entry in self.cuts.values_mut().flatten() {
            entry.range.from = entry.range.from.min(end);
            entry.range.to = entry.range.to.min(end);
        }
        self.save()
    }

    /// The cuts of which nobody recorded whether their block was completed.
    #[must_use]
    pub fn pending(&self) -> BTreeSet<(TenantId, BlockId)> {
        let pending = |(tenant, cuts): (&TenantId, &Vec<Entry>)| {
            cuts.iter()
                .filter(|entry| !entry.done)
                .map(|entry| (tenant.clone(), entry.block))
                .collect::<Vec<_>>()
        };
        self.cuts.iter().flat_map(pending).collect()
    }

    /// What the live store must skip when it replays the journal.
    #[must_use]
    pub fn covered(&self) -> BTreeMap<TenantId, Covered> {
        let done = |cuts: &Vec<Entry>| {
            Covered::new(
                cuts.iter()
                    .filter(|entry| entry.done)
                    .map(|entry| entry.range.clone())
                    .collect(),
            )
        };
        self.cuts
            .iter()
            .map(|(tenant, cuts)| (tenant.clone(), done(cuts)))
            .collect()
    }

    /// Writes down what is known, after an attempt that failed.
    ///
    /// # Errors
    /// When the file cannot be replaced.
    pub fn save(&self) -> Result<(), CheckpointError> {
        replace(&self.path, &render(&self.cuts)).map_err(|source| CheckpointError::Io {
            path: self.path.clone(),
            source,
        })
    }
}

fn parse(text: &[u8]) -> Result<BTreeMap<TenantId, Vec<Entry>>, String> {
    let stored: Stored = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if stored.version != VERSION {
        return Err(format!("it is of version {}", stored.version));
    }
    stored
        .tenants
        .into_iter()
        .map(|(tenant, entries)| {
            let tenant = TenantId::new(&tenant).map_err(|error| error.to_string())?;
            let entries = entries.into_iter().map(entry).collect::<Result<_, _>>()?;
            Ok((tenant, entries))
        })
        .collect()
}

fn entry(stored: StoredEntry) -> Result<Entry, String> {
    let block = stored
        .block
        .parse()
        .map_err(|error: takt_model::IdError| error.to_string())?;
    let carried = stored
        .carried
        .iter()
        .map(|id| TraceId::parse(id))
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    Ok(Entry {
        block,
        range: CutRange {
            from: Offset(stored.from),
            to: Offset(stored.to),
            carried,
        },
        done: stored.done,
    })
}

fn render(cuts: &BTreeMap<TenantId, Vec<Entry>>) -> Vec<u8> {
    let stored = |entry: &Entry| StoredEntry {
        block: entry.block.to_string(),
        from: entry.range.from.0,
        to: entry.range.to.0,
        carried: entry
            .range
            .carried
            .iter()
            .map(ToString::to_string)
            .collect(),
        done: entry.done,
    };
    let tenants = cuts
        .iter()
        .map(|(tenant, entries)| (tenant.to_string(), entries.iter().map(stored).collect()))
        .collect();
    serde_json::to_vec(&Stored {
        version: VERSION,
        tenants,
    })
    .expect("strings and numbers always serialise")
}

/// Replaces a file so that a crash leaves the old or the new one, whole.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(block: u128, from: u64, to: u64, done: bool) -> Entry {
        let carried = BTreeSet::from([TraceId([7; 16])]);
        Entry {
            block: BlockId(uuid::Uuid::from_u128(block)),
            range: CutRange {
                from: Offset(from),
                to: Offset(to),
                carried,
            },
            done,
        }
    }

    #[test]
    fn what_is_saved_is_read_back_and_old_cuts_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        let tenant = TenantId::single();
        let mut checkpoint = Checkpoint::open(&path).unwrap();
        checkpoint.cuts.insert(
            tenant.clone(),
            vec![entry(1, 0, 10, true), entry(2, 10, 20, false)],
        );
        checkpoint.save().unwrap();

        let mut again = Checkpoint::open(&path).unwrap();
        assert_eq!(again.cuts, checkpoint.cuts);
        assert_eq!(again.pending().len(), 1);
        assert!(
            !again.covered()[&tenant].reaches(Offset(10)),
            "a pending cut covers nothing"
        );

        again
            .finish(&tenant, BlockId(uuid::Uuid::from_u128(2)))
            .unwrap();
        assert!(again.covered()[&tenant].contains(Offset(10), TraceId([1; 16])));
        again.forget_before(Offset(20)).unwrap();
        assert!(Checkpoint::open(&path).unwrap().cuts.is_empty());
    }

    #[test]
    fn what_the_journal_lost_is_covered_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        let tenant = TenantId::single();
        let mut checkpoint = Checkpoint::open(&path).unwrap();
        checkpoint.cuts.insert(
            tenant.clone(),
            vec![entry(1, 0, 10, true), entry(2, 10, 20, true)],
        );
        checkpoint.cut_off(Offset(8)).unwrap();
        let covered = &Checkpoint::open(&path).unwrap().covered()[&tenant];
        assert!(covered.contains(Offset(7), TraceId([1; 16])));
        assert!(!covered.reaches(Offset(8)), "number 8 is given out again");
    }

    #[test]
    fn a_damaged_checkpoint_is_refused_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        for text in [
            "",
            "{",
            r#"{"version":9,"tenants":{}}"#,
            r#"{"version":1,"tenants":{"a/b":[]}}"#,
        ] {
            fs::write(&path, text).unwrap();
            assert!(
                Checkpoint::open(&path)
                    .unwrap_err()
                    .to_string()
                    .contains("checkpoint.json"),
                "{text}"
            );
        }
    }
}
