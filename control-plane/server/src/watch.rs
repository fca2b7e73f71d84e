//! What the data plane follows.

use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, stream};
use takt_domain::Standing;
use takt_domain::overrides::Values;
use takt_model::{Revision, TenantId};
use takt_views::{Change, Row, Views, Watch};
use takt_wire::takt::control::v1 as wire;
use takt_wire::takt::control::v1::view_service_server::ViewService;
use tonic::{Request, Response, Status};

/// A follower hears something at least this often.
const HEARTBEAT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct ViewApi {
    views: Views,
}

impl ViewApi {
    pub(crate) fn new(views: Views) -> Self {
        Self { views }
    }
}

/// A stream under way: what to say when nothing happens is the last thing said, without its rows.
struct Telling {
    watch: Watch,
    last: wire::WatchResponse,
}

#[tonic::async_trait]
impl ViewService for ViewApi {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<wire::WatchResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let after = Revision(request.into_inner().after_revision);
        let telling = Telling {
            watch: self.views.watch(after),
            last: wire::WatchResponse::default(),
        };
        let told = stream::unfold(telling, |mut telling| async {
            let update = match tokio::time::timeout(HEARTBEAT, telling.watch.next()).await {
                Ok(Some(change)) => update(&change),
                Ok(None) => return None,
                Err(_quiet) => telling.last.clone(),
            };
            telling.last = wire::WatchResponse {
                revision: update.revision,
                decided_at: update.decided_at,
                ..wire::WatchResponse::default()
            };
            Some((Ok(update), telling))
        });
        Ok(Response::new(Box::pin(told)))
    }
}

fn update(change: &Change) -> wire::WatchResponse {
    wire::WatchResponse {
        revision: change.revision.0,
        decided_at: change.decided_at.0,
        reset: change.reset,
        defaults: change.defaults.as_deref().map(layer),
        tenants: change
            .tenants
            .iter()
            .map(|(id, row)| tenant(id, row))
            .collect(),
    }
}

fn tenant(id: &TenantId, row: &Row) -> wire::Tenant {
    let state = match &row.tenant.standing {
        Standing::Active => wire::TenantState::Active,
        Standing::Suspended { .. } => wire::TenantState::Suspended,
        Standing::Deleting(_) | Standing::Deleted => wire::TenantState::Deleting,
    };
    wire::Tenant {
        tenant: id.to_string(),
        state: state.into(),
        overrides: Some(layer(&row.overrides)),
    }
}

fn layer(values: &Values) -> wire::Layer {
    wire::Layer {
        values: values.fields.clone(),
    }
}
