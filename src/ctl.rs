//! `takt ctl`: tenants, overrides and rules of a running server.

mod overrides;
mod rules;
mod table;
mod tenant;

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt as _;

/// What the program exits with when a rule of the server says no.
const REFUSED: u8 = 3;
/// What the program exits with when the server cannot be reached or cannot answer now; a retry may help.
const UNAVAILABLE: u8 = 4;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the server listens.
    #[arg(long, global = true, default_value = "http://127.0.0.1:3200")]
    endpoint: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Who may use this installation.
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// What tenants may do.
    #[command(subcommand)]
    Overrides(overrides::Command),
    /// Alerts and recorded series of a tenant.
    #[command(subcommand)]
    Rules(rules::Command),
}

/// The server answered with a no, or did not answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{message} ({reason})")]
    Refused { message: String, reason: String },
    #[error("the server at `{endpoint}` cannot answer now: {message}")]
    Unavailable { endpoint: String, message: String },
}

/// Carries out a command and prints what came of it.
///
/// # Errors
/// When the server refuses or cannot answer; [`exit_code`] tells these apart.
pub(crate) async fn run(args: Args) -> Result<()> {
    let text = answer(args).await?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

async fn answer(args: Args) -> Result<String> {
    let endpoint = args.endpoint;
    let channel = connect(&endpoint)?;
    let answer = match args.command {
        Command::Tenant(command) => command.run(channel).await,
        Command::Overrides(command) => command.run(channel).await,
        Command::Rules(command) => command.run(channel).await,
    };
    answer.map_err(|error| explain(error, &endpoint))
}

/// 3 for a refusal, 4 when the server cannot answer now, else 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Failure>() {
        Some(Failure::Refused { .. }) => REFUSED,
        Some(Failure::Unavailable { .. }) => UNAVAILABLE,
        None => 1,
    }
}

fn connect(endpoint: &str) -> Result<Channel> {
    let channel = Endpoint::from_shared(endpoint.to_owned())
        .with_context(|| format!("`{endpoint}` is not a URL such as `http://127.0.0.1:3200`"))?
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(10));
    Ok(channel.connect_lazy())
}

/// The server's own words and reason where it gave them.
fn explain(error: anyhow::Error, endpoint: &str) -> anyhow::Error {
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
        (_, Some(reason)) => Failure::Refused { message, reason }.into(),
        (_, None) => status.into(),
    }
}

#[cfg(test)]
mod tests;
