//! The same over TLS.

use takt_receive::{Clients, Tls};

use crate::world::{World, encoded, span};

#[tokio::test]
async fn https_needs_no_more_than_a_certificate_and_a_key() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let tls = Tls {
        certificates: certificate.clone().into_bytes(),
        private_key: made.signing_key.serialize_pem().into_bytes(),
        clients: Clients::Unasked,
    };
    let world = World::with(|settings| settings.tls = Some(tls)).await;
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([root])
        .resolve("localhost", world.http)
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/v1/traces", world.http.port());
    let answer = client
        .post(url)
        .header("content-type", "application/x-protobuf")
        .body(encoded(vec![span(1)]))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(world.stored().len(), 1);
    world.post(encoded(vec![span(1)])).send().await.unwrap_err();
}
