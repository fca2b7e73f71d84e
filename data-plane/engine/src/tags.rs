//! Names and values of tags, for autocomplete.

use std::collections::{BTreeMap, BTreeSet};

use takt_model::TimeRange;
use takt_trace::{AttrTable, KeyColumn, SpanColumns, Sparse};
use takt_traceql::{Field, Filter, Intrinsic, Scope, What};

use crate::array;
use crate::bitmap::Bitmap;
use crate::find::Search;
use crate::guard::{self, Guard, Stopped};
use crate::plan::plan;
use crate::row::{Spot, of_scope, of_trace};
use crate::value::Val;

/// Where a tag is. The order is that of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagScope {
    Resource,
    Span,
    Event,
    Link,
    Instrumentation,
}

impl TagScope {
    pub const ALL: [Self; 5] = [
        Self::Resource,
        Self::Span,
        Self::Event,
        Self::Link,
        Self::Instrumentation,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Span => "span",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }
}

/// How large an answer may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Distinct names of each scope, or distinct values; 0 for no bound.
    pub entries: usize,
    /// Bytes of all names or values together; 0 for no bound.
    pub bytes: usize,
}

impl Bounds {
    pub const NONE: Self = Self {
        entries: 0,
        bytes: 0,
    };
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagNames {
    /// Scopes without names are left out.
    pub scopes: BTreeMap<TagScope, BTreeSet<String>>,
    /// Whether a bound left some names out.
    pub cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagValueType {
    String,
    Int,
    Float,
    Bool,
}

impl TagValueType {
    /// The word of the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagValue {
    pub kind: TagValueType,
    pub text: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagValues {
    pub values: BTreeSet<TagValue>,
    /// Whether a bound left some values out.
    pub cut: bool,
}

/// The names of the attributes that spans have: of those that match `filter`, in traces that overlap `window`.
///
/// With a filter only names of resources and spans are listed, as in Tempo.
///
/// # Errors
/// When `keep_going` says no.
pub fn tag_names(
    columns: &SpanColumns,
    scope: Option<TagScope>,
    filter: Option<&Filter>,
    window: TimeRange,
    bounds: Bounds,
    keep_going: &dyn Fn() -> bool,
) -> Result<TagNames, Stopped> {
    let filter = filter.filter(|filter| filter.expr.is_some());
    let evaluation = guard::Scope::new(window, keep_going);
    let search = Search::new(columns, &evaluation);
    let mut rows = search.candidates(&evaluation)?;
    if let Some(filter) = filter {
        rows = search.node(&plan(filter), &rows)?;
    }
    let mut names = TagNames::default();
    let mut bytes = 0;
    for at in TagScope::ALL {
        let asked = scope.is_none_or(|scope| scope == at);
        let listed = filter.is_none() || matches!(at, TagScope::Resource | TagScope::Span);
        if !asked || !listed {
            continue;
        }
        let (table, present) = search.table(at, &rows)?;
        let mut found = BTreeSet::new();
        for (name, column) in table.iter() {
            if !has_any(column, &present, &search.guard)? {
                continue;
            }
            let over = |bound: usize, size: usize| bound != 0 && size > bound;
            if over(bounds.entries, found.len() + 1) || over(bounds.bytes, bytes + name.len()) {
                names.cut = true;
                continue;
            }
            bytes += name.len();
            found.insert(name.to_owned());
        }
        if !found.is_empty() {
            names.scopes.insert(at, found);
        }
    }
    Ok(names)
}

/// The values that `field` has: on spans that match `filter`, in traces that overlap `window`.
///
/// Durations and what is told by numbers alone (ids, places in the tree) have no list of values.
///
/// # Errors
/// When `keep_going` says no.
pub fn tag_values(
    columns: &SpanColumns,
    field: &Field,
    filter: Option<&Filter>,
    window: TimeRange,
    bounds: Bounds,
    keep_going: &dyn Fn() -> bool,
) -> Result<TagValues, Stopped> {
    let evaluation = guard::Scope::new(window, keep_going);
    let search = Search::new(columns, &evaluation);
    let mut rows = search.candidates(&evaluation)?;
    if let Some(filter) = filter {
        rows = search.node(&plan(filter), &rows)?;
    }
    let mut listing = Listing {
        found: TagValues::default(),
        bytes: 0,
        bounds,
    };
    match &field.what {
        _ if field.parent => search.guard.each(rows.iter(), |row| {
            search
                .reader
                .field(field, Spot::span(row), &mut |value| listing.add(value));
        })?,
        What::Attribute(scope, key) => {
            for at in TagScope::ALL.into_iter().filter(|at| is_in(*scope, *at)) {
                let (table, present) = search.table(at, &rows)?;
                if let Some(column) = table.column(key) {
                    search.values_of(column, &present, &mut listing)?;
                }
            }
        }
        What::Intrinsic(intrinsic) => search.intrinsic_values(*intrinsic, &rows, &mut listing)?,
    }
    Ok(listing.found)
}

fn is_in(scope: Scope, at: TagScope) -> bool {
    match scope {
        Scope::Any => true,
        Scope::Span => at == TagScope::Span,
        Scope::Resource => at == TagScope::Resource,
        Scope::Event => at == TagScope::Event,
        Scope::Link => at == TagScope::Link,
        Scope::Instrumentation => at == TagScope::Instrumentation,
    }
}

/// The values so far.
struct Listing {
    found: TagValues,
    bytes: usize,
    bounds: Bounds,
}

impl Listing {
    fn add(&mut self, value: Val<'_>) {
        let (kind, text) = match value {
            Val::Str(text) => (TagValueType::String, text.to_owned()),
            Val::Int(number) => (TagValueType::Int, number.to_string()),
            Val::Float(number) => (TagValueType::Float, number.to_string()),
            Val::Bool(flag) => (TagValueType::Bool, flag.to_string()),
            Val::Other(encoded) => {
                let elements = array::elements(encoded).unwrap_or_default();
                return elements.iter().for_each(|e| self.add(array::borrow(e)));
            }
            Val::Duration(_) | Val::Status(_) | Val::Kind(_) => return,
        };
        let value = TagValue { kind, text };
        if self.found.values.contains(&value) {
            return;
        }
        let over = |bound: usize, size: usize| bound != 0 && size > bound;
        if over(self.bounds.entries, self.found.values.len() + 1)
            || over(self.bounds.bytes, self.bytes + value.text.len())
        {
            self.found.cut = true;
            return;
        }
        self.bytes += value.text.len();
        self.found.values.insert(value);
    }
}

impl<'a> Search<'a> {
    /// The attributes of a scope, and which entries of its table `rows` have.
    fn table(&self, at: TagScope, rows: &Bitmap) -> Result<(&'a AttrTable, Bitmap), Stopped> {
        let columns = self.columns;
        Ok(match at {
            TagScope::Span => (&columns.attrs, rows.clone()),
            TagScope::Resource => (
                &columns.resources.attrs,
                self.scatter(rows, &columns.resource, columns.resources.service.len())?,
            ),
            TagScope::Instrumentation => (
                &columns.scopes.attrs,
                self.scatter(rows, &columns.scope, columns.scopes.name.len())?,
            ),
            TagScope::Event => (
                &columns.events.attrs,
                self.children_of(rows, &columns.events.span)?,
            ),
            TagScope::Link => (
                &columns.links.attrs,
                self.children_of(rows, &columns.links.span)?,
            ),
        })
    }

    /// The entries of a table that `rows` point at.
    fn scatter(
        &self,
        rows: &Bitmap,
        references: &[u32],
        entries: usize,
    ) -> Result<Bitmap, Stopped> {
        let mut found = Bitmap::none(entries);
        self.guard
            .each(rows.iter(), |row| found.insert(references[row as usize]))?;
        Ok(found)
    }

    fn children_of(&self, rows: &Bitmap, span: &[u32]) -> Result<Bitmap, Stopped> {
        self.filter(&Bitmap::all(span.len()), |child| {
            rows.has(span[child as usize])
        })
    }

    fn values_of(
        &self,
        column: &KeyColumn,
        rows: &Bitmap,
        listing: &mut Listing,
    ) -> Result<(), Stopped> {
        let guard = &self.guard;
        let texts = self.distinct(&column.string, rows)?;
        guard.each(texts.iter(), |code| {
            listing.add(Val::Str(column.strings.text(*code)));
        })?;
        let others = self.distinct(&column.other, rows)?;
        guard.each(others.iter(), |code| {
            listing.add(Val::Other(column.others.get(*code)));
        })?;
        let ints = self.distinct(&column.int, rows)?;
        guard.each(ints.iter(), |number| listing.add(Val::Int(*number)))?;
        let flags = self.distinct(&column.bool, rows)?;
        guard.each(flags.iter(), |flag| listing.add(Val::Bool(*flag)))?;
        let mut floats = BTreeSet::new();
        guard.each(column.float.iter(), |(row, number)| {
            if rows.has(row) {
                floats.insert(number.to_bits());
            }
        })?;
        guard.each(floats.iter(), |bits| {
            listing.add(Val::Float(f64::from_bits(*bits)));
        })
    }

    /// The values or codes that `rows` have in one column.
    fn distinct<T: Copy + Ord>(
        &self,
        column: &Sparse<T>,
        rows: &Bitmap,
    ) -> Result<BTreeSet<T>, Stopped> {
        let mut found = BTreeSet::new();
        self.guard.each(column.iter(), |(row, value)| {
            if rows.has(row) {
                found.insert(value);
            }
        })?;
        Ok(found)
    }

    fn intrinsic_values(
        &self,
        intrinsic: Intrinsic,
        rows: &Bitmap,
        listing: &mut Listing,
    ) -> Result<(), Stopped> {
        let columns = self.columns;
        let guard = &self.guard;
        match intrinsic {
            Intrinsic::Name => {
                let names = self.scatter(rows, &columns.name, columns.names.len())?;
                guard.each(names.iter(), |code| {
                    listing.add(Val::Str(columns.names.text(code)))
                })
            }
            // As Tempo lists them: by their numbers on the wire.
            Intrinsic::Status => self.numbers(rows, &columns.status, listing),
            Intrinsic::Kind => self.numbers(rows, &columns.kind, listing),
            Intrinsic::StatusMessage => {
                let mut codes = Bitmap::none(columns.messages.len());
                guard.each(columns.status_message.iter(), |(row, code)| {
                    if rows.has(row) {
                        codes.insert(code);
                    }
                })?;
                guard.each(codes.iter(), |code| {
                    listing.add(Val::Str(columns.messages.text(code)))
                })
            }
            Intrinsic::TraceRootName | Intrinsic::TraceRootService => {
                let traces = self.scatter(rows, &columns.trace, columns.traces.len())?;
                guard.each(traces.iter(), |trace| {
                    of_trace(columns, intrinsic, trace, &mut |value| {
                        if value != Val::Str("") {
                            listing.add(value);
                        }
                    });
                })
            }
            Intrinsic::EventName => {
                let events = self.children_of(rows, &columns.events.span)?;
                let names =
                    self.scatter(&events, &columns.events.name, columns.events.names.len())?;
                guard.each(names.iter(), |code| {
                    listing.add(Val::Str(columns.events.names.text(code)));
                })
            }
            Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion => {
                let scopes = self.scatter(rows, &columns.scope, columns.scopes.name.len())?;
                guard.each(scopes.iter(), |scope| {
                    let value = of_scope(columns, intrinsic, scope);
                    if value != Val::Str("") {
                        listing.add(value);
                    }
                })
            }
            Intrinsic::Duration
            | Intrinsic::TraceDuration
            | Intrinsic::EventTimeSinceStart
            | Intrinsic::ChildCount
            | Intrinsic::SpanId
            | Intrinsic::ParentId
            | Intrinsic::TraceId
            | Intrinsic::LinkTraceId
            | Intrinsic::LinkSpanId
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => Ok(()),
        }
    }

    fn numbers(&self, rows: &Bitmap, codes: &[u8], listing: &mut Listing) -> Result<(), Stopped> {
        let mut seen = [false; 256];
        self.guard.each(rows.iter(), |row| {
            seen[usize::from(codes[row as usize])] = true
        })?;
        (0..=u8::MAX)
            .filter(|code| seen[usize::from(*code)])
            .for_each(|code| listing.add(Val::Int(i64::from(code))));
        Ok(())
    }
}

/// Whether any of `rows` has a value of this key.
fn has_any(column: &KeyColumn, rows: &Bitmap, guard: &Guard<'_>) -> Result<bool, Stopped> {
    guard.check()?;
    Ok([
        &column.string.rows,
        &column.int.rows,
        &column.float.rows,
        &column.bool.rows,
        &column.other.rows,
    ]
    .into_iter()
    .any(|keyed| keyed.iter().any(|row| rows.has(*row))))
}
