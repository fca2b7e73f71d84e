//! Says of each line of a file whether it is a query: its canonical text, or why not, at length.
//!
//! `cargo run -p takt-traceql --example check -- FILE`

use std::io::{self, Write};
use std::{env, fs};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Some(path) = env::args_os().nth(1) else {
        return writeln!(out, "usage: check FILE");
    };
    for line in fs::read_to_string(path)?.lines() {
        match takt_traceql::parse(line) {
            Ok(query) => writeln!(out, "yes\t{line}\t{query}")?,
            Err(error) => writeln!(out, "no\t{line}\n{}", error.explain(line))?,
        }
    }
    Ok(())
}
