//! OTLP's trace messages as data: what the keys of OTLP/JSON mean.

/// A message: its fields in the order in which they are written.
pub(super) struct Message {
    pub(super) fields: &'static [FieldSpec],
    /// Whether the fields exclude each other: the one given is written even when zero.
    pub(super) is_oneof: bool,
}

pub(super) struct FieldSpec {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) form: Form,
    pub(super) is_repeated: bool,
}

/// The type of a field.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Text,
    /// Bytes in hex.
    Id,
    /// Bytes in base64.
    Bytes,
    Fixed64,
    Fixed32,
    Uint32,
    Int64,
    Double,
    Bool,
    /// An enum, by the names of its numbers from 0 on.
    Enum(&'static [&'static str]),
    Message(&'static Message),
}

const fn one(number: u32, name: &'static str, form: Form) -> FieldSpec {
    FieldSpec {
        number,
        name,
        form,
        is_repeated: false,
    }
}

const fn many(number: u32, name: &'static str, message: &'static Message) -> FieldSpec {
    FieldSpec {
        number,
        name,
        form: Form::Message(message),
        is_repeated: true,
    }
}

const fn message(fields: &'static [FieldSpec]) -> Message {
    Message {
        fields,
        is_oneof: false,
    }
}

/// `TracesData`, `ExportTraceServiceRequest` and Tempo's `Trace`: the same on the wire.
pub(super) static TRACES: Message = message(&[many(1, "resourceSpans", &RESOURCE_SPANS)]);

static RESOURCE_SPANS: Message = message(&[
    one(1, "resource", Form::Message(&RESOURCE)),
    many(2, "scopeSpans", &SCOPE_SPANS),
    one(3, "schemaUrl", Form::Text),
]);

static RESOURCE: Message = message(&[
    many(1, "attributes", &KEY_VALUE),
    one(2, "droppedAttributesCount", Form::Uint32),
]);

static SCOPE_SPANS: Message = message(&[
    one(1, "scope", Form::Message(&SCOPE)),
    many(2, "spans", &SPAN),
    one(3, "schemaUrl", Form::Text),
]);

static SCOPE: Message = message(&[
    one(1, "name", Form::Text),
    one(2, "version", Form::Text),
    many(3, "attributes", &KEY_VALUE),
    one(4, "droppedAttributesCount", Form::Uint32),
]);

static SPAN: Message = message(&[
    one(1, "traceId", Form::Id),
    one(2, "spanId", Form::Id),
    one(3, "traceState", Form::Text),
    one(4, "parentSpanId", Form::Id),
    one(16, "flags", Form::Fixed32),
    one(5, "name", Form::Text),
    one(6, "kind", Form::Enum(&SPAN_KINDS)),
    one(7, "startTimeUnixNano", Form::Fixed64),
    one(8, "endTimeUnixNano", Form::Fixed64),
    many(9, "attributes", &KEY_VALUE),
    one(10, "droppedAttributesCount", Form::Uint32),
    many(11, "events", &EVENT),
    one(12, "droppedEventsCount", Form::Uint32),
    many(13, "links", &LINK),
    one(14, "droppedLinksCount", Form::Uint32),
    one(15, "status", Form::Message(&STATUS)),
]);

static SPAN_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

static EVENT: Message = message(&[
    one(1, "timeUnixNano", Form::Fixed64),
    one(2, "name", Form::Text),
    many(3, "attributes", &KEY_VALUE),
    one(4, "droppedAttributesCount", Form::Uint32),
]);

static LINK: Message = message(&[
    one(1, "traceId", Form::Id),
    one(2, "spanId", Form::Id),
    one(3, "traceState", Form::Text),
    many(4, "attributes", &KEY_VALUE),
    one(5, "droppedAttributesCount", Form::Uint32),
    one(6, "flags", Form::Fixed32),
]);

static STATUS: Message = message(&[
    one(2, "message", Form::Text),
    one(3, "code", Form::Enum(&STATUS_CODES)),
]);

static STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

static KEY_VALUE: Message = message(&[
    one(1, "key", Form::Text),
    one(2, "value", Form::Message(&ANY_VALUE)),
]);

static ANY_VALUE: Message = Message {
    fields: &[
        one(1, "stringValue", Form::Text),
        one(2, "boolValue", Form::Bool),
        one(3, "intValue", Form::Int64),
        one(4, "doubleValue", Form::Double),
        one(5, "arrayValue", Form::Message(&ARRAY)),
        one(6, "kvlistValue", Form::Message(&KEY_VALUES)),
        one(7, "bytesValue", Form::Bytes),
    ],
    is_oneof: true,
};

static ARRAY: Message = message(&[many(1, "values", &ANY_VALUE)]);

static KEY_VALUES: Message = message(&[many(1, "values", &KEY_VALUE)]);
