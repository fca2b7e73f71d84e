use expect_test::expect;

use super::*;
use crate::encode::trace_json;

/// A request in OTLP/JSON with every form that senders use.
const REQUEST: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
  "scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[{
    "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","parentSpanId":"","name":"GET \"/\"\n",
    "kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"unknown":{"x":[1]},
    "attributes":[{"key":"i","value":{"intValue":"-7"}},{"key":"z","value":{"intValue":0}},{"key":"d","value":{"doubleValue":1.5}},
      {"key":"n","value":{"doubleValue":"NaN"}},{"key":"b","value":{"boolValue":false}},{"key":"e","value":{}},
      {"key":"a","value":{"arrayValue":{"values":[{"stringValue":"x"},{"bytesValue":"AQI"}]}}}],
    "events":[{"timeUnixNano":"1","name":"e"}],"status":{"code":"STATUS_CODE_ERROR","message":"no"}}]}]}]}"#;

#[test]
fn every_form_that_senders_use_is_read() {
    let proto = from_otlp_json(REQUEST.as_bytes()).unwrap();
    expect![[r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[{"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXQ=","name":"GET \"/\"\n","kind":"SPAN_KIND_SERVER","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","attributes":[{"key":"i","value":{"intValue":"-7"}},{"key":"z","value":{"intValue":"0"}},{"key":"d","value":{"doubleValue":1.5}},{"key":"n","value":{"doubleValue":"NaN"}},{"key":"b","value":{"boolValue":false}},{"key":"e","value":{}},{"key":"a","value":{"arrayValue":{"values":[{"stringValue":"x"},{"bytesValue":"AQI="}]}}}],"events":[{"timeUnixNano":"1","name":"e"}],"status":{"message":"no","code":"STATUS_CODE_ERROR"}}]}]}]}"#]]
    .assert_eq(&trace_json(&proto).unwrap());
}

#[test]
fn json_that_is_no_request_is_refused_with_the_place() {
    let error = |json: &str| from_otlp_json(json.as_bytes()).unwrap_err().to_string();
    let span = |span: &str| {
        error(&format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{}},{span}]}}]}}]}}"#
        ))
    };
    expect!["the request is not an object"].assert_eq(&error("[]"));
    expect!["resourceSpans is not an array"].assert_eq(&error(r#"{"resourceSpans":{}}"#));
    expect!["resourceSpans[0].scopeSpans[0].spans[1].traceId is not an even number of hex digits"]
        .assert_eq(&span(r#"{"traceId":"xyz"}"#));
    expect!["resourceSpans[0].scopeSpans[0].spans[1].kind is not a number or name of this enum"]
        .assert_eq(&span(r#"{"kind":"server"}"#));
    expect!["resourceSpans[0].scopeSpans[0].spans[1].startTimeUnixNano is not an unsigned integer of 64 bits"]
        .assert_eq(&span(r#"{"startTimeUnixNano":-1}"#));
    assert!(error("{").starts_with("the request is not JSON: "));
    assert!(error(&"[".repeat(100_000)).contains("recursion limit"));
}
