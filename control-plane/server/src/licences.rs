//! Licences over the wire.

use std::sync::Arc;

use takt_domain::licences::{self, Command, Licence, Overall, Trust};
use takt_domain::{Rejection, State};
use takt_kit::Clock;
use takt_model::UnixNano;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::licence_service_server::LicenceService;
use tonic::{Request, Response, Status};

use crate::page::by_key;
use crate::refusal::rejected;
use crate::request::actor;
use crate::writer::{Writer, if_match};

#[derive(Debug)]
pub(crate) struct LicenceApi {
    writer: Writer,
    clock: Arc<dyn Clock>,
    trust: Arc<Trust>,
}

impl LicenceApi {
    pub(crate) fn new(writer: Writer, clock: Arc<dyn Clock>, trust: Arc<Trust>) -> Self {
        Self {
            writer,
            clock,
            trust,
        }
    }
}

#[tonic::async_trait]
impl LicenceService for LicenceApi {
    async fn list_licences(
        &self,
        request: Request<wire::ListLicencesRequest>,
    ) -> Result<Response<wire::ListLicencesResponse>, Status> {
        let request = request.into_inner();
        let state = self.writer.read().await?;
        let now = licences::now(&state, self.clock.now());
        let rows = state.licences.rows.iter();
        let rows = rows.map(|(id, licence)| (id.clone(), licence));
        let (page, next_page_token) = by_key(rows, request.page_size, &request.page_token);
        let licences = page
            .into_iter()
            .map(|licence| to_wire(&state, licence, now))
            .collect();
        Ok(Response::new(wire::ListLicencesResponse {
            licences,
            next_page_token,
        }))
    }

    async fn get_licence(
        &self,
        request: Request<wire::GetLicenceRequest>,
    ) -> Result<Response<wire::GetLicenceResponse>, Status> {
        let id = request.into_inner().licence;
        let state = self.writer.read().await?;
        let found = find(&state, &id, self.clock.now());
        let unknown = || rejected(&Rejection::from(licences::Rejection::Unknown(id)));
        let licence = Some(found.ok_or_else(unknown)?);
        Ok(Response::new(wire::GetLicenceResponse { licence }))
    }

    async fn add_licence(
        &self,
        request: Request<wire::AddLicenceRequest>,
    ) -> Result<Response<wire::AddLicenceResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let envelope = request.envelope.trim().to_owned();
        let command = Command::Add {
            replaces: Some(request.replaces).filter(|id| !id.is_empty()),
            trust: Arc::clone(&self.trust),
            if_match: if_match(request.change.as_ref()),
            envelope: envelope.clone(),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let now = licences::now(&changed.state, self.clock.now());
        let mut rows = changed.state.licences.rows.values();
        let licence = rows
            .find(|licence| licence.envelope == envelope)
            .map(|licence| to_wire(&changed.state, licence, now));
        Ok(Response::new(wire::AddLicenceResponse {
            outcome: Some(changed.outcome),
            licence,
        }))
    }

    async fn remove_licence(
        &self,
        request: Request<wire::RemoveLicenceRequest>,
    ) -> Result<Response<wire::RemoveLicenceResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::Remove {
            id: request.licence,
            reason: request.reason,
            if_match: if_match(request.change.as_ref()),
        };
        let changed = self.writer.change(actor, request.change, command).await?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(wire::RemoveLicenceResponse { outcome }))
    }

    async fn add_revocations(
        &self,
        request: Request<wire::AddRevocationsRequest>,
    ) -> Result<Response<wire::AddRevocationsResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let command = Command::Revoke {
            envelope: request.envelope.trim().to_owned(),
            trust: Arc::clone(&self.trust),
        };
        let changed = self.writer.add(actor, request.change, command).await?;
        Ok(Response::new(wire::AddRevocationsResponse {
            outcome: Some(changed.outcome),
            epoch: changed.state.licences.revocations.epoch,
        }))
    }

    async fn get_licence_status(
        &self,
        _request: Request<wire::GetLicenceStatusRequest>,
    ) -> Result<Response<wire::GetLicenceStatusResponse>, Status> {
        let state = self.writer.read().await?;
        Ok(Response::new(status(&state, self.clock.now())))
    }
}

fn status(state: &State, clock: UnixNano) -> wire::GetLicenceStatusResponse {
    let merged = licences::merged(state, clock);
    let overall = match merged.standing {
        Overall::Unlicensed => wire::LicenceState::Unlicensed,
        Overall::Valid => wire::LicenceState::Valid,
        Overall::Expiring => wire::LicenceState::Expiring,
        Overall::Grace => wire::LicenceState::Grace,
        Overall::Degraded => wire::LicenceState::Degraded,
    };
    let warnings = merged.warnings.into_iter().map(|(id, standing)| {
        let held = state.licences.rows.get(&id);
        wire::LicenceWarning {
            expires: held.map_or(0, |licence| licence.claims.expires.0),
            licence: id,
            standing: takt_log::licences::standing_to(standing).into(),
        }
    });
    wire::GetLicenceStatusResponse {
        state: overall.into(),
        editions: merged.editions.into_iter().collect(),
        features: merged.features.into_iter().collect(),
        limits: merged.limits,
        support_until: merged.support_until.map_or(0, |until| until.0),
        warnings: warnings.collect(),
        now: licences::now(state, clock).0,
    }
}

/// A licence as it stands.
pub(crate) fn find(state: &State, id: &str, clock: UnixNano) -> Option<wire::Licence> {
    let now = licences::now(state, clock);
    let licence = state.licences.rows.get(id)?;
    Some(to_wire(state, licence, now))
}

fn to_wire(state: &State, licence: &Licence, now: UnixNano) -> wire::Licence {
    let standing = licences::standing(&state.licences, licence, now);
    wire::Licence {
        licence: licence.claims.id.clone(),
        claims: Some(takt_log::licences::claims_to(&licence.claims)),
        signers: licence.signers.clone(),
        standing: takt_log::licences::standing_to(standing).into(),
        added_at: licence.added_at.0,
        envelope: licence.envelope.clone(),
        version: licence.version.0,
    }
}
