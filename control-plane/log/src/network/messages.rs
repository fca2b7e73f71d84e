//! Messages between nodes: openraft's form and ours.

use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderError, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use prost::Message as _;
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::raft::v1 as wire;

use crate::codec::{
    DecodeError, applied_from, applied_to, entry_to, log_id_from, log_id_to, stored_entry_from,
    vote_from, vote_to,
};
use crate::store::Sealed;
use crate::types::{AppliedAt, RaftLogId, TypeConfig, Vote};

/// At most `max` bytes of entries, but at least one; also the last one when some had to stay behind.
pub(crate) fn request_to(
    route: wire::Route,
    rpc: &AppendEntriesRequest<TypeConfig>,
    max: usize,
) -> (wire::AppendEntriesRequest, Option<RaftLogId>) {
    let mut bytes = 0;
    let mut entries = Vec::with_capacity(rpc.entries.len());
    for entry in &rpc.entries {
        let entry = entry_to(entry);
        bytes += entry.encoded_len();
        if bytes > max && !entries.is_empty() {
            break;
        }
        entries.push(entry);
    }
    let cut = (entries.len() < rpc.entries.len()).then(|| rpc.entries[entries.len() - 1].log_id);
    let request = wire::AppendEntriesRequest {
        route: Some(route),
        vote: Some(vote_to(&rpc.vote)),
        previous: rpc.prev_log_id.as_ref().map(log_id_to),
        entries,
        committed: rpc.leader_commit.as_ref().map(log_id_to),
    };
    (request, cut)
}

pub(crate) fn request_from(
    request: wire::AppendEntriesRequest,
) -> Result<AppendEntriesRequest<TypeConfig>, DecodeError> {
    Ok(AppendEntriesRequest {
        vote: held(request.vote)?,
        prev_log_id: request.previous.map(log_id_from),
        entries: request
            .entries
            .into_iter()
            .map(stored_entry_from)
            .collect::<Result<_, _>>()?,
        leader_commit: request.committed.map(log_id_from),
    })
}

pub(crate) fn appended_to(
    answer: AppendEntriesResponse<TypeConfig>,
) -> wire::AppendEntriesResponse {
    use wire::append_entries_response::Outcome;
    let outcome = match answer {
        AppendEntriesResponse::Success => Outcome::Appended(wire::Appended {}),
        AppendEntriesResponse::PartialSuccess(last) => {
            let last = last.as_ref().map(log_id_to);
            Outcome::AppendedUpTo(wire::AppendedUpTo { last })
        }
        AppendEntriesResponse::Conflict => Outcome::Conflict(wire::Conflict {}),
        AppendEntriesResponse::HigherVote(vote) => Outcome::HigherVote(vote_to(&vote)),
    };
    wire::AppendEntriesResponse {
        outcome: Some(outcome),
    }
}

pub(crate) fn appended_from(
    answer: wire::AppendEntriesResponse,
) -> Result<AppendEntriesResponse<TypeConfig>, DecodeError> {
    use wire::append_entries_response::Outcome;
    Ok(match answer.outcome.ok_or(DecodeError::UnknownKind)? {
        Outcome::Appended(wire::Appended {}) => AppendEntriesResponse::Success,
        Outcome::AppendedUpTo(up_to) => {
            AppendEntriesResponse::PartialSuccess(up_to.last.map(log_id_from))
        }
        Outcome::Conflict(wire::Conflict {}) => AppendEntriesResponse::Conflict,
        Outcome::HigherVote(vote) => AppendEntriesResponse::HigherVote(vote_from(vote)),
    })
}

pub(crate) fn ballot_to(rpc: &VoteRequest<TypeConfig>) -> wire::Ballot {
    wire::Ballot {
        vote: Some(vote_to(&rpc.vote)),
        last: rpc.last_log_id.as_ref().map(log_id_to),
        transfer: rpc.leadership_transfer,
    }
}

pub(crate) fn ballot_from(
    ballot: Option<wire::Ballot>,
) -> Result<VoteRequest<TypeConfig>, DecodeError> {
    let ballot = ballot.ok_or(DecodeError::Missing("ballot"))?;
    let mut request = VoteRequest::new(held(ballot.vote)?, ballot.last.map(log_id_from));
    request.leadership_transfer = ballot.transfer;
    Ok(request)
}

pub(crate) fn verdict_to(answer: &VoteResponse<TypeConfig>) -> wire::Verdict {
    wire::Verdict {
        vote: Some(vote_to(&answer.vote)),
        granted: answer.vote_granted,
        last: answer.last_log_id.as_ref().map(log_id_to),
    }
}

pub(crate) fn verdict_from(
    verdict: Option<wire::Verdict>,
) -> Result<VoteResponse<TypeConfig>, DecodeError> {
    let verdict = verdict.ok_or(DecodeError::Missing("verdict"))?;
    Ok(VoteResponse {
        vote: held(verdict.vote)?,
        vote_granted: verdict.granted,
        last_log_id: verdict.last.map(log_id_from),
    })
}

pub(crate) fn transfer_to(
    route: wire::Route,
    rpc: &TransferLeaderRequest<TypeConfig>,
) -> wire::TransferLeaderRequest {
    wire::TransferLeaderRequest {
        route: Some(route),
        vote: Some(vote_to(rpc.from_leader())),
        leader: *rpc.to_node_id(),
        last: rpc.last_log_id().map(log_id_to),
    }
}

pub(crate) fn transfer_from(
    request: wire::TransferLeaderRequest,
) -> Result<TransferLeaderRequest<TypeConfig>, DecodeError> {
    let last = request.last.map(log_id_from);
    Ok(TransferLeaderRequest::new(
        held(request.vote)?,
        request.leader,
        last,
    ))
}

pub(crate) fn transferred_to(
    answer: TransferLeaderResponse<TypeConfig>,
) -> wire::TransferLeaderResponse {
    use wire::transfer_leader_response::Outcome;
    let outcome = match answer {
        Ok(()) => Outcome::Accepted(wire::Accepted {}),
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            Outcome::VoteChanged(wire::VoteChanged {
                expected: Some(vote_to(&expected)),
                actual: Some(vote_to(&actual)),
            })
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
            Outcome::LogBehind(wire::LogBehind {
                expected: expected.as_ref().map(log_id_to),
                actual: actual.as_ref().map(log_id_to),
            })
        }
    };
    wire::TransferLeaderResponse {
        outcome: Some(outcome),
    }
}

pub(crate) fn transferred_from(
    answer: wire::TransferLeaderResponse,
) -> Result<TransferLeaderResponse<TypeConfig>, DecodeError> {
    use wire::transfer_leader_response::Outcome;
    Ok(match answer.outcome.ok_or(DecodeError::UnknownKind)? {
        Outcome::Accepted(wire::Accepted {}) => Ok(()),
        Outcome::VoteChanged(changed) => Err(TransferLeaderError::VoteChanged {
            expected: held(changed.expected)?,
            actual: held(changed.actual)?,
        }),
        Outcome::LogBehind(behind) => Err(TransferLeaderError::LogNotFlushed {
            expected: behind.expected.map(log_id_from),
            actual: behind.actual.map(log_id_from),
        }),
    })
}

pub(crate) fn head_to(
    route: wire::Route,
    vote: &Vote,
    sealed: &Sealed,
    checksum: Vec<u8>,
) -> wire::SnapshotHead {
    wire::SnapshotHead {
        route: Some(route),
        vote: Some(vote_to(vote)),
        applied: Some(applied_to(&sealed.applied)),
        length: sealed.bytes,
        checksum,
    }
}

pub(crate) fn head_from(head: wire::SnapshotHead) -> Result<(Vote, AppliedAt), DecodeError> {
    let applied = head.applied.ok_or(DecodeError::Missing("applied"))?;
    Ok((held(head.vote)?, applied_from(applied)?))
}

pub(crate) fn held(vote: Option<stored::Vote>) -> Result<Vote, DecodeError> {
    vote.map(vote_from).ok_or(DecodeError::Missing("vote"))
}
