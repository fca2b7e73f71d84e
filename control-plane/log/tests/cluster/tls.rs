//! Nodes show each other certificates.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use takt_log::Credentials;

use crate::nodes::{Place, cluster_of, tenant, write};

/// Who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn signs(&self) -> Credentials {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Credentials {
            certificate: certificate.pem().into_bytes(),
            key: key.serialize_pem().into_bytes(),
            authority: self.0.pem().into_bytes(),
        }
    }
}

fn place(node: u64, tls: Option<Credentials>) -> Place {
    Place {
        tls,
        ..Place::new(node)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_certificates_of_one_authority_form_a_cluster_and_strangers_stay_out() {
    let authority = Authority::new();
    let nodes = cluster_of((1..=3).map(|node| place(node, Some(authority.signs())))).await;
    write(&nodes, 1).await;
    for node in &nodes {
        let state = node.log.read().await.unwrap();
        assert!(state.tenants.contains_key(&tenant(1)));
    }

    let at = nodes[0].place.address.clone();
    let plain = place(4, None).start(&[&at]).await;
    let stranger = place(5, Some(Authority::new().signs())).start(&[&at]).await;
    for outside in [&plain, &stranger] {
        assert!(
            nodes[0]
                .log
                .add_member(&outside.place.address)
                .await
                .is_err()
        );
    }
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(nodes[0].log.cluster().await.members.len(), 3);
    assert_eq!(plain.log.cluster().await.id, None);
    assert_eq!(stranger.log.cluster().await.id, None);
}
