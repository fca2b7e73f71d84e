//! OTLP over gRPC, by hand: one unary method whose message is never decoded.
//!
//! The frame of a unary call is five bytes and a message, which is less to read than a codec that
//! avoids decoding. Done here, the bounds on size, unpacked size, time and memory are the same ones
//! HTTP has, and every encoding of HTTP works, snappy among them.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use takt_ingest::Accepted;

use crate::connection::Answer;
use crate::encoding::{self, Encoding};
use crate::receiver::{Arrived, Form, Receiver, Transport};
use crate::refusal::Refusal;
use crate::tenant::tenant;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const PREFIX: usize = 5;

/// Answers one call.
pub(crate) async fn answer(
    receiver: &Receiver,
    request: Request<impl Body<Data = Bytes>>,
) -> Response<Answer> {
    match export(receiver, request).await {
        Ok(accepted) => accepted_answer(accepted),
        Err(refusal) => {
            let reason = refusal.reject().reason;
            receiver.metrics().refused_request(Transport::Grpc, reason);
            tracing::debug!(reason, %refusal, "export refused");
            refused_answer(&refusal)
        }
    }
}

async fn export(
    receiver: &Receiver,
    request: Request<impl Body<Data = Bytes>>,
) -> Result<Accepted, Refusal> {
    let (head, body) = request.into_parts();
    check(&head)?;
    let tenant = tenant(&head.headers, receiver.settings().multitenancy)?;
    let named = named_encoding(&head.headers)?;
    let (frame, held) = receiver.read(body, PREFIX).await?;
    let (is_packed, packed) = deframe(&frame)?;
    let encoding = match (is_packed, named) {
        (false, _) => Encoding::Identity,
        (true, Encoding::Identity) => {
            return Err(Refusal::Framing(
                "it is compressed and `grpc-encoding` does not say how",
            ));
        }
        (true, encoding) => encoding,
    };
    receiver
        .accept(Arrived {
            transport: Transport::Grpc,
            tenant,
            encoding,
            form: Form::Protobuf,
            packed,
            held,
        })
        .await
}

fn check(head: &http::request::Parts) -> Result<(), Refusal> {
    if head.method != Method::POST {
        return Err(Refusal::Method(head.method.clone()));
    }
    let given = head
        .headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if !given.starts_with(GRPC.as_bytes()) {
        return Err(Refusal::ContentType {
            given: String::from_utf8_lossy(given).into_owned(),
            supported: "`application/grpc`",
        });
    }
    if head.uri.path() != EXPORT {
        return Err(Refusal::Path(head.uri.path().to_owned()));
    }
    Ok(())
}

fn named_encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    headers
        .get("grpc-encoding")
        .map_or(Ok(Encoding::Identity), |name| {
            Encoding::parse(name.as_bytes())
        })
}

/// The one message of a unary call, and whether it is compressed.
fn deframe(frame: &Bytes) -> Result<(bool, Bytes), Refusal> {
    let Some((&[flag, a, b, c, d], _)) = frame.split_first_chunk::<PREFIX>() else {
        return Err(Refusal::Framing("it ends within the prefix"));
    };
    let is_packed = match flag {
        0 => false,
        1 => true,
        _ => return Err(Refusal::Framing("its first byte is neither 0 nor 1")),
    };
    let message = frame.slice(PREFIX..);
    if message.len() as u64 != u64::from(u32::from_be_bytes([a, b, c, d])) {
        return Err(Refusal::Framing("its length is not what its prefix says"));
    }
    Ok((is_packed, message))
}

fn accepted_answer(accepted: Accepted) -> Response<Answer> {
    let message = crate::http::success(accepted);
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    frame.extend_from_slice(&message.encode_to_vec());
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze())
        .with_trailers(std::future::ready(Some(Ok(trailers))))
        .boxed();
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    response
}

/// A status alone, in the headers. What is no gRPC call at all is answered in HTTP, as gRPC asks.
fn refused_answer(refusal: &Refusal) -> Response<Answer> {
    let (mut head, ()) = refusal.grpc().into_http::<()>().into_parts();
    if let Refusal::Method(_) | Refusal::ContentType { .. } = refusal {
        head.status = refusal.http();
    }
    if let Refusal::Encoding(_) = refusal {
        let supported = HeaderValue::from_static(encoding::SUPPORTED);
        head.headers.insert("grpc-accept-encoding", supported);
    }
    Response::from_parts(head, Answer::default())
}
