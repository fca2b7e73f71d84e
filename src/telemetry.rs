//! What Takt says about itself: lines on standard error, and the traces of its own work.
//!
//! Its own traces go by OTLP to any endpoint, this process included. Spans of library crates and
//! the spans that name tasks stay out: a task lives as long as the process, so a request inside
//! one would never be a trace of its own.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tonic::metadata::{MetadataMap, MetadataValue};
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::{LogFormat, SelfTracing, Telemetry};

/// How long the last own spans may take to leave at the end.
const FLUSH_BUDGET: Duration = Duration::from_secs(3);

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TelemetryError {
    #[error("cannot send own traces to `{endpoint}`")]
    Exporter {
        endpoint: String,
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    #[error("tenant `{0}` cannot be a gRPC header")]
    Tenant(String),
    #[error("another logger is installed already")]
    Installed(#[source] tracing_subscriber::util::TryInitError),
}

/// Telemetry that runs; [`Running::flush`] it last.
#[derive(Debug)]
#[must_use = "own spans are lost unless it is flushed at the end"]
pub(crate) struct Running(Option<SdkTracerProvider>);

/// Starts logging and, where configured, self-tracing. Call it inside the runtime.
///
/// # Errors
/// When the exporter cannot be made, or a logger is installed already.
pub(crate) fn start(settings: &Telemetry) -> Result<Running, TelemetryError> {
    let provider = settings.self_tracing.as_ref().map(provider).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("takt"))
            .with_filter(filter_fn(is_own_work))
    });
    tracing_subscriber::registry()
        .with(log(settings))
        .with(traces)
        .try_init()
        .map_err(TelemetryError::Installed)?;
    Ok(Running(provider))
}

impl Running {
    /// Sends the own spans that still wait, for a bounded time.
    pub(crate) async fn flush(self) {
        let Some(provider) = self.0 else { return };
        let shutdown =
            tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_BUDGET));
        if let Ok(Err(error)) = shutdown.await {
            tracing::warn!(%error, "the last own spans were not sent");
        }
    }
}

/// Prints why the program ends, with all that caused it.
#[expect(
    clippy::print_stderr,
    reason = "the last word of a command goes to standard error"
)]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("takt: {error:#}");
}

fn log(settings: &Telemetry) -> Box<dyn Layer<Registry> + Send + Sync> {
    use std::io::IsTerminal as _;
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let levels = settings.log_level.targets();
    match settings.log_format {
        LogFormat::Text => lines.with_filter(levels).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(levels).boxed(),
    }
}

fn provider(settings: &SelfTracing) -> Result<SdkTracerProvider, TelemetryError> {
    let tenant = settings.tenant.to_string();
    let header = MetadataValue::try_from(&tenant).map_err(|_| TelemetryError::Tenant(tenant))?;
    let mut headers = MetadataMap::new();
    headers.insert("x-scope-orgid", header);
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&settings.endpoint)
        .with_metadata(headers)
        .build()
        .map_err(|source| TelemetryError::Exporter {
            endpoint: settings.endpoint.clone(),
            source,
        })?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio)));
    Ok(SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("takt").build())
        .with_sampler(sampler)
        .with_batch_exporter(exporter)
        .build())
}

/// Whether a span describes work of ours that begins and ends.
fn is_own_work(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
        && metadata.name() != "task"
        && metadata.target().starts_with("takt")
        && *metadata.level() <= LevelFilter::DEBUG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_spans_are_traced_but_not_tasks_nor_libraries() {
        let seen = |name, target| {
            let metadata = Metadata::new(
                name,
                target,
                tracing::Level::INFO,
                None,
                None,
                None,
                tracing::field::FieldSet::new(&[], tracing::callsite::Identifier(&Nowhere)),
                tracing::metadata::Kind::SPAN,
            );
            is_own_work(&metadata)
        };
        assert!(seen("search", "takt_query::search"));
        assert!(!seen("task", "takt_kit::tasks"));
        assert!(!seen("request", "h2::server"));
    }

    struct Nowhere;
    impl tracing::Callsite for Nowhere {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("nobody asks")
        }
    }
}
