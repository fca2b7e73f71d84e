//! The fields of a request as arguments, and arguments as a request.

use anyhow::{Context as _, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use super::schema::{Noun, Schema, Verb, is_recursive};
use super::text;

/// How deep fields of fields become flags of their own.
const DEPTH_MAX: usize = 2;

/// One argument and the field it fills.
struct Flag {
    /// Unique among the flags of its request.
    name: String,
    /// From the request down to the field.
    path: Vec<FieldDescriptor>,
}

impl Flag {
    fn field(&self) -> &FieldDescriptor {
        &self.path[self.path.len() - 1]
    }
}

/// The command of a noun with a subcommand for every verb.
pub(super) fn command_of(schema: &Schema, noun: &Noun) -> Command {
    let command = Command::new(noun.name.clone())
        .subcommand_required(true)
        .arg_required_else_help(true);
    let command = with_doc(command, &noun.doc);
    noun.verbs.iter().fold(command, |command, verb| {
        command.subcommand(command_of_verb(schema, verb))
    })
}

fn command_of_verb(schema: &Schema, verb: &Verb) -> Command {
    let mut command = with_doc(Command::new(verb.name.clone()), &verb.doc);
    for flag in flags(verb) {
        command = command.arg(arg(schema, verb, &flag));
        if is_positional(verb, &flag) {
            command = command.arg(by_flag(&flag));
        }
    }
    if verb.reads() {
        command = command.arg(
            Arg::new(WATCH)
                .long(WATCH)
                .action(ArgAction::SetTrue)
                .help("Answer again whenever something changed, until interrupted"),
        );
    }
    if verb.method.input().fields().len() > 0 {
        command = command.arg(
            Arg::new(FILE)
                .long("file")
                .short('f')
                .value_name("FILE")
                .help("The request as YAML or JSON, `-` for standard input; flags fill in and win"),
        );
    }
    command
}

pub(super) const WATCH: &str = "watch";
const FILE: &str = "request file";

fn with_doc(command: Command, doc: &str) -> Command {
    let first = doc
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .replace('\n', " ");
    command.about(first).long_about(doc.to_owned())
}

fn arg(schema: &Schema, verb: &Verb, flag: &Flag) -> Arg {
    let field = flag.field();
    let doc = schema.doc_of(field);
    let mut help = doc.replace('\n', " ");
    if field.kind() == Kind::Fixed64 && !field.is_list() {
        help.push_str(" `2027-01-31T12:00:00Z` is taken, too.");
    }
    let arg = Arg::new(flag.name.clone()).help(help);
    if is_positional(verb, flag) {
        return arg
            .value_name(field.name().to_uppercase())
            .required_unless_present_any([FILE.to_owned(), by_flag_id(flag)]);
    }
    let arg = arg.long(flag.name.clone());
    match field.kind() {
        _ if field.is_map() => arg.value_name("KEY=VALUE").action(ArgAction::Append),
        Kind::Bool if !field.is_list() => arg
            .value_name("true or false")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        kind => {
            let arg = arg.value_name(text::hint(&kind)).allow_hyphen_values(true);
            if field.is_list() {
                arg.action(ArgAction::Append)
            } else {
                arg
            }
        }
    }
}

fn is_positional(verb: &Verb, flag: &Flag) -> bool {
    flag.path.len() == 1 && verb.is_positional(flag.field())
}

/// What is named without a flag may be given with one too: elsewhere it is one.
fn by_flag(flag: &Flag) -> Arg {
    Arg::new(by_flag_id(flag))
        .long(flag.name.clone())
        .value_name(flag.field().name().to_uppercase())
        .conflicts_with(flag.name.clone())
        .hide(true)
}

fn by_flag_id(flag: &Flag) -> String {
    format!("{} by flag", flag.name)
}

/// Fields of `Change`, and of other messages within, stand beside those of the request; where two
/// would have one name, the deeper one says where it belongs.
fn flags(verb: &Verb) -> Vec<Flag> {
    let mut found = Vec::new();
    collect(&verb.method.input(), &[], &mut found);
    let names: Vec<String> = found
        .iter()
        .map(|path| dashed(path[path.len() - 1].name()))
        .collect();
    let mut flags: Vec<Flag> = Vec::new();
    for (at, path) in found.into_iter().enumerate() {
        let mine = &names[at];
        let alone = names.iter().filter(|name| *name == mine).count() == 1;
        let reserved = ["help", "endpoint", "output", "file", "token-file", "watch"];
        let name = if (alone || path.len() == 1) && !reserved.contains(&mine.as_str()) {
            mine.clone()
        } else {
            let parts: Vec<String> = path.iter().map(|field| dashed(field.name())).collect();
            if parts.len() == 1 {
                format!("{}-field", parts[0])
            } else {
                parts.join("-")
            }
        };
        flags.push(Flag { name, path });
    }
    flags
}

fn collect(
    message: &MessageDescriptor,
    above: &[FieldDescriptor],
    found: &mut Vec<Vec<FieldDescriptor>>,
) {
    for field in message.fields() {
        let path: Vec<FieldDescriptor> = above.iter().cloned().chain([field.clone()]).collect();
        match field.kind() {
            Kind::Message(inner)
                if !field.is_list()
                    && !field.is_map()
                    && path.len() <= DEPTH_MAX
                    && inner.fields().len() > 0
                    && !is_recursive(&inner) =>
            {
                collect(&inner, &path, found);
            }
            _ => found.push(path),
        }
    }
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

/// The request that the arguments spell.
///
/// # Errors
/// When a value is not what its field takes, or the file is not a request.
pub(super) fn request(verb: &Verb, matches: &ArgMatches) -> Result<DynamicMessage> {
    let mut json = match matches.try_get_one::<String>(FILE).ok().flatten() {
        Some(file) => text::read_document(file)?,
        None => Value::Object(Map::new()),
    };
    for flag in flags(verb) {
        let by_flag = || matches.try_get_many(&by_flag_id(&flag)).ok().flatten();
        let Some(values) = matches.get_many::<String>(&flag.name).or_else(by_flag) else {
            continue;
        };
        let values: Vec<&str> = values.map(String::as_str).collect();
        let value = value(flag.field(), &values).with_context(|| format!("--{}", flag.name))?;
        put(&mut json, &flag.path, value)?;
    }
    message(verb.method.input(), json)
}

/// # Errors
/// When the document has other fields or values than the message.
pub(super) fn message(descriptor: MessageDescriptor, json: Value) -> Result<DynamicMessage> {
    let name = descriptor.name().to_owned();
    DynamicMessage::deserialize(descriptor, json).with_context(|| format!("not a `{name}`"))
}

fn value(field: &FieldDescriptor, values: &[&str]) -> Result<Value> {
    if field.is_map() {
        let kind = match field.kind() {
            Kind::Message(entry) => entry.map_entry_value_field().kind(),
            other => other,
        };
        let mut map = Map::new();
        for pair in values {
            let Some((key, value)) = pair.split_once('=') else {
                bail!("`{pair}` is not KEY=VALUE");
            };
            map.insert(key.to_owned(), text::parse(&kind, value)?);
        }
        return Ok(Value::Object(map));
    }
    if field.is_list() {
        let items = values.iter().map(|text| text::parse(&field.kind(), text));
        return Ok(Value::Array(items.collect::<Result<_>>()?));
    }
    text::parse(&field.kind(), values.last().copied().unwrap_or_default())
}

fn put(json: &mut Value, path: &[FieldDescriptor], value: Value) -> Result<()> {
    let Value::Object(map) = json else {
        bail!("the request is not an object with fields");
    };
    let Some((field, rest)) = path.split_first() else {
        return Ok(());
    };
    if rest.is_empty() {
        map.insert(field.name().to_owned(), value);
        return Ok(());
    }
    let inner = map
        .entry(field.name())
        .or_insert_with(|| Value::Object(Map::new()));
    put(inner, rest, value)
}
