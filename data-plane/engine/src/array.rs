//! Attribute values that no typed column holds: arrays, key-value lists, bytes.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, any_value};
use prost::Message as _;
use takt_trace::Value;

use crate::value::Val;

/// The scalar elements of an encoded array; `None` for anything that is no array.
///
/// Arrays within arrays have no place in TraceQL and are left out.
pub(crate) fn elements(encoded: &[u8]) -> Option<Vec<Value>> {
    match AnyValue::decode(encoded).ok()?.value? {
        any_value::Value::ArrayValue(array) => {
            Some(array.values.into_iter().filter_map(scalar).collect())
        }
        _ => None,
    }
}

fn scalar(value: AnyValue) -> Option<Value> {
    Some(match value.value? {
        any_value::Value::StringValue(text) => Value::String(text),
        any_value::Value::IntValue(number) => Value::Int(number),
        any_value::Value::DoubleValue(number) => Value::Float(number),
        any_value::Value::BoolValue(flag) => Value::Bool(flag),
        _ => return None,
    })
}

/// An encoded array of these elements.
pub(crate) fn encode(elements: Vec<Value>) -> Value {
    let values = elements
        .into_iter()
        .map(|element| AnyValue {
            value: match element {
                Value::String(text) => Some(any_value::Value::StringValue(text)),
                Value::Int(number) => Some(any_value::Value::IntValue(number)),
                Value::Float(number) => Some(any_value::Value::DoubleValue(number)),
                Value::Bool(flag) => Some(any_value::Value::BoolValue(flag)),
                Value::Other(_) => None,
            },
        })
        .collect();
    let array = any_value::Value::ArrayValue(ArrayValue { values });
    let message = AnyValue { value: Some(array) };
    Value::Other(message.encode_to_vec())
}

/// An element as a value to compare.
pub(crate) fn borrow(element: &Value) -> Val<'_> {
    match element {
        Value::String(text) => Val::Str(text),
        Value::Int(number) => Val::Int(*number),
        Value::Float(number) => Val::Float(*number),
        Value::Bool(flag) => Val::Bool(*flag),
        Value::Other(bytes) => Val::Other(bytes),
    }
}
