//! Answers as tables, JSON or YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Result;
use clap::ValueEnum;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    SerializeOptions, Value,
};

use super::schema::OUTCOME;
use super::table::{Columns, table};
use super::text;

/// What names a thing, see resources.proto.
const SUBJECT: &str = "takt.admin.v1.Subject";
/// A number that people know by its name.
const STATUS_CODE: &str = "takt.admin.v1.Refusal.code";
/// A cell that would be wider is cut in tables, and says so.
const CELL_MAX: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Table,
    Json,
    Yaml,
}

/// # Errors
/// When the answer cannot be written in this form.
pub(super) fn show(message: &DynamicMessage, output: Output) -> Result<String> {
    Ok(match output {
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&json(message)?)?),
        Output::Yaml => serde_saphyr::to_string(&json(message)?)?,
        Output::Table => people(message),
    })
}

/// With the names of the contract, numbers as numbers, and nothing that is not set.
pub(super) fn json(message: &DynamicMessage) -> Result<serde_json::Value> {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false);
    Ok(message.serialize_with_options(serde_json::value::Serializer, &options)?)
}

/// The outcome of a change in a line, lists of things as tables, single things line by line.
fn people(message: &DynamicMessage) -> String {
    if let Some(text) = difference(message) {
        return text;
    }
    let mut text = String::new();
    let mut scalars = Vec::new();
    for field in message.descriptor().fields() {
        let value = message.get_field(&field);
        match (&*value, field.kind()) {
            (Value::Message(inner), Kind::Message(of)) if of.full_name() == OUTCOME => {
                text.push_str(&outcome(inner));
            }
            (Value::Message(inner), _) if message.has_field(&field) => text.push_str(&one(inner)),
            (Value::Message(_), _) => {}
            (Value::List(items), Kind::Message(of)) => text.push_str(&many(&of, items)),
            _ if value.is_default_for_field(&field) => {}
            _ => scalars.push([heading(&field), whole(&field, &value)]),
        }
    }
    text.push_str(&table(&scalars));
    text
}

/// What differs between what stood `before` and `after`, field by field; `None` where a message is about something else.
fn difference(message: &DynamicMessage) -> Option<String> {
    let field = |name| message.descriptor().get_field_by_name(name);
    let (before, after) = (field("before")?, field("after")?);
    let leaves_of = |field: &FieldDescriptor| {
        let mut leaves = BTreeMap::new();
        if let Some(side) = message.get_field(field).as_message() {
            gather("", side, &mut leaves);
        }
        leaves
    };
    let (left, right) = (leaves_of(&before), leaves_of(&after));
    let subject = field("subject").map(|field| whole(&field, &message.get_field(&field)));
    let what = match (message.has_field(&before), message.has_field(&after)) {
        (false, true) => " (new)",
        (true, false) => " (gone)",
        _ => "",
    };
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let side = |leaves: &BTreeMap<String, String>, name| {
        leaves
            .get(name)
            .map_or_else(|| "-".to_owned(), Clone::clone)
    };
    let rows = names
        .into_iter()
        .filter(|name| left.get(*name) != right.get(*name))
        .map(|name| {
            let (left, right) = (side(&left, name), side(&right, name));
            [format!("  {name}"), left, "→".to_owned(), right]
        });
    let rows: Vec<_> = rows.collect();
    Some(format!(
        "{}{what}\n{}",
        subject.unwrap_or_default(),
        table(&rows)
    ))
}

/// The fields that hold no others, by their dotted names.
fn gather(prefix: &str, message: &DynamicMessage, leaves: &mut BTreeMap<String, String>) {
    for (field, value) in message.fields() {
        let name = if prefix.is_empty() {
            field.name().to_owned()
        } else {
            format!("{prefix}.{}", field.name())
        };
        match value {
            Value::Message(inner) => gather(&name, inner, leaves),
            Value::Map(map) => {
                let pairs = map.iter().map(|(key, value)| {
                    (format!("{name}.{}", key_text(key)), whole(&field, value))
                });
                leaves.extend(pairs);
            }
            value => drop(leaves.insert(name, whole(&field, value))),
        }
    }
}

/// What a change came to.
fn outcome(outcome: &DynamicMessage) -> String {
    let number = |name| {
        outcome
            .get_field_by_name(name)
            .and_then(|value| value.as_u64())
            .unwrap_or(0)
    };
    let dry_run = outcome
        .get_field_by_name("dry_run")
        .and_then(|value| value.as_bool());
    let events = outcome.get_field_by_name("events");
    let events: Vec<String> = events
        .as_deref()
        .and_then(Value::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_message)
        .map(|event| serde_json::to_string(&json(event).unwrap_or_default()).unwrap_or_default())
        .collect();
    let revision = number("revision");
    let repeated = outcome.get_field_by_name("repeated");
    if repeated.is_some_and(|value| value.as_bool() == Some(true)) {
        return format!("revision {revision}, carried out before\n");
    }
    let mut text = match (dry_run, events.len()) {
        (Some(true), 0) => "nothing to do\n".to_owned(),
        (Some(true), 1) => "1 event would be written:\n".to_owned(),
        (Some(true), count) => format!("{count} events would be written:\n"),
        (_, 0) => format!("revision {revision}, nothing to do\n"),
        (_, 1) => format!("revision {revision}, 1 event\n"),
        (_, count) => format!("revision {revision}, {count} events\n"),
    };
    if dry_run == Some(true) {
        for event in events {
            let _infallible = writeln!(text, "  {event}");
        }
    }
    text
}

/// Its fields line by line, then the tables that it has.
fn one(message: &DynamicMessage) -> String {
    let (tables, lines): (Vec<_>, Vec<_>) = message
        .descriptor()
        .fields()
        .filter(|field| message.has_field(field))
        .partition(is_table);
    let rows: Vec<[String; 2]> = lines
        .iter()
        .map(|field| [heading(field), whole(field, &message.get_field(field))])
        .collect();
    let mut text = table(&rows);
    for field in tables {
        let (Kind::Message(of), value) = (field.kind(), message.get_field(&field)) else {
            continue;
        };
        let _infallible = writeln!(text, "{}", heading(&field));
        for line in many(&of, value.as_list().unwrap_or_default()).lines() {
            let _infallible = writeln!(text, "  {line}");
        }
    }
    text
}

/// Things with the same fields; what is one of several kinds has a column for none of them.
fn is_table(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(of) => field.is_list() && of.oneofs().all(|oneof| oneof.is_synthetic()),
        _ => false,
    }
}

/// The answers of a stream, each of which is one thing: rows of a table whose end nobody knows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    columns: Columns,
    has_begun: bool,
}

impl Rows {
    /// # Errors
    /// When the answer cannot be written in this form.
    pub(super) fn show(&mut self, message: &DynamicMessage, output: Output) -> Result<String> {
        let fields: Vec<_> = message.descriptor().fields().collect();
        let thing = match fields.as_slice() {
            [field] if !field.is_list() => message.get_field(field),
            _ => return show(message, output),
        };
        let Some(thing) = thing.as_message().filter(|_| output == Output::Table) else {
            return show(message, output);
        };
        let fields: Vec<_> = thing.descriptor().fields().collect();
        let cells = fields
            .iter()
            .map(|field| whole(field, &thing.get_field(field)));
        let cells: Vec<String> = cells.collect();
        let mut text = String::new();
        if !self.has_begun {
            self.has_begun = true;
            let headings: Vec<String> = fields.iter().map(heading).collect();
            self.columns.fit(&headings);
            self.columns.fit(&cells);
            text = self.columns.line(&headings);
        }
        self.columns.fit(&cells);
        text.push_str(&self.columns.line(&cells));
        Ok(text)
    }
}

/// A column for every field that any of them has.
fn many(of: &MessageDescriptor, items: &[Value]) -> String {
    let items: Vec<&DynamicMessage> = items.iter().filter_map(Value::as_message).collect();
    let columns: Vec<FieldDescriptor> = of
        .fields()
        .filter(|field| items.iter().any(|item| item.has_field(field)))
        .collect();
    if columns.is_empty() {
        return "none\n".to_owned();
    }
    let mut rows = vec![columns.iter().map(heading).collect::<Vec<String>>()];
    let last = columns.len() - 1;
    for item in items {
        let cells = columns.iter().enumerate().map(|(place, field)| {
            let text = whole(field, &item.get_field(field));
            // Nothing stands behind the last one.
            if place == last { text } else { cut(text) }
        });
        rows.push(cells.collect());
    }
    table(&rows)
}

fn heading(field: &FieldDescriptor) -> String {
    field.name().to_uppercase()
}

/// A value in a line.
fn whole(field: &FieldDescriptor, value: &Value) -> String {
    match (field.kind(), value) {
        (Kind::Fixed64, Value::U64(nanos)) => text::show_time(*nanos),
        (Kind::Enum(one), Value::EnumNumber(number)) => text::choices(&one)
            .find(|(_, long)| {
                one.get_value(*number)
                    .is_some_and(|value| value.name() == long)
            })
            .map_or_else(String::new, |(short, _)| short),
        (_, Value::String(text)) => text.clone(),
        (_, Value::U32(code)) if field.full_name() == STATUS_CODE => {
            let code = i32::try_from(*code).map_or(tonic::Code::Unknown, tonic::Code::from_i32);
            format!("{code:?}")
        }
        (_, value) => compact(field, value),
    }
}

fn cut(text: String) -> String {
    if text.chars().count() <= CELL_MAX {
        return text;
    }
    let kept: String = text.chars().take(CELL_MAX - 1).collect();
    format!("{kept}…")
}

/// Lists with commas, maps and messages as `a=b`.
fn compact(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| whole(field, item)).collect();
            items.join(",")
        }
        Value::Map(map) => {
            let mut pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}={}", key_text(key), compact(field, value)))
                .collect();
            pairs.sort_unstable();
            pairs.join(",")
        }
        Value::Message(message) => pairs(message),
        Value::Bool(value) => value.to_string(),
        Value::I32(value) | Value::EnumNumber(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::F32(value) => value.to_string(),
        Value::F64(value) => value.to_string(),
        Value::String(value) => value.clone(),
        Value::Bytes(value) => value.iter().fold(String::new(), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        }),
    }
}

/// The fields that are set, and what is but a name for one other in front of it. A subject is what people call it.
fn pairs(message: &DynamicMessage) -> String {
    let descriptor = message.descriptor();
    let set: Vec<(FieldDescriptor, &Value)> = message.fields().collect();
    if descriptor.full_name() == SUBJECT {
        let words = set.iter().map(|(field, value)| whole(field, value));
        return words.collect::<Vec<_>>().join(" ");
    }
    match set.as_slice() {
        [(field, Value::Message(inner))] if field.containing_oneof().is_some() => {
            format!("{}: {}", field.name(), pairs(inner))
                .trim_end()
                .to_owned()
        }
        set => {
            let pairs = set.iter().map(|(field, value)| match value {
                Value::Message(inner) => format!("{}={{{}}}", field.name(), pairs(inner)),
                value => format!("{}={}", field.name(), whole(field, value)),
            });
            pairs.collect::<Vec<_>>().join(" ")
        }
    }
}

fn key_text(key: &prost_reflect::MapKey) -> String {
    match key {
        prost_reflect::MapKey::Bool(key) => key.to_string(),
        prost_reflect::MapKey::I32(key) => key.to_string(),
        prost_reflect::MapKey::I64(key) => key.to_string(),
        prost_reflect::MapKey::U32(key) => key.to_string(),
        prost_reflect::MapKey::U64(key) => key.to_string(),
        prost_reflect::MapKey::String(key) => key.clone(),
    }
}
