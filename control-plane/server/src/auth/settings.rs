//! What is configured, and what a connection says of its other end.

use std::net::IpAddr;

use super::{AdminToken, Role};

/// Who is let in besides tokens and issuers, which are kept in the control log.
#[derive(Debug, Default)]
pub struct Settings {
    /// The token of the file; without one nobody is admin by it.
    pub admin: Option<AdminToken>,
    /// What callers may do that show nothing; without it they may do nothing.
    pub anonymous: Option<Role>,
    /// The first rule that fits a client's certificate says what it may do.
    pub certificates: Vec<CertificateRule>,
}

/// What follows from a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRule {
    /// A URI, DNS name or `CN=…` of the certificate; `*` at the end stands for anything.
    pub name: String,
    pub role: Role,
}

impl CertificateRule {
    pub(super) fn fits(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == self.name,
        }
    }
}

/// The other end of a connection. Whoever accepts connections puts it into their requests.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: IpAddr,
    /// The client's certificate in DER, once TLS has verified it.
    pub certificate: Option<Vec<u8>>,
}
