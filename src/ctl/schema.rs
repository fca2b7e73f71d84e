//! The admin API as the contract says it: services are nouns, methods are verbs, comments are help.
//!
//! Nothing here knows a service by name, so a new method is a new command without a line of code.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use prost_reflect::{
    DescriptorPool, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor,
};

const PACKAGE: &str = "takt.admin.v1";
/// What every request that changes something begins with, see common.proto.
pub(super) const CHANGE: &str = "takt.admin.v1.Change";
/// What every answer to a request that changes something begins with, see common.proto.
pub(super) const OUTCOME: &str = "takt.admin.v1.Outcome";

#[derive(Debug)]
pub(super) struct Schema {
    pub(super) pool: DescriptorPool,
    pub(super) nouns: Vec<Noun>,
    comments: BTreeMap<String, String>,
}

/// A service.
#[derive(Debug)]
pub(super) struct Noun {
    /// `access-policy` of `AccessPolicyService`.
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) verbs: Vec<Verb>,
}

/// A method.
#[derive(Debug, Clone)]
pub(super) struct Verb {
    /// `create` of `CreateTenant` in `TenantService`.
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) method: MethodDescriptor,
    /// The names of the fields that say which one: those of the service's `Get…` methods.
    identity: Vec<String>,
}

impl Schema {
    /// # Errors
    /// When the descriptors that were built in cannot be read.
    pub(super) fn built_in() -> Result<Self> {
        let pool = DescriptorPool::decode(takt_wire::DESCRIPTORS)
            .context("the built-in description of the API cannot be read")?;
        let comments = comments(&pool);
        let mut nouns: Vec<Noun> = pool
            .services()
            .filter(|service| service.package_name() == PACKAGE)
            .map(|service| {
                let stem = service.name().trim_end_matches("Service").to_owned();
                let identity = service
                    .methods()
                    .filter(|method| method.name().starts_with("Get"));
                let identity: Vec<String> = identity
                    .flat_map(|method| method.input().fields().collect::<Vec<_>>())
                    .filter(|field| !field.is_list() && !field.is_map())
                    .filter(|field| matches!(field.kind(), Kind::String))
                    .map(|field| field.name().to_owned())
                    .collect();
                let verbs = service.methods().map(|method| Verb {
                    name: verb_name(&stem, method.name()),
                    doc: doc_of(&comments, method.full_name()),
                    identity: identity.clone(),
                    method,
                });
                Noun {
                    name: kebab(&stem),
                    doc: doc_of(&comments, service.full_name()),
                    verbs: verbs.collect(),
                }
            })
            .collect();
        nouns.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            pool,
            nouns,
            comments,
        })
    }

    pub(super) fn noun(&self, name: &str) -> Option<&Noun> {
        self.nouns.iter().find(|noun| noun.name == name)
    }

    /// The comment above a field, message or method; empty if there is none.
    pub(super) fn doc(&self, full_name: &str) -> &str {
        self.comments.get(full_name).map_or("", String::as_str)
    }

    /// What a field means: its own comment; else what its type begins with; else what a field of this name means in a thing of
    /// the same file, then of the whole API. So `tenant` or `version` is said once and not in every request.
    pub(super) fn doc_of(&self, field: &FieldDescriptor) -> &str {
        let own = self.doc(field.full_name());
        let of_type = || match field.kind() {
            Kind::Message(of) if !field.is_map() => first_sentence(self.doc(of.full_name())),
            Kind::Enum(of) => first_sentence(self.doc(of.full_name())),
            _ => "",
        };
        let elsewhere = || {
            let here = field.parent_message().parent_file();
            let files = std::iter::once(here).chain(self.pool.files());
            files
                .filter(|file| file.package_name() == PACKAGE)
                .find_map(|file| self.said_in(&file, field))
                .unwrap_or_default()
        };
        let said = [own, of_type()];
        let said = said.into_iter().find(|text| !text.is_empty());
        said.unwrap_or_else(elsewhere)
    }

    /// What a field of this name and kind means in a thing that stands in `file`.
    fn said_in(&self, file: &FileDescriptor, field: &FieldDescriptor) -> Option<&str> {
        let things = file.messages().filter(is_thing);
        things
            .filter_map(|thing| thing.get_field_by_name(field.name()))
            .filter(|other| other.kind() == field.kind())
            .map(|other| self.doc(other.full_name()))
            .find(|text| !text.is_empty())
    }
}

impl Noun {
    pub(super) fn verb(&self, name: &str) -> Option<&Verb> {
        self.verbs.iter().find(|verb| verb.name == name)
    }
}

impl Verb {
    pub(super) fn is_list(&self) -> bool {
        self.method
            .input()
            .get_field_by_name("page_token")
            .is_some()
    }

    /// It answers with what there is, all at once.
    pub(super) fn reads(&self) -> bool {
        let name = self.method.name();
        !self.method.is_server_streaming() && (name.starts_with("Get") || name.starts_with("List"))
    }

    /// A field that is given by its place and not by a flag.
    pub(super) fn is_positional(&self, field: &FieldDescriptor) -> bool {
        !self.is_list()
            && matches!(field.kind(), Kind::String)
            && !field.is_list()
            && field.containing_oneof().is_none()
            && self.identity.iter().any(|name| name == field.name())
    }

    pub(super) fn path(&self) -> String {
        let service = self.method.parent_service();
        format!("/{}/{}", service.full_name(), self.method.name())
    }
}

/// A message that can hold itself, which flags cannot spell.
pub(super) fn is_recursive(message: &MessageDescriptor) -> bool {
    fn reaches(from: &MessageDescriptor, to: &MessageDescriptor, seen: &mut Vec<String>) -> bool {
        from.fields().any(|field| match field.kind() {
            Kind::Message(inner) if inner == *to => true,
            Kind::Message(inner) if !seen.iter().any(|name| name == inner.full_name()) => {
                seen.push(inner.full_name().to_owned());
                reaches(&inner, to, seen)
            }
            _ => false,
        })
    }
    reaches(message, message, &mut Vec::new())
}

/// `CreateToken` in `AccessService` is `create-token`; in `TokenService` it is `create`.
fn verb_name(stem: &str, method: &str) -> String {
    let shorter = ["ies", "s", ""].into_iter().find_map(|plural| {
        let stem = if plural == "ies" {
            stem.strip_suffix('y')?
        } else {
            stem
        };
        method.strip_suffix(&format!("{stem}{plural}"))
    });
    kebab(shorter.filter(|verb| !verb.is_empty()).unwrap_or(method))
}

/// `AccessPolicy` is `access-policy`.
pub(super) fn kebab(camel: &str) -> String {
    let mut text = String::with_capacity(camel.len() + 4);
    for (at, letter) in camel.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text.replace('_', "-")
}

/// Not what is only said in calls.
pub(super) fn is_thing(message: &MessageDescriptor) -> bool {
    !message.name().ends_with("Request") && !message.name().ends_with("Response")
}

fn first_sentence(text: &str) -> &str {
    let end = text.find(". ").or_else(|| text.find(".\n"));
    end.map_or(text, |end| &text[..=end])
}

fn doc_of(comments: &BTreeMap<String, String>, full_name: &str) -> String {
    comments.get(full_name).cloned().unwrap_or_default()
}

/// The comments of every description, by full name: those above it, else those behind it.
fn comments(pool: &DescriptorPool) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for file in pool.files() {
        let Some(info) = &file.file_descriptor_proto().source_code_info else {
            continue;
        };
        let by_path: BTreeMap<&[i32], String> = info
            .location
            .iter()
            .filter_map(|at| {
                let text = at
                    .leading_comments
                    .as_deref()
                    .or(at.trailing_comments.as_deref())?;
                let lines: Vec<&str> = text.lines().map(str::trim).collect();
                Some((at.path.as_slice(), lines.join("\n").trim().to_owned()))
            })
            .collect();
        let mut take = |path: &[i32], name: &str| {
            if let Some(text) = by_path.get(path) {
                found.insert(name.to_owned(), text.clone());
            }
        };
        for service in file.services() {
            take(service.path(), service.full_name());
            for method in service.methods() {
                take(method.path(), method.full_name());
            }
        }
        for message in file.messages() {
            take(message.path(), message.full_name());
            for field in message.fields() {
                take(field.path(), field.full_name());
            }
        }
        for one in file.enums() {
            take(one.path(), one.full_name());
            for value in one.values() {
                take(value.path(), value.full_name());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the events of the log hold is said where they are made.
    const EVENT: &str = "takt.control.log.v1.Event";

    /// Enums whose values say what they mean.
    const PLAIN: [&str; 8] = [
        "Resource",
        "EntryCause",
        "LicenceStanding",
        "MatchDatatype",
        "MatchOperator",
        "PolicyField",
        "SpanStatus",
        "Volume",
    ];

    /// Messages that calls are about, and whatever stands in them.
    fn reach(message: MessageDescriptor, seen: &mut BTreeMap<String, MessageDescriptor>) {
        let name = message.full_name().to_owned();
        if name == EVENT || message.is_map_entry() || seen.contains_key(&name) {
            return;
        }
        seen.insert(name, message.clone());
        for field in message.fields() {
            if let Kind::Message(inner) = field.kind() {
                reach(inner, seen);
            }
        }
    }

    #[test]
    fn everything_that_calls_are_about_is_explained() {
        let schema = Schema::built_in().unwrap();
        let mut messages = BTreeMap::new();
        for message in schema.pool.all_messages() {
            if message.package_name() == PACKAGE {
                reach(message, &mut messages);
            }
        }
        let mut silent = Vec::new();
        let mut look = |name: &str, text: &str| {
            if text.is_empty() {
                silent.push(name.to_owned());
            }
        };
        let services = schema.pool.services();
        for service in services.filter(|service| service.package_name() == PACKAGE) {
            look(service.full_name(), schema.doc(service.full_name()));
            for method in service.methods() {
                look(method.full_name(), schema.doc(method.full_name()));
            }
        }
        for message in messages.values() {
            if is_thing(message) {
                look(message.full_name(), schema.doc(message.full_name()));
            }
            for field in message.fields() {
                look(field.full_name(), schema.doc_of(&field));
                if let Kind::Enum(one) = field.kind() {
                    look(one.full_name(), schema.doc(one.full_name()));
                    let plain = PLAIN.contains(&one.name());
                    let values = one.values().filter(|value| value.number() != 0);
                    for value in values.filter(|_| !plain) {
                        look(value.full_name(), schema.doc(value.full_name()));
                    }
                }
            }
        }
        silent.sort_unstable();
        silent.dedup();
        assert!(silent.is_empty(), "{}", silent.join("\n"));
    }
}
