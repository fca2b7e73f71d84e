//! Asking again whenever something changed.

use anyhow::{Context as _, Result};
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

use super::call::Client;
use super::schema::Schema;

/// Asks at once and after every change of what the request is about, and hands out each new answer, until
/// the server ends it.
///
/// # Errors
/// When the server breaks off, or the answer cannot be had or handed out.
pub(super) async fn watch(
    schema: &Schema,
    client: &Client,
    request: &DynamicMessage,
    mut ask: impl AsyncFnMut() -> Result<String>,
    tell: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let verb = schema.noun("resource").and_then(|noun| noun.verb("watch"));
    let verb = verb.context("the contract has no watch")?;
    let mut watch = DynamicMessage::new(verb.method.input());
    watch.set_field_by_name("from_now", Value::Bool(true));
    if let Some(tenant) = tenant(request) {
        watch.set_field_by_name("tenant", Value::String(tenant));
    }
    let mut changes = client.stream(verb, watch).await?;
    let mut last = None;
    loop {
        let answer = ask().await?;
        if last.as_ref() != Some(&answer) {
            // Like pages of one listing.
            if last.is_some() {
                tell("\n")?;
            }
            tell(&answer)?;
            last = Some(answer);
        }
        loop {
            let Some(heard) = changes.message().await? else {
                return Ok(());
            };
            let changed = heard.get_field_by_name("changes");
            if changed.is_some_and(|changed| changed.as_list().is_some_and(|list| !list.is_empty()))
            {
                break;
            }
        }
    }
}

/// Whose things are asked for: `tenant`, or `tenant` within a scope.
fn tenant(request: &DynamicMessage) -> Option<String> {
    let text = |message: &DynamicMessage| {
        let tenant = message.get_field_by_name("tenant")?;
        let tenant = tenant.as_str()?;
        (!tenant.is_empty()).then(|| tenant.to_owned())
    };
    let inner = || {
        let descriptor = request.descriptor();
        let mut fields = descriptor.fields().filter(|field| request.has_field(field));
        fields.find_map(|field| text(request.get_field(&field).as_message()?))
    };
    text(request).or_else(inner)
}
