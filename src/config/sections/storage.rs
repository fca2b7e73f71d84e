//! `storage`: where blocks are kept. Keys have Tempo's names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use takt_model::ByteSize;

use super::Server;
use crate::config::Secret;
use crate::config::fields::Fields;
use crate::config::value::words;

#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) backend: Backend,
    pub(crate) blocklist_poll: Duration,
    pub(crate) cache_bytes: ByteSize,
}

/// The one place blocks are in, with what it takes to get there.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Local { path: PathBuf },
    S3(S3),
    Gcs(Gcs),
    Azure(Azure),
}

#[derive(Debug, Clone)]
pub(crate) struct S3 {
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) access_key: Option<Secret>,
    pub(crate) secret_key: Option<Secret>,
    pub(crate) session_token: Option<Secret>,
    pub(crate) insecure: bool,
    pub(crate) forcepathstyle: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Gcs {
    pub(crate) bucket_name: String,
    pub(crate) prefix: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) service_account_file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub(crate) struct Azure {
    pub(crate) container_name: String,
    pub(crate) storage_account_name: String,
    pub(crate) storage_account_key: Option<Secret>,
    pub(crate) prefix: Option<String>,
    pub(crate) endpoint: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Local,
    S3,
    Gcs,
    Azure,
}

words!(Kind, "`local`, `s3`, `gcs` or `azure`": Kind::Local = "local", Kind::S3 = "s3", Kind::Gcs = "gcs", Kind::Azure = "azure");

impl Storage {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>, server: &Server, data: &Path) -> Self {
        fields.section("storage", "Where blocks are kept.", |fields| {
            let kind: Kind =
                fields.value("backend", "local", "Which of the sections below is used.");
            let blocklist_poll = fields.value(
                "blocklist_poll",
                "5m",
                "How often blocks written by others are looked for; own blocks are known at once.",
            );
            let cache_bytes = fields.value_or(
                "cache_bytes",
                server.share(8),
                "an eighth of `server.max_memory`",
                "What indexes and columns of blocks may hold once they were read.",
            );
            let path = local(fields, data);
            let s3 = s3(fields, kind == Kind::S3);
            let gcs = gcs(fields, kind == Kind::Gcs);
            let azure = azure(fields, kind == Kind::Azure);
            let backend = match kind {
                Kind::Local => Backend::Local { path },
                Kind::S3 => Backend::S3(s3),
                Kind::Gcs => Backend::Gcs(gcs),
                Kind::Azure => Backend::Azure(azure),
            };
            Self {
                backend,
                blocklist_poll,
                cache_bytes,
            }
        })
    }
}

fn local(fields: &mut Fields<'_, '_, '_>, data: &Path) -> PathBuf {
    fields.section("local", "A directory of this machine.", |fields| {
        fields.value_or(
            "path",
            data.join("blocks"),
            "`blocks` in `data_dir`",
            "Where the blocks are.",
        )
    })
}

fn s3(fields: &mut Fields<'_, '_, '_>, used: bool) -> S3 {
    fields.section("s3", "Amazon S3 and what speaks like it.", |fields| S3 {
        bucket: required(fields, "bucket", used, "The bucket; it must exist."),
        prefix: prefix(fields),
        endpoint: fields.optional(
            "endpoint",
            "Amazon's for the region",
            "Host and port, for everything that is not Amazon.",
        ),
        region: fields.optional("region", "`us-east-1`", "The region of the bucket."),
        access_key: fields.optional(
            "access_key",
            "from the instance or web identity",
            "Id of a static key; goes with `secret_key`.",
        ),
        secret_key: fields.optional(
            "secret_key",
            "from the instance or web identity",
            "The static key.",
        ),
        session_token: fields.optional("session_token", "none", "Token of temporary credentials."),
        insecure: fields.value(
            "insecure",
            "false",
            "Plain HTTP to `endpoint`, for a store on the same machine.",
        ),
        forcepathstyle: fields.value(
            "forcepathstyle",
            "false",
            "The bucket in the path instead of the host name, as most other stores need.",
        ),
    })
}

fn gcs(fields: &mut Fields<'_, '_, '_>, used: bool) -> Gcs {
    fields.section("gcs", "Google Cloud Storage.", |fields| Gcs {
        bucket_name: required(fields, "bucket_name", used, "The bucket; it must exist."),
        prefix: prefix(fields),
        endpoint: fields.optional("endpoint", "Google's", "Base address of another server."),
        service_account_file: fields.optional(
            "service_account_file",
            "application default credentials",
            "JSON key of a service account.",
        ),
    })
}

fn azure(fields: &mut Fields<'_, '_, '_>, used: bool) -> Azure {
    fields.section("azure", "Azure Blob Storage.", |fields| Azure {
        container_name: required(
            fields,
            "container_name",
            used,
            "The container; it must exist.",
        ),
        storage_account_name: required(
            fields,
            "storage_account_name",
            used,
            "The account the container is in.",
        ),
        storage_account_key: fields.optional(
            "storage_account_key",
            "managed or workload identity",
            "The account's key.",
        ),
        prefix: prefix(fields),
        endpoint: fields.optional(
            "endpoint",
            "Azure's for the account",
            "Base address of another server, account included.",
        ),
    })
}

fn prefix(fields: &mut Fields<'_, '_, '_>) -> Option<String> {
    fields.optional(
        "prefix",
        "none",
        "Path in the bucket under which everything is kept.",
    )
}

/// A text that the chosen backend cannot do without.
fn required(
    fields: &mut Fields<'_, '_, '_>,
    name: &'static str,
    used: bool,
    doc: &'static str,
) -> String {
    let value: Option<String> = fields.optional(name, "none; required", doc);
    if used && value.is_none() {
        fields.refuse(name, "is required by this backend and missing");
    }
    value.unwrap_or_default()
}
