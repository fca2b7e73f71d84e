//! Search, trace by id, tags: the Tempo HTTP API and the engine room behind it.

mod params;
pub mod request;
mod settings;

pub use params::{Invalid, Params};
pub use settings::{Search as SearchSettings, Settings};
