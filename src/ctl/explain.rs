//! `takt ctl explain`: what a thing and its fields mean, from the contract.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::schema::{Schema, is_thing, kebab};
use super::text;

const PACKAGE: &str = "takt.admin.v1";

/// `words` are a kind of thing and the fields on the way down, as in `policy.expires_at`.
///
/// # Errors
/// When there is no such thing or field; the message lists what there is.
pub(super) fn explain(schema: &Schema, words: &str) -> Result<String> {
    let mut names = words.split('.');
    let first = names.next().unwrap_or_default();
    let mut message = find(schema, first)?;
    let mut field: Option<FieldDescriptor> = None;
    for name in names {
        if let Some(leaf) = field.as_ref().filter(|field| fields_of(field).is_none()) {
            bail!("`{}` has no fields: it is <{}>", leaf.name(), kind(leaf));
        }
        let Some(found) = message.get_field_by_name(&name.replace('-', "_")) else {
            let known: Vec<String> = message
                .fields()
                .map(|field| field.name().to_owned())
                .collect();
            bail!(
                "`{}` has no field `{name}`; it has {}",
                message.name(),
                known.join(", ")
            );
        };
        if let Some(inner) = fields_of(&found) {
            message = inner;
        }
        field = Some(found);
    }
    let mut text = String::new();
    if let Some(field) = &field {
        let _infallible = writeln!(text, "{} <{}>\n", field.full_name(), kind(field));
        // A field without words of its own has those of its type, which follow.
        if fields_of(field)
            .is_none_or(|inner| schema.doc(inner.full_name()) != schema.doc_of(field))
        {
            text.push_str(&indented(schema.doc_of(field)));
        }
        let Some(inner) = fields_of(field) else {
            if let Kind::Enum(one) = field.kind() {
                for (short, long) in text::choices(&one) {
                    let doc = schema.doc(&format!("{}.{long}", one.package_name()));
                    let doc = doc.replace('\n', " ");
                    let _infallible = writeln!(text, "  {short}  {doc}");
                }
            }
            return Ok(text);
        };
        message = inner;
    } else {
        let _infallible = writeln!(text, "{}\n", message.full_name());
    }
    text.push_str(&indented(schema.doc(message.full_name())));
    for field in message.fields() {
        let _infallible = writeln!(text, "{} <{}>", field.name(), kind(&field));
        text.push_str(&indented(schema.doc_of(&field)));
    }
    Ok(text)
}

fn find(schema: &Schema, name: &str) -> Result<MessageDescriptor> {
    let things: Vec<MessageDescriptor> = schema
        .pool
        .all_messages()
        .filter(|message| message.package_name() == PACKAGE)
        .filter(|message| message.parent_message().is_none())
        .filter(is_thing)
        .collect();
    let wanted = kebab(name);
    match things
        .iter()
        .find(|message| kebab(message.name()) == wanted)
    {
        Some(message) => Ok(message.clone()),
        None => {
            let known: Vec<String> = things.iter().map(|message| kebab(message.name())).collect();
            bail!("there is no `{name}`; there are {}", known.join(", "))
        }
    }
}

/// What a field consists of; a map of its own keys.
fn fields_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(inner) if !field.is_map() => Some(inner),
        _ => None,
    }
}

fn kind(field: &FieldDescriptor) -> String {
    let one = match field.kind() {
        _ if field.is_map() => return "map".to_owned(),
        Kind::Fixed64 => "time".to_owned(),
        Kind::Message(inner) => inner.name().to_owned(),
        Kind::Enum(one) => one.name().to_owned(),
        Kind::String => "text".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        _ => "number".to_owned(),
    };
    if field.is_list() {
        format!("list of {one}")
    } else {
        one
    }
}

fn indented(doc: &str) -> String {
    if doc.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = doc
        .lines()
        .map(|line| format!("  {line}").trim_end().to_owned())
        .collect();
    format!("{}\n\n", lines.join("\n"))
}
