//! Moments, durations and numbers as people read them.

use chrono::{DateTime, SecondsFormat, Utc};

/// What the values of a metrics query are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Number,
    /// Seconds, as metrics of durations come.
    Seconds,
}

impl Unit {
    pub(super) fn show(self, value: f64) -> String {
        match self {
            Self::Seconds if value.is_finite() => seconds(value),
            Self::Seconds | Self::Number => amount(value),
        }
    }
}

pub(super) fn moment(nanos: u64) -> String {
    DateTime::from_timestamp_nanos(nanos.cast_signed()).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The time of day, and the date before it where `span_ms` holds more than one day.
pub(super) fn clock(at_ms: i64, span_ms: i64) -> String {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let format = if span_ms > DAY_MS {
        "%m-%d %H:%M"
    } else {
        "%H:%M:%S"
    };
    let at = DateTime::<Utc>::from_timestamp_millis(at_ms);
    at.map_or_else(|| at_ms.to_string(), |at| at.format(format).to_string())
}

/// Three digits and a unit: `950ns`, `12.3ms`, `1.50s`.
pub(super) fn duration(nanos: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let exact = nanos as f64;
    match nanos {
        0..1_000 => format!("{nanos}ns"),
        _ => seconds(exact / 1e9),
    }
}

fn seconds(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        0.0 => return "0s".to_owned(),
        small if small < 1e-6 => (value * 1e9, "ns"),
        small if small < 1e-3 => (value * 1e6, "us"),
        small if small < 1.0 => (value * 1e3, "ms"),
        _ => (value, "s"),
    };
    format!("{}{unit}", three_digits(scaled))
}

/// Three digits and a suffix for thousands: `0.0312`, `4`, `12.5`, `1.20k`.
fn amount(value: f64) -> String {
    match value.abs() {
        _ if value.fract() == 0.0 && value.abs() < 10_000.0 => format!("{value}"),
        small if small < 1e-3 => format!("{value:.2e}"),
        small if small < 1e-2 => format!("{value:.5}"),
        small if small < 1e-1 => format!("{value:.4}"),
        small if small < 1.0 => format!("{value:.3}"),
        small if small < 1e3 => three_digits(value),
        big if big < 1e6 => format!("{}k", three_digits(value / 1e3)),
        big if big < 1e9 => format!("{}M", three_digits(value / 1e6)),
        big if big < 1e12 => format!("{}G", three_digits(value / 1e9)),
        big if big < f64::INFINITY => format!("{value:.2e}"),
        _ => value.to_string(),
    }
}

fn three_digits(value: f64) -> String {
    let digits = match value.abs() {
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits() {
        for (nanos, shown) in [
            (7, "7ns"),
            (1_500, "1.50us"),
            (12_345_678, "12.3ms"),
            (999_000_000, "999ms"),
            (61_000_000_000, "61.0s"),
        ] {
            assert_eq!(duration(nanos), shown);
        }
        assert_eq!(Unit::Seconds.show(0.25), "250ms");
        assert_eq!(Unit::Seconds.show(f64::NAN), "NaN");
    }

    #[test]
    fn numbers_keep_three_digits() {
        for (value, shown) in [
            (0.0, "0"),
            (42.0, "42"),
            (0.75, "0.750"),
            (0.031_25, "0.0312"),
            (-12.34, "-12.3"),
            (0.000_01, "1.00e-5"),
            (123_456.0, "123k"),
            (2_500_000.0, "2.50M"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(Unit::Number.show(value), shown);
        }
    }

    #[test]
    fn clocks_show_the_day_where_there_are_several() {
        assert_eq!(clock(1_700_000_000_000, 3_600_000), "22:13:20");
        assert_eq!(clock(1_700_000_000_000, 172_800_000), "11-14 22:13");
    }
}
