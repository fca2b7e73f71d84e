//! How many spans one span stands for, by what its sampler wrote into the trace state.

use takt_trace::SpanColumns;

/// The weight of every row: `1 / p`, with `p` from the consistent probability sampling field of the
/// W3C trace state (`ot=th:…`); 1 where there is none.
pub(super) struct Weights<'a> {
    columns: &'a SpanColumns,
    /// By code of the trace state.
    by_state: Vec<f64>,
}

impl<'a> Weights<'a> {
    pub(super) fn new(columns: &'a SpanColumns) -> Self {
        let by_state = (0..)
            .take(columns.trace_states.len())
            .map(|code| weight(columns.trace_states.text(code)))
            .collect();
        Self { columns, by_state }
    }

    pub(super) fn of(&self, row: u32) -> f64 {
        match self.columns.trace_state.get(row) {
            Some(code) => self.by_state[code as usize],
            None => 1.0,
        }
    }
}

/// The weight a trace state tells of.
///
/// `th` is the rejection threshold: 14 hexadecimal digits of which zeros at the end may be left out;
/// spans whose randomness is below it were dropped. If the randomness is told as well (`rv`), it
/// decides whether the weight is rounded up or down, so that counts stay whole numbers.
fn weight(trace_state: &str) -> f64 {
    let Some(fields) = trace_state
        .split(',')
        .find_map(|member| member.trim().strip_prefix("ot="))
    else {
        return 1.0;
    };
    let field = |name: &str| {
        fields
            .split(';')
            .find_map(|field| field.strip_prefix(name)?.strip_prefix(':'))
    };
    let Some(threshold) = field("th").and_then(|digits| hexadecimal(digits, 1)) else {
        return 1.0;
    };
    const WHOLE: f64 = (1u64 << 56) as f64;
    #[expect(clippy::cast_precision_loss, reason = "a weight needs no 56 bits")]
    let exact = WHOLE / ((1u64 << 56) - threshold) as f64;
    match field("rv").and_then(|digits| hexadecimal(digits, 14)) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a random number needs no 56 bits"
        )]
        Some(random) => {
            let up = (random as f64) / WHOLE < exact.fract();
            exact.trunc() + f64::from(u8::from(up))
        }
        // Rounded to what adds up exactly in any order, as long as sums stay below 2^33.
        None => (exact * GRAIN).round() / GRAIN,
    }
}

const GRAIN: f64 = (1u32 << 20) as f64;

/// At least `least` and at most 14 digits, as if followed by zeros up to 14.
fn hexadecimal(digits: &str, least: usize) -> Option<u64> {
    let fits = (least..=14).contains(&digits.len());
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = (fits && plain).then(|| u64::from_str_radix(digits, 16).ok())??;
    Some(number << (4 * (14 - digits.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_says_how_many_spans_were_dropped() {
        for (state, expected) in [
            ("", 1.0),
            ("vendor=1", 1.0),
            ("ot=rv:00000000000000", 1.0),
            ("ot=th:0", 1.0),
            ("ot=th:8", 2.0),
            ("x=1, ot=th:c , y=2", 4.0),
            ("ot=p:8;th:fd70a4", 100.0),
            ("ot=th:fffffffffffffff", 1.0),
            ("ot=th:+8", 1.0),
        ] {
            assert!((weight(state) - expected).abs() < 1e-4, "{state}");
        }
    }

    #[test]
    fn a_told_randomness_rounds_the_weight() {
        // One span in one and a half: two thirds of the whole are kept.
        assert!((weight("ot=th:55555555555555") - 1.5).abs() < 1e-6);
        assert!((weight("ot=th:55555555555555;rv:60000000000000") - 2.0).abs() < 1e-9);
        assert!((weight("ot=th:55555555555555;rv:f0000000000000") - 1.0).abs() < 1e-9);
    }
}
