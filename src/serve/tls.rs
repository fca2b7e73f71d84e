//! Encryption on the HTTP and gRPC ports.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use takt_receive::{Clients, Tls};
use tokio_rustls::TlsAcceptor;

use crate::config::{ClientAuth, Server};

/// Reads the files, if there are any to be read. A port in the clear that others can reach is said aloud.
pub(super) fn acceptor(server: &Server) -> Result<Option<TlsAcceptor>> {
    let Some(tls) = &server.tls else {
        let ports = [server.http_listen_address, server.grpc_listen_address];
        for listen in ports.iter().filter(|listen| !listen.ip().is_loopback()) {
            tracing::warn!(%listen, "tokens and spans can be read on the way to this port; set `server.tls`, or keep it behind something that encrypts");
        }
        return Ok(None);
    };
    let read = |field: &str, path: &Path| {
        let file = path.display();
        fs::read(path).with_context(|| format!("cannot read `{file}` (`server.tls.{field}`)"))
    };
    let authority = tls.client_authority.as_deref();
    let authority = authority.map(|path| read("client_ca_file", path));
    let pem = Tls {
        certificates: read("cert_file", &tls.certificate)?,
        private_key: read("key_file", &tls.key)?,
        clients: match (authority.transpose()?, tls.client_auth) {
            (None, _) => Clients::Unasked,
            (Some(authority), ClientAuth::Optional) => Clients::Asked(authority),
            (Some(authority), ClientAuth::Required) => Clients::Required(authority),
        },
    };
    let acceptor = takt_receive::acceptor(&pem, &[b"h2", b"http/1.1"]);
    acceptor.map(Some).context("`server.tls` cannot be used")
}
