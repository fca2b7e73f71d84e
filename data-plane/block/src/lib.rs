//! The native block: span columns in, three objects out, and back. Bytes only: no files, no clock.
//!
//! A block is `data.parquet` (one plain Parquet file, one row per span, readable by anyone), `index`
//! (what lets Takt's readers find a trace, prune and answer tag queries without reading columns) and
//! `meta.json` (stored last; its presence makes the block). `docs/block-format.md` describes every byte.
//!
//! It promises:
//! - What was written comes back, span for span and field for field.
//! - A damaged byte is an error that names the place: the Parquet decoder only ever sees pages whose
//!   checksum matches.
//! - A reader fetches what the query names: [`Opened::ranges`] says which bytes, [`Opened::decode`] takes them.
//! - A block of any released version can be read for ever; `tests/corpus` holds one of each.
//!
//! Start reading at [`write`](write()), then [`Opened`].

mod codec;
mod error;
mod index;
mod layout;
mod meta;
mod pages;
mod read;
mod text;
mod write;

pub use error::Error;
pub use index::catalogue::{Key, Scope, Type, Typed};
pub use index::values::{Counted, Intrinsic};
pub use meta::{FORMAT, JournalRange, Meta, Native, Spec, VERSION};
pub use read::{Fetched, Located, Opened};
pub use write::{Encoded, write, write_groups};
