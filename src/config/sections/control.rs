//! `control`: the log of decisions.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use takt_log::Start;
use takt_model::NodeId;

use crate::config::fields::Fields;

/// Both ends of the control plane in one process.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    pub(crate) log: takt_log::Settings,
    pub(crate) nodes: Nodes,
    /// Where the data plane keeps the last view it followed.
    pub(crate) view_dir: PathBuf,
}

/// How this node meets the other nodes of the control plane.
#[derive(Debug, Clone)]
pub(crate) struct Nodes {
    /// `None`: it is alone.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) tls: Option<Tls>,
}

/// Files of PEM.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) authority: PathBuf,
}

impl Control {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>, data: &Path) -> Self {
        fields.section("control", "The control plane: tenants, overrides and who changed them.", |fields| {
            let dir = fields.value_or("dir", data.join("control"), "`control` in `data_dir`", "Where the control log and the last view are.");
            let listen: Option<SocketAddr> = fields.optional("listen_address", "none: this node is alone", "Where other nodes of the control plane reach this one, for Raft and for changes they pass on. With it, the node waits for `takt ctl cluster bootstrap` or to be taken in. Whoever reaches it is believed, so set `tls` or keep it private.");
            let advertise: Option<String> = fields.optional("advertise_address", "`listen_address`", "What the others call it, when that is another address: `host:port`.");
            let join: Option<String> = fields.optional("join", "none", "Nodes of the cluster to ask to be taken in, such as `control-1:9096,control-2:9096`. Asked until this node is a voter, after its disk was lost, too.");
            let join: Vec<String> = join.iter().flat_map(|all| all.split(',')).map(|one| one.trim().to_owned()).collect();
            if listen.is_none() && (advertise.is_some() || !join.is_empty()) {
                let name = if join.is_empty() { "advertise_address" } else { "join" };
                fields.refuse(name, "needs `control.listen_address`, where the others reach this node");
            }
            let log = takt_log::Settings {
                dir: dir.clone(),
                node: NodeId(fields.value("node_id", "1", "This node's number among the voters; it must never change.")),
                queue: fields.value("queue", "256", "Commands that may wait for their turn; further ones are refused with a retry hint."),
                timeout: fields.value("timeout", "5s", "How long a command may take until it is decided and on disk."),
                snapshot_every: fields.value("snapshot_every", "1000", "Decisions after which the state is written down, so that a start reads no more than these."),
                history_keep: fields.value("history_keep", "100000", "Events kept for audit and for followers that were away."),
                election_timeout: fields.value("election_timeout", "300ms", "How long nobody leads before an election; a single voter waits this long at its start."),
                lease_reads: fields.value("lease_reads", "false", "Whether the leader answers current reads while its lease lasts, without asking a majority. Faster; right only while the clocks of all voters run at about the same speed."),
                digest_every: fields.value("digest_every", "10000", "Events after which the voters compare what they have come to; whoever is alone with its answer stops. 0: never."),
                address: advertise.or_else(|| listen.map(|listen| listen.to_string())),
                start: match listen {
                    None => Start::Alone,
                    Some(_) => Start::Wait { join },
                },
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
            let nodes = Nodes { listen, tls: Tls::read(fields) };
            Self { log, nodes, view_dir: dir.join("view") }
        })
    }
}

impl Tls {
    fn read(fields: &mut Fields<'_, '_, '_>) -> Option<Self> {
        fields.section("tls", "Certificates between the nodes of the control plane. Each shows its own and accepts those of the authority; all three files or none.", |fields| {
            let file = |fields: &mut Fields<'_, '_, '_>, name, doc| fields.optional::<PathBuf>(name, "none", doc);
            let certificate = file(fields, "cert_file", "The certificate of this node, PEM, for the name or address by which the others reach it.");
            let key = file(fields, "key_file", "Its key, PEM.");
            let authority = file(fields, "ca_file", "Who signs the certificates of the nodes, PEM.");
            match (certificate, key, authority) {
                (Some(certificate), Some(key), Some(authority)) => Some(Self { certificate, key, authority }),
                (None, None, None) => None,
                (Some(_), _, _) | (_, Some(_), _) | (_, _, Some(_)) => {
                    fields.refuse("cert_file", "`cert_file`, `key_file` and `ca_file` go together");
                    None
                }
            }
        })
    }
}
