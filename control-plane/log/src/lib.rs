//! The control log: facts, in order, durable, the same on every replica.
//!
//! One redb file holds the Raft log, the applied batches (the audit trail, from which views are fed)
//! and the last snapshot. [`open`] starts a voter and hands back a [`Handle`]; everything else
//! goes through it: [`Handle::propose`] for changes, [`Handle::read`] for answers that are current,
//! [`Handle::history`] with [`Handle::applied`] to follow.
//!
//! Promises:
//! - a proposal that was answered survives `kill -9`;
//! - a command that is sent twice with the same id is carried out once;
//! - what is stored is the protobuf of `api/proto/takt/control/log/v1`, never a Rust layout or openraft's;
//! - openraft appears in no signature.

mod backup;
mod calls;
mod codec;
mod dial;
mod digest;
mod entries;
#[cfg(takt_flaws)]
pub mod flaws;
mod handle;
mod history;
mod identity;
mod join;
mod machine;
mod members;
mod metrics;
mod network;
mod node;
mod pace;
mod past;
mod peers;
mod proposer;
mod read;
mod steward;
mod store;
mod types;

pub use backup::{RestoreError, Restored, replay, restore};
pub use calls::{CallError, Description};
pub use codec::{
    DecodeError, Malformed as MalformedPolicy, MalformedSegment, events_from_wire, events_to_wire,
    job_payload_from_wire, job_payload_to_wire, job_result_from_wire, job_result_to_wire,
    policy_spec_from_wire, policy_spec_to_wire, reason_to_wire as retire_reason_to_wire,
    segment_from_wire, segment_to_wire,
};
pub use codec::{ledger, licences};
pub use dial::{Credentials, Dial, DialError, TcpDial, endpoint};
pub use entries::Kept;
pub use handle::{Handle, History, Leader, ReadError, Recorded, Status};
pub use members::{Cluster, Member, MemberError, Role};
pub use node::{OpenError, Parts, Settings, Start, open};
pub use past::PastError;
pub use peers::{PeerServer, Peers};
pub use proposer::{Answer, Proposal, ProposeError};
pub use store::{Disk, Medium};
