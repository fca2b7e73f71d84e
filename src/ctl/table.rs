//! Columns for people.

/// Lines up the columns; the first row may be a heading. Two spaces between, none at the end of a line.
pub(super) fn table<Row: AsRef<[String]>>(rows: &[Row]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.as_ref().iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(widest) => *widest = (*widest).max(width),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.as_ref().iter().zip(&widths);
        let line: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
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
