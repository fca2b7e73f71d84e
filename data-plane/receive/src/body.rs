//! Reads a request's body: no further than its bound, no longer than its time, and never unaccounted for.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;
use takt_kit::Reservation;

use crate::refusal::Refusal;

/// The whole body, if it is at most `limit` bytes and arrives within `time`; `held` grows as it arrives.
pub(crate) async fn read(
    body: impl Body<Data = Bytes>,
    limit: usize,
    time: Duration,
    held: &mut Reservation,
) -> Result<Bytes, Refusal> {
    tokio::time::timeout(time, read_untimed(body, limit, held))
        .await
        .unwrap_or(Err(Refusal::Slow {
            seconds: time.as_secs(),
        }))
}

async fn read_untimed(
    body: impl Body<Data = Bytes>,
    limit: usize,
    held: &mut Reservation,
) -> Result<Bytes, Refusal> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Refusal::TooLarge { limit });
    }
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Broken)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + whole.len() + data.len() > limit {
            return Err(Refusal::TooLarge { limit });
        }
        held.grow(data.len()).map_err(|_| Refusal::Busy)?;
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        // A second piece: from here on everything is copied into one.
        if !first.is_empty() {
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&data);
    }
    Ok(if first.is_empty() {
        whole.freeze()
    } else {
        first
    })
}
