//! The whole of a query: its body, the order of its answer, its hints.

use crate::error::ParseError;
use crate::parser::Parser;
use crate::pipeline::Part;
use crate::query::{Body, Hint, Order, OrderKey, Pipeline, Query, Spansets, Stage};
use crate::token::{Token, lex};
use crate::tree::{Expr, Filter};
use crate::validate;

/// Parses and validates a query.
///
/// # Errors
/// When the query is no TraceQL, has types that do not fit, or asks for what cannot be run.
pub fn parse(query: &str) -> Result<Query, ParseError> {
    read(query).map(|(query, _)| query)
}

/// Parses a query of one spanset filter and nothing else.
///
/// # Errors
/// When the query is no TraceQL, does not validate, or is more than a filter.
pub fn parse_filter(query: &str) -> Result<Filter, ParseError> {
    let Query { body, order, hints } = parse(query)?;
    let more = |what: &str| Err(ParseError::Unsupported(what.to_owned()));
    let mut stages = match body {
        Body::Metrics(_) => return more("metrics queries where a filter is asked for are"),
        Body::Search(Pipeline { stages }) => stages,
    };
    if order.is_some() || !hints.is_empty() {
        return more("hints and orders where a filter is asked for are");
    }
    match (stages.pop(), stages.is_empty()) {
        (Some(Stage::Spansets(Spansets::Filter(filter))), true) => Ok(filter),
        (Some(Stage::Spansets(_)), true) => {
            more("operators between spansets where a filter is asked for are")
        }
        _ => more("pipelines where a filter is asked for are"),
    }
}

/// What is legal in a query and may yet be meant otherwise. Empty for what is no query.
#[must_use]
pub fn warnings(query: &str) -> Vec<String> {
    read(query).map_or_else(|_| Vec::new(), |(_, warnings)| warnings)
}

fn read(text: &str) -> Result<(Query, Vec<String>), ParseError> {
    let lexemes = lex(text)?;
    let mut parser = Parser::new(text, &lexemes);
    let query = parser.query()?;
    if parser.is_extreme() {
        // What is parsed can be printed and parsed again; other nodes and caches rely on it.
        let canonical = query.to_string();
        Parser::new(&canonical, &lex(&canonical)?).query()?;
    }
    validate::query(&query)?;
    Ok((query, parser.warnings.0))
}

impl Parser<'_> {
    pub(crate) fn query(&mut self) -> Result<Query, ParseError> {
        let body = match self.pipeline()? {
            Part::Spansets(spansets) => Body::Search(Pipeline {
                stages: vec![Stage::Spansets(spansets)],
            }),
            Part::Stage(stage) => Body::Search(Pipeline {
                stages: vec![stage],
            }),
            Part::Pipeline(pipeline) => Body::Search(pipeline),
            Part::Metrics(expr) => Body::Metrics(expr),
            Part::Number(_) | Part::Scalar(_) | Part::ScalarPipeline => {
                return Err(self.unexpected_instead_of("a comparison, which makes it a filter"));
            }
        };
        let mut query = Query {
            body,
            order: None,
            hints: Vec::new(),
        };
        let searches = matches!(query.body, Body::Search(_));
        if searches && self.peek().token == Token::Pipe {
            self.advance();
            query.order = Some(self.order()?);
        }
        // Of several lists the last one counts.
        while self.eat_word("with") {
            query.hints = self.parenthesised(Self::hints)?;
        }
        if self.peek().token != Token::End {
            return Err(self.unexpected_instead_of("`|`, `with` or the end of the query"));
        }
        Ok(query)
    }

    /// `order by duration`, `order by start asc`
    fn order(&mut self) -> Result<Order, ParseError> {
        if !self.eat_word("order") || !self.eat_word("by") {
            return Err(self.unexpected_instead_of("`order by`"));
        }
        let key = match self.peek().text {
            "start" => OrderKey::Start,
            "duration" => OrderKey::Duration,
            _ => return Err(self.unexpected(&["start", "duration"])),
        };
        self.advance();
        let ascending = self.eat_word("asc");
        if !ascending {
            self.eat_word("desc");
        }
        Ok(Order { key, ascending })
    }

    /// `name = literal, …`
    fn hints(&mut self) -> Result<Vec<Hint>, ParseError> {
        let mut hints = Vec::new();
        loop {
            let name = self.peek();
            self.expect(Token::Word, "IDENTIFIER")?;
            self.expect(Token::Eq, "=")?;
            let Expr::Static(value) = self.operand()? else {
                return Err(self.unexpected_instead_of("a literal"));
            };
            let name = name.text.to_owned();
            hints.push(Hint { name, value });
            if !self.eat(Token::Comma) {
                return Ok(hints);
            }
        }
    }
}
