//! Whether what clients heard fits what the nodes decided.
//!
//! The order of the decisions is the witness: if every answer fits it, and it contradicts no order in which
//! clients called and heard, then there is an order that explains everything, for each tenant and for all of them.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use uuid::Uuid;

use super::facts::Fact;
use super::history::{Heard, Moment, Op, What};

/// Refusals that clients provoke: others were faster, or a lease was over. Any other is one too many.
const PROVOKED: &[&str] = &["VERSION_MISMATCH", "JOB_FENCED", "JOB_NOT_LEASED"];

/// Decisions, and what is looked up in them.
struct Truth<'a> {
    facts: &'a BTreeMap<u64, Fact>,
    by_command: BTreeMap<Uuid, u64>,
    /// By tenant: the revisions it has had as a version, and when somebody first asked for it.
    versions: BTreeMap<&'a str, BTreeMap<u64, Moment>>,
    /// The newest revision that somebody had heard of, at moments; both rise.
    heard: Vec<(Moment, u64)>,
}

/// Holds every answer against the decisions.
///
/// # Errors
/// When one does not fit.
pub(super) fn check(ops: &[Op], facts: &BTreeMap<u64, Fact>) -> anyhow::Result<()> {
    let truth = Truth::of(ops, facts)?;
    truth.asked_for(ops)?;
    for op in ops {
        truth.explains(op).with_context(|| format!("{op:?}"))?;
    }
    Ok(())
}

impl<'a> Truth<'a> {
    fn of(ops: &'a [Op], facts: &'a BTreeMap<u64, Fact>) -> anyhow::Result<Self> {
        let mut by_command = BTreeMap::new();
        for (revision, fact) in facts {
            if let Some(before) = by_command.insert(fact.command, *revision) {
                let id = fact.command;
                bail!("command {id} was carried out twice, at {before} and at {revision}");
            }
        }
        let mut truth = Self {
            facts,
            by_command,
            versions: BTreeMap::new(),
            heard: Vec::new(),
        };
        for op in ops {
            let What::Command { id, tenant, .. } = &op.what else {
                continue;
            };
            if let (Some(tenant), Some(revision)) = (tenant, truth.by_command.get(id)) {
                let versions = truth.versions.entry(tenant).or_default();
                versions.insert(*revision, op.called);
            }
        }
        truth.heard = truth.heard_of(ops);
        Ok(truth)
    }

    fn heard_of(&self, ops: &[Op]) -> Vec<(Moment, u64)> {
        let mut heard: Vec<(Moment, u64)> = ops
            .iter()
            .filter_map(|op| match (&op.what, &op.heard) {
                (What::Command { id, .. }, Some((at, Heard::Done(_)))) => {
                    Some((*at, *self.by_command.get(id)?))
                }
                (What::Read { .. }, Some((at, Heard::Version(version)))) => Some((*at, *version)),
                _ => None,
            })
            .collect();
        heard.sort_unstable();
        let mut newest = 0;
        for (_, revision) in &mut heard {
            newest = newest.max(*revision);
            *revision = newest;
        }
        heard
    }

    /// The newest revision that somebody had heard of before a moment.
    fn floor(&self, at: Moment) -> u64 {
        let before = self.heard.partition_point(|(moment, _)| *moment < at);
        before.checked_sub(1).map_or(0, |last| self.heard[last].1)
    }

    /// The version of a tenant at a revision.
    fn version(&self, tenant: &str, at: u64) -> Option<u64> {
        let versions = self.versions.get(tenant)?;
        versions
            .range(..=at)
            .next_back()
            .map(|(version, _)| *version)
    }

    /// Nothing was decided for a caller that no caller asked for.
    fn asked_for(&self, ops: &[Op]) -> anyhow::Result<()> {
        let mut rest = self.by_command.clone();
        for op in ops {
            if let What::Command { id, .. } = &op.what {
                rest.remove(id);
            }
        }
        for (id, revision) in rest {
            let own = self.facts.get(&revision).is_some_and(Fact::by_itself);
            ensure!(
                own,
                "command {id} was carried out at {revision}, and nobody asked for it"
            );
        }
        Ok(())
    }

    fn explains(&self, op: &Op) -> anyhow::Result<()> {
        let floor = self.floor(op.called);
        match (&op.what, &op.heard) {
            (What::Command { .. }, None) => bail!("it was never answered"),
            (What::Read { .. }, None) => Ok(()),
            (
                What::Command {
                    id,
                    tenant,
                    if_match,
                },
                Some((returned, heard)),
            ) => {
                let found = self.by_command.get(id).copied();
                let asked = tenant.as_deref().zip(*if_match);
                match (heard, found) {
                    (Heard::Done(answer), found) => self.done(*answer, found, floor, asked),
                    (Heard::Perhaps, _) => Ok(()),
                    (_, Some(at)) => bail!("the answer denies it, but it was carried out at {at}"),
                    (Heard::Refused(reason), None) => {
                        ensure!(PROVOKED.contains(&reason.as_str()), "nobody provoked this");
                        match asked {
                            Some((tenant, wanted)) => {
                                self.mismatch(tenant, wanted, floor, *returned)
                            }
                            None => Ok(()),
                        }
                    }
                    (Heard::Version(_), None) => {
                        bail!("a command was answered as if it were a read")
                    }
                }
            }
            (What::Read { tenant }, Some((returned, Heard::Version(version)))) => {
                self.read(tenant, *version, floor, *returned)
            }
            (What::Read { .. }, Some(_)) => bail!("a read was answered by something else"),
        }
    }

    fn done(
        &self,
        answer: Option<u64>,
        found: Option<u64>,
        floor: u64,
        asked: Option<(&str, u64)>,
    ) -> anyhow::Result<()> {
        let at = found.context("it was acknowledged, and is lost")?;
        ensure!(
            answer.is_none_or(|answer| answer == at),
            "it was answered with another revision than {at}"
        );
        ensure!(
            at > floor,
            "it was asked for when {floor} had been heard of, and carried out at {at}"
        );
        if let Some((tenant, wanted)) = asked {
            let before = self.version(tenant, at - 1);
            ensure!(
                before == Some(wanted),
                "the tenant had version {before:?} before {at}"
            );
        }
        Ok(())
    }

    /// The tenant must have had another version at some time between the call and the answer.
    fn mismatch(
        &self,
        tenant: &str,
        wanted: u64,
        floor: u64,
        returned: Moment,
    ) -> anyhow::Result<()> {
        let versions = self
            .versions
            .get(tenant)
            .context("there is no such tenant")?;
        let changed = |(version, asked): (&u64, &Moment)| *version != wanted && *asked < returned;
        let other =
            self.version(tenant, floor) != Some(wanted) || versions.range(floor + 1..).any(changed);
        ensure!(other, "the tenant had the version that was asked for");
        Ok(())
    }

    fn read(&self, tenant: &str, version: u64, floor: u64, returned: Moment) -> anyhow::Result<()> {
        let versions = self
            .versions
            .get(tenant)
            .context("there is no such tenant")?;
        let asked = versions
            .get(&version)
            .context("the tenant never had this version")?;
        ensure!(*asked < returned, "nobody had asked for this version yet");
        let least = self.version(tenant, floor).unwrap_or(0);
        ensure!(
            version >= least,
            "version {least} had been heard of before it was asked"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests;
