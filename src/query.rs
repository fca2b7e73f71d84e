//! `takt query`: ask a running server from the terminal.

mod client;
mod show;
mod tree;

use std::io::Write as _;

use clap::{Parser, Subcommand};
use serde_json::Value;

use self::client::Client;

/// What to ask, and of whom.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The server's HTTP address.
    #[arg(long, global = true, default_value = "http://127.0.0.1:3200")]
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
    /// Most results.
    #[arg(long, global = true)]
    limit: Option<u32>,
    /// Print the server's answer as it came.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Traces that match a TraceQL query, newest first.
    Search { query: String },
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

/// Asks, and prints the answer to standard output; what is missing from it goes to standard error.
///
/// # Errors
/// When the server cannot be reached, refuses, or answers with something else than Tempo's JSON.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let client = Client::new(&args.endpoint, args.tenant.as_deref())?;
    let window = [
        ("since", &args.since),
        ("start", &args.start),
        ("end", &args.end),
    ];
    let mut params: Vec<(&str, String)> = window
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.clone()?)))
        .collect();
    params.extend(args.limit.map(|limit| ("limit", limit.to_string())));
    let answer = match &args.command {
        Command::Search { query } => {
            params.push(("q", query.clone()));
            client.get(&["api", "search"], &params).await?
        }
        Command::Trace { id } => client.get(&["api", "v2", "traces", id], &params).await?,
        Command::Tags { scope } => {
            params.extend(scope.clone().map(|scope| ("scope", scope)));
            client
                .get(&["api", "v2", "search", "tags"], &params)
                .await?
        }
        Command::Values { name } => {
            client
                .get(&["api", "v2", "search", "tag", name, "values"], &params)
                .await?
        }
    };
    let text = if args.json {
        serde_json::to_string_pretty(&answer.body)?
    } else {
        render(&args.command, &answer.body)?
    };
    writeln!(std::io::stdout().lock(), "{}", text.trim_end())?;
    if let Some(missing) = answer.missing {
        writeln!(std::io::stderr().lock(), "not everything: {missing}")?;
    }
    Ok(())
}

fn render(command: &Command, body: &Value) -> anyhow::Result<String> {
    Ok(match command {
        Command::Search { .. } => show::traces(body),
        Command::Trace { id } => {
            let spans = tree::spans(body)?;
            anyhow::ensure!(!spans.is_empty(), "trace {id} is not known");
            tree::draw(&spans)
        }
        Command::Tags { .. } => show::tags(body),
        Command::Values { .. } => show::values(body),
    })
}
