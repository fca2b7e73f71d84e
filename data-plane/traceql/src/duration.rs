//! Durations as Go and Prometheus write them: `1h30m`, `1.5s`, `100ms`, `1d`.

const UNITS: [(&str, i64); 11] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5, micro sign
    ("μs", 1_000), // U+03BC, Greek mu
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
    ("d", 86_400 * SECOND),
    ("w", 7 * 86_400 * SECOND),
    ("y", 365 * 86_400 * SECOND),
];
const SECOND: i64 = 1_000_000_000;

/// Nanoseconds of a duration without sign, or `None` if the text is none or does not fit 64 bits.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0i64;
    loop {
        let (part, after) = parse_part(rest)?;
        total = total.checked_add(part)?;
        if after.is_empty() {
            return Some(total);
        }
        rest = after;
    }
}

/// One number with its unit, and what follows.
fn parse_part(text: &str) -> Option<(i64, &str)> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(number_end);
    let unit_end = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let nanos = whole.checked_mul(*scale)?;
    Some((nanos.checked_add(fraction_of(fraction, *scale)?)?, rest))
}

/// `0.fraction` times `scale`, cut to whole nanoseconds, exactly.
fn fraction_of(digits: &str, scale: i64) -> Option<i64> {
    let digits = &digits[..digits.len().min(18)];
    if digits.is_empty() {
        return Some(0);
    }
    let numerator: i128 = digits.parse().ok()?;
    let denominator = 10i128.pow(u32::try_from(digits.len()).ok()?);
    i64::try_from(numerator * i128::from(scale) / denominator).ok()
}

/// A duration in the words of Go: `1.5s`, `325.84424ms`, `2m0.25s`, `1h0m0s`, `0s`.
#[must_use]
pub fn format_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.unsigned_abs();
    let text = match size {
        0 => return "0s".to_owned(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(size, 3)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(size, 6)),
        _ => {
            let minutes = size / 60_000_000_000;
            let seconds = format!("{}s", decimal(size % 60_000_000_000, 9));
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// `number` with a point before its last `places` digits, without trailing zeros.
fn decimal(number: u64, places: u32) -> String {
    let scale = 10u64.pow(places);
    let (whole, fraction) = (number / scale, number % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0width$}", width = places as usize);
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_both_worlds_are_read() {
        let s = SECOND;
        for (text, nanos) in [
            ("1h30m", 5_400 * s),
            ("1.5s", 3 * s / 2),
            ("100ms", s / 10),
            ("10us", 10_000),
            ("1µs", 1_000),
            ("5ns", 5),
            ("1d", 86_400 * s),
            ("1w2d", 9 * 86_400 * s),
            ("1y", 365 * 86_400 * s),
            (".5s", s / 2),
            ("1.000000001s", s + 1),
        ] {
            assert_eq!(parse_duration(text), Some(nanos), "{text}");
        }
        for text in ["", "5", "s", "1x", "1s2", ".s", "300y", "1..5s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (325_844_240, "325.84424ms"),
            (SECOND, "1s"),
            (120_250_000_000, "2m0.25s"),
            (3_600 * SECOND, "1h0m0s"),
            (-1_500_000_000, "-1.5s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(format_duration(nanos), text);
        }
    }
}
