//! The control log into a file or a bucket, and out of it again.

use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use clap::{Arg, ArgMatches, Command, value_parser};
use futures::TryStreamExt as _;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt as _, parse_url_opts};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::call::Client;
use super::schema::Verb;
use super::{flags, word};

pub(super) const NOUN: &str = "log";
pub(super) const BACKUP: &str = "backup";
pub(super) const RESTORE: &str = "restore";

const PLACES: &str = "A path, or a URL such as s3://bucket/key, gs://bucket/key or az://container/key; \
    credentials are taken from the environment, as AWS_ACCESS_KEY_ID";

/// What the contract cannot say of the commands of the log.
pub(super) fn commands(log: Command) -> Command {
    let place = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("FILE|URL")
            .required(true)
            .help(PLACES)
    };
    let restore = Command::new(RESTORE)
        .about("Make the control log of a node that has none from a backup; the node must not run")
        .arg(place("from"))
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The configuration of the node, which says where its log is"),
        );
    log.mut_subcommand(BACKUP, |backup| backup.arg(place("to")))
        .subcommand(restore)
}

/// Fetches the log of a running server.
///
/// # Errors
/// When the server breaks off, or the place cannot be written; then nothing is left there.
pub(super) async fn backup(client: &Client, verb: &Verb, matches: &ArgMatches) -> Result<String> {
    let to = word(matches, "to");
    let place = Place::parse(to)?;
    match place.store.head(&place.path).await {
        Err(object_store::Error::NotFound { .. }) => {}
        Ok(_) => bail!("`{to}` exists already; nothing was written"),
        Err(error) => return Err(error).with_context(|| format!("cannot look at `{to}`")),
    }
    let mut stream = client.stream(verb, flags::request(verb, matches)?).await?;
    let mut file = BufWriter::new(Arc::clone(&place.store), place.path.clone());
    let mut bytes = 0;
    let written: Result<()> = async {
        while let Some(message) = stream.message().await? {
            let piece = message.get_field_by_name("piece");
            let piece: Bytes = piece
                .and_then(|piece| piece.as_bytes().cloned())
                .context("the server sent something else than pieces of a backup")?;
            bytes += piece.len();
            file.put(piece).await?;
        }
        Ok(())
    }
    .await;
    if let Err(error) = written {
        // The reason of the failure matters more than what a failed clean-up would say.
        let _aborted = file.abort().await;
        return Err(error);
    }
    let finished = file.shutdown().await;
    finished.with_context(|| format!("cannot write `{to}`"))?;
    Ok(format!("{bytes} bytes in {to}\n"))
}

/// Makes a log on the disk of this machine.
///
/// # Errors
/// When there is one already, or the backup is damaged or too new; then nothing is left behind.
pub(super) async fn restore(matches: &ArgMatches) -> Result<String> {
    let from = word(matches, "from");
    let place = Place::parse(from)?;
    let file = matches.get_one::<PathBuf>("config");
    let log = crate::config::load(file.map(PathBuf::as_path))?
        .settings
        .control
        .log;
    let found = place.store.get(&place.path).await;
    let found = found.with_context(|| format!("cannot read `{from}`"))?;
    let bytes = found.into_stream().map_err(std::io::Error::other);
    let bytes = SyncIoBridge::new(StreamReader::new(bytes));
    let dir = log.dir.clone();
    let restored = tokio::task::spawn_blocking(move || log.restore(bytes)).await??;
    Ok(format!(
        "revisions {} to {} in {}; start the node, then let others join it\n",
        restored.oldest,
        restored.newest,
        dir.display()
    ))
}

/// A file or an object.
struct Place {
    store: Arc<dyn ObjectStore>,
    path: object_store::path::Path,
}

impl Place {
    fn parse(text: &str) -> Result<Self> {
        if !text.contains("://") {
            return Self::file(Path::new(text));
        }
        let url = reqwest::Url::parse(text).with_context(|| format!("`{text}` is no URL"))?;
        let (store, path) = parse_url_opts(&url, std::env::vars())
            .with_context(|| format!("`{text}` is nowhere a backup can be"))?;
        let store = store.into();
        Ok(Self { store, path })
    }

    fn file(path: &Path) -> Result<Self> {
        let path = absolute(path)?;
        let path = object_store::path::Path::from_absolute_path(path)?;
        let store = Arc::new(LocalFileSystem::new().with_fsync(true));
        Ok(Self { store, path })
    }
}
