//! The attributes of many rows: columns are met once for a batch of rows, not once for each row.

use crate::attrs::{AttrTable, Sparse};

/// Rows that are looked up together.
const BATCH: usize = 1024;

/// A value as it is written; texts need no check on their way from bytes to bytes.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    String(&'a [u8]),
    Int(i64),
    Float(f64),
    Bool(bool),
    Other(&'a [u8]),
}

/// The attributes of a list of rows, asked for by position in that list, ascending.
pub(super) struct Attributes<'a> {
    table: &'a AttrTable,
    keys: Vec<&'a [u8]>,
    rows: Vec<u32>,
    /// Positions from here on are looked up already.
    begin: usize,
    /// Where the cells of each position of the batch begin; one more than positions.
    starts: Vec<usize>,
    cells: Vec<(&'a [u8], Cell<'a>)>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(table: &'a AttrTable, rows: Vec<u32>) -> Self {
        Self {
            table,
            keys: table.keys.iter().collect(),
            rows,
            begin: 0,
            starts: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Keys and values of the row at `position`, in the order in which the keys were first seen.
    pub(super) fn of(&mut self, position: usize) -> &[(&'a [u8], Cell<'a>)] {
        if position + 1 >= self.begin + self.starts.len() {
            self.look_up(position);
        }
        let at = position - self.begin;
        &self.cells[self.starts[at]..self.starts[at + 1]]
    }

    fn look_up(&mut self, begin: usize) {
        let batch = &self.rows[begin..self.rows.len().min(begin + BATCH)];
        let mut wanted: Vec<(u32, usize)> = batch.iter().copied().zip(0..).collect();
        wanted.sort_unstable();
        let mut found = Vec::new();
        for (key, column) in self.keys.iter().zip(&self.table.columns) {
            let mut add = |at: usize, cell: Cell<'a>| found.push((at, (*key, cell)));
            let (strings, others) = (&column.strings, &column.others);
            meet(&wanted, &column.string, |at, code| {
                add(at, Cell::String(strings.get(code)));
            });
            meet(&wanted, &column.int, |at, number| {
                add(at, Cell::Int(number))
            });
            meet(&wanted, &column.float, |at, number| {
                add(at, Cell::Float(number));
            });
            meet(&wanted, &column.bool, |at, flag| add(at, Cell::Bool(flag)));
            meet(&wanted, &column.other, |at, code| {
                add(at, Cell::Other(others.get(code)));
            });
        }
        // By position; of one position in the order of keys.
        found.sort_by_key(|(at, _)| *at);
        self.begin = begin;
        self.starts.clear();
        let mut next = 0;
        for at in 0..batch.len() {
            self.starts.push(next);
            next += found[next..].iter().take_while(|cell| cell.0 == at).count();
        }
        self.starts.push(next);
        self.cells.clear();
        self.cells.extend(found.into_iter().map(|(_, cell)| cell));
    }
}

/// Calls `found` for each wanted row that has a value. Both sides ascend and skip what the other does not have.
fn meet<T: Copy>(wanted: &[(u32, usize)], column: &Sparse<T>, mut found: impl FnMut(usize, T)) {
    let (mut wanted, mut at) = (wanted, 0);
    while let Some((row, position)) = wanted.first() {
        at += skip(&column.rows[at..], |has| has < row);
        let Some(has) = column.rows.get(at) else {
            return;
        };
        if has == row {
            found(*position, column.values[at]);
            wanted = &wanted[1..];
        } else {
            wanted = &wanted[skip(wanted, |(row, _)| row < has)..];
        }
    }
}

/// How many items at the front are `before`: steps that double, then a search within the last one.
fn skip<T>(items: &[T], before: impl Fn(&T) -> bool) -> usize {
    let mut end = 1;
    while end <= items.len() && before(&items[end - 1]) {
        end *= 2;
    }
    let begin = end / 2;
    begin + items[begin..items.len().min(end)].partition_point(before)
}
