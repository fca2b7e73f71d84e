//! The receivers over real sockets, in front of a real distributor and journal.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod bounds;
mod grpc;
mod http;
mod tls;
mod world;
