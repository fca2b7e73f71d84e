//! The life of alerts: pending, firing, resolved, forgotten.

use std::collections::BTreeMap;
use std::time::Duration;

use takt_model::UnixNano;
use takt_model::rules::AlertRule;

use crate::group::Failure;
use crate::labels::Labels;

/// How long a resolved alert is told again, for an Alertmanager that was away.
const RESOLVED_FOR: Duration = Duration::from_secs(15 * 60);

/// The alerts of one rule, one for each set of labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alerts(BTreeMap<Labels, Alert>);

#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub annotations: BTreeMap<String, String>,
    /// Of the last evaluation that found the series.
    pub value: f64,
    /// Since when the series is there.
    pub active_at: UnixNano,
    pub phase: Phase,
    /// The evaluation of which a notice was last handed over.
    sent_at: Option<UnixNano>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The series is there, and not yet for long enough.
    Pending,
    Firing {
        since: UnixNano,
        /// When the series went away, while `keep_firing_for` holds the alert.
        missing_since: Option<UnixNano>,
    },
    Resolved {
        since: UnixNano,
        at: UnixNano,
    },
}

/// What an Alertmanager is told of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: UnixNano,
    /// When it ended, or until when the notice holds unless another follows.
    pub ends_at: UnixNano,
    /// The query, to lead back to it.
    pub expr: String,
}

/// When notices are repeated, and for how long one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub resend_after: Duration,
    pub valid_for: Duration,
}

impl Alerts {
    /// Takes every alert one step, by the series found at `at`.
    ///
    /// # Errors
    /// When two series make the same alert; nothing has changed then.
    pub fn evaluate(
        &mut self,
        rule: &AlertRule,
        at: UnixNano,
        series: &[(Labels, f64)],
    ) -> Result<(), Failure> {
        let mut found = BTreeMap::new();
        for (labels, value) in series {
            let alert = Alert::new(rule, at, labels, *value);
            let labels = labels_of(rule, labels, *value);
            if found.insert(labels.clone(), alert).is_some() {
                return Err(Failure::SameLabels(labels));
            }
        }
        self.0.retain(|labels, alert| {
            let present = found.remove(labels);
            alert.step(rule, at, present)
        });
        for (labels, mut alert) in found {
            alert.fire_if_held(rule, at);
            self.0.insert(labels, alert);
        }
        Ok(())
    }

    /// The notices to hand over at `at`. [`mark_sent`](Self::mark_sent) when that was done.
    #[must_use]
    pub fn due(&self, expr: &str, at: UnixNano, pace: Pace) -> Vec<Notice> {
        let due = self.0.iter().filter(|(_, alert)| alert.is_due(at, pace));
        due.filter_map(|(labels, alert)| alert.notice(labels, expr, at, pace))
            .collect()
    }

    pub fn mark_sent(&mut self, at: UnixNano, pace: Pace) {
        let due = self.0.values_mut().filter(|alert| alert.is_due(at, pace));
        due.for_each(|alert| alert.sent_at = Some(at));
    }

    /// The rule goes: whatever fires is resolved.
    pub fn close(&mut self, at: UnixNano) {
        self.0.retain(|_, alert| match alert.phase {
            Phase::Pending => false,
            Phase::Resolved { .. } => true,
            Phase::Firing { since, .. } => {
                alert.phase = Phase::Resolved { since, at };
                true
            }
        });
    }

    /// Every alert but those that are resolved.
    pub fn active(&self) -> impl Iterator<Item = (&Labels, &Alert)> {
        self.0
            .iter()
            .filter(|(_, alert)| !matches!(alert.phase, Phase::Resolved { .. }))
    }

    #[must_use]
    pub fn is_firing(&self) -> bool {
        self.0
            .values()
            .any(|alert| matches!(alert.phase, Phase::Firing { .. }))
    }
}

impl Alert {
    fn new(rule: &AlertRule, at: UnixNano, series: &Labels, value: f64) -> Self {
        let annotations = rule.annotations.iter().map(|(name, template)| {
            let text = template.expand(value, |label| series.get(label));
            (name.clone(), text)
        });
        Self {
            annotations: annotations.collect(),
            value,
            active_at: at,
            phase: Phase::Pending,
            sent_at: None,
        }
    }

    /// False when it is to be forgotten.
    fn step(&mut self, rule: &AlertRule, at: UnixNano, found: Option<Self>) -> bool {
        match (self.phase, found) {
            (Phase::Pending, None) => return false,
            (Phase::Resolved { at: ended, .. }, None) => return at.since(ended) <= RESOLVED_FOR,
            (
                Phase::Firing {
                    since,
                    missing_since,
                },
                None,
            ) => {
                let missing = missing_since.unwrap_or(at);
                self.phase = if at.since(missing) < rule.keep_firing {
                    Phase::Firing {
                        since,
                        missing_since: Some(missing),
                    }
                } else {
                    Phase::Resolved { since, at }
                };
            }
            (Phase::Resolved { .. }, Some(again)) => {
                *self = again;
                self.fire_if_held(rule, at);
            }
            (Phase::Pending, Some(again)) => {
                self.renew(again);
                self.fire_if_held(rule, at);
            }
            (Phase::Firing { since, .. }, Some(again)) => {
                self.renew(again);
                self.phase = Phase::Firing {
                    since,
                    missing_since: None,
                };
            }
        }
        true
    }

    fn renew(&mut self, again: Self) {
        self.annotations = again.annotations;
        self.value = again.value;
    }

    fn fire_if_held(&mut self, rule: &AlertRule, at: UnixNano) {
        if at.since(self.active_at) >= rule.hold {
            self.phase = Phase::Firing {
                since: at,
                missing_since: None,
            };
        }
    }

    fn is_due(&self, at: UnixNano, pace: Pace) -> bool {
        let Some(sent_at) = self.sent_at else {
            return self.phase != Phase::Pending;
        };
        let again = at.since(sent_at) >= pace.resend_after;
        match self.phase {
            Phase::Pending => false,
            Phase::Firing { .. } => again,
            Phase::Resolved { at: ended, .. } => again || sent_at < ended,
        }
    }

    fn notice(&self, labels: &Labels, expr: &str, at: UnixNano, pace: Pace) -> Option<Notice> {
        let (starts_at, ends_at) = match self.phase {
            Phase::Pending => return None,
            Phase::Firing { since, .. } => (since, at.plus(pace.valid_for)),
            Phase::Resolved { since, at } => (since, at),
        };
        Some(Notice {
            labels: labels.clone(),
            annotations: self.annotations.clone(),
            starts_at,
            ends_at,
            expr: expr.to_owned(),
        })
    }
}

/// Those of the series, those of the rule over them, and the name of the alert.
fn labels_of(rule: &AlertRule, series: &Labels, value: f64) -> Labels {
    let own = rule
        .labels
        .iter()
        .fold(series.clone(), |labels, (name, template)| {
            labels.with(name, template.expand(value, |label| series.get(label)))
        });
    own.with("alertname", &rule.name)
}

#[cfg(test)]
mod tests;
