//! Unfinished queries, as an editor sends them to ask for the tags and values that still fit.
//!
//! Complete matchers are kept. What is incomplete or wrong holds for every span, and so does an `||`
//! with it on one side: a suggestion too many does no harm, one that is missing does.

use crate::parser::Parser;
use crate::token::{Lexeme, Token, lex};
use crate::tree::{BinaryOp, Expr, Filter};
use crate::validate;

/// What could be made of an unfinished query.
#[derive(Debug, Clone, PartialEq)]
pub struct Lenient {
    pub filter: Filter,
    /// How many groups of `&&` the filter falls into when its `||` are spread out; the API bounds them.
    pub groups: usize,
}

/// Reads as much of `query` as can be read. Whatever cannot be read matches every span.
///
/// Which of several filters is being written cannot be seen, so a span counts that passes any of those
/// between which operators stand. Stages after a `|` only take spans away, and are not looked at.
#[must_use]
pub fn lenient(query: &str) -> Lenient {
    let expr = lex_prefix(query).and_then(|lexemes| {
        let filters = filters(&lexemes);
        let tokens: usize = filters.iter().map(|inside| inside.len()).sum();
        if filters.is_empty() || tokens + filters.len() > MAX_TOKENS {
            return None;
        }
        let conditions = filters.iter().map(|inside| read(query, inside, 0));
        let whole = conditions.reduce(|left, right| join(BinaryOp::Or, left, right));
        whole.flatten()
    });
    let groups = expr.as_ref().map_or(1, groups);
    Lenient {
        filter: Filter { expr },
        groups,
    }
}

/// What stands between braces, where no `|` comes before within the same parentheses.
fn filters<'l, 'a>(lexemes: &'l [Lexeme<'a>]) -> Vec<&'l [Lexeme<'a>]> {
    let (mut found, mut opened) = (Vec::new(), None);
    // Whether a `|` came before: within the innermost parentheses, and within those around it.
    let (mut after_pipe, mut outer) = (false, Vec::new());
    for (i, lexeme) in lexemes.iter().enumerate() {
        match (lexeme.token, opened) {
            (Token::CloseBrace | Token::End, Some(start)) => {
                found.push(&lexemes[start..i]);
                opened = None;
            }
            (_, Some(_)) => {}
            (Token::OpenBrace, None) if !after_pipe => opened = Some(i + 1),
            (Token::OpenParen, None) => outer.push(after_pipe),
            (Token::CloseParen, None) => after_pipe = outer.pop().unwrap_or(after_pipe),
            (Token::Pipe, None) => after_pipe = true,
            (_, None) => {}
        }
    }
    found
}

/// The tokens of the longest start of `query` that has any: an open quote ends the text early.
fn lex_prefix(query: &str) -> Option<Vec<Lexeme<'_>>> {
    lex(query).ok().or_else(|| {
        let quote = query.rfind(['"', '`'])?;
        lex(&query[..quote]).ok()
    })
}

/// A longer text is none that a person is editing; bounds the recursion over the tree.
const MAX_TOKENS: usize = 2_000;
/// How deep parentheses are followed.
const MAX_DEPTH: usize = 50;

/// The condition that `lexemes` state, or `None` where they hold for every span.
fn read(query: &str, lexemes: &[Lexeme<'_>], depth: usize) -> Option<Expr> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut parts = split(lexemes).into_iter();
    let (_, first) = parts.next()?;
    let mut whole = part(query, first, depth);
    for (op, lexemes) in parts {
        let next = part(query, lexemes, depth);
        whole = join(op, whole, next);
    }
    whole
}

/// `left op right`, where nothing holds for every span.
fn join(op: BinaryOp, left: Option<Expr>, right: Option<Expr>) -> Option<Expr> {
    match (op, left, right) {
        (_, Some(left), Some(right)) => Some(Expr::binary(op, left, right)),
        (BinaryOp::Or, _, _) => None,
        (_, left, right) => left.or(right),
    }
}

/// Splits at every `&&` and `||` outside of parentheses; each part has the operator before it.
fn split<'l, 'a>(lexemes: &'l [Lexeme<'a>]) -> Vec<(BinaryOp, &'l [Lexeme<'a>])> {
    let mut parts = Vec::new();
    let (mut op, mut start, mut depth) = (BinaryOp::And, 0, 0usize);
    for (i, lexeme) in lexemes.iter().enumerate() {
        let next = match lexeme.token {
            Token::OpenParen => {
                depth += 1;
                continue;
            }
            Token::CloseParen => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Token::And if depth == 0 => BinaryOp::And,
            Token::Or if depth == 0 => BinaryOp::Or,
            _ => continue,
        };
        parts.push((op, &lexemes[start..i]));
        (op, start) = (next, i + 1);
    }
    parts.push((op, &lexemes[start..]));
    parts
}

fn part(query: &str, lexemes: &[Lexeme<'_>], depth: usize) -> Option<Expr> {
    let (first, last) = (lexemes.first()?, lexemes.last()?);
    if let Some(expr) = strict(query, lexemes) {
        return Some(expr);
    }
    if first.token != Token::OpenParen {
        return None;
    }
    let end = lexemes.len() - usize::from(last.token == Token::CloseParen && lexemes.len() > 1);
    read(query, &lexemes[1..end], depth + 1)
}

/// A part that is complete and sound.
fn strict(query: &str, lexemes: &[Lexeme<'_>]) -> Option<Expr> {
    let mut ended = lexemes.to_vec();
    ended.push(Lexeme {
        token: Token::End,
        text: "$end",
        at: query.len(),
    });
    let mut parser = Parser::new(query, &ended);
    let expr = parser.expression().ok()?;
    (parser.peek().token == Token::End && validate::condition(&expr).is_ok()).then_some(expr)
}

fn groups(expr: &Expr) -> usize {
    match expr {
        Expr::Binary {
            op: BinaryOp::And,
            left,
            right,
        } => groups(left).saturating_mul(groups(right)),
        Expr::Binary {
            op: BinaryOp::Or,
            left,
            right,
        } => groups(left).saturating_add(groups(right)),
        _ => 1,
    }
}
