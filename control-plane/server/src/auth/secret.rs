//! Secrets that callers present: `takt_`, 256 random bits, and a checksum.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};
use takt_domain::access::TokenHash;
use takt_kit::{Code, Reject};

const MARK: &str = "takt_";
/// Of 32 bytes in base64.
const BODY_CHARS: usize = 43;
/// Scanners tell a leaked secret from something alike by it.
const CHECK_CHARS: usize = 6;
const PREFIX_CHARS: usize = 12;

/// A secret. It is shown once, by [`Secret::reveal`], and never by `Debug`.
pub struct Secret(String);

/// The machine has no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the machine has no random numbers for a secret: {0}")]
pub struct NoRandomness(#[from] rand::rngs::SysError);

impl NoRandomness {
    pub(crate) fn status(&self) -> tonic::Status {
        Reject::new(Code::Unavailable, "NO_RANDOMNESS", self.to_string()).status()
    }
}

impl Secret {
    /// # Errors
    /// When the machine has no random numbers.
    pub fn fresh() -> Result<Self, NoRandomness> {
        let mut random = [0; 32];
        SysRng.try_fill_bytes(&mut random)?;
        let body = URL_SAFE_NO_PAD.encode(random);
        let check = check(&body);
        Ok(Self(format!("{MARK}{body}{check}")))
    }

    /// What somebody presents, if it can be a secret of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(MARK)?;
        if rest.len() != BODY_CHARS + CHECK_CHARS || !rest.is_ascii() {
            return None;
        }
        let (body, found) = rest.split_at(BODY_CHARS);
        (check(body) == found).then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// What it may be recognised by.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.0[..PREFIX_CHARS]
    }

    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

fn check(body: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(MARK);
    digest.update(body);
    let text = URL_SAFE_NO_PAD.encode(digest.finalize());
    text[..CHECK_CHARS].to_owned()
}

/// Whether two hashes are equal, in a time that does not depend on where they differ.
pub(super) fn equal(a: &TokenHash, b: &TokenHash) -> bool {
    let differing = a.0.iter().zip(&b.0).fold(0, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_made_and_shown_to_nobody() {
        let secret = Secret::fresh().unwrap();
        let read = Secret::read(secret.reveal()).unwrap();
        assert!(equal(&read.hash(), &secret.hash()));
        assert_eq!(secret.reveal().len(), MARK.len() + BODY_CHARS + CHECK_CHARS);
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        let other = Secret::fresh().unwrap();
        assert!(!equal(&other.hash(), &secret.hash()));
    }

    #[test]
    fn what_is_not_whole_is_no_secret() {
        let secret = Secret::fresh().unwrap();
        let text = secret.reveal();
        let mut swapped = text.to_owned();
        let last = if text.ends_with('A') { "B" } else { "A" };
        swapped.replace_range(text.len() - 1.., last);
        for wrong in [
            "",
            "takt_",
            &text[1..],
            &text[..text.len() - 1],
            &swapped,
            &text.to_uppercase(),
        ] {
            assert!(Secret::read(wrong).is_none(), "{wrong}");
        }
    }
}
