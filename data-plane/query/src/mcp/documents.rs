//! What a language model reads before it asks.

use rmcp::model::Resource;

pub(super) const MARKDOWN: &str = "text/markdown";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    Basic,
    Aggregates,
    Structural,
    Metrics,
    ConfigOverview,
    ConfigReference,
}

impl Document {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Basic => include_str!("docs/basic.md"),
            Self::Aggregates => include_str!("docs/aggregates.md"),
            Self::Structural => include_str!("docs/structural.md"),
            Self::Metrics => include_str!("docs/metrics.md"),
            Self::ConfigOverview => include_str!("docs/config-overview.md"),
            // Generated from the fields themselves, and held to them by a test.
            Self::ConfigReference => include_str!("../../../../docs/configuration.md"),
        }
    }

    /// What `docs-traceql` calls them.
    pub(super) const TRACEQL: [(&'static str, Self); 4] = [
        ("basic", Self::Basic),
        ("aggregates", Self::Aggregates),
        ("structural", Self::Structural),
        ("metrics", Self::Metrics),
    ];

    /// What `docs-config` calls them.
    pub(super) const CONFIG: [(&'static str, Self); 2] = [
        ("overview", Self::ConfigOverview),
        ("reference", Self::ConfigReference),
    ];
}

/// A document as a resource.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) uri: &'static str,
    name: &'static str,
    about: &'static str,
    pub(super) document: Document,
}

impl Listed {
    pub(super) fn resource(&self) -> Resource {
        Resource::new(self.uri, self.name)
            .with_description(self.about)
            .with_mime_type(MARKDOWN)
            .with_size(self.document.text().len() as u64)
    }
}

pub(super) const RESOURCES: [Listed; 7] = [
    Listed {
        uri: "docs://traceql/query",
        name: "TraceQL Query Docs",
        about: "How to search for traces. The same as docs://traceql/basic.",
        document: Document::Basic,
    },
    Listed {
        uri: "docs://traceql/basic",
        name: "TraceQL Basic Docs",
        about: "Spans, attributes, intrinsics, literals and operators, and which other documents there are.",
        document: Document::Basic,
    },
    Listed {
        uri: "docs://traceql/aggregates",
        name: "TraceQL Aggregates Docs",
        about: "Pipelines over the spans found: counts, sums, groups, selection, order.",
        document: Document::Aggregates,
    },
    Listed {
        uri: "docs://traceql/structural",
        name: "TraceQL Structural Docs",
        about: "Queries about how spans hang together: parents, children, siblings, and traces without something.",
        document: Document::Structural,
    },
    Listed {
        uri: "docs://traceql/metrics",
        name: "TraceQL Metrics Docs",
        about: "Rates, quantiles, histograms and comparisons over time, computed from spans.",
        document: Document::Metrics,
    },
    Listed {
        uri: "docs://config/overview",
        name: "Takt Config Overview",
        about: "Which section of the configuration decides what.",
        document: Document::ConfigOverview,
    },
    Listed {
        uri: "docs://config/reference",
        name: "Takt Config Reference",
        about: "Every field of the configuration with its default, its unit and its reason.",
        document: Document::ConfigReference,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Queries in the documents stand in blocks marked `traceql`, one to a line.
    fn queries(document: Document) -> impl Iterator<Item = &'static str> {
        let blocks = document.text().split("```");
        let traceql = blocks.filter_map(|block| block.strip_prefix("traceql\n"));
        traceql
            .flat_map(str::lines)
            .filter(|line| !line.trim().is_empty())
    }

    #[test]
    fn every_query_in_the_documents_is_one() {
        for (name, document) in Document::TRACEQL {
            let mut count = 0;
            for query in queries(document) {
                if let Err(error) = takt_traceql::parse(query) {
                    panic!("{name}: {query}: {error}");
                }
                count += 1;
            }
            assert!(count >= 5, "{name} has {count} examples");
        }
    }

    #[test]
    fn documents_name_only_sections_that_exist() {
        let reference = Document::ConfigReference.text();
        let overview = Document::ConfigOverview.text();
        let named = overview.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut count = 0;
        for line in named {
            let (section, _) = line.split_once('`').unwrap();
            assert!(
                reference.contains(&format!("## `{section}`")),
                "no section `{section}`"
            );
            count += 1;
        }
        assert!(count >= 5);
    }
}
