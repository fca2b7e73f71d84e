//! Distributor and block builder.
