//! Sums that do not depend on their order.

/// A sum as the nearest float and what is missing to the exact value (Knuth's two-sum, "double-double").
///
/// Whole numbers (nanoseconds, integer attributes) below 2^106 add up exactly; of other floats about
/// 106 bits are kept, so that sums of parts in any order round to the same float.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sum {
    pub high: f64,
    pub low: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let (high, error) = two_sum(self.high, value);
        *self = Self::renewed(high, self.low + error);
    }

    pub(super) fn add_sum(&mut self, other: Self) {
        let (high, error) = two_sum(self.high, other.high);
        let (low, rest) = two_sum(self.low, other.low);
        let first = Self::renewed(high, error + low);
        *self = Self::renewed(first.high, first.low + rest);
    }

    /// The nearest float.
    #[must_use]
    pub fn value(self) -> f64 {
        self.high + self.low
    }

    fn renewed(high: f64, low: f64) -> Self {
        // What is infinite has no error that could be told.
        if !high.is_finite() {
            return Self { high, low: 0.0 };
        }
        let (high, low) = two_sum(high, low);
        Self { high, low }
    }
}

/// The rounded sum and its error, exactly.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Sum {
        let mut sum = Sum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum
    }

    #[test]
    fn an_infinite_sum_stays_infinite() {
        let mut sum = of(&[1.0, f64::INFINITY, 2.0]);
        sum.add_sum(of(&[3.0]));
        assert!(sum.value() == f64::INFINITY);
    }

    proptest! {
        #[test]
        fn parts_in_any_order_give_the_same(values in proptest::collection::vec(-1e12f64..1e12, 1..60), at in 0usize..60) {
            let (left, right) = values.split_at(at.min(values.len()));
            let (mut one, mut other) = (of(left), of(right));
            one.add_sum(of(right));
            other.add_sum(of(left));
            let scale: f64 = values.iter().map(|v| v.abs()).sum();
            prop_assert!((one.value() - of(&values).value()).abs() <= scale * 1e-25);
            prop_assert!((one.value() - other.value()).abs() <= scale * 1e-25);
        }

        #[test]
        fn whole_numbers_add_up_exactly(values in proptest::collection::vec(i64::MIN / 64..i64::MAX / 64, 1..60)) {
            #[expect(clippy::cast_precision_loss, reason = "the floats are what is added up")]
            let floats: Vec<f64> = values.iter().map(|v| *v as f64).collect();
            #[expect(clippy::cast_possible_truncation, reason = "the floats are whole and small enough")]
            let exact: i128 = floats.iter().map(|v| *v as i128).sum();
            #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is expected")]
            let nearest = exact as f64;
            prop_assert_eq!(of(&floats).value(), nearest);
        }
    }
}
