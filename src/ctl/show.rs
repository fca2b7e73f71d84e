//! Answers as tables, JSON or YAML.

use std::fmt::Write as _;

use anyhow::Result;
use clap::ValueEnum;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    SerializeOptions, Value,
};

use super::schema::OUTCOME;
use super::table::table;
use super::text;

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
            _ => scalars.push([heading(&field), cell(&field, &value)]),
        }
    }
    text.push_str(&table(&scalars));
    text
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
    let mut text = match (dry_run, events.len()) {
        (Some(true), 0) => "nothing to do\n".to_owned(),
        (Some(true), count) => format!("{count} events would be written:\n"),
        (_, 0) => format!("revision {revision}, nothing to do\n"),
        (_, count) => format!("revision {revision}, {count} events\n"),
    };
    if dry_run == Some(true) {
        for event in events {
            let _infallible = writeln!(text, "  {event}");
        }
    }
    text
}

fn one(message: &DynamicMessage) -> String {
    let rows: Vec<[String; 2]> = message
        .descriptor()
        .fields()
        .filter(|field| message.has_field(field))
        .map(|field| [heading(&field), cell(&field, &message.get_field(&field))])
        .collect();
    table(&rows)
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
    for item in items {
        let cells = columns
            .iter()
            .map(|field| cell(field, &item.get_field(field)));
        rows.push(cells.collect());
    }
    table(&rows)
}

fn heading(field: &FieldDescriptor) -> String {
    field.name().to_uppercase()
}

fn cell(field: &FieldDescriptor, value: &Value) -> String {
    let text = match (field.kind(), value) {
        (Kind::Fixed64, Value::U64(nanos)) => text::show_time(*nanos),
        (Kind::Enum(one), Value::EnumNumber(number)) => text::choices(&one)
            .find(|(_, long)| {
                one.get_value(*number)
                    .is_some_and(|value| value.name() == long)
            })
            .map_or_else(String::new, |(short, _)| short),
        (_, Value::String(text)) => text.clone(),
        (_, value) => compact(field, value),
    };
    if text.chars().count() <= CELL_MAX {
        return text;
    }
    let kept: String = text.chars().take(CELL_MAX - 1).collect();
    format!("{kept}…")
}

/// Lists with commas, maps as `a=b`, messages as JSON.
fn compact(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| cell(field, item)).collect();
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
        Value::Message(message) => {
            serde_json::to_string(&json(message).unwrap_or_default()).unwrap_or_default()
        }
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
