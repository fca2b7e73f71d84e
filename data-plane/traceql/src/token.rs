//! Text to tokens. Attribute names with their scope are one token, as `span.foo+1` is one name.

use logos::Logos;

use crate::error::{Expected, ParseError, Problem};
use crate::names;

#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(skip r"[ \t\r\n\f]+")]
#[logos(skip(r"//[^\n]*", allow_greedy = true))]
#[logos(skip r"/\*([^*]|\*+[^*/])*\*+/")]
pub(crate) enum Token {
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token("(")]
    OpenParen,
    #[token(")")]
    CloseParen,
    #[token(",")]
    Comma,
    #[token("|")]
    Pipe,

    #[token("=")]
    Eq,
    #[token("!=")]
    Ne,
    #[token("=~")]
    Match,
    #[token("!~")]
    NotMatch,
    #[token(">")]
    Gt,
    #[token(">=")]
    Ge,
    #[token("<")]
    Lt,
    #[token("<=")]
    Le,
    #[token("+")]
    Add,
    #[token("-")]
    Sub,
    #[token("*")]
    Mul,
    #[token("/")]
    Div,
    #[token("%")]
    Mod,
    #[token("^")]
    Pow,
    #[token("&&")]
    And,
    #[token("||")]
    Or,
    #[token("!")]
    Not,
    /// The operators between spansets that no field expression has.
    #[token(">>")]
    #[token("<<")]
    #[token("~")]
    #[token("!>")]
    #[token("!<")]
    #[token("!>>")]
    #[token("!<<")]
    #[token("&~")]
    #[token("&>")]
    #[token("&<")]
    #[token("&>>")]
    #[token("&<<")]
    Structural,

    #[regex(r#""([^"\\\n]|\\.)*""#)]
    Quoted,
    #[regex(r"`[^`]*`")]
    Raw,
    #[regex(r"[0-9][0-9_]*|0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+")]
    Integer,
    #[regex(r"[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?|\.[0-9]+([eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+")]
    Float,
    #[regex(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w|y)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w|y))*")]
    Duration,

    /// `span.foo`, `.foo`, `parent.span.foo`, `span."a b".c`.
    #[regex(r#"(span|resource|event|link|instrumentation|parent)\.([^ \t\r\n\f{}()=~!<>&|^,"]|"([^"\\]|\\.)*")+"#)]
    #[regex(r#"\.([^ \t\r\n\f{}()=~!<>&|^,"0-9]|"([^"\\]|\\.)*")([^ \t\r\n\f{}()=~!<>&|^,"]|"([^"\\]|\\.)*")*"#)]
    Attribute,
    /// A scope that lacks its attribute's name.
    #[regex(r"(span|resource|event|link|instrumentation|parent)?\.")]
    Dot,
    /// `span:`, to be followed by the name of an intrinsic.
    #[regex(r"(span|trace|event|link|instrumentation):")]
    Colon,
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Word,

    /// After the last token.
    End,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexeme<'a> {
    pub(crate) token: Token,
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

/// No text longer than this is looked at. The API's own limit is a setting, and far below.
const MAX_LENGTH: usize = 16 << 20;

/// All tokens of `query`, with [`Token::End`] at the end.
pub(crate) fn lex(query: &str) -> Result<Vec<Lexeme<'_>>, ParseError> {
    if query.len() > MAX_LENGTH {
        let problem = Problem::TooMuch("the query is too long");
        return Err(syntax(query, 0, problem));
    }
    let mut lexemes = Vec::new();
    for (token, span) in Token::lexer(query).spanned() {
        let text = &query[span.clone()];
        match token {
            Ok(token) => lexemes.push(Lexeme {
                token,
                text,
                at: span.start,
            }),
            Err(()) => {
                let first: String = text.chars().take(1).collect();
                let expected = Expected::Any(match first.as_str() {
                    "'" => "text in double quotes or backquotes",
                    "\"" | "`" => "text with a quote at its end",
                    _ => "a token of the language",
                });
                let problem = Problem::Unexpected {
                    token: first,
                    expected,
                };
                return Err(syntax(query, span.start, problem));
            }
        }
    }
    lexemes.push(Lexeme {
        token: Token::End,
        text: "$end",
        at: query.len(),
    });
    Ok(lexemes)
}

pub(crate) fn syntax(query: &str, at: usize, problem: Problem) -> ParseError {
    let before = &query[..at];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    ParseError::Syntax {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        problem,
    }
}

pub(crate) fn unexpected(query: &str, found: Lexeme<'_>, expected: Expected) -> ParseError {
    let token = describe(found);
    syntax(query, found.at, Problem::Unexpected { token, expected })
}

/// How an error names a token.
fn describe(lexeme: Lexeme<'_>) -> String {
    match lexeme.token {
        Token::Quoted | Token::Raw => "STRING",
        Token::Integer => "INTEGER",
        Token::Float => "FLOAT",
        Token::Duration => "DURATION",
        Token::Attribute => {
            let scope = lexeme.text.find('.').map_or(0, |i| i + 1);
            &lexeme.text[..scope]
        }
        Token::Word if !names::is_keyword(lexeme.text) => "IDENTIFIER",
        _ => lexeme.text,
    }
    .to_owned()
}
