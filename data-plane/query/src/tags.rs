//! Names and values of tags, for autocomplete: from the index of a block where it has them, from
//! columns where it does not, and from live segments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{FutureExt as _, TryStreamExt as _};
use takt_block::{Meta, Opened, Scope as Place};
use takt_engine::{
    Bounds, TagNames, TagScope, TagValue, TagValueType, TagValues, tag_columns, tag_names,
    tag_values,
};
use takt_model::{TenantId, TimeRange};
use takt_trace::{Column, Projection, Value};
use takt_traceql::{Field, Filter, INTRINSIC_TAGS, Intrinsic, Scope as FieldScope, What};
use takt_wire::tempopb;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::frontend::{Cost, Frontend, in_segment};
use crate::params::Invalid;
use crate::prune;
use crate::request;
use crate::request::tags::Scope;
use crate::run::job::load;
use crate::sources::Sources;
use crate::work::{Asked, in_order};

/// Found names, before they take the form of one version of the API.
#[derive(Debug)]
pub(crate) struct FoundNames {
    names: BTreeMap<TagScope, BTreeSet<String>>,
    with_intrinsics: bool,
    only_intrinsics: bool,
    metrics: tempopb::MetadataMetrics,
    missing: Vec<String>,
}

impl FoundNames {
    /// One set of names over all scopes; intrinsics only when asked for.
    pub(crate) fn version_1(self) -> Answer<tempopb::SearchTagsResponse> {
        let names: BTreeSet<String> = if self.only_intrinsics {
            intrinsics().into_iter().collect()
        } else {
            self.names.into_values().flatten().collect()
        };
        let message = tempopb::SearchTagsResponse {
            tag_names: names.into_iter().collect(),
            metrics: Some(self.metrics),
        };
        Answer::new(message, self.missing)
    }

    /// Names by scope.
    pub(crate) fn version_2(self) -> Answer<tempopb::SearchTagsV2Response> {
        let scope = |(scope, names): (TagScope, BTreeSet<String>)| tempopb::SearchTagsV2Scope {
            name: scope.name().to_owned(),
            tags: names.into_iter().collect(),
        };
        let mut scopes: Vec<_> = self.names.into_iter().map(scope).collect();
        if self.with_intrinsics {
            scopes.push(tempopb::SearchTagsV2Scope {
                name: "intrinsic".to_owned(),
                tags: intrinsics(),
            });
        }
        let message = tempopb::SearchTagsV2Response {
            scopes,
            metrics: Some(self.metrics),
        };
        Answer::new(message, self.missing)
    }
}

fn intrinsics() -> Vec<String> {
    INTRINSIC_TAGS
        .iter()
        .map(|name| (*name).to_owned())
        .collect()
}

/// What is asked of every source.
struct Asks {
    filter: Option<Filter>,
    window: TimeRange,
    bounds: Bounds,
}

impl Frontend {
    /// # Errors
    /// When `q` has too many alternatives or a block cannot be read.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn tag_names(
        &self,
        tenants: &[TenantId],
        request: &request::TagNames,
    ) -> Result<FoundNames, Failure> {
        let (wanted, nothing) = wanted(request.scope);
        let mut found = FoundNames {
            names: BTreeMap::new(),
            with_intrinsics: matches!(request.scope, Scope::None | Scope::Intrinsic),
            only_intrinsics: request.scope == Scope::Intrinsic,
            metrics: tempopb::MetadataMetrics::default(),
            missing: Vec::new(),
        };
        let asks = Arc::new(self.asks(
            tenants,
            request.query.as_deref(),
            request.window.range(),
            request.limit,
        )?);
        if nothing {
            return Ok(found);
        }
        let (sources, missing) = self.sources(tenants).await;
        let sources = sources.within(asks.window);
        let asking = self.asking(tenants);
        let (mut cost, mut cut) = (Cost::default(), false);
        let mut take = |part: TagNames| {
            cut |= part.cut;
            for (scope, names) in part.scopes {
                found.names.entry(scope).or_default().extend(names);
            }
        };
        for segment in &sources.segments {
            let asks = Arc::clone(&asks);
            cost.jobs += 1;
            take(
                in_segment(self, segment, asking.asked(), move |columns, asked| {
                    Ok(tag_names(
                        columns,
                        wanted,
                        asks.filter.as_ref(),
                        asks.window,
                        asks.bounds,
                        &|| asked.still(),
                    )?)
                })
                .await?,
            );
        }
        let parts = sources
            .blocks
            .iter()
            .map(|meta| {
                self.names_in_block(meta, wanted, &asks, asking.asked())
                    .boxed()
            })
            .collect();
        let mut parts = in_order(parts, self.settings().concurrent_blocks);
        while let Some((part, spent)) = parts.try_next().await? {
            cost += spent;
            take(part);
        }
        for names in found.names.values_mut() {
            cut |= asks.bounds.entries > 0 && names.len() > asks.bounds.entries;
            *names = std::mem::take(names)
                .into_iter()
                .take(unbounded_if_zero(asks.bounds.entries))
                .collect();
        }
        found.names.retain(|_, names| !names.is_empty());
        found.missing = missing;
        found
            .missing
            .extend(cut.then(|| "the limit of names is reached, there are more".to_owned()));
        found.metrics = self.metadata_metrics(&cost, &sources);
        Ok(found)
    }

    async fn names_in_block(
        &self,
        meta: &Arc<Meta>,
        wanted: Option<TagScope>,
        asks: &Arc<Asks>,
        asked: &Asked,
    ) -> Result<(TagNames, Cost), Failure> {
        let opened = self.store().opened(meta).await?;
        let mut cost = Cost {
            jobs: 1,
            ..Cost::default()
        };
        let Some(filter) = &asks.filter else {
            return Ok((catalogue(&opened, wanted), cost));
        };
        let attributes = opened
            .keys(Place::Span)
            .iter()
            .map(|key| Column::Attr(key.name.clone()));
        let columns = takt_engine::predicate_columns(filter)
            .union(Projection::only(attributes.chain([Column::Resource])));
        let mut found = TagNames::default();
        let mut held = asked.lease();
        for group in 0..opened.groups() {
            if !prune::may_match(&opened, group, filter)? {
                cost.groups_skipped += 1;
                continue;
            }
            let loaded = load(self, &opened, group, &columns, &mut held, &mut cost).await?;
            let asks = Arc::clone(asks);
            let part = self
                .workers()
                .run(asked, move |asked| {
                    Ok(tag_names(
                        &loaded,
                        wanted,
                        asks.filter.as_ref(),
                        asks.window,
                        asks.bounds,
                        &|| asked.still(),
                    )?)
                })
                .await?;
            found.cut |= part.cut;
            for (scope, names) in part.scopes {
                found.scopes.entry(scope).or_default().extend(names);
            }
        }
        Ok((found, cost))
    }

    /// # Errors
    /// When the tag is no TraceQL name, or as for the names.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn tag_values_v2(
        &self,
        tenants: &[TenantId],
        request: &request::TagValues,
    ) -> Result<Answer<tempopb::SearchTagValuesV2Response>, Failure> {
        let field = takt_traceql::parse_tag(&request.tag).ok_or_else(|| {
            Invalid::rule(format!("please provide a valid tagName: `{}` is neither an intrinsic nor an attribute like `span.name` or `.name`", request.tag))
        })?;
        let (values, metrics, missing) = self.tag_values(tenants, &field, request).await?;
        let tag_values = values
            .into_iter()
            .map(|value| tempopb::TagValue {
                r#type: value.kind.name().to_owned(),
                value: value.text,
            })
            .collect();
        Ok(Answer::new(
            tempopb::SearchTagValuesV2Response {
                tag_values,
                metrics: Some(metrics),
            },
            missing,
        ))
    }

    /// # Errors
    /// As for the names.
    #[tracing::instrument(level = "debug", skip_all)]
    pub(crate) async fn tag_values_v1(
        &self,
        tenants: &[TenantId],
        request: &request::TagValues,
    ) -> Result<Answer<tempopb::SearchTagValuesResponse>, Failure> {
        let fixed: &[&str] = match request.tag.as_str() {
            "status.code" => &["unset", "ok", "error"],
            "error" => &["true"],
            _ => &[],
        };
        if !fixed.is_empty() {
            let tag_values = fixed.iter().map(|value| (*value).to_owned()).collect();
            let message = tempopb::SearchTagValuesResponse {
                tag_values,
                metrics: Some(tempopb::MetadataMetrics::default()),
            };
            return Ok(Answer::new(message, Vec::new()));
        }
        let (values, metrics, missing) = self
            .tag_values(tenants, &field_v1(&request.tag), request)
            .await?;
        let texts: BTreeSet<String> = values.into_iter().map(|value| value.text).collect();
        let message = tempopb::SearchTagValuesResponse {
            tag_values: texts.into_iter().collect(),
            metrics: Some(metrics),
        };
        Ok(Answer::new(message, missing))
    }

    async fn tag_values(
        &self,
        tenants: &[TenantId],
        field: &Field,
        request: &request::TagValues,
    ) -> Result<(Vec<TagValue>, tempopb::MetadataMetrics, Vec<String>), Failure> {
        let asks = Arc::new(self.asks(
            tenants,
            request.query.as_deref(),
            request.window.range(),
            request.limit,
        )?);
        let (sources, mut missing) = self.sources(tenants).await;
        let sources = sources.within(asks.window);
        let asking = self.asking(tenants);
        let mut cost = Cost::default();
        let mut found = TagValues::default();
        for segment in &sources.segments {
            let (asks, field) = (Arc::clone(&asks), field.clone());
            cost.jobs += 1;
            let part = in_segment(self, segment, asking.asked(), move |columns, asked| {
                Ok(tag_values(
                    columns,
                    &field,
                    asks.filter.as_ref(),
                    asks.window,
                    asks.bounds,
                    &|| asked.still(),
                )?)
            });
            join(&mut found, part.await?);
        }
        let parts = sources
            .blocks
            .iter()
            .map(|meta| {
                self.values_in_block(meta, field, &asks, asking.asked())
                    .boxed()
            })
            .collect();
        let mut parts = in_order(parts, self.settings().concurrent_blocks);
        while let Some((part, spent)) = parts.try_next().await? {
            cost += spent;
            join(&mut found, part);
        }
        let (values, cut) = bounded(found, asks.bounds);
        missing.extend(cut.then(|| "the limit of values is reached, there are more".to_owned()));
        Ok((values, self.metadata_metrics(&cost, &sources), missing))
    }

    async fn values_in_block(
        &self,
        meta: &Arc<Meta>,
        field: &Field,
        asks: &Arc<Asks>,
        asked: &Asked,
    ) -> Result<(TagValues, Cost), Failure> {
        let opened = self.store().opened(meta).await?;
        let mut cost = Cost {
            jobs: 1,
            ..Cost::default()
        };
        if asks.filter.is_none()
            && let Some(values) = indexed(&opened, field)?
        {
            return Ok((values, cost));
        }
        let columns = tag_columns(field, asks.filter.as_ref());
        let mut found = TagValues::default();
        let mut held = asked.lease();
        for group in 0..opened.groups() {
            let possible = asks
                .filter
                .as_ref()
                .map_or(Ok(true), |filter| prune::may_match(&opened, group, filter))?;
            if !possible {
                cost.groups_skipped += 1;
                continue;
            }
            let loaded = load(self, &opened, group, &columns, &mut held, &mut cost).await?;
            let (asks, field) = (Arc::clone(asks), field.clone());
            let part = self.workers().run(asked, move |asked| {
                Ok(tag_values(
                    &loaded,
                    &field,
                    asks.filter.as_ref(),
                    asks.window,
                    asks.bounds,
                    &|| asked.still(),
                )?)
            });
            join(&mut found, part.await?);
        }
        Ok((found, cost))
    }

    fn asks(
        &self,
        tenants: &[TenantId],
        query: Option<&str>,
        window: TimeRange,
        limit: u32,
    ) -> Result<Asks, Failure> {
        let most = self.settings().max_condition_groups_per_tag_query;
        let lenient = query.map(takt_traceql::lenient);
        if let Some(groups) = lenient
            .as_ref()
            .map(|lenient| lenient.groups)
            .filter(|groups| *groups > most)
        {
            return Err(Invalid::rule(format!(
                "the query has {groups} condition groups, the limit is {most}"
            ))
            .into());
        }
        let bytes = self
            .limits(tenants)
            .max_bytes_per_tag_values_query
            .as_usize();
        Ok(Asks {
            filter: lenient
                .map(|lenient| lenient.filter)
                .filter(|filter| filter.expr.is_some()),
            window,
            bounds: Bounds {
                entries: limit as usize,
                bytes,
            },
        })
    }

    fn metadata_metrics(&self, cost: &Cost, sources: &Sources) -> tempopb::MetadataMetrics {
        self.metrics().bytes_inspected.inc_by(cost.bytes);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        tempopb::MetadataMetrics {
            inspected_bytes: cost.bytes,
            total_jobs: count(sources.blocks.len() + sources.segments.len()),
            completed_jobs: cost.jobs,
            total_blocks: count(sources.blocks.len()),
            total_block_bytes: sources.blocks.iter().map(|meta| meta.size).sum(),
            ..tempopb::MetadataMetrics::default()
        }
    }
}

/// The scope to look in (`None` is all of them), and whether there is nothing to look for.
fn wanted(scope: Scope) -> (Option<TagScope>, bool) {
    match scope {
        Scope::None => (None, false),
        // Nothing of these two is an attribute.
        Scope::Intrinsic | Scope::Trace => (None, true),
        Scope::Span => (Some(TagScope::Span), false),
        Scope::Resource => (Some(TagScope::Resource), false),
        Scope::Event => (Some(TagScope::Event), false),
        Scope::Link => (Some(TagScope::Link), false),
        Scope::Instrumentation => (Some(TagScope::Instrumentation), false),
    }
}

fn place(scope: TagScope) -> Place {
    match scope {
        TagScope::Resource => Place::Resource,
        TagScope::Span => Place::Span,
        TagScope::Event => Place::Event,
        TagScope::Link => Place::Link,
        TagScope::Instrumentation => Place::Instrumentation,
    }
}

/// All names a block has.
fn catalogue(opened: &Opened, wanted: Option<TagScope>) -> TagNames {
    let scopes = TagScope::ALL
        .into_iter()
        .filter(|scope| wanted.is_none_or(|wanted| wanted == *scope));
    let named = scopes.map(|scope| {
        (
            scope,
            opened
                .keys(place(scope))
                .iter()
                .map(|key| key.name.clone())
                .collect::<BTreeSet<_>>(),
        )
    });
    TagNames {
        scopes: named.filter(|(_, names)| !names.is_empty()).collect(),
        cut: false,
    }
}

/// The values that the index of a block has of a field; nothing when it does not have them all.
fn indexed(opened: &Opened, field: &Field) -> Result<Option<TagValues>, Failure> {
    let mut found = TagValues::default();
    let What::Attribute(scope, key) = &field.what else {
        return Ok(None);
    };
    if field.parent {
        return Ok(None);
    }
    for place in prune::places(*scope) {
        let Some(values) = opened.values(*place, key)? else {
            return Ok(None);
        };
        for value in values {
            let (kind, text) = match &value.value {
                Value::String(text) => (TagValueType::String, text.clone()),
                Value::Int(number) => (TagValueType::Int, number.to_string()),
                Value::Float(number) => (TagValueType::Float, number.to_string()),
                Value::Bool(flag) => (TagValueType::Bool, flag.to_string()),
                Value::Other(_) => return Ok(None),
            };
            found.values.insert(TagValue { kind, text });
        }
    }
    Ok(Some(found))
}

/// Version 1 knows no scopes, but some names from before TraceQL.
fn field_v1(tag: &str) -> Field {
    match tag {
        "name" => Field::intrinsic(Intrinsic::Name),
        "root.name" => Field::intrinsic(Intrinsic::TraceRootName),
        "root.service.name" => Field::intrinsic(Intrinsic::TraceRootService),
        _ => {
            let scoped = takt_traceql::parse_tag(tag)
                .filter(|field| !matches!(field.what, What::Attribute(FieldScope::Any, _)));
            scoped.unwrap_or_else(|| {
                Field::attribute(FieldScope::Any, tag.strip_prefix('.').unwrap_or(tag))
            })
        }
    }
}

fn join(found: &mut TagValues, part: TagValues) {
    found.cut |= part.cut;
    found.values.extend(part.values);
}

fn bounded(found: TagValues, bounds: Bounds) -> (Vec<TagValue>, bool) {
    let mut bytes = 0;
    let all = found.values.len();
    let fits = |value: &TagValue| {
        bytes += value.text.len();
        bounds.bytes == 0 || bytes <= bounds.bytes
    };
    let values: Vec<TagValue> = found
        .values
        .into_iter()
        .take(unbounded_if_zero(bounds.entries))
        .take_while(fits)
        .collect();
    let cut = found.cut || values.len() < all;
    (values, cut)
}

fn unbounded_if_zero(bound: usize) -> usize {
    if bound == 0 { usize::MAX } else { bound }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_by_number_and_by_bytes_and_the_cut_is_known() {
        let found = || TagValues {
            values: ["aa", "bb", "cc"]
                .map(|text| TagValue {
                    kind: TagValueType::String,
                    text: text.into(),
                })
                .into(),
            cut: false,
        };
        let of = |entries, bytes| {
            let (values, cut) = bounded(found(), Bounds { entries, bytes });
            (values.len(), cut)
        };
        assert_eq!(
            [of(0, 0), of(3, 6), of(2, 0), of(0, 5)],
            [(3, false), (3, false), (2, true), (2, true)]
        );
    }

    #[test]
    fn version_1_takes_names_as_they_are() {
        assert_eq!(
            field_v1("http.method"),
            Field::attribute(FieldScope::Any, "http.method")
        );
        assert_eq!(
            field_v1(".http.method"),
            Field::attribute(FieldScope::Any, "http.method")
        );
        assert_eq!(
            field_v1("span.http.method"),
            Field::attribute(FieldScope::Span, "http.method")
        );
        assert_eq!(
            field_v1("root.name"),
            Field::intrinsic(Intrinsic::TraceRootName)
        );
    }
}
