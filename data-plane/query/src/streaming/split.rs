//! Answers in messages of a bounded size.

use prost::Message;
use takt_wire::tempopb::{
    PartialStatus, QueryInstantResponse, QueryRangeResponse, SearchResponse,
    SearchTagValuesResponse, SearchTagValuesV2Response, SearchTagsResponse, SearchTagsV2Response,
    SearchTagsV2Scope,
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

impl Split for SearchResponse {
    fn parts(self, most: usize) -> Vec<Self> {
        let Self { traces, metrics } = self;
        let parts = cut(traces, most, Message::encoded_len).into_iter();
        parts
            .map(|traces| Self {
                traces,
                metrics: metrics.clone(),
            })
            .collect()
    }
}

impl Split for QueryRangeResponse {
    fn parts(self, most: usize) -> Vec<Self> {
        let metrics = self.metrics;
        let parts = cut(self.series, most, Message::encoded_len).into_iter();
        let mut parts: Vec<Self> = parts
            .map(|series| Self {
                series,
                metrics: metrics.clone(),
                status: PartialStatus::Complete.into(),
                message: String::new(),
            })
            .collect();
        if let Some(last) = parts.last_mut() {
            (last.status, last.message) = (self.status, self.message);
        }
        parts
    }
}

impl Split for QueryInstantResponse {
    fn parts(self, most: usize) -> Vec<Self> {
        let metrics = self.metrics;
        let parts = cut(self.series, most, Message::encoded_len).into_iter();
        let mut parts: Vec<Self> = parts
            .map(|series| Self {
                series,
                metrics: metrics.clone(),
                status: PartialStatus::Complete.into(),
                message: String::new(),
            })
            .collect();
        if let Some(last) = parts.last_mut() {
            (last.status, last.message) = (self.status, self.message);
        }
        parts
    }
}

impl Split for SearchTagsResponse {
    fn parts(self, most: usize) -> Vec<Self> {
        let metrics = self.metrics;
        let parts = cut(self.tag_names, most, String::len).into_iter();
        parts
            .map(|tag_names| Self {
                tag_names,
                metrics: metrics.clone(),
            })
            .collect()
    }
}

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

impl Split for SearchTagValuesResponse {
    fn parts(self, most: usize) -> Vec<Self> {
        let metrics = self.metrics;
        let parts = cut(self.tag_values, most, String::len).into_iter();
        parts
            .map(|tag_values| Self {
                tag_values,
                metrics: metrics.clone(),
            })
            .collect()
    }
}

impl Split for SearchTagValuesV2Response {
    fn parts(self, most: usize) -> Vec<Self> {
        let metrics = self.metrics;
        let parts = cut(self.tag_values, most, Message::encoded_len).into_iter();
        parts
            .map(|tag_values| Self {
                tag_values,
                metrics: metrics.clone(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use takt_wire::tempopb::SearchMetrics;

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
