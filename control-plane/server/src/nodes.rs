//! Nodes over the wire.

use std::ops::Bound;

use takt_domain::State;
use takt_domain::nodes::{Command, Lease, LeaseName, Node, NodeName, Rejection, Role, Standing};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::node_service_server::NodeService;
use tonic::{Request, Response, Status};

use crate::page;
use crate::refusal::{invalid, rejected};
use crate::request::actor;
use crate::writer::{Changed, Writer, if_match};

#[derive(Debug)]
pub(crate) struct NodeApi {
    writer: Writer,
}

impl NodeApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl NodeService for NodeApi {
    async fn get_node(
        &self,
        request: Request<wire::GetNodeRequest>,
    ) -> Result<Response<wire::GetNodeResponse>, Status> {
        let name = node_name(&request.into_inner().node)?;
        let state = self.writer.read().await?;
        let node = Some(present(&state, &name)?);
        Ok(Response::new(wire::GetNodeResponse { node }))
    }

    async fn list_nodes(
        &self,
        request: Request<wire::ListNodesRequest>,
    ) -> Result<Response<wire::ListNodesResponse>, Status> {
        let request = request.into_inner();
        let after = match request.page_token.as_str() {
            "" => Bound::Unbounded,
            token => Bound::Excluded(node_name(token)?),
        };
        let states: Vec<wire::NodeState> = request.states().collect();
        let state = self.writer.read().await?;
        let rows = state
            .nodes
            .by_name
            .range((after, Bound::Unbounded))
            .map(|(name, node)| to_wire(name, node))
            .filter(|node| states.is_empty() || states.contains(&node.state()))
            .filter(|node| request.role.is_empty() || node.roles.contains(&request.role))
            .filter(|node| request.zone.is_empty() || node.zone == request.zone);
        let (nodes, next_page_token) = page::cut(rows, page::size(request.page_size), |node| {
            node.node.clone()
        });
        Ok(Response::new(wire::ListNodesResponse {
            nodes,
            next_page_token,
        }))
    }

    async fn drain_node(
        &self,
        request: Request<wire::DrainNodeRequest>,
    ) -> Result<Response<wire::DrainNodeResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let name = node_name(&request.node)?;
        let command = Command::Drain {
            node: name.clone(),
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let (outcome, node) = node_after(changed, &name)?;
        Ok(Response::new(wire::DrainNodeResponse { outcome, node }))
    }

    async fn resume_node(
        &self,
        request: Request<wire::ResumeNodeRequest>,
    ) -> Result<Response<wire::ResumeNodeResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let name = node_name(&request.node)?;
        let command = Command::Resume {
            node: name.clone(),
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let (outcome, node) = node_after(changed, &name)?;
        Ok(Response::new(wire::ResumeNodeResponse { outcome, node }))
    }

    async fn forget_node(
        &self,
        request: Request<wire::ForgetNodeRequest>,
    ) -> Result<Response<wire::ForgetNodeResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::Forget {
            node: node_name(&request.node)?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(wire::ForgetNodeResponse { outcome }))
    }

    async fn list_leases(
        &self,
        request: Request<wire::ListLeasesRequest>,
    ) -> Result<Response<wire::ListLeasesResponse>, Status> {
        let request = request.into_inner();
        let after = match request.page_token.as_str() {
            "" => Bound::Unbounded,
            token => Bound::Excluded(lease_name(token)?),
        };
        let state = self.writer.read().await?;
        let rows = state
            .nodes
            .leases
            .range((after, Bound::Unbounded))
            .map(|(name, lease)| lease_to_wire(name, lease))
            .filter(|lease| request.node.is_empty() || lease.node == request.node);
        let (leases, next_page_token) = page::cut(rows, page::size(request.page_size), |lease| {
            lease.lease.clone()
        });
        Ok(Response::new(wire::ListLeasesResponse {
            leases,
            next_page_token,
        }))
    }
}

pub(crate) fn node_name(text: &str) -> Result<NodeName, Status> {
    NodeName::new(text).map_err(|error| invalid("NODE_NAME_INVALID", error.to_string()))
}

pub(crate) fn lease_name(text: &str) -> Result<LeaseName, Status> {
    LeaseName::new(text).map_err(|error| invalid("LEASE_NAME_INVALID", error.to_string()))
}

fn node_after(
    changed: Changed,
    name: &NodeName,
) -> Result<(Option<wire::Outcome>, Option<wire::Node>), Status> {
    let node = present(&changed.state, name)?;
    Ok((Some(changed.outcome), Some(node)))
}

fn present(state: &State, name: &NodeName) -> Result<wire::Node, Status> {
    let found = state.nodes.by_name.get(name);
    let found = found.ok_or_else(|| rejected(&Rejection::Unknown(name.clone()).into()))?;
    Ok(to_wire(name, found))
}

pub(crate) fn to_wire(name: &NodeName, node: &Node) -> wire::Node {
    let state = match node.standing {
        Standing::Joined => wire::NodeState::Joined,
        Standing::Draining => wire::NodeState::Draining,
        Standing::Left => wire::NodeState::Left,
        Standing::Lost => wire::NodeState::Lost,
    };
    let profile = &node.profile;
    wire::Node {
        node: name.to_string(),
        incarnation: node.incarnation,
        state: state.into(),
        roles: profile
            .roles
            .iter()
            .map(|role| role_name(*role).to_owned())
            .collect(),
        zone: profile.zone.to_string(),
        build: profile.build.clone(),
        feature_level: profile.feature_level,
        address: profile.address.clone(),
        since: node.since.0,
        joined_at: node.joined_at.0,
        version: node.version.0,
    }
}

pub(crate) fn lease_to_wire(name: &LeaseName, lease: &Lease) -> wire::Lease {
    wire::Lease {
        lease: name.to_string(),
        node: lease.node.to_string(),
        incarnation: lease.incarnation,
        fence: lease.fence.0,
        granted_at: lease.granted_at.0,
        version: lease.version.0,
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Control => "control",
        Role::Gateway => "gateway",
        Role::Distributor => "distributor",
        Role::Ingester => "ingester",
        Role::LiveStore => "live_store",
        Role::BlockBuilder => "block_builder",
        Role::Querier => "querier",
        Role::QueryFrontend => "query_frontend",
        Role::MetricsGenerator => "metrics_generator",
        Role::Sampler => "sampler",
        Role::Worker => "worker",
    }
}
