//! `control`: the log of decisions.

use std::path::{Path, PathBuf};

use takt_model::NodeId;

use crate::config::fields::Fields;

/// Both ends of the control plane in one process.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    pub(crate) log: takt_log::Settings,
    /// Where the data plane keeps the last view it followed.
    pub(crate) view_dir: PathBuf,
}

impl Control {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>, data: &Path) -> Self {
        fields.section("control", "The control plane: tenants, overrides and who changed them.", |fields| {
            let dir = fields.value_or("dir", data.join("control"), "`control` in `data_dir`", "Where the control log and the last view are.");
            let log = takt_log::Settings {
                dir: dir.clone(),
                node: NodeId(fields.value("node_id", "1", "This node's number among the voters; it must never change.")),
                queue: fields.value("queue", "256", "Commands that may wait for their turn; further ones are refused with a retry hint."),
                timeout: fields.value("timeout", "5s", "How long a command may take until it is decided and on disk."),
                snapshot_every: fields.value("snapshot_every", "1000", "Decisions after which the state is written down, so that a start reads no more than these."),
                history_keep: fields.value("history_keep", "100000", "Events kept for audit and for followers that were away."),
                election_timeout: fields.value("election_timeout", "300ms", "How long nobody leads before an election; a single voter waits this long at its start."),
            };
            if log.node.0 == 0 {
                fields.refuse("node_id", "must be greater than zero");
            }
            for (name, zero) in [
                ("queue", log.queue == 0),
                ("snapshot_every", log.snapshot_every == 0),
                ("timeout", log.timeout.is_zero()),
                ("election_timeout", log.election_timeout.is_zero()),
            ] {
                if zero {
                    fields.refuse(name, "must be greater than zero");
                }
            }
            Self { log, view_dir: dir.join("view") }
        })
    }
}
