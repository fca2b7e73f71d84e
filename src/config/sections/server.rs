//! `server` and `multitenancy`: who may reach this process, and how large it may grow.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use takt_control::UnknownTenants;
use takt_model::ByteSize;

use crate::config::fields::Fields;
use crate::config::value::words;

#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) http_listen_address: SocketAddr,
    pub(crate) grpc_listen_address: SocketAddr,
    pub(crate) drain_budget: Duration,
    pub(crate) max_memory: ByteSize,
    /// `None`: what is said on the HTTP and gRPC ports can be read on the way.
    pub(crate) tls: Option<Tls>,
}

/// Files of PEM.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Who signs the certificates of clients; `None`: they are not asked for any.
    pub(crate) client_authority: Option<PathBuf>,
    pub(crate) client_auth: ClientAuth,
}

/// Whether a client must show a certificate, where it is asked for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    Optional,
    Required,
}

words!(ClientAuth, "`optional` or `required`": ClientAuth::Optional = "optional", ClientAuth::Required = "required");

const GIB: u64 = 1 << 30;
const LEAST_MEMORY: ByteSize = ByteSize::mib(256);

impl Server {
    /// One part in so many of the memory.
    pub(super) fn share(&self, parts: u64) -> ByteSize {
        ByteSize(self.max_memory.0 / parts)
    }

    pub(super) fn read(fields: &mut Fields<'_, '_, '_>) -> Self {
        fields.section("server", "The process as a whole.", |fields| {
            let half = fields.surroundings().memory_bytes.map_or(GIB, |all| all / 2);
            let mut server = Self {
                tls: None,
                http_listen_address: fields.value(
                    "http_listen_address",
                    "127.0.0.1:3200",
                    "Serves the HTTP API, gRPC by h2c, `/metrics` and `/ready`. Loopback, because nothing is authenticated by default.",
                ),
                grpc_listen_address: fields.value(
                    "grpc_listen_address",
                    "127.0.0.1:9095",
                    "Serves gRPC alone, where a proxy cannot share a port with HTTP.",
                ),
                drain_budget: fields.value(
                    "drain_budget",
                    "30s",
                    "How long a stop may take to finish what was accepted before it gives up and names who is still busy.",
                ),
                max_memory: fields.value_or(
                    "max_memory",
                    ByteSize(half.max(LEAST_MEMORY.0)),
                    "half of the machine's memory",
                    "Shared by recent spans, caches and queries; when it is used up, writes and queries are refused with a retry hint.",
                ),
            };
            if server.max_memory < LEAST_MEMORY {
                fields.refuse(
                    "max_memory",
                    format!("`{}` is too little to run in: give at least {LEAST_MEMORY}", server.max_memory),
                );
            }
            if server.grpc_listen_address == server.http_listen_address && server.grpc_listen_address.port() != 0 {
                fields.refuse(
                    "grpc_listen_address",
                    "is the same as `http_listen_address`; give it a port of its own (the HTTP port serves gRPC too)",
                );
            }
            server.tls = Tls::read(fields);
            server
        })
    }
}

impl Tls {
    fn read(fields: &mut Fields<'_, '_, '_>) -> Option<Self> {
        fields.section("tls", "Encryption on the HTTP and gRPC ports. Without it, tokens and spans can be read on the way.", |fields| {
            let certificate: Option<PathBuf> = fields.optional("cert_file", "none", "The certificate of this server and those that lead to its authority, PEM. Read at start.");
            let key: Option<PathBuf> = fields.optional("key_file", "none", "Its key, PEM.");
            let client_authority: Option<PathBuf> = fields.optional("client_ca_file", "none: clients are not asked", "Who signs the certificates of clients, PEM. `control.auth.certificates` says what each may do on the control plane.");
            let client_auth = fields.value("client_auth", "optional", "Whether a client that shows no certificate is let in, to show a token instead.");
            match (certificate, key) {
                (Some(certificate), Some(key)) => Some(Self { certificate, key, client_authority, client_auth }),
                (None, None) if client_authority.is_none() => None,
                (None, None) => {
                    fields.refuse("client_ca_file", "needs `cert_file` and `key_file`: clients are asked within TLS");
                    None
                }
                (Some(_), None) | (None, Some(_)) => {
                    fields.refuse("cert_file", "`cert_file` and `key_file` go together");
                    None
                }
            }
        })
    }
}

words!(UnknownTenants, "`accept` or `refuse`": UnknownTenants::Accept = "accept", UnknownTenants::Refuse = "refuse");

#[derive(Debug, Clone)]
pub(crate) struct Multitenancy {
    pub(crate) enabled: bool,
    pub(crate) unknown_tenants: UnknownTenants,
}

impl Multitenancy {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>) -> Self {
        fields.section("multitenancy", "Who a request is for.", |fields| Self {
            enabled: fields.value(
                "enabled",
                "false",
                "Whether `X-Scope-OrgID` names the tenant and is required; otherwise everything belongs to `single-tenant`.",
            ),
            unknown_tenants: fields.value(
                "unknown_tenants",
                "accept",
                "Whether a tenant nobody created is served with the default limits or refused.",
            ),
        })
    }
}
