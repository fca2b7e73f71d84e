//! A change that comes without an id gets one where it comes in, so that it can be sent again: whoever has carried it out
//! knows it.

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message;
use takt_wire::methods::AdminMethod;
use takt_wire::takt::admin::v1 as wire;

/// In front of the one message of a unary call: whether it is compressed, and how long it is.
const PREFIX: usize = 5;

/// The beginning of every request that changes something, whatever it is about.
#[derive(Clone, PartialEq, Message)]
struct Head {
    #[prost(message, optional, tag = "1")]
    change: Option<wire::Change>,
}

/// Whether the request begins with a [`wire::Change`]. Workers' calls name a command in a field of its own.
pub(super) fn is_change(method: AdminMethod) -> bool {
    method.mutates()
        && !matches!(
            method,
            AdminMethod::JobsCompleteJob
                | AdminMethod::JobsFailJob
                | AdminMethod::JobsLeaseJobs
                | AdminMethod::JobsReportJob
                | AdminMethod::LeaseAcquireLease
                | AdminMethod::LeaseReleaseLease
                | AdminMethod::PurgeRecordPurge
                | AdminMethod::UsagePostUsage
        )
}

/// The body of a call with an id; `None` if it cannot be read here, as when it is compressed.
pub(super) fn identified(body: &Bytes, id: impl FnOnce() -> String) -> Option<Bytes> {
    let message = body.get(PREFIX..)?;
    let length = u32::from_be_bytes(body.get(1..PREFIX)?.try_into().ok()?);
    if body.first() != Some(&0) || usize::try_from(length) != Ok(message.len()) {
        return None;
    }
    let head = Head::decode(message).ok()?;
    if head
        .change
        .is_some_and(|change| !change.command_id.is_empty())
    {
        return Some(body.clone());
    }
    // Of a field that comes twice the parts are merged.
    let more = Head {
        change: Some(wire::Change {
            command_id: id(),
            ..wire::Change::default()
        }),
    };
    let length = message.len() + more.encoded_len();
    let mut whole = BytesMut::with_capacity(PREFIX + length);
    whole.put_u8(0);
    whole.put_u32(u32::try_from(length).ok()?);
    whole.put_slice(message);
    more.encode(&mut whole).ok()?;
    Some(whole.freeze())
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DescriptorPool, Kind};

    use super::*;

    fn framed(request: &wire::CreateTenantRequest) -> Bytes {
        let mut body = BytesMut::new();
        body.put_u8(0);
        body.put_u32(u32::try_from(request.encoded_len()).unwrap());
        request.encode(&mut body).unwrap();
        body.freeze()
    }

    fn request(change: Option<wire::Change>) -> wire::CreateTenantRequest {
        wire::CreateTenantRequest {
            change,
            tenant: "shop".into(),
            ..wire::CreateTenantRequest::default()
        }
    }

    #[test]
    fn a_change_without_an_id_gets_one_and_is_otherwise_the_same() {
        let dry_run = wire::Change {
            dry_run: true,
            if_match: Some(3),
            ..wire::Change::default()
        };
        for before in [None, Some(wire::Change::default()), Some(dry_run)] {
            let body = identified(&framed(&request(before.clone())), || "an-id".into()).unwrap();
            let expected = wire::Change {
                command_id: "an-id".into(),
                ..before.unwrap_or_default()
            };
            let after = wire::CreateTenantRequest::decode(&body[PREFIX..]).unwrap();
            assert_eq!(after, request(Some(expected)));
            assert_eq!(body, framed_as_it_is(&body));
        }
    }

    /// With the length that is true.
    fn framed_as_it_is(body: &Bytes) -> Bytes {
        let message = &body[PREFIX..];
        let mut framed = BytesMut::new();
        framed.put_u8(0);
        framed.put_u32(u32::try_from(message.len()).unwrap());
        framed.put_slice(message);
        framed.freeze()
    }

    #[test]
    fn every_change_begins_with_what_an_id_is_put_into() {
        let pool = DescriptorPool::decode(takt_wire::DESCRIPTORS).unwrap();
        let methods = pool.services().flat_map(|service| {
            let methods: Vec<_> = service.methods().collect();
            methods
        });
        let mut changes = 0;
        for method in methods {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let known = AdminMethod::of_path(&path);
            let first = method.input().get_field(1).map(|field| field.kind());
            let has_change = matches!(first, Some(Kind::Message(of)) if of.full_name() == "takt.admin.v1.Change");
            assert_eq!(known.is_some_and(is_change), has_change, "{path}");
            changes += usize::from(has_change);
        }
        assert!(changes > 50);
    }

    #[test]
    fn the_id_of_the_caller_stays() {
        let change = wire::Change {
            command_id: "mine".into(),
            ..wire::Change::default()
        };
        let body = framed(&request(Some(change)));
        assert_eq!(identified(&body, || "other".into()), Some(body));
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        let body = framed(&request(None));
        let compressed = [&[1], &body[1..]].concat();
        let short = body[..body.len() - 1].to_vec();
        let nonsense = [&[0, 0, 0, 0, 2][..], &[0x0a, 0x7f]].concat();
        for body in [compressed, short, nonsense, vec![], vec![0; 4]] {
            assert_eq!(identified(&body.into(), || "an-id".into()), None);
        }
    }
}
