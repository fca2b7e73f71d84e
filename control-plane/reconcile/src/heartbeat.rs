//! What a node says of itself, checked.

use takt_domain::Epoch;
use takt_domain::nodes::{NameError, NodeName, Profile, Role, Zone};
use takt_domain::ring::Purpose;
use takt_wire::takt::control::v1 as wire;

/// As many partitions as a heartbeat may speak of.
const REPORTS_MAX: usize = 4 * takt_domain::ring::MAX_PARTITIONS;

/// A node lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub node: NodeName,
    pub incarnation: u64,
    /// Counts the heartbeats of a process.
    pub sequence: u64,
    pub profile: Profile,
    /// The last one: it goes on purpose.
    pub leaving: bool,
    pub reports: Vec<Report>,
}

/// How a node is getting on with a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub ring: Purpose,
    pub partition: u32,
    pub epoch: Epoch,
    /// An heir could take over.
    pub ready: bool,
    /// Everything in it is in the object store.
    pub flushed: bool,
}

/// A heartbeat that nobody can make sense of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeartbeatError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("a heartbeat names a role or ring that this version does not know")]
    Unknown,
    #[error("a heartbeat speaks of {0} partitions, at most {REPORTS_MAX} are allowed")]
    TooLong(usize),
    #[error("there are too many nodes already")]
    TooMany,
}

impl TryFrom<wire::Heartbeat> for Heartbeat {
    type Error = HeartbeatError;

    fn try_from(heartbeat: wire::Heartbeat) -> Result<Self, HeartbeatError> {
        if heartbeat.partitions.len() > REPORTS_MAX {
            return Err(HeartbeatError::TooLong(heartbeat.partitions.len()));
        }
        let roles = heartbeat.roles().map(role_from).collect::<Option<_>>();
        let profile = Profile {
            roles: roles.ok_or(HeartbeatError::Unknown)?,
            zone: Zone::new(&heartbeat.zone)?,
            build: heartbeat.build,
            feature_level: heartbeat.feature_level,
            address: heartbeat.address,
        };
        let reports = heartbeat.partitions.into_iter().map(report_from);
        Ok(Self {
            node: NodeName::new(&heartbeat.node)?,
            incarnation: heartbeat.incarnation,
            sequence: heartbeat.sequence,
            profile,
            leaving: heartbeat.leaving,
            reports: reports
                .collect::<Option<_>>()
                .ok_or(HeartbeatError::Unknown)?,
        })
    }
}

fn report_from(report: wire::PartitionReport) -> Option<Report> {
    Some(Report {
        ring: purpose_from(report.ring())?,
        partition: report.partition,
        epoch: Epoch(report.epoch),
        ready: report.ready,
        flushed: report.flushed,
    })
}

impl Heartbeat {
    pub(crate) fn to_wire(&self) -> wire::Heartbeat {
        wire::Heartbeat {
            node: self.node.to_string(),
            incarnation: self.incarnation,
            roles: self
                .profile
                .roles
                .iter()
                .map(|role| role_to(*role).into())
                .collect(),
            zone: self.profile.zone.to_string(),
            build: self.profile.build.clone(),
            feature_level: self.profile.feature_level,
            address: self.profile.address.clone(),
            revision: 0,
            leaving: self.leaving,
            partitions: self
                .reports
                .iter()
                .map(|report| wire::PartitionReport {
                    ring: purpose_to(report.ring).into(),
                    partition: report.partition,
                    epoch: report.epoch.0,
                    ready: report.ready,
                    flushed: report.flushed,
                })
                .collect(),
            sequence: self.sequence,
        }
    }
}

fn role_from(role: wire::NodeRole) -> Option<Role> {
    use wire::NodeRole as Wire;
    Some(match role {
        Wire::Unspecified => return None,
        Wire::Control => Role::Control,
        Wire::Gateway => Role::Gateway,
        Wire::Distributor => Role::Distributor,
        Wire::Ingester => Role::Ingester,
        Wire::LiveStore => Role::LiveStore,
        Wire::BlockBuilder => Role::BlockBuilder,
        Wire::Querier => Role::Querier,
        Wire::QueryFrontend => Role::QueryFrontend,
        Wire::MetricsGenerator => Role::MetricsGenerator,
        Wire::Sampler => Role::Sampler,
        Wire::Worker => Role::Worker,
    })
}

fn role_to(role: Role) -> wire::NodeRole {
    use wire::NodeRole as Wire;
    match role {
        Role::Control => Wire::Control,
        Role::Gateway => Wire::Gateway,
        Role::Distributor => Wire::Distributor,
        Role::Ingester => Wire::Ingester,
        Role::LiveStore => Wire::LiveStore,
        Role::BlockBuilder => Wire::BlockBuilder,
        Role::Querier => Wire::Querier,
        Role::QueryFrontend => Wire::QueryFrontend,
        Role::MetricsGenerator => Wire::MetricsGenerator,
        Role::Sampler => Wire::Sampler,
        Role::Worker => Wire::Worker,
    }
}

fn purpose_from(ring: wire::RingPurpose) -> Option<Purpose> {
    match ring {
        wire::RingPurpose::Unspecified => None,
        wire::RingPurpose::Ingest => Some(Purpose::Ingest),
        wire::RingPurpose::Build => Some(Purpose::Build),
        wire::RingPurpose::Generate => Some(Purpose::Generate),
        wire::RingPurpose::Sample => Some(Purpose::Sample),
    }
}

pub(crate) fn purpose_to(purpose: Purpose) -> wire::RingPurpose {
    match purpose {
        Purpose::Ingest => wire::RingPurpose::Ingest,
        Purpose::Build => wire::RingPurpose::Build,
        Purpose::Generate => wire::RingPurpose::Generate,
        Purpose::Sample => wire::RingPurpose::Sample,
    }
}
