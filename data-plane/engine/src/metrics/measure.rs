//! The number that each row has for a function over a field.

use takt_traceql::{Field, Intrinsic, Scope, What};

use super::accumulate::Run;
use super::batch::Batch;
use crate::Stopped;
use crate::value::Val;

/// Durations are measured in nanoseconds and shown in seconds.
pub(super) const SECOND: f64 = 1e9;

pub(super) enum Measure<'a> {
    /// In nanoseconds.
    Duration(&'a [u64]),
    /// `NaN` where a row has no number.
    Numbers(Vec<f64>),
    /// 0 where a row has no number that fits a bucket.
    Buckets(Vec<u8>),
}

impl<'a> Measure<'a> {
    /// The values of `field` as numbers, for all rows that match.
    pub(super) fn numbers(field: &Field, run: &Run<'a>) -> Result<Self, Stopped> {
        let (search, columns) = (run.search, run.search.columns);
        if *field == Field::intrinsic(Intrinsic::Duration) {
            return Ok(Self::Duration(&columns.duration));
        }
        run.may_hold(columns.len() * size_of::<f64>())?;
        let mut numbers = vec![f64::NAN; columns.len()];
        if let Some(key) = of_span(field) {
            if let Some(column) = columns.attrs.column(key) {
                for (row, value) in column.int.iter() {
                    numbers[row as usize] = number(Val::Int(value));
                }
                for (row, value) in column.float.iter() {
                    numbers[row as usize] = value;
                }
            }
        } else {
            search.guard.each(run.rows.iter(), |row| {
                if let Some(value) = run.first.number(search, field, row) {
                    numbers[row as usize] = number(value);
                }
            })?;
        }
        Ok(Self::Numbers(numbers))
    }

    /// The values of `field` as numbers of buckets, for all rows that match.
    pub(super) fn buckets(field: &Field, run: &Run<'a>) -> Result<Self, Stopped> {
        let (search, columns) = (run.search, run.search.columns);
        if *field == Field::intrinsic(Intrinsic::Duration) {
            return Ok(Self::Duration(&columns.duration));
        }
        run.may_hold(columns.len())?;
        let mut buckets = vec![0; columns.len()];
        if let Some(key) = of_span(field) {
            if let Some(column) = columns.attrs.column(key) {
                for (row, value) in column.int.iter() {
                    buckets[row as usize] = bucket(value);
                }
            }
        } else {
            search.guard.each(run.rows.iter(), |row| {
                if let Some(Val::Int(number) | Val::Duration(number)) =
                    run.first.number(search, field, row)
                {
                    buckets[row as usize] = bucket(number);
                }
            })?;
        }
        Ok(Self::Buckets(buckets))
    }

    pub(super) fn read_numbers(&self, batch: &mut Batch) {
        let Batch { rows, numbers, .. } = batch;
        numbers.clear();
        let rows = rows.iter().map(|row| *row as usize);
        match self {
            Self::Duration(nanos) => {
                numbers.extend(rows.map(|row| number(Val::Duration(nanos[row].cast_signed()))));
            }
            Self::Numbers(values) => numbers.extend(rows.map(|row| values[row])),
            Self::Buckets(_) => {}
        }
    }

    pub(super) fn read_buckets(&self, batch: &mut Batch) {
        let Batch { rows, buckets, .. } = batch;
        buckets.clear();
        let rows = rows.iter().map(|row| *row as usize);
        match self {
            Self::Duration(nanos) => {
                buckets.extend(rows.map(|row| bucket(nanos[row].cast_signed())));
            }
            Self::Buckets(values) => buckets.extend(rows.map(|row| values[row])),
            Self::Numbers(_) => {}
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Duration(_) => 0,
            Self::Numbers(numbers) => numbers.capacity() * size_of::<f64>(),
            Self::Buckets(buckets) => buckets.capacity(),
        }
    }
}

/// Whether the field's numbers are durations.
pub(super) fn is_duration(field: &Field) -> bool {
    matches!(
        field.what,
        What::Intrinsic(
            Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::EventTimeSinceStart
        )
    )
}

/// The key, if it is a plain span attribute.
fn of_span(field: &Field) -> Option<&str> {
    match &field.what {
        What::Attribute(Scope::Span, key) if !field.parent => Some(key),
        What::Attribute(..) | What::Intrinsic(_) => None,
    }
}

/// Not a number for what is none; durations in seconds.
#[expect(clippy::cast_precision_loss, reason = "samples are floats")]
pub(super) fn number(value: Val<'_>) -> f64 {
    match value {
        Val::Int(number) => number as f64,
        Val::Float(number) => number,
        Val::Duration(nanos) => nanos as f64 / SECOND,
        Val::Str(_) | Val::Bool(_) | Val::Status(_) | Val::Kind(_) | Val::Other(_) => f64::NAN,
    }
}

/// The exponent of the next power of two, from 1 to 63; 0 for numbers below two.
#[expect(clippy::cast_possible_truncation, reason = "an exponent is at most 63")]
fn bucket(number: i64) -> u8 {
    if number < 2 {
        0
    } else {
        (64 - (number - 1).leading_zeros()) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_with_its_power_of_two() {
        let buckets = [i64::MIN, 0, 1, 2, 3, 4, 5, 1024, 1025, i64::MAX].map(bucket);
        assert_eq!(buckets, [0, 0, 0, 1, 2, 2, 3, 10, 11, 63]);
    }
}
