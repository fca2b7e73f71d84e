//! One YAML file in, one [`Settings`] out, or every problem of the file at once.
//!
//! The file becomes a tree that knows where each word stands ([`tree`]); one walk over the
//! definition ([`sections`]) reads the tree into settings and notes what was asked for
//! ([`fields`]). The same notes print the effective settings and the reference page ([`mod@print`]),
//! so a field cannot exist without its default, its unit and its reason.

mod expand;
mod fields;
mod machine;
mod print;
mod problem;
mod sections;
mod tree;
mod value;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) use problem::Problems;
pub(crate) use sections::*;
pub(crate) use value::Secret;

use fields::{Entry, Fields, Notes};

/// A configuration that stands.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    entries: Vec<Entry>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file `{path}`")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Problems(#[from] Problems),
}

/// What the outside may add to a file: variables it names, and the size of the machine.
pub(crate) struct Surroundings<'a> {
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Bytes of memory this process may use; `None` if the system does not say.
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) processors: usize,
}

/// Reads `path`, or takes every default when there is none.
///
/// # Errors
/// When the file cannot be read, or has problems; then all of them.
pub(crate) fn load(path: Option<&Path>) -> Result<Config, ConfigError> {
    let surroundings = Surroundings {
        variable: &machine::variable,
        memory_bytes: machine::memory_bytes(),
        processors: machine::processors(),
    };
    let Some(path) = path else {
        return Ok(parse("(no file)", "", &surroundings)?);
    };
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok(parse(&path.display().to_string(), &text, &surroundings)?)
}

fn parse(name: &str, text: &str, surroundings: &Surroundings<'_>) -> Result<Config, Problems> {
    let report = |problems| Problems::new(name, text, problems);
    let root = tree::parse(text).map_err(|problem| report(vec![problem]))?;
    let mut notes = Notes::new(surroundings);
    let settings = Fields::root(&root, &mut notes, Settings::read);
    let (entries, problems) = notes.close();
    if problems.is_empty() {
        Ok(Config { settings, entries })
    } else {
        Err(report(problems))
    }
}

/// Says that a file is in order, or fails with every problem it has.
///
/// # Errors
/// As [`load`].
pub(crate) fn check(path: Option<&Path>) -> anyhow::Result<ExitCode> {
    load(path)?;
    match path {
        Some(path) => println!("{} is in order", path.display()),
        None => println!("no file given; the defaults are in order"),
    }
    Ok(ExitCode::SUCCESS)
}

impl Config {
    /// Every setting in force, as a file that would bring it about; secrets are not shown.
    pub(crate) fn to_yaml(&self) -> String {
        print::effective(&self.entries)
    }
}
