//! The oracle notices what it is there for.

use takt_domain::{Applied, tenants};
use takt_model::TenantId;
use uuid::Uuid;

use super::*;

const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);

fn create(number: u128) -> Proposal {
    Proposal {
        id: CommandId(Uuid::from_u128(number)),
        actor: "client-1".into(),
        command: tenants::Command::create(TenantId::new(&format!("t{number}")).unwrap()).into(),
        dry_run: false,
    }
}

/// What a log that works makes of a command.
fn batch(state: &State, proposal: &Proposal) -> Batch {
    let facts = Facts {
        at: NOW,
        command: proposal.id,
    };
    Batch {
        command: proposal.id,
        actor: proposal.actor.clone(),
        at: NOW,
        decided_at: state.revision,
        after: None,
        events: decide(state, &proposal.command, &facts).unwrap(),
    }
}

fn op(call: Call, called: u64, returned: u64, reply: Reply) -> Op {
    Op {
        client: 1,
        node: 1,
        call,
        called: Moment(called),
        returned: Some((Moment(returned), reply)),
    }
}

fn answer(state: &Arc<State>, batch: &Batch) -> Reply {
    Reply::Done(Answer {
        revision: state.revision,
        events: batch.events.clone(),
        repeated: false,
        state: Arc::clone(state),
    })
}

/// Two tenants were created, one after the other; the first answer arrived.
fn two() -> (Oracle, [Batch; 2]) {
    let mut oracle = Oracle::default();
    let proposals = [create(1), create(2)];
    let batches = proposals.clone().map(|proposal| {
        oracle.asked(&proposal, Moment(1));
        let batch = batch(oracle.newest(), &proposal);
        oracle.applied(1, &batch).unwrap();
        batch
    });
    let first = oracle.states[1].clone();
    let answered = op(
        Call::Propose(proposals[0].clone()),
        1,
        2,
        answer(&first, &batches[0]),
    );
    oracle.returned(&answered, &[NOW], false).unwrap();
    (oracle, batches)
}

fn broken(outcome: Result<(), Violation>) -> Id {
    outcome.unwrap_err().id
}

#[test]
fn what_works_is_let_pass() {
    let (mut oracle, batches) = two();
    for batch in &batches {
        oracle.applied(2, batch).unwrap();
    }
    let newest = Arc::clone(oracle.newest());
    oracle.shown(2, &newest).unwrap();
    let read = op(Call::Read, 3, 4, Reply::State(newest));
    oracle.returned(&read, &[], false).unwrap();
    assert_eq!(oracle.answered(), 2);
}

#[test]
fn a_fact_that_changes_is_noticed() {
    let (mut oracle, batches) = two();
    let mut other = batches[0].clone();
    other.actor = "somebody else".into();
    assert_eq!(broken(oracle.applied(2, &other)), Id::FactsImmutable);
}

#[test]
fn a_hole_is_noticed() {
    let (mut oracle, batches) = two();
    let mut late = batches[1].clone();
    late.decided_at = Revision(7);
    assert_eq!(broken(oracle.applied(2, &late)), Id::FactsImmutable);
}

#[test]
fn a_batch_decided_on_another_state_is_noticed() {
    let (mut oracle, _) = two();
    let again = Proposal {
        id: CommandId(Uuid::from_u128(3)),
        ..create(1)
    };
    oracle.asked(&again, Moment(5));
    let mut stale = batch(&State::default(), &again);
    stale.decided_at = oracle.newest().revision;
    assert_eq!(broken(oracle.applied(1, &stale)), Id::DecidedRightly);
}

#[test]
fn what_nobody_asked_for_is_noticed() {
    let (mut oracle, _) = two();
    let unasked = batch(oracle.newest(), &create(9));
    assert_eq!(broken(oracle.applied(1, &unasked)), Id::NothingFromNothing);
}

#[test]
fn another_state_at_the_same_revision_is_noticed() {
    let (oracle, batches) = two();
    let mut state = State::clone(&oracle.states[1]);
    let mut other = batches[1].clone();
    other.at = UnixNano(1);
    assert!(matches!(state.apply(&other), Applied::At(_)));
    assert_eq!(broken(oracle.shown(3, &state)), Id::SameState);
}

#[test]
fn an_acknowledged_command_that_nobody_applied_is_noticed() {
    let (mut oracle, batches) = two();
    let lost = create(5);
    oracle.asked(&lost, Moment(5));
    let reply = answer(&oracle.newest().clone(), &batches[0]);
    let op = op(Call::Propose(lost), 5, 6, reply);
    assert_eq!(
        broken(oracle.returned(&op, &[NOW], false)),
        Id::AcknowledgedKept
    );
}

/// A third tenant, as the answer of a node that nobody can look at any more.
fn ahead() -> (Oracle, Batch) {
    let (mut oracle, _) = two();
    let proposal = create(3);
    oracle.asked(&proposal, Moment(5));
    let batch = batch(oracle.newest(), &proposal);
    let mut state = State::clone(oracle.newest());
    assert!(matches!(state.apply(&batch), Applied::At(_)));
    let reply = answer(&Arc::new(state), &batch);
    let op = op(Call::Propose(proposal), 5, 6, reply);
    oracle.returned(&op, &[NOW], true).unwrap();
    (oracle, batch)
}

#[test]
fn an_answer_of_a_node_that_is_gone_is_held_to_what_others_come_to() {
    let (mut oracle, batch) = ahead();
    oracle.applied(2, &batch).unwrap();
    oracle.close().unwrap();
    let (mut oracle, _) = ahead();
    assert_eq!(broken(oracle.close()), Id::AcknowledgedKept);
}

#[test]
fn a_read_that_misses_the_answer_of_a_node_that_is_gone_is_noticed() {
    let (mut oracle, _) = ahead();
    let newest = Reply::State(Arc::clone(oracle.newest()));
    let after = op(Call::Read, 7, 8, newest);
    assert_eq!(
        broken(oracle.returned(&after, &[], false)),
        Id::Linearizable
    );
}

#[test]
fn a_read_that_misses_what_was_answered_is_noticed() {
    let (mut oracle, _) = two();
    let old = Reply::State(Arc::default());
    let during = op(Call::Read, 1, 4, old.clone());
    oracle.returned(&during, &[], false).unwrap();
    let after = op(Call::Read, 3, 5, old);
    assert_eq!(
        broken(oracle.returned(&after, &[], false)),
        Id::Linearizable
    );
}

#[test]
fn a_rejection_that_no_state_explains_is_noticed() {
    let (mut oracle, _) = two();
    let fresh = create(7);
    let exists = tenants::Rejection::Exists(TenantId::new("t7").unwrap()).into();
    oracle.asked(&fresh, Moment(5));
    let reply = Reply::Failed(ProposeError::Rejected(exists));
    let op = op(Call::Propose(fresh), 5, 6, reply);
    assert_eq!(
        broken(oracle.returned(&op, &[NOW], false)),
        Id::Linearizable
    );
}
