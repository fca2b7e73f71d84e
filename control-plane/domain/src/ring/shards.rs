//! Which partitions are a tenant's, and which of them a trace goes to.
//!
//! Highest random weight (rendezvous) hashing, twice:
//!
//! 1. A tenant ranks the partitions by `mix(fnv1a(tenant) ^ mix(partition))`, highest first, ties to the
//!    lower number. Its shard of size `n` is the first `n`. So a greater size adds to a smaller one; a
//!    partition that comes displaces one at most; one that goes is replaced by one if the tenant had it and
//!    changes nothing if not.
//! 2. A trace belongs to one of [`SHARDS`] virtual shards for ever, and that to the partition of the tenant's
//!    shard with the highest `mix(shard ^ mix(partition))`. When a partition comes, virtual shards move
//!    to it and nowhere else; when one goes, its virtual shards move and no other.
//!
//! The arithmetic is part of the contract between processes of different versions: it never changes.

use std::cmp::Reverse;

use takt_model::{TenantId, TraceId, UnixNano};

use super::{Ring, Standing};

/// How many virtual shards there are.
pub const SHARDS: u32 = 4096;

/// The virtual shard of a trace.
#[must_use]
pub fn shard_of_trace(trace: &TraceId) -> u32 {
    u32::try_from(trace.spread() >> 52).unwrap_or_default()
}

/// The partitions of a tenant that take writes, best first. Size 0: all of them.
#[must_use]
pub fn shard_of_tenant(ring: &Ring, tenant: &TenantId, size: u32) -> Vec<u32> {
    let active = ring
        .partitions
        .iter()
        .filter(|(_, partition)| partition.standing.writable())
        .map(|(number, _)| *number);
    let mut ranked = ranked(tenant, active);
    ranked.truncate(wanted(size));
    ranked
}

/// The partitions that may have taken writes of a tenant at `since` or later, best first: those of its shard
/// now, those that were in it before others came or they went inactive, and those that are not flushed yet.
#[must_use]
pub fn shard_of_tenant_since(
    ring: &Ring,
    tenant: &TenantId,
    size: u32,
    since: UnixNano,
) -> Vec<u32> {
    let readable = ring
        .partitions
        .iter()
        .filter(|(_, partition)| partition.standing.readable())
        .map(|(number, _)| *number);
    let all = ranked(tenant, readable);
    let mut missing = wanted(size);
    let mut shard = Vec::new();
    for number in all {
        if missing == 0 {
            break;
        }
        let Some(partition) = ring.partitions.get(&number) else {
            continue;
        };
        let settled = partition.since <= since;
        match partition.standing {
            // Took no writes in all that time, and what it took before stands elsewhere.
            Standing::Inactive if settled && partition.flushed() => continue,
            Standing::Active if settled => missing -= 1,
            Standing::Pending | Standing::Active | Standing::Inactive => {}
        }
        shard.push(number);
    }
    shard
}

/// The partition, among those of a tenant's shard, that a virtual shard belongs to.
#[must_use]
pub fn partition_of(shard: u32, among: &[u32]) -> Option<u32> {
    among
        .iter()
        .copied()
        .max_by_key(|partition| (weight(u64::from(shard), *partition), Reverse(*partition)))
}

fn wanted(size: u32) -> usize {
    match size {
        0 => usize::MAX,
        size => usize::try_from(size).unwrap_or(usize::MAX),
    }
}

fn ranked(tenant: &TenantId, partitions: impl Iterator<Item = u32>) -> Vec<u32> {
    let tenant = fnv1a(tenant.as_str().as_bytes());
    let mut ranked: Vec<u32> = partitions.collect();
    ranked.sort_by_cached_key(|partition| (Reverse(weight(tenant, *partition)), *partition));
    ranked
}

fn weight(key: u64, partition: u32) -> u64 {
    mix(key ^ mix(u64::from(partition)))
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The finish of splitmix64.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
