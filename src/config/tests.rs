use expect_test::{expect, expect_file};
use takt_model::ByteSize;

use super::fields::{Entry, Fields, Notes};
use super::*;

fn surroundings(variable: &dyn Fn(&str) -> Option<String>) -> Surroundings<'_> {
    Surroundings {
        variable,
        memory_bytes: Some(8 << 30),
        processors: 4,
    }
}

fn read(text: &str) -> Result<Config, Problems> {
    parse(
        "takt.yaml",
        text,
        &surroundings(&|name| (name == "BUCKET").then(|| "traces".to_owned())),
    )
}

fn problems(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// Settings as text, since the settings of a crate need not be comparable.
fn said(config: &Config) -> String {
    format!("{:#?}", config.settings)
}

fn definition() -> Vec<Entry> {
    let surroundings = surroundings(&|_| None);
    let mut notes = Notes::new(&surroundings);
    let empty = tree::parse("").unwrap();
    Fields::root(&empty, &mut notes, Settings::read);
    notes.close().0
}

#[test]
fn no_file_means_every_default_on_loopback() {
    let settings = read("").unwrap().settings;
    assert_eq!(
        settings.server.http_listen_address.to_string(),
        "127.0.0.1:3200"
    );
    assert_eq!(settings.server.max_memory, ByteSize(4 << 30));
    assert_eq!(settings.receivers.grpc.to_string(), "127.0.0.1:4317");
    assert_eq!(settings.journal.dir, Path::new("./takt-data/journal"));
    assert_eq!(settings.overrides, takt_model::Limits::default());
    assert!(settings.telemetry.self_tracing.is_none());
}

#[test]
fn every_problem_is_reported_at_once_with_its_place_and_the_way_out() {
    let text = "\
server:
  http_listen_addr: 0.0.0.0:3200
  drain_budget: soon
receivers:
  otlp:
    grpc:
      endpoint: everywhere
storage:
  backend: s3
  s3:
    bucket: ${BUKET}
journal: []
query:
  search: { default_result_limit: 50, max_result_limit: 10 }
overrides:
  defaults:
    ingestion: { rate_limit_bytes: fast }
query:
  api_timeout: 5s
";
    expect![[r#"
        takt.yaml:2:3: server.http_listen_addr: unknown field; known here are: http_listen_address, grpc_listen_address, drain_budget, max_memory, tls
            2 |   http_listen_addr: 0.0.0.0:3200
              |   ^^^^^^^^^^^^^^^^
        takt.yaml:3:17: server.drain_budget: `soon` is not a duration: write numbers with units ns, us, ms, s, m, h, d or w, such as `30s` or `1h30m`
            3 |   drain_budget: soon
              |                 ^^^^
        takt.yaml:7:17: receivers.otlp.grpc.endpoint: `everywhere` is not an address: write an IP address and a port, such as `0.0.0.0:4317`
            7 |       endpoint: everywhere
              |                 ^^^^^^^^^^
        takt.yaml:11:13: storage.s3.bucket: the environment variable `BUKET` is not set; set it, or write `${BUKET:-default}`
           11 |     bucket: ${BUKET}
              |             ^^^^^^^^
        takt.yaml:12:10: journal: expected a section: its fields on lines of their own, indented
           12 | journal: []
              |          ^
        takt.yaml:14:35: query.search.default_result_limit: `50` is more than the largest that may be asked for, 10
           14 |   search: { default_result_limit: 50, max_result_limit: 10 }
              |                                   ^^
        takt.yaml:17:36: overrides.defaults.ingestion.rate_limit_bytes: `fast` is not a size: write a number and a unit, such as `64MiB`, `5MB` or `1024`
           17 |     ingestion: { rate_limit_bytes: fast }
              |                                    ^^^^
        takt.yaml:18:1: query: given twice; first on line 13
           18 | query:
              | ^^^^^
        8 problems in takt.yaml"#]].assert_eq(&problems(text));
}

#[test]
fn a_file_that_is_not_yaml_says_where_it_stops_being_it() {
    expect![[r#"
        takt.yaml:3:8: not YAML: illegal placement of ':' indicator
            3 | journal:
              |        ^
        1 problem in takt.yaml"#]]
    .assert_eq(&problems("server:\n  drain_budget: [30s\njournal:\n"));
    expect![[r#"
        takt.yaml:1:7: anchors and tags are not supported; write the value out
            1 | a: &x 1
              |       ^
        1 problem in takt.yaml"#]]
    .assert_eq(&problems("a: &x 1\n"));
    expect![[r#"
        takt.yaml:3:1: a second document begins here; one file holds one configuration
            3 | data_dir: b
              | ^
        1 problem in takt.yaml"#]]
    .assert_eq(&problems("data_dir: a\n---\ndata_dir: b\n"));
}

#[test]
fn variables_come_in_where_the_file_names_them_and_never_as_structure() {
    let text = "storage: { backend: s3, s3: { bucket: '${BUCKET}', prefix: \"${PREFIX:-a: b}\" } }";
    let Backend::S3(s3) = read(text).unwrap().settings.storage.backend else {
        panic!("the backend is s3");
    };
    assert_eq!(
        (s3.bucket.as_str(), s3.prefix.as_deref()),
        ("traces", Some("a: b"))
    );
}

#[test]
fn an_empty_value_means_the_default() {
    assert_eq!(
        said(&read("server:\ndata_dir:\njournal: ~\n").unwrap()),
        said(&read("").unwrap())
    );
}

#[test]
fn what_is_printed_reads_back_as_the_same_settings() {
    let text = "
data_dir: \"/var/lib/takt #1\"
storage: { backend: azure, azure: { container_name: c, storage_account_name: 'null', prefix: '${BUCKET}' } }
telemetry: { log: { level: 'info,takt_query=debug' }, self_tracing: { endpoint: 'http://127.0.0.1:4317' } }
overrides: { defaults: { ingestion: { rate_limit_bytes: 1MB } } }
";
    let config = read(text).unwrap();
    assert_eq!(said(&read(&config.to_yaml()).unwrap()), said(&config));
}

#[test]
fn a_node_is_alone_unless_others_can_reach_it() {
    use takt_log::Start;
    let alone = read("").unwrap().settings.control;
    assert_eq!((alone.log.start, alone.log.address), (Start::Alone, None));
    let text = "control: { listen_address: 127.0.0.1:9096, join: 'a:9096, b:9096' }";
    let control = read(text).unwrap().settings.control;
    let join = vec!["a:9096".to_owned(), "b:9096".to_owned()];
    assert_eq!(control.log.start, Start::Wait { join });
    assert_eq!(control.log.address.as_deref(), Some("127.0.0.1:9096"));
    let said = problems("control: { join: 'a:9096', tls: { cert_file: a.pem } }");
    assert!(said.contains("needs `control.listen_address`"), "{said}");
    assert!(said.contains("go together"), "{said}");
}

#[test]
fn rules_are_evaluated_only_where_that_is_enabled() {
    assert!(read("").unwrap().settings.ruler.is_none());
    let text = "ruler: { enabled: true, alertmanager_url: 'http://am:9093', alertmanager_authorization: 'Bearer hunter2' }";
    let config = read(text).unwrap();
    assert!(!format!("{config:?}{}", config.to_yaml()).contains("hunter2"));
    let ruler = config.settings.ruler.unwrap();
    assert_eq!(ruler.external_url.as_str(), "http://127.0.0.1:3200/");
    assert_eq!(ruler.alertmanager.unwrap().url.as_str(), "http://am:9093/");
    assert!(ruler.remote_write.is_none());
    let text = "ruler: { evaluation_interval: 10ms, concurrency: 0, queue_capacity: 1, alertmanager_url: 'ftp://x', remote_write_url: 'http://a:b@c' }";
    assert!(problems(text).contains("5 problems"), "{}", problems(text));
}

#[test]
fn a_secret_is_never_printed() {
    let config = read("storage: { backend: s3, s3: { bucket: b, secret_key: hunter2 } }").unwrap();
    let printed = config.to_yaml() + format!("{config:?}").as_str();
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("secret_key: \"<secret>\""));
}

#[test]
fn every_field_has_a_reason_and_the_reference_page_is_current() {
    let entries = definition();
    for entry in &entries {
        if entry.field.is_some() {
            assert!(
                entry.doc.ends_with('.'),
                "{:?}: {:?}",
                entry.path,
                entry.doc
            );
        }
    }
    expect_file!["../../docs/configuration.md"].assert_eq(&print::reference(&entries));
}

#[test]
fn what_would_cost_nodes_their_work_or_name_no_voter_is_refused() {
    let text = "\
control:
  waits:
    lost_after: 5s
  tls:
    voters: control-1
";
    let said = problems(text);
    assert!(
        said.contains("control.waits.lost_after") && said.contains("9 s or more"),
        "{said}"
    );
    assert!(
        said.contains("control.tls.voters") && said.contains("`ca_file` are missing"),
        "{said}"
    );
}
