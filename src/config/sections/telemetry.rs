//! `telemetry`: what Takt says about itself.

use takt_model::TenantId;
use tracing_subscriber::filter::Targets;

use crate::config::fields::Fields;
use crate::config::value::{Value, words};

#[derive(Debug, Clone)]
pub(crate) struct Telemetry {
    pub(crate) log_level: LogLevel,
    pub(crate) log_format: LogFormat,
    /// `None`: no traces of its own.
    pub(crate) self_tracing: Option<SelfTracing>,
}

/// A filter such as `info` or `info,takt_query=debug`.
#[derive(Debug, Clone)]
pub(crate) struct LogLevel(Targets);

impl LogLevel {
    pub(crate) fn targets(&self) -> Targets {
        self.0.clone()
    }
}

impl Value for LogLevel {
    const UNIT: &'static str = "`error`, `warn`, `info`, `debug`, `trace`, or `level,crate=level`";
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(targets) if !text.is_empty() => Ok(Self(targets)),
            _ => Err(format!(
                "`{text}` is not a level: write `error`, `warn`, `info`, `debug` or `trace`, or pairs such as `info,takt_query=debug`"
            )),
        }
    }
    fn print(&self) -> String {
        self.0.to_string()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

words!(LogFormat, "`text` or `json`": LogFormat::Text = "text", LogFormat::Json = "json");

/// Where Takt sends the traces of its own work.
#[derive(Debug, Clone)]
pub(crate) struct SelfTracing {
    pub(crate) endpoint: String,
    pub(crate) tenant: TenantId,
    pub(crate) sample_ratio: f64,
}

impl Telemetry {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>) -> Self {
        fields.section("telemetry", "What Takt says about itself.", |fields| {
            let (log_level, log_format) = fields.section("log", "Lines on standard error.", |fields| {
                (
                    fields.value("level", "warn,takt=info", "What is worth a line."),
                    fields.value("format", "text", "`json` for machines."),
                )
            });
            let self_tracing = fields.section("self_tracing", "Traces of Takt's own work, by OTLP over gRPC.", |fields| {
                let endpoint: Option<String> = fields.optional("endpoint", "none: off", "Where they go, such as `http://127.0.0.1:4317`, this process included.");
                if let Some(endpoint) = &endpoint
                    && !(endpoint.starts_with("http://") || endpoint.starts_with("https://"))
                {
                    fields.refuse("endpoint", format!("`{endpoint}` is not a URL: write `http://host:4317` or `https://host:4317`"));
                }
                let tenant = fields.value("tenant", "takt", "The tenant they belong to, sent as `X-Scope-OrgID`.");
                let sample_ratio = fields.value("sample_ratio", "0.01", "Which part of the traces is sent.");
                endpoint.map(|endpoint| SelfTracing { endpoint, tenant, sample_ratio })
            });
            Self { log_level, log_format, self_tracing }
        })
    }
}
