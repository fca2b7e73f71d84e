//! `receivers`: where spans come in.

use std::net::SocketAddr;
use std::time::Duration;

use takt_model::ByteSize;

use crate::config::fields::Fields;

#[derive(Debug, Clone)]
pub(crate) struct Receivers {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) max_request_bytes: ByteSize,
    pub(crate) max_decompressed_bytes: ByteSize,
    pub(crate) read_timeout: Duration,
}

impl Receivers {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>) -> Self {
        fields.section("receivers", "Where spans come in.", |fields| {
            fields.section("otlp", "The OpenTelemetry protocol.", |fields| {
                let max_request_bytes = fields.value(
                    "max_request_bytes",
                    "16MiB",
                    "Largest request as sent; a larger one is refused before it is read to its end.",
                );
                let max_decompressed_bytes = fields.value(
                    "max_decompressed_bytes",
                    "64MiB",
                    "Largest request once unpacked; what a compression bomb can cost.",
                );
                if max_decompressed_bytes < max_request_bytes {
                    fields.refuse(
                        "max_decompressed_bytes",
                        format!("`{max_decompressed_bytes}` is less than `max_request_bytes` ({max_request_bytes}), which a request that is not compressed may fill"),
                    );
                }
                let read_timeout = fields.value(
                    "read_timeout",
                    "30s",
                    "How long a client may take to send one request; what a slow or silent client can hold.",
                );
                let (grpc, http) = endpoints(fields);
                Self { grpc, http, max_request_bytes, max_decompressed_bytes, read_timeout }
            })
        })
    }
}

fn endpoints(fields: &mut Fields<'_, '_, '_>) -> (SocketAddr, SocketAddr) {
    let grpc = fields.section("grpc", "OTLP over gRPC.", |fields| {
        fields.value(
            "endpoint",
            "127.0.0.1:4317",
            "Where to listen; the standard port, on loopback until you open it.",
        )
    });
    let http = fields.section(
        "http",
        "OTLP over HTTP, protobuf and JSON, at `/v1/traces`.",
        |fields| {
            fields.value(
                "endpoint",
                "127.0.0.1:4318",
                "Where to listen; the standard port, on loopback until you open it.",
            )
        },
    );
    (grpc, http)
}
