//! Which differences between two runs of the same work are noise.

use crate::trace_view::value::Plain;

/// A duration differs when it does so by more than a millisecond and a fifth of the larger one.
pub(super) fn duration_differs(a: i64, b: i64) -> bool {
    const FLOOR_NANOS: u64 = 1_000_000;
    let (a, b) = (a.unsigned_abs(), b.unsigned_abs());
    a.abs_diff(b) > FLOOR_NANOS.saturating_add(a.max(b) / 5)
}

/// Attributes differ when they are not equal; sizes and counts from the list below may be 5 % apart.
pub(super) fn attribute_differs(key: &str, a: &Plain, b: &Plain) -> bool {
    if MAGNITUDES.contains(&key)
        && let (Some(a), Some(b)) = (a.number(), b.number())
    {
        return !near(a, b);
    }
    a != b
}

fn near(a: f64, b: f64) -> bool {
    if !a.is_finite() || !b.is_finite() {
        return a == b || (a.is_nan() && b.is_nan());
    }
    (a - b).abs() <= 0.05 * a.abs().max(b.abs())
}

/// Keys of OpenTelemetry's semantic conventions, also deprecated ones, whose numbers are sizes,
/// counts or times that vary between runs. The list is part of the format, not a matter of taste.
const MAGNITUDES: [&str; 24] = [
    "app.jank.period",
    "file.size",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.completion_tokens",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "http.request.body.size",
    "http.request.size",
    "http.request_content_length",
    "http.request_content_length_uncompressed",
    "http.response.body.size",
    "http.response.size",
    "http.response_content_length",
    "http.response_content_length_uncompressed",
    "message.compressed_size",
    "message.uncompressed_size",
    "messaging.message.body.size",
    "messaging.message.envelope.size",
    "rpc.message.compressed_size",
    "rpc.message.uncompressed_size",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_floor_and_a_share() {
        const MS: i64 = 1_000_000;
        for (a, b, differs) in [
            (0, MS, false),
            (0, 2 * MS, true),
            (100 * MS, 120 * MS, false),
            (100 * MS, 126 * MS, false),
            (100 * MS, 127 * MS, true),
        ] {
            assert_eq!(duration_differs(a, b), differs, "{a} {b}");
            assert_eq!(duration_differs(b, a), differs, "{b} {a}");
        }
    }

    #[test]
    fn only_magnitudes_have_a_tolerance() {
        let differs = |key, a, b| attribute_differs(key, &a, &b);
        assert!(!differs("file.size", Plain::Int(100), Plain::Float(105.0)));
        assert!(differs("file.size", Plain::Int(100), Plain::Int(106)));
        assert!(differs("retries", Plain::Int(100), Plain::Int(101)));
        assert!(differs(
            "file.size",
            Plain::Text("100".into()),
            Plain::Int(100)
        ));
        assert!(!differs(
            "file.size",
            Plain::Float(f64::NAN),
            Plain::Float(f64::NAN)
        ));
        assert!(differs(
            "file.size",
            Plain::Float(f64::INFINITY),
            Plain::Int(1)
        ));
    }
}
