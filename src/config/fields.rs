//! The walk over the definition: each field is asked for once, with its default and its reason.

use super::Surroundings;
use super::expand::expand;
use super::problem::{Place, Problem};
use super::tree::{Kind, Node, Pair};
use super::value::Value;

/// What the walk has seen: every field that exists, and everything that is wrong.
pub(super) struct Notes<'a> {
    surroundings: &'a Surroundings<'a>,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

/// One section or field of the definition, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: Vec<&'static str>,
    pub(super) doc: &'static str,
    pub(super) field: Option<Field>,
}

/// The part of an [`Entry`] that only fields have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) unit: &'static str,
    pub(super) default: Default,
    /// The value in force, `<secret>` for a secret; `None` when an optional field was left out.
    pub(super) value: Option<String>,
}

/// What holds when a field is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Default {
    Value(String),
    /// Depends on something else, or is the absence of a value.
    Words(&'static str),
}

impl<'a> Notes<'a> {
    pub(super) fn new(surroundings: &'a Surroundings<'a>) -> Self {
        Self {
            surroundings,
            entries: Vec::new(),
            problems: Vec::new(),
        }
    }

    pub(super) fn close(self) -> (Vec<Entry>, Vec<Problem>) {
        (self.entries, self.problems)
    }
}

/// One section while it is read. Every field not asked for by its end is unknown.
pub(super) struct Fields<'t, 'n, 'a> {
    notes: &'n mut Notes<'a>,
    path: Vec<&'static str>,
    place: Place,
    pairs: &'t [Pair],
    known: Vec<&'static str>,
}

impl<'t, 'n, 'a> Fields<'t, 'n, 'a> {
    /// Reads the whole file by `read`.
    pub(super) fn root<T>(
        node: &'t Node,
        notes: &'n mut Notes<'a>,
        read: impl FnOnce(&mut Fields<'t, '_, 'a>) -> T,
    ) -> T {
        Fields::enter(notes, Vec::new(), Some(node), node.place, read)
    }

    /// Reads the section `name` by `read`; a missing section is an empty one.
    pub(super) fn section<T>(
        &mut self,
        name: &'static str,
        doc: &'static str,
        read: impl FnOnce(&mut Fields<'t, '_, 'a>) -> T,
    ) -> T {
        let pair = self.find(name);
        let path = self.path_of(name);
        self.entry(name, doc, None);
        let place = pair.map_or(self.place, |pair| pair.key_place);
        Fields::enter(self.notes, path, pair.map(|pair| &pair.value), place, read)
    }

    /// The field `name`, or what `default` means.
    pub(super) fn value<T: Value>(
        &mut self,
        name: &'static str,
        default: &'static str,
        doc: &'static str,
    ) -> T {
        let fallback = T::parse(default).expect("a default is a legal value of its field");
        let value = self.read(name).unwrap_or(fallback);
        let default = Default::Value(default.to_owned());
        self.note(name, doc, default, Some(&value));
        value
    }

    /// The field `name`, or `fallback`, which is described in `words`.
    pub(super) fn value_or<T: Value>(
        &mut self,
        name: &'static str,
        fallback: T,
        words: &'static str,
        doc: &'static str,
    ) -> T {
        let value = self.read(name).unwrap_or(fallback);
        self.note(name, doc, Default::Words(words), Some(&value));
        value
    }

    /// The field `name`, or nothing; `absent` says what nothing means.
    pub(super) fn optional<T: Value>(
        &mut self,
        name: &'static str,
        absent: &'static str,
        doc: &'static str,
    ) -> Option<T> {
        let value = self.read(name);
        self.note(name, doc, Default::Words(absent), value.as_ref());
        value
    }

    /// The field `name` as written, or `default`; what the text means is for the caller to judge.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        default: &str,
        unit: &'static str,
        doc: &'static str,
    ) -> String {
        let text = self.read(name).unwrap_or_else(|| default.to_owned());
        let field = Field {
            unit,
            default: Default::Value(default.to_owned()),
            value: Some(text.clone()),
        };
        self.entry(name, doc, Some(field));
        text
    }

    /// A value that is legal for its type, but not here: `message` says why and what to do.
    pub(super) fn refuse(&mut self, name: &'static str, message: impl Into<String>) {
        let place = self
            .pairs
            .iter()
            .find(|pair| pair.key == name)
            .map_or(self.place, |pair| pair.value.place);
        self.complain(place, self.path_of(name).join("."), message);
    }

    pub(super) fn surroundings(&self) -> &'a Surroundings<'a> {
        self.notes.surroundings
    }

    fn enter<T>(
        notes: &'n mut Notes<'a>,
        path: Vec<&'static str>,
        node: Option<&'t Node>,
        place: Place,
        read: impl FnOnce(&mut Fields<'t, '_, 'a>) -> T,
    ) -> T {
        let mut fields = Fields {
            notes,
            path,
            place,
            pairs: &[],
            known: Vec::new(),
        };
        match node.map(|node| (&node.kind, node.place)) {
            None | Some((Kind::Empty, _)) => {}
            Some((Kind::Map(pairs), _)) => fields.pairs = pairs,
            Some((Kind::Text(_) | Kind::List, found)) => fields.complain(
                found,
                fields.path.join("."),
                "expected a section: its fields on lines of their own, indented",
            ),
        }
        let value = read(&mut fields);
        fields.unknown();
        value
    }

    fn read<T: Value>(&mut self, name: &'static str) -> Option<T> {
        let pair = self.find(name)?;
        let text = match &pair.value.kind {
            Kind::Empty => return None,
            Kind::Text(text) => text,
            Kind::List | Kind::Map(_) => {
                let message = format!("expected one value ({})", T::UNIT);
                self.complain(pair.value.place, self.path_of(name).join("."), message);
                return None;
            }
        };
        let read = expand(text, self.notes.surroundings.variable).and_then(|text| T::parse(&text));
        match read {
            Ok(value) => Some(value),
            Err(message) => {
                self.complain(pair.value.place, self.path_of(name).join("."), message);
                None
            }
        }
    }

    fn note<T: Value>(
        &mut self,
        name: &'static str,
        doc: &'static str,
        default: Default,
        value: Option<&T>,
    ) {
        let field = Field {
            unit: T::UNIT,
            default,
            value: value.map(Value::print),
        };
        self.entry(name, doc, Some(field));
    }

    fn entry(&mut self, name: &'static str, doc: &'static str, field: Option<Field>) {
        let path = self.path_of(name);
        self.notes.entries.push(Entry {
            path,
            doc: doc.trim(),
            field,
        });
    }

    fn find(&mut self, name: &'static str) -> Option<&'t Pair> {
        self.known.push(name);
        self.pairs.iter().find(|pair| pair.key == name)
    }

    /// Names the fields nobody asked for and those written twice.
    fn unknown(&mut self) {
        let pairs = self.pairs;
        for (index, pair) in pairs.iter().enumerate() {
            let mut path: Vec<&str> = self.path.clone();
            path.push(&pair.key);
            let path = path.join(".");
            if !self.known.contains(&pair.key.as_str()) {
                let message = format!("unknown field; known here are: {}", self.known.join(", "));
                self.complain(pair.key_place, path, message);
            } else if let Some(first) = pairs[..index].iter().find(|other| other.key == pair.key) {
                let message = format!("given twice; first on line {}", first.key_place.line);
                self.complain(pair.key_place, path, message);
            }
        }
    }

    /// Notes a problem, unless the same place has one already: one mistake, one line.
    fn complain(&mut self, place: Place, path: String, message: impl Into<String>) {
        let problem = Problem {
            place,
            path,
            message: message.into(),
        };
        let known = |other: &Problem| other.path == problem.path && other.place == problem.place;
        if !self.notes.problems.iter().any(known) {
            self.notes.problems.push(problem);
        }
    }

    fn path_of(&self, name: &'static str) -> Vec<&'static str> {
        let mut path = self.path.clone();
        path.push(name);
        path
    }
}
