//! The small parts OTLP is made of.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use serde_json::Value;

pub(super) fn text(key: impl Into<String>, value: impl Into<String>) -> KeyValue {
    attribute(key, Any::StringValue(value.into()))
}

pub(super) fn attribute(key: impl Into<String>, value: Any) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// A JSON value as it is; `None` for null.
pub(super) fn from_json(value: &Value) -> Option<Any> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => Any::BoolValue(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Any::IntValue(whole),
            None => Any::DoubleValue(number.as_f64()?),
        },
        Value::String(text) => Any::StringValue(text.clone()),
        Value::Array(values) => Any::ArrayValue(ArrayValue {
            values: values
                .iter()
                .map(|value| AnyValue {
                    value: from_json(value),
                })
                .collect(),
        }),
        Value::Object(map) => Any::KvlistValue(KeyValueList {
            values: map
                .iter()
                .filter_map(|(key, value)| Some(attribute(key, from_json(value)?)))
                .collect(),
        }),
    })
}

/// Puts spans that come one by one under their resources and scopes.
#[derive(Debug, Default)]
pub(super) struct Grouped {
    resources: Vec<ResourceSpans>,
    /// Where the scopes of a resource are, by the key the reader knows it under, and the scope's name and version.
    places: BTreeMap<(String, String, String), (usize, usize)>,
    by_key: BTreeMap<String, usize>,
}

impl Grouped {
    /// Adds a span to the resource known as `key`; `attributes` are asked for when it is new.
    pub(super) fn add(
        &mut self,
        key: &str,
        attributes: impl FnOnce() -> Vec<KeyValue>,
        scope: (&str, &str),
        span: Span,
    ) {
        let resources = &mut self.resources;
        let resource = *self.by_key.entry(key.to_owned()).or_insert_with(|| {
            resources.push(ResourceSpans {
                resource: Some(Resource {
                    attributes: attributes(),
                    ..Resource::default()
                }),
                ..ResourceSpans::default()
            });
            resources.len() - 1
        });
        let scopes = &mut self.resources[resource].scope_spans;
        let place = (key.to_owned(), scope.0.to_owned(), scope.1.to_owned());
        let (_, at) = *self.places.entry(place).or_insert_with(|| {
            scopes.push(ScopeSpans {
                scope: named(scope),
                ..ScopeSpans::default()
            });
            (resource, scopes.len() - 1)
        });
        scopes[at].spans.push(span);
    }

    pub(super) fn finish(self) -> Vec<ResourceSpans> {
        self.resources
    }
}

fn named((name, version): (&str, &str)) -> Option<InstrumentationScope> {
    (!name.is_empty() || !version.is_empty()).then(|| InstrumentationScope {
        name: name.to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    })
}
