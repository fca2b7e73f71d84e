//! The loop over all matching rows that adds each to its group and step.

use takt_trace::Value;

use super::accumulate::Run;
use super::batch::each_batch;
use super::cells::Tally;
use super::codes::Codes;
use super::groups::Grouper;
use super::kernel::Kernel;
use super::partial::{Group, Partial, order_of_keys};
use crate::Stopped;

/// Groups the matching rows by the plan's fields and adds them up.
pub(super) fn tally<K: Kernel>(
    run: &Run<'_>,
    kernel: &K,
    partial: &mut Partial,
) -> Result<(), Stopped> {
    let fields = run.plan.query.by.iter();
    let fields: Result<Vec<Codes<'_>>, Stopped> =
        fields.map(|field| Codes::new(field, run)).collect();
    let mut grouper = Grouper::new(fields?);
    let kept = if grouper.bound() > partial.bounds.groups {
        kept(run, kernel, &mut grouper, partial.bounds.groups)?
    } else {
        None
    };
    let numbers = numbers(run, kernel, &mut grouper, kept.as_ref())?;
    partial.groups_cut = kept.is_some();
    partial.groups = groups::<K>(run, &grouper, kept.as_ref(), numbers);
    partial.cut();
    Ok(())
}

/// The groups that are kept where there are too many.
struct Kept {
    /// By group: its new number. Those that are left out share the number after the last.
    numbers: Vec<u32>,
    /// By new number: the group.
    groups: Vec<u32>,
}

/// Those with the smallest keys, if there are more than `most`.
fn kept<K: Kernel>(
    run: &Run<'_>,
    kernel: &K,
    grouper: &mut Grouper<'_>,
    most: usize,
) -> Result<Option<Kept>, Stopped> {
    let steps = run.plan.interval.clock().steps();
    let mut seen: Vec<bool> = Vec::new();
    each_batch(run, |batch| {
        grouper.read(&batch.rows, &mut batch.groups);
        kernel.read(batch);
        seen.resize(grouper.count() as usize, false);
        for at in 0..batch.rows.len() {
            seen[batch.groups[at] as usize] |= batch.steps[at] < steps && K::has(batch, at);
        }
        run.may_hold(kernel.memory() + grouper.memory() + seen.capacity())
    })?;
    let groups: Vec<u32> = (0..)
        .zip(&seen)
        .filter(|(_, seen)| **seen)
        .map(|(group, _)| group)
        .collect();
    if groups.len() <= most {
        return Ok(None);
    }
    // Keys are made once, and only here: a group costs about this much.
    run.may_hold(kernel.memory() + grouper.memory() + groups.len() * 128)?;
    let mut keys: Vec<(Vec<Option<Value>>, u32)> = groups
        .into_iter()
        .map(|group| (grouper.key(group), group))
        .collect();
    keys.sort_unstable_by(|a, b| order_of_keys(&a.0, &b.0));
    let groups: Vec<u32> = keys.iter().take(most).map(|(_, group)| *group).collect();
    let mut numbers = vec![u32::try_from(most).unwrap_or(u32::MAX); seen.len()];
    for (number, group) in (0..).zip(&groups) {
        numbers[*group as usize] = number;
    }
    Ok(Some(Kept { numbers, groups }))
}

/// The numbers of all groups.
fn numbers<K: Kernel>(
    run: &Run<'_>,
    kernel: &K,
    grouper: &mut Grouper<'_>,
    kept: Option<&Kept>,
) -> Result<Vec<(u64, K::Number)>, Stopped> {
    let steps = run.plan.interval.clock().steps();
    // One step more, for rows outside of the interval: no row needs a branch.
    let width = u64::from(K::WIDTH);
    let stride = (u64::from(steps) + 1) * width;
    let mut tally = Tally::<K::Number>::new();
    let mut asked = 0;
    each_batch(run, |batch| {
        grouper.read(&batch.rows, &mut batch.groups);
        kernel.read(batch);
        let mut groups = u64::from(grouper.count());
        if let Some(kept) = kept {
            groups = kept.groups.len() as u64 + 1;
            for group in &mut batch.groups {
                *group = kept.numbers[*group as usize];
            }
        }
        let places = groups * stride;
        let bytes = kernel.memory() + grouper.memory() + tally.memory_with(places);
        if bytes > asked {
            run.may_hold(bytes)?;
            asked = bytes;
        }
        let place = |at: usize| {
            let step = u64::from(batch.steps[at]) * width + u64::from(K::place(batch, at));
            u64::from(batch.groups[at]) * stride + step
        };
        if let Some(array) = tally.reserve(places) {
            for at in 0..batch.rows.len() {
                let place = usize::try_from(place(at)).expect("a few million places");
                K::add(&mut array[place], batch, at);
            }
        } else {
            for at in 0..batch.rows.len() {
                if batch.steps[at] < steps && K::has(batch, at) {
                    K::add(tally.place(place(at)), batch, at);
                }
            }
        }
        Ok(())
    })?;
    Ok(tally.used())
}

/// Numbers by place as groups with their keys, sorted.
fn groups<K: Kernel>(
    run: &Run<'_>,
    grouper: &Grouper<'_>,
    kept: Option<&Kept>,
    numbers: Vec<(u64, K::Number)>,
) -> Vec<Group> {
    let steps = u64::from(run.plan.interval.clock().steps());
    let within = steps * u64::from(K::WIDTH);
    let stride = within + u64::from(K::WIDTH);
    let mut groups: Vec<Group> = numbers
        .chunk_by(|a, b| a.0 / stride == b.0 / stride)
        .filter_map(|numbers| {
            let group = numbers[0].0 / stride;
            let cells: Vec<(u32, K::Number)> = numbers
                .iter()
                .map(|(place, number)| (place % stride, *number))
                .filter(|(at, _)| *at < within)
                .map(|(at, number)| (u32::try_from(at).expect("at most 2^24 steps of 64"), number))
                .collect();
            let mut group = u32::try_from(group).expect("not more than rows");
            if let Some(kept) = kept {
                group = *kept.groups.get(group as usize)?;
            }
            if cells.is_empty() {
                return None;
            }
            Some(Group {
                key: grouper.key(group),
                cells: K::cells(cells),
            })
        })
        .collect();
    groups.sort_by(|a, b| order_of_keys(&a.key, &b.key));
    groups
}
