//! The columns of `data.parquet`, derived from the catalogue alone: writer and reader agree by construction.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};

use crate::Error;
use crate::index::catalogue::{Catalogue, Coding, Place, Scope, Type};

/// The columns every block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fixed {
    TraceId,
    SpanId,
    ParentSpanId,
    ParentRow,
    Start,
    Duration,
    Name,
    Kind,
    StatusCode,
    StatusMessage,
    TraceState,
    Flags,
    DroppedAttributes,
    DroppedEvents,
    DroppedLinks,
    ResourceRow,
    ScopeRow,
    ScopeName,
    ScopeVersion,
}

impl Fixed {
    const ALL: [(Self, &'static str); 19] = [
        (Self::TraceId, "trace_id"),
        (Self::SpanId, "span_id"),
        (Self::ParentSpanId, "parent_span_id"),
        (Self::ParentRow, "parent_row"),
        (Self::Start, "start_time_unix_nano"),
        (Self::Duration, "duration_nano"),
        (Self::Name, "name"),
        (Self::Kind, "kind"),
        (Self::StatusCode, "status_code"),
        (Self::StatusMessage, "status_message"),
        (Self::TraceState, "trace_state"),
        (Self::Flags, "flags"),
        (Self::DroppedAttributes, "dropped_attributes_count"),
        (Self::DroppedEvents, "dropped_events_count"),
        (Self::DroppedLinks, "dropped_links_count"),
        (Self::ResourceRow, "resource_row"),
        (Self::ScopeRow, "scope_row"),
        (Self::ScopeName, "scope.name"),
        (Self::ScopeVersion, "scope.version"),
    ];

    const fn form(self) -> Form {
        match self {
            Self::TraceId => Form::Id(16),
            Self::SpanId | Self::ParentSpanId => Form::Id(8),
            Self::Start | Self::Duration => Form::U64,
            Self::Kind | Self::StatusCode => Form::U8,
            Self::Name
            | Self::StatusMessage
            | Self::TraceState
            | Self::ScopeName
            | Self::ScopeVersion => Form::Text,
            Self::ParentRow
            | Self::Flags
            | Self::DroppedAttributes
            | Self::DroppedEvents
            | Self::DroppedLinks
            | Self::ResourceRow
            | Self::ScopeRow => Form::U32,
        }
    }

    const fn nullable(self) -> bool {
        matches!(
            self,
            Self::ParentSpanId
                | Self::ParentRow
                | Self::StatusMessage
                | Self::TraceState
                | Self::Flags
                | Self::DroppedAttributes
                | Self::DroppedEvents
                | Self::DroppedLinks
        )
    }
}

/// What every event and link has besides attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Child {
    Time,
    Name,
    TraceId,
    SpanId,
    TraceState,
    Flags,
    DroppedAttributes,
}

const EVENT: [(Child, &str, Form, bool); 3] = [
    (Child::Time, "time_unix_nano", Form::U64, false),
    (Child::Name, "name", Form::Text, false),
    (
        Child::DroppedAttributes,
        "dropped_attributes_count",
        Form::U32,
        true,
    ),
];
const LINK: [(Child, &str, Form, bool); 5] = [
    (Child::TraceId, "trace_id", Form::Id(16), false),
    (Child::SpanId, "span_id", Form::Id(8), false),
    (Child::TraceState, "trace_state", Form::Text, true),
    (Child::Flags, "flags", Form::U32, true),
    (
        Child::DroppedAttributes,
        "dropped_attributes_count",
        Form::U32,
        true,
    ),
];

/// What a leaf column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Fixed(Fixed),
    Child(Scope, Child),
    /// The values of one type of a key, both by their place in the catalogue.
    Attr(Scope, usize, Type),
    /// The values of rare keys, a JSON object a row.
    Overflow(Scope),
}

/// The type of a leaf column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Id(i32),
    U8,
    U32,
    U64,
    I64,
    F64,
    Bool,
    Text,
}

#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// Unique among the columns, or within the event or link.
    pub(crate) name: String,
    pub(crate) what: What,
    pub(crate) form: Form,
    pub(crate) nullable: bool,
}

impl Leaf {
    /// The list column it is in, if any.
    pub(crate) fn list(&self) -> Option<&'static str> {
        match self.scope() {
            Some(Scope::Event) => Some("events"),
            Some(Scope::Link) => Some("links"),
            _ => None,
        }
    }

    fn scope(&self) -> Option<Scope> {
        match self.what {
            What::Fixed(_) => None,
            What::Child(scope, _) | What::Attr(scope, ..) | What::Overflow(scope) => Some(scope),
        }
    }

    /// Whether every span has an entry in memory, so that the column must be read even where it is null.
    pub(crate) fn always(&self) -> bool {
        match self.what {
            What::Fixed(Fixed::ParentSpanId | Fixed::ParentRow) => true,
            What::Fixed(_) => !self.nullable,
            What::Child(..) | What::Attr(..) | What::Overflow(_) => false,
        }
    }

    /// The path Parquet knows it by.
    pub(crate) fn path(&self) -> Vec<String> {
        match self.list() {
            None => vec![self.name.clone()],
            Some(list) => vec![
                list.to_owned(),
                "list".to_owned(),
                "element".to_owned(),
                self.name.clone(),
            ],
        }
    }

    fn field(&self, text: DataType) -> Field {
        let kind = match self.form {
            Form::Id(length) => DataType::FixedSizeBinary(length),
            Form::U8 => DataType::UInt8,
            Form::U32 => DataType::UInt32,
            Form::U64 => DataType::UInt64,
            Form::I64 => DataType::Int64,
            Form::F64 => DataType::Float64,
            Form::Bool => DataType::Boolean,
            Form::Text => text,
        };
        Field::new(&self.name, kind, self.nullable)
    }
}

/// The leaf columns in file order.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) leaves: Vec<Leaf>,
}

impl Layout {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let mut leaves: Vec<Leaf> = Fixed::ALL
            .into_iter()
            .map(|(fixed, name)| Leaf {
                name: name.to_owned(),
                what: What::Fixed(fixed),
                form: fixed.form(),
                nullable: fixed.nullable(),
            })
            .collect();
        let mut names: BTreeSet<String> = leaves.iter().map(|leaf| leaf.name.clone()).collect();
        names.extend(["events".to_owned(), "links".to_owned()]);
        for (scope, prefix) in [
            (Scope::Span, "span."),
            (Scope::Resource, "resource."),
            (Scope::Instrumentation, "scope."),
        ] {
            attrs(&mut leaves, &mut names, catalogue, scope, prefix);
        }
        children(&mut leaves, catalogue, Scope::Event, &EVENT);
        children(&mut leaves, catalogue, Scope::Link, &LINK);
        Self { leaves }
    }

    /// The Arrow schema to write with: text columns come as dictionaries.
    pub(crate) fn written(&self) -> SchemaRef {
        self.schema(|_| dictionary())
    }

    /// The Arrow schema to read with: codes where the pages hold nothing else, views elsewhere.
    pub(crate) fn read(&self, codings: &[Coding]) -> Result<SchemaRef, Error> {
        if codings.len() != self.leaves.len() {
            return Err(Error::index(
                "catalogue",
                "columns and codings differ in number",
            ));
        }
        Ok(self.schema(|leaf| match codings[leaf] {
            Coding::Dictionary => dictionary(),
            Coding::Plain => DataType::Utf8View,
        }))
    }

    fn schema(&self, text: impl Fn(usize) -> DataType) -> SchemaRef {
        let mut fields: Vec<Field> = Vec::new();
        let mut nested: [(&str, Vec<Field>); 2] = [("events", Vec::new()), ("links", Vec::new())];
        for (at, leaf) in self.leaves.iter().enumerate() {
            let field = leaf.field(text(at));
            match leaf.list() {
                None => fields.push(field),
                Some(list) => nested[usize::from(list == "links")].1.push(field),
            }
        }
        for (name, children) in nested {
            let kind = DataType::List(element(children.into()));
            fields.push(Field::new(name, kind, false));
        }
        Arc::new(Schema::new(fields))
    }
}

/// The element of a list of events or links.
pub(crate) fn element(children: Fields) -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(children), false))
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn attrs(
    leaves: &mut Vec<Leaf>,
    names: &mut BTreeSet<String>,
    catalogue: &Catalogue,
    scope: Scope,
    prefix: &str,
) {
    // The overflow's name is taken first, so that no key of the same name can move it.
    let overflow = unique(names, format!("{prefix}overflow"));
    let mut any = false;
    for (at, key) in catalogue.of(scope).iter().enumerate() {
        for (rank, typed) in key.types.iter().enumerate() {
            if typed.place == Place::Overflow {
                any = true;
                continue;
            }
            let name = match rank {
                0 => format!("{prefix}{}", key.name),
                _ => format!("{prefix}{}:{}", key.name, typed.kind.suffix()),
            };
            leaves.push(Leaf {
                name: unique(names, name),
                what: What::Attr(scope, at, typed.kind),
                form: form_of(typed.kind),
                nullable: true,
            });
        }
    }
    if any {
        leaves.push(Leaf {
            name: overflow,
            what: What::Overflow(scope),
            form: Form::Text,
            nullable: true,
        });
    }
}

fn children(
    leaves: &mut Vec<Leaf>,
    catalogue: &Catalogue,
    scope: Scope,
    fixed: &[(Child, &str, Form, bool)],
) {
    let mut names = BTreeSet::new();
    for (child, name, form, nullable) in fixed {
        leaves.push(Leaf {
            name: unique(&mut names, (*name).to_owned()),
            what: What::Child(scope, *child),
            form: *form,
            nullable: *nullable,
        });
    }
    attrs(leaves, &mut names, catalogue, scope, "attribute.");
}

/// The name itself, or with a tick for each column that has it already.
fn unique(names: &mut BTreeSet<String>, mut name: String) -> String {
    while !names.insert(name.clone()) {
        name.push('\'');
    }
    name
}

const fn form_of(kind: Type) -> Form {
    match kind {
        Type::String | Type::Other => Form::Text,
        Type::Int => Form::I64,
        Type::Float => Form::F64,
        Type::Bool => Form::Bool,
    }
}
