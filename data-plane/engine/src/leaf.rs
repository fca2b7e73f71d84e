//! Leaves over whole columns: dictionaries and tables first, then codes.

use takt_trace::{AttrTable, Dict, KeyColumn, Sparse};
use takt_traceql::{BinaryOp, Field, Intrinsic, Scope, Static, What};

use crate::bitmap::Bitmap;
use crate::find::Search;
use crate::guard::{Guard, Stopped};
use crate::ints::Ints;
use crate::plan::{Child, Leaf};
use crate::row::{Spot, hex_of_span, hex_of_trace, of_scope, of_trace, since_start};
use crate::value::{self, Test, Val};

type Rows = Result<Bitmap, Stopped>;

impl Search<'_> {
    /// The rows among `candidates` for which the leaf holds.
    pub(crate) fn leaf(&self, leaf: &Leaf, candidates: &Bitmap) -> Rows {
        if leaf.field.parent {
            return self.leaf_of_parent(leaf, candidates);
        }
        let mut rows = match &leaf.field.what {
            What::Attribute(scope, key) => self.attribute(*scope, key, &leaf.test)?,
            What::Intrinsic(intrinsic) => self.intrinsic(*intrinsic, leaf, candidates)?,
        };
        rows.and(candidates);
        Ok(rows)
    }

    /// Decides the leaf on the parents, each once, then looks back from the children.
    fn leaf_of_parent(&self, leaf: &Leaf, candidates: &Bitmap) -> Rows {
        let family = &self.reader.family;
        let mut parents = self.none();
        self.guard.each(candidates.iter(), |row| {
            if let Some(parent) = family.parent(row) {
                parents.insert(parent);
            }
        })?;
        let leaf = Leaf {
            field: Field {
                parent: false,
                what: leaf.field.what.clone(),
            },
            test: leaf.test.clone(),
        };
        let parents = self.leaf(&leaf, &parents)?;
        self.filter(candidates, |row| {
            family.parent(row).is_some_and(|parent| parents.has(parent))
        })
    }

    /// The rows where the attribute passes the test.
    fn attribute(&self, scope: Scope, key: &str, test: &Test) -> Rows {
        let columns = self.columns;
        let of = |table: &AttrTable, rows: usize| match table.column(key) {
            None => Ok(Bitmap::none(rows)),
            Some(column) => passing(column, test, rows, &self.guard),
        };
        match scope {
            Scope::Any => self.nearest(key, test),
            Scope::Span => of(&columns.attrs, columns.len()),
            Scope::Resource => {
                let resources = of(&columns.resources.attrs, columns.resources.service.len())?;
                self.gather(&columns.resource, &resources)
            }
            Scope::Instrumentation => {
                let scopes = of(&columns.scopes.attrs, columns.scopes.name.len())?;
                self.gather(&columns.scope, &scopes)
            }
            Scope::Event => {
                let events = of(&columns.events.attrs, columns.events.span.len())?;
                self.spans_of(&columns.events.span, &events)
            }
            Scope::Link => {
                let links = of(&columns.links.attrs, columns.links.span.len())?;
                self.spans_of(&columns.links.span, &links)
            }
        }
    }

    /// An attribute without a scope: each row asks the first scope that has it.
    fn nearest(&self, key: &str, test: &Test) -> Rows {
        let (mut rows, mut decided) = (self.none(), self.none());
        for scope in [
            Scope::Span,
            Scope::Resource,
            Scope::Event,
            Scope::Link,
            Scope::Instrumentation,
        ] {
            let mut passing = self.attribute(scope, key, test)?;
            passing.subtract(&decided);
            rows.or(&passing);
            decided.or(&self.attribute(scope, key, &Test::Exists)?);
        }
        Ok(rows)
    }

    fn intrinsic(&self, intrinsic: Intrinsic, leaf: &Leaf, candidates: &Bitmap) -> Rows {
        let (columns, test) = (self.columns, &leaf.test);
        match intrinsic {
            Intrinsic::Duration => {
                let durations = &columns.duration;
                match Ints::passing(test, Val::Duration) {
                    Some(ints) => self
                        .guard
                        .select(candidates, durations, |nanos| ints.has(nanos.cast_signed())),
                    None => self.guard.select(candidates, durations, |nanos| {
                        test.holds(Val::Duration(nanos.cast_signed()))
                    }),
                }
            }
            Intrinsic::Name => {
                let names = on_texts(&columns.names, test, &self.guard)?;
                by_code(candidates, &columns.name, &names, &self.guard)
            }
            Intrinsic::Status => {
                let codes = on_codes(|code| test.holds(Val::Status(value::status(code))));
                let passes = |code| codes[usize::from(code)];
                self.guard.select(candidates, &columns.status, passes)
            }
            Intrinsic::Kind => {
                let codes = on_codes(|code| test.holds(Val::Kind(value::kind(code))));
                let passes = |code| codes[usize::from(code)];
                self.guard.select(candidates, &columns.kind, passes)
            }
            Intrinsic::StatusMessage => self.status_message(test, candidates),
            Intrinsic::SpanId => self.filter(candidates, |row| {
                test.holds(Val::Str(&hex_of_span(columns.span_id[row as usize])))
            }),
            Intrinsic::ParentId => self.filter(candidates, |row| {
                test.holds(Val::Str(&hex_of_span(columns.parent_id[row as usize])))
            }),
            Intrinsic::NestedSetParent if leaf.asks_for_roots() => {
                self.filter(candidates, |row| columns.parent_id[row as usize].is_zero())
            }
            Intrinsic::ChildCount => {
                let family = &self.reader.family;
                self.filter(candidates, |row| test.holds(Val::Int(family.children(row))))
            }
            Intrinsic::NestedSetLeft | Intrinsic::NestedSetRight | Intrinsic::NestedSetParent => {
                self.filter(candidates, |row| {
                    let mut holds = false;
                    let at = Spot::span(row);
                    self.reader
                        .field(&leaf.field, at, &mut |value| holds = test.holds(value));
                    holds
                })
            }
            Intrinsic::TraceId
            | Intrinsic::TraceRootName
            | Intrinsic::TraceRootService
            | Intrinsic::TraceDuration => {
                let mut traces = Bitmap::none(columns.traces.len());
                self.guard.each(indexes(columns.traces.len()), |trace| {
                    of_trace(columns, intrinsic, trace, &mut |value| {
                        if test.holds(value) {
                            traces.insert(trace);
                        }
                    });
                })?;
                self.gather(&columns.trace, &traces)
            }
            Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion => {
                let mut scopes = Bitmap::none(columns.scopes.name.len());
                self.guard.each(indexes(scopes.len()), |scope| {
                    if test.holds(of_scope(columns, intrinsic, scope)) {
                        scopes.insert(scope);
                    }
                })?;
                self.gather(&columns.scope, &scopes)
            }
            Intrinsic::EventName | Intrinsic::EventTimeSinceStart => {
                self.spans_of(&columns.events.span, &self.children(Child::Event, leaf)?)
            }
            Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => {
                self.spans_of(&columns.links.span, &self.children(Child::Link, leaf)?)
            }
        }
    }

    /// Spans without a message have an empty one.
    fn status_message(&self, test: &Test, candidates: &Bitmap) -> Rows {
        let columns = self.columns;
        let messages = on_texts(&columns.messages, test, &self.guard)?;
        let mut rows = if test.holds(Val::Str("")) {
            candidates.clone()
        } else {
            self.none()
        };
        let (mut with, mut without) = (self.none(), self.none());
        self.guard
            .each(columns.status_message.iter(), |(row, code)| {
                if messages.has(code) {
                    with.insert(row);
                } else {
                    without.insert(row);
                }
            })?;
        rows.or(&with);
        rows.subtract(&without);
        Ok(rows)
    }

    /// The rows of the event table, or of the link table, for which a leaf on those holds.
    pub(crate) fn children(&self, child: Child, leaf: &Leaf) -> Rows {
        let (columns, test) = (self.columns, &leaf.test);
        let (table, count) = match child {
            Child::Event => (&columns.events.attrs, columns.events.span.len()),
            Child::Link => (&columns.links.attrs, columns.links.span.len()),
        };
        let all = Bitmap::all(count);
        match &leaf.field.what {
            What::Attribute(_, key) => match table.column(key) {
                None => Ok(Bitmap::none(count)),
                Some(column) => passing(column, test, count, &self.guard),
            },
            What::Intrinsic(Intrinsic::EventName) => {
                let names = on_texts(&columns.events.names, test, &self.guard)?;
                self.filter(&all, |event| names.has(columns.events.name[event as usize]))
            }
            What::Intrinsic(Intrinsic::EventTimeSinceStart) => {
                self.filter(&all, |event| test.holds(since_start(columns, event)))
            }
            What::Intrinsic(Intrinsic::LinkTraceId) => self.filter(&all, |link| {
                let id = columns.links.trace_id[link as usize];
                test.holds(Val::Str(&hex_of_trace(id)))
            }),
            What::Intrinsic(_) => self.filter(&all, |link| {
                let id = columns.links.span_id[link as usize];
                test.holds(Val::Str(&hex_of_span(id)))
            }),
        }
    }

    pub(crate) fn none(&self) -> Bitmap {
        Bitmap::none(self.columns.len())
    }

    /// Those of `rows` that `keep` wants.
    pub(crate) fn filter(&self, rows: &Bitmap, keep: impl Fn(u32) -> bool) -> Rows {
        self.guard.filter(rows, keep)
    }

    /// The rows whose reference into a table points at one of `entries`.
    pub(crate) fn gather(&self, references: &[u32], entries: &Bitmap) -> Rows {
        let all = Bitmap::all(references.len());
        if entries.is_full() {
            return Ok(all);
        }
        by_code(&all, references, entries, &self.guard)
    }

    /// The spans that any of these events or links belongs to.
    pub(crate) fn spans_of(&self, span: &[u32], children: &Bitmap) -> Rows {
        let mut rows = self.none();
        self.guard
            .each(children.iter(), |child| rows.insert(span[child as usize]))?;
        Ok(rows)
    }
}

pub(crate) fn indexes(len: usize) -> std::ops::Range<u32> {
    0..u32::try_from(len).expect("rows are u32 by construction")
}

/// The rows of one attribute whose value passes the test.
fn passing(column: &KeyColumn, test: &Test, rows: usize, guard: &Guard<'_>) -> Rows {
    let mut passing = Bitmap::none(rows);
    let texts = on_texts(&column.strings, test, guard)?;
    let others = on_entries(&column.others, guard, |bytes| test.holds(Val::Other(bytes)))?;
    let bools = [false, true].map(|flag| test.holds(Val::Bool(flag)));
    coded(&column.string, &texts, &mut passing, guard)?;
    coded(&column.other, &others, &mut passing, guard)?;
    match Ints::passing(test, Val::Int) {
        Some(ints) => valued(&column.int, |v| ints.has(v), &mut passing, guard)?,
        None => valued(
            &column.int,
            |v| test.holds(Val::Int(v)),
            &mut passing,
            guard,
        )?,
    }
    valued(&column.bool, |v| bools[usize::from(v)], &mut passing, guard)?;
    let floats = |v| test.holds(Val::Float(v));
    valued(&column.float, floats, &mut passing, guard)?;
    Ok(passing)
}

/// The rows among `rows` whose code is one of `codes`; every row has a code.
fn by_code(rows: &Bitmap, column: &[u32], codes: &Bitmap, guard: &Guard<'_>) -> Rows {
    match codes.only() {
        _ if codes.is_empty() => Ok(Bitmap::none(rows.len())),
        Some(only) => guard.select(rows, column, |code| code == only),
        None => guard.select(rows, column, |code| codes.has(code)),
    }
}

/// Adds the rows whose code is one of `codes`.
fn coded(
    column: &Sparse<u32>,
    codes: &Bitmap,
    passing: &mut Bitmap,
    guard: &Guard<'_>,
) -> Result<(), Stopped> {
    match codes.only() {
        _ if codes.is_empty() => Ok(()),
        Some(only) => valued(column, |code| code == only, passing, guard),
        None => valued(column, |code| codes.has(code), passing, guard),
    }
}

/// Adds the rows whose value `holds`.
fn valued<T: Copy>(
    column: &Sparse<T>,
    holds: impl Fn(T) -> bool,
    passing: &mut Bitmap,
    guard: &Guard<'_>,
) -> Result<(), Stopped> {
    if column.len() == passing.len() {
        passing.or(&guard.select(&Bitmap::all(passing.len()), &column.values, holds)?);
        return Ok(());
    }
    guard.pieces(column.len(), |piece| {
        let rows = &column.rows[piece.clone()];
        for (row, value) in rows.iter().zip(&column.values[piece]) {
            if holds(*value) {
                passing.insert(*row);
            }
        }
    })
}

/// The codes of the texts that pass the test.
fn on_texts(texts: &Dict, test: &Test, guard: &Guard<'_>) -> Rows {
    match test {
        Test::Compare(BinaryOp::Eq, Static::String(text)) => {
            let mut codes = Bitmap::none(texts.len());
            if let Some(code) = texts.find(text.as_bytes()) {
                codes.insert(code);
            }
            Ok(codes)
        }
        Test::OneOf {
            negated: false,
            literals,
        } => {
            let mut codes = Bitmap::none(texts.len());
            for literal in literals {
                if let Static::String(text) = literal
                    && let Some(code) = texts.find(text.as_bytes())
                {
                    codes.insert(code);
                }
            }
            Ok(codes)
        }
        test => on_entries(texts, guard, |bytes| {
            test.holds(Val::Str(std::str::from_utf8(bytes).unwrap_or_default()))
        }),
    }
}

fn on_entries(entries: &Dict, guard: &Guard<'_>, holds: impl Fn(&[u8]) -> bool) -> Rows {
    let mut codes = Bitmap::none(entries.len());
    guard.each(
        indexes(entries.len()).zip(entries.iter()),
        |(code, bytes)| {
            if holds(bytes) {
                codes.insert(code);
            }
        },
    )?;
    Ok(codes)
}

/// The verdict on every number that one byte can hold.
fn on_codes(holds: impl Fn(u8) -> bool) -> [bool; 256] {
    let mut verdicts = [false; 256];
    for code in 0..=u8::MAX {
        verdicts[usize::from(code)] = holds(code);
    }
    verdicts
}
