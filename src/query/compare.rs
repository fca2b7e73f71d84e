//! The answer to `compare()`: how often a value stands in the selection and elsewhere.

use std::collections::BTreeMap;

use console::Alignment;

use super::metrics::Series;
use super::screen::Screen;
use super::table::Table;

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    selection: f64,
    baseline: f64,
}

impl Counts {
    fn add(&mut self, kind: &str, count: f64) {
        if kind.starts_with("selection") {
            self.selection += count;
        } else {
            self.baseline += count;
        }
    }

    /// Percent of the whole.
    fn of(self, total: Self) -> Self {
        let percent = |part: f64, whole: f64| {
            if whole > 0.0 {
                100.0 * part / whole
            } else {
                0.0
            }
        };
        Self {
            selection: percent(self.selection, total.selection),
            baseline: percent(self.baseline, total.baseline),
        }
    }

    fn difference(self) -> f64 {
        (self.selection - self.baseline).abs()
    }
}

pub(super) fn draw(series: &[Series], screen: &Screen) -> String {
    let mut totals = BTreeMap::<&str, Counts>::new();
    let mut values = BTreeMap::<(&str, &str), Counts>::new();
    for series in series {
        let attribute = series.labels.iter().find(|(key, _)| !key.starts_with("__"));
        let (Some(kind), Some((key, value))) = (series.label("__meta_type"), attribute) else {
            continue;
        };
        let count = series.points.iter().map(|(_, count)| count).sum();
        if kind.ends_with("_total") {
            totals.entry(key).or_default().add(kind, count);
        } else {
            values.entry((key, value)).or_default().add(kind, count);
        }
    }
    let mut rows: Vec<(&str, &str, Counts)> = values
        .into_iter()
        .map(|((key, value), counts)| {
            let total = totals.get(key).copied().unwrap_or_default();
            (key, value, counts.of(total))
        })
        .collect();
    rows.sort_by(|(_, _, a), (_, _, b)| b.difference().total_cmp(&a.difference()));
    let headings = [
        ("SELECTION", Alignment::Right),
        ("BASELINE", Alignment::Right),
        ("ATTRIBUTE", Alignment::Left),
        ("VALUE", Alignment::Left),
    ];
    let headings = headings.map(|(name, alignment)| (name.to_owned(), alignment));
    let mut table = Table::new(headings.to_vec());
    for (
        key,
        value,
        Counts {
            selection,
            baseline,
        },
    ) in rows
    {
        let shares = [selection, baseline].map(|share| format!("{share:.1}%"));
        let mut row = shares.to_vec();
        row.extend([key.to_owned(), value.to_owned()]);
        table.push(row, None);
    }
    table.draw(screen)
}
