//! Quantiles of counts in log2 buckets.

/// The value below which the fraction `quantile` of what was counted lies; 0 without any.
///
/// Buckets are (exponent, count), ascending. At least one value is looked for, and the fraction of them
/// is rounded up. Where they fill up buckets exactly, the last one's upper end is the answer; else it
/// lies within the next bucket, whose lower end is that of the bucket before (or half of its own), and
/// grows exponentially from there.
pub(super) fn quantile(quantile: f64, buckets: &[(u32, f64)]) -> f64 {
    let total: f64 = buckets.iter().map(|(_, count)| count).sum();
    if total == 0.0 || !(0.0..=1.0).contains(&quantile) {
        return 0.0;
    }
    let wanted = (quantile * total).ceil().max(1.0);
    let mut below = 0.0;
    let mut lower = None;
    for (exponent, count) in buckets {
        let upper = f64::from(*exponent);
        if below + count > wanted {
            let lower = lower.unwrap_or(upper - 1.0);
            return (lower + (upper - lower) * ((wanted - below) / count)).exp2();
        }
        below += count;
        if below >= wanted {
            return upper.exp2();
        }
        lower = Some(upper);
    }
    // Weights need not be whole, so the fraction rounded up may be more than there is.
    lower.unwrap_or_default().exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_ends_of_their_bucket() {
        let buckets = [(1, 4.0), (3, 4.0), (4, 2.0)];
        for (fraction, expected) in [
            (0.0, 2f64.powf(0.25)),
            (0.2, 2f64.powf(0.5)),
            (0.4, 2.0),
            (0.6, 2f64.powf(1.0 + 2.0 * 0.5)),
            (0.8, 8.0),
            (0.81, 2f64.powf(3.5)),
            (1.0, 16.0),
        ] {
            let found = quantile(fraction, &buckets);
            assert!((found - expected).abs() < 1e-12, "{fraction}: {found}");
        }
        assert!(quantile(0.5, &[]) == 0.0);
    }
}
