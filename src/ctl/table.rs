//! Columns for people.

/// Lines up the columns; the first row may be a heading. Two spaces between, none at the end of a line.
pub(super) fn table<Row: AsRef<[String]>>(rows: &[Row]) -> String {
    let mut columns = Columns::default();
    for row in rows {
        columns.fit(row.as_ref());
    }
    rows.iter().map(|row| columns.line(row.as_ref())).collect()
}

/// How wide the columns are; for rows that come one after the other, as wide as those before needed.
#[derive(Debug, Default)]
pub(super) struct Columns(Vec<usize>);

impl Columns {
    pub(super) fn fit(&mut self, row: &[String]) {
        for (column, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match self.0.get_mut(column) {
                Some(widest) => *widest = (*widest).max(width),
                None => self.0.push(width),
            }
        }
    }

    pub(super) fn line(&self, row: &[String]) -> String {
        let cells = row.iter().zip(&self.0);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_characters() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned);
        assert_eq!(
            table(&[
                row(["TENANT", "NAME"]),
                row(["a", "Käthe"]),
                row(["long-one", ""])
            ]),
            "TENANT    NAME\na         Käthe\nlong-one\n"
        );
    }
}
