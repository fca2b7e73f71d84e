//! Series as JSON. A number that JSON does not have is the text that protobuf's JSON mapping has for it.

use serde_json::Value;
use takt_wire::tempopb::{QueryInstantResponse, QueryRangeResponse};

pub(crate) fn range(answer: &QueryRangeResponse) -> Result<Vec<u8>, serde_json::Error> {
    let odd = answer.series.iter().any(|series| {
        let samples = series.samples.iter().map(|sample| sample.value);
        let exemplars = series.exemplars.iter().map(|exemplar| exemplar.value);
        samples.chain(exemplars).any(|value| !value.is_finite())
    });
    if !odd {
        return serde_json::to_vec(answer);
    }
    let mut json = serde_json::to_value(answer)?;
    for (at, series) in answer.series.iter().enumerate() {
        let shown = &mut json["series"][at];
        for (at, sample) in series.samples.iter().enumerate() {
            name(&mut shown["samples"][at], sample.value);
        }
        for (at, exemplar) in series.exemplars.iter().enumerate() {
            name(&mut shown["exemplars"][at], exemplar.value);
        }
    }
    serde_json::to_vec(&json)
}

pub(crate) fn instant(answer: &QueryInstantResponse) -> Result<Vec<u8>, serde_json::Error> {
    if answer.series.iter().all(|series| series.value.is_finite()) {
        return serde_json::to_vec(answer);
    }
    let mut json = serde_json::to_value(answer)?;
    for (at, series) in answer.series.iter().enumerate() {
        name(&mut json["series"][at], series.value);
    }
    serde_json::to_vec(&json)
}

fn name(shown: &mut Value, value: f64) {
    if value.is_finite() {
        return;
    }
    let text = match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    shown["value"] = Value::from(text);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use takt_wire::tempopb::{Exemplar, InstantSeries, Sample, TimeSeries};

    use super::*;

    #[test]
    fn numbers_that_json_lacks_have_names() {
        let sample = |value| Sample {
            value,
            timestamp_ms: 5,
        };
        let answer = QueryRangeResponse {
            series: vec![TimeSeries {
                samples: vec![sample(0.0), sample(1.5), sample(f64::INFINITY)],
                exemplars: vec![Exemplar {
                    value: f64::NAN,
                    ..Exemplar::default()
                }],
                ..TimeSeries::default()
            }],
            ..QueryRangeResponse::default()
        };
        let json: Value = serde_json::from_slice(&range(&answer).unwrap()).unwrap();
        assert_eq!(
            json["series"][0],
            json!({
                "samples": [
                    {"timestampMs": "5"},
                    {"timestampMs": "5", "value": 1.5},
                    {"timestampMs": "5", "value": "Infinity"},
                ],
                "exemplars": [{"value": "NaN"}],
            })
        );
        let answer = QueryInstantResponse {
            series: vec![InstantSeries {
                value: f64::NEG_INFINITY,
                ..InstantSeries::default()
            }],
            ..QueryInstantResponse::default()
        };
        let json: Value = serde_json::from_slice(&instant(&answer).unwrap()).unwrap();
        assert_eq!(json["series"][0], json!({"value": "-Infinity"}));
    }
}
