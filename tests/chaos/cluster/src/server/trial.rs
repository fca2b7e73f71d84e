//! A server, writers, and the reckoning at the end.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use takt_testkit::{Server, eventually};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::server::ledger::{Ledger, Number};
use crate::server::writer::{self, Shared};

/// How long spans may take to be found after the last acknowledgement.
const FOUND_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) server: Server,
    shared: Arc<Shared>,
    writers: JoinSet<anyhow::Result<Vec<Number>>>,
    // Last, so that the server is gone before its directory.
    _dir: TempDir,
}

/// What was found in the end: every acknowledged span, exactly once.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) spans: u64,
    /// As the server logged them.
    pub(crate) blocks: usize,
    /// How many starts found a block that was being written when the run before was killed.
    unfinished: usize,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            spans,
            blocks,
            unfinished,
        } = self;
        write!(
            f,
            "{spans} acknowledged spans, each there exactly once ({blocks} blocks written, {unfinished} kills in the middle of one)"
        )
    }
}

impl Trial {
    pub(crate) async fn start(takt: &Path, options: &str, writers: usize) -> anyhow::Result<Self> {
        let dir = TempDir::new()?;
        let server = Server::start(takt, dir.path(), options).await?;
        let shared = Shared::new(server.otlp_grpc());
        let mut tasks = JoinSet::new();
        for _ in 0..writers {
            tasks.spawn(writer::write(Arc::clone(&shared)));
        }
        Ok(Self {
            server,
            shared,
            writers: tasks,
            _dir: dir,
        })
    }

    /// Ends the writing and counts; once as it is, and once from what a restart finds.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Outcome> {
        self.shared.enough();
        let mut ledger = Ledger::default();
        while let Some(acknowledged) = self.writers.join_next().await {
            writer::enter(&mut ledger, acknowledged??);
        }
        check(&ledger, &self.server)
            .await
            .with_context(|| self.server.log())?;
        self.server.stop().await?;
        self.server.run().await?;
        check(&ledger, &self.server)
            .await
            .context("after a restart")?;
        let log = self.server.log();
        Ok(Outcome {
            spans: ledger.spans(),
            blocks: log.matches("block stored").count(),
            unfinished: log.matches("ended while it wrote a block").count(),
        })
    }
}

/// Every acknowledged span exactly once, by trace id and by search.
pub(crate) async fn check(ledger: &Ledger, server: &Server) -> anyhow::Result<()> {
    let client = server.client();
    eventually(FOUND_WITHIN, || ledger.check_by_search(&client)).await?;
    ledger.check_by_trace_id(&client).await
}
