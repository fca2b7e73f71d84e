//! OIDC issuers.

use takt_domain::State;
use takt_domain::access::{Command, Issuer, Name, Rejection};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::oidc_issuer_service_server::OidcIssuerService;
use tonic::{Request, Response, Status};

use super::{name, page, read};
use crate::refusal::rejected;
use crate::request::actor;
use crate::writer::{Writer, if_match};

#[derive(Debug)]
pub(crate) struct OidcIssuerApi {
    writer: Writer,
}

impl OidcIssuerApi {
    pub(crate) fn new(writer: Writer) -> Self {
        Self { writer }
    }
}

#[tonic::async_trait]
impl OidcIssuerService for OidcIssuerApi {
    async fn create_oidc_issuer(
        &self,
        request: Request<wire::CreateOidcIssuerRequest>,
    ) -> Result<Response<wire::CreateOidcIssuerResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let name = name(&request.name)?;
        let command = Command::CreateIssuer {
            name: name.clone(),
            spec: read::issuer(request.spec)?,
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        Ok(Response::new(wire::CreateOidcIssuerResponse {
            oidc_issuer: find(&changed.state, &name),
            outcome: Some(changed.outcome),
        }))
    }

    async fn get_oidc_issuer(
        &self,
        request: Request<wire::GetOidcIssuerRequest>,
    ) -> Result<Response<wire::GetOidcIssuerResponse>, Status> {
        let name = name(&request.into_inner().name)?;
        let state = self.writer.read().await?;
        let found = find(&state, &name);
        let issuer = found.ok_or_else(|| rejected(&Rejection::IssuerUnknown(name).into()))?;
        Ok(Response::new(wire::GetOidcIssuerResponse {
            oidc_issuer: Some(issuer),
        }))
    }

    async fn list_oidc_issuers(
        &self,
        request: Request<wire::ListOidcIssuersRequest>,
    ) -> Result<Response<wire::ListOidcIssuersResponse>, Status> {
        let request = request.into_inner();
        let state = self.writer.read().await?;
        let row = |name: &Name, issuer: &Issuer| Some(to_wire(name, issuer));
        let issuers = state.access.issuers();
        let (oidc_issuers, next_page_token) =
            page(issuers, request.page_size, &request.page_token, row)?;
        Ok(Response::new(wire::ListOidcIssuersResponse {
            oidc_issuers,
            next_page_token,
        }))
    }

    async fn update_oidc_issuer(
        &self,
        request: Request<wire::UpdateOidcIssuerRequest>,
    ) -> Result<Response<wire::UpdateOidcIssuerResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let name = name(&request.name)?;
        let command = Command::UpdateIssuer {
            name: name.clone(),
            spec: read::issuer(request.spec)?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::UpdateOidcIssuerResponse {
            oidc_issuer: find(&changed.state, &name),
            outcome: Some(changed.outcome),
        }))
    }

    async fn delete_oidc_issuer(
        &self,
        request: Request<wire::DeleteOidcIssuerRequest>,
    ) -> Result<Response<wire::DeleteOidcIssuerResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::DeleteIssuer {
            name: name(&request.name)?,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        Ok(Response::new(wire::DeleteOidcIssuerResponse {
            outcome: Some(changed.outcome),
        }))
    }
}

/// As it stands.
pub(crate) fn find(state: &State, name: &Name) -> Option<wire::OidcIssuer> {
    let issuer = state.access.issuers().get(name)?;
    Some(to_wire(name, issuer))
}

pub(crate) fn to_wire(name: &Name, issuer: &Issuer) -> wire::OidcIssuer {
    let spec = &issuer.spec;
    let mappings = spec.mappings.iter().map(|mapping| wire::ClaimMapping {
        claim: mapping.claim.clone(),
        pattern: mapping.pattern.clone(),
        policy: mapping
            .policy
            .as_ref()
            .map(Name::to_string)
            .unwrap_or_default(),
    });
    let algorithms = spec.algorithms.iter();
    wire::OidcIssuer {
        name: name.to_string(),
        spec: Some(wire::OidcIssuerSpec {
            display_name: spec.display_name.clone(),
            issuer: spec.issuer.clone(),
            audiences: spec.audiences.iter().cloned().collect(),
            jwks_url: spec.jwks_url.clone(),
            algorithms: algorithms
                .map(|algorithm| algorithm.name().to_owned())
                .collect(),
            required: spec.required.clone(),
            mappings: mappings.collect(),
            max_age_seconds: spec.max_age_seconds,
            inactive: spec.inactive,
        }),
        created_at: issuer.created_at.0,
        version: issuer.version.0,
    }
}
