//! Keeps the read models up to date and lets others follow them.

use std::sync::Arc;

use takt_domain::overrides::Values;
use takt_kit::Tasks;
use takt_log::{Handle, ReadError};
use takt_model::{Revision, TenantId, UnixNano};
use tokio::sync::watch;

use crate::{Directory, Row};

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Views {
    directory: watch::Receiver<Arc<Directory>>,
}

/// What a follower needs to have everything up to `revision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub revision: Revision,
    pub decided_at: UnixNano,
    /// The follower came with a revision that was never here: it must forget what it had.
    pub reset: bool,
    /// Present when it changed.
    pub defaults: Option<Arc<Values>>,
    /// Each changed tenant as it stands.
    pub tenants: Vec<(TenantId, Arc<Row>)>,
}

/// Follows the directory from a revision.
#[derive(Debug)]
pub struct Watch {
    directory: watch::Receiver<Arc<Directory>>,
    /// `None` before the first change was handed out.
    sent: Option<Revision>,
    after: Revision,
}

impl Views {
    /// Begins with the state as it is applied now, so that no follower sees less than there was, and folds
    /// the log until the group `tasks` stops.
    #[must_use]
    pub fn start(log: Handle, tasks: &Tasks) -> Self {
        let begin = Arc::new(Directory::of(&log.state()));
        let (publish, directory) = watch::channel(begin);
        tasks.spawn("control_views", run(log, publish, tasks.clone()));
        Self { directory }
    }

    /// The directory as far as it is folded.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.borrow())
    }

    /// Follows from a revision. The first change comes at once, even if it says nothing.
    #[must_use]
    pub fn watch(&self, after: Revision) -> Watch {
        Watch {
            directory: self.directory.clone(),
            sent: None,
            after,
        }
    }
}

impl Watch {
    /// The next change; `None` when the control plane stops. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Change> {
        let sent = self.sent;
        let directory = self
            .directory
            .wait_for(|directory| sent.is_none_or(|sent| directory.revision > sent))
            .await
            .ok()?;
        let directory = Arc::clone(&directory);
        let change = change(&directory, self.sent.unwrap_or(self.after));
        self.sent = Some(change.revision);
        Some(change)
    }
}

fn change(directory: &Directory, after: Revision) -> Change {
    let reset = after > directory.revision;
    let after = if reset { Revision(0) } else { after };
    let tenants = directory
        .tenants
        .iter()
        .filter(|(_, row)| row.changed_at() > after)
        .map(|(id, row)| (id.clone(), Arc::clone(row)));
    Change {
        revision: directory.revision,
        decided_at: directory.decided_at,
        reset,
        defaults: (directory.defaults.version > after).then(|| Arc::clone(&directory.defaults)),
        tenants: tenants.collect(),
    }
}

async fn run(
    log: Handle,
    publish: watch::Sender<Arc<Directory>>,
    tasks: Tasks,
) -> Result<(), ReadError> {
    let mut applied = log.applied();
    let stopped = tasks.stopped();
    tokio::pin!(stopped);
    let mut directory = Directory::clone(&publish.borrow());
    loop {
        let revision = *applied.borrow_and_update();
        while directory.revision < revision {
            directory = Directory::of(&log.state());
            publish.send_replace(Arc::new(directory.clone()));
        }
        tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            changed = applied.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}
