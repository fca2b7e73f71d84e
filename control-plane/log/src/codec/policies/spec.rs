//! What surrounds a rule. The admin API says policies in the same words as the log keeps them.

use takt_domain::policies::{Share, Spec, Stage, Window};
use takt_model::UnixNano;
use takt_wire::takt::control::log::v1 as stored;

use super::rule::{rule_from, rule_to};
use crate::codec::DecodeError;

/// Why a message is not a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("`{0}` is missing, or of a kind that this version does not know")]
    Missing(&'static str),
    #[error("`{field}` is {is}, more than {max}")]
    TooMuch {
        field: &'static str,
        is: u32,
        max: u32,
    },
}

impl From<Malformed> for DecodeError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Missing(field) => Self::Missing(field),
            Malformed::TooMuch { field, .. } => Self::Illegal(field),
        }
    }
}

/// A policy in the words of the log and of the admin API.
#[must_use]
pub fn policy_spec_to_wire(spec: &Spec) -> stored::PolicySpec {
    stored::PolicySpec {
        name: spec.name.clone(),
        description: spec.description.clone(),
        owner: spec.owner.clone(),
        labels: spec.labels.clone(),
        shadow: spec.shadow,
        stage: match spec.stage {
            Stage::Tail => stored::PolicyStage::Tail,
            Stage::Head => stored::PolicyStage::Head,
        }
        .into(),
        starts_at: spec.starts_at.map(|time| time.0),
        expires_at: spec.expires_at.map(|time| time.0),
        windows: spec
            .windows
            .iter()
            .map(|window| stored::WeekWindow {
                from_minute: window.from_minute.into(),
                to_minute: window.to_minute.into(),
            })
            .collect(),
        max_spans_per_second: spec.max_spans_per_second,
        max_bytes_per_second: spec.max_bytes_per_second,
        recommendation: spec.recommendation.clone(),
        rule: Some(rule_to(&spec.rule)),
    }
}

/// # Errors
/// When something that must be there is not. Whether the policy makes sense is for the domain to say.
pub fn policy_spec_from_wire(spec: Option<stored::PolicySpec>) -> Result<Spec, Malformed> {
    let spec = spec.ok_or(Malformed::Missing("spec"))?;
    Ok(Spec {
        stage: match known("stage", spec.stage)? {
            stored::PolicyStage::Unspecified | stored::PolicyStage::Tail => Stage::Tail,
            stored::PolicyStage::Head => Stage::Head,
        },
        rule: rule_from(spec.rule)?,
        name: spec.name,
        description: spec.description,
        owner: spec.owner,
        labels: spec.labels,
        shadow: spec.shadow,
        starts_at: spec.starts_at.map(UnixNano),
        expires_at: spec.expires_at.map(UnixNano),
        windows: spec
            .windows
            .iter()
            .map(window_from)
            .collect::<Result<_, _>>()?,
        max_spans_per_second: spec.max_spans_per_second,
        max_bytes_per_second: spec.max_bytes_per_second,
        recommendation: spec.recommendation,
    })
}

fn window_from(window: &stored::WeekWindow) -> Result<Window, Malformed> {
    let minute = |field, is| {
        let max = u32::from(Window::MINUTES_OF_A_WEEK);
        u16::try_from(is).map_err(|_| Malformed::TooMuch { field, is, max })
    };
    Ok(Window {
        from_minute: minute("windows.from_minute", window.from_minute)?,
        to_minute: minute("windows.to_minute", window.to_minute)?,
    })
}

pub(super) fn share_from(field: &'static str, is: u32) -> Result<Share, Malformed> {
    let max = Share::WHOLE.parts();
    Share::of_billion(is).ok_or(Malformed::TooMuch { field, is, max })
}

/// A value of an enum, known or refused: none is taken for another.
pub(super) fn known<E: TryFrom<i32>>(field: &'static str, value: i32) -> Result<E, Malformed> {
    E::try_from(value).map_err(|_| Malformed::Missing(field))
}
