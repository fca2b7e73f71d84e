//! What was done and what was refused, over the wire.

use takt_domain::{Event, Resource};
use takt_log::{Handle, History, Recorded};
use takt_model::{Revision, TenantId};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::audit_service_server::AuditService;
use tonic::{Request, Response, Status};

use crate::auth::{Refusal, Refusals, split_actor};
use crate::refusal::{invalid, reading};
use crate::request::tenant;

const PAGE_MAX: usize = 1000;

#[derive(Debug)]
pub(crate) struct AuditApi {
    log: Handle,
    refusals: Refusals,
}

impl AuditApi {
    pub(crate) fn new(log: Handle, refusals: Refusals) -> Self {
        Self { log, refusals }
    }
}

/// Which entries are wanted.
struct Filter {
    actor: String,
    from: u64,
    to: u64,
    resource: Option<Resource>,
    tenant: Option<TenantId>,
}

#[tonic::async_trait]
impl AuditService for AuditApi {
    async fn list_entries(
        &self,
        request: Request<wire::ListEntriesRequest>,
    ) -> Result<Response<wire::ListEntriesResponse>, Status> {
        let request = request.into_inner();
        let filter = Filter::read(&request)?;
        let limit = size(request.page_size);
        let asked = match request.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map(Revision).map_err(|_| {
                invalid(
                    "PAGE_TOKEN_INVALID",
                    "the page token is none this server gave out",
                )
            })?),
        };
        // Linearizable: what was acknowledged before this call is in the answer.
        self.log.read().await.map_err(|error| reading(&error))?;
        let kept_after = self
            .log
            .kept_after()
            .await
            .map_err(|error| reading(&error))?;
        let after = asked.unwrap_or(kept_after).max(kept_after);
        let history = self.log.history(after, limit).await;
        let batches = match history.map_err(|error| reading(&error))? {
            History::Batches(batches) => batches,
            History::TooOld(_) => Vec::new(),
        };
        let more = batches.len() == limit;
        let last = batches.last().map(|last| last.revision);
        let entries = batches
            .into_iter()
            .filter_map(|recorded| filter.entry(recorded));
        Ok(Response::new(wire::ListEntriesResponse {
            entries: entries.collect(),
            next_page_token: last
                .filter(|_| more)
                .map(|last| last.to_string())
                .unwrap_or_default(),
            kept_after: kept_after.0,
        }))
    }

    async fn list_refusals(
        &self,
        request: Request<wire::ListRefusalsRequest>,
    ) -> Result<Response<wire::ListRefusalsResponse>, Status> {
        let newest = self.refusals.newest(size(request.into_inner().page_size));
        Ok(Response::new(wire::ListRefusalsResponse {
            refusals: newest.into_iter().map(refusal).collect(),
            total: self.refusals.total(),
        }))
    }
}

impl Filter {
    fn read(request: &wire::ListEntriesRequest) -> Result<Self, Status> {
        Ok(Self {
            actor: request.actor.clone(),
            from: request.from.unwrap_or_default(),
            to: request.to.unwrap_or(u64::MAX),
            resource: match request.resource.as_str() {
                "" => None,
                text => Some(resource(text)?),
            },
            tenant: match request.tenant.as_str() {
                "" => None,
                text => Some(tenant(text)?),
            },
        })
    }

    /// What is wanted of a decision, if anything is.
    fn entry(&self, recorded: Recorded) -> Option<wire::AuditEntry> {
        let batch = &recorded.batch;
        let (principal, address) = split_actor(&batch.actor);
        let actor = [principal, &batch.actor, ""].contains(&self.actor.as_str());
        if !actor || !(self.from..self.to).contains(&batch.at.0) {
            return None;
        }
        let events: Vec<Event> = batch
            .events
            .iter()
            .filter(|event| self.wants(event))
            .cloned()
            .collect();
        if events.is_empty() {
            return None;
        }
        Some(wire::AuditEntry {
            revision: recorded.revision.0,
            at: batch.at.0,
            principal: principal.to_owned(),
            address: address.to_owned(),
            command_id: batch.command.to_string(),
            events: takt_log::events_to_wire(&events),
        })
    }

    fn wants(&self, event: &Event) -> bool {
        let subject = event.subject();
        self.resource
            .is_none_or(|resource| resource == subject.resource)
            && (self.tenant.is_none() || self.tenant == subject.tenant)
    }
}

fn refusal(refusal: Refusal) -> wire::Refusal {
    let (principal, address) = split_actor(&refusal.actor);
    wire::Refusal {
        at: refusal.at.0,
        principal: principal.to_owned(),
        address: address.to_owned(),
        method: refusal.method.to_owned(),
        code: u32::try_from(i32::from(refusal.code)).unwrap_or_default(),
        reason: refusal.reason,
        tenant: refusal
            .tenant
            .map(|tenant| tenant.to_string())
            .unwrap_or_default(),
    }
}

fn resource(text: &str) -> Result<Resource, Status> {
    Resource::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Resource::ALL.into_iter().map(Resource::name).collect();
        let names = names.join(", ");
        invalid(
            "RESOURCE_UNKNOWN",
            format!("there is no such kind of thing; there are {names}"),
        )
    })
}

fn size(asked: u32) -> usize {
    match usize::try_from(asked) {
        Ok(0) | Err(_) => PAGE_MAX,
        Ok(size) => size.min(PAGE_MAX),
    }
}
