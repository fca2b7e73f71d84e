//! YAML text to a tree in which every word knows its place.
//!
//! Scalars stay text: what a text means is for the field that asks. Anchors, aliases and tags
//! are refused; a configuration that has to be computed is harder to read than a longer one.

use std::borrow::Cow;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::problem::{Place, Problem};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing was written: an empty value, `~` or `null`.
    Empty,
    Text(String),
    List,
    Map(Vec<Pair>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Node,
}

/// Reads the only document of `text`; an empty text is an empty document.
///
/// # Errors
/// At the first place where the text is not YAML, or is YAML that is refused here.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
    };
    let start = Place {
        line: 1,
        column: 1,
        width: 1,
    };
    let mut root = None;
    loop {
        let (event, place) = builder.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            _ if root.is_some() => {
                return Err(problem(
                    place,
                    "a second document begins here; one file holds one configuration",
                ));
            }
            other => root = Some(builder.node(other, place)?),
        }
    }
    Ok(root.unwrap_or(Node {
        place: start,
        kind: Kind::Empty,
    }))
}

struct Builder<'a> {
    parser: Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Place), Problem> {
        loop {
            match self.parser.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => return Ok((event, place(&span))),
                Some(Err(error)) => return Err(not_yaml(&error)),
                None => {
                    return Ok((
                        Event::StreamEnd,
                        Place {
                            line: 1,
                            column: 1,
                            width: 1,
                        },
                    ));
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, place: Place) -> Result<Node, Problem> {
        let kind = match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some(), place)?;
                scalar(text, style)
            }
            Event::SequenceStart(_, anchor, tag) => {
                plain(anchor, tag.is_some(), place)?;
                self.list()?;
                Kind::List
            }
            Event::MappingStart(_, anchor, tag) => {
                plain(anchor, tag.is_some(), place)?;
                Kind::Map(self.map()?)
            }
            _ => {
                return Err(problem(
                    place,
                    "aliases are not supported; write the value out",
                ));
            }
        };
        Ok(Node { place, kind })
    }

    fn list(&mut self) -> Result<(), Problem> {
        loop {
            let (event, place) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(());
            }
            self.node(event, place)?;
        }
    }

    fn map(&mut self) -> Result<Vec<Pair>, Problem> {
        let mut pairs = Vec::new();
        loop {
            let (event, key_place) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(pairs);
            }
            let Event::Scalar(key, _, 0, None) = event else {
                return Err(problem(
                    key_place,
                    "expected the name of a field, a plain word",
                ));
            };
            let (event, place) = self.next()?;
            let value = self.node(event, place)?;
            pairs.push(Pair {
                key: key.into_owned(),
                key_place,
                value,
            });
        }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Kind {
    match (style, text.as_ref()) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Kind::Empty,
        _ => Kind::Text(text.into_owned()),
    }
}

fn plain(anchor: usize, tagged: bool, place: Place) -> Result<(), Problem> {
    if anchor == 0 && !tagged {
        Ok(())
    } else {
        Err(problem(
            place,
            "anchors and tags are not supported; write the value out",
        ))
    }
}

fn place(span: &Span) -> Place {
    let width = if span.end.line() == span.start.line() {
        span.end.col().saturating_sub(span.start.col())
    } else {
        usize::MAX
    };
    Place {
        line: span.start.line(),
        column: span.start.col() + 1,
        width,
    }
}

fn not_yaml(error: &ScanError) -> Problem {
    let place = Place {
        line: error.marker().line(),
        column: error.marker().col() + 1,
        width: 1,
    };
    problem(place, &format!("not YAML: {}", error.info()))
}

fn problem(place: Place, message: &str) -> Problem {
    Problem {
        place,
        path: String::new(),
        message: message.to_owned(),
    }
}
