//! Rows to groups: the codes of several fields folded into one small number, two at a time.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use takt_trace::Value;

use super::codes::Codes;

/// Pairs up to this many are numbered by an array.
const DENSE: u64 = 4 << 20;
/// A single field with up to this many codes needs no numbering: its codes are the groups.
const FEW: u32 = 4096;
/// No number given yet.
const NEW: u32 = u32::MAX;

pub(super) struct Grouper<'a> {
    fields: Vec<Codes<'a>>,
    /// One for each field; none if codes are groups.
    folds: Vec<Fold>,
    /// Codes of one field, for one batch.
    codes: Vec<u32>,
}

/// Numbers pairs of a group by the fields before and a code of this field, as they are met.
struct Fold {
    width: u64,
    numbers: Numbers,
    /// By number.
    pairs: Vec<(u32, u32)>,
}

enum Numbers {
    Array(Vec<u32>),
    Table(HashMap<u64, u32, FixedState>),
}

impl<'a> Grouper<'a> {
    pub(super) fn new(fields: Vec<Codes<'a>>) -> Self {
        let direct = matches!(fields.as_slice(), [])
            || matches!(fields.as_slice(), [one] if one.count() <= FEW);
        let folds = if direct {
            Vec::new()
        } else {
            fields
                .iter()
                .map(|codes| Fold::new(codes.count()))
                .collect()
        };
        Self {
            fields,
            folds,
            codes: Vec::new(),
        }
    }

    /// How many groups there may be in the end, or more.
    pub(super) fn bound(&self) -> usize {
        self.fields.iter().fold(1, |bound, codes| {
            bound.saturating_mul(codes.count() as usize)
        })
    }

    /// Groups are below this, so far.
    pub(super) fn count(&self) -> u32 {
        match (self.folds.last(), self.fields.first()) {
            (Some(fold), _) => u32::try_from(fold.pairs.len()).expect("not more than rows"),
            (None, Some(codes)) => codes.count(),
            (None, None) => 1,
        }
    }

    /// The groups of `rows`.
    pub(super) fn read(&mut self, rows: &[u32], groups: &mut Vec<u32>) {
        groups.resize(rows.len(), 0);
        if self.folds.is_empty() {
            if let Some(codes) = self.fields.first() {
                codes.read(rows, groups);
            }
            return;
        }
        groups.fill(0);
        self.codes.resize(rows.len(), 0);
        let mut count = 1;
        for (fold, codes) in self.folds.iter_mut().zip(&self.fields) {
            codes.read(rows, &mut self.codes);
            fold.number(count, groups, &self.codes);
            count = fold.pairs.len() as u64;
        }
    }

    /// The values of a group, one for each field.
    pub(super) fn key(&self, mut group: u32) -> Vec<Option<Value>> {
        if self.folds.is_empty() {
            return self.fields.iter().map(|codes| codes.value(group)).collect();
        }
        let mut key: Vec<Option<Value>> = self
            .folds
            .iter()
            .zip(&self.fields)
            .rev()
            .map(|(fold, codes)| {
                let (before, code) = fold.pairs[group as usize];
                group = before;
                codes.value(code)
            })
            .collect();
        key.reverse();
        key
    }

    pub(super) fn memory(&self) -> usize {
        let codes: usize = self.fields.iter().map(Codes::memory).sum();
        let folds: usize = self.folds.iter().map(Fold::memory).sum();
        codes + folds
    }
}

impl Fold {
    fn new(width: u32) -> Self {
        Self {
            width: u64::from(width),
            numbers: Numbers::Array(Vec::new()),
            pairs: Vec::new(),
        }
    }

    /// Replaces groups (below `count`) by the numbers of the pairs with their codes.
    fn number(&mut self, count: u64, groups: &mut [u32], codes: &[u32]) {
        let Self {
            width,
            numbers,
            pairs,
        } = self;
        let mut next = |group: u32, code: u32| {
            pairs.push((group, code));
            u32::try_from(pairs.len() - 1).expect("not more than rows")
        };
        let pairs_of = |group: u32, code: u32| u64::from(group) * *width + u64::from(code);
        if let Numbers::Array(array) = numbers {
            let places = count * *width;
            if places <= DENSE {
                array.resize(
                    array
                        .len()
                        .max(usize::try_from(places).expect("a few million")),
                    NEW,
                );
            } else {
                let known = (0..).zip(std::mem::take(array));
                *numbers = Numbers::Table(known.filter(|(_, number)| *number != NEW).collect());
            }
        }
        for (group, code) in groups.iter_mut().zip(codes) {
            let pair = pairs_of(*group, *code);
            let number = match numbers {
                Numbers::Array(array) => {
                    &mut array[usize::try_from(pair).expect("below a few million")]
                }
                Numbers::Table(table) => table.entry(pair).or_insert(NEW),
            };
            if *number == NEW {
                *number = next(*group, *code);
            }
            *group = *number;
        }
    }

    fn memory(&self) -> usize {
        let numbers = match &self.numbers {
            Numbers::Array(array) => array.capacity() * size_of::<u32>(),
            Numbers::Table(table) => table.allocation_size(),
        };
        numbers + self.pairs.capacity() * size_of::<(u32, u32)>()
    }
}
