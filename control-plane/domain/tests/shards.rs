//! How a tenant's partitions and a trace's partition move, which is as little as can be.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use takt_domain::ring::{
    Partition, Ring, SHARDS, Standing, partition_of, shard_of_tenant, shard_of_tenant_since,
};
use takt_model::{Revision, TenantId, UnixNano};

#[test]
fn the_arithmetic_never_changes() {
    let ring = ring(&(0..8).collect(), Standing::Active, 0);
    let team = TenantId::new("team-1").unwrap();
    let other = TenantId::new("team-2").unwrap();
    assert_eq!(shard_of_tenant(&ring, &team, 3), [6, 1, 2]);
    assert_eq!(shard_of_tenant(&ring, &other, 3), [3, 7, 6]);
    let all: Vec<u32> = (0..8).collect();
    let owners: Vec<u32> = (0..8)
        .map(|shard| partition_of(shard, &all).unwrap())
        .collect();
    assert_eq!(owners, [5, 3, 0, 0, 5, 4, 7, 3]);
}

#[test]
fn shards_are_spread_evenly() {
    let among: Vec<u32> = (0..16).collect();
    let mut load = BTreeMap::<u32, u32>::new();
    for shard in 0..SHARDS {
        *load
            .entry(partition_of(shard, &among).unwrap())
            .or_default() += 1;
    }
    // 256 each if it were perfect.
    assert!(
        load.values().all(|count| (200..320).contains(count)),
        "{load:?}"
    );
    assert_eq!(partition_of(0, &[]), None);
}

proptest! {
    #[test]
    fn a_greater_shard_adds_to_a_smaller_one(
        numbers in numbers(), tenant in tenant(), size in 1_u32..20,
    ) {
        let ring = ring(&numbers, Standing::Active, 0);
        let smaller = shard_of_tenant(&ring, &tenant, size);
        let greater = shard_of_tenant(&ring, &tenant, size + 1);
        prop_assert_eq!(smaller.len(), numbers.len().min(usize::try_from(size).unwrap()));
        prop_assert_eq!(&greater[..smaller.len()], &smaller[..]);
        prop_assert_eq!(shard_of_tenant(&ring, &tenant, 0).len(), numbers.len());
    }

    #[test]
    fn a_partition_that_comes_or_goes_moves_one_place_of_a_tenant_at_most(
        numbers in numbers(), tenant in tenant(), size in 1_u32..20, extra in 0_u32..64,
    ) {
        let mut with = numbers.clone();
        with.insert(extra);
        let mut without = numbers;
        without.remove(&extra);
        let with = set(shard_of_tenant(&ring(&with, Standing::Active, 0), &tenant, size));
        let without = set(shard_of_tenant(&ring(&without, Standing::Active, 0), &tenant, size));
        if with.contains(&extra) {
            let displaced: Vec<_> = without.difference(&with).collect();
            prop_assert!(displaced.len() <= 1);
            prop_assert_eq!(with.difference(&without).collect::<Vec<_>>(), [&extra]);
        } else {
            prop_assert_eq!(with, without);
        }
    }

    #[test]
    fn a_partition_that_comes_takes_shards_and_the_others_exchange_none(
        numbers in numbers(), extra in 0_u32..64,
    ) {
        let before: Vec<u32> = numbers.iter().copied().filter(|number| *number != extra).collect();
        let after: Vec<u32> = before.iter().copied().chain([extra]).collect();
        for shard in 0..SHARDS {
            let now = partition_of(shard, &after);
            prop_assert!(now == Some(extra) || now == partition_of(shard, &before));
        }
    }

    /// Whatever happened since then, a reader looks wherever a writer may have written.
    #[test]
    fn a_reader_looks_wherever_was_written_since(
        steps in prop::collection::vec((0_u32..8, any::<bool>()), 1..30),
        since in 0_usize..30, tenant in tenant(), size in 1_u32..6,
    ) {
        let mut ring = ring(&(0..4).collect(), Standing::Active, 0);
        let mut written = BTreeSet::new();
        for (now, (number, active)) in steps.into_iter().enumerate() {
            let now = u64::try_from(now).unwrap() + 1;
            let standing = if active { Standing::Active } else { Standing::Inactive };
            let known = ring.partitions.get(&number).map(|found| found.standing);
            if known.is_none() && !active || known == Some(standing) {
                continue;
            }
            if now > u64::try_from(since).unwrap() {
                written.extend(shard_of_tenant(&ring, &tenant, size));
            }
            ring.partitions.insert(number, partition(standing, now));
        }
        written.extend(shard_of_tenant(&ring, &tenant, size));
        let since = UnixNano(u64::try_from(since).unwrap());
        let read = set(shard_of_tenant_since(&ring, &tenant, size, since));
        prop_assert!(written.is_subset(&read), "{written:?} {read:?}");
    }
}

fn ring(numbers: &BTreeSet<u32>, standing: Standing, since: u64) -> Ring {
    let mut ring = Ring::default();
    for number in numbers {
        ring.partitions.insert(*number, partition(standing, since));
    }
    ring
}

fn partition(standing: Standing, since: u64) -> Arc<Partition> {
    Arc::new(Partition {
        standing,
        since: UnixNano(since),
        created_at: UnixNano(0),
        seats: BTreeMap::new(),
        version: Revision(0),
    })
}

fn numbers() -> impl Strategy<Value = BTreeSet<u32>> {
    prop::collection::btree_set(0_u32..64, 1..32)
}

fn tenant() -> impl Strategy<Value = TenantId> {
    "[a-z]{1,6}".prop_map(|text| TenantId::new(&text).unwrap())
}

fn set(numbers: Vec<u32>) -> BTreeSet<u32> {
    numbers.into_iter().collect()
}
