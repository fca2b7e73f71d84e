//! Prometheus' remote write 1.0: a `WriteRequest` in protobuf, compressed by snappy's block format.
//!
//! The messages are four and frozen, so they stand here instead of being generated.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};
use prost::Message;
use reqwest::Url;

use super::Route;
use crate::record::Point;

pub(crate) const NAME: &str = "remote_write";

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

pub(crate) fn route(url: &Url) -> Route<Point> {
    let headers = [
        (CONTENT_TYPE, "application/x-protobuf"),
        (CONTENT_ENCODING, "snappy"),
        (
            HeaderName::from_static("x-prometheus-remote-write-version"),
            "0.1.0",
        ),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Route {
        name: NAME,
        url: url.clone(),
        headers: HeaderMap::from_iter(headers),
        encode: Box::new(encode),
    }
}

fn encode(points: &[Point]) -> Vec<u8> {
    let timeseries = points.iter().map(series).collect();
    let message = WriteRequest { timeseries }.encode_to_vec();
    snap::raw::Encoder::new()
        .compress_vec(&message)
        .expect("a request is far below the four gigabytes of snappy")
}

/// A point as a series of its own, its labels sorted as they must be.
fn series(point: &Point) -> TimeSeries {
    let labels = point.labels.iter().map(|(name, value)| Label {
        name: name.to_owned(),
        value: value.to_owned(),
    });
    TimeSeries {
        labels: labels.collect(),
        samples: vec![Sample {
            value: point.value,
            timestamp: i64::try_from(point.at.0 / 1_000_000).unwrap_or(i64::MAX),
        }],
    }
}

#[cfg(test)]
mod tests {
    use takt_model::UnixNano;

    use super::*;
    use crate::labels::Labels;
    use crate::record::STALE;

    /// The bytes by hand, from the field numbers of Prometheus' `remote.proto` and `types.proto`.
    #[test]
    fn a_point_is_laid_out_as_prometheus_reads_it() {
        let point = Point {
            labels: Labels::default().with("__name__", "r").with("a", "b"),
            at: UnixNano(300_000_000),
            value: STALE,
        };
        let bytes = snap::raw::Decoder::new()
            .decompress_vec(&encode(&[point]))
            .unwrap();
        let mut expected = vec![0x0a, 37];
        expected.extend([0x0a, 13, 0x0a, 8]);
        expected.extend(b"__name__");
        expected.extend([0x12, 1, b'r']);
        expected.extend([0x0a, 6, 0x0a, 1, b'a', 0x12, 1, b'b']);
        expected.extend([
            0x12, 12, 0x09, 2, 0, 0, 0, 0, 0, 0xf0, 0x7f, 0x10, 0xac, 0x02,
        ]);
        assert_eq!(bytes, expected);
    }
}
