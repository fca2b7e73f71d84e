//! OTLP protobuf as the JSON of Tempo's API (jsonpb): lowerCamelCase names, zero values left out,
//! 64-bit numbers as strings, enums by name, ids and bytes as standard base64.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::wire::{Field, Fields, MAX_DEPTH, Malformed};

/// How a field is written. The name is that of the JSON.
#[derive(Clone, Copy)]
enum As {
    Text,
    Base64,
    /// A 32-bit number.
    Number,
    /// A 64-bit number, fixed on the wire.
    Nanos,
    Enum(&'static [&'static str]),
    Message(&'static [Rule]),
    Messages(&'static [Rule]),
    /// An `AnyValue`, written by its own rules.
    Value,
}

struct Rule {
    field: u32,
    name: &'static str,
    form: As,
}

const fn rule(field: u32, name: &'static str, form: As) -> Rule {
    Rule { field, name, form }
}

const KINDS: &[&str] = &[
    "",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
const CODES: &[&str] = &["", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

static TRACE: &[Rule] = &[rule(1, "resourceSpans", As::Messages(RESOURCE_SPANS))];
static RESOURCE_SPANS: &[Rule] = &[
    rule(1, "resource", As::Message(RESOURCE)),
    rule(2, "scopeSpans", As::Messages(SCOPE_SPANS)),
    rule(3, "schemaUrl", As::Text),
];
static RESOURCE: &[Rule] = &[
    rule(1, "attributes", As::Messages(KEY_VALUE)),
    rule(2, "droppedAttributesCount", As::Number),
];
static SCOPE_SPANS: &[Rule] = &[
    rule(1, "scope", As::Message(SCOPE)),
    rule(2, "spans", As::Messages(SPAN)),
    rule(3, "schemaUrl", As::Text),
];
static SCOPE: &[Rule] = &[
    rule(1, "name", As::Text),
    rule(2, "version", As::Text),
    rule(3, "attributes", As::Messages(KEY_VALUE)),
    rule(4, "droppedAttributesCount", As::Number),
];
static SPAN: &[Rule] = &[
    rule(1, "traceId", As::Base64),
    rule(2, "spanId", As::Base64),
    rule(3, "traceState", As::Text),
    rule(4, "parentSpanId", As::Base64),
    rule(16, "flags", As::Number),
    rule(5, "name", As::Text),
    rule(6, "kind", As::Enum(KINDS)),
    rule(7, "startTimeUnixNano", As::Nanos),
    rule(8, "endTimeUnixNano", As::Nanos),
    rule(9, "attributes", As::Messages(KEY_VALUE)),
    rule(10, "droppedAttributesCount", As::Number),
    rule(11, "events", As::Messages(EVENT)),
    rule(12, "droppedEventsCount", As::Number),
    rule(13, "links", As::Messages(LINK)),
    rule(14, "droppedLinksCount", As::Number),
    rule(15, "status", As::Message(STATUS)),
];
static EVENT: &[Rule] = &[
    rule(1, "timeUnixNano", As::Nanos),
    rule(2, "name", As::Text),
    rule(3, "attributes", As::Messages(KEY_VALUE)),
    rule(4, "droppedAttributesCount", As::Number),
];
static LINK: &[Rule] = &[
    rule(1, "traceId", As::Base64),
    rule(2, "spanId", As::Base64),
    rule(3, "traceState", As::Text),
    rule(4, "attributes", As::Messages(KEY_VALUE)),
    rule(5, "droppedAttributesCount", As::Number),
    rule(6, "flags", As::Number),
];
static STATUS: &[Rule] = &[
    rule(2, "message", As::Text),
    rule(3, "code", As::Enum(CODES)),
];
static KEY_VALUE: &[Rule] = &[rule(1, "key", As::Text), rule(2, "value", As::Value)];

/// Writes an encoded `TracesData` as JSON.
///
/// # Errors
/// When the bytes are no such message, or values nest deeper than the decoder takes.
pub fn trace_json(proto: &[u8]) -> Result<String, Malformed> {
    let mut out = String::with_capacity(proto.len() * 2);
    // A value that nests to the limit has one more value within.
    message(&mut out, proto, TRACE, MAX_DEPTH + 1)?;
    Ok(out)
}

/// Writes one message: for each rule, in the order of the rules, what the message has for it.
fn message(out: &mut String, bytes: &[u8], rules: &[Rule], depth: usize) -> Result<(), Malformed> {
    out.push('{');
    let mut first = true;
    for rule in rules {
        let mut fields = Fields::new(bytes);
        let mut found = None;
        let mut many = false;
        while let Some((number, value)) = fields.next()? {
            if number != rule.field {
                continue;
            }
            if let As::Messages(rules) = rule.form {
                if many {
                    out.push(',');
                } else {
                    name(out, &mut first, rule.name);
                    out.push('[');
                    many = true;
                }
                message(out, value.bytes(number)?, rules, depth)?;
            } else {
                found = Some(value);
            }
        }
        if many {
            out.push(']');
        }
        if let Some(value) = found {
            single(out, &mut first, rule, value, depth)?;
        }
    }
    out.push('}');
    Ok(())
}

fn single(
    out: &mut String,
    first: &mut bool,
    rule: &Rule,
    value: Field<'_>,
    depth: usize,
) -> Result<(), Malformed> {
    match rule.form {
        As::Text => {
            let bytes = value.bytes(rule.field)?;
            if !bytes.is_empty() {
                name(out, first, rule.name);
                text(out, &String::from_utf8_lossy(bytes));
            }
        }
        As::Base64 => {
            let bytes = value.bytes(rule.field)?;
            if !bytes.is_empty() {
                name(out, first, rule.name);
                base64(out, bytes);
            }
        }
        As::Number => {
            let number = match value {
                Field::Fixed32(number) => u64::from(number),
                other => other.varint(rule.field)?,
            };
            if number != 0 {
                name(out, first, rule.name);
                let _ = write!(out, "{number}");
            }
        }
        As::Nanos => {
            let nanos = value.fixed64(rule.field)?;
            if nanos != 0 {
                name(out, first, rule.name);
                let _ = write!(out, "\"{nanos}\"");
            }
        }
        As::Enum(names) => enumerated(out, first, rule, value.varint(rule.field)?, names),
        As::Message(rules) => {
            name(out, first, rule.name);
            message(out, value.bytes(rule.field)?, rules, depth)?;
        }
        As::Messages(_) => {}
        As::Value => {
            name(out, first, rule.name);
            any_value(out, value.bytes(rule.field)?, depth)?;
        }
    }
    Ok(())
}

fn enumerated(out: &mut String, first: &mut bool, rule: &Rule, number: u64, names: &[&str]) {
    if number == 0 {
        return;
    }
    name(out, first, rule.name);
    match usize::try_from(number).ok().and_then(|at| names.get(at)) {
        Some(known) => text(out, known),
        None => {
            let _ = write!(out, "{number}");
        }
    }
}

/// An `AnyValue`: what is set is written, whatever it is; nothing set is an empty object.
fn any_value(out: &mut String, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed::TooDeep)?;
    let mut last = None;
    let mut fields = Fields::new(bytes);
    while let Some((number, value)) = fields.next()? {
        if (1..=7).contains(&number) {
            last = Some((number, value));
        }
    }
    let Some((number, value)) = last else {
        out.push_str("{}");
        return Ok(());
    };
    match number {
        1 => {
            out.push_str("{\"stringValue\":");
            text(out, &String::from_utf8_lossy(value.bytes(number)?));
        }
        2 => {
            let _ = write!(out, "{{\"boolValue\":{}", value.varint(number)? != 0);
        }
        3 => {
            let _ = write!(
                out,
                "{{\"intValue\":\"{}\"",
                value.varint(number)?.cast_signed()
            );
        }
        4 => {
            out.push_str("{\"doubleValue\":");
            double(out, f64::from_bits(value.fixed64(number)?));
        }
        5 => {
            out.push_str("{\"arrayValue\":");
            list(out, value.bytes(number)?, |out, item| {
                any_value(out, item, depth)
            })?;
        }
        6 => {
            out.push_str("{\"kvlistValue\":");
            list(out, value.bytes(number)?, |out, item| {
                message(out, item, KEY_VALUE, depth)
            })?;
        }
        _ => {
            out.push_str("{\"bytesValue\":");
            base64(out, value.bytes(number)?);
        }
    }
    out.push('}');
    Ok(())
}

/// `{"values":[…]}` of the repeated field 1, or `{}` when it is empty.
fn list(
    out: &mut String,
    bytes: &[u8],
    write: impl Fn(&mut String, &[u8]) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    out.push('{');
    let mut any = false;
    let mut fields = Fields::new(bytes);
    while let Some((number, value)) = fields.next()? {
        if number == 1 {
            out.push_str(if any { "," } else { "\"values\":[" });
            any = true;
            write(out, value.bytes(number)?)?;
        }
    }
    out.push_str(if any { "]}" } else { "}" });
    Ok(())
}

fn name(out: &mut String, first: &mut bool, name: &str) {
    if !std::mem::replace(first, false) {
        out.push(',');
    }
    let _ = write!(out, "\"{name}\":");
}

fn text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn base64(out: &mut String, bytes: &[u8]) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

fn double(out: &mut String, number: f64) {
    let _ = match number {
        _ if number.is_nan() => write!(out, "\"NaN\""),
        f64::INFINITY => write!(out, "\"Infinity\""),
        f64::NEG_INFINITY => write!(out, "\"-Infinity\""),
        _ => write!(out, "{}", serde_json::Value::from(number)),
    };
}
