//! Overrides that are checked and kept, and that nothing acts on yet.
//!
//! Whoever comes from Tempo may set them today; the part of Takt that will act on one moves it to
//! [`Limits`](crate::Limits). Values are kept as canonical text.

mod check;

use check::{
    Check, attributes, boolean, buckets, choice, columns, duration, filters, headers, label,
    mapping, mappings, names, number, processors, ratio, toggles,
};

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) doc: &'static str,
    /// Whether a tenant may set it for itself.
    pub(crate) theirs: bool,
    check: Check,
}

impl Recorded {
    /// The canonical text of a value.
    pub(crate) fn canonical(&self, text: &str) -> Result<String, String> {
        (self.check)(text.trim())
    }
}

pub(crate) fn find(name: &str) -> Option<&'static Recorded> {
    RECORDED.iter().find(|field| field.name == name)
}

const fn of(name: &'static str, unit: &'static str, check: Check, doc: &'static str) -> Recorded {
    let theirs = false;
    Recorded {
        name,
        unit,
        doc,
        theirs,
        check,
    }
}

/// One that a tenant may set for itself, too.
const fn theirs(
    name: &'static str,
    unit: &'static str,
    check: Check,
    doc: &'static str,
) -> Recorded {
    Recorded {
        theirs: true,
        ..of(name, unit, check, doc)
    }
}

const COUNT: &str = "count";
const TIME: &str = "duration";
const FLAG: &str = "true or false";
const JSON: &str = "JSON";
const LIST: &str = "list with commas";
const TEXT: &str = "text";

/// With Tempo's names.
pub(crate) const RECORDED: &[Recorded] = &[
    of(
        "ingestion.rate_strategy",
        "local or global",
        |text| choice(text, &["local", "global"]),
        "Whether the rate is one of each distributor or of all together.",
    ),
    of(
        "ingestion.max_global_traces_per_user",
        COUNT,
        number,
        "Most live traces over all nodes; 0 is no bound.",
    ),
    of(
        "ingestion.tenant_shard_size",
        COUNT,
        number,
        "How many partitions take the tenant's spans; 0 is all.",
    ),
    of(
        "ingestion.artificial_delay",
        TIME,
        duration,
        "How long an answer to a write is held back at least.",
    ),
    of(
        "read.max_blocks_per_tag_values_query",
        COUNT,
        number,
        "Most blocks read for tag values; 0 is no bound.",
    ),
    of(
        "read.max_condition_groups_per_tag_query",
        COUNT,
        number,
        "Most alternatives in the condition of a tags query.",
    ),
    of(
        "read.unsafe_query_hints",
        FLAG,
        boolean,
        "Whether queries may carry hints that can harm others.",
    ),
    of(
        "read.metrics_spanonly_fetch",
        FLAG,
        boolean,
        "Tempo's switch for reading spans without their traces.",
    ),
    of(
        "read.span_pruning_awareness",
        FLAG,
        boolean,
        "Whether answers count spans that pruning left out.",
    ),
    of(
        "read.engine_bytes_tracking",
        FLAG,
        boolean,
        "Tempo's switch for counting bytes in the engine.",
    ),
    of(
        "read.span_pruning_enabled",
        FLAG,
        boolean,
        "Whether long traces are pruned in answers.",
    ),
    of(
        "compaction.compaction_window",
        TIME,
        duration,
        "Blocks whose ends lie in one window are put together.",
    ),
    of(
        "compaction.compaction_disabled",
        FLAG,
        boolean,
        "Whether the tenant's blocks are left as they are.",
    ),
    of(
        "metrics_generator.ring_size",
        COUNT,
        number,
        "How many generators serve the tenant; 0 is all.",
    ),
    theirs(
        "metrics_generator.processors",
        LIST,
        processors,
        "Which metrics are made from spans; empty makes none.",
    ),
    of(
        "metrics_generator.max_active_series",
        COUNT,
        number,
        "Most series at once; 0 is no bound.",
    ),
    of(
        "metrics_generator.max_active_entities",
        COUNT,
        number,
        "Most sets of labels at once; 0 is no bound.",
    ),
    of(
        "metrics_generator.max_cardinality_per_label",
        COUNT,
        number,
        "Most values of a label; 0 is no bound.",
    ),
    theirs(
        "metrics_generator.collection_interval",
        TIME,
        |text| check::between(text, 15, 300),
        "How often series are sent: 15s to 5m.",
    ),
    theirs(
        "metrics_generator.disable_collection",
        FLAG,
        boolean,
        "Whether nothing is sent.",
    ),
    theirs(
        "metrics_generator.generate_native_histograms",
        "classic, native or both",
        |text| choice(text, &["classic", "native", "both"]),
        "Which kind of histogram is made.",
    ),
    theirs(
        "metrics_generator.trace_id_label_name",
        TEXT,
        label,
        "The label of exemplars that names the trace.",
    ),
    of(
        "metrics_generator.remote_write_headers",
        JSON,
        headers,
        "Headers sent with series, as an object of texts.",
    ),
    of(
        "metrics_generator.forwarder.queue_size",
        COUNT,
        number,
        "How many requests may wait for the generator.",
    ),
    of(
        "metrics_generator.forwarder.workers",
        COUNT,
        number,
        "How many requests go to the generator at once.",
    ),
    theirs(
        "metrics_generator.ingestion_time_range_slack",
        TIME,
        |text| check::between(text, 0, 43_200),
        "How far from now a span may end and still count: at most 12h.",
    ),
    theirs(
        "metrics_generator.native_histogram_bucket_factor",
        "number above 1",
        ratio,
        "How much wider a bucket is than the one below.",
    ),
    theirs(
        "metrics_generator.native_histogram_max_bucket_number",
        COUNT,
        number,
        "Most buckets of a native histogram.",
    ),
    theirs(
        "metrics_generator.native_histogram_min_reset_duration",
        TIME,
        duration,
        "How long a native histogram lives at least before its buckets are merged.",
    ),
    theirs(
        "metrics_generator.span_name_sanitization",
        "empty, dry_run or enabled",
        |text| choice(text, &["", "dry_run", "enabled"]),
        "Whether parts that vary are taken out of span names.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.histogram_buckets",
        LIST,
        buckets,
        "Upper bounds in seconds, rising.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.dimensions",
        LIST,
        attributes,
        "Attributes that become labels.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.peer_attributes",
        LIST,
        names,
        "Attributes that name the other side.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.filter_policies",
        JSON,
        filters,
        "Which spans count, as Tempo's list of policies.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.enable_client_server_prefix",
        FLAG,
        boolean,
        "Whether dimensions say which side they are from.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.enable_messaging_system_latency_histogram",
        FLAG,
        boolean,
        "Whether time in queues is measured.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.enable_virtual_node_label",
        FLAG,
        boolean,
        "Whether nodes without spans are marked.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.span_multiplier_key",
        TEXT,
        label_or_attribute,
        "The attribute with the share of spans that were kept.",
    ),
    theirs(
        "metrics_generator.processor.service_graphs.enable_tracestate_span_multiplier",
        FLAG,
        boolean,
        "Whether the share that was kept is read from the trace state.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.histogram_buckets",
        LIST,
        buckets,
        "Upper bounds in seconds, rising.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.dimensions",
        LIST,
        attributes,
        "Attributes that become labels.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.intrinsic_dimensions",
        JSON,
        toggles,
        "Which built-in labels are on, as an object of true and false.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.filter_policies",
        JSON,
        filters,
        "Which spans count, as Tempo's list of policies.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.dimension_mappings",
        JSON,
        mappings,
        "Labels put together from attributes, as Tempo's list.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.enable_target_info",
        FLAG,
        boolean,
        "Whether resource attributes are sent as a series of their own.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.target_info_excluded_dimensions",
        LIST,
        names,
        "Resource attributes left out of it.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.enable_instance_label",
        FLAG,
        boolean,
        "Whether series name the instance.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.span_multiplier_key",
        TEXT,
        label_or_attribute,
        "The attribute with the share of spans that were kept.",
    ),
    theirs(
        "metrics_generator.processor.span_metrics.enable_tracestate_span_multiplier",
        FLAG,
        boolean,
        "Whether the share that was kept is read from the trace state.",
    ),
    theirs(
        "metrics_generator.processor.host_info.host_identifiers",
        LIST,
        names,
        "Attributes that name the host, the first that is there wins.",
    ),
    theirs(
        "metrics_generator.processor.host_info.metric_name",
        TEXT,
        label,
        "What the series of hosts is called.",
    ),
    theirs(
        "forwarders",
        LIST,
        names,
        "Where spans are sent to as well.",
    ),
    of(
        "storage.parquet_dedicated_columns",
        JSON,
        columns,
        "Attributes with columns of their own in Tempo's formats, as Tempo's list.",
    ),
    of(
        "cost_attribution.max_cardinality",
        COUNT,
        number,
        "Most combinations that usage is told apart by; 0 is 10000.",
    ),
    theirs(
        "cost_attribution.dimensions",
        JSON,
        mapping,
        "Attributes that usage is told apart by, as an object of attribute and label.",
    ),
];

fn label_or_attribute(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    names(text).and_then(|text| match text.contains(',') {
        true => Err("one attribute is wanted".to_owned()),
        false => Ok(text),
    })
}

#[cfg(test)]
mod tests;
