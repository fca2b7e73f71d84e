//! The definition of the configuration: one file per section, each field once.
//!
//! Within a section, fields stand before sections.

mod control;
mod ingest;
mod journal;
mod overrides;
mod query;
mod receivers;
mod ruler;
mod server;
mod storage;
mod telemetry;

use std::path::PathBuf;

pub(crate) use control::{Auth, Control, Nodes};
pub(crate) use ingest::Ingest;
pub(crate) use receivers::Receivers;
pub(crate) use server::{ClientAuth, Multitenancy, Server};
pub(crate) use storage::{Backend, Storage};
pub(crate) use telemetry::{LogFormat, SelfTracing, Telemetry};

use super::fields::Fields;

/// Everything that can be set at start-up, validated. What changes while running is
/// [`Limits`](takt_model::Limits), in the control log; here are only their defaults.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) multitenancy: Multitenancy,
    pub(crate) receivers: Receivers,
    pub(crate) journal: takt_journal::Settings,
    pub(crate) ingest: Ingest,
    pub(crate) storage: Storage,
    pub(crate) query: takt_query::Settings,
    /// `None` when rules are not evaluated here.
    pub(crate) ruler: Option<takt_rules::Settings>,
    pub(crate) control: Control,
    pub(crate) overrides: takt_model::Limits,
    pub(crate) telemetry: Telemetry,
}

impl Settings {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>) -> Self {
        let data: PathBuf = fields.value(
            "data_dir",
            "./takt-data",
            "Where everything is kept that is not told otherwise: `journal/`, `blocks/` and `control/`.",
        );
        let server = Server::read(fields);
        let multitenancy = Multitenancy::read(fields);
        let receivers = Receivers::read(fields);
        Self {
            journal: journal::read(fields, &data, receivers.max_decompressed_bytes),
            ingest: Ingest::read(fields, &server),
            storage: Storage::read(fields, &server, &data),
            query: query::read(fields, &server, &multitenancy),
            ruler: ruler::read(fields, &server, &multitenancy),
            server,
            multitenancy,
            receivers,
            control: Control::read(fields, &data),
            overrides: overrides::read(fields),
            telemetry: Telemetry::read(fields),
        }
    }
}
