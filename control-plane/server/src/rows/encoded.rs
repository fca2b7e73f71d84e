//! Rows as nodes get them, encoded once for all who ask for the newest.

use std::collections::BTreeMap;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message as _;
use takt_domain::access::Name;
use takt_domain::{State, Subject};
use takt_model::Revision;
use takt_wire::takt::admin::v1::row::Row;
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::node_row;

/// Shared by all subscribers of a replica.
#[derive(Debug, Default)]
pub(crate) struct Encoded(Mutex<Newest>);

/// The rows somebody asked for, as they stand at the newest revision anybody asked at.
#[derive(Debug, Default)]
struct Newest {
    revision: Revision,
    rows: BTreeMap<Subject, Option<Bytes>>,
}

impl Encoded {
    /// The row as it stands; `None` when it is not there.
    pub(crate) fn row(&self, state: &State, subject: &Subject) -> Option<Bytes> {
        let mut newest = self.0.lock();
        if state.revision < newest.revision {
            drop(newest);
            return encode(state, subject);
        }
        if state.revision > newest.revision {
            newest.revision = state.revision;
            newest.rows.clear();
        }
        if let Some(row) = newest.rows.get(subject) {
            return row.clone();
        }
        let row = encode(state, subject);
        newest.rows.insert(subject.clone(), row.clone());
        row
    }
}

/// The row as it stands, of which nobody else needs a copy.
pub(crate) fn encode(state: &State, subject: &Subject) -> Option<Bytes> {
    let shown = super::find(state, subject)?;
    let row = match shown.row {
        Some(Row::Token(token)) => node_row::Row::Token(wire::NodeToken {
            hash: hash(state, subject)?,
            token: Some(token),
        }),
        row => node_row::Row::Shown(takt_wire::takt::admin::v1::Row { row }),
    };
    Some(wire::NodeRow { row: Some(row) }.encode_to_vec().into())
}

/// What a token is recognised by; people are not told.
fn hash(state: &State, token: &Subject) -> Option<Vec<u8>> {
    let name = Name::new(&token.name).ok()?;
    let token = state.access.tokens().get(&name)?;
    Some(token.spec.hash.0.to_vec())
}
