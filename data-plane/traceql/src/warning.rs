//! What is legal and yet seldom meant.

use std::fmt::Display;

use crate::token::Token;

/// More of them help nobody.
const MOST: usize = 3;

#[derive(Debug, Default)]
pub(crate) struct Warnings(pub(crate) Vec<String>);

/// Whether `&&` and `||` stand on one level without parentheses. Most languages read those apart.
#[derive(Default)]
pub(crate) struct Logic {
    and: bool,
    or: bool,
}

impl Logic {
    pub(crate) fn saw(&mut self, token: Token) {
        self.and |= token == Token::And;
        self.or |= token == Token::Or;
    }
}

impl Warnings {
    /// Warns if `logic` is mixed in `tree`, which is printed with the parentheses that it was read with.
    pub(crate) fn judge(&mut self, logic: &Logic, tree: &impl Display) {
        if logic.and && logic.or && self.0.len() < MOST {
            self.0.push(format!(
                "`&&` and `||` bind equally, from left to right; this was read as: {tree}"
            ));
        }
    }
}
