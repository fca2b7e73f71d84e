//! The first way in: a token in a file, for whoever can read the file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use takt_domain::access::TokenHash;

use super::secret::{NoRandomness, Secret, equal};

/// The token of the file.
#[derive(Debug, Clone)]
pub struct AdminToken(TokenHash);

#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    #[error("the admin token cannot be read from or written to `{path}`")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{path}` holds no token; delete it and one is made at the next start")]
    NotASecret { path: PathBuf },
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl AdminToken {
    /// The token in the file. If there is no file, one is made that only its owner can read, and the
    /// secret is handed out, to be shown once.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds something else.
    pub fn open(path: &Path) -> Result<(Self, Option<Secret>), BootstrapError> {
        let failed = |source| BootstrapError::File {
            path: path.to_owned(),
            source,
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let secret = Secret::read(text.trim());
                let secret = secret.ok_or_else(|| BootstrapError::NotASecret {
                    path: path.to_owned(),
                })?;
                Ok((Self::of(&secret), None))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secret = Secret::fresh()?;
                create(path, &secret).map_err(failed)?;
                Ok((Self::of(&secret), Some(secret)))
            }
            Err(error) => Err(failed(error)),
        }
    }

    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self(secret.hash())
    }

    pub(super) fn is(&self, secret: &Secret) -> bool {
        equal(&self.0, &secret.hash())
    }
}

fn create(path: &Path, secret: &Secret) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{}", secret.reveal())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_only_its_owner_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control/admin.token");
        let (made, shown) = AdminToken::open(&path).unwrap();
        let shown = shown.unwrap();
        assert!(made.is(&shown));
        let (read, again) = AdminToken::open(&path).unwrap();
        assert!(read.is(&shown));
        assert!(again.is_none(), "shown once");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_with_something_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin.token");
        std::fs::write(&path, "admin").unwrap();
        let refused = AdminToken::open(&path).unwrap_err();
        assert!(matches!(refused, BootstrapError::NotASecret { .. }));
    }
}
