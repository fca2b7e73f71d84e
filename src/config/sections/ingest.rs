//! `ingest`: when recent spans become a block.

use std::time::Duration;

use takt_model::ByteSize;

use super::Server;
use crate::config::fields::Fields;

#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    pub(crate) max_block_age: Duration,
    pub(crate) trace_idle: Duration,
    pub(crate) max_block_spans: usize,
    pub(crate) max_block_bytes: ByteSize,
    pub(crate) max_live_bytes: ByteSize,
}

impl Ingest {
    pub(super) fn read(fields: &mut Fields<'_, '_, '_>, server: &Server) -> Self {
        fields.section("ingest", "When recent spans become a block.", |fields| {
            let ingest = Self {
                max_block_age: fields.value(
                    "max_block_age",
                    "30s",
                    "A block is cut when its oldest span has waited this long; larger blocks compress and prune better.",
                ),
                trace_idle: fields.value(
                    "trace_idle",
                    "5s",
                    "A trace that grew within this time waits for the next block, so that it stays in one piece.",
                ),
                max_block_spans: fields.value(
                    "max_block_spans",
                    "100000",
                    "A block is cut at this many spans; bounds the memory of the live store and of writing a block.",
                ),
                max_block_bytes: fields.value(
                    "max_block_bytes",
                    "256MiB",
                    "A block is cut when its spans take this much memory; the bound for large spans.",
                ),
                max_live_bytes: fields.value_or(
                    "max_live_bytes",
                    server.share(2),
                    "half of `server.max_memory`",
                    "What spans that are not in a block yet may hold before writers are refused with a retry hint.",
                ),
            };
            if ingest.max_block_spans == 0 {
                fields.refuse("max_block_spans", "must be greater than zero");
            }
            if ingest.trace_idle > ingest.max_block_age {
                fields.refuse(
                    "trace_idle",
                    "is longer than `max_block_age`, so no trace would ever be idle when a block is cut",
                );
            }
            ingest
        })
    }
}
