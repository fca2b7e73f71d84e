//! Buckets that double, and quantiles interpolated within them.

/// The power of two that a number is rounded up to; none below 2.
pub(crate) fn bucket(number: i64) -> Option<f64> {
    if number < 2 {
        return None;
    }
    let mut power = 2.0;
    let mut exact = 2i128;
    while exact < i128::from(number) {
        exact *= 2;
        power *= 2.0;
    }
    Some(power)
}

/// The `p`-quantile of numbers of which only the buckets are known.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are small, and p is between 0 and 1"
)]
pub(crate) fn quantile(p: f64, buckets: &[f64]) -> f64 {
    let mut edges = buckets.to_vec();
    edges.sort_by(f64::total_cmp);
    let count = |edge: f64| buckets.iter().filter(|b| **b == edge).count();
    edges.dedup();
    let wanted = ((p * buckets.len() as f64).ceil() as usize).max(1);
    let mut below = 0;
    for (at, edge) in edges.iter().enumerate() {
        let here = count(*edge);
        if below + here == wanted {
            return *edge;
        }
        if below + here > wanted {
            // So far into this bucket, counted in powers of two.
            let part = (wanted - below) as f64 / here as f64;
            let high = edge.log2();
            let low = if at > 0 {
                edges[at - 1].log2()
            } else {
                high - 1.0
            };
            return (low + (high - low) * part).exp2();
        }
        below += here;
    }
    0.0
}
