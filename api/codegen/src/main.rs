//! `cargo build --workspace --bin codegen` builds it (`-p` would select other features and rebuild the world).
//! Without arguments it writes api/wire/src/gen; `--check` only compares.

use anyhow::Result;
use clap::Parser;

#[derive(Debug, Parser)]
struct Args {
    /// Fail when the committed output differs instead of writing it.
    #[arg(long)]
    check: bool,
}

fn main() -> Result<()> {
    let workspace = takt_codegen::workspace();
    if Args::parse().check {
        takt_codegen::check(&workspace)
    } else {
        takt_codegen::write(&workspace)
    }
}
