//! The ports of a real server over TLS, and clients that are known by their certificates.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use serde_json::json;

const ADA: &str = "spiffe://takt/operator/ada";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_known_by_its_certificate_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    let theirs = Authority::new(dir.path(), "theirs");
    ours.issue(
        "server",
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    );
    ours.issue("ada", SanType::URI(ADA.try_into().unwrap()));
    ours.issue(
        "eve",
        SanType::URI("spiffe://takt/nobody/eve".try_into().unwrap()),
    );
    theirs.issue("mallory", SanType::URI(ADA.try_into().unwrap()));
    let server = Server::start(dir.path(), "optional").await;

    let created = server.ctl(Some("ada"), &["tenant", "create", "team-a"]);
    assert!(created.status.success(), "{created:?}");
    let entries = server.ctl(Some("ada"), &["audit", "list-entries", "-o", "json"]);
    let entries = String::from_utf8(entries.stdout).unwrap();
    assert!(entries.contains(&format!("certificate:{ADA}")), "{entries}");

    // Somebody we know, but not as anybody; nobody; and somebody else's Ada.
    for caller in [Some("eve"), None] {
        let refused = server.ctl(caller, &["tenant", "list"]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success(), "{caller:?}");
        assert!(said.contains("who are you?"), "{caller:?}: {said}");
    }
    let forged = server.ctl(Some("mallory"), &["tenant", "list"]);
    assert!(!forged.status.success());
    let said = String::from_utf8(forged.stderr).unwrap();
    assert!(
        !said.contains("who are you?"),
        "it does not come so far: {said}"
    );

    // The same over HTTP, in JSON.
    let ada = server.client(Some("ada"));
    let url = server.url("admin/api/v3/tenants");
    let list = ada.get(&url).send().await.unwrap();
    let list: serde_json::Value = list.json().await.unwrap();
    assert_eq!(list["items"][0]["name"], json!("team-a"));
    assert_eq!(
        server.client(None).get(&url).send().await.unwrap().status(),
        401
    );
    assert!(
        server
            .client(Some("mallory"))
            .get(&url)
            .send()
            .await
            .is_err()
    );
    let plain = url.replace("https:", "http:");
    assert!(
        ada.get(&plain).send().await.is_err(),
        "nothing is said in the clear"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_certificate_is_required_nobody_gets_in_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Authority::new(dir.path(), "ours");
    ours.issue(
        "server",
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    );
    ours.issue("ada", SanType::URI(ADA.try_into().unwrap()));
    let server = Server::start(dir.path(), "required").await;
    let url = server.url("ready");
    assert_eq!(
        server
            .client(Some("ada"))
            .get(&url)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert!(server.client(None).get(&url).send().await.is_err());
}

#[test]
fn certificates_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let said = Server::refused(dir.path());
    assert!(
        said.contains("server.pem` (`server.tls.cert_file`)"),
        "{said}"
    );
    let ours = Authority::new(dir.path(), "ours");
    ours.issue(
        "server",
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    );
    fs::write(dir.path().join("server.key"), "nothing").unwrap();
    let said = Server::refused(dir.path());
    assert!(said.contains("`server.tls` cannot be used"), "{said}");
    assert!(said.contains("private key"), "{said}");
}

/// Signs certificates, and puts them where the server and its clients find them.
struct Authority<'a> {
    dir: &'a Path,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl<'a> Authority<'a> {
    fn new(dir: &'a Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(dir.join(format!("{name}.ca")), issuer.pem()).unwrap();
        Self { dir, issuer }
    }

    fn issue(&self, name: &str, subject: SanType) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names.push(subject);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(self.dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// A server that ends with its test.
struct Server {
    dir: PathBuf,
    port: u16,
    process: Child,
}

impl Server {
    async fn start(dir: &Path, client_auth: &str) -> Self {
        let (port, config) = configure(dir, client_auth);
        let log = fs::File::create(dir.join("server.log")).unwrap();
        let process = takt()
            .args(["serve", "--config"])
            .arg(config)
            .current_dir(dir)
            .stderr(log)
            .stdout(Stdio::null())
            .spawn();
        let server = Self {
            dir: dir.to_owned(),
            port,
            process: process.unwrap(),
        };
        let (client, url) = (server.client(Some("ada")), server.url("ready"));
        for _ in 0..300 {
            let answer = client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let log = fs::read_to_string(dir.join("server.log")).unwrap();
        unreachable!("the server is not ready within 30 s:\n{log}");
    }

    /// What a server says that does not start.
    fn refused(dir: &Path) -> String {
        let (_, config) = configure(dir, "optional");
        let tried = takt()
            .args(["serve", "--config"])
            .arg(config)
            .current_dir(dir)
            .output();
        let tried = tried.unwrap();
        assert!(!tried.status.success(), "{tried:?}");
        String::from_utf8(tried.stderr).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}/{path}", self.port)
    }

    /// As somebody who has a certificate, or as nobody, for there is no token where it runs.
    fn ctl(&self, caller: Option<&str>, words: &[&str]) -> Output {
        let elsewhere = self.dir.join("elsewhere");
        fs::create_dir_all(&elsewhere).unwrap();
        let mut takt = takt();
        takt.args(["ctl", "--endpoint", &self.url("")])
            .current_dir(elsewhere);
        takt.arg("--ca").arg(self.dir.join("ours.ca"));
        if let Some(caller) = caller {
            takt.arg("--cert")
                .arg(self.dir.join(format!("{caller}.pem")));
            takt.arg("--key")
                .arg(self.dir.join(format!("{caller}.key")));
        }
        takt.args(words).output().unwrap()
    }

    fn client(&self, caller: Option<&str>) -> reqwest::Client {
        let read = |name: String| fs::read(self.dir.join(name)).unwrap();
        let root = reqwest::Certificate::from_pem(&read("ours.ca".to_owned())).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([root]).no_proxy();
        let client = match caller {
            Some(caller) => {
                let mut pem = read(format!("{caller}.pem"));
                pem.extend(read(format!("{caller}.key")));
                client.identity(reqwest::Identity::from_pem(&pem).unwrap())
            }
            None => client,
        };
        client.build().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn takt() -> Command {
    Command::new(env!("CARGO_BIN_EXE_takt"))
}

fn configure(dir: &Path, client_auth: &str) -> (u16, PathBuf) {
    // Held together, so that they differ.
    let ports = [(); 4].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let [http, grpc, otlp_grpc, otlp_http] = ports.map(|port| port.local_addr().unwrap().port());
    let yaml = format!(
        "\
data_dir: data
server:
  http_listen_address: 127.0.0.1:{http}
  grpc_listen_address: 127.0.0.1:{grpc}
  tls:
    cert_file: server.pem
    key_file: server.key
    client_ca_file: ours.ca
    client_auth: {client_auth}
receivers:
  otlp:
    grpc: {{ endpoint: 127.0.0.1:{otlp_grpc} }}
    http: {{ endpoint: 127.0.0.1:{otlp_http} }}
control:
  auth:
    certificates: spiffe://takt/operator/*=operator
"
    );
    let config = dir.join("takt.yaml");
    fs::write(&config, yaml).unwrap();
    (http, config)
}
