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
mod codec;
mod dial;
mod handle;
mod machine;
mod metrics;
mod network;
mod node;
mod past;
mod peers;
mod proposer;
mod store;
mod types;

pub use backup::{RestoreError, Restored, replay, restore};
pub use codec::events_to_wire;
pub use dial::{Credentials, Dial, DialError, TcpDial, endpoint};
pub use handle::{Handle, History, ReadError, Recorded, Status};
pub use node::{OpenError, Parts, Settings, open};
pub use past::PastError;
pub use peers::{PeerServer, Peers};
pub use proposer::{Answer, Proposal, ProposeError};
pub use store::{Disk, Medium};
