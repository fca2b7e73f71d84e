//! One request: what it says, and the calls that come of it.

use axum::body::Body;
use axum::extract::RawPathParams;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, Version};
use http_body_util::BodyExt as _;
use prost::Message;
use serde::de::DeserializeOwned;
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;
use tonic::Status;
use tower::ServiceExt as _;

use super::answer::{Answer, List};
use super::precondition::Precondition;
use super::route::Route;
use super::{V3Parts, clusters, licenses, policies, tenants, tokens};
use crate::auth::{Caller, Peer};
use crate::refusal::invalid;

/// Who sends the same key again gets the first answer again: a UUID, as the contract's `command_id`.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Lists longer than this are shown by pages only.
const MAX_ITEMS: usize = 10_000;

/// A request of somebody we know.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    parts: &'a V3Parts,
    caller: Caller,
    peer: Option<Peer>,
    head: &'a Parts,
    body: Bytes,
}

/// Who said no, and so whether it is recorded.
#[derive(Debug)]
pub(super) enum Refused {
    /// A call did, and it is.
    Called(Status),
    /// It never came to a call.
    NotCalled(Status),
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self::NotCalled(status)
    }
}

pub(super) type Result<T> = std::result::Result<T, Refused>;

impl<'a> Ask<'a> {
    pub(super) fn new(
        parts: &'a V3Parts,
        caller: Caller,
        peer: Option<Peer>,
        head: &'a Parts,
        body: Bytes,
    ) -> Self {
        Self {
            parts,
            caller,
            peer,
            head,
            body,
        }
    }

    pub(super) async fn carry_out(&self, route: Route) -> Result<Answer> {
        match route {
            Route::ListClusters => clusters::list(self).await,
            Route::GetCluster => clusters::get(self).await,
            Route::ListTenants => tenants::list(self).await,
            Route::CreateTenant => tenants::create(self).await,
            Route::GetTenant => tenants::get(self).await,
            Route::ReplaceTenant => tenants::replace(self).await,
            Route::DeleteTenant => tenants::delete(self).await,
            Route::ListAccessPolicies => policies::list(self).await,
            Route::CreateAccessPolicy => policies::create(self).await,
            Route::GetAccessPolicy => policies::get(self).await,
            Route::ReplaceAccessPolicy => policies::replace(self).await,
            Route::DeleteAccessPolicy => policies::delete(self).await,
            Route::ListTokens => tokens::list(self).await,
            Route::CreateToken => tokens::create(self).await,
            Route::GetToken => tokens::get(self).await,
            Route::DeleteToken => tokens::delete(self).await,
            Route::ListLicenses => licenses::list(self).await,
            Route::CreateLicense => licenses::create(self).await,
            Route::GetLicense => licenses::get(self).await,
            Route::DeleteLicense => licenses::delete(self).await,
            Route::GetFeatures => licenses::features(self).await,
        }
    }

    pub(super) fn cluster(&self) -> &'a str {
        &self.parts.cluster
    }

    pub(super) fn now(&self) -> u64 {
        self.parts.clock.now().0
    }

    /// The name in the path.
    pub(super) async fn name(&self) -> Result<String> {
        use axum::extract::FromRequestParts as _;
        let mut head = self.head.clone();
        let params = RawPathParams::from_request_parts(&mut head, &()).await;
        let params = params.map_err(|_| malformed("the name in the path is not UTF-8"))?;
        let name = params.iter().next().map(|(_, name)| name.to_owned());
        Ok(name.ok_or_else(|| malformed("the path names nothing"))?)
    }

    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        // A list of the values without their names would be read, too.
        if !self.body.trim_ascii_start().starts_with(b"{") {
            return Err(malformed("the body is to be one JSON object").into());
        }
        let read = serde_json::from_slice(&self.body);
        Ok(read.map_err(|error| malformed(format!("the body cannot be read: {error}")))?)
    }

    /// What every change has in common; what is there already is changed only as it was seen.
    pub(super) fn change(&self, precondition: Option<Precondition>) -> Result<wire::Change> {
        let key = self.head.headers.get(IDEMPOTENCY_KEY);
        let key = key.map_or(Ok(""), |key| key.to_str());
        let key = key.map_err(|_| invalid("COMMAND_ID_INVALID", "`Idempotency-Key` is a UUID"))?;
        Ok(wire::Change {
            command_id: key.to_owned(),
            dry_run: false,
            if_match: precondition.and_then(Precondition::version),
        })
    }

    pub(super) fn precondition(&self) -> Result<Precondition> {
        Ok(Precondition::read(&self.head.headers)?)
    }

    /// All pages of a list, or the one that is asked for.
    pub(super) async fn list<T, Page>(
        &self,
        kind: &'static str,
        mut page: impl FnMut(u32, String) -> Page,
    ) -> Result<List<T>>
    where
        Page: Future<Output = Result<(Vec<T>, String)>>,
    {
        let (size, mut token) = Pages::read(self.head.uri.query().unwrap_or_default())?;
        let mut items = Vec::new();
        loop {
            let (rows, next) = page(size.unwrap_or(0), token).await?;
            items.extend(rows);
            let done = next.is_empty() || size.is_some();
            if done {
                return Ok(List {
                    items,
                    kind,
                    next_page_token: next,
                });
            }
            if items.len() >= MAX_ITEMS {
                let text = format!(
                    "there are more than {MAX_ITEMS}; ask for pages: `?page_size=1000`, then `&page_token=` with the `next_page_token` of the answer"
                );
                return Err(invalid("QUERY_INVALID", text).into());
            }
            token = next;
        }
    }

    /// A call of the contract, within the process.
    pub(super) async fn call<A: Message + Default>(
        &self,
        method: AdminMethod,
        message: &impl Message,
    ) -> Result<A> {
        let mut request = http::Request::new(Body::from(frame(message)));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = http::Uri::from_static(method.path());
        let headers = request.headers_mut();
        let grpc = http::HeaderValue::from_static("application/grpc");
        headers.insert(http::header::CONTENT_TYPE, grpc);
        headers.insert(http::header::TE, http::HeaderValue::from_static("trailers"));
        let extensions = request.extensions_mut();
        extensions.insert(self.caller.clone());
        if let Some(peer) = self.peer.clone() {
            extensions.insert(peer);
        }
        let Ok(response) = self.parts.grpc.clone().oneshot(request).await;
        let (head, body) = response.into_parts();
        said(&head.headers)?;
        let body = body.collect().await;
        let body = body.map_err(|error| Refused::Called(Status::internal(error.to_string())))?;
        if let Some(trailers) = body.trailers() {
            said(trailers)?;
        }
        let bytes = body.to_bytes();
        let message = bytes.get(FRAME_HEAD..).unwrap_or_default();
        A::decode(message).map_err(|error| Refused::Called(Status::internal(error.to_string())))
    }
}

/// What of a list is asked for.
struct Pages;

impl Pages {
    fn read(query: &str) -> Result<(Option<u32>, String)> {
        let (mut size, mut token) = (None, String::new());
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("page_size", text)) => {
                    let read = text.parse().ok().filter(|size| *size > 0);
                    size = Some(read.ok_or_else(|| {
                        invalid("QUERY_INVALID", "`page_size` is a number from 1")
                    })?);
                }
                // The tokens we give out are names, which are never escaped.
                Some(("page_token", text)) => text.clone_into(&mut token),
                Some(_) | None => {}
            }
        }
        Ok((size, token))
    }
}

/// Compressed or not, and the length.
const FRAME_HEAD: usize = 5;

fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(FRAME_HEAD + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    frame.put_slice(&message.encode_to_vec());
    frame.freeze()
}

fn said(headers: &HeaderMap) -> Result<()> {
    match Status::from_header_map(headers) {
        Some(status) if status.code() != tonic::Code::Ok => Err(Refused::Called(status)),
        Some(_) | None => Ok(()),
    }
}

fn malformed(text: impl Into<String>) -> Status {
    invalid("REQUEST_MALFORMED", text)
}
