//! The nodes of the control plane.

use std::time::Duration;

use takt_kit::{Code, Reject};
use takt_log::{Cluster, Handle, Member, MemberError, Role};
use takt_model::NodeId;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::cluster_service_server::ClusterService;
use tonic::{Request, Response, Status};

#[derive(Debug)]
pub(crate) struct ClusterApi {
    log: Handle,
}

impl ClusterApi {
    pub(crate) fn new(log: Handle) -> Self {
        Self { log }
    }

    async fn cluster(&self) -> Option<wire::Cluster> {
        Some(to_wire(self.log.cluster().await))
    }
}

#[tonic::async_trait]
impl ClusterService for ClusterApi {
    async fn get_cluster(
        &self,
        _: Request<wire::GetClusterRequest>,
    ) -> Result<Response<wire::GetClusterResponse>, Status> {
        let cluster = self.cluster().await;
        Ok(Response::new(wire::GetClusterResponse { cluster }))
    }

    async fn bootstrap_cluster(
        &self,
        _: Request<wire::BootstrapClusterRequest>,
    ) -> Result<Response<wire::BootstrapClusterResponse>, Status> {
        self.log
            .bootstrap()
            .await
            .map_err(|error| refused(&error))?;
        let cluster = self.cluster().await;
        Ok(Response::new(wire::BootstrapClusterResponse { cluster }))
    }

    async fn add_member(
        &self,
        request: Request<wire::AddMemberRequest>,
    ) -> Result<Response<wire::AddMemberResponse>, Status> {
        let added = self.log.add_member(&request.into_inner().address).await;
        added.map_err(|error| refused(&error))?;
        let cluster = self.cluster().await;
        Ok(Response::new(wire::AddMemberResponse { cluster }))
    }

    async fn promote_member(
        &self,
        request: Request<wire::PromoteMemberRequest>,
    ) -> Result<Response<wire::PromoteMemberResponse>, Status> {
        let node = NodeId(request.into_inner().node);
        let promoted = self.log.promote_member(node).await;
        promoted.map_err(|error| refused(&error))?;
        let cluster = self.cluster().await;
        Ok(Response::new(wire::PromoteMemberResponse { cluster }))
    }

    async fn remove_member(
        &self,
        request: Request<wire::RemoveMemberRequest>,
    ) -> Result<Response<wire::RemoveMemberResponse>, Status> {
        let node = NodeId(request.into_inner().node);
        let removed = self.log.remove_member(node).await;
        removed.map_err(|error| refused(&error))?;
        let cluster = self.cluster().await;
        Ok(Response::new(wire::RemoveMemberResponse { cluster }))
    }

    async fn transfer_leader(
        &self,
        request: Request<wire::TransferLeaderRequest>,
    ) -> Result<Response<wire::TransferLeaderResponse>, Status> {
        let node = NodeId(request.into_inner().node);
        let transferred = self.log.transfer_leader(node).await;
        transferred.map_err(|error| refused(&error))?;
        let cluster = self.cluster().await;
        Ok(Response::new(wire::TransferLeaderResponse { cluster }))
    }
}

fn to_wire(cluster: Cluster) -> wire::Cluster {
    wire::Cluster {
        cluster: cluster.id.map(|id| id.to_string()).unwrap_or_default(),
        node: cluster.node.0,
        term: cluster.term.0,
        leader: cluster.leader.map(|leader| leader.0),
        level: cluster.level,
        members: cluster.members.into_iter().map(member).collect(),
    }
}

fn member(member: Member) -> wire::ClusterMember {
    let role = match member.role {
        Role::Leader => wire::ClusterRole::Leader,
        Role::Voter => wire::ClusterRole::Voter,
        Role::Learner => wire::ClusterRole::Learner,
    };
    let said = member.description;
    wire::ClusterMember {
        node: member.node.0,
        address: member.address,
        role: role.into(),
        answers: said.is_some(),
        level: said.as_ref().map_or(0, |said| said.level),
        revision: said.as_ref().map_or(0, |said| said.revision.0),
        applied: said.as_ref().map_or(0, |said| said.applied),
    }
}

fn refused(error: &MemberError) -> Status {
    let text = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let conflict = |reason| Reject::new(Code::Conflict, reason, &text);
    let later = |reason, wait| Reject::new(Code::Unavailable, reason, &text).retry_after(wait);
    let (soon, second) = (Duration::from_millis(100), Duration::from_secs(1));
    let reject = match error {
        MemberError::Founded(_) => conflict("CLUSTER_FOUNDED"),
        MemberError::NoAddress => conflict("CLUSTER_NO_ADDRESS"),
        MemberError::Unknown(_) => {
            Reject::new(Code::NotFound, "MEMBER_UNKNOWN", &text).at_field("node")
        }
        MemberError::OtherNode { .. } => conflict("MEMBER_OTHER_NODE"),
        MemberError::OtherCluster { .. } => conflict("MEMBER_OTHER_CLUSTER"),
        MemberError::Removed(_) => conflict("MEMBER_REMOVED"),
        MemberError::Level { .. } => conflict("MEMBER_LEVEL"),
        MemberError::NotVoter(_) => conflict("MEMBER_NOT_VOTER").at_field("node"),
        MemberError::LastVoter => conflict("MEMBER_LAST_VOTER").at_field("node"),
        MemberError::Behind { .. } => later("MEMBER_BEHIND", second),
        MemberError::Unreachable { .. } | MemberError::Nobody { .. } => {
            later("MEMBER_UNREACHABLE", second).at_field("address")
        }
        MemberError::NoCluster => later("CONTROL_NO_CLUSTER", second),
        MemberError::NotLeader { .. } => later("CONTROL_NOT_LEADER", soon),
        MemberError::Busy => later("CLUSTER_BUSY", soon),
        MemberError::Timeout => later("CONTROL_TIMEOUT", soon),
        MemberError::Stopped => later("CONTROL_STOPPED", second),
        MemberError::Storage(source) => {
            tracing::error!(error = source as &dyn std::error::Error, "{error}");
            Reject::new(Code::Internal, "CONTROL_STORAGE", &text)
        }
    };
    reject.status()
}
