//! Access policies.

use takt_domain::State;
use takt_domain::access::{
    Command, Name, Network, Otherwise, Policy, PolicySpec, Realm, RedactionMode, Rejection, Scope,
    Selector, Tenants,
};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::access_policy_service_server::AccessPolicyService;
use tonic::{Request, Response, Status};

use super::{name, page, read};
use crate::refusal::rejected;
use crate::request::{actor, tenant};
use crate::writer::{Writer, if_match};

#[derive(Debug)]
pub(crate) struct AccessPolicyApi {
    writer: Writer,
}

impl AccessPolicyApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl AccessPolicyService for AccessPolicyApi {
    async fn create_access_policy(
        &self,
        request: Request<wire::CreateAccessPolicyRequest>,
    ) -> Result<Response<wire::CreateAccessPolicyResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let name = name(&request.name)?;
        let spec = read::policy(request.spec)?;
        let command = Command::CreatePolicy {
            name: name.clone(),
            spec,
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        Ok(Response::new(wire::CreateAccessPolicyResponse {
            access_policy: find(&changed.state, &name),
            outcome: Some(changed.outcome),
        }))
    }

    async fn get_access_policy(
        &self,
        request: Request<wire::GetAccessPolicyRequest>,
    ) -> Result<Response<wire::GetAccessPolicyResponse>, Status> {
        let name = name(&request.into_inner().name)?;
        let state = self.writer.read().await?;
        let found = find(&state, &name);
        let access_policy =
            found.ok_or_else(|| rejected(&Rejection::PolicyUnknown(name).into()))?;
        Ok(Response::new(wire::GetAccessPolicyResponse {
            access_policy: Some(access_policy),
        }))
    }

    async fn list_access_policies(
        &self,
        request: Request<wire::ListAccessPoliciesRequest>,
    ) -> Result<Response<wire::ListAccessPoliciesResponse>, Status> {
        let request = request.into_inner();
        let only = match request.tenant.as_str() {
            "" => None,
            text => Some(tenant(text)?),
        };
        let state = self.writer.read().await?;
        let policies = state.access.policies();
        let wanted = |policy: &Policy| {
            only.as_ref()
                .is_none_or(|tenant| policy.spec.reaches(tenant))
        };
        let row = |name: &Name, policy: &Policy| wanted(policy).then(|| to_wire(name, policy));
        let (access_policies, next_page_token) =
            page(policies, request.page_size, &request.page_token, row)?;
        Ok(Response::new(wire::ListAccessPoliciesResponse {
            access_policies,
            next_page_token,
        }))
    }

    async fn update_access_policy(
        &self,
        request: Request<wire::UpdateAccessPolicyRequest>,
    ) -> Result<Response<wire::UpdateAccessPolicyResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let name = name(&request.name)?;
        let command = Command::UpdatePolicy {
            name: name.clone(),
            spec: read::policy(request.spec)?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::UpdateAccessPolicyResponse {
            access_policy: find(&changed.state, &name),
            outcome: Some(changed.outcome),
        }))
    }

    async fn delete_access_policy(
        &self,
        request: Request<wire::DeleteAccessPolicyRequest>,
    ) -> Result<Response<wire::DeleteAccessPolicyResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::DeletePolicy {
            name: name(&request.name)?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::DeleteAccessPolicyResponse {
            outcome: Some(changed.outcome),
        }))
    }

    async fn list_scopes(
        &self,
        _: Request<wire::ListScopesRequest>,
    ) -> Result<Response<wire::ListScopesResponse>, Status> {
        let scopes = Scope::ALL.into_iter().map(|scope| wire::AccessScope {
            name: scope.name().to_owned(),
            meaning: scope.meaning().to_owned(),
        });
        Ok(Response::new(wire::ListScopesResponse {
            scopes: scopes.collect(),
        }))
    }
}

/// As it stands.
pub(crate) fn find(state: &State, name: &Name) -> Option<wire::AccessPolicy> {
    let policy = state.access.policies().get(name)?;
    Some(to_wire(name, policy))
}

pub(crate) fn to_wire(name: &Name, policy: &Policy) -> wire::AccessPolicy {
    wire::AccessPolicy {
        name: name.to_string(),
        spec: Some(spec(&policy.spec)),
        created_at: policy.created_at.0,
        version: policy.version.0,
    }
}

fn spec(spec: &PolicySpec) -> wire::AccessPolicySpec {
    let scopes = spec.scopes.iter();
    let stamps = spec.stamps.iter();
    let mode = match spec.redaction.mode {
        RedactionMode::Attributes => wire::RedactionMode::Attributes,
        RedactionMode::Spans => wire::RedactionMode::Spans,
        RedactionMode::Hide => wire::RedactionMode::Hide,
    };
    let stamps = stamps.map(|stamp| wire::Stamp {
        key: stamp.key.clone(),
        values: stamp.values.clone(),
        otherwise: match stamp.otherwise {
            Otherwise::Overwrite => wire::StampAction::Overwrite,
            Otherwise::Reject => wire::StampAction::Reject,
        }
        .into(),
    });
    wire::AccessPolicySpec {
        display_name: spec.display_name.clone(),
        scopes: scopes.map(|scope| scope.name().to_owned()).collect(),
        realms: spec.realms.iter().map(realm).collect(),
        networks: spec.networks.iter().map(Network::to_string).collect(),
        expires_at: spec.expires_at.map(|end| end.0),
        inactive: spec.inactive,
        labels: spec.labels.clone(),
        redaction: Some(wire::Redaction {
            mode: mode.into(),
            reveal: spec.redaction.reveal.iter().cloned().collect(),
        }),
        stamps: stamps.collect(),
    }
}

fn realm(realm: &Realm) -> wire::Realm {
    let texts = |selectors: &[Selector]| selectors.iter().map(Selector::to_string).collect();
    wire::Realm {
        tenant: match &realm.tenants {
            Tenants::All => "*".to_owned(),
            Tenants::One(tenant) => tenant.to_string(),
        },
        allow: texts(&realm.allow),
        deny: texts(&realm.deny),
    }
}
