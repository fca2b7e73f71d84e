//! What is wrong with a configuration file, and where.

use std::fmt;

/// A stretch of the file: line and column count from one; `width` is in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) width: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) place: Place,
    /// Dotted, such as `receivers.otlp.grpc.endpoint`; empty for the file as a whole.
    pub(super) path: String,
    pub(super) message: String,
}

/// Everything that is wrong with one file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problems {
    file: String,
    lines: Vec<String>,
    problems: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(file: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.place);
        Self {
            file: file.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            problems,
        }
    }

    fn write_one(&self, f: &mut fmt::Formatter<'_>, problem: &Problem) -> fmt::Result {
        let Place {
            line,
            column,
            width,
        } = problem.place;
        write!(f, "{}:{line}:{column}: ", self.file)?;
        if !problem.path.is_empty() {
            write!(f, "{}: ", problem.path)?;
        }
        writeln!(f, "{}", problem.message)?;
        let Some(source) = self.lines.get(line.saturating_sub(1)) else {
            return Ok(());
        };
        let indent = column.saturating_sub(1);
        let room = source.chars().count().saturating_sub(indent);
        let marks = "^".repeat(width.min(room).max(1));
        writeln!(f, "{line:>5} | {source}")?;
        writeln!(f, "      | {:indent$}{marks}", "")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            self.write_one(f, problem)?;
        }
        match self.problems.len() {
            1 => write!(f, "1 problem in {}", self.file),
            count => write!(f, "{count} problems in {}", self.file),
        }
    }
}

impl std::error::Error for Problems {}
