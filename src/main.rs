//! `takt`: one binary, every role. Reads arguments, the configuration file and signals; the rest is wiring.
#![expect(
    clippy::print_stdout,
    reason = "a command line program answers on standard output"
)]

#[cfg(takt_flaws)]
compile_error!(
    "`takt_flaws` lets the control log be broken on purpose; it is for `make sim` alone"
);

mod config;
mod ctl;
mod query;
mod send;
mod serve;
mod telemetry;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A distributed-tracing platform: OTLP in, columnar blocks in object storage, TraceQL out.
#[derive(Debug, Parser)]
#[command(name = "takt", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(ServeArgs),
    /// Print the version and what it was built from.
    Version,
    /// Report every problem of a configuration file; exit 1 if there is one.
    CheckConfig(FileArgs),
    /// Print the effective configuration, defaults filled in.
    PrintConfig(FileArgs),
    /// Replay trace files (OTLP, Jaeger, Zipkin and others) to an OTLP endpoint.
    Send(send::Args),
    /// Search, fetch a trace, list tags and values of a running server.
    Query(query::Args),
    /// Administer a running server: tenants, overrides and rules.
    Ctl(ctl::Args),
}

#[derive(Debug, clap::Args)]
struct ServeArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Which roles this process plays.
    #[arg(long, value_enum, default_value_t = Target::All)]
    target: Target,
}

#[derive(Debug, clap::Args)]
struct FileArgs {
    /// The YAML configuration file; without it everything has its default, on loopback.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    /// Every role in one process.
    All,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            telemetry::complain(&error);
            ctl::exit_code(&error).into()
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Version => {
            println!("takt {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
        Command::CheckConfig(file) => config::check(file.config.as_deref()),
        Command::PrintConfig(file) => {
            print!("{}", config::load(file.config.as_deref())?.to_yaml());
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve(ServeArgs {
            file,
            target: Target::All,
        }) => {
            let config = config::load(file.config.as_deref())?;
            runtime()?.block_on(serve::serve(config))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Send(args) => done(runtime()?.block_on(send::run(args))),
        Command::Query(args) => done(runtime()?.block_on(query::run(args))),
        Command::Ctl(args) => done(runtime()?.block_on(ctl::run(args))),
    }
}

fn done(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // One crypto provider for everything that speaks TLS; a second one would panic at first use.
    let _already_installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("takt")
        .build()?)
}
