//! Generated protocol code; nothing here is written by hand but this table of contents.
//!
//! The program `codegen` of takt-codegen rewrites `src/gen` from `api/proto`. Messages of `tempopb` also have
//! Tempo's JSON form (serde); traces do not, see `takt_trace::encode`.

/// Tempo's query API.
pub mod tempopb {
    include!("gen/tempopb.rs");
    include!("gen/tempopb.serde.rs");
}

/// Every contract as an encoded `FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");
