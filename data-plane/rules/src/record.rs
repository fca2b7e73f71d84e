//! Recorded series: a point for each evaluation, and a mark where a series ends.

use std::collections::BTreeSet;

use takt_model::UnixNano;
use takt_model::rules::RecordRule;

use crate::group::Failure;
use crate::labels::{Labels, METRIC};

/// The value that tells Prometheus that a series has ended: one of the many bit patterns that are not a number.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// The series a rule wrote last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded(BTreeSet<Labels>);

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The name of the metric among them.
    pub labels: Labels,
    pub at: UnixNano,
    pub value: f64,
}

impl Recorded {
    /// The points to write for the series found at `at`: their values, then the ends of those that went.
    ///
    /// # Errors
    /// When two series get the same labels; nothing has changed then.
    pub fn evaluate(
        &mut self,
        rule: &RecordRule,
        at: UnixNano,
        series: &[(Labels, f64)],
    ) -> Result<Vec<Point>, Failure> {
        let mut found = BTreeSet::new();
        let mut points = Vec::with_capacity(series.len());
        for (labels, value) in series {
            let labels = labels_of(rule, labels);
            if !found.insert(labels.clone()) {
                return Err(Failure::SameLabels(labels));
            }
            let value = *value;
            points.push(Point { labels, at, value });
        }
        let gone = std::mem::replace(&mut self.0, found);
        points.extend(gone.difference(&self.0).map(|labels| stale(labels, at)));
        Ok(points)
    }

    /// The rule goes: all its series end.
    pub fn close(&mut self, at: UnixNano) -> Vec<Point> {
        let gone = std::mem::take(&mut self.0);
        gone.iter().map(|labels| stale(labels, at)).collect()
    }
}

fn stale(labels: &Labels, at: UnixNano) -> Point {
    Point {
        labels: labels.clone(),
        at,
        value: STALE,
    }
}

fn labels_of(rule: &RecordRule, series: &Labels) -> Labels {
    let own = rule
        .labels
        .iter()
        .fold(series.clone(), |labels, (name, value)| {
            labels.with(name, value)
        });
    own.with(METRIC, &rule.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const AT: UnixNano = UnixNano::from_secs(60);

    fn rule() -> RecordRule {
        RecordRule {
            name: "r".to_owned(),
            labels: BTreeMap::from([("team".to_owned(), "a".to_owned())]),
        }
    }

    fn series(names: &[&str]) -> Vec<(Labels, f64)> {
        let one = |name: &&str| (Labels::default().with("s", *name), 1.5);
        names.iter().map(one).collect()
    }

    fn shown(points: &[Point]) -> Vec<String> {
        let one = |point: &Point| {
            let stale = point.value.to_bits() == STALE.to_bits();
            let value = if stale {
                "stale".to_owned()
            } else {
                point.value.to_string()
            };
            format!("{} {value}", point.labels)
        };
        points.iter().map(one).collect()
    }

    #[test]
    fn a_series_that_went_away_is_marked_once() {
        let mut recorded = Recorded::default();
        let mut at = |names| shown(&recorded.evaluate(&rule(), AT, &series(names)).unwrap());
        assert_eq!(
            at(&["x", "y"]),
            [
                r#"{__name__="r", s="x", team="a"} 1.5"#,
                r#"{__name__="r", s="y", team="a"} 1.5"#
            ]
        );
        assert_eq!(
            at(&["y"]),
            [
                r#"{__name__="r", s="y", team="a"} 1.5"#,
                r#"{__name__="r", s="x", team="a"} stale"#
            ]
        );
        assert_eq!(at(&["y"]), [r#"{__name__="r", s="y", team="a"} 1.5"#]);
        let end = recorded.close(AT);
        assert_eq!(shown(&end), [r#"{__name__="r", s="y", team="a"} stale"#]);
        assert_eq!(recorded.close(AT), []);
    }

    #[test]
    fn two_series_that_become_one_are_an_error_and_change_nothing() {
        let mut recorded = Recorded::default();
        recorded.evaluate(&rule(), AT, &series(&["x"])).unwrap();
        let before = recorded.clone();
        let mut both = rule();
        both.labels.insert("s".to_owned(), "same".to_owned());
        let error = recorded.evaluate(&both, AT, &series(&["x", "y"]));
        assert!(matches!(error, Err(Failure::SameLabels(_))), "{error:?}");
        assert_eq!(recorded, before);
    }
}
