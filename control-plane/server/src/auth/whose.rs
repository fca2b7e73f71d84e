//! Which tenant a request is about, read from the request itself by its description.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
use takt_model::TenantId;
use takt_wire::methods::AdminMethod;

use super::rules::rule;

/// The requests of all methods.
#[derive(Debug)]
pub(super) struct Requests(BTreeMap<AdminMethod, Request>);

#[derive(Debug)]
struct Request {
    message: MessageDescriptor,
    streams: bool,
}

/// A rule names a method or a field that is not there.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    #[error("the description of the API cannot be read")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    #[error("method `{0}` is not described")]
    Method(&'static str),
    #[error("`{method}` has a rule about `{path}`, which is no text in its request")]
    Path {
        method: &'static str,
        path: &'static str,
    },
}

/// It cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

impl Requests {
    pub(super) fn describe() -> Result<Self, RuleError> {
        let pool = DescriptorPool::decode(takt_wire::DESCRIPTORS)?;
        let mut requests = BTreeMap::new();
        for method in AdminMethod::ALL {
            let path = method.path();
            let found = path
                .trim_start_matches('/')
                .split_once('/')
                .and_then(|(service, name)| {
                    pool.get_service_by_name(service)?
                        .methods()
                        .find(|found| found.name() == name)
                });
            let found = found.ok_or(RuleError::Method(path))?;
            let request = Request {
                message: found.input(),
                streams: found.is_client_streaming(),
            };
            if let Some(tenant) = rule(*method).tenant
                && !is_text(&request.message, tenant)
            {
                return Err(RuleError::Path {
                    method: path,
                    path: tenant,
                });
            }
            requests.insert(*method, request);
        }
        Ok(Self(requests))
    }

    /// Whether requests come as a stream, so that no single one of them says whose they are.
    pub(super) fn streams(&self, method: AdminMethod) -> bool {
        self.0.get(&method).is_none_or(|request| request.streams)
    }

    /// The tenant a request names; none if it names none.
    pub(super) fn tenant(
        &self,
        method: AdminMethod,
        frame: &Bytes,
    ) -> Result<Option<TenantId>, Unreadable> {
        let Some(path) = rule(method).tenant else {
            return Ok(None);
        };
        match text(&self.read(method, frame)?, path).as_deref() {
            None | Some("") => Ok(None),
            Some(tenant) => TenantId::new(tenant).map(Some).map_err(|_| Unreadable),
        }
    }

    /// One request in its frame.
    pub(super) fn read(
        &self,
        method: AdminMethod,
        frame: &Bytes,
    ) -> Result<DynamicMessage, Unreadable> {
        let request = self.0.get(&method).ok_or(Unreadable)?;
        let (head, message) = frame.split_at_checked(5).ok_or(Unreadable)?;
        let [compressed, length @ ..] = head else {
            return Err(Unreadable);
        };
        let length = length
            .try_into()
            .map(u32::from_be_bytes)
            .map_err(|_| Unreadable)?;
        if *compressed != 0 || usize::try_from(length) != Ok(message.len()) {
            return Err(Unreadable);
        }
        DynamicMessage::decode(request.message.clone(), message).map_err(|_| Unreadable)
    }
}

fn is_text(message: &MessageDescriptor, path: &str) -> bool {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let Some(field) = message
        .get_field_by_name(name)
        .filter(|field| !field.is_list())
    else {
        return false;
    };
    match (field.kind(), rest) {
        (prost_reflect::Kind::String, None) => true,
        (prost_reflect::Kind::Message(inner), Some(rest)) => is_text(&inner, rest),
        _ => false,
    }
}

fn text(message: &DynamicMessage, path: &str) -> Option<String> {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    match (message.get_field_by_name(name)?.as_ref(), rest) {
        (Value::String(text), None) => Some(text.clone()),
        (Value::Message(inner), Some(rest)) => text(inner, rest),
        _ => None,
    }
}
