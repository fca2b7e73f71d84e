//! The bounds of the receivers.

use std::time::Duration;

/// Settings of both receivers.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether the tenant comes with the request; otherwise everybody is `single-tenant`.
    pub multitenancy: bool,
    /// Largest request as sent.
    pub max_request_bytes: usize,
    /// Largest request once unpacked.
    pub max_decompressed_bytes: usize,
    /// Bytes of all requests that are being received or appended, as sent and unpacked together.
    pub max_in_flight_bytes: usize,
    /// Connections of one receiver that are open at once. Each may hold up to 1 MiB that its
    /// requests have not read yet, besides what is in flight.
    pub max_connections: usize,
    /// How long one request may take to arrive, and a TLS handshake to be made.
    pub read_timeout: Duration,
    /// How long a connection may stay silent.
    pub idle_timeout: Duration,
    /// Without it, connections are not encrypted.
    pub tls: Option<Tls>,
}

/// Who listens, and whom they trust, as PEM.
#[derive(Clone)]
pub struct Tls {
    pub certificates: Vec<u8>,
    pub private_key: Vec<u8>,
    pub clients: Clients,
}

/// Whether those who connect show a certificate, signed by one of these authorities, as PEM.
#[derive(Clone)]
pub enum Clients {
    Unasked,
    /// They may; one that nobody of these signed ends the connection.
    Asked(Vec<u8>),
    Required(Vec<u8>),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            multitenancy: false,
            max_request_bytes: 16 << 20,
            max_decompressed_bytes: 64 << 20,
            max_in_flight_bytes: 256 << 20,
            max_connections: 1024,
            read_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            tls: None,
        }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unasked => "Unasked",
            Self::Asked(_) => "Asked(..)",
            Self::Required(_) => "Required(..)",
        })
    }
}
