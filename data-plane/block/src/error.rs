//! What can be wrong with a block, by part.

use parquet::errors::ParquetError;

/// Why a block could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("a block needs at least one span")]
    Empty,
    #[error("too much for one block: {0}")]
    TooLarge(&'static str),
    /// A mistake in this crate, never in the data.
    #[error("the layout is inconsistent: {0}")]
    Layout(&'static str),
    #[error("column `{0}` holds bytes that are not UTF-8")]
    NotText(String),
    #[error("could not encode the data")]
    Encode(#[source] ParquetError),
    #[error("the meta is not readable")]
    Meta(#[source] serde_json::Error),
    #[error("the block has format `{0}`, this reader knows `{known}`", known = crate::meta::FORMAT)]
    Format(String),
    #[error("the block has version {0}, this reader knows versions up to {known}", known = crate::meta::VERSION)]
    Version(u32),
    #[error("the index is damaged in `{part}`: {why}")]
    Index {
        part: &'static str,
        why: &'static str,
    },
    #[error("the footer is damaged: {0}")]
    Footer(&'static str),
    #[error("the footer is not readable")]
    FooterDecode(#[source] ParquetError),
    #[error("the data is damaged in column `{column}` of row group {group}: {why}")]
    Data {
        column: String,
        group: usize,
        why: &'static str,
    },
    #[error("row group {group} is not readable")]
    DataDecode {
        group: usize,
        #[source]
        source: ParquetError,
    },
    #[error("bytes {start}..{end} of the data were not fetched")]
    NotFetched { start: u64, end: u64 },
    #[error("row group {0} does not exist")]
    NoGroup(usize),
    #[error("rows {start}..{end} do not begin and end with a trace of row group {group}")]
    Rows { group: usize, start: u32, end: u32 },
}

impl Error {
    pub(crate) fn index(part: &'static str, why: &'static str) -> Self {
        Self::Index { part, why }
    }
}
