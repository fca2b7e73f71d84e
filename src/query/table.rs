//! Columns that fit the terminal.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

use super::screen::{Ink, Screen};

/// No column is cut shorter.
const NARROWEST: usize = 8;
const GAP: &str = "  ";

pub(super) struct Table {
    headings: Vec<(String, Alignment)>,
    rows: Vec<(Vec<String>, Option<Ink>)>,
}

impl Table {
    pub(super) fn new(headings: Vec<(String, Alignment)>) -> Self {
        Self {
            headings,
            rows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, cells: Vec<String>, ink: Option<Ink>) {
        self.rows.push((cells, ink));
    }

    pub(super) fn draw(&self, screen: &Screen) -> String {
        let widths = self.widths(screen.limit());
        let names: Vec<String> = self.headings.iter().map(|(name, _)| name.clone()).collect();
        let mut out = self.line(&names, &widths, Some(Ink::Faint), screen);
        for (cells, ink) in &self.rows {
            out.push_str(&self.line(cells, &widths, *ink, screen));
        }
        out
    }

    /// What each column needs; while that is too much, the widest one gives.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .headings
            .iter()
            .map(|(name, _)| measure_text_width(name))
            .collect();
        for (cells, _) in &self.rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        while let Some(limit) = limit
            && widths.iter().sum::<usize>() + gaps > limit
            && let Some(widest) = widths.iter_mut().max()
            && *widest > NARROWEST
        {
            *widest -= 1;
        }
        widths
    }

    fn line(
        &self,
        cells: &[String],
        widths: &[usize],
        ink: Option<Ink>,
        screen: &Screen,
    ) -> String {
        let columns = cells.iter().zip(widths).zip(&self.headings);
        let padded: Vec<String> = columns
            .map(|((cell, width), (_, alignment))| {
                let cut = truncate_str(cell, *width, "…");
                pad_str(&cut, *width, *alignment, None).into_owned()
            })
            .collect();
        let line = padded.join(GAP);
        let line = line.trim_end();
        ink.map_or_else(|| line.to_owned(), |ink| screen.paint(line, ink)) + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            ("N".to_owned(), Alignment::Right),
            ("NAME".to_owned(), Alignment::Left),
        ]);
        table.push(vec!["1000".to_owned(), "Käthe".to_owned()], None);
        table.push(
            vec!["7".to_owned(), "a name too long for it".to_owned()],
            Some(Ink::Strong),
        );
        table
    }

    #[test]
    fn columns_line_up() {
        expect_test::expect![[r"
               N  NAME
            1000  Käthe
               7  a name too long for it
        "]]
        .assert_eq(&table().draw(&Screen::plain()));
    }

    #[test]
    fn the_widest_column_gives_where_the_terminal_is_narrow() {
        expect_test::expect![[r"
               N  NAME
            1000  Käthe
               7  a name too…
        "]]
        .assert_eq(&table().draw(&Screen::terminal(17, false)));
    }

    #[test]
    fn colours_do_not_move_columns() {
        let painted = table().draw(&Screen::terminal(80, true));
        assert!(painted.contains('\u{1b}'));
        assert_eq!(
            console::strip_ansi_codes(&painted),
            table().draw(&Screen::plain())
        );
    }
}
