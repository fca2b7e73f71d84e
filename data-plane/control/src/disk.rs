//! The last view on disk: one file, replaced whole.
//!
//! ```text
//! bytes  what
//! 8      `TAKTVIEW`
//! 4      version of this layout, little endian, as all numbers here
//! 4      length of a part, n            } as often as there are parts,
//! n      `takt.control.v1.StoredView`   } then a length of zero
//! 4      CRC-32 of everything before
//! ```

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use prost::Message as _;
use takt_model::UnixNano;
use takt_wire::takt::control::v1 as wire;

use crate::held::Held;

const MAGIC: &[u8; 8] = b"TAKTVIEW";
const VERSION: u32 = 1;
const FILE: &str = "view.bin";
const DAMAGED: &str = "view.damaged";
/// A part has some thousand rows; a longer one is damage.
const PART_BYTES_MAX: u32 = 256 << 20;

/// Why the view on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    #[error("cannot read or write `{path}`")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// What was found on disk.
#[derive(Debug)]
pub(crate) enum Found {
    Nothing,
    View(Held, UnixNano),
    /// It was put aside under this name.
    Damaged {
        aside: PathBuf,
        why: Damage,
    },
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    #[error("it is no view")]
    Magic,
    #[error("its layout {0} is not known; a newer version wrote it")]
    Version(u32),
    #[error("its checksum is wrong")]
    Checksum,
    #[error("it cannot be read to its end")]
    Read(#[from] io::Error),
    #[error("a part of it cannot be read")]
    Part(#[from] prost::DecodeError),
    #[error("what it says makes no sense: {0}")]
    Sense(String),
}

/// Reads what [`save`] wrote into `empty`.
pub(crate) fn load(dir: &Path, empty: Held) -> Result<Found, DiskError> {
    let path = dir.join(FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(source) => return Err(DiskError::Io { path, source }),
    };
    match read(BufReader::new(file), empty) {
        Ok((held, confirmed_at)) => Ok(Found::View(held, confirmed_at)),
        Err(why) => {
            let aside = dir.join(DAMAGED);
            match fs::rename(&path, &aside) {
                Ok(()) => Ok(Found::Damaged { aside, why }),
                Err(source) => Err(DiskError::Io { path, source }),
            }
        }
    }
}

fn read(file: impl Read, mut held: Held) -> Result<(Held, UnixNano), Damage> {
    let mut file = Summing::new(file);
    if file.array()? != *MAGIC {
        return Err(Damage::Magic);
    }
    let version = file.number()?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    let mut confirmed_at = UnixNano(0);
    loop {
        let length = file.number()?;
        if length == 0 {
            break;
        }
        let part = wire::StoredView::decode(file.bytes(length)?.as_slice())?;
        confirmed_at = UnixNano(part.confirmed_at);
        held.apply(part.part.unwrap_or_default())
            .map_err(|error| Damage::Sense(error.to_string()))?;
    }
    let sum = file.sum.clone().finalize();
    if file.number()? != sum {
        return Err(Damage::Checksum);
    }
    Ok((held, confirmed_at))
}

/// Replaces the file, synced: a crash leaves the old or the new view, never half of one.
pub(crate) fn save(dir: &Path, held: &Held, confirmed_at: UnixNano) -> Result<(), DiskError> {
    let path = dir.join(FILE);
    replace(dir, &path, held, confirmed_at).map_err(|source| DiskError::Io { path, source })
}

fn replace(dir: &Path, path: &Path, held: &Held, confirmed_at: UnixNano) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let fresh = path.with_extension("new");
    let mut file = Summing::new(BufWriter::new(File::create(&fresh)?));
    write(&mut file, held, confirmed_at)?;
    let file = file.inner.into_inner().map_err(io::Error::from)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(dir)?.sync_all()
}

fn write(file: &mut Summing<impl Write>, held: &Held, confirmed_at: UnixNano) -> io::Result<()> {
    file.put(MAGIC)?;
    file.put(&VERSION.to_le_bytes())?;
    for part in held.parts() {
        let part = wire::StoredView {
            confirmed_at: confirmed_at.0,
            part: Some(part),
        };
        let bytes = part.encode_to_vec();
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        file.put(&length.to_le_bytes())?;
        file.put(&bytes)?;
    }
    file.put(&0_u32.to_le_bytes())?;
    let sum = file.sum.clone().finalize();
    file.put(&sum.to_le_bytes())
}

/// Sums what goes through.
struct Summing<F> {
    inner: F,
    sum: Hasher,
}

impl<F> Summing<F> {
    fn new(inner: F) -> Self {
        let sum = Hasher::new();
        Self { inner, sum }
    }
}

impl<F: Write> Summing<F> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.inner.write_all(bytes)
    }
}

impl<F: Read> Summing<F> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes)?;
        self.sum.update(&bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn bytes(&mut self, length: u32) -> io::Result<Vec<u8>> {
        if length > PART_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = Vec::new();
        // Not all at once: the length may be damaged too.
        (&mut self.inner)
            .take(length.into())
            .read_to_end(&mut bytes)?;
        self.sum.update(&bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
