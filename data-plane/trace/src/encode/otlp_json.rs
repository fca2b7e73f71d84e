//! OTLP/JSON: ids in hex, integers as text or number, enums by number or name, unknown keys ignored.

mod schema;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::wire::{put_bytes, put_fixed32, put_fixed64, put_number};

use schema::{FieldSpec, Form, Message, TRACES};

/// Why a text is no OTLP/JSON export request.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    #[error("the request is not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// `path` leads there from the top, such as `resourceSpans[0].scopeSpans[1].spans[2].traceId`.
    #[error("{path} is not {wanted}")]
    Field { path: String, wanted: &'static str },
}

/// An `ExportTraceServiceRequest` in OTLP/JSON as protobuf. The parser bounds how deep it may nest.
///
/// # Errors
/// When it is not JSON, or a field has a value that its type cannot take.
pub fn from_otlp_json(request: &[u8]) -> Result<Vec<u8>, JsonError> {
    let request: Value = serde_json::from_slice(request)?;
    let mut out = Vec::new();
    match message(&mut out, &request, &TRACES) {
        Ok(()) => Ok(out),
        Err(Wrong { path, wanted }) if path.is_empty() => Err(JsonError::Field {
            path: "the request".to_owned(),
            wanted,
        }),
        Err(Wrong { path, wanted }) => Err(JsonError::Field {
            path: path.trim_start_matches('.').to_owned(),
            wanted,
        }),
    }
}

/// What was wanted, and the path to it, which grows at its front on the way up.
struct Wrong {
    path: String,
    wanted: &'static str,
}

fn wrong(wanted: &'static str) -> Wrong {
    Wrong {
        path: String::new(),
        wanted,
    }
}

impl Wrong {
    fn below(self, step: impl std::fmt::Display) -> Self {
        Self {
            path: format!("{step}{}", self.path),
            ..self
        }
    }
}

fn message(out: &mut Vec<u8>, json: &Value, schema: &Message) -> Result<(), Wrong> {
    let object = json.as_object().ok_or_else(|| wrong("an object"))?;
    for spec in schema.fields {
        match object.get(spec.name) {
            None | Some(Value::Null) => {}
            Some(value) => field(out, spec, value, schema.is_oneof)
                .map_err(|wrong| wrong.below(format_args!(".{}", spec.name)))?,
        }
    }
    Ok(())
}

fn field(out: &mut Vec<u8>, spec: &FieldSpec, json: &Value, keep_zero: bool) -> Result<(), Wrong> {
    if !spec.is_repeated {
        return value(out, spec, json, keep_zero);
    }
    let items = json.as_array().ok_or_else(|| wrong("an array"))?;
    for (at, item) in items.iter().enumerate() {
        value(out, spec, item, keep_zero).map_err(|wrong| wrong.below(format_args!("[{at}]")))?;
    }
    Ok(())
}

fn value(out: &mut Vec<u8>, spec: &FieldSpec, json: &Value, keep_zero: bool) -> Result<(), Wrong> {
    let number = spec.number;
    match spec.form {
        Form::Message(schema) => {
            let mut inner = Vec::new();
            message(&mut inner, json, schema)?;
            put_bytes(out, number, &inner);
        }
        Form::Text => some_bytes(out, number, text(json)?.as_bytes(), keep_zero),
        Form::Id => some_bytes(out, number, &hex(text(json)?)?, keep_zero),
        Form::Bytes => some_bytes(out, number, &base64(text(json)?)?, keep_zero),
        Form::Fixed64 => match unsigned(json)? {
            0 if !keep_zero => {}
            value => put_fixed64(out, number, value),
        },
        Form::Fixed32 => match small(json)? {
            0 if !keep_zero => {}
            value => put_fixed32(out, number, value),
        },
        Form::Double => put_fixed64(out, number, double(json)?.to_bits()),
        Form::Uint32 => some_number(out, number, u64::from(small(json)?), keep_zero),
        Form::Int64 => some_number(out, number, signed(json)?.cast_unsigned(), keep_zero),
        Form::Bool => {
            let flag = json.as_bool().ok_or_else(|| wrong("a boolean"))?;
            some_number(out, number, u64::from(flag), keep_zero);
        }
        Form::Enum(names) => some_number(out, number, enumerated(json, names)?, keep_zero),
    }
    Ok(())
}

fn some_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8], keep_zero: bool) {
    if keep_zero || !bytes.is_empty() {
        put_bytes(out, number, bytes);
    }
}

fn some_number(out: &mut Vec<u8>, number: u32, value: u64, keep_zero: bool) {
    if keep_zero || value != 0 {
        put_number(out, number, value);
    }
}

fn text(json: &Value) -> Result<&str, Wrong> {
    json.as_str().ok_or_else(|| wrong("a string"))
}

fn hex(text: &str) -> Result<Vec<u8>, Wrong> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
    bytes.ok_or_else(|| wrong("an even number of hex digits"))
}

/// Standard or URL-safe, padded or not, as protobuf's JSON mapping allows.
fn base64(text: &str) -> Result<Vec<u8>, Wrong> {
    const ANY_PADDING: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .map_err(|_| wrong("base64"))
}

fn unsigned(json: &Value) -> Result<u64, Wrong> {
    let number = match json {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong("an unsigned integer of 64 bits"))
}

fn signed(json: &Value) -> Result<i64, Wrong> {
    let number = match json {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong("an integer of 64 bits"))
}

fn small(json: &Value) -> Result<u32, Wrong> {
    unsigned(json)
        .ok()
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| wrong("an unsigned integer of 32 bits"))
}

/// As exact as `serde_json` reads numbers: without its `float_roundtrip` the last bit may be off.
/// Protobuf's `NaN`, `Infinity` and `-Infinity` are among what Rust parses.
fn double(json: &Value) -> Result<f64, Wrong> {
    let number = match json {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong("a number"))
}

fn enumerated(json: &Value, names: &[&str]) -> Result<u64, Wrong> {
    let number = match json {
        Value::String(text) => (0..)
            .zip(names)
            .find_map(|(number, name)| (*name == text).then_some(number)),
        json => small(json).ok().map(u64::from),
    };
    number.ok_or_else(|| wrong("a number or name of this enum"))
}

#[cfg(test)]
mod tests;
