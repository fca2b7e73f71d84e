//! `takt ctl`: the admin API of a running server, as commands.
//!
//! The commands are read off the contract, see [`schema`]; `rules` alone is written by hand, because it
//! compiles queries before it sends them.

mod apply;
mod backup;
mod call;
mod explain;
mod flags;
mod rules;
mod schema;
mod show;
mod table;
mod text;
mod watch;

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgMatches, Command, FromArgMatches, Subcommand as _, value_parser};
use prost_reflect::DynamicMessage;
use tonic_types::StatusExt as _;

use call::{Client, Tls};
use schema::{Schema, Verb};
use show::Output;

/// What the program exits with when a rule of the server says no.
const REFUSED: u8 = 3;
/// What the program exits with when the server cannot be reached or cannot answer now; a retry may help.
const UNAVAILABLE: u8 = 4;
/// What the program exits with when the server does not know the caller, or the caller may not do this.
const NOT_ALLOWED: u8 = 5;

const ENDPOINT: &str = "http://127.0.0.1:3200";
/// Where a server keeps its admin token unless it is told otherwise.
const ADMIN_TOKEN: &str = "takt-data/control/admin.token";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 anything else, 2 wrong arguments, 3 refused by a rule, \
    4 the server cannot answer now (a retry may help), 5 not allowed";

/// The arguments, matched against the contract.
#[derive(Debug, Clone)]
pub(crate) struct Args(ArgMatches);

impl clap::Args for Args {
    fn augment_args(command: Command) -> Command {
        let command = command
            .subcommand_required(true)
            .arg_required_else_help(true)
            .after_help(EXIT_CODES)
            .args(global());
        let Ok(schema) = Schema::built_in() else {
            return command;
        };
        let command = schema.nouns.iter().fold(command, |command, noun| {
            let command_of = flags::command_of(&schema, noun);
            command.subcommand(if noun.name == backup::NOUN {
                backup::commands(command_of)
            } else {
                command_of
            })
        });
        let rules = Command::new("rules").about("Alerts and recorded series of a tenant");
        command
            .subcommand(rules::Command::augment_subcommands(rules))
            .subcommand(apply::command())
            .subcommand(
                Command::new("explain")
                    .about("What a thing and its fields mean, as in `explain tenant.state`")
                    .arg(Arg::new("what").value_name("THING[.FIELD]").required(true)),
            )
            .subcommand(
                Command::new("completion")
                    .about("A script for your shell that completes these commands")
                    .arg(
                        Arg::new("shell")
                            .required(true)
                            .value_parser(value_parser!(clap_complete::Shell)),
                    ),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

fn global() -> [Arg; 6] {
    let file = |name: &'static str, env| {
        let arg = Arg::new(name).long(name).env(env);
        arg.global(true).value_name("FILE")
    };
    [
        Arg::new("endpoint")
            .long("endpoint")
            .env("TAKT_ENDPOINT")
            .global(true)
            .value_name("URL")
            .help(format!("Where the server listens; without it {ENDPOINT}")),
        Arg::new("output")
            .long("output")
            .short('o')
            .global(true)
            .value_parser(value_parser!(Output))
            .help("How answers are written; without it as tables"),
        file("token-file", "TAKT_TOKEN_FILE").help("A file with the token to present; without it, that of a server started in this directory"),
        file("ca", "TAKT_CA").help("PEM of the authority that signed the server's certificate"),
        file("cert", "TAKT_CERT")
            .requires("key")
            .help("PEM of the certificate to present"),
        file("key", "TAKT_KEY")
            .requires("cert")
            .help("PEM of its private key"),
    ]
    .map(|arg| arg.help_heading("Of every command"))
}

/// The server answered with a no, or did not answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{message} ({reason})")]
    Refused { message: String, reason: String },
    #[error("{message} ({reason})")]
    NotAllowed { message: String, reason: String },
    #[error("the server at `{endpoint}` cannot answer now: {message}")]
    Unavailable { endpoint: String, message: String },
}

/// Carries out a command and prints what came of it.
///
/// # Errors
/// When the server refuses or cannot answer; [`exit_code`] tells these apart.
pub(crate) async fn run(args: Args) -> Result<()> {
    let mut out = std::io::stdout().lock();
    answer(args, &mut |text| Ok(out.write_all(text.as_bytes())?)).await
}

/// Hands out the answer in parts, as they come.
async fn answer(args: Args, tell: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let matches = args.0;
    let schema = Schema::built_in()?;
    let (noun, inner) = matches.subcommand().context("say what to do")?;
    match noun {
        "explain" => return tell(&explain::explain(&schema, word(inner, "what"))?),
        "completion" => return tell(&completion(inner)?),
        backup::NOUN if let Some((backup::RESTORE, matches)) = inner.subcommand() => {
            return tell(&backup::restore(matches).await?);
        }
        _ => {}
    }
    let endpoint = inner.get_one::<String>("endpoint").cloned();
    let endpoint = endpoint.unwrap_or_else(|| ENDPOINT.to_owned());
    let client = client(&endpoint, inner)?;
    let done = if noun == "apply" {
        apply::run(&schema, &client, inner, tell).await
    } else if noun == "rules" {
        let command = rules::Command::from_arg_matches(inner)?;
        match command.run(client).await {
            Ok(text) => tell(&text),
            Err(error) => Err(error),
        }
    } else {
        let (verb, matches) = inner.subcommand().context("say what to do")?;
        let found = schema.noun(noun).and_then(|noun| noun.verb(verb));
        let verb = found.with_context(|| format!("`{noun} {verb}` is unknown"))?;
        if (noun, verb.name.as_str()) == (backup::NOUN, backup::BACKUP) {
            match backup::backup(&client, verb, matches).await {
                Ok(text) => tell(&text),
                Err(error) => Err(error),
            }
        } else {
            carry_out(&schema, &client, verb, matches, tell).await
        }
    };
    done.map_err(|error| explain_status(error, &endpoint))
}

async fn carry_out(
    schema: &Schema,
    client: &Client,
    verb: &Verb,
    matches: &ArgMatches,
    tell: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let output = matches.get_one("output").copied().unwrap_or(Output::Table);
    let request = flags::request(verb, matches)?;
    if verb.method.is_client_streaming() {
        bail!("`{}` is for programs: it takes a stream", verb.path());
    }
    if verb.method.is_server_streaming() {
        let mut stream = client.stream(verb, request).await?;
        let mut rows = show::Rows::default();
        while let Some(message) = stream.message().await? {
            tell(&rows.show(&message, output)?)?;
        }
        return Ok(());
    }
    let whole = verb.is_list() && matches.get_one::<String>("page-size").is_none();
    if verb.reads() && matches.get_flag(flags::WATCH) {
        let ask = async || {
            let answer = ask(client, verb, request.clone(), whole).await?;
            show::show(&answer, output)
        };
        return watch::watch(schema, client, &request, ask, tell).await;
    }
    let answer = ask(client, verb, request, whole).await?;
    tell(&show::show(&answer, output)?)
}

async fn ask(
    client: &Client,
    verb: &Verb,
    request: DynamicMessage,
    whole: bool,
) -> Result<DynamicMessage> {
    if whole {
        every_page(client, verb, request).await
    } else {
        client.unary(verb, request).await
    }
}

/// All pages as one answer.
async fn every_page(
    client: &Client,
    verb: &Verb,
    mut request: DynamicMessage,
) -> Result<DynamicMessage> {
    let mut whole = client.unary(verb, request.clone()).await?;
    loop {
        let token = whole.take_field_by_name("next_page_token");
        let Some(token) = token.filter(|token| token.as_str().is_some_and(|text| !text.is_empty()))
        else {
            return Ok(whole);
        };
        request.set_field_by_name("page_token", token);
        let page = client.unary(verb, request.clone()).await?;
        whole.clear_field_by_name("next_page_token");
        for (field, value) in page.fields() {
            match (whole.get_field_mut(&field), value) {
                (prost_reflect::Value::List(all), prost_reflect::Value::List(more)) => {
                    all.extend_from_slice(more);
                }
                (there, value) => *there = value.clone(),
            }
        }
    }
}

fn client(endpoint: &str, matches: &ArgMatches) -> Result<Client> {
    let read = |name: &str| {
        let file = matches.get_one::<String>(name);
        file.map(|file| text::read(file)).transpose()
    };
    let tls = Tls {
        ca: read("ca")?,
        identity: read("cert")?.zip(read("key")?),
    };
    let token = match read("token-file")? {
        Some(token) => Some(token),
        None if tls.identity.is_none() && is_here(endpoint) => found_token()?,
        None => None,
    };
    Client::new(endpoint, token.as_deref(), tls)
}

/// A token that is found is for this machine only.
fn is_here(endpoint: &str) -> bool {
    let uri: Option<http::Uri> = endpoint.parse().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    ["127.0.0.1", "[::1]", "localhost"].contains(&host)
}

/// The admin token of a server that was started in this directory with its defaults.
fn found_token() -> Result<Option<String>> {
    match std::fs::read_to_string(ADMIN_TOKEN) {
        Ok(token) => Ok(Some(token)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{ADMIN_TOKEN}`")),
    }
}

fn completion(matches: &ArgMatches) -> Result<String> {
    let shell: clap_complete::Shell = *matches.get_one("shell").context("which shell?")?;
    let mut command = <crate::Cli as clap::CommandFactory>::command();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "takt", &mut script);
    Ok(String::from_utf8(script)?)
}

fn word<'a>(matches: &'a ArgMatches, name: &str) -> &'a str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

/// As the help says.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Failure>() {
        Some(Failure::Refused { .. }) => REFUSED,
        Some(Failure::Unavailable { .. }) => UNAVAILABLE,
        Some(Failure::NotAllowed { .. }) => NOT_ALLOWED,
        None => 1,
    }
}

/// The server's own words and reason where it gave them.
fn explain_status(error: anyhow::Error, endpoint: &str) -> anyhow::Error {
    let status = match error.downcast::<tonic::Status>() {
        Ok(status) => status,
        Err(other) => return other,
    };
    let message = status.message().to_owned();
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    match (status.code(), reason) {
        (tonic::Code::Unavailable | tonic::Code::DeadlineExceeded | tonic::Code::Cancelled, _) => {
            let endpoint = endpoint.to_owned();
            Failure::Unavailable { endpoint, message }.into()
        }
        (tonic::Code::Unauthenticated | tonic::Code::PermissionDenied, reason) => {
            let reason = reason.unwrap_or_else(|| status.code().to_string());
            Failure::NotAllowed { message, reason }.into()
        }
        (_, Some(reason)) => Failure::Refused { message, reason }.into(),
        (_, None) => status.into(),
    }
}

#[cfg(test)]
mod tests;
