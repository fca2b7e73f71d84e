//! `If-Match` and `ETag`: the version of a thing, quoted.

use http::HeaderMap;
use http::header::IF_MATCH;
use takt_kit::{Code, Reject};
use tonic::Status;

use crate::refusal::invalid;

/// What a change is to be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precondition {
    /// `*`: whatever is there.
    Any,
    Version(u64),
}

impl Precondition {
    /// # Errors
    /// When there is none, or it could not be a version of ours.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Status> {
        let mut values = headers.get_all(IF_MATCH).iter();
        let value = values.next().ok_or_else(missing)?;
        if values.next().is_some() {
            return Err(unreadable());
        }
        match value.to_str().map(str::trim) {
            Ok("*") => Ok(Self::Any),
            Ok(text) => {
                let tag = text
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'));
                let tag = tag
                    .filter(|tag| !tag.contains('"'))
                    .ok_or_else(unreadable)?;
                tag.parse().map(Self::Version).map_err(|_| never_was(tag))
            }
            Err(_) => Err(unreadable()),
        }
    }

    /// As the contract says it.
    pub(super) fn version(self) -> Option<u64> {
        match self {
            Self::Any => None,
            Self::Version(version) => Some(version),
        }
    }
}

pub(super) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

fn missing() -> Status {
    let text = "say what you have seen: `If-Match` with the `ETag` of a GET, or `*`";
    Reject::new(Code::Conflict, "IF_MATCH_MISSING", text).status()
}

fn unreadable() -> Status {
    invalid(
        "IF_MATCH_INVALID",
        "`If-Match` is one version in double quotes, such as `\"7\"`, or `*`",
    )
}

/// A tag it may be, but none of ours.
fn never_was(tag: &str) -> Status {
    let tag: String = tag.chars().take(64).collect();
    let text = format!("version `{tag}` was asked for, which nothing here ever had");
    Reject::new(Code::Conflict, "VERSION_MISMATCH", text).status()
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    fn read(values: &[&'static str]) -> Result<Precondition, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = http::HeaderValue::from_bytes(value.as_bytes());
            headers.append(IF_MATCH, value.unwrap());
        }
        Precondition::read(&headers).map_err(|status| {
            let details = status.get_error_details();
            details.error_info().unwrap().reason.clone()
        })
    }

    #[test]
    fn a_precondition_is_one_quoted_version_or_anything() {
        assert_eq!(read(&["\"7\""]), Ok(Precondition::Version(7)));
        assert_eq!(read(&[" * "]), Ok(Precondition::Any));
        let refused = |values: &[&'static str]| read(values).unwrap_err();
        assert_eq!(refused(&[]), "IF_MATCH_MISSING");
        for odd in ["", "7", "\"7", "W/\"7\"", "\"7\", \"8\"", "'7'", "\u{fc}"] {
            assert_eq!(refused(&[odd]), "IF_MATCH_INVALID", "{odd}");
        }
        assert_eq!(refused(&["\"7\"", "\"7\""]), "IF_MATCH_INVALID");
        for never in ["\"\"", "\"-1\"", "\"seven\"", "\"99999999999999999999\""] {
            assert_eq!(refused(&[never]), "VERSION_MISMATCH", "{never}");
        }
        assert_eq!(etag(7), "\"7\"");
    }
}
