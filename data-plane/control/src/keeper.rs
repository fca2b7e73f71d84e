//! Brings the view to disk, one at a time and not too often.

use std::path::PathBuf;
use std::time::Duration;

use takt_model::{Revision, UnixNano};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::disk::{self, DiskError};
use crate::held::Held;

/// How often the moment of the last confirmation is brought to disk while nothing changes.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// After a view was written, the next one waits this many times as long as that took: a small view is kept at
/// once, a large one does not keep the disk busy.
const REST: u32 = 10;
/// A view that could not be written is tried again after so long, then twice as long, up to [`KEEP_EVERY`].
const RETRY_FIRST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    /// What is under way.
    keeping: Option<Keeping>,
    /// When the next one is due.
    due_at: Instant,
    rest_until: Instant,
    /// How long the next failure makes it wait.
    retry: Duration,
    /// What is on disk, if that is known.
    kept: (Revision, Option<UnixNano>),
}

/// What the keeper wants next.
#[derive(Debug)]
pub(crate) enum Wanted {
    Nothing,
    /// The view as it is now: call [`Keeper::keep`].
    View,
    /// It could not be written.
    Attention(DiskError),
}

#[derive(Debug)]
struct Keeping {
    written: JoinHandle<Result<(), DiskError>>,
    began: Instant,
    what: (Revision, Option<UnixNano>),
}

impl Keeper {
    pub(crate) fn new(dir: PathBuf, revision: Revision, confirmed_at: Option<UnixNano>) -> Self {
        let now = Instant::now();
        Self {
            dir,
            keeping: None,
            due_at: now,
            rest_until: now,
            retry: RETRY_FIRST,
            kept: (revision, confirmed_at),
        }
    }

    /// There is something new to keep.
    pub(crate) fn changed(&mut self) {
        self.due_at = self.due_at.min(self.rest_until);
    }

    /// Waits until something is to be done. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Wanted {
        if self.keeping.is_none() {
            sleep_until(self.due_at).await;
            return Wanted::View;
        }
        match self.kept().await {
            Ok(()) => Wanted::Nothing,
            Err(error) => Wanted::Attention(error),
        }
    }

    pub(crate) fn keep(&mut self, held: &Held, confirmed_at: Option<UnixNano>) {
        let now = Instant::now();
        self.due_at = now + KEEP_EVERY;
        let what = (held.view.revision, confirmed_at);
        let Some(confirmed_at) = confirmed_at.filter(|_| what != self.kept) else {
            return;
        };
        let (dir, held) = (self.dir.clone(), held.clone());
        self.keeping = Some(Keeping {
            written: tokio::task::spawn_blocking(move || disk::save(&dir, &held, confirmed_at)),
            began: now,
            what,
        });
    }

    /// Waits for what is under way, if anything is.
    async fn kept(&mut self) -> Result<(), DiskError> {
        let Some(keeping) = self.keeping.as_mut() else {
            return Ok(());
        };
        let written = (&mut keeping.written).await;
        let took = keeping.began.elapsed();
        let what = keeping.what;
        self.keeping = None;
        self.rest_until = Instant::now() + took * REST;
        let written = written.unwrap_or_else(|panic| {
            Err(DiskError::Io {
                path: self.dir.clone(),
                source: std::io::Error::other(panic),
            })
        });
        match &written {
            Ok(()) => (self.kept, self.retry) = (what, RETRY_FIRST),
            // A decision holds even while the disk is full; it is tried again.
            Err(_) => {
                self.rest_until += self.retry;
                self.due_at = self.rest_until;
                self.retry = (self.retry * 2).min(KEEP_EVERY);
            }
        }
        written
    }

    /// Brings the last view to disk before everything ends.
    pub(crate) async fn finish(
        &mut self,
        held: &Held,
        confirmed_at: Option<UnixNano>,
    ) -> Result<(), DiskError> {
        self.kept().await?;
        self.keep(held, confirmed_at);
        self.kept().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_view_that_cannot_be_written_is_tried_again_less_and_less_often() {
        let dir = tempfile::tempdir().unwrap();
        // A file stands where the directory would have to be.
        let blocked = dir.path().join("view");
        std::fs::write(&blocked, "").unwrap();
        let mut keeper = Keeper::new(blocked.clone(), Revision(0), None);
        let held = Held::new(
            takt_model::Limits::default(),
            crate::view::UnknownTenants::Accept,
        );
        let mut waits = Vec::new();
        for _ in 0..8 {
            let failed = Instant::now();
            // Decisions keep coming.
            keeper.changed();
            assert!(matches!(keeper.next().await, Wanted::View));
            waits.push(failed.elapsed().as_secs());
            keeper.keep(&held, Some(UnixNano(1)));
            assert!(matches!(keeper.next().await, Wanted::Attention(_)));
        }
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60]);
        std::fs::remove_file(&blocked).unwrap();
        assert!(matches!(keeper.next().await, Wanted::View));
        keeper.keep(&held, Some(UnixNano(1)));
        assert!(matches!(keeper.next().await, Wanted::Nothing));
    }
}
