//! May somebody do something: asked of casbin, remembered for as long as who may do what stays the same.

use std::fmt;
use std::sync::Arc;

use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};
use takt_model::{Revision, TenantId};

use super::caller::{Domain, Grant};
use super::rules::{Kind, Verb};

/// How many answers are remembered.
const MAX_REMEMBERED: u64 = 100_000;

/// Whether a caller's parts allow something.
pub(super) trait Authoriser: fmt::Debug + Send + Sync {
    /// # Errors
    /// When there is no answer; then nothing is allowed.
    fn may(&self, question: &Question) -> Result<bool, Unanswered>;
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// Since when who may do what has been as it is: answers from before are not found.
    pub(super) since: Revision,
    pub(super) grants: Arc<[Grant]>,
    pub(super) kind: Kind,
    pub(super) verb: Verb,
    /// The tenant it is about; none is the whole installation.
    pub(super) about: Option<TenantId>,
}

/// The rules could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[error("the rules of who may do what cannot be evaluated")]
pub struct Unanswered(#[from] casbin::Error);

/// The rules of `rules.csv`.
pub(super) struct Casbin(Enforcer);

impl Casbin {
    /// # Errors
    /// When model or rules make no sense; both are part of the program.
    pub(super) async fn new() -> Result<Self, Unanswered> {
        let model = DefaultModel::from_str(include_str!("model.conf")).await?;
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
        for line in include_str!("rules.csv").lines() {
            let words: Vec<String> = line.split(',').map(|word| word.trim().to_owned()).collect();
            match words.split_first() {
                Some((kind, rule)) if kind == "p" => {
                    enforcer.add_policy(rule.to_vec()).await?;
                }
                Some((kind, rule)) if kind == "g" => {
                    enforcer.add_grouping_policy(rule.to_vec()).await?;
                }
                Some(_) | None => {}
            }
        }
        Ok(Self(enforcer))
    }
}

impl fmt::Debug for Casbin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Casbin(..)")
    }
}

impl Authoriser for Casbin {
    fn may(&self, question: &Question) -> Result<bool, Unanswered> {
        let about = question.about.as_ref().map_or("*", TenantId::as_str);
        for grant in question.grants.iter() {
            let domain = match &grant.domain {
                Domain::Installation => "*",
                Domain::Tenant(tenant) => tenant.as_str(),
            };
            let (kind, verb) = (question.kind.name(), question.verb.name());
            if self
                .0
                .enforce((grant.role.name(), domain, about, kind, verb))?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Remembers answers.
#[derive(Debug)]
pub(super) struct Remembering<A> {
    inner: A,
    answers: moka::sync::Cache<Question, bool>,
}

impl<A> Remembering<A> {
    pub(super) fn new(inner: A) -> Self {
        Self {
            inner,
            answers: moka::sync::Cache::new(MAX_REMEMBERED),
        }
    }
}

impl<A: Authoriser> Authoriser for Remembering<A> {
    fn may(&self, question: &Question) -> Result<bool, Unanswered> {
        if let Some(answer) = self.answers.get(question) {
            return Ok(answer);
        }
        let answer = self.inner.may(question)?;
        self.answers.insert(question.clone(), answer);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
