//! What callers show: `Authorization: Bearer …`, or `Basic` with the token as password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use takt_model::TenantId;

use super::secret::Secret;

/// Longer ones could not be right.
const MAX_BYTES: usize = 16 << 10;

#[derive(Debug)]
pub(super) enum Credentials {
    Nothing,
    /// A token, and the tenants it is to be used for, as far as they are said.
    Secret {
        secret: Secret,
        tenants: Vec<TenantId>,
    },
    /// Three parts with dots between: signed by somebody else.
    Jwt(String),
}

/// What is shown is neither a token nor signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

impl Credentials {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Malformed> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Ok(Self::Nothing);
        };
        // Of two, others on the way may have looked at the other one.
        if values.next().is_some() || value.len() > MAX_BYTES {
            return Err(Malformed);
        }
        let text = value.to_str().map_err(|_| Malformed)?;
        let (scheme, rest) = text.split_once(' ').ok_or(Malformed)?;
        let rest = rest.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Self::bearer(rest),
            "basic" => {
                let bytes = STANDARD.decode(rest).map_err(|_| Malformed)?;
                let text = String::from_utf8(bytes).map_err(|_| Malformed)?;
                let (user, password) = text.split_once(':').ok_or(Malformed)?;
                Self::secret(user, password)
            }
            _ => Err(Malformed),
        }
    }

    fn bearer(text: &str) -> Result<Self, Malformed> {
        if let Some((tenants, secret)) = text.split_once(':') {
            return Self::secret(tenants, secret);
        }
        if text.split('.').count() == 3 {
            return Ok(Self::Jwt(text.to_owned()));
        }
        Self::secret("", text)
    }

    fn secret(tenants: &str, text: &str) -> Result<Self, Malformed> {
        let secret = Secret::read(text).ok_or(Malformed)?;
        let tenants = match tenants {
            // Everything the token reaches.
            "" | "*" => Vec::new(),
            text => text
                .split('|')
                .map(TenantId::new)
                .collect::<Result<_, _>>()
                .map_err(|_| Malformed)?,
        };
        Ok(Self::Secret { secret, tenants })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Credentials, Malformed> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        Credentials::read(&headers)
    }

    #[test]
    fn every_form_is_read() {
        assert!(matches!(
            Credentials::read(&HeaderMap::new()),
            Ok(Credentials::Nothing)
        ));
        let secret = Secret::fresh().unwrap();
        let text = secret.reveal();
        let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{text}")));
        for (value, expected) in [
            (format!("Bearer {text}"), ""),
            (format!("bearer {text}"), ""),
            (format!("Bearer a:{text}"), "a"),
            (basic(""), ""),
            (basic("*"), ""),
            (basic("a|b"), "a b"),
        ] {
            let Ok(Credentials::Secret { tenants, .. }) = read(&value) else {
                panic!("{value} is a secret");
            };
            let tenants: Vec<String> = tenants.iter().map(TenantId::to_string).collect();
            assert_eq!(tenants.join(" "), expected);
        }
        assert!(matches!(read("Bearer a.b.c"), Ok(Credentials::Jwt(_))));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for value in [
            "",
            "Bearer",
            "Bearer x",
            "Basic x",
            "Basic eA==",
            "Digest x",
            "takt_",
        ] {
            assert!(read(value).is_err(), "{value}");
        }
        let mut twice = HeaderMap::new();
        twice.append(AUTHORIZATION, "Bearer a.b.c".parse().unwrap());
        twice.append(AUTHORIZATION, "Bearer d.e.f".parse().unwrap());
        assert!(Credentials::read(&twice).is_err());
    }
}
