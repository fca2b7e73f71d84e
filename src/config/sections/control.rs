//! `control`: the log of decisions.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use takt_domain::nodes::{NodeName, Zone};
use takt_log::Start;
use takt_model::NodeId;
use takt_reconcile::Waits;
use takt_server::auth::{CertificateRule, Role};

use crate::config::fields::Fields;
use crate::config::value::{Value, words};

/// Nodes say every two seconds that they live and act for two thirds of this on what they were told: two messages may be
/// lost without costing a node its work.
const LOST_AFTER_MIN: Duration = Duration::from_secs(9);

/// Both ends of the control plane in one process.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    /// What this installation is called.
    pub(crate) cluster_name: String,
    pub(crate) log: takt_log::Settings,
    pub(crate) reconciler: takt_reconcile::Settings,
    pub(crate) nodes: Nodes,
    /// Where the data plane keeps the last view it followed.
    pub(crate) view_dir: PathBuf,
    pub(crate) auth: Auth,
    /// Where the control plane is; empty when it is in this process.
    pub(crate) addresses: Vec<String>,
    /// What this node calls itself to the control plane.
    pub(crate) node: Option<String>,
    pub(crate) zone: String,
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
    /// Names in the certificates of voters; of all if there are none.
    pub(crate) voters: Vec<String>,
}

/// Who may call the control plane before anything is decided.
#[derive(Debug, Clone)]
pub(crate) struct Auth {
    pub(crate) admin_token_file: PathBuf,
    pub(crate) anonymous: Option<Role>,
    pub(crate) certificates: Vec<CertificateRule>,
}

impl Control {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>, data: &Path) -> Self {
        fields.section("control", "The control plane: tenants, overrides and who changed them.", |fields| {
            let dir = fields.value_or("dir", data.join("control"), "`control` in `data_dir`", "Where the control log and the last view are.");
            let listen: Option<SocketAddr> = fields.optional("listen_address", "none: this node is alone", "Where other nodes of the control plane reach this one, for Raft and for changes they pass on. With it, the node waits for `takt ctl cluster bootstrap` or to be taken in. Whoever reaches it is believed, so set `tls` or keep it private.");
            let advertise: Option<String> = fields.optional("advertise_address", "`listen_address`", "What the others call it, when that is another address: `host:port`.");
            let join: Option<String> = fields.optional("join", "none", "Nodes of the cluster to ask to be taken in, such as `control-1:9096,control-2:9096`. Asked until this node is a voter, after its disk was lost, too.");
            let join = list(join.as_deref());
            if listen.is_none() && (advertise.is_some() || !join.is_empty()) {
                let name = if join.is_empty() { "advertise_address" } else { "join" };
                fields.refuse(name, "needs `control.listen_address`, where the others reach this node");
            }
            let addresses: Option<String> = fields.optional("addresses", "none: the control plane is in this process", "Where the control plane is when it is elsewhere, such as `control-1:9096,control-2:9096`: the `control.listen_address` of its nodes, which are told by `control.tls`. One that does not answer is passed over; while none does, the last view stands.");
            let addresses = list(addresses.as_deref());
            if listen.is_some() && !addresses.is_empty() {
                fields.refuse("addresses", "says that the control plane is elsewhere, and `control.listen_address` that it is here; keep one");
            }
            let node: Option<String> = fields.optional("node", "none", "What this node calls itself to the control plane, for as long as it keeps its disk. Without a name it is given no partitions and no leases.");
            let zone: String = fields.value("zone", "default", "Where this node stands. Two zones do not fail together.");
            if let Err(error) = node.as_deref().map_or(Ok(()), |node| NodeName::new(node).map(drop)) {
                fields.refuse("node", error.to_string());
            }
            if let Err(error) = Zone::new(&zone) {
                fields.refuse("zone", error.to_string());
            }
            let log = takt_log::Settings {
                dir: dir.clone(),
                node: NodeId(fields.value("node_id", "1", "This node's number among the voters; it must never change.")),
                queue: fields.value("queue", "256", "Commands that may wait for their turn; further ones are refused with a retry hint."),
                timeout: fields.value("timeout", "5s", "How long a command may take until it is decided and on disk."),
                snapshot_every: fields.value("snapshot_every", "1000", "Decisions before which the state is not written down again; a large state waits until the decisions since are as large as it."),
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
            let reconciler = takt_reconcile::Settings { waits: waits(fields), ..takt_reconcile::Settings::default() };
            let auth = Auth::read(fields, &dir);
            let cluster_name = fields.value("cluster_name", takt_server::CLUSTER_NAME, "What this installation is called in the admin API v3, where tenants and realms may name their cluster; that of your scripts, if they have one.");
            Self { cluster_name, log, reconciler, nodes, view_dir: dir.join("view"), addresses, node, zone, auth }
        })
    }
}

fn waits(fields: &mut Fields<'_, '_, '_>) -> Waits {
    fields.section("waits", "How long the control plane waits for nodes and remembers work. The leader's count; set them alike on all voters.", |fields| {
        let lost_after: Duration = fields.value("lost_after", "30s", "Silence after which a node is lost: its partitions go to others, its leases and jobs end. It stops by itself after two thirds of it, so clocks may differ by less than the rest.");
        if lost_after < LOST_AFTER_MIN {
            fields.refuse("lost_after", format!("must be {} s or more: nodes say every 2 s that they live, and one lost message is not to cost them their work", LOST_AFTER_MIN.as_secs()));
        }
        Waits {
            lost_after,
            forget_left_after: fields.value("forget_left_after", "10m", "After which a node that left is forgotten, if it owns nothing."),
            forget_lost_after: fields.value("forget_lost_after", "1h", "After which a lost node is forgotten; until then it may come back under its name."),
            jobs_kept: fields.value("jobs_kept", "1h", "How long finished jobs are remembered."),
            poisoned_kept: fields.value("poisoned_kept", "168h", "How long jobs are remembered that failed too often: somebody should look at them."),
        }
    })
}

/// What stands between commas.
fn list(text: Option<&str>) -> Vec<String> {
    let words = text.into_iter().flat_map(|all| all.split(','));
    words.map(|one| one.trim().to_owned()).collect()
}

impl Tls {
    fn read(fields: &mut Fields<'_, '_, '_>) -> Option<Self> {
        fields.section("tls", "Certificates between the nodes of the control plane. Each shows its own and accepts those of the authority; all three files or none.", |fields| {
            let file = |fields: &mut Fields<'_, '_, '_>, name, doc| fields.optional::<PathBuf>(name, "none", doc);
            let certificate = file(fields, "cert_file", "The certificate of this node, PEM, for the name or address by which the others reach it.");
            let key = file(fields, "key_file", "Its key, PEM.");
            let authority = file(fields, "ca_file", "Who signs the certificates of the nodes, PEM.");
            let voters: Option<String> = fields.optional("voters", "none: every certificate of the authority", "Whose certificates are those of voters, by a URI, a DNS name or `CN=` and the common name, such as `control-1,control-2,control-3`. Whoever shows another one may follow the log and report its own work (usage, jobs, leases), in the name of its certificate. Set it where data planes have certificates of the same authority: a voter is believed who it says is calling.");
            let voters = list(voters.as_deref());
            if !voters.is_empty() && authority.is_none() {
                fields.refuse("voters", "names certificates, and there are none: `cert_file`, `key_file` and `ca_file` are missing");
            }
            match (certificate, key, authority) {
                (Some(certificate), Some(key), Some(authority)) => Some(Self { certificate, key, authority, voters }),
                (None, None, None) => None,
                (Some(_), _, _) | (_, Some(_), _) | (_, _, Some(_)) => {
                    fields.refuse("cert_file", "`cert_file`, `key_file` and `ca_file` go together");
                    None
                }
            }
        })
    }
}

/// What those may do who show nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anonymous {
    Nothing,
    View,
    Operate,
    Administer,
}

words!(Anonymous, "`none`, `viewer`, `operator` or `admin`": Anonymous::Nothing = "none", Anonymous::View = "viewer", Anonymous::Operate = "operator", Anonymous::Administer = "admin");

impl Anonymous {
    fn role(self) -> Option<Role> {
        match self {
            Self::Nothing => None,
            Self::View => Some(Role::Viewer),
            Self::Operate => Some(Role::Operator),
            Self::Administer => Some(Role::Admin),
        }
    }
}

/// Rules between commas, in the order they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Certificates(Vec<CertificateRule>);

impl Value for Certificates {
    const UNIT: &'static str = "NAME=ROLE, …";

    fn parse(text: &str) -> Result<Self, String> {
        let rules = text
            .split(',')
            .map(str::trim)
            .filter(|rule| !rule.is_empty());
        let rule = |rule: &str| {
            // Names have equals signs, too: `CN=ada`.
            let (name, role) = rule
                .rsplit_once('=')
                .ok_or_else(|| format!("`{rule}` is not like `spiffe://takt/node/*=node`"))?;
            let known = Role::ALL.into_iter().find(|known| known.name() == role);
            let role = known.ok_or_else(|| {
                let roles: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
                format!("`{role}` is not a role; there are {}", roles.join(", "))
            })?;
            let name = name.to_owned();
            Ok(CertificateRule { name, role })
        };
        rules.map(rule).collect::<Result<_, String>>().map(Self)
    }

    fn print(&self) -> String {
        let rules = self.0.iter();
        let rules: Vec<String> = rules
            .map(|rule| format!("{}={}", rule.name, rule.role.name()))
            .collect();
        rules.join(", ")
    }
}

impl Auth {
    fn read(fields: &mut Fields<'_, '_, '_>, dir: &Path) -> Self {
        fields.section("auth", "Who may call the control plane. Access policies, tokens and OIDC issuers are no configuration: they are kept in the control log.", |fields| {
            let anonymous: Anonymous = fields.value("anonymous", "none", "What callers may do that show neither token nor certificate.");
            let certificates: Certificates = fields.value("certificates", "", "What the client certificates that TLS has verified may do, by URI, DNS name or `CN=…`; a `*` at the end stands for anything, the first that fits counts.");
            Self {
                admin_token_file: fields.value_or("admin_token_file", dir.join("admin.token"), "`admin.token` in `control.dir`", "The first way in: who can read this file is admin. It is made at the first start if it is not there; `takt ctl` finds it by itself in `./takt-data`."),
                anonymous: anonymous.role(),
                certificates: certificates.0,
            }
        })
    }
}
