//! From the settings of the file to those of each crate.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use takt_ingest::builder;
use takt_journal::Offset;
use takt_live::Covered;
use takt_log::Dial;
use takt_model::{TenantId, UnixNano};
use takt_store::{Azure, Backend, Gcs, S3};
use takt_wire::takt::control::v1::{Heartbeat, NodeRole};
use tonic::transport::Channel;

use crate::config::{self, Secret, Settings};

/// What the live store decodes in one go: large enough to share the work of a batch, small enough
/// to be found within milliseconds.
const LIVE_BATCH_BYTES: usize = 8 << 20;

/// `now` names this process among those that ran on the same disk.
pub(super) fn follower(settings: &Settings, now: UnixNano) -> takt_control::Settings {
    takt_control::Settings {
        dir: settings.control.view_dir.clone(),
        base: settings.overrides.clone(),
        unknown: settings.multitenancy.unknown_tenants,
        heartbeat: Heartbeat {
            node: settings.control.node.clone().unwrap_or_default(),
            incarnation: now.0,
            roles: [
                NodeRole::Distributor,
                NodeRole::Ingester,
                NodeRole::Querier,
                NodeRole::QueryFrontend,
            ]
            .map(i32::from)
            .into(),
            zone: settings.control.zone.clone(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            address: settings.server.grpc_listen_address.to_string(),
            ..Heartbeat::default()
        },
    }
}

/// Where the control plane is, if it is elsewhere.
pub(super) fn replicas(addresses: &[String], dial: &dyn Dial) -> Result<Vec<Channel>> {
    let channels = addresses.iter().map(|address| dial.dial(address));
    channels
        .collect::<Result<_, _>>()
        .context("`control.addresses` has none that can be used")
}

pub(super) fn store(settings: &Settings) -> takt_store::Settings {
    let storage = &settings.storage;
    takt_store::Settings {
        backend: backend(&storage.backend),
        cache_bytes: storage.cache_bytes.0,
        ..takt_store::Settings::local("".into())
    }
}

fn backend(backend: &config::Backend) -> Backend {
    match backend {
        config::Backend::Local { path } => Backend::Local { path: path.clone() },
        config::Backend::S3(s3) => Backend::S3(S3 {
            bucket: s3.bucket.clone(),
            prefix: s3.prefix.clone(),
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            access_key: text(s3.access_key.as_ref()),
            secret_key: text(s3.secret_key.as_ref()),
            session_token: text(s3.session_token.as_ref()),
            insecure: s3.insecure,
            forcepathstyle: s3.forcepathstyle,
        }),
        config::Backend::Gcs(gcs) => Backend::Gcs(Gcs {
            bucket_name: gcs.bucket_name.clone(),
            prefix: gcs.prefix.clone(),
            endpoint: gcs.endpoint.clone(),
            service_account_file: gcs.service_account_file.clone(),
        }),
        config::Backend::Azure(azure) => Backend::Azure(Azure {
            container_name: azure.container_name.clone(),
            storage_account_name: azure.storage_account_name.clone(),
            storage_account_key: text(azure.storage_account_key.as_ref()),
            prefix: azure.prefix.clone(),
            endpoint: azure.endpoint.clone(),
        }),
    }
}

fn text(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.reveal().to_owned())
}

pub(super) fn live(
    settings: &Settings,
    covered: BTreeMap<TenantId, Covered>,
    from: Offset,
) -> takt_live::Settings {
    takt_live::Settings {
        max_bytes: settings.ingest.max_live_bytes.as_usize(),
        batch_bytes: LIVE_BATCH_BYTES,
        covered,
        from,
    }
}

pub(super) fn builder(settings: &Settings) -> builder::Settings {
    let ingest = &settings.ingest;
    builder::Settings {
        max_block_age: ingest.max_block_age,
        max_block_spans: ingest.max_block_spans,
        max_block_bytes: ingest.max_block_bytes.as_usize(),
        trace_idle: ingest.trace_idle,
        // Kept back once, a trace goes with the next cut: a span is in a block within two ages.
        max_trace_age: ingest
            .max_block_age
            .saturating_mul(2)
            .saturating_sub(Duration::from_secs(1))
            .max(ingest.trace_idle),
        ..builder::Settings::default()
    }
}

pub(super) fn receive(settings: &Settings) -> takt_receive::Settings {
    let receivers = &settings.receivers;
    takt_receive::Settings {
        multitenancy: settings.multitenancy.enabled,
        max_request_bytes: receivers.max_request_bytes.as_usize(),
        max_decompressed_bytes: receivers.max_decompressed_bytes.as_usize(),
        read_timeout: receivers.read_timeout,
        ..takt_receive::Settings::default()
    }
}
