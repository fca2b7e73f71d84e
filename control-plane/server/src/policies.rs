//! Sampling policies over the wire.

pub(crate) mod show;
mod types;

use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use takt_domain::policies::{Command, Policy, PolicyId, Set, Spec, Wanted, Which, lint};
use takt_domain::{Rejection, State, policies};
use takt_kit::Clock;
use takt_model::TenantId;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::policy_service_server::PolicyService;
use takt_wire::takt::control::log::v1 as stored;
use tonic::{Request, Response, Status};

use crate::refusal::{invalid, rejected};
use crate::request::{actor, tenant};
use crate::writer::{Writer, if_match};

const PAGE_MAX: usize = 1000;

#[derive(Debug)]
pub(crate) struct PolicyApi {
    writer: Writer,
    clock: Arc<dyn Clock>,
    types: OnceLock<Vec<wire::PolicyType>>,
}

impl PolicyApi {
    pub(crate) fn new(writer: Writer, clock: Arc<dyn Clock>) -> Self {
        let types = OnceLock::new();
        Self {
            writer,
            clock,
            types,
        }
    }

    /// What is odd about a tenant's set.
    fn findings(&self, state: &State, tenant: &TenantId) -> Vec<wire::PolicyFinding> {
        let set = state.policies.set(tenant);
        self.odd(set.into_iter().flat_map(Set::specs))
    }

    fn odd<'a>(&self, specs: impl Iterator<Item = &'a Spec>) -> Vec<wire::PolicyFinding> {
        let findings = lint(specs, self.clock.now());
        findings.into_iter().map(show::finding).collect()
    }
}

#[tonic::async_trait]
impl PolicyService for PolicyApi {
    async fn get_policy_set(
        &self,
        request: Request<wire::GetPolicySetRequest>,
    ) -> Result<Response<wire::GetPolicySetResponse>, Status> {
        let tenant = tenant(&request.into_inner().tenant)?;
        let state = self.writer.read().await?;
        known(&state, &tenant)?;
        let set = Some(show::set(&state, &tenant));
        Ok(Response::new(wire::GetPolicySetResponse { set }))
    }

    async fn replace_policy_set(
        &self,
        request: Request<wire::ReplacePolicySetRequest>,
    ) -> Result<Response<wire::ReplacePolicySetResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let wanted = request.policies.into_iter().map(|wanted| {
            Ok(Wanted {
                policy: wanted.id.map(PolicyId),
                spec: spec(wanted.spec)?,
            })
        });
        let command = Command::Replace {
            tenant: tenant.clone(),
            wanted: wanted.collect::<Result<_, Status>>()?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let set = show::set(&changed.state, &tenant);
        Ok(Response::new(wire::ReplacePolicySetResponse {
            difference: Some(show::difference(&changed.outcome, &set)),
            outcome: Some(changed.outcome),
            set: Some(set),
            findings: self.findings(&changed.state, &tenant),
        }))
    }

    async fn lint_policy_set(
        &self,
        request: Request<wire::LintPolicySetRequest>,
    ) -> Result<Response<wire::LintPolicySetResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let state = self.writer.read().await?;
        known(&state, &tenant)?;
        let drafts = request.policies.into_iter().map(|draft| spec(Some(draft)));
        let drafts: Vec<Spec> = drafts.collect::<Result<_, Status>>()?;
        policies::bounded(&drafts).map_err(|rejection| rejected(&rejection.into()))?;
        let findings = if drafts.is_empty() {
            self.findings(&state, &tenant)
        } else {
            self.odd(drafts.iter())
        };
        Ok(Response::new(wire::LintPolicySetResponse { findings }))
    }

    async fn list_policies(
        &self,
        request: Request<wire::ListPoliciesRequest>,
    ) -> Result<Response<wire::ListPoliciesResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let after = match request.page_token.as_str() {
            "" => Bound::Unbounded,
            token => Bound::Excluded(number(token)?),
        };
        let size = match usize::try_from(request.page_size) {
            Ok(0) | Err(_) => PAGE_MAX,
            Ok(size) => size.min(PAGE_MAX),
        };
        let state = self.writer.read().await?;
        known(&state, &tenant)?;
        let set = state.policies.set(&tenant).into_iter();
        let all = set.flat_map(|set| set.policies.range((after, Bound::Unbounded)));
        let mut asked = all.filter(|(_, policy)| matches(policy, &request));
        let page = asked.by_ref().take(size);
        let page: Vec<wire::Policy> = page
            .map(|(id, policy)| show::policy(&tenant, *id, policy))
            .collect();
        let last = page.last().filter(|_| asked.next().is_some());
        Ok(Response::new(wire::ListPoliciesResponse {
            next_page_token: last.map(|last| last.id.to_string()).unwrap_or_default(),
            policies: page,
        }))
    }

    async fn get_policy(
        &self,
        request: Request<wire::GetPolicyRequest>,
    ) -> Result<Response<wire::GetPolicyResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let state = self.writer.read().await?;
        known(&state, &tenant)?;
        let policy = Some(find(&state, &tenant, &Which::parse(&request.policy))?);
        Ok(Response::new(wire::GetPolicyResponse { policy }))
    }

    async fn create_policy(
        &self,
        request: Request<wire::CreatePolicyRequest>,
    ) -> Result<Response<wire::CreatePolicyResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let spec = spec(request.spec)?;
        let which = Which::Name(spec.name.clone());
        let command = Command::Create {
            tenant: tenant.clone(),
            spec: Box::new(spec),
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::CreatePolicyResponse {
            outcome: Some(changed.outcome),
            policy: Some(find(&changed.state, &tenant, &which)?),
            findings: self.findings(&changed.state, &tenant),
        }))
    }

    async fn update_policy(
        &self,
        request: Request<wire::UpdatePolicyRequest>,
    ) -> Result<Response<wire::UpdatePolicyResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let spec = spec(request.spec)?;
        let which = Which::Name(spec.name.clone());
        let command = Command::Update {
            tenant: tenant.clone(),
            policy: Which::parse(&request.policy),
            spec: Box::new(spec),
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::UpdatePolicyResponse {
            outcome: Some(changed.outcome),
            policy: Some(find(&changed.state, &tenant, &which)?),
            findings: self.findings(&changed.state, &tenant),
        }))
    }

    async fn delete_policy(
        &self,
        request: Request<wire::DeletePolicyRequest>,
    ) -> Result<Response<wire::DeletePolicyResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let command = Command::Delete {
            tenant: tenant.clone(),
            policy: Which::parse(&request.policy),
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::DeletePolicyResponse {
            outcome: Some(changed.outcome),
            set: Some(show::set(&changed.state, &tenant)),
        }))
    }

    async fn list_policy_types(
        &self,
        _: Request<wire::ListPolicyTypesRequest>,
    ) -> Result<Response<wire::ListPolicyTypesResponse>, Status> {
        let types = self.types.get_or_init(types::types).clone();
        Ok(Response::new(wire::ListPolicyTypesResponse { types }))
    }
}

fn spec(spec: Option<stored::PolicySpec>) -> Result<Spec, Status> {
    takt_log::policy_spec_from_wire(spec)
        .map_err(|error| invalid("POLICY_MALFORMED", error.to_string()))
}

fn number(token: &str) -> Result<PolicyId, Status> {
    let number = token.parse().map(PolicyId);
    number.map_err(|_| invalid("PAGE_TOKEN_INVALID", "the page token is not one of ours"))
}

pub(crate) fn known(state: &State, tenant: &TenantId) -> Result<(), Status> {
    if state.tenants.contains_key(tenant) {
        return Ok(());
    }
    Err(rejected(&Rejection::TenantUnknown(tenant.clone())))
}

fn find(state: &State, tenant: &TenantId, which: &Which) -> Result<wire::Policy, Status> {
    let set = state.policies.set(tenant);
    let found = set.and_then(|set| set.find(which)).ok_or_else(|| {
        let (tenant, policy) = (tenant.clone(), which.to_string());
        rejected(&policies::Rejection::PolicyUnknown { tenant, policy }.into())
    })?;
    Ok(show::policy(tenant, found.0, found.1))
}

fn matches(policy: &Policy, request: &wire::ListPoliciesRequest) -> bool {
    let spec = &policy.spec;
    let labelled = |(key, value)| spec.labels.get(key) == Some(value);
    (request.r#type.is_empty() || request.r#type == spec.rule.kind())
        && (request.owner.is_empty() || request.owner == spec.owner)
        && request.shadow.is_none_or(|shadow| shadow == spec.shadow)
        && request.labels.iter().all(labelled)
}
