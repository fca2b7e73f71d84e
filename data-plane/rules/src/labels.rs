//! Labels as Prometheus has them, made of the labels TraceQL gives a series.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::Serialize;
use takt_model::rules::label_name;

/// The label that is the name of a metric.
pub(crate) const METRIC: &str = "__name__";

/// Names and values: sorted, each name once, no value empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// From the attributes of a series: `resource.service.name` becomes `resource_service_name`.
    ///
    /// Values of attributes that end up with one name are joined by `;`, as OpenTelemetry's
    /// translation to Prometheus does. The name of the metric is left out.
    #[must_use]
    pub fn of_series(attributes: &[(String, String)]) -> Self {
        let mut sorted: Vec<_> = attributes.iter().collect();
        sorted.sort();
        let mut labels = BTreeMap::new();
        for (attribute, value) in sorted {
            if attribute == METRIC || value.is_empty() {
                continue;
            }
            match labels.entry(label_name(attribute)) {
                Entry::Vacant(vacant) => {
                    vacant.insert(value.clone());
                }
                Entry::Occupied(mut taken) => {
                    let joined: &mut String = taken.get_mut();
                    joined.push(';');
                    joined.push_str(value);
                }
            }
        }
        Self(labels)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Replaces a label; an empty value takes it away.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        if value.is_empty() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, value);
        }
        self
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "{";
        for (name, value) in self.iter() {
            write!(f, "{between}{name}={value:?}")?;
            between = ", ";
        }
        f.write_str(if self.0.is_empty() { "{}" } else { "}" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(attributes: &[(&str, &str)]) -> String {
        let owned = attributes.iter();
        let owned: Vec<_> = owned
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Labels::of_series(&owned).to_string()
    }

    #[test]
    fn attributes_become_labels() {
        assert_eq!(
            of(&[("span.http.route", "/pay"), ("__name__", "rate"), ("x", "")]),
            r#"{span_http_route="/pay"}"#
        );
        assert_eq!(of(&[]), "{}");
    }

    #[test]
    fn attributes_that_share_a_name_keep_both_values() {
        assert_eq!(of(&[(".a_b", "2"), (".a.b", "1")]), r#"{_a_b="1;2"}"#);
    }
}
