//! What is there and stands in no document.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use super::documents::{Document, named};
use super::{Step, identity, request, title};
use crate::ctl::call::Client;
use crate::ctl::schema::{Noun, Schema, Verb};
use crate::ctl::{every_page, flags, show};

/// Deletions of what is of the same kinds and stands in no document; of what belongs to tenants, those of the
/// tenants that documents of the kind are about.
///
/// # Errors
/// When a kind cannot be listed and deleted, or the server does not answer.
pub(super) async fn surplus<'a>(
    schema: &'a Schema,
    client: &Client,
    documents: &[Document],
) -> Result<Vec<Step<'a>>> {
    let mut by_noun: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
    for document in documents {
        by_noun.entry(&document.noun).or_default().push(document);
    }
    let mut steps = Vec::new();
    for (name, documents) in by_noun {
        let noun = schema.noun(name).context("the kind was checked")?;
        let (Some(list), Some(delete)) = (noun.verb("list"), noun.verb("delete")) else {
            bail!("`{name}` cannot be pruned: it cannot be listed and deleted");
        };
        let wanted: Vec<_> = documents
            .iter()
            .map(|document| named(noun, &document.fields))
            .collect();
        for part in parts(noun, list, &wanted) {
            for thing in there(client, list, part).await? {
                if wanted.iter().any(|wanted| is(wanted, &thing)) {
                    continue;
                }
                let named = named(noun, &thing);
                if named.len() < identity(noun).len() {
                    bail!("`{name}` cannot be pruned: what is listed does not say its name");
                }
                steps.push(Step {
                    verb: delete,
                    title: title(noun, &named),
                    json: Value::Object(request(delete, &named, Some(&thing))),
                    events: Vec::new(),
                });
            }
        }
    }
    Ok(steps)
}

/// Whether that is what a document is about. What goes by the name in its `spec` may also be meant by its number.
fn is(wanted: &Map<String, Value>, thing: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, value)| match thing.get(name) {
        Some(said) => said == value,
        None => {
            let name = thing.get("spec").and_then(|spec| spec.get("name"));
            let said = [name, thing.get("id")];
            said.into_iter()
                .flatten()
                .any(|said| plain(said) == plain(value))
        }
    })
}

/// As people write it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What to ask for, so that all is listed: what a list is part of, such as a tenant, is what documents say.
fn parts(noun: &Noun, list: &Verb, wanted: &[Map<String, Value>]) -> Vec<Value> {
    let input = list.method.input();
    let of: BTreeSet<String> = identity(noun)
        .into_iter()
        .filter(|name| input.get_field_by_name(name).is_some())
        .collect();
    let mut parts: Vec<Value> = Vec::new();
    for named in wanted {
        let part = named.iter().filter(|(name, _)| of.contains(*name));
        let part = part.map(|(name, value)| (name.clone(), value.clone()));
        let part = Value::Object(part.collect());
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

async fn there(client: &Client, list: &Verb, part: Value) -> Result<Vec<Map<String, Value>>> {
    let request = flags::message(list.method.input(), part)?;
    let answer = show::json(&every_page(client, list, request).await?)?;
    let things = answer.as_object().into_iter().flat_map(Map::values);
    let things = things.filter_map(Value::as_array).next().cloned();
    let things = things.into_iter().flatten();
    Ok(things
        .filter_map(|thing| match thing {
            Value::Object(thing) => Some(thing),
            _ => None,
        })
        .collect())
}
