//! What each consumer is done with: one small file, replaced atomically.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::{CommitError, Offset, OpenError};

/// One line a consumer: name, space, offset. The last line is `crc` and the CRC-32 of the lines before.
#[derive(Debug)]
pub(crate) struct Commits {
    dir: PathBuf,
    offsets: BTreeMap<String, Offset>,
}

const NAME: &str = "commits";

impl Commits {
    pub(crate) fn open(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        let offsets = match fs::read_to_string(&path) {
            Ok(text) => parse(&text).map_err(|reason| OpenError::Commits { path, reason })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(OpenError::Io { path, source }),
        };
        Ok(Self {
            dir: dir.to_owned(),
            offsets,
        })
    }

    pub(crate) fn get(&self, consumer: &str) -> Option<Offset> {
        self.offsets.get(consumer).copied()
    }

    pub(crate) fn lowest(&self) -> Option<Offset> {
        self.offsets.values().min().copied()
    }

    pub(crate) fn highest(&self) -> Option<Offset> {
        self.offsets.values().max().copied()
    }

    pub(crate) fn set(&mut self, consumer: &str, offset: Offset) -> Result<(), CommitError> {
        let mut offsets = self.offsets.clone();
        offsets.insert(consumer.to_owned(), offset);
        self.keep(offsets)
    }

    /// Takes back commits past `end`: the numbers from there on are given out again.
    pub(crate) fn cut_off(&mut self, end: Offset) -> Result<(), CommitError> {
        let mut offsets = self.offsets.clone();
        offsets
            .values_mut()
            .for_each(|offset| *offset = (*offset).min(end));
        self.keep(offsets)
    }

    fn keep(&mut self, offsets: BTreeMap<String, Offset>) -> Result<(), CommitError> {
        replace(&self.dir, &render(&offsets)).map_err(|source| CommitError {
            path: self.dir.join(NAME),
            source,
        })?;
        self.offsets = offsets;
        Ok(())
    }
}

fn render(offsets: &BTreeMap<String, Offset>) -> String {
    let lines: String = offsets
        .iter()
        .map(|(consumer, offset)| format!("{consumer} {}\n", offset.0))
        .collect();
    let crc = crc32fast::hash(lines.as_bytes());
    format!("{lines}crc {crc:08x}\n")
}

fn parse(text: &str) -> Result<BTreeMap<String, Offset>, String> {
    let (lines, crc) = text
        .trim_end()
        .rsplit_once("crc ")
        .ok_or("its last line is missing")?;
    if u32::from_str_radix(crc, 16) != Ok(crc32fast::hash(lines.as_bytes())) {
        return Err("the checksum is wrong".to_owned());
    }
    let line = |line: &str| {
        let (consumer, offset) = line.split_once(' ')?;
        Some((consumer.to_owned(), Offset(offset.parse().ok()?)))
    };
    lines
        .lines()
        .map(|text| line(text).ok_or_else(|| format!("`{text}` is no commit")))
        .collect()
}

fn replace(dir: &Path, text: &str) -> io::Result<()> {
    let beside = dir.join("commits.new");
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, dir.join(NAME))?;
    File::open(dir)?.sync_all()
}
