//! Aggregates of spansets, all at once, and the comparisons that keep some of them.

use takt_traceql::{
    Aggregate, BinaryOp, Expr, Field, Intrinsic, Scalar, ScalarFilter, Scope, What,
};

use crate::bitmap::Bitmap;
use crate::find::Search;
use crate::guard::Stopped;
use crate::leaf::indexes;
use crate::metrics;
use crate::spansets::{Spansets, Values};
use crate::value::{Val, arithmetic, as_number, compare, of_static};

/// A number of each spanset; none where it has no value.
type Numbers = Vec<Option<Val<'static>>>;

/// Keeps the spansets for which the comparison holds, and notes what was counted.
pub(crate) fn keep(
    search: &Search<'_>,
    filter: &ScalarFilter,
    sets: &mut Spansets<'_>,
) -> Result<(), Stopped> {
    let mut seen = Vec::new();
    let left = side(search, &filter.left, sets, &mut seen)?;
    let right = side(search, &filter.right, sets, &mut seen)?;
    let mut passing = Bitmap::none(sets.count);
    search.guard.each(indexes(sets.count), |set| {
        if let (Some(left), Some(right)) = (left.of(set), right.of(set))
            && compare(filter.op, left, right)
        {
            passing.insert(set);
        }
    })?;
    sets.rows = sets.among(&sets.rows, &passing, search)?;
    for (key, numbers) in seen {
        sets.note(&key, Values::Numbers(numbers));
    }
    Ok(())
}

enum Side {
    Same(Option<Val<'static>>),
    Each(Numbers),
}

impl Side {
    fn of(&self, set: u32) -> Option<Val<'static>> {
        match self {
            Self::Same(value) => *value,
            Self::Each(numbers) => numbers[set as usize],
        }
    }
}

fn side(
    search: &Search<'_>,
    scalar: &Scalar,
    sets: &Spansets<'_>,
    seen: &mut Vec<(String, Numbers)>,
) -> Result<Side, Stopped> {
    Ok(match scalar {
        Scalar::Static(literal) => Side::Same(of_static(literal).and_then(as_number)),
        Scalar::Aggregate(aggregate) => {
            let numbers = aggregated(search, aggregate, sets)?;
            seen.push((aggregate.to_string(), numbers.clone()));
            Side::Each(numbers)
        }
        Scalar::Binary { op, left, right } => {
            let left = side(search, left, sets, seen)?;
            let right = side(search, right, sets, seen)?;
            let value = |set| arithmetic(*op, left.of(set)?, right.of(set)?);
            match (&left, &right) {
                (Side::Same(_), Side::Same(_)) => Side::Same(value(0)),
                _ => {
                    search.guard.hold_many::<Option<Val<'_>>>(sets.count)?;
                    Side::Each(indexes(sets.count).map(value).collect())
                }
            }
        }
    })
}

fn aggregated(
    search: &Search<'_>,
    aggregate: &Aggregate,
    sets: &Spansets<'_>,
) -> Result<Numbers, Stopped> {
    // Twice: what is noted is kept beside what is compared.
    search.guard.hold_many::<[Option<Val<'_>>; 2]>(sets.count)?;
    match aggregate {
        Aggregate::Count => {
            let mut counts = vec![0_i64; sets.count];
            search.guard.each(sets.rows.iter(), |row| {
                counts[sets.set_of[row as usize] as usize] += 1;
            })?;
            let counted = |count: i64| (count > 0).then_some(Val::Int(count));
            Ok(counts.into_iter().map(counted).collect())
        }
        Aggregate::Max(expr) => largest(search, expr, sets, BinaryOp::Gt),
        Aggregate::Min(expr) => largest(search, expr, sets, BinaryOp::Lt),
        Aggregate::Sum(expr) => {
            let sums = sums(search, expr, sets)?;
            Ok(sums.iter().map(Sum::total).collect())
        }
        Aggregate::Avg(expr) => {
            let sums = sums(search, expr, sets)?;
            Ok(sums.iter().map(Sum::average).collect())
        }
    }
}

/// The number of each spanset that is `more` than all others of it.
fn largest(
    search: &Search<'_>,
    expr: &Expr,
    sets: &Spansets<'_>,
    more: BinaryOp,
) -> Result<Numbers, Stopped> {
    let mut best: Numbers = vec![None; sets.count];
    each_number(search, expr, sets, |set, number| {
        let best = &mut best[set as usize];
        let is_better = |known: Val<'_>| {
            compare(more, number, known)
                || (rank(number) < rank(known) && compare(BinaryOp::Eq, number, known))
        };
        if best.is_none_or(is_better) {
            *best = Some(number);
        }
    })?;
    Ok(best)
}

/// Of equal numbers of different types, the lowest stands; and 0 before -0.
fn rank(number: Val<'_>) -> u8 {
    match number {
        Val::Int(_) => 0,
        Val::Duration(_) => 1,
        Val::Float(number) if number.is_sign_negative() => 3,
        _ => 2,
    }
}

/// Integers and floats are added apart, so that the order in which they come does not count.
#[derive(Clone, Default)]
struct Sum {
    count: i64,
    whole: i64,
    real: metrics::Sum,
    has_durations: bool,
    has_floats: bool,
}

impl Sum {
    fn add(&mut self, number: Val<'static>) {
        self.count += 1;
        match number {
            Val::Int(number) => self.whole = self.whole.wrapping_add(number),
            Val::Duration(nanos) => {
                self.whole = self.whole.wrapping_add(nanos);
                self.has_durations = true;
            }
            Val::Float(number) => {
                self.real.add(number);
                self.has_floats = true;
            }
            Val::Str(_) | Val::Bool(_) | Val::Status(_) | Val::Kind(_) | Val::Other(_) => {}
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum with floats in it is a float"
    )]
    fn total(&self) -> Option<Val<'static>> {
        match (self.count, self.has_floats, self.has_durations) {
            (0, ..) => None,
            (_, true, _) => as_number(Val::Float(self.whole as f64 + self.real.value())),
            (_, _, true) => Some(Val::Duration(self.whole)),
            _ => Some(Val::Int(self.whole)),
        }
    }

    /// Durations stay durations, in whole nanoseconds; of integers the average is a float.
    fn average(&self) -> Option<Val<'static>> {
        let total = self.total()?;
        let count = match total {
            Val::Duration(_) => Val::Int(self.count),
            #[expect(
                clippy::cast_precision_loss,
                reason = "spansets have fewer spans than a float counts exactly"
            )]
            _ => Val::Float(self.count as f64),
        };
        arithmetic(BinaryOp::Div, total, count)
    }
}

fn sums(search: &Search<'_>, expr: &Expr, sets: &Spansets<'_>) -> Result<Vec<Sum>, Stopped> {
    search.guard.hold_many::<Sum>(sets.count)?;
    let mut sums = vec![Sum::default(); sets.count];
    each_number(search, expr, sets, |set, number| {
        sums[set as usize].add(number);
    })?;
    Ok(sums)
}

/// Calls `visit` with the spanset of each row and the number that `expr` has there: the first one, if it
/// has several. Rows without a number are left out.
fn each_number(
    search: &Search<'_>,
    expr: &Expr,
    sets: &Spansets<'_>,
    mut visit: impl FnMut(u32, Val<'static>),
) -> Result<(), Stopped> {
    let columns = search.columns;
    let (guard, rows) = (&search.guard, &sets.rows);
    let set = |row: u32| sets.set_of[row as usize];
    match expr {
        Expr::Field(field) if *field == Field::intrinsic(Intrinsic::Duration) => {
            guard.each(rows.iter(), |row| {
                let nanos = columns.duration[row as usize].cast_signed();
                visit(set(row), Val::Duration(nanos));
            })
        }
        Expr::Field(Field {
            parent: false,
            what: What::Attribute(Scope::Span, key),
        }) => {
            let Some(column) = columns.attrs.column(key) else {
                return Ok(());
            };
            let ints = column.int.iter().filter(|(row, _)| rows.has(*row));
            guard.each(ints, |(row, number)| visit(set(row), Val::Int(number)))?;
            let floats = column.float.iter().filter(|(row, _)| rows.has(*row));
            guard.each(floats, |(row, number)| {
                if let Some(number) = as_number(Val::Float(number)) {
                    visit(set(row), number);
                }
            })
        }
        expr => guard.each(rows.iter(), |row| {
            let mut first = None;
            let at = search.in_question(&sets.same, row);
            search.reader.expr(expr, at, &mut |value| {
                first = first.or_else(|| as_number(value));
            });
            if let Some(number) = first {
                visit(set(row), number);
            }
        }),
    }
}
