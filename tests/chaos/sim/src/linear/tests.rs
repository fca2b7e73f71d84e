//! Against stateright's tester, which tries every order.

use proptest::prelude::*;
use stateright::semantics::register::{Register, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester as _, LinearizabilityTester};

use super::*;

/// One value that is written and read.
struct Cell;

#[derive(Debug, Clone)]
enum Use {
    Write(u8),
    /// What was read, if it returned.
    Read(Option<u8>),
}

impl Model for Cell {
    type State = u8;
    type Op = Use;

    fn step(&self, state: &u8, op: &Use) -> Option<u8> {
        match op {
            Use::Write(value) => Some(*value),
            Use::Read(value) => value.is_none_or(|value| value == *state).then_some(*state),
        }
    }

    fn only_looks(&self, _state: &u8, op: &Use) -> bool {
        matches!(op, Use::Read(_))
    }
}

fn timed(called: u64, returned: Option<u64>, op: Use) -> Timed<Use> {
    Timed {
        called: Moment(called),
        returned: returned.map(Moment),
        op,
    }
}

fn check(ops: &[Timed<Use>]) -> bool {
    match search(&Cell, 0, ops.to_vec()) {
        Verdict::Linearizable => true,
        Verdict::Not => false,
        Verdict::Undecided => panic!("this is short"),
    }
}

#[test]
fn a_read_after_a_write_returned_sees_it() {
    let write = timed(1, Some(2), Use::Write(7));
    assert!(check(&[
        write.clone(),
        timed(3, Some(4), Use::Read(Some(7)))
    ]));
    assert!(!check(&[write, timed(3, Some(4), Use::Read(Some(0)))]));
}

#[test]
fn reads_during_a_write_see_it_or_not_but_never_take_it_back() {
    let write = timed(1, Some(9), Use::Write(7));
    let old = |called| timed(called, Some(called + 1), Use::Read(Some(0)));
    let new = |called| timed(called, Some(called + 1), Use::Read(Some(7)));
    assert!(check(&[write.clone(), old(2), new(4)]));
    assert!(!check(&[write, new(2), old(4)]));
}

#[test]
fn what_never_returned_may_happen_late_or_never() {
    let write = timed(1, None, Use::Write(7));
    let read = |called, value| timed(called, Some(called + 1), Use::Read(Some(value)));
    assert!(check(&[write.clone(), read(2, 0), read(4, 0)]));
    assert!(check(&[write.clone(), read(2, 0), read(4, 7)]));
    assert!(!check(&[write, read(2, 7), read(4, 0)]));
}

/// Who does something, and what if it is not already busy.
fn histories() -> impl Strategy<Value = Vec<(u8, Use)>> {
    let op = prop_oneof![
        (1_u8..3).prop_map(Use::Write),
        (0_u8..3).prop_map(|value| Use::Read(Some(value))),
    ];
    prop::collection::vec((0_u8..3, op), 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Each event begins what a client does next, or ends what it does.
    #[test]
    fn says_what_stateright_says(events in histories()) {
        let mut theirs = LinearizabilityTester::new(Register(0_u8));
        let mut ours: Vec<Timed<Use>> = Vec::new();
        let mut busy: [Option<(usize, Option<u8>)>; 3] = [None; 3];
        for (now, (client, op)) in (1..).zip(events) {
            match busy[usize::from(client)].take() {
                Some((at, answer)) => {
                    let answer = answer.map_or(RegisterRet::WriteOk, RegisterRet::ReadOk);
                    theirs.on_return(client, answer).unwrap();
                    ours[at].returned = Some(Moment(now));
                }
                None => {
                    let (ask, answer) = match op {
                        Use::Write(value) => (RegisterOp::Write(value), None),
                        Use::Read(value) => (RegisterOp::Read, value),
                    };
                    theirs.on_invoke(client, ask).unwrap();
                    busy[usize::from(client)] = Some((ours.len(), answer));
                    ours.push(timed(now, None, op));
                }
            }
        }
        // What was asked and never answered was not seen to read anything.
        for timed in &mut ours {
            if let (None, Use::Read(value)) = (timed.returned, &mut timed.op) {
                *value = None;
            }
        }
        prop_assert_eq!(check(&ours), theirs.is_consistent());
    }
}
