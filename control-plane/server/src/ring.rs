//! Rings over the wire.

mod convert;

use std::ops::Bound;

use takt_domain::ring::{
    Added, Command, Partition, Purpose, Rejection, Ring, Wish, name, shard_of_tenant,
    shard_of_tenant_since,
};
use takt_domain::{CommandId, Facts, State, decide};
use takt_kit::Clock;
use takt_model::{Revision, UnixNano};
use takt_reconcile::{Observed, Waits, plan};
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::ring_service_server::RingService;
use tonic::{Request, Response, Status};
use uuid::Uuid;

pub(crate) use convert::{partition_to_wire, ring_to_wire};
use convert::{purpose, spec, standing_to_wire, zone};

use crate::nodes::node_name;
use crate::page;
use crate::refusal::{invalid, rejected};
use crate::request::{actor, tenant};
use crate::writer::{Changed, Writer, if_match};

#[derive(Debug)]
pub(crate) struct RingApi {
    writer: Writer,
    clock: std::sync::Arc<dyn Clock>,
}

/// What requests about one partition have in common.
trait OfPartition {
    fn ring(&self) -> i32;
    fn partition(&self) -> u32;
    fn change(&self) -> Option<&wire::Change>;
}

macro_rules! of_partition {
    ($($request:ident)*) => {$(
        impl OfPartition for wire::$request {
            fn ring(&self) -> i32 {
                self.ring
            }

            fn partition(&self) -> u32 {
                self.partition
            }

            fn change(&self) -> Option<&wire::Change> {
                self.change.as_ref()
            }
        }
    )*};
}

of_partition! {
    ActivatePartitionRequest
    DeactivatePartitionRequest
    AssignPartitionRequest
    UnassignPartitionRequest
    HandOverPartitionRequest
    CancelHandoverRequest
}

type PartitionAfter = (Option<wire::Outcome>, Option<wire::Partition>);

impl RingApi {
    pub(crate) fn new(writer: Writer, clock: std::sync::Arc<dyn Clock>) -> Self {
        Self { writer, clock }
    }

    /// Carries out a wish about a partition and answers with the partition as it stands then.
    async fn change<R: OfPartition + Send>(
        &self,
        request: Request<R>,
        wish: impl FnOnce(&R, u32, Option<Revision>) -> Result<Wish, Status> + Send,
    ) -> Result<PartitionAfter, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let (ring, number) = (purpose(request.ring())?, request.partition());
        let wish = wish(&request, number, if_match(request.change()))?;
        let command = Command { ring, wish };
        let change = request.change().cloned();
        let changed = self.writer.change(actor, change, command).await?;
        let partition = partition_of(&changed.state, ring, number)?;
        let partition = partition_to_wire(ring, number, partition);
        Ok((Some(changed.outcome), Some(partition)))
    }
}

#[tonic::async_trait]
impl RingService for RingApi {
    async fn get_ring(
        &self,
        request: Request<wire::GetRingRequest>,
    ) -> Result<Response<wire::GetRingResponse>, Status> {
        let purpose = purpose(request.into_inner().ring)?;
        let state = self.writer.read().await?;
        let ring = Some(ring_to_wire(purpose, ring_of(&state, purpose)?));
        Ok(Response::new(wire::GetRingResponse { ring }))
    }

    async fn list_rings(
        &self,
        _: Request<wire::ListRingsRequest>,
    ) -> Result<Response<wire::ListRingsResponse>, Status> {
        let state = self.writer.read().await?;
        let rings = state.ring.by_purpose.iter();
        let rings = rings
            .map(|(purpose, ring)| ring_to_wire(*purpose, ring))
            .collect();
        Ok(Response::new(wire::ListRingsResponse { rings }))
    }

    async fn update_ring(
        &self,
        request: Request<wire::UpdateRingRequest>,
    ) -> Result<Response<wire::UpdateRingResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let ring = purpose(request.ring)?;
        let wish = Wish::Configure {
            spec: spec(request.spec.unwrap_or_default()),
            if_match: if_match(request.change.as_ref()),
        };
        let command = Command { ring, wish };
        let changed = self.writer.change(actor, request.change, command).await?;
        let (outcome, ring) = ring_after(changed, ring)?;
        Ok(Response::new(wire::UpdateRingResponse { outcome, ring }))
    }

    async fn get_partition(
        &self,
        request: Request<wire::GetPartitionRequest>,
    ) -> Result<Response<wire::GetPartitionResponse>, Status> {
        let request = request.into_inner();
        let ring = purpose(request.ring)?;
        let state = self.writer.read().await?;
        let found = partition_of(&state, ring, request.partition)?;
        let partition = Some(partition_to_wire(ring, request.partition, found));
        Ok(Response::new(wire::GetPartitionResponse { partition }))
    }

    async fn list_partitions(
        &self,
        request: Request<wire::ListPartitionsRequest>,
    ) -> Result<Response<wire::ListPartitionsResponse>, Status> {
        let request = request.into_inner();
        let purpose = purpose(request.ring)?;
        let after = match request.page_token.as_str() {
            "" => Bound::Unbounded,
            token => Bound::Excluded(token.parse::<u32>().map_err(|_| bad_token(token))?),
        };
        let states: Vec<wire::PartitionState> = request.states().collect();
        let held = |seat: &wire::PartitionSeat| {
            let holders = [&seat.owner, &seat.heir].into_iter().flatten();
            holders.into_iter().any(|held| held.node == request.node)
        };
        let state = self.writer.read().await?;
        let rows = ring_of(&state, purpose)?
            .partitions
            .range((after, Bound::Unbounded))
            .filter(|(_, found)| {
                states.is_empty() || states.contains(&standing_to_wire(found.standing))
            })
            .map(|(number, found)| partition_to_wire(purpose, *number, found))
            .filter(|row| request.node.is_empty() || row.seats.iter().any(held));
        let (partitions, next_page_token) = page::cut(rows, page::size(request.page_size), |row| {
            row.partition.to_string()
        });
        Ok(Response::new(wire::ListPartitionsResponse {
            partitions,
            next_page_token,
        }))
    }

    async fn add_partitions(
        &self,
        request: Request<wire::AddPartitionsRequest>,
    ) -> Result<Response<wire::AddPartitionsResponse>, Status> {
        use wire::add_partitions_request::Which;
        let actor = actor(&request);
        let request = request.into_inner();
        let ring = purpose(request.ring)?;
        let added = match request.which {
            Some(Which::Number(number)) => Added::Number(number),
            Some(Which::Count(count)) => Added::Count(count),
            None => {
                return Err(invalid(
                    "PARTITION_MISSING",
                    "say which: a `number`, or a `count`",
                ));
            }
        };
        let wish = Wish::Add(added);
        let command = Command { ring, wish };
        let changed = self.writer.add(actor, request.change, command).await?;
        let (outcome, ring) = ring_after(changed, ring)?;
        Ok(Response::new(wire::AddPartitionsResponse { outcome, ring }))
    }

    async fn activate_partition(
        &self,
        request: Request<wire::ActivatePartitionRequest>,
    ) -> Result<Response<wire::ActivatePartitionResponse>, Status> {
        let changed = self.change(request, |_, partition, if_match| {
            Ok(Wish::Activate {
                partition,
                if_match,
            })
        });
        let (outcome, partition) = changed.await?;
        Ok(Response::new(wire::ActivatePartitionResponse {
            outcome,
            partition,
        }))
    }

    async fn deactivate_partition(
        &self,
        request: Request<wire::DeactivatePartitionRequest>,
    ) -> Result<Response<wire::DeactivatePartitionResponse>, Status> {
        let changed = self.change(request, |_, partition, if_match| {
            Ok(Wish::Deactivate {
                partition,
                if_match,
            })
        });
        let (outcome, partition) = changed.await?;
        Ok(Response::new(wire::DeactivatePartitionResponse {
            outcome,
            partition,
        }))
    }

    async fn remove_partition(
        &self,
        request: Request<wire::RemovePartitionRequest>,
    ) -> Result<Response<wire::RemovePartitionResponse>, Status> {
        let actor = actor(&request);
        let request = request.into_inner();
        let wish = Wish::Remove {
            partition: request.partition,
            abandon: request.abandon,
            if_match: if_match(request.change.as_ref()),
        };
        let ring = purpose(request.ring)?;
        let command = Command { ring, wish };
        let changed = self.writer.change(actor, request.change, command).await?;
        let outcome = Some(changed.outcome);
        Ok(Response::new(wire::RemovePartitionResponse { outcome }))
    }

    async fn assign_partition(
        &self,
        request: Request<wire::AssignPartitionRequest>,
    ) -> Result<Response<wire::AssignPartitionResponse>, Status> {
        let changed = self.change(request, |request, partition, if_match| {
            let node = node_name(&request.node)?;
            Ok(Wish::Assign {
                partition,
                node,
                if_match,
            })
        });
        let (outcome, partition) = changed.await?;
        Ok(Response::new(wire::AssignPartitionResponse {
            outcome,
            partition,
        }))
    }

    async fn unassign_partition(
        &self,
        request: Request<wire::UnassignPartitionRequest>,
    ) -> Result<Response<wire::UnassignPartitionResponse>, Status> {
        let changed = self.change(request, |request, partition, if_match| {
            let zone = zone(&request.zone)?;
            Ok(Wish::Unassign {
                partition,
                zone,
                if_match,
            })
        });
        let (outcome, partition) = changed.await?;
        Ok(Response::new(wire::UnassignPartitionResponse {
            outcome,
            partition,
        }))
    }

    async fn hand_over_partition(
        &self,
        request: Request<wire::HandOverPartitionRequest>,
    ) -> Result<Response<wire::HandOverPartitionResponse>, Status> {
        let changed = self.change(request, |request, partition, if_match| {
            let to = node_name(&request.node)?;
            Ok(Wish::HandOver {
                partition,
                to,
                if_match,
            })
        });
        let (outcome, partition) = changed.await?;
        Ok(Response::new(wire::HandOverPartitionResponse {
            outcome,
            partition,
        }))
    }

    async fn cancel_handover(
        &self,
        request: Request<wire::CancelHandoverRequest>,
    ) -> Result<Response<wire::CancelHandoverResponse>, Status> {
        let changed = self.change(request, |request, partition, if_match| {
            let zone = zone(&request.zone)?;
            Ok(Wish::CancelHandover {
                partition,
                zone,
                if_match,
            })
        });
        let (outcome, partition) = changed.await?;
        Ok(Response::new(wire::CancelHandoverResponse {
            outcome,
            partition,
        }))
    }

    async fn preview_plan(
        &self,
        _: Request<wire::PreviewPlanRequest>,
    ) -> Result<Response<wire::PreviewPlanResponse>, Status> {
        let state = self.writer.read().await?;
        let now = self.clock.now();
        let silence = Observed {
            since: now,
            ..Observed::default()
        };
        let facts = Facts {
            at: now,
            command: CommandId(Uuid::nil()),
        };
        let steps = plan(&state, &silence, &Waits::default(), now)
            .iter()
            .filter_map(|command| decide(&state, command, &facts).ok())
            .map(|events| wire::PlannedStep {
                events: takt_log::events_to_wire(&events),
            })
            .collect();
        Ok(Response::new(wire::PreviewPlanResponse {
            steps,
            revision: state.revision.0,
        }))
    }

    async fn get_tenant_shard(
        &self,
        request: Request<wire::GetTenantShardRequest>,
    ) -> Result<Response<wire::GetTenantShardResponse>, Status> {
        let request = request.into_inner();
        let tenant = tenant(&request.tenant)?;
        let purpose = purpose(request.ring)?;
        let state = self.writer.read().await?;
        let ring = ring_of(&state, purpose)?;
        let partitions = match request.since {
            0 => shard_of_tenant(ring, &tenant, request.size),
            since => shard_of_tenant_since(ring, &tenant, request.size, UnixNano(since)),
        };
        Ok(Response::new(wire::GetTenantShardResponse { partitions }))
    }
}

fn ring_of(state: &State, purpose: Purpose) -> Result<&Ring, Status> {
    let found = state.ring.by_purpose.get(&purpose);
    found.ok_or_else(|| rejected(&Rejection::Unknown(purpose).into()))
}

fn partition_of(state: &State, purpose: Purpose, number: u32) -> Result<&Partition, Status> {
    let found = ring_of(state, purpose)?.partitions.get(&number);
    found
        .map(AsRef::as_ref)
        .ok_or_else(|| rejected(&Rejection::PartitionUnknown(name(purpose, number)).into()))
}

fn ring_after(
    changed: Changed,
    purpose: Purpose,
) -> Result<(Option<wire::Outcome>, Option<wire::Ring>), Status> {
    let ring = ring_to_wire(purpose, ring_of(&changed.state, purpose)?);
    Ok((Some(changed.outcome), Some(ring)))
}

fn bad_token(token: &str) -> Status {
    let token: String = token.chars().take(64).collect();
    invalid(
        "PAGE_TOKEN_INVALID",
        format!("`{token}` is not a page token of this list"),
    )
}
