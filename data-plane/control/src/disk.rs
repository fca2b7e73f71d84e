//! The last view on disk: one small file, replaced whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use prost::Message as _;
use takt_model::UnixNano;
use takt_wire::takt::control::v1 as wire;

use crate::held::Held;

const VERSION: u32 = 1;
const FILE: &str = "view.binpb";

/// Why the view on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    #[error("cannot read or write `{path}`")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "`{0}` is damaged or of a newer version; delete it to begin with the defaults until the control plane answers"
    )]
    Unreadable(PathBuf),
}

/// Reads what [`save`] wrote; `None` when nothing ever was.
pub(crate) fn load(dir: &Path) -> Result<Option<(Held, UnixNano)>, DiskError> {
    let path = dir.join(FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(DiskError::Io { path, source }),
    };
    match decode(&bytes) {
        Some(found) => Ok(Some(found)),
        None => Err(DiskError::Unreadable(path)),
    }
}

fn decode(bytes: &[u8]) -> Option<(Held, UnixNano)> {
    let stored = wire::StoredView::decode(bytes).ok()?;
    if stored.version != VERSION {
        return None;
    }
    let mut held = Held::default();
    held.apply(stored.view?).ok()?;
    Some((held, UnixNano(stored.confirmed_at)))
}

/// Replaces the file, synced: a crash leaves the old or the new view, never half of one.
pub(crate) fn save(dir: &Path, held: &Held, confirmed_at: UnixNano) -> Result<(), DiskError> {
    let path = dir.join(FILE);
    let bytes = wire::StoredView {
        version: VERSION,
        confirmed_at: confirmed_at.0,
        view: Some(held.whole()),
    }
    .encode_to_vec();
    replace(dir, &path, &bytes).map_err(|source| DiskError::Io { path, source })
}

fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(dir)?.sync_all()
}
