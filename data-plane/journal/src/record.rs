//! One record as bytes: length, CRC-32, then received time, tenant and body.

use bytes::Bytes;
use takt_model::{TenantId, UnixNano};

use crate::{Offset, Record};

/// Length (u32) and CRC-32 of the payload (u32), little endian.
pub(crate) const HEADER: usize = 8;
/// Received time (u64) and length of the tenant (u8).
const FIXED: usize = 9;

/// Appends a record to `out`.
pub(crate) fn put(out: &mut Vec<u8>, tenant: &TenantId, received: UnixNano, body: &[u8]) {
    let begin = out.len();
    out.extend_from_slice(&[0; HEADER]);
    out.extend_from_slice(&received.0.to_le_bytes());
    out.push(u8::try_from(tenant.as_str().len()).expect("a tenant id has at most 150 bytes"));
    out.extend_from_slice(tenant.as_str().as_bytes());
    out.extend_from_slice(body);
    let payload = &out[begin + HEADER..];
    let length = u32::try_from(payload.len()).expect("max_record_bytes is far below 4 GiB");
    let crc = crc32fast::hash(payload);
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
    out[begin + 4..begin + HEADER].copy_from_slice(&crc.to_le_bytes());
}

/// The length of the payload and its checksum, from a record's header.
pub(crate) fn header(bytes: [u8; HEADER]) -> (usize, u32) {
    let [a, b, c, d, e, f, g, h] = bytes;
    (
        u32::from_le_bytes([a, b, c, d]) as usize,
        u32::from_le_bytes([e, f, g, h]),
    )
}

/// Reads a payload whose checksum was right.
pub(crate) fn parse(offset: Offset, payload: &Bytes) -> Option<Record> {
    let received = UnixNano(u64::from_le_bytes(payload.get(..8)?.try_into().ok()?));
    let tenant_end = FIXED + usize::from(*payload.get(8)?);
    let tenant = std::str::from_utf8(payload.get(FIXED..tenant_end)?).ok()?;
    let tenant = TenantId::new(tenant).ok()?;
    Some(Record {
        offset,
        tenant,
        received,
        body: payload.slice(tenant_end..),
    })
}
