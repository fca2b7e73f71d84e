//! How large a policy is.

use crate::policies::rule::{Case, Condition, Matching, Operator, Randomness};
use crate::policies::{Rule, Spec};

impl Spec {
    /// About how much room it takes, in bytes of text.
    #[must_use]
    pub fn weight(&self) -> usize {
        let labels = self
            .labels
            .iter()
            .map(|(key, value)| key.len() + value.len());
        let texts = [
            &self.name,
            &self.description,
            &self.owner,
            &self.recommendation,
        ];
        let own: usize = texts.into_iter().map(String::len).sum();
        own + labels.sum::<usize>() + self.rule.weight()
    }
}

impl Rule {
    /// Rules in it, itself included.
    pub(super) fn size(&self) -> usize {
        1 + match self {
            Self::And(parts) | Self::Drop(parts) => parts.iter().map(Self::size).sum(),
            Self::Not(inner) => inner.size(),
            Self::Composite(rule) => rule.parts.iter().map(|part| part.rule.size()).sum(),
            Self::FirstMatch(rule) => rule.cases.len(),
            _ => 0,
        }
    }

    /// Regular expressions in it.
    pub(in crate::policies) fn patterns(&self) -> usize {
        match self {
            Self::StringAttribute(rule) => match rule.matching {
                Matching::Exact => 0,
                Matching::Regex { .. } => rule.values.len(),
            },
            Self::And(parts) | Self::Drop(parts) => parts.iter().map(Self::patterns).sum(),
            Self::Not(inner) => inner.patterns(),
            Self::Composite(rule) => rule.parts.iter().map(|part| part.rule.patterns()).sum(),
            Self::FirstMatch(rule) => rule.cases.iter().map(Case::patterns).sum(),
            _ => 0,
        }
    }

    /// About how much room it takes, in bytes of text.
    fn weight(&self) -> usize {
        let all = |texts: &[String]| -> usize { texts.iter().map(String::len).sum() };
        64 + match self {
            Self::StringAttribute(rule) => {
                rule.key.len() + rule.values.iter().map(String::len).sum::<usize>()
            }
            Self::NumericAttribute(rule) => rule.key.len(),
            Self::BooleanAttribute(rule) => rule.key.len(),
            Self::TraceState(rule) => {
                rule.key.len() + rule.values.iter().map(String::len).sum::<usize>()
            }
            Self::Ottl(rule) => all(&rule.span) + all(&rule.span_event),
            Self::TraceQl(query) => query.len(),
            Self::And(parts) | Self::Drop(parts) => parts.iter().map(Self::weight).sum(),
            Self::Not(inner) => inner.weight(),
            Self::Composite(rule) => {
                let parts = rule.parts.iter();
                parts.map(|part| part.name.len() + part.rule.weight()).sum()
            }
            Self::FirstMatch(rule) => rule.cases.iter().map(Case::weight).sum(),
            Self::Diversity(rule) => all(&rule.attributes),
            Self::Volumetric(rule) => all(&rule.group_by),
            Self::Adaptive(rule) => all(&rule.keys),
            Self::Anomaly(rule) => all(&rule.group_by),
            Self::Extension(rule) => {
                let settings = rule.settings.iter();
                let settings = settings.map(|(key, value)| key.len() + value.len());
                rule.name.len() + settings.sum::<usize>()
            }
            Self::Probabilistic(rule) => match &rule.randomness {
                Randomness::Consistent => 0,
                Randomness::Salted(salt) => salt.len(),
            },
            Self::Always
            | Self::Latency(_)
            | Self::StatusCode(_)
            | Self::TraceFlags
            | Self::SpanCount(_)
            | Self::RateLimiting(_)
            | Self::BytesLimiting(_) => 0,
        }
    }
}

impl Case {
    fn patterns(&self) -> usize {
        let matches = |condition: &&Condition| match condition {
            Condition::Compare(compare) => compare.operator == Operator::Matches,
            Condition::Ottl(_) | Condition::TraceQl(_) => false,
        };
        self.conditions.iter().filter(matches).count()
    }

    fn weight(&self) -> usize {
        let conditions = self.conditions.iter().map(|condition| match condition {
            Condition::Compare(compare) => {
                let texts = compare.fields.iter().chain(&compare.values);
                texts.map(String::len).sum()
            }
            Condition::Ottl(text) | Condition::TraceQl(text) => text.len(),
        });
        64 + self.name.len() + conditions.sum::<usize>()
    }
}
