//! `takt query`: ask a running server from the terminal.

mod chart;
mod client;
mod compare;
mod heatmap;
mod json;
mod metrics;
mod screen;
mod search;
mod table;
mod tags;
mod tree;
mod units;

use std::io::Write as _;

use anyhow::{anyhow, bail};
use clap::{Parser, Subcommand, ValueEnum};
use serde_json::Value;
use takt_traceql::{Body, MetricsExpr};

use self::client::Client;
use self::screen::Screen;

/// What to ask, and of whom.
#[derive(Debug, Parser)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Args {
    /// A TraceQL query. A search is answered with a table of traces, a metrics query with charts.
    #[arg(required = true)]
    query: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
    /// The server's HTTP address.
    #[arg(
        long,
        global = true,
        env = "TAKT_ENDPOINT",
        default_value = "http://127.0.0.1:3200"
    )]
    endpoint: String,
    /// Tenant to ask for (several with `|` between); needed where multi-tenancy is on.
    #[arg(long, global = true)]
    tenant: Option<String>,
    /// Only the time since then: `15m`, `2h`, `7d`.
    #[arg(long, global = true, conflicts_with_all = ["start", "end"])]
    since: Option<String>,
    /// From when: Unix seconds or RFC 3339.
    #[arg(long, global = true, requires = "end")]
    start: Option<String>,
    /// Until when: Unix seconds or RFC 3339.
    #[arg(long, global = true, requires = "start")]
    end: Option<String>,
    /// Most results: traces, names or values.
    #[arg(long, global = true)]
    limit: Option<u32>,
    /// Searches: most spans shown of each spanset.
    #[arg(long)]
    spans: Option<u32>,
    /// Searches: the next traces, with the token the answer before came with.
    #[arg(long)]
    page: Option<String>,
    /// Metrics: time between two samples, `30s`; the server picks one otherwise.
    #[arg(long)]
    step: Option<String>,
    /// Metrics: one number for the whole time.
    #[arg(long, conflicts_with = "step")]
    instant: bool,
    /// How the answer is printed.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Tables, trees and charts.
    Text,
    /// The server's answer as it came.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One trace as a tree.
    Trace { id: String },
    /// Names of attributes and intrinsics.
    Tags {
        /// `span`, `resource`, `event`, `link`, `instrumentation` or `intrinsic`.
        #[arg(long)]
        scope: Option<String>,
    },
    /// Values of an attribute or intrinsic: `resource.service.name`, `.http.method`, `name`.
    Values { name: String },
}

/// One question, ready to be asked.
struct Question {
    path: Vec<String>,
    params: Vec<(&'static str, String)>,
    kind: Kind,
}

/// What kind of answer is coming.
enum Kind {
    Search,
    Range(MetricsExpr),
    Instant(MetricsExpr),
    Trace(String),
    Tags,
    Values,
}

/// Asks, and prints the answer to standard output; what is to be said about it goes to standard error.
///
/// # Errors
/// When the query is not TraceQL, when the server cannot be reached, refuses, or answers with something
/// else than Tempo's JSON.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let question = question(&args)?;
    let client = Client::new(&args.endpoint, args.tenant.as_deref())?;
    let answer = client.get(&question.path, &question.params).await?;
    let text = match args.output {
        Output::Json => serde_json::to_string_pretty(&answer.body)?,
        Output::Text => {
            let body = json::without_control_characters(answer.body);
            render(&question.kind, &body, &Screen::of_stdout())?
        }
    };
    writeln!(std::io::stdout().lock(), "{}", text.trim_end())?;
    let mut stderr = std::io::stderr().lock();
    for remark in answer.remarks {
        writeln!(stderr, "{remark}")?;
    }
    Ok(())
}

fn question(args: &Args) -> anyhow::Result<Question> {
    let (path, kind) = match (&args.query, &args.command) {
        (Some(query), None) => match (body(query)?, args.instant) {
            (Body::Search(_), false) => ("api/search".to_owned(), Kind::Search),
            (Body::Search(_), true) => {
                bail!("`--instant` is for metrics queries; this is a search")
            }
            (Body::Metrics(of), false) => ("api/metrics/query_range".to_owned(), Kind::Range(of)),
            (Body::Metrics(of), true) => ("api/metrics/query".to_owned(), Kind::Instant(of)),
        },
        (None, Some(command)) => match command {
            Command::Trace { id } => (format!("api/v2/traces/{id}"), Kind::Trace(id.clone())),
            Command::Tags { .. } => ("api/v2/search/tags".to_owned(), Kind::Tags),
            Command::Values { .. } => ("api/v2/search/tag".to_owned(), Kind::Values),
        },
        (Some(query), Some(_)) => bail!("`{query}` is in the way of the command after it"),
        (None, None) => bail!("no query"),
    };
    let mut path: Vec<String> = path.split('/').map(str::to_owned).collect();
    let scope = match &args.command {
        Some(Command::Values { name }) => {
            path.extend([name.clone(), "values".to_owned()]);
            None
        }
        Some(Command::Tags { scope }) => scope.clone(),
        Some(Command::Trace { .. }) | None => None,
    };
    let params = [
        ("q", args.query.clone()),
        ("since", args.since.clone()),
        ("start", args.start.clone()),
        ("end", args.end.clone()),
        ("limit", args.limit.map(|limit| limit.to_string())),
        ("spss", args.spans.map(|spans| spans.to_string())),
        ("page", args.page.clone()),
        ("step", args.step.clone()),
        ("scope", scope),
    ];
    let params = params
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    Ok(Question { path, params, kind })
}

/// Reads the query here, so that a mistake is shown with its place before anybody is asked.
fn body(query: &str) -> anyhow::Result<Body> {
    match takt_traceql::parse(query) {
        Ok(query) => Ok(query.body),
        Err(error) => Err(anyhow!(error.explain(query))),
    }
}

fn render(kind: &Kind, body: &Value, screen: &Screen) -> anyhow::Result<String> {
    Ok(match kind {
        Kind::Search => search::traces(body, screen),
        Kind::Range(query) => metrics::range(body, query, screen),
        Kind::Instant(query) => metrics::instant(body, query, screen),
        Kind::Trace(id) => {
            let spans = tree::spans(body)?;
            anyhow::ensure!(!spans.is_empty(), "trace {id} is not known");
            tree::draw(&spans)
        }
        Kind::Tags => tags::names(body),
        Kind::Values => tags::values(body),
    })
}

#[cfg(test)]
mod tests;
