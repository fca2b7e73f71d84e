//! Access policies, tokens and issuers over the wire.

mod issuers;
mod policies;
mod read;
mod tokens;

use std::ops::Bound;

use takt_domain::Map;
use takt_domain::access::Name;
use tonic::Status;

pub(crate) use issuers::{OidcIssuerApi, find as find_issuer};
pub(crate) use policies::{AccessPolicyApi, find as find_policy};
pub(crate) use tokens::{TokenApi, find as find_token};

use crate::refusal::rejected;

const PAGE_MAX: usize = 1000;

fn name(text: &str) -> Result<Name, Status> {
    Name::new(text).map_err(|rejection| rejected(&rejection.into()))
}

/// Rows after a name in their order, and what to ask for the next page with.
fn page<V: Clone, W>(
    rows: &Map<Name, V>,
    size: u32,
    token: &str,
    mut row: impl FnMut(&Name, &V) -> Option<W>,
) -> Result<(Vec<W>, String), Status> {
    let after = match token {
        "" => Bound::Unbounded,
        token => Bound::Excluded(name(token)?),
    };
    let size = match usize::try_from(size) {
        Ok(0) | Err(_) => PAGE_MAX,
        Ok(size) => size.min(PAGE_MAX),
    };
    let mut page = Vec::new();
    let mut last = String::new();
    for (name, value) in rows.range((after, Bound::Unbounded)) {
        if page.len() == size {
            return Ok((page, last));
        }
        if let Some(found) = row(name, value) {
            page.push(found);
            name.as_str().clone_into(&mut last);
        }
    }
    Ok((page, String::new()))
}
