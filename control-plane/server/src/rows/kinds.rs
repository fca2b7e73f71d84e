//! What there is of each kind, in order and a page at a time, so that nobody needs a list of everything.

use std::ops::Bound;
use std::sync::Arc;

use takt_domain::decisions::Index;
use takt_domain::ledger::Book;
use takt_domain::overrides::OF_TENANT_ITSELF;
use takt_domain::{Layer, Resource, State, Subject, ring};
use takt_model::TenantId;
use uuid::Uuid;

type Bounds<T> = (Bound<T>, Bound<T>);

/// The next of a kind after the given one, at most `limit`; `tenant` narrows it to what is that tenant's.
pub(crate) fn page(
    state: &State,
    resource: Resource,
    tenant: Option<&TenantId>,
    after: Option<&Subject>,
    limit: usize,
) -> Vec<Subject> {
    let from = tenant.or_else(|| after?.tenant.as_ref());
    let books = || {
        let from = from.cloned().map_or(Bound::Unbounded, Bound::Included);
        state.ledger.books.range((from, Bound::Unbounded))
    };
    match resource {
        Resource::Tenant => {
            let after = after.and_then(|after| after.tenant.clone());
            let range = state.tenants.range(bounds(after, tenant.cloned()));
            let subjects = range.map(|(id, _)| Subject::of_tenant(resource, id));
            subjects.take(limit).collect()
        }
        Resource::Overrides => match (tenant, after) {
            (None, after) => {
                let after = after.and_then(super::layer);
                let layers = state.overrides.range(bounds(after, None));
                layers.map(|(layer, _)| of(layer)).take(limit).collect()
            }
            (Some(tenant), None) => [Layer::Tenant, Layer::OfTenantItself]
                .map(|layer| layer(tenant.clone()))
                .iter()
                .filter(|layer| state.overrides.contains_key(*layer))
                .map(of)
                .collect(),
            // They were told together.
            (Some(_), Some(_)) => Vec::new(),
        },
        Resource::PolicySet => of_tenants(
            resource,
            state.policies.sets_from(from),
            after,
            tenant,
            limit,
        ),
        Resource::Account => of_tenants(resource, books(), after, tenant, limit),
        Resource::Segment => {
            let indexes = state.decisions.tenants_from(from);
            let ids = |index: &Index| index.rows().map(|row| row.segment.id.to_string()).collect();
            of_each(resource, indexes, ids, after, tenant, limit)
        }
        Resource::Credit => {
            let ids = |book: &Arc<Book>| {
                let (credits, commitments) = (book.credits.keys(), book.commitments.keys());
                let mut ids: Vec<_> = credits.chain(commitments).map(Uuid::to_string).collect();
                ids.sort_unstable();
                ids
            };
            of_each(resource, books(), ids, after, tenant, limit)
        }
        Resource::Invoice => {
            let ids = |book: &Arc<Book>| book.invoices.keys().map(Uuid::to_string).collect();
            of_each(resource, books(), ids, after, tenant, limit)
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
        | Resource::Cluster => match tenant {
            None => of_nobody(state, resource, after, limit),
            Some(_) => Vec::new(),
        },
    }
}

/// As [`page()`], of what belongs to no tenant.
fn of_nobody(
    state: &State,
    resource: Resource,
    after: Option<&Subject>,
    limit: usize,
) -> Vec<Subject> {
    match resource {
        Resource::Ring => named(resource, state.ring.by_purpose.keys(), after, limit),
        Resource::Partition => {
            let rings = state.ring.by_purpose.iter();
            let partitions = rings.flat_map(|(purpose, ring)| {
                let numbers = ring.partitions.keys();
                numbers.map(|number| ring::name(*purpose, *number))
            });
            named(resource, partitions, after, limit)
        }
        Resource::AccessPolicy => named(resource, state.access.policies().keys(), after, limit),
        Resource::Token => named(resource, state.access.tokens().keys(), after, limit),
        Resource::OidcIssuer => named(resource, state.access.issuers().keys(), after, limit),
        Resource::Licence => named(resource, state.licences.rows.keys(), after, limit),
        Resource::RateCard => named(resource, state.ledger.cards.keys(), after, limit),
        Resource::Node => named(resource, state.nodes.by_name.keys(), after, limit),
        Resource::Lease => named(resource, state.nodes.leases.keys(), after, limit),
        Resource::Job => {
            let after = after.and_then(|after| after.name.parse().ok());
            let jobs = state.jobs.iter_after(after).map(|(id, _)| id);
            jobs.map(|id| Subject::named(resource, id.to_string()))
                .take(limit)
                .collect()
        }
        Resource::Cluster => {
            let founded = after.is_none() && state.cluster.id.is_some();
            founded
                .then(|| Subject::named(resource, ""))
                .into_iter()
                .collect()
        }
        // Sums of usage are in the account; where it came from is in the history.
        Resource::Usage
        | Resource::Tenant
        | Resource::Overrides
        | Resource::PolicySet
        | Resource::Segment
        | Resource::Account
        | Resource::Credit
        | Resource::Invoice => Vec::new(),
    }
}

/// The one of each tenant.
fn of_tenants<'a, T>(
    resource: Resource,
    tenants: impl Iterator<Item = (&'a TenantId, T)>,
    after: Option<&Subject>,
    only: Option<&TenantId>,
    limit: usize,
) -> Vec<Subject> {
    let tenants = tenants.map(|(tenant, _)| Subject::of_tenant(resource, tenant));
    let tenants = tenants.skip_while(|found| Some(found) <= after);
    let tenants =
        tenants.take_while(|found| only.is_none_or(|only| found.tenant.as_ref() == Some(only)));
    tenants.take(limit).collect()
}

/// Those of each tenant, by name.
fn of_each<'a, T>(
    resource: Resource,
    tenants: impl Iterator<Item = (&'a TenantId, T)>,
    names: impl Fn(T) -> Vec<String>,
    after: Option<&Subject>,
    only: Option<&TenantId>,
    limit: usize,
) -> Vec<Subject> {
    let tenants = tenants.take_while(|(tenant, _)| only.is_none_or(|only| *tenant == only));
    let all = tenants.flat_map(|(tenant, of)| {
        names(of).into_iter().map(move |name| Subject {
            name,
            ..Subject::of_tenant(resource, tenant)
        })
    });
    all.skip_while(|found| Some(found) <= after)
        .take(limit)
        .collect()
}

/// Those that are nobody's, of which there are few enough to go over what was told already.
fn named(
    resource: Resource,
    names: impl Iterator<Item: ToString>,
    after: Option<&Subject>,
    limit: usize,
) -> Vec<Subject> {
    let all = names.map(|name| Subject::named(resource, name.to_string()));
    match after {
        None => all.take(limit).collect(),
        Some(after) => all
            .skip_while(|found| found != after)
            .skip(1)
            .take(limit)
            .collect(),
    }
}

fn of(layer: &Layer) -> Subject {
    let resource = Resource::Overrides;
    match layer {
        Layer::Defaults => Subject::named(resource, ""),
        Layer::Tenant(tenant) => Subject::of_tenant(resource, tenant),
        Layer::OfTenantItself(tenant) => Subject {
            name: OF_TENANT_ITSELF.to_owned(),
            ..Subject::of_tenant(resource, tenant)
        },
    }
}

/// Everything after one, or only one.
fn bounds<T: Clone + Ord>(after: Option<T>, only: Option<T>) -> Bounds<T> {
    match (after, only) {
        (None, None) => (Bound::Unbounded, Bound::Unbounded),
        (Some(after), None) => (Bound::Excluded(after), Bound::Unbounded),
        (None, Some(only)) => (Bound::Included(only.clone()), Bound::Included(only)),
        // It was told already.
        (Some(_), Some(only)) => (Bound::Included(only.clone()), Bound::Excluded(only)),
    }
}
