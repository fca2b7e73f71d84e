//! Attribute values as text that any Parquet reader can show and ours can take back exactly.
//!
//! Arrays, key-value lists, bytes and empty values become OTLP/JSON (`{"arrayValue":…}`). A message
//! that would not come back byte for byte (unknown fields, NaN payloads) is kept as `{"protobuf":"<base64>"}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::{Map, Number, Value as Json, json};
use takt_trace::{Value, ValueRef};

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(oneof = "Any", tags = "1, 2, 3, 4, 5, 6, 7")]
    value: Option<Any>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Any {
    #[prost(string, tag = "1")]
    String(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(Array),
    #[prost(message, tag = "6")]
    List(KeyValues),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Array {
    #[prost(message, repeated, tag = "1")]
    values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValues {
    #[prost(message, repeated, tag = "1")]
    values: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

/// An encoded `AnyValue` as JSON text.
pub(crate) fn from_message(message: &[u8]) -> String {
    let exact = AnyValue::decode(message).ok().and_then(|any| {
        let text = any_to_json(&any).to_string();
        (to_message(&text).as_deref() == Some(message)).then_some(text)
    });
    exact.unwrap_or_else(|| json!({ "protobuf": STANDARD.encode(message) }).to_string())
}

/// The inverse of [`from_message`]; nothing if the text is none of its making.
pub(crate) fn to_message(text: &str) -> Option<Vec<u8>> {
    json_to_message(&serde_json::from_str(text).ok()?)
}

fn json_to_message(json: &Json) -> Option<Vec<u8>> {
    if let Some(base64) = json.get("protobuf").and_then(Json::as_str) {
        return STANDARD.decode(base64).ok();
    }
    Some(json_to_any(json)?.encode_to_vec())
}

/// One value of an overflow object: plain JSON where that is exact, otherwise as [`from_message`] has it.
pub(crate) fn value_to_json(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::String(text) => Json::from(text),
        ValueRef::Int(number) => Json::from(number),
        ValueRef::Bool(flag) => Json::from(flag),
        ValueRef::Float(number) => float_to_json(number).unwrap_or_else(|| {
            let any = AnyValue {
                value: Some(Any::Double(number)),
            };
            json!({ "protobuf": STANDARD.encode(any.encode_to_vec()) })
        }),
        ValueRef::Other(message) => {
            serde_json::from_str(&from_message(message)).unwrap_or(Json::Null)
        }
    }
}

/// The inverse of [`value_to_json`].
pub(crate) fn json_to_value(json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::String(text.clone())),
        Json::Bool(flag) => Some(Value::Bool(*flag)),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Some(Value::Int(number)),
            None => number.as_f64().map(Value::Float),
        },
        Json::Object(_) => {
            let message = json_to_message(json)?;
            match AnyValue::decode(&*message).ok().and_then(|any| any.value) {
                Some(Any::Double(number)) => Some(Value::Float(number)),
                _ => Some(Value::Other(message)),
            }
        }
        Json::Null | Json::Array(_) => None,
    }
}

/// A number that a JSON reader gives back bit for bit.
fn float_to_json(number: f64) -> Option<Json> {
    let json = Number::from_f64(number)?;
    let back: f64 = serde_json::from_str(&json.to_string()).ok()?;
    (back.to_bits() == number.to_bits()).then_some(Json::Number(json))
}

fn any_to_json(any: &AnyValue) -> Json {
    match &any.value {
        None => Json::Object(Map::new()),
        Some(Any::String(text)) => json!({ "stringValue": text }),
        Some(Any::Bool(flag)) => json!({ "boolValue": flag }),
        Some(Any::Int(number)) => json!({ "intValue": number.to_string() }),
        Some(Any::Double(number)) => json!({ "doubleValue": number }),
        Some(Any::Array(array)) => {
            json!({ "arrayValue": { "values": array.values.iter().map(any_to_json).collect::<Vec<_>>() } })
        }
        Some(Any::List(list)) => {
            json!({ "kvlistValue": { "values": list.values.iter().map(key_value_to_json).collect::<Vec<_>>() } })
        }
        Some(Any::Bytes(bytes)) => json!({ "bytesValue": STANDARD.encode(bytes) }),
    }
}

fn key_value_to_json(pair: &KeyValue) -> Json {
    match &pair.value {
        None => json!({ "key": pair.key }),
        Some(value) => json!({ "key": pair.key, "value": any_to_json(value) }),
    }
}

fn json_to_any(json: &Json) -> Option<AnyValue> {
    let object = json.as_object()?;
    let Some((name, value)) = object.iter().next() else {
        return Some(AnyValue { value: None });
    };
    let any = match name.as_str() {
        "stringValue" => Any::String(value.as_str()?.to_owned()),
        "boolValue" => Any::Bool(value.as_bool()?),
        "intValue" => Any::Int(value.as_str()?.parse().ok()?),
        "doubleValue" => Any::Double(value.as_f64()?),
        "arrayValue" => Any::Array(Array {
            values: values(value)?.map(json_to_any).collect::<Option<_>>()?,
        }),
        "kvlistValue" => Any::List(KeyValues {
            values: values(value)?
                .map(json_to_key_value)
                .collect::<Option<_>>()?,
        }),
        "bytesValue" => Any::Bytes(STANDARD.decode(value.as_str()?).ok()?),
        _ => return None,
    };
    Some(AnyValue { value: Some(any) })
}

fn values(json: &Json) -> Option<impl Iterator<Item = &Json>> {
    Some(json.get("values")?.as_array()?.iter())
}

fn json_to_key_value(json: &Json) -> Option<KeyValue> {
    let value = match json.get("value") {
        None => None,
        Some(value) => Some(json_to_any(value)?),
    };
    Some(KeyValue {
        key: json.get("key")?.as_str()?.to_owned(),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(value: Any) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    #[test]
    fn lists_are_readable_and_come_back() {
        let list = any(Any::List(KeyValues {
            values: vec![
                KeyValue {
                    key: "a".into(),
                    value: Some(any(Any::Int(7))),
                },
                KeyValue {
                    key: "b".into(),
                    value: None,
                },
            ],
        }));
        let message = any(Any::Array(Array {
            values: vec![list, any(Any::Bytes(vec![1, 2])), AnyValue { value: None }],
        }))
        .encode_to_vec();
        let text = from_message(&message);
        assert_eq!(
            text,
            r#"{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"7"}},{"key":"b"}]}},{"bytesValue":"AQI="},{}]}}"#
        );
        assert_eq!(to_message(&text), Some(message));
    }

    #[test]
    fn what_json_cannot_hold_is_kept_as_it_came() {
        let nan = any(Any::Array(Array {
            values: vec![any(Any::Double(f64::NAN))],
        }))
        .encode_to_vec();
        for message in [nan.as_slice(), &[0xff, 0xff], &[0x48, 1]] {
            let text = from_message(message);
            assert!(text.starts_with(r#"{"protobuf":"#), "{text}");
            assert_eq!(to_message(&text).as_deref(), Some(message));
        }
    }

    #[test]
    fn overflow_values_keep_their_type() {
        for value in [
            Value::Int(5),
            Value::Float(5.0),
            Value::Float(1e300),
            Value::Float(-0.0),
            Value::Float(f64::INFINITY),
            Value::Float(0.1 + 0.2),
            Value::Bool(true),
            Value::String("5".into()),
            Value::Other(vec![]),
        ] {
            let reference = match &value {
                Value::String(text) => ValueRef::String(text),
                Value::Int(number) => ValueRef::Int(*number),
                Value::Float(number) => ValueRef::Float(*number),
                Value::Bool(flag) => ValueRef::Bool(*flag),
                Value::Other(bytes) => ValueRef::Other(bytes),
            };
            let text = value_to_json(reference).to_string();
            let back = json_to_value(&serde_json::from_str(&text).unwrap());
            assert_eq!(back, Some(value), "{text}");
        }
    }
}
