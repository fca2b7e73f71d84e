//! OTLP receivers: bytes in over gRPC and HTTP, bounded at every step, handed to the distributor as they came.
//!
//! What is promised here:
//! - A request is never decoded; it is unpacked if compressed, and converted if it is JSON.
//! - Every wait has an end and every buffer a bound: connections, headers, bodies, unpacked bodies,
//!   and the bytes of all requests in flight. Full means a refusal with a hint when to retry.
//! - A sender gets the status, body and retry hint an OpenTelemetry collector would give.
//!
//! Start reading at [`serve_grpc`] and [`serve_http`], then `receiver`, through which both go.

mod body;
mod connection;
mod encoding;
mod grpc;
mod http;
mod metrics;
mod receiver;
mod refusal;
mod serve;
mod settings;
mod tenant;
mod tls;

pub use receiver::Receiver;
pub use serve::{serve_grpc, serve_http};
pub use settings::{Clients, Settings, Tls};
pub use tls::{TlsError, acceptor};
