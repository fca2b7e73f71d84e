//! What stands in a file.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use prost_reflect::Kind;
use serde_json::{Map, Value};

use super::writer;
use crate::ctl::schema::{Noun, Schema, Verb};
use crate::ctl::text;

/// Something that should be there.
pub(super) struct Document {
    /// Which of the file, from 1.
    number: usize,
    pub(super) noun: String,
    pub(super) fields: Map<String, Value>,
}

/// # Errors
/// When the file cannot be read, or a document is of no kind that can be applied or has a field that its kind has not.
pub(super) fn read(schema: &Schema, file: &str) -> Result<Vec<Document>> {
    let values: Vec<Value> = serde_saphyr::from_multiple(&text::read(file)?)
        .with_context(|| format!("`{file}` is not YAML"))?;
    let numbered = values.into_iter().zip(1..);
    numbered
        .map(|(value, number)| Document::read(schema, file, value, number))
        .collect()
}

impl Document {
    fn read(schema: &Schema, file: &str, value: Value, number: usize) -> Result<Self> {
        let Value::Object(mut fields) = value else {
            bail!("document {number} of `{file}` has no fields");
        };
        let Some(Value::String(noun)) = fields.remove("kind") else {
            bail!("document {number} of `{file}` has no `kind`");
        };
        let applied = |noun: &&Noun| writer(noun, true).is_some();
        let Some(found) = schema.noun(&noun).filter(applied) else {
            let nouns = schema.nouns.iter().filter(applied);
            let known: Vec<&str> = nouns.map(|noun| noun.name.as_str()).collect();
            let known = known.join(", ");
            bail!("document {number}: `{noun}` cannot be applied; kinds are {known}");
        };
        let mut document = Self {
            number,
            noun,
            fields,
        };
        document.check(found)?;
        document.name_by_spec(found);
        Ok(document)
    }

    /// Where it stands, for people.
    pub(super) fn place(&self) -> String {
        format!("document {} (`{}`)", self.number, self.noun)
    }

    /// A field that is none would be passed over in silence: nothing takes it.
    fn check(&self, noun: &Noun) -> Result<()> {
        let known = known(noun);
        let Some(name) = self.fields.keys().find(|name| !known.contains(*name)) else {
            return Ok(());
        };
        let likeness = |known: &str| strsim::jaro_winkler(known, name);
        let nearest = known
            .iter()
            .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
        let nearest = nearest.map_or("", String::as_str);
        let (place, noun) = (self.place(), &self.noun);
        bail!(
            "{place} has no field `{name}`; the nearest is `{nearest}`, and `takt ctl explain {noun}` tells all"
        )
    }

    /// What is looked up by a name that stands in its `spec` need not say it twice.
    fn name_by_spec(&mut self, noun: &Noun) {
        self.fields.extend(named(noun, &self.fields));
    }

    /// The fields that are not as they are there, and that a request does not carry. What only says when or which
    /// version is no wish.
    pub(super) fn left_out(
        &self,
        noun: &Noun,
        verb: &Verb,
        request: &Map<String, Value>,
        current: Option<&Map<String, Value>>,
    ) -> impl Iterator<Item = &str> {
        let nested: BTreeSet<&String> = request
            .values()
            .filter_map(Value::as_object)
            .flat_map(Map::keys)
            .collect();
        let carried = carried(verb).chain(super::identity(noun));
        let carried: BTreeSet<String> = carried.collect();
        let left_out = self.fields.iter().filter(move |(name, value)| {
            let told = name.as_str() == "version" || name.ends_with("_at");
            let there = current.and_then(|current| current.get(*name));
            let taken = carried.contains(*name) || nested.contains(name);
            !told && !taken && there != Some(*value)
        });
        left_out.map(|(name, _)| name.as_str())
    }
}

/// What something is looked up by, as far as it says; of what has a `spec`, the name in there.
pub(super) fn named(noun: &Noun, thing: &Map<String, Value>) -> Map<String, Value> {
    let identity = super::identity(noun);
    let missing = identity.iter().filter(|name| !thing.contains_key(*name));
    let spec = thing.get("spec").filter(|_| missing.count() == 1);
    let spec = spec.and_then(|spec| spec.get("name"));
    let said = identity.into_iter().filter_map(|name| {
        let value = thing.get(&name).or(spec)?.clone();
        Some((name, value))
    });
    said.collect()
}

/// The fields a document of a kind may have: those of the thing, and those of the requests that make and change it.
fn known(noun: &Noun) -> BTreeSet<String> {
    let verbs = ["get", "create", "update", "replace"];
    let verbs = verbs.iter().filter_map(|name| noun.verb(name));
    let mut known: BTreeSet<String> = verbs.flat_map(carried).collect();
    if let Some(get) = noun.verb("get") {
        let answer = get.method.output();
        let thing = answer.fields().find_map(|field| match field.kind() {
            Kind::Message(thing) if !field.is_list() => Some(thing),
            _ => None,
        });
        let fields = thing.into_iter().flat_map(|thing| {
            let names = thing.fields().map(|field| field.name().to_owned());
            names.collect::<Vec<_>>()
        });
        known.extend(fields);
    }
    known
}

/// What a request takes of a document, by the names it has there.
fn carried(verb: &Verb) -> impl Iterator<Item = String> {
    let fields: Vec<String> = verb
        .method
        .input()
        .fields()
        .map(|field| {
            let name = field.name();
            name.strip_prefix("set_").unwrap_or(name).to_owned()
        })
        .collect();
    fields.into_iter()
}
