//! What the real server does when it is killed, stopped, starved and cut off.
//!
//! `server` is about one process and the spans it acknowledged, `outage` about a data plane that is left alone, `cluster`
//! about the several nodes of a control plane and the commands they acknowledged.
#![expect(clippy::print_stdout, reason = "a program reports on standard output")]

mod cluster;
mod outage;
mod random;
mod server;

use clap::Parser;

#[derive(Debug, Parser)]
enum Program {
    /// Kills one server at random moments and counts the spans that are left.
    Server(server::Arguments),
    /// Takes the control plane away from a data plane, and restarts it meanwhile.
    Outage(outage::Arguments),
    /// Runs the cluster of a control plane under faults of process, network and disk.
    Cluster(cluster::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Program::parse() {
        Program::Server(arguments) => server::run(arguments).await,
        Program::Outage(arguments) => outage::run(arguments).await,
        Program::Cluster(arguments) => cluster::run(arguments).await,
    }
}
