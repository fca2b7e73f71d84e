//! Everything that is kept, by what it is called: the one place that knows every kind.

pub(crate) mod encoded;
mod kinds;
mod parts;

use takt_domain::access::Name;
use takt_domain::decisions::SegmentId;
use takt_domain::ledger::CardName;
use takt_domain::nodes::{LeaseName, NodeName};
use takt_domain::overrides::{OF_TENANT_ITSELF, Values};
use takt_domain::{Layer, Resource, State, Subject};
use takt_model::TenantId;
use takt_views::Filter;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::admin::v1::row::Row;
use tonic::Status;

use crate::refusal::invalid;
use crate::{
    access, billing, decisions, jobs, ledger, licences, nodes, policies, request, ring, tenants,
};

pub(crate) use kinds::page;
pub(crate) use parts::{Part, Parts, Stands};

/// A thing as it stands, for people; `None` when it is not there.
pub(crate) fn find(state: &State, subject: &Subject) -> Option<wire::Row> {
    let row = match &subject.tenant {
        Some(tenant) => of_tenant(state, tenant, subject)?,
        None => of_nobody(state, subject)?,
    };
    Some(wire::Row { row: Some(row) })
}

fn of_tenant(state: &State, tenant: &TenantId, subject: &Subject) -> Option<Row> {
    Some(match subject.resource {
        Resource::Tenant => Row::Tenant(tenants::find(state, tenant)?),
        Resource::Overrides => overrides(state, subject)?,
        Resource::PolicySet => {
            state.policies.set(tenant)?;
            Row::PolicySet(policies::show::set(state, tenant))
        }
        Resource::Segment => {
            let id = SegmentId(subject.name.parse().ok()?);
            Row::Segment(decisions::find(state, tenant, id)?)
        }
        Resource::Account => {
            let book = state.ledger.books.get(tenant)?;
            Row::Account(ledger::account(tenant, book))
        }
        Resource::Credit => {
            let id = subject.name.parse().ok()?;
            let credit = billing::credit(state, tenant, id).map(Row::Credit);
            let commitment = || billing::commitment(state, tenant, id).map(Row::Commitment);
            credit.or_else(commitment)?
        }
        Resource::Invoice => {
            let id = subject.name.parse().ok()?;
            Row::Invoice(billing::invoice(state, tenant, id)?)
        }
        Resource::Ring
        | Resource::Partition
        | Resource::AccessPolicy
        | Resource::Token
        | Resource::OidcIssuer
        | Resource::Licence
        | Resource::RateCard
        | Resource::Usage
        | Resource::Job
        | Resource::Node
        | Resource::Lease
        | Resource::Cluster => return None,
    })
}

fn of_nobody(state: &State, subject: &Subject) -> Option<Row> {
    let name = subject.name.as_str();
    Some(match subject.resource {
        Resource::Overrides => overrides(state, subject)?,
        Resource::Ring => {
            let mut rings = state.ring.by_purpose.iter();
            let (purpose, ring) = rings.find(|(purpose, _)| purpose.as_str() == name)?;
            Row::Ring(ring::ring_to_wire(*purpose, ring))
        }
        Resource::Partition => {
            let (purpose, number) = name.split_once('/')?;
            let mut rings = state.ring.by_purpose.iter();
            let (purpose, ring) = rings.find(|(found, _)| found.as_str() == purpose)?;
            let number = number.parse().ok()?;
            let partition = ring.partitions.get(&number)?;
            Row::Partition(ring::partition_to_wire(*purpose, number, partition))
        }
        Resource::AccessPolicy => {
            Row::AccessPolicy(access::find_policy(state, &Name::new(name).ok()?)?)
        }
        Resource::Token => Row::Token(access::find_token(state, &Name::new(name).ok()?)?),
        Resource::OidcIssuer => {
            Row::OidcIssuer(access::find_issuer(state, &Name::new(name).ok()?)?)
        }
        // Its standing follows from the clock and is told as it was when the newest decision was made.
        Resource::Licence => Row::Licence(licences::find(state, name, state.at)?),
        Resource::RateCard => Row::RateCard(billing::card(state, &CardName::new(name).ok()?)?),
        Resource::Job => {
            let id = name.parse().ok()?;
            Row::Job(jobs::to_wire(id, state.jobs.get(id)?))
        }
        Resource::Node => {
            let name = NodeName::new(name).ok()?;
            Row::Node(nodes::to_wire(&name, state.nodes.by_name.get(&name)?))
        }
        Resource::Lease => {
            let name = LeaseName::new(name).ok()?;
            Row::Lease(nodes::lease_to_wire(&name, state.nodes.leases.get(&name)?))
        }
        Resource::Cluster => Row::Cluster(wire::Founding {
            cluster: state.cluster.id?.to_string(),
            founded_at: state.cluster.founded_at.0,
            level: state.cluster.level,
            version: state.cluster.version.0,
        }),
        Resource::Tenant
        | Resource::PolicySet
        | Resource::Segment
        | Resource::Account
        | Resource::Credit
        | Resource::Invoice
        | Resource::Usage => return None,
    })
}

fn overrides(state: &State, subject: &Subject) -> Option<Row> {
    let values = state.overrides.get(&layer(subject)?)?;
    Some(Row::Overrides(layer_to_wire(values)))
}

/// The layer of the overrides that goes by this name.
fn layer(subject: &Subject) -> Option<Layer> {
    match (&subject.tenant, subject.name.as_str()) {
        (None, "") => Some(Layer::Defaults),
        (Some(tenant), "") => Some(Layer::Tenant(tenant.clone())),
        (Some(tenant), OF_TENANT_ITSELF) => Some(Layer::OfTenantItself(tenant.clone())),
        (None | Some(_), _) => None,
    }
}

fn layer_to_wire(values: &Values) -> wire::OverridesLayer {
    wire::OverridesLayer {
        values: values.fields.to_map(),
        version: values.version.0,
    }
}

pub(crate) fn resource_to_wire(resource: Resource) -> wire::Resource {
    match resource {
        Resource::Tenant => wire::Resource::Tenant,
        Resource::Overrides => wire::Resource::Overrides,
        Resource::Ring => wire::Resource::Ring,
        Resource::Lease => wire::Resource::Lease,
        Resource::Partition => wire::Resource::Partition,
        Resource::PolicySet => wire::Resource::PolicySet,
        Resource::Segment => wire::Resource::Segment,
        Resource::AccessPolicy => wire::Resource::AccessPolicy,
        Resource::Token => wire::Resource::Token,
        Resource::OidcIssuer => wire::Resource::OidcIssuer,
        Resource::Licence => wire::Resource::Licence,
        Resource::Account => wire::Resource::Account,
        Resource::RateCard => wire::Resource::RateCard,
        Resource::Credit => wire::Resource::Credit,
        Resource::Invoice => wire::Resource::Invoice,
        Resource::Usage => wire::Resource::Usage,
        Resource::Job => wire::Resource::Job,
        Resource::Node => wire::Resource::Node,
        Resource::Cluster => wire::Resource::Cluster,
    }
}

pub(crate) fn resource(number: i32) -> Result<Resource, Status> {
    let wanted = wire::Resource::try_from(number).ok();
    let found = Resource::ALL
        .into_iter()
        .find(|resource| Some(resource_to_wire(*resource)) == wanted);
    found.ok_or_else(|| {
        invalid(
            "RESOURCE_UNKNOWN",
            format!("there is no kind of resource with the number {number}"),
        )
    })
}

pub(crate) fn subject_to_wire(subject: &Subject) -> wire::Subject {
    wire::Subject {
        resource: resource_to_wire(subject.resource).into(),
        tenant: subject
            .tenant
            .as_ref()
            .map(TenantId::to_string)
            .unwrap_or_default(),
        name: subject.name.clone(),
    }
}

pub(crate) fn subject(subject: wire::Subject) -> Result<Subject, Status> {
    Ok(Subject {
        resource: resource(subject.resource)?,
        tenant: some_tenant(&subject.tenant)?,
        name: subject.name,
    })
}

/// What the caller narrows it to; empty fields narrow nothing.
pub(crate) fn filter(resources: &[i32], tenant: &str, name: String) -> Result<Filter, Status> {
    let resources = resources.iter().map(|number| resource(*number));
    Ok(Filter {
        resources: resources.collect::<Result<_, _>>()?,
        tenant: some_tenant(tenant)?,
        name: (!name.is_empty()).then_some(name),
    })
}

fn some_tenant(text: &str) -> Result<Option<TenantId>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    request::tenant(text).map(Some)
}

#[cfg(test)]
mod tests;
