//! A test on integers as one comparison: the numbers that pass it are an interval, or all others.

use takt_traceql::{BinaryOp, Static};

use crate::value::{Test, Val};

/// Some integers: those from `low` to `low + width`, or with `outside` all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ints {
    low: i64,
    width: u64,
    outside: bool,
}

impl Ints {
    const ALL: Self = Self {
        low: i64::MIN,
        width: u64::MAX,
        outside: false,
    };

    /// The numbers that pass `test` when `of` makes them values, if they are of this form.
    pub(crate) fn passing(test: &Test, of: fn(i64) -> Val<'static>) -> Option<Self> {
        match test {
            Test::Compare(op, literal) => Some(Self::compared(*op, literal, of)),
            Test::Exists => Some(Self::ALL),
            // Numbers are no texts and no bools.
            Test::Match { .. } | Test::Is(_) => Some(Self::ALL.others()),
            Test::OneOf { .. } => None,
        }
    }

    fn compared(op: BinaryOp, literal: &Static, of: fn(i64) -> Val<'static>) -> Self {
        let holds = |op, number| Test::Compare(op, literal.clone()).holds(of(number));
        match op {
            BinaryOp::Lt | BinaryOp::Le => Self::up_to(|number| holds(op, number)),
            BinaryOp::Gt | BinaryOp::Ge => Self::up_to(|number| !holds(op, number)).others(),
            BinaryOp::Eq => Self::equal(literal, |number| holds(op, number)),
            // One number at most is equal; at the ends it shows whether these differ or cannot be compared.
            BinaryOp::Ne if holds(op, i64::MIN) || holds(op, i64::MAX) => {
                Self::equal(literal, |number| holds(BinaryOp::Eq, number)).others()
            }
            _ => Self::ALL.others(),
        }
    }

    pub(crate) fn has(self, number: i64) -> bool {
        (number.wrapping_sub(self.low).cast_unsigned() <= self.width) != self.outside
    }

    fn others(self) -> Self {
        Self {
            outside: !self.outside,
            ..self
        }
    }

    /// The numbers for which `holds`: all up to some number.
    fn up_to(holds: impl Fn(i64) -> bool) -> Self {
        if !holds(i64::MIN) {
            return Self::ALL.others();
        }
        let (mut width, mut step) = (0_u64, 1_u64 << 63);
        while step > 0 {
            let further = width | step;
            if holds(i64::MIN.wrapping_add_unsigned(further)) {
                width = further;
            }
            step >>= 1;
        }
        Self { width, ..Self::ALL }
    }

    /// The number that is equal to the literal, if there is one.
    fn equal(literal: &Static, holds: impl Fn(i64) -> bool) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float beyond the integers equals none of them, and `holds` says so"
        )]
        let number = match literal {
            Static::Int(number) | Static::Duration(number) => *number,
            Static::Float(number) => *number as i64,
            Static::Status(status) => *status as i64,
            Static::Nil | Static::String(_) | Static::Bool(_) | Static::Kind(_) => {
                return Self::ALL.others();
            }
        };
        let point = Self {
            low: number,
            width: 0,
            outside: false,
        };
        if holds(number) {
            point
        } else {
            Self::ALL.others()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use takt_traceql::Status;

    use super::*;

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![
            Just(i64::MIN),
            Just(i64::MIN + 1),
            Just(i64::MAX),
            -4i64..4,
            any::<i64>()
        ]
    }

    fn literal() -> impl Strategy<Value = Static> {
        prop_oneof![
            number().prop_map(Static::Int),
            number().prop_map(Static::Duration),
            prop_oneof![
                -4.0..4.0,
                any::<f64>(),
                Just(1.0),
                Just(-1e19),
                Just(f64::NAN)
            ]
            .prop_map(Static::Float),
            Just(Static::Status(Status::Ok)),
            Just(Static::Bool(true)),
            Just(Static::Nil),
            Just(Static::String("1".to_owned())),
        ]
    }

    fn op() -> impl Strategy<Value = BinaryOp> {
        proptest::sample::select(vec![
            BinaryOp::Eq,
            BinaryOp::Ne,
            BinaryOp::Lt,
            BinaryOp::Le,
            BinaryOp::Gt,
            BinaryOp::Ge,
        ])
    }

    proptest! {
        #[test]
        fn an_interval_has_the_numbers_that_pass(op in op(), literal in literal(), number in number()) {
            let test = Test::Compare(op, literal);
            for of in [Val::Int as fn(i64) -> Val<'static>, Val::Duration] {
                let ints = Ints::passing(&test, of).expect("a comparison is of this form");
                prop_assert_eq!(ints.has(number), test.holds(of(number)));
            }
        }
    }
}
