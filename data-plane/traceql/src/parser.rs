//! Where the parser stands in the tokens, what it may still spend, and how it says no.

use crate::error::{Expected, ParseError, Problem};
use crate::pattern::Pattern;
use crate::token::{self, Lexeme, Token};
use crate::tree::Static;
use crate::warning::Warnings;

/// How many operators and stages one query may have. Bounds the recursion over the tree.
const MAX_OPERATORS: usize = 1_000;
/// How deep parentheses and prefixes may nest. Bounds the recursion of the parser.
const MAX_DEPTH: usize = 100;
/// What the compiled regular expressions of one query may take together.
const MAX_PATTERN_BYTES: usize = 64 << 20;

pub(crate) struct Parser<'a> {
    query: &'a str,
    lexemes: &'a [Lexeme<'a>],
    next: usize,
    operators: usize,
    depth: usize,
    deepest: usize,
    pattern_bytes: usize,
    pub(crate) warnings: Warnings,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(query: &'a str, lexemes: &'a [Lexeme<'a>]) -> Self {
        Self {
            query,
            lexemes,
            next: 0,
            operators: 0,
            depth: 0,
            deepest: 0,
            pattern_bytes: 0,
            warnings: Warnings::default(),
        }
    }

    pub(crate) fn peek(&self) -> Lexeme<'a> {
        self.lexemes[self.next.min(self.lexemes.len() - 1)]
    }

    pub(crate) fn peek_second(&self) -> Lexeme<'a> {
        self.lexemes[(self.next + 1).min(self.lexemes.len() - 1)]
    }

    pub(crate) fn advance(&mut self) -> Lexeme<'a> {
        let lexeme = self.peek();
        self.next += 1;
        lexeme
    }

    pub(crate) fn eat(&mut self, token: Token) -> bool {
        let found = self.peek().token == token;
        self.next += usize::from(found);
        found
    }

    pub(crate) fn at_word(&self, word: &str) -> bool {
        is_word(self.peek(), word)
    }

    pub(crate) fn second_is_word(&self, word: &str) -> bool {
        is_word(self.peek_second(), word)
    }

    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        self.next += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, token: Token, name: &'static str) -> Result<(), ParseError> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(self.unexpected(&[name]))
        }
    }

    /// The error that the next token is none of those that may stand here.
    pub(crate) fn unexpected(&self, expected: &[&'static str]) -> ParseError {
        self.unexpected_at(self.peek(), Expected::Tokens(expected.to_vec()))
    }

    /// The error that the next token is not what is described.
    pub(crate) fn unexpected_instead_of(&self, wanted: &'static str) -> ParseError {
        self.unexpected_at(self.peek(), Expected::Any(wanted))
    }

    pub(crate) fn unexpected_at(&self, found: Lexeme<'_>, expected: Expected) -> ParseError {
        token::unexpected(self.query, found, expected)
    }

    pub(crate) fn problem(&self, at: Lexeme<'_>, problem: Problem) -> ParseError {
        token::syntax(self.query, at.at, problem)
    }

    /// Counts one operator or stage.
    pub(crate) fn count(&mut self) -> Result<(), ParseError> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(self.too_much());
        }
        Ok(())
    }

    /// Runs `inner` one level deeper.
    pub(crate) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.too_much());
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Takes a parenthesis, within as many others.
    pub(crate) fn open(&mut self, others: usize) -> Result<(), ParseError> {
        if others == MAX_OPERATORS {
            return Err(self.too_much());
        }
        self.advance();
        Ok(())
    }

    /// Whether the canonical text might nest deeper than can be read, though the text at hand did not.
    pub(crate) fn is_extreme(&self) -> bool {
        self.deepest > MAX_DEPTH / 5 || self.operators > MAX_DEPTH / 5
    }

    pub(crate) fn too_much(&self) -> ParseError {
        let problem = Problem::TooMuch("the expression is too deep or too long");
        self.problem(self.peek(), problem)
    }

    /// Compiles a regular expression, within what all of the query may take.
    pub(crate) fn pattern(&mut self, at: Lexeme<'_>, text: &str) -> Result<Pattern, ParseError> {
        let (pattern, bytes) = Pattern::compile(text).map_err(|cause| ParseError::Regex {
            pattern: Static::String(text.to_owned()).to_string(),
            cause: cause.to_string(),
        })?;
        self.pattern_bytes += bytes;
        if self.pattern_bytes > MAX_PATTERN_BYTES {
            let problem = Problem::TooMuch("the regular expressions are too large together");
            return Err(self.problem(at, problem));
        }
        Ok(pattern)
    }

    /// `(`, what is inside, `)`.
    pub(crate) fn parenthesised<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        self.expect(Token::OpenParen, "(")?;
        let inside = inside(self)?;
        self.expect(Token::CloseParen, ")")?;
        Ok(inside)
    }
}

fn is_word(lexeme: Lexeme<'_>, word: &str) -> bool {
    lexeme.token == Token::Word && lexeme.text == word
}
