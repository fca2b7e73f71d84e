//! Answers in messages of a bounded size.

use prost::Message;
use takt_wire::tempopb::{
    QueryInstantResponse, QueryRangeResponse, SearchResponse, SearchTagValuesResponse,
    SearchTagValuesV2Response, SearchTagsResponse, SearchTagsV2Response, SearchTagsV2Scope,
};

/// An answer that can be sent in parts.
pub(super) trait Split: Sized + Send + 'static {
    /// Parts of about `most` bytes, one item in each at least; one part if there is nothing to split.
    fn parts(self, most: usize) -> Vec<Self>;
}

/// Cuts `items` where their sizes add up to `most`. At least one list, which may be empty.
fn cut<T>(items: Vec<T>, most: usize, size: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut parts = vec![Vec::new()];
    let mut used = 0;
    for item in items {
        // A tag and a length stand before each.
        let size = size(&item) + 6;
        let open = parts.last().is_some_and(|part: &Vec<T>| !part.is_empty());
        if open && used + size > most {
            parts.push(Vec::new());
            used = 0;
        }
        used += size;
        if let Some(part) = parts.last_mut() {
            part.push(item);
        }
    }
    parts
}

/// Splits the named list; progress is in every part, and what else there is in the last part alone.
macro_rules! split {
    ($answer:ty, $items:ident, $size:expr) => {
        impl Split for $answer {
            fn parts(mut self, most: usize) -> Vec<Self> {
                let mut lists = cut(std::mem::take(&mut self.$items), most, $size);
                self.$items = lists.pop().unwrap_or_default();
                let before = lists.into_iter().map(|list| {
                    let mut part = Self::default();
                    part.$items = list;
                    part.metrics.clone_from(&self.metrics);
                    part
                });
                let mut parts: Vec<Self> = before.collect();
                parts.push(self);
                parts
            }
        }
    };
}

split!(SearchResponse, traces, Message::encoded_len);
split!(QueryRangeResponse, series, Message::encoded_len);
split!(QueryInstantResponse, series, Message::encoded_len);
split!(SearchTagsResponse, tag_names, String::len);
split!(SearchTagValuesResponse, tag_values, String::len);
split!(SearchTagValuesV2Response, tag_values, Message::encoded_len);

impl Split for SearchTagsV2Response {
    /// A scope may be in several parts.
    fn parts(self, most: usize) -> Vec<Self> {
        let metrics = self.metrics;
        let scopes = self.scopes.into_iter().flat_map(|scope| {
            let name = scope.name;
            let parts = cut(scope.tags, most, String::len).into_iter();
            parts.map(move |tags| SearchTagsV2Scope {
                name: name.clone(),
                tags,
            })
        });
        let parts = cut(scopes.collect(), most, Message::encoded_len).into_iter();
        parts
            .map(|scopes| Self {
                scopes,
                metrics: metrics.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use takt_wire::tempopb::{PartialStatus, SearchMetrics};

    use super::*;

    #[test]
    fn parts_are_bounded_and_nothing_is_lost() {
        let names: Vec<String> = (0..100).map(|n| format!("name-{n:03}")).collect();
        let whole = SearchTagsV2Response {
            scopes: vec![
                SearchTagsV2Scope {
                    name: "span".into(),
                    tags: names.clone(),
                },
                SearchTagsV2Scope {
                    name: "resource".into(),
                    tags: vec!["x".repeat(500)],
                },
            ],
            metrics: None,
        };
        let parts = whole.parts(200);
        assert!(parts.len() > 5);
        let of_spans = parts.iter().flat_map(|part| &part.scopes);
        let of_spans: Vec<String> = of_spans
            .filter(|scope| scope.name == "span")
            .flat_map(|scope| scope.tags.clone())
            .collect();
        assert_eq!(of_spans, names);
        let too_large = |part: &&SearchTagsV2Response| part.encoded_len() > 230;
        assert_eq!(
            parts.iter().filter(too_large).count(),
            1,
            "only the one name that is larger than a message"
        );
    }

    #[test]
    fn an_empty_answer_is_one_message_and_only_the_last_part_has_the_status() {
        let metrics = Some(SearchMetrics::default());
        let whole = QueryRangeResponse {
            series: vec![takt_wire::tempopb::TimeSeries::default(); 3],
            metrics: metrics.clone(),
            status: PartialStatus::Partial.into(),
            message: "cut".into(),
        };
        let parts = whole.parts(1);
        let said: Vec<_> = parts.iter().map(|part| part.message.as_str()).collect();
        assert_eq!(said, ["", "", "cut"]);
        assert!(parts.iter().all(|part| part.metrics == metrics));
        assert_eq!(SearchResponse::default().parts(1).len(), 1);
    }
}
