//! Pages of a search: where the next one begins, as a token that only its own search takes.

use std::fmt::Write as _;
use std::hash::Hasher as _;

use takt_model::TraceId;

use crate::params::Invalid;
use crate::request;
use crate::request::search::What;

/// The last trace of a page in the order of its query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Start or duration in nanoseconds, by the order.
    pub(crate) key: u64,
    pub(crate) trace: TraceId,
}

impl Page {
    /// Key, trace and fingerprint in hex: 64 digits.
    pub(crate) fn token(self, fingerprint: u64) -> String {
        let mut token = format!("{:016x}", self.key);
        let _ = write!(token, "{}{fingerprint:016x}", self.trace);
        token
    }

    /// # Errors
    /// When the token is none, or is one of another search.
    pub(crate) fn parse(token: &str, fingerprint: u64) -> Result<Self, Invalid> {
        let broken = || {
            Invalid::parameter(
                "page",
                "this is no page token: take the one that the answer before came with, as it is"
                    .to_owned(),
            )
        };
        if token.len() != 64 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(broken());
        }
        let number = |text: &str| u64::from_str_radix(text, 16).map_err(|_| broken());
        if number(&token[48..])? != fingerprint {
            return Err(Invalid::parameter(
                "page",
                "the token belongs to another search: query, window and order must stay the same from page to page".to_owned(),
            ));
        }
        Ok(Self {
            key: number(&token[..16])?,
            trace: TraceId::parse(&token[16..48]).map_err(|_| broken())?,
        })
    }
}

/// What must be the same on every page. The limit may change.
pub(crate) fn fingerprint(request: &request::Search) -> u64 {
    let what = match &request.what {
        What::TraceQl(text) => text.as_str(),
        // Tags have no pages.
        What::Legacy(_) => "",
    };
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(format!("{what}\0{:?}", request.window).as_bytes());
    hasher.finish()
}

/// FNV-1a, because a token must mean the same in every process and version.
struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_and_only_to_its_search() {
        let page = Page {
            key: 17,
            trace: TraceId([0xab; 16]),
        };
        let token = page.token(5);
        assert_eq!(Page::parse(&token, 5).unwrap(), page);
        assert!(
            Page::parse(&token, 6)
                .unwrap_err()
                .to_string()
                .contains("another search")
        );
        for broken in ["", "zz", &token[1..], &token.replace('a', "ü")] {
            assert!(Page::parse(broken, 5).is_err(), "{broken}");
        }
    }
}
