//! A group of rules with their state: what an answer changes, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use takt_model::rules::{Purpose, Rule, RuleGroup};
use takt_model::{UnixNano, format_duration};

use crate::alert::{Alerts, Notice, Pace};
use crate::evaluator::{EvaluationError, Sample};
use crate::labels::Labels;
use crate::record::{Point, Recorded};

/// The rules of a group, and where they stand.
#[derive(Debug, Clone)]
pub struct Group {
    spec: Arc<RuleGroup>,
    /// In the order of the rules.
    standings: Vec<Standing>,
}

/// Where one rule stands.
#[derive(Debug, Clone)]
pub struct Standing {
    pub state: State,
    pub health: Health,
    /// Whether the state holds what the rule remembers of the time before it was first asked.
    pub replayed: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum State {
    Alerts(Alerts),
    Recorded(Recorded),
}

/// How the last evaluation of a rule went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// `None` before the first one.
    pub evaluated_at: Option<UnixNano>,
    pub took: Duration,
    pub error: Option<String>,
}

/// Why an evaluation came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    #[error(
        "the window of the query is longer than `read.max_metrics_duration` allows, {}",
        format_duration(*.0)
    )]
    WindowTooLong(Duration),
    #[error("{found} series, and the limit of the group is {limit}")]
    TooManySeries { found: usize, limit: usize },
    #[error("two series have the labels {0}")]
    SameLabels(Labels),
    #[error("there is nowhere to write to: `ruler.remote_write_url` is not set")]
    NowhereToWrite,
    #[error("the queue of `{0}` is full")]
    QueueFull(&'static str),
}

/// The moment of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    pub at: UnixNano,
    /// The end of the window that was asked about: recorded points are of this moment.
    pub window_end: UnixNano,
}

/// What is left to deliver of rules that went.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Output {
    pub notices: Vec<Notice>,
    pub points: Vec<Point>,
}

impl Group {
    #[must_use]
    pub fn new(spec: Arc<RuleGroup>) -> Self {
        let standings = spec.rules.iter().map(Standing::new).collect();
        Self { spec, standings }
    }

    #[must_use]
    pub fn spec(&self) -> &Arc<RuleGroup> {
        &self.spec
    }

    /// Every rule, and where it stands.
    pub fn rules(&self) -> impl Iterator<Item = (&Rule, &Standing)> {
        self.spec.rules.iter().zip(&self.standings)
    }

    pub(crate) fn standing(&mut self, index: usize) -> &mut Standing {
        &mut self.standings[index]
    }

    /// Takes the answer to the query of rule `index`. What it gives is to be written.
    ///
    /// # Errors
    /// When the rule cannot use the answer; its state stands as it was.
    pub fn evaluate(
        &mut self,
        index: usize,
        tick: Tick,
        samples: &[Sample],
    ) -> Result<Vec<Point>, Failure> {
        let series: Vec<(Labels, f64)> = samples
            .iter()
            .filter(|sample| !sample.value.is_nan())
            .map(|sample| (Labels::of_series(&sample.labels), sample.value))
            .collect();
        let (found, limit) = (series.len(), self.spec.series_max());
        if found > limit {
            return Err(Failure::TooManySeries { found, limit });
        }
        let rule = &self.spec.rules[index];
        match (&rule.purpose, &mut self.standings[index].state) {
            (Purpose::Alert(rule), State::Alerts(alerts)) => {
                alerts.evaluate(rule, tick.at, &series)?;
                Ok(Vec::new())
            }
            (Purpose::Record(rule), State::Recorded(recorded)) => {
                recorded.evaluate(rule, tick.window_end, &series)
            }
            (Purpose::Alert(_), State::Recorded(_)) | (Purpose::Record(_), State::Alerts(_)) => {
                unreachable!("a state is made for the purpose of its rule")
            }
        }
    }

    /// The notices of rule `index` to hand over at `at`; [`mark_sent`](Self::mark_sent) when that was done.
    #[must_use]
    pub fn due(&self, index: usize, at: UnixNano, pace: Pace) -> Vec<Notice> {
        match &self.standings[index].state {
            State::Alerts(alerts) => alerts.due(&self.spec.rules[index].expr, at, pace),
            State::Recorded(_) => Vec::new(),
        }
    }

    pub fn mark_sent(&mut self, index: usize, at: UnixNano, pace: Pace) {
        if let State::Alerts(alerts) = &mut self.standings[index].state {
            alerts.mark_sent(at, pace);
        }
    }

    /// Takes over another definition. Rules that stay the same stand as they stood; those that went are closed.
    pub fn adopt(&mut self, spec: Arc<RuleGroup>, at: UnixNano, pace: Pace) -> Output {
        let old = std::mem::replace(self, Self::new(spec));
        let mut gone: Vec<_> = old.spec.rules.iter().zip(old.standings).collect();
        for (rule, standing) in self.spec.rules.iter().zip(&mut self.standings) {
            if let Some(same) = gone.iter().position(|(other, _)| *other == rule) {
                (_, *standing) = gone.remove(same);
            }
        }
        close(gone, at, pace)
    }

    /// The group goes: what fires is resolved, recorded series end.
    #[must_use]
    pub fn close(self, at: UnixNano, pace: Pace) -> Output {
        close(self.spec.rules.iter().zip(self.standings), at, pace)
    }
}

fn close<'a>(
    gone: impl IntoIterator<Item = (&'a Rule, Standing)>,
    at: UnixNano,
    pace: Pace,
) -> Output {
    let mut output = Output::default();
    for (rule, standing) in gone {
        match standing.state {
            State::Alerts(mut alerts) => {
                alerts.close(at);
                output.notices.extend(alerts.due(&rule.expr, at, pace));
            }
            State::Recorded(mut recorded) => output.points.extend(recorded.close(at)),
        }
    }
    output
}

impl Standing {
    pub(crate) fn new(rule: &Rule) -> Self {
        Self {
            state: match rule.purpose {
                Purpose::Alert(_) => State::Alerts(Alerts::default()),
                Purpose::Record(_) => State::Recorded(Recorded::default()),
            },
            health: Health::default(),
            replayed: false,
        }
    }
}

#[cfg(test)]
mod tests;
