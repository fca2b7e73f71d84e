//! What is known about where the answer is shown.

use console::{Style, Term};

/// Charts need some width even where nobody says one.
const WIDTH: usize = 100;
const NARROWEST: usize = 40;

pub(super) struct Screen {
    /// Of a terminal; a file or a pipe has none.
    columns: Option<usize>,
    colours: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Strong,
    Faint,
    /// One of a few colours, by number.
    Series(usize),
}

impl Screen {
    pub(super) fn of_stdout() -> Self {
        let size = Term::stdout().size_checked();
        Self {
            columns: size.map(|(_, columns)| usize::from(columns).max(NARROWEST)),
            colours: size.is_some() && console::colors_enabled(),
        }
    }

    /// Where the output goes to a program.
    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self {
            columns: None,
            colours: false,
        }
    }

    #[cfg(test)]
    pub(super) fn terminal(columns: usize, colours: bool) -> Self {
        Self {
            columns: Some(columns),
            colours,
        }
    }

    /// How wide a line may be at most, if there is a limit.
    pub(super) fn limit(&self) -> Option<usize> {
        self.columns
    }

    /// How wide a drawing should be.
    pub(super) fn width(&self) -> usize {
        self.columns.unwrap_or(WIDTH)
    }

    pub(super) fn paint(&self, text: &str, ink: Ink) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let style = Style::new().force_styling(true);
        let style = match ink {
            Ink::Strong => style.bold(),
            Ink::Faint => style.dim(),
            Ink::Series(number) => match number % 6 {
                0 => style.cyan(),
                1 => style.yellow(),
                2 => style.green(),
                3 => style.magenta(),
                4 => style.blue(),
                _ => style.red(),
            },
        };
        style.apply_to(text).to_string()
    }
}
