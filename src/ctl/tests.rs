//! The client against a control plane of its own, over a socket.

use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use prometheus_client::registry::Registry;
use takt_kit::{Code, ManualClock, Reject, Tasks};
use takt_model::{Limits, UnixNano};
use takt_server::Services;
use takt_views::Views;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_and_its_overrides_are_administered() {
    let server = Server::start().await;
    expect_test::expect![[r#"
        revision 1, 1 event
        TENANT        team-1
        DISPLAY_NAME  One
        STATE         active
        CREATED_AT    2023-11-14T22:13:20.000Z
        VERSION       1
        BLOCK_FORMAT  native
    "#]]
    .assert_eq(&server.ctl("tenant create team-1 --display-name One").await);
    server.ctl("tenant create --tenant team-2").await;
    expect_test::expect![[r#"
        TENANT  DISPLAY_NAME  STATE   CREATED_AT                VERSION  BLOCK_FORMAT
        team-1  One           active  2023-11-14T22:13:20.000Z  1        native
        team-2                active  2023-11-14T22:13:20.000Z  2        native
    "#]]
    .assert_eq(&server.ctl("tenant list").await);
    let changed = server
        .ctl("overrides change --tenant team-1 --set ingestion.rate_limit_bytes=1MB")
        .await;
    assert!(
        changed.contains("ingestion.rate_limit_bytes=1000000"),
        "{changed}"
    );
    let all = server.ctl("overrides get --tenant team-1").await;
    assert!(
        all.contains("ingestion.rate_limit_bytes           1000000"),
        "{all}"
    );
    let json = server.ctl("tenant get team-1 -o json").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["tenant"]["display_name"], "One");
    let yaml = server.ctl("tenant get team-1 -o yaml").await;
    assert!(yaml.contains("  display_name: One\n"), "{yaml}");
    let suspended = server.ctl("tenant suspend team-1 --reason unpaid").await;
    assert!(suspended.contains("suspended"), "{suspended}");
    server.ctl("tenant delete team-2").await;
    let refused = server.try_ctl("tenant resume team-3").await.unwrap_err();
    assert_eq!(exit_code(&refused), REFUSED);
    assert!(
        refused.to_string().ends_with("(TENANT_UNKNOWN)"),
        "{refused}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_a_tenant_are_set_from_a_file_and_printed_as_one() {
    let server = Server::start().await;
    server.ctl("tenant create team-1").await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.yaml");
    let rules = |expr: &str| {
        let text =
            format!("groups: [{{ name: g, rules: [{{ alert: Slow, expr: '{expr}', for: 5m }}] }}]");
        std::fs::write(&file, text).unwrap();
    };
    let set = format!("rules set team-1 --file {}", file.display());
    rules("{ } | rate()) > 1");
    let refused = server.try_ctl(&set).await.unwrap_err();
    assert!(
        refused.to_string().contains("\n              ^\n"),
        "{refused}"
    );
    rules("{ } | rate() > 1");
    assert_eq!(
        server.ctl(&set).await,
        "1 rules in 1 groups are in order\nversion 2\n"
    );
    expect_test::expect![[r##"
        # from tenant, version 2
        groups:
        - name: g
          rules:
          - alert: Slow
            expr: "{ } | rate() > 1"
            for: 5m
    "##]]
    .assert_eq(&server.ctl("rules get team-1").await);
    let defaults = server.ctl("rules get --defaults").await;
    assert_eq!(defaults, "# from configuration, version 0\ngroups: []\n");
    server.stop().await;
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_a_refusal() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let error = ask(&endpoint, "tenant list").await.unwrap_err();
    assert_eq!(exit_code(&error), UNAVAILABLE);
    assert!(error.to_string().contains(&endpoint), "{error}");
}

#[test]
fn refusals_and_silence_have_their_own_exit_codes() {
    let code = |status: tonic::Status| exit_code(&explain_status(status.into(), "http://x"));
    let refused = Reject::new(Code::NotFound, "TENANT_UNKNOWN", "tenant `a` is unknown");
    assert_eq!(code(refused.status()), REFUSED);
    assert_eq!(code(tonic::Status::unavailable("connect")), UNAVAILABLE);
    assert_eq!(code(tonic::Status::unauthenticated("who?")), NOT_ALLOWED);
    assert_eq!(code(tonic::Status::unimplemented("not Takt")), 1);
    assert_eq!(exit_code(&anyhow::anyhow!("anything else")), 1);
}

async fn ask(endpoint: &str, words: &str) -> Result<String> {
    let words = ["ctl", "--endpoint", endpoint]
        .into_iter()
        .chain(words.split(' '));
    let mut text = String::new();
    let mut tell = |part: &str| {
        text.push_str(part);
        Ok(())
    };
    answer(Cli::try_parse_from(words)?.args, &mut tell).await?;
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_whole_whatever_the_size_of_a_page() {
    let server = Server::start().await;
    for number in 0..5 {
        server.ctl(&format!("tenant create t{number}")).await;
    }
    let page = server.ctl("tenant list --page-size 2 -o json").await;
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert_eq!(page["tenants"].as_array().unwrap().len(), 2);
    assert_eq!(page["next_page_token"], "t1");
    let whole = server.ctl("tenant list").await;
    assert_eq!(whole.lines().count(), 6, "{whole}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_a_file_is_made_so() {
    let server = Server::start().await;
    server.ctl("tenant create old").await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wanted.yaml");
    let wanted = |labels: &str| {
        let text = format!(
            "kind: tenant\ntenant: a\ndisplay_name: A\nlabels: {labels}\n---\n\
             kind: overrides\nscope: {{ tenant: a }}\n\
             fields: {{ global.max_bytes_per_trace: '7' }}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    let apply = |more: &str| format!("apply -f {}{more}", file.display());
    wanted("{ team: shop }");
    server.ctl("tenant create a").await;
    let tried = server.ctl(&apply(" --dry-run")).await;
    assert!(
        tried.contains("tenant a update") && tried.contains("shop"),
        "{tried}"
    );
    assert!(!server.ctl("tenant get a").await.contains("shop"));
    let done = server.ctl(&apply(" --yes")).await;
    assert!(done.contains("tenant a done"), "{done}");
    assert_eq!(server.ctl(&apply(" --yes")).await, "nothing to do\n");
    wanted("{ size: large }");
    server.ctl(&apply(" --yes")).await;
    let tenant = server.ctl("tenant get a").await;
    assert!(
        tenant.contains("size=large") && !tenant.contains("shop"),
        "{tenant}"
    );
    let overrides = server.ctl("overrides get --tenant a").await;
    assert!(
        overrides.contains("global.max_bytes_per_trace=7"),
        "{overrides}"
    );

    std::fs::write(&file, "kind: tenant\ntenant: a\n").unwrap();
    let pruned = server.ctl(&apply(" --yes --prune")).await;
    assert!(pruned.contains("tenant old done"), "{pruned}");
    assert_eq!(
        server.ctl(&apply(" --yes --prune")).await,
        "nothing to do\n"
    );
    std::fs::write(&file, "kind: cloud\n").unwrap();
    let refused = server.try_ctl(&apply(" --yes")).await.unwrap_err();
    assert!(refused.to_string().contains("kinds are"), "{refused}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_document_says_is_carried_out_or_told() {
    let server = Server::start().await;
    server.ctl("tenant create a").await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wanted.yaml");
    let apply = |more: &str| format!("apply -f {}{more}", file.display());
    let file_of = |text: &str| std::fs::write(&file, text).unwrap();
    file_of("kind: tenant\ntenant: a\n---\nkind: tenant\ntenant: a\ndisplayname: B\n");
    let refused = server.try_ctl(&apply(" --yes")).await.unwrap_err();
    let refused = format!("{refused:#}");
    assert!(
        refused.contains("document 2 (`tenant`)") && refused.contains("`display_name`"),
        "{refused}"
    );
    file_of("kind: tenant\ntenant: a\nlabels: 7\n");
    let refused = server.try_ctl(&apply(" --yes")).await.unwrap_err();
    let refused = format!("{refused:#}");
    assert!(refused.contains("document 1 (`tenant`)"), "{refused}");
    let policies = |names: &[&str]| {
        let policy = |name: &&str| {
            format!(
                "kind: policy\ntenant: a\nspec: {{ name: {name}, rule: {{ latency: {{ above_ns: 5 }} }} }}\n"
            )
        };
        names.iter().map(policy).collect::<Vec<_>>().join("---\n")
    };
    file_of(&policies(&["slow", "slower"]));
    let done = server.ctl(&apply(" --yes")).await;
    assert!(done.contains("policy a slower done"), "{done}");
    assert_eq!(server.ctl(&apply(" --yes")).await, "nothing to do\n");
    file_of(&policies(&["slow"]));
    let done = server.ctl(&apply(" --yes --prune")).await;
    assert!(done.ends_with("policy a slower done\n"), "{done}");
    let left = server.ctl("policy list --tenant a -o json").await;
    let left: serde_json::Value = serde_json::from_str(&left).unwrap();
    assert_eq!(left["policies"].as_array().unwrap().len(), 1, "{left}");
    // One that is meant by its number is meant, whatever it is called from now on.
    file_of(
        "kind: policy\ntenant: a\npolicy: '1'\nspec: { name: late, rule: { latency: { above_ns: 5 } } }\n",
    );
    let done = server.ctl(&apply(" --yes --prune")).await;
    assert!(done.ends_with("policy a 1 done\n"), "{done}");
    assert!(!done.contains("delete"), "{done}");
    assert_eq!(
        server.ctl(&apply(" --yes --prune")).await,
        "nothing to do\n"
    );
    // What was read can be applied; what it cannot change is told.
    let read = server.ctl("tenant get a -o json").await;
    let read: serde_json::Value = serde_json::from_str(&read).unwrap();
    let mut read = read["tenant"].clone();
    read["kind"] = "tenant".into();
    file_of(&read.to_string());
    assert_eq!(server.ctl(&apply(" --yes")).await, "nothing to do\n");
    read["state"] = "TENANT_STATE_DELETED".into();
    file_of(&read.to_string());
    let told = server.ctl(&apply(" --yes")).await;
    assert!(
        told.starts_with("tenant a: `state` is not what it is there")
            && told.ends_with("nothing to do\n"),
        "{told}"
    );
    server.stop().await;
}

#[tokio::test]
async fn wrong_arguments_are_told_before_anything_is_sent() {
    let wrong = [
        ("tenant create", "TENANT"),
        ("tenant fly", "fly"),
        ("overrides change --set x", "KEY=VALUE"),
        ("tenant list --page-size many", "not a number"),
        ("tenant get a --file /nowhere", "cannot read"),
        ("explain nothing", "tenant"),
        ("explain tenant.colour", "display_name"),
    ];
    for (words, said) in wrong {
        let error = ask("http://127.0.0.1:1", words).await.unwrap_err();
        assert!(format!("{error:#}").contains(said), "{words}: {error:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_shown_looked_back_on_and_compared() {
    let server = Server::start().await;
    let members = server.ctl("cluster get").await;
    assert!(members.contains("\nMEMBERS\n  NODE  ADDRESS"), "{members}");
    server.ctl("tenant create team-1 --display-name One").await;
    server.ctl("tenant update team-1 --display-name Two").await;
    let table = server.ctl("log show").await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("REVISION  DECIDED_AT"), "{table}");
    assert!(
        lines[1].ends_with("tenant_created: tenant=team-1 display_name=One"),
        "{table}"
    );
    let shown = server.ctl("log show --after-revision 1 -o json").await;
    assert!(shown.contains("\"display_name\": \"Two\""), "{shown}");
    assert!(!shown.contains("One"), "{shown}");
    let then = server.ctl("log at --revision 1 -o json").await;
    assert!(then.contains("\"display_name\": \"One\""), "{then}");
    let between = server
        .ctl("log diff --from-revision 1 --to-revision 2 -o json")
        .await;
    let between: serde_json::Value = serde_json::from_str(&between).unwrap();
    let name = |side: &str| between[side]["tenant"]["display_name"].clone();
    assert_eq!(
        (name("before"), name("after")),
        ("One".into(), "Two".into())
    );
    expect_test::expect![[r#"
        tenant team-1
          tenant.display_name  One  →  Two
          tenant.version       1    →  2
    "#]]
    .assert_eq(&server.ctl("log diff --from-revision 1").await);
    let ahead = server.try_ctl("log at --revision 9").await.unwrap_err();
    assert!(ahead.to_string().contains("REVISION_IN_FUTURE"), "{ahead}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_backed_up_and_becomes_the_log_of_another_node() {
    let server = Server::start().await;
    server.ctl("tenant create team-1").await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("backup");
    let to = format!("log backup --to {}", file.display());
    let said = server.ctl(&to).await;
    let size = std::fs::metadata(&file).unwrap().len();
    assert!(said.starts_with(&format!("{size} bytes in ")), "{said}");
    let again = server.try_ctl(&to).await.unwrap_err();
    assert!(again.to_string().contains("exists already"), "{again}");
    server.stop().await;

    let config = dir.path().join("takt.yaml");
    let data = dir.path().join("data");
    std::fs::write(&config, format!("data_dir: {}\n", data.display())).unwrap();
    let from = format!("--from {} --config {}", file.display(), config.display());
    let restore = format!("log restore {from}");
    let restored = ask("http://127.0.0.1:1", &restore).await.unwrap();
    assert!(restored.contains("revisions 0 to 1 in "), "{restored}");
    let again = ask("http://127.0.0.1:1", &restore).await.unwrap_err();
    assert!(again.to_string().contains("exists already"), "{again}");
    let nowhere = "log restore --from s4://bucket/key";
    let nowhere = ask("http://127.0.0.1:1", nowhere).await.unwrap_err();
    assert!(nowhere.to_string().contains("nowhere a backup can be"));

    let other = Server::over(&data.join("control")).await;
    let tenants = other.ctl("tenant list").await;
    assert!(tenants.contains("team-1"), "{tenants}");
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_watched() {
    let server = Server::start().await;
    server.ctl("tenant create team-1").await;
    let (told, mut heard) = tokio::sync::mpsc::channel(8);
    let words = format!("ctl --endpoint {} tenant list --watch", server.endpoint);
    let cli = Cli::parse_from(words.split_whitespace());
    let mut tell = |text: &str| Ok(told.try_send(text.to_owned())?);
    let watching = answer(cli.args, &mut tell);
    let story = async {
        let first = heard.recv().await.unwrap();
        assert!(first.contains("team-1"), "{first}");
        server.ctl("tenant create team-2").await;
        assert_eq!(heard.recv().await.unwrap(), "\n");
        let second = heard.recv().await.unwrap();
        assert!(second.contains("team-2"), "{second}");
    };
    tokio::select! {
        ended = watching => panic!("{ended:?}"),
        () = story => {}
    }
    server.stop().await;
}

#[tokio::test]
async fn every_field_is_explained_by_the_contract() {
    let text = ask("http://127.0.0.1:1", "explain tenant").await.unwrap();
    assert!(text.contains("display_name <text>"), "{text}");
    let text = ask("http://127.0.0.1:1", "explain tenant.state")
        .await
        .unwrap();
    assert!(text.contains("  suspended"), "{text}");
    let text = ask("http://127.0.0.1:1", "explain tenant.labels").await;
    assert!(
        !text.unwrap().contains("key <"),
        "a map has keys of its own"
    );
    let deeper = ask("http://127.0.0.1:1", "explain tenant.state.created_at").await;
    let refused = deeper.unwrap_err().to_string();
    assert_eq!(refused, "`state` has no fields: it is <TenantState>");
}

#[tokio::test]
async fn shells_can_complete_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = ask("http://127.0.0.1:1", &format!("completion {shell}"))
            .await
            .unwrap();
        assert!(script.contains("suspend"), "{shell}");
    }
}

#[test]
fn a_status_code_is_called_by_its_name() {
    let refusal = Schema::built_in()
        .unwrap()
        .pool
        .get_message_by_name("takt.admin.v1.ListRefusalsResponse")
        .unwrap();
    let answer = serde_json::json!({ "refusals": [{ "method": "/a/B", "code": 7 }] });
    let answer = flags::message(refusal, answer).unwrap();
    expect_test::expect![[r#"
        METHOD  CODE
        /a/B    PermissionDenied
    "#]]
    .assert_eq(&show::show(&answer, Output::Table).unwrap());
    let json = show::show(&answer, Output::Json).unwrap();
    assert!(json.contains(r#""code": 7"#), "{json}");
}

#[test]
fn every_method_is_a_command_with_flags_of_its_own() {
    <crate::Cli as clap::CommandFactory>::command().debug_assert();
    let schema = Schema::built_in().unwrap();
    let verbs: usize = schema.nouns.iter().map(|noun| noun.verbs.len()).sum();
    let methods = takt_wire::methods::AdminMethod::ALL.iter();
    let admin = methods.filter(|method| method.path().starts_with("/takt.admin.v1."));
    assert_eq!(verbs, admin.count());
}

struct Server {
    endpoint: String,
    tasks: Tasks,
    _dir: Option<tempfile::TempDir>,
}

impl Server {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Self::over(dir.path()).await;
        Self {
            _dir: Some(dir),
            ..server
        }
    }

    async fn over(dir: &std::path::Path) -> Self {
        let tasks = Tasks::default();
        let clock = Arc::new(ManualClock::at(UnixNano::from_secs(1_700_000_000)));
        let settings = takt_log::Settings::new(dir.into());
        let log = takt_log::open(
            settings,
            takt_log::Parts::new(clock.clone()),
            &tasks,
            &mut Registry::default(),
        )
        .await
        .unwrap();
        let views = Views::start(
            log.clone(),
            takt_views::Settings::default(),
            &tasks,
            &mut Registry::default(),
        )
        .await
        .unwrap();
        let guard = takt_server::auth::Guard::open_to_all(log.clone(), clock.clone(), &tasks)
            .await
            .unwrap();
        let routes = Services::new(log, views, clock, Limits::default()).routes(&guard);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serve = tonic::transport::Server::builder()
            .add_routes(routes)
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), tasks.stopped());
        tasks.spawn("server", serve);
        Self {
            endpoint,
            tasks,
            _dir: None,
        }
    }

    async fn try_ctl(&self, words: &str) -> Result<String> {
        ask(&self.endpoint, words).await
    }

    async fn ctl(&self, words: &str) -> String {
        self.try_ctl(words).await.unwrap()
    }

    async fn stop(self) {
        self.tasks.stop();
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
    }
}
