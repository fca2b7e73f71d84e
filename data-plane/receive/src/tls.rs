//! Encrypted connections, by rustls.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::settings::{Clients, Tls};

/// Why connections cannot be encrypted as asked.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the {0} cannot be read as PEM")]
    Pem(&'static str, #[source] rustls::pki_types::pem::Error),
    #[error("the {0} hold no certificate")]
    Empty(&'static str),
    #[error("the client authorities cannot be used")]
    Authorities(#[source] rustls::server::VerifierBuilderError),
    #[error("the certificates and the private key cannot be used")]
    Unusable(#[source] rustls::Error),
}

const CERTIFICATES: &str = "certificates";
const AUTHORITIES: &str = "client authorities";

/// Accepts connections that then speak one of `protocols`.
///
/// # Errors
/// When certificates or keys are not what they should be.
pub fn acceptor(tls: &Tls, protocols: &[&[u8]]) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::from_pem_slice(&tls.private_key)
        .map_err(|error| TlsError::Pem("private key", error))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    let verifier = |authorities: &[u8]| {
        let roots = Arc::new(roots(authorities)?);
        Ok(WebPkiClientVerifier::builder_with_provider(roots, provider))
    };
    let verifier = match &tls.clients {
        Clients::Unasked => None,
        Clients::Asked(authorities) => Some(verifier(authorities)?.allow_unauthenticated()),
        Clients::Required(authorities) => Some(verifier(authorities)?),
    };
    let builder = match verifier {
        None => builder.with_no_client_auth(),
        Some(verifier) => {
            let verifier = verifier.build().map_err(TlsError::Authorities)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(certificates(&tls.certificates, CERTIFICATES)?, key)
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn roots(authorities: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(authorities, AUTHORITIES)? {
        roots.add(authority).map_err(TlsError::Unusable)?;
    }
    Ok(roots)
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::Pem(what, error))?;
    if found.is_empty() {
        return Err(TlsError::Empty(what));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(certificates: &str, private_key: &str) -> String {
        let tls = Tls {
            certificates: certificates.as_bytes().to_vec(),
            private_key: private_key.as_bytes().to_vec(),
            clients: Clients::Unasked,
        };
        match acceptor(&tls, &[b"h2"]) {
            Ok(_) => "it was accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let made = rcgen::generate_simple_self_signed(vec!["a".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["a".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        assert_eq!(
            refused(&certificate, "none"),
            "the private key cannot be read as PEM"
        );
        assert_eq!(
            refused("none", &key),
            "the certificates hold no certificate"
        );
        assert_eq!(
            refused(&certificate, &other.signing_key.serialize_pem()),
            "the certificates and the private key cannot be used"
        );
    }
}
