//! Where the nodes of the control plane meet.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use takt_kit::{Clock, Tasks};
use takt_log::{Credentials, Parts, TcpDial};
use takt_server::{Services, Voters};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::config::Nodes;

/// What can be on its way to one node.
const WINDOW_BYTES: u32 = 16 << 20;
/// How long the others may take to close their connections when this node stops. Whoever is cut off never does.
const FAREWELL: Duration = Duration::from_secs(2);

/// This node's certificates, if it has any.
pub(super) fn credentials(nodes: &Nodes) -> Result<Option<Credentials>> {
    let Some(tls) = &nodes.tls else {
        if let Some(listen) = nodes.listen.filter(|listen| !listen.ip().is_loopback()) {
            tracing::warn!(%listen, "whoever reaches this port can write the control plane; set `control.tls` or keep it private");
        }
        return Ok(None);
    };
    let read = |field: &str, path: &Path| {
        fs::read(path)
            .with_context(|| format!("cannot read `{}` (`control.tls.{field}`)", path.display()))
    };
    Ok(Some(Credentials {
        certificate: read("cert_file", &tls.certificate)?,
        key: read("key_file", &tls.key)?,
        authority: read("ca_file", &tls.authority)?,
    }))
}

/// Whom this node takes for a voter.
pub(super) fn voters(nodes: &Nodes) -> Voters {
    let names = nodes.tls.as_ref().map(|tls| tls.voters.as_slice());
    let names = names.unwrap_or_default();
    if names.is_empty() && nodes.listen.is_some() && nodes.tls.is_some() {
        tracing::warn!(
            "whoever has a certificate of `control.tls.ca_file` can write the control plane; name those of voters in `control.tls.voters`"
        );
    }
    Voters::named(names)
}

/// How this node reaches the others.
pub(super) fn parts(clock: Arc<dyn Clock>, credentials: Option<&Credentials>) -> Parts {
    let mut parts = Parts::new(clock);
    if let Some(credentials) = credentials {
        parts.dial = Arc::new(TcpDial::with_tls(credentials));
    }
    parts
}

/// Serves the other nodes until `tasks` stop.
pub(super) fn serve(
    listener: TcpListener,
    services: &Services,
    credentials: Option<&Credentials>,
    voters: Voters,
    tasks: &Tasks,
) -> Result<()> {
    let mut server = Server::builder()
        .initial_connection_window_size(WINDOW_BYTES)
        .initial_stream_window_size(WINDOW_BYTES);
    if let Some(credentials) = credentials {
        let identity = Identity::from_pem(&credentials.certificate, &credentials.key);
        let tls = ServerTlsConfig::new()
            .identity(identity)
            .client_ca_root(Certificate::from_pem(&credentials.authority));
        let tls = server.tls_config(tls);
        server = tls.context("the certificates of `control.tls` cannot be used")?;
    }
    let routes = services.for_nodes(voters);
    // What a server is told of it goes for listeners of its own only.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = server
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, tasks.stopped());
    let stopped = tasks.stopped();
    tasks.spawn("control_nodes", async move {
        let late = async {
            stopped.await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            served = serving => served,
            () = late => Ok(()),
        }
    });
    Ok(())
}
