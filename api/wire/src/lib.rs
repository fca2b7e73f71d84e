//! Generated protocol code; nothing here is written by hand but this table of contents.
//!
//! The program `codegen` of takt-codegen rewrites `src/gen` from `api/proto`. Messages of `tempopb` also have
//! Tempo's JSON form (serde); traces do not, see `takt_trace::encode`.

/// Tempo's query API.
pub mod tempopb {
    include!("gen/tempopb.rs");
    include!("gen/tempopb.serde.rs");
}

/// Takt's own contracts.
pub mod takt {
    pub mod admin {
        /// Tenants, overrides and status, for people and their tools.
        pub mod v1 {
            include!("gen/takt.admin.v1.rs");
        }
    }
    pub mod control {
        /// What the data plane follows.
        pub mod v1 {
            include!("gen/takt.control.v1.rs");
        }
        pub mod log {
            /// What the control log keeps on disk.
            pub mod v1 {
                include!("gen/takt.control.log.v1.rs");
            }
        }
        pub mod raft {
            /// What the nodes of the control plane say to each other.
            pub mod v1 {
                include!("gen/takt.control.raft.v1.rs");
            }
        }
    }
    pub mod query {
        /// Pieces of a query, run where the columns can be read.
        pub mod v1 {
            include!("gen/takt.query.v1.rs");
        }
    }
}

/// The methods of the control plane, to be matched on.
pub mod methods {
    include!("gen/methods.rs");
}

/// Every contract as an encoded `FileDescriptorSet`, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");
