//! The control log: openraft over redb, event codec, snapshots, proposer.
