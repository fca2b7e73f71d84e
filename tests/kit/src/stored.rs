//! What lies in the blocks of a local directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

/// Blocks of all tenants.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stored {
    pub blocks: usize,
    pub spans: usize,
    /// Of every file of every block, indexes included.
    pub bytes: u64,
}

impl Stored {
    /// Adds up `<tenant>/<block>` under `dir`; a block without its `meta.json` does not exist yet.
    ///
    /// # Errors
    /// When something there cannot be read.
    pub fn under(dir: &Path) -> anyhow::Result<Self> {
        let mut sum = Self::default();
        for tenant in directories(dir)? {
            for block in directories(&tenant)? {
                sum.add(&block)?;
            }
        }
        Ok(sum)
    }

    fn add(&mut self, block: &Path) -> anyhow::Result<()> {
        let Ok(meta) = fs::read(block.join("meta.json")) else {
            return Ok(());
        };
        let meta: Value = serde_json::from_slice(&meta)?;
        let spans = meta["takt"]["spans"]
            .as_u64()
            .context("a block without its number of spans")?;
        self.blocks += 1;
        self.spans += usize::try_from(spans)?;
        for file in fs::read_dir(block)? {
            self.bytes += file?.metadata()?.len();
        }
        Ok(())
    }
}

fn directories(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !dir.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    Ok(found)
}
