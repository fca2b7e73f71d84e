//! What a text in the file can mean.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use takt_model::{ByteSize, TenantId, format_duration, parse_duration};

/// A type a field can have: read from the text of a scalar, printed so that it reads back (but for secrets).
pub(super) trait Value: Sized {
    /// What to write, for the reference page.
    const UNIT: &'static str;

    /// # Errors
    /// What was expected instead.
    fn parse(text: &str) -> Result<Self, String>;
    fn print(&self) -> String;
}

/// A text that is used and never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl Value for Secret {
    const UNIT: &'static str = "secret";
    fn parse(text: &str) -> Result<Self, String> {
        String::parse(text).map(Self)
    }
    fn print(&self) -> String {
        format!("{self:?}")
    }
}

impl Value for String {
    const UNIT: &'static str = "text";
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("expected a text, found nothing".to_owned());
        }
        Ok(text.to_owned())
    }
    fn print(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    const UNIT: &'static str = "path";
    fn parse(text: &str) -> Result<Self, String> {
        String::parse(text).map(Self::from)
    }
    fn print(&self) -> String {
        self.display().to_string()
    }
}

impl Value for bool {
    const UNIT: &'static str = "true or false";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("`{text}` is neither `true` nor `false`"))
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

/// Whole numbers: the bounds of a narrower type are the bounds of the field.
macro_rules! counts {
    ($($type:ty),+) => {$(
        impl Value for $type {
            const UNIT: &'static str = "count";
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("`{text}` is not a whole number up to {}", Self::MAX))
            }
            fn print(&self) -> String {
                self.to_string()
            }
        }
    )+};
}
counts!(u32, u64, usize);

impl Value for f64 {
    const UNIT: &'static str = "fraction from 0 to 1";
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(fraction) if (0.0..=1.0).contains(&fraction) => Ok(fraction),
            _ => Err(format!("`{text}` is not a fraction from 0 to 1")),
        }
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    const UNIT: &'static str = "duration";
    fn parse(text: &str) -> Result<Self, String> {
        parse_duration(text).map_err(|error| error.to_string())
    }
    fn print(&self) -> String {
        format_duration(*self)
    }
}

impl Value for ByteSize {
    const UNIT: &'static str = "size";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|error: takt_model::UnitError| error.to_string())
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for SocketAddr {
    const UNIT: &'static str = "address";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!(
                "`{text}` is not an address: write an IP address and a port, such as `0.0.0.0:4317`"
            )
        })
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for Url {
    const UNIT: &'static str = "URL";
    fn parse(text: &str) -> Result<Self, String> {
        let url = Self::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| {
            format!("`{text}` is not a URL such as `http://127.0.0.1:9093` or `https://host/path`")
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL is no place for credentials: it is printed and logged".to_owned());
        }
        Ok(url)
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for TenantId {
    const UNIT: &'static str = "tenant";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|error: takt_model::IdError| error.to_string())
    }
    fn print(&self) -> String {
        self.to_string()
    }
}

/// One of a few words: the variants with how they are written.
macro_rules! words {
    ($type:ty, $unit:literal: $($variant:path = $word:literal),+) => {
        impl $crate::config::value::Value for $type {
            const UNIT: &'static str = $unit;
            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok($variant),)+
                    _ => Err(format!("`{text}` is not one of {}", [$(concat!("`", $word, "`")),+].join(", "))),
                }
            }
            fn print(&self) -> String {
                match self { $($variant => $word.to_owned(),)+ }
            }
        }
    };
}
pub(super) use words;
