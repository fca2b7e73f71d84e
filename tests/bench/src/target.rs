//! Who is measured: a server of our own on a fresh directory, or one that runs already.

use std::path::Path;
use std::time::Duration;

use takt_testkit::{Client, Server, Stored, Usage};
use tempfile::TempDir;

/// Only what would refuse the load is changed; everything else is as it comes.
const OPTIONS: &str =
    "overrides: { defaults: { ingestion: { rate_limit_bytes: 10GB, burst_size_bytes: 10GB } } }\n";

/// How long the last spans may take to be in a block.
const SETTLE_BUDGET: Duration = Duration::from_secs(180);

#[derive(Debug)]
pub(crate) enum Target {
    Own { server: Server, _dir: TempDir },
    Peer(Peer),
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) url: String,
    pub(crate) otlp: String,
    pub(crate) pid: Option<u32>,
    pub(crate) settle: Duration,
}

impl Target {
    /// A server of our own, with `more` configuration.
    pub(crate) async fn start(takt: &Path, more: &str) -> anyhow::Result<Self> {
        let dir = TempDir::new()?;
        let options = format!("{OPTIONS}{more}");
        let server = Server::start(&takt.canonicalize()?, dir.path(), &options).await?;
        Ok(Self::Own { server, _dir: dir })
    }

    pub(crate) fn client(&self) -> Client {
        match self {
            Self::Own { server, .. } => server.client(),
            Self::Peer(peer) => Client::new(&peer.url),
        }
    }

    pub(crate) fn otlp(&self) -> String {
        match self {
            Self::Own { server, .. } => server.otlp_grpc(),
            Self::Peer(peer) => peer.otlp.clone(),
        }
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Option<Usage>> {
        match self {
            Self::Own { server, .. } => server.usage().map(Some),
            Self::Peer(peer) => peer.pid.map(Usage::of).transpose(),
        }
    }

    /// Waits until every span is in a block; says what they take there, where that can be seen.
    pub(crate) async fn settled(&self, spans: usize) -> anyhow::Result<Option<Stored>> {
        match self {
            Self::Own { server, .. } => server.stored(spans, SETTLE_BUDGET).await.map(Some),
            Self::Peer(peer) => {
                tokio::time::sleep(peer.settle).await;
                Ok(None)
            }
        }
    }
}
