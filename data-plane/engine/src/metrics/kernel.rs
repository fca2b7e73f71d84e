//! What each function adds up.

use super::batch::Batch;
use super::cells::{Extreme, Number};
use super::measure::Measure;
use super::partial::{Cells, Mean};

/// How one row adds to the number of its place.
pub(super) trait Kernel {
    type Number: Number;
    /// Places within a step.
    const WIDTH: u32 = 1;

    /// Reads what is measured of a batch.
    fn read(&self, batch: &mut Batch);

    /// Whether a row has anything to add.
    fn has(batch: &Batch, at: usize) -> bool;

    /// The place within the step.
    fn place(_batch: &Batch, _at: usize) -> u32 {
        0
    }

    /// Also called for rows that have nothing to add.
    fn add(number: &mut Self::Number, batch: &Batch, at: usize);

    fn cells(numbers: Vec<(u32, Self::Number)>) -> Cells;

    /// Bytes held for measuring.
    fn memory(&self) -> usize;
}

pub(super) struct Counts;
pub(super) struct Least<'a>(pub(super) Measure<'a>);
pub(super) struct Greatest<'a>(pub(super) Measure<'a>);
pub(super) struct Means<'a>(pub(super) Measure<'a>);
pub(super) struct Buckets<'a>(pub(super) Measure<'a>);

/// Log2 buckets of a step; the first one is for rows that have nothing to add.
pub(super) const BUCKETS: u32 = 64;

impl Kernel for Counts {
    type Number = f64;

    fn read(&self, _: &mut Batch) {}

    fn has(_: &Batch, _: usize) -> bool {
        true
    }

    fn add(count: &mut f64, batch: &Batch, at: usize) {
        *count += batch.weights[at];
    }

    fn cells(numbers: Vec<(u32, f64)>) -> Cells {
        Cells::Counts(numbers)
    }

    fn memory(&self) -> usize {
        0
    }
}

impl Kernel for Least<'_> {
    type Number = Extreme;

    fn read(&self, batch: &mut Batch) {
        self.0.read_numbers(batch);
    }

    fn has(batch: &Batch, at: usize) -> bool {
        !batch.numbers[at].is_nan()
    }

    fn add(least: &mut Extreme, batch: &Batch, at: usize) {
        least.0 = least.0.min(batch.numbers[at]);
    }

    fn cells(numbers: Vec<(u32, Extreme)>) -> Cells {
        Cells::Least(plain(numbers))
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }
}

impl Kernel for Greatest<'_> {
    type Number = Extreme;

    fn read(&self, batch: &mut Batch) {
        self.0.read_numbers(batch);
    }

    fn has(batch: &Batch, at: usize) -> bool {
        !batch.numbers[at].is_nan()
    }

    fn add(greatest: &mut Extreme, batch: &Batch, at: usize) {
        greatest.0 = greatest.0.max(batch.numbers[at]);
    }

    fn cells(numbers: Vec<(u32, Extreme)>) -> Cells {
        Cells::Greatest(plain(numbers))
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }
}

impl Kernel for Means<'_> {
    type Number = Mean;

    fn read(&self, batch: &mut Batch) {
        self.0.read_numbers(batch);
    }

    fn has(batch: &Batch, at: usize) -> bool {
        !batch.numbers[at].is_nan()
    }

    fn add(mean: &mut Mean, batch: &Batch, at: usize) {
        let (number, weight) = (batch.numbers[at], batch.weights[at]);
        if !number.is_nan() {
            mean.sum.add(number * weight);
            mean.weight += weight;
        }
    }

    fn cells(numbers: Vec<(u32, Mean)>) -> Cells {
        Cells::Means(numbers)
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }
}

impl Kernel for Buckets<'_> {
    type Number = f64;
    const WIDTH: u32 = BUCKETS;

    fn read(&self, batch: &mut Batch) {
        self.0.read_buckets(batch);
    }

    fn has(batch: &Batch, at: usize) -> bool {
        batch.buckets[at] != 0
    }

    fn place(batch: &Batch, at: usize) -> u32 {
        u32::from(batch.buckets[at])
    }

    fn add(count: &mut f64, batch: &Batch, at: usize) {
        // A bucket number of 0 would count rows that have nothing to add.
        if batch.buckets[at] != 0 {
            *count += batch.weights[at];
        }
    }

    fn cells(numbers: Vec<(u32, f64)>) -> Cells {
        Cells::Counts(numbers)
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }
}

fn plain(numbers: Vec<(u32, Extreme)>) -> Vec<(u32, f64)> {
    numbers
        .into_iter()
        .map(|(at, extreme)| (at, extreme.0))
        .collect()
}
