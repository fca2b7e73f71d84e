//! The names in a client's certificate. That it is genuine was TLS's question.

use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// URIs, DNS names and the common name, in this order: the most exact first.
pub(crate) fn names(der: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Vec::new();
    };
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let alternatives = alternatives.map_or(&[][..], |names| &names.value.general_names);
    let uris = alternatives.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    });
    let hosts = alternatives.iter().filter_map(|name| match name {
        GeneralName::DNSName(host) => Some((*host).to_owned()),
        _ => None,
    });
    let subject = certificate.subject().iter_common_name();
    let subject = subject.filter_map(|name| Some(format!("CN={}", name.as_str().ok()?)));
    uris.chain(hosts).chain(subject).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_certificate_are_read_most_exact_first() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["node-1.example".to_owned()]).unwrap();
        let uri = "spiffe://takt/node/1".try_into().unwrap();
        params.subject_alt_names.push(rcgen::SanType::URI(uri));
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "node-1");
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(
            names(certificate.der()),
            ["spiffe://takt/node/1", "node-1.example", "CN=node-1"]
        );
        assert_eq!(names(b"nothing"), [""; 0]);
    }
}
