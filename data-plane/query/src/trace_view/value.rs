//! Attribute values as plain JSON: what OTLP wraps, unwrapped.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Wrapped;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde_json::{Map, Value as Json};

/// An attribute's value. Equal are values that mean the same: `1` and `1.0`, NaN and NaN.
#[derive(Debug, Clone)]
pub(crate) enum Plain {
    Nothing,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

impl Plain {
    pub(crate) fn of(value: Option<&AnyValue>) -> Self {
        match value.and_then(|value| value.value.as_ref()) {
            None | Some(Wrapped::StringValueStrindex(_)) => Self::Nothing,
            Some(Wrapped::StringValue(text)) => Self::Text(text.clone()),
            Some(Wrapped::BoolValue(value)) => Self::Bool(*value),
            Some(Wrapped::IntValue(number)) => Self::Int(*number),
            Some(Wrapped::DoubleValue(number)) => Self::Float(*number),
            Some(Wrapped::BytesValue(bytes)) => Self::Bytes(bytes.clone()),
            Some(Wrapped::ArrayValue(array)) => Self::List(
                array
                    .values
                    .iter()
                    .map(|item| Self::of(Some(item)))
                    .collect(),
            ),
            Some(Wrapped::KvlistValue(list)) => Self::Map(attributes(&list.values)),
        }
    }

    /// A number, whole or not.
    #[expect(
        clippy::cast_precision_loss,
        reason = "only used where a tolerance is allowed, or beside a float"
    )]
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// As JSON; `bytes` says how bytes are written. JSON has no word for numbers that are not finite, so they become text.
    pub(crate) fn json(&self, bytes: fn(&[u8]) -> String) -> Json {
        match self {
            Self::Nothing => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(number) => Json::from(*number),
            Self::Float(number) => serde_json::Number::from_f64(*number)
                .map_or_else(|| Json::from(not_finite(*number)), Json::Number),
            Self::Text(text) => Json::from(text.as_str()),
            Self::Bytes(value) => Json::from(bytes(value)),
            Self::List(items) => items.iter().map(|item| item.json(bytes)).collect(),
            Self::Map(map) => Json::Object(object(map, bytes)),
        }
    }
}

impl PartialEq for Plain {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()),
                _ => false,
            },
        }
    }
}

/// Attributes by key; of a key that comes twice, the last.
pub(crate) fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, Plain> {
    attributes
        .iter()
        .map(|attribute| (attribute.key.clone(), Plain::of(attribute.value.as_ref())))
        .collect()
}

pub(crate) fn object(
    map: &BTreeMap<String, Plain>,
    bytes: fn(&[u8]) -> String,
) -> Map<String, Json> {
    map.iter()
        .map(|(key, value)| (key.clone(), value.json(bytes)))
        .collect()
}

fn not_finite(number: f64) -> &'static str {
    match number {
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => "NaN",
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};
    use serde_json::json;

    use super::*;

    fn wrapped(value: Wrapped) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    #[test]
    fn values_are_unwrapped_to_any_depth() {
        let inner = KeyValue {
            key: "k".into(),
            value: Some(wrapped(Wrapped::BytesValue(vec![0, 0xaf]))),
            ..KeyValue::default()
        };
        let values = vec![
            wrapped(Wrapped::IntValue(i64::MAX)),
            wrapped(Wrapped::DoubleValue(f64::NEG_INFINITY)),
            AnyValue::default(),
            wrapped(Wrapped::KvlistValue(KeyValueList {
                values: vec![inner],
            })),
        ];
        let plain = Plain::of(Some(&wrapped(Wrapped::ArrayValue(ArrayValue { values }))));
        assert_eq!(
            plain.json(hex),
            json!([i64::MAX, "-Inf", null, {"k": "00af"}])
        );
    }

    #[test]
    fn equal_is_what_means_the_same() {
        assert_eq!(Plain::Int(1), Plain::Float(1.0));
        assert_eq!(Plain::Float(f64::NAN), Plain::Float(f64::NAN));
        assert_ne!(
            Plain::Int(i64::MAX),
            Plain::Int(i64::MAX - 1),
            "whole numbers are not rounded"
        );
        assert_ne!(Plain::Text("1".into()), Plain::Int(1));
        assert_eq!(
            Plain::List(vec![Plain::Int(2)]),
            Plain::List(vec![Plain::Float(2.0)])
        );
    }
}
