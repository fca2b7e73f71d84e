//! How a node reaches another: the seam at which a simulation puts its own network.

use std::fmt::Debug;
use std::time::Duration;

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// What a connection may have on the way: many small answers share one, see h2's data frame budget.
const WINDOW_BYTES: u32 = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const KEEPALIVE: Duration = Duration::from_secs(5);

/// Makes channels to other nodes.
pub trait Dial: Debug + Send + Sync + 'static {
    /// A channel that connects when it is first used, and again when the connection was lost.
    ///
    /// # Errors
    /// When the address cannot be one; whether somebody is there shows when the channel is used.
    fn dial(&self, address: &str) -> Result<Channel, DialError>;
}

/// Why there can be no channel.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("`{address}` is not an address of a node, which is `host:port`")]
    Address {
        address: String,
        #[source]
        source: tonic::transport::Error,
    },
    #[error("the certificates for calls to other nodes cannot be used")]
    Tls(#[source] tonic::transport::Error),
}

/// What a node shows to others and expects of them, as PEM.
#[derive(Clone)]
pub struct Credentials {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
    /// Who signs the certificates of the others.
    pub authority: Vec<u8>,
}

impl Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Over TCP, with TLS on both sides or without any.
#[derive(Debug, Clone, Default)]
pub struct TcpDial {
    tls: Option<ClientTlsConfig>,
}

impl TcpDial {
    /// Both ends show a certificate.
    #[must_use]
    pub fn with_tls(credentials: &Credentials) -> Self {
        let identity = Identity::from_pem(&credentials.certificate, &credentials.key);
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&credentials.authority))
            .identity(identity);
        Self { tls: Some(tls) }
    }
}

impl Dial for TcpDial {
    fn dial(&self, address: &str) -> Result<Channel, DialError> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let endpoint = endpoint(&format!("{scheme}://{address}")).map_err(|source| {
            let address = address.to_owned();
            DialError::Address { address, source }
        })?;
        let endpoint = match &self.tls {
            Some(tls) => endpoint.tls_config(tls.clone()).map_err(DialError::Tls)?,
            None => endpoint,
        };
        Ok(endpoint.connect_lazy())
    }
}

/// The settings of every connection between nodes; for a [`Dial`] that connects otherwise.
///
/// # Errors
/// When `uri` is none.
pub fn endpoint(uri: &str) -> Result<Endpoint, tonic::transport::Error> {
    Ok(Endpoint::from_shared(uri.to_owned())?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(KEEPALIVE))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true)
        .initial_connection_window_size(WINDOW_BYTES)
        .initial_stream_window_size(WINDOW_BYTES))
}
