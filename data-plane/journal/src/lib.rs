//! The ingest journal: what is acknowledged is on disk.
