//! Measures the control plane: replaying a long history, opening a large log, and a cluster of three
//! voters with real syncs. Prints a Markdown table.
#![expect(clippy::print_stdout, reason = "a program reports on standard output")]

mod cluster;
mod history;
mod machine;
mod replay;
mod restart;
mod watch;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
struct Arguments {
    /// How many tenants the long history is about; zero leaves it out.
    #[arg(long, default_value_t = 1_000_000)]
    tenants: u64,
    /// How many events there are of each.
    #[arg(long, default_value_t = 20)]
    events: u64,
    /// How large the log is that is opened; zero leaves it out.
    #[arg(long, default_value_t = 1_000_000_000)]
    log_bytes: u64,
    /// How many commands a cluster of three voters is given; zero leaves it out.
    #[arg(long, default_value_t = 50_000)]
    commands: u64,
    /// How many nodes follow one replica; zero leaves them out.
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
}

/// One line of the table.
#[derive(Debug)]
struct Row {
    what: String,
    figure: String,
    mark: &'static str,
    bound: &'static str,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut rows = Vec::new();
    if arguments.commands > 0 {
        rows.extend(cluster::measure(arguments.commands).await?);
    }
    if arguments.log_bytes > 0 {
        rows.extend(restart::measure(arguments.log_bytes).await?);
    }
    if arguments.tenants > 0 {
        rows.extend(replay::measure(arguments.tenants, arguments.events)?);
    }
    if arguments.subscribers > 0 {
        rows.extend(watch::measure(arguments.subscribers).await?);
    }
    println!("| what | measured | mark | what bounds it |\n|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {} | {} | {} |",
            row.what, row.figure, row.mark, row.bound
        );
    }
    Ok(())
}
