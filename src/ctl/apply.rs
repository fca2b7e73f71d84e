//! `takt ctl apply`: documents say what should be there; the server says what that takes, and then does it.
//!
//! A document is `kind:` (a noun of `takt ctl`) and the fields of that thing. What would change is not guessed
//! here: the request is tried first (`dry_run`), and the events of the answer are the difference.

mod documents;
mod prune;

use std::io::{BufRead as _, Write as _};

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use documents::Document;

use super::call::Client;
use super::schema::{CHANGE, Noun, Schema, Verb};
use super::{flags, show};

/// A request that is ready to be made.
struct Step<'a> {
    verb: &'a Verb,
    /// What it is about, for people.
    title: String,
    json: Value,
    events: Vec<String>,
}

pub(super) fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("apply")
        .about("Make what stands in a file so: shows the difference, asks, and carries it out")
        .long_about(
            "Make what stands in a file so: shows the difference, asks, and carries it out.\n\n\
             The file has one YAML document for each thing: `kind` (as in `tenant`) and its fields. \
             `takt ctl explain KIND` lists the fields.\n\n\
             \x20   kind: tenant\n    tenant: shop\n    display_name: The shop\n    ---\n\
             \x20   kind: overrides\n    scope: { tenant: shop }\n\
             \x20   fields: { ingestion.rate_limit_bytes: \"5000000\" }\n    ---\n\
             \x20   kind: policy\n    tenant: shop\n\
             \x20   spec: { name: slow, rule: { latency: { above_ns: 500000000 } } }",
        )
        .arg(
            Arg::new("file")
                .long("file")
                .short('f')
                .value_name("FILE")
                .required(true)
                .help("YAML documents, `-` for standard input"),
        )
        .arg(flag("yes").short('y').help("Do not ask"))
        .arg(flag("dry-run").help("Show the difference and stop"))
        .arg(flag("prune").help("Delete what is of a kind in the file and not in the file"))
}

/// # Errors
/// When a document is not legal, or the server refuses what it asks for.
pub(super) async fn run(
    schema: &Schema,
    client: &Client,
    matches: &ArgMatches,
    tell: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let file = matches.get_one::<String>("file").context("which file?")?;
    let documents = documents::read(schema, file)?;
    let mut steps = Vec::new();
    for document in &documents {
        let step = step(schema, client, document).await;
        let (step, left_out) = step.with_context(|| document.place())?;
        for note in left_out {
            tell(&format!("{note}\n"))?;
        }
        steps.push(step);
    }
    if matches.get_flag("prune") {
        steps.extend(prune::surplus(schema, client, &documents).await?);
    }
    for step in &mut steps {
        step.events = try_out(client, step).await?;
    }
    steps.retain(|step| !step.events.is_empty());
    if steps.is_empty() {
        return tell("nothing to do\n");
    }
    for step in &steps {
        tell(&format!("{} {}\n", step.title, step.verb.name))?;
        for event in &step.events {
            tell(&format!("  {event}\n"))?;
        }
    }
    if matches.get_flag("dry-run") {
        return Ok(());
    }
    if !matches.get_flag("yes") && !agreed()? {
        bail!("nothing was changed");
    }
    for step in steps {
        let request = flags::message(step.verb.method.input(), step.json)?;
        client.unary(step.verb, request).await?;
        tell(&format!("{} done\n", step.title))?;
    }
    Ok(())
}

fn agreed() -> Result<bool> {
    let mut out = std::io::stdout().lock();
    out.write_all(b"carry this out? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

/// The method that makes a thing so: `replace` whatever there is, else `create` or `update`.
fn writer(noun: &Noun, exists: bool) -> Option<&Verb> {
    noun.verb("replace")
        .or_else(|| noun.verb(if exists { "update" } else { "create" }))
}

async fn step<'a>(
    schema: &'a Schema,
    client: &Client,
    document: &Document,
) -> Result<(Step<'a>, Vec<String>)> {
    let noun = schema
        .noun(&document.noun)
        .context("the kind was checked")?;
    let current = current(client, noun, &document.fields).await?;
    let Some(verb) = writer(noun, current.is_some()) else {
        bail!("`{}` can be created and not changed afterwards", noun.name);
    };
    let json = request(verb, &document.fields, current.as_ref());
    let title = title(noun, &document.fields);
    let left_out = document.left_out(noun, verb, &json, current.as_ref());
    let left_out = left_out.map(|field| format!("{title}: `{field}` is not what it is there, and is left as it is: `apply` cannot set it"));
    let left_out = left_out.collect();
    let step = Step {
        verb,
        title,
        json: Value::Object(json),
        events: Vec::new(),
    };
    // What is wrong with it is said before anything is tried.
    flags::message(verb.method.input(), step.json.clone())?;
    Ok((step, left_out))
}

/// The thing as it stands; `None` when there is none.
async fn current(
    client: &Client,
    noun: &Noun,
    fields: &Map<String, Value>,
) -> Result<Option<Map<String, Value>>> {
    let Some(get) = noun.verb("get") else {
        bail!("`{}` cannot be looked up", noun.name);
    };
    let asked = request(get, fields, None);
    let message = flags::message(get.method.input(), Value::Object(asked))?;
    let answer = match client.unary(get, message).await {
        Ok(answer) => answer,
        Err(error) => {
            let status = error.downcast_ref::<tonic::Status>();
            if status.is_some_and(|status| status.code() == tonic::Code::NotFound) {
                return Ok(None);
            }
            return Err(error);
        }
    };
    Ok(first_thing(&answer))
}

/// The first message of an answer is the thing asked for.
fn first_thing(answer: &DynamicMessage) -> Option<Map<String, Value>> {
    let thing = answer
        .fields()
        .find_map(|(_, value)| value.as_message().cloned())?;
    match show::json(&thing).ok()? {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

/// Fields of the request by the name they have in the document. `set_x` and `clear_x` are the map or list `x`
/// against what is there; a field that is the thing itself gets the whole document.
fn request(
    verb: &Verb,
    fields: &Map<String, Value>,
    current: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let mut json = Map::new();
    for field in verb.method.input().fields() {
        let name = field.name();
        let given = fields.get(name);
        if let Some(value) = given {
            json.insert(name.to_owned(), value.clone());
        } else if let Some(of) = name.strip_prefix("set_") {
            json.extend(fields.get(of).map(|value| (name.to_owned(), value.clone())));
        } else if let Some(of) = name.strip_prefix("clear_") {
            json.insert(
                name.to_owned(),
                gone(fields.get(of), current.and_then(|map| map.get(of))),
            );
        } else if let Kind::Message(inner) = field.kind() {
            if inner.full_name() == CHANGE {
                json.extend(version(current).map(|change| (name.to_owned(), change)));
            } else if holds_all(&inner, fields) {
                json.insert(name.to_owned(), Value::Object(fields.clone()));
            }
        }
    }
    json
}

fn holds_all(message: &MessageDescriptor, fields: &Map<String, Value>) -> bool {
    fields
        .keys()
        .all(|name| message.get_field_by_name(name).is_some())
}

/// The keys that are there and are not wanted.
fn gone(wanted: Option<&Value>, there: Option<&Value>) -> Value {
    let Some(Value::Object(wanted)) = wanted else {
        return Value::Array(Vec::new());
    };
    let there = there.and_then(Value::as_object);
    let keys = there.into_iter().flat_map(Map::keys);
    let keys = keys.filter(|key| !wanted.contains_key(*key));
    Value::Array(keys.cloned().map(Value::String).collect())
}

/// Only if it still is as it was when the difference was made.
fn version(current: Option<&Map<String, Value>>) -> Option<Value> {
    let version = current?.get("version")?;
    Some(Value::Object(Map::from_iter([(
        "if_match".to_owned(),
        version.clone(),
    )])))
}

fn title(noun: &Noun, fields: &Map<String, Value>) -> String {
    let names: Vec<String> = identity(noun)
        .iter()
        .filter_map(|name| fields.get(name))
        .map(prune::plain)
        .collect();
    format!("{} {}", noun.name, names.join(" "))
}

fn identity(noun: &Noun) -> Vec<String> {
    let fields = noun
        .verb("get")
        .map(|get| get.method.input().fields().collect::<Vec<_>>());
    let fields = fields.unwrap_or_default();
    fields.iter().map(|field| field.name().to_owned()).collect()
}

/// What the server would write. A thing that is gone already (a tombstone in a list) is nothing to delete.
async fn try_out(client: &Client, step: &Step<'_>) -> Result<Vec<String>> {
    let mut json = step.json.clone();
    if let Value::Object(map) = &mut json {
        let change = map
            .entry("change")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(change) = change {
            change.insert("dry_run".to_owned(), Value::Bool(true));
        }
    }
    let request = flags::message(step.verb.method.input(), json)?;
    let answer = match client.unary(step.verb, request).await {
        Ok(answer) => answer,
        Err(error) if step.verb.name == "delete" && already_gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error.context(step.title.clone())),
    };
    let answer = show::json(&answer)?;
    let events = answer["outcome"]["events"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    Ok(events.iter().map(Value::to_string).collect())
}

fn already_gone(error: &anyhow::Error) -> bool {
    use tonic_types::StatusExt as _;
    let Some(status) = error.downcast_ref::<tonic::Status>() else {
        return false;
    };
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    status.code() == tonic::Code::NotFound
        || reason.is_some_and(|reason| reason.ends_with("_DELETED"))
}
