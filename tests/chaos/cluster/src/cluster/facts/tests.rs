use takt_wire::takt::control::log::v1::Event;

use super::*;

fn entry(revision: u64, events: usize, command: u128) -> AuditEntry {
    AuditEntry {
        revision,
        command_id: Uuid::from_u128(command).to_string(),
        events: vec![Event::default(); events],
        ..AuditEntry::default()
    }
}

fn status(term: u64, leader: Option<u64>, revision: u64) -> GetStatusResponse {
    GetStatusResponse {
        term,
        leader,
        revision,
        ..GetStatusResponse::default()
    }
}

#[test]
fn what_one_node_showed_no_other_shows_differently() {
    let facts = Facts::default();
    facts.shown(1, entry(2, 2, 7)).unwrap();
    facts.shown(2, entry(2, 2, 7)).unwrap();
    assert!(facts.shown(3, entry(2, 2, 8)).is_err());
    assert!(facts.shown(3, entry(2, 1, 7)).is_err());
}

#[test]
fn decisions_follow_from_one_another_without_a_hole() {
    let facts = Facts::default();
    facts.shown(1, entry(2, 2, 1)).unwrap();
    facts.shown(1, entry(5, 1, 2)).unwrap();
    assert!(facts.all().is_err());
    facts.shown(2, entry(4, 2, 3)).unwrap();
    assert_eq!(facts.all().unwrap().len(), 3);
    facts.shown(2, entry(3, 1, 4)).unwrap();
    assert!(facts.all().is_err());
}

fn said(facts: &Facts, node: u64, life: u64, status: &GetStatusResponse) -> anyhow::Result<()> {
    facts.said(node, life, facts.reached(node), status)
}

#[test]
fn a_term_has_one_leader_and_a_node_goes_forward() {
    let facts = Facts::default();
    let early = facts.reached(1);
    said(&facts, 1, 1, &status(3, Some(2), 10)).unwrap();
    said(&facts, 2, 1, &status(3, None, 9)).unwrap();
    assert!(said(&facts, 2, 1, &status(3, Some(1), 9)).is_err());
    said(&facts, 1, 1, &status(4, Some(1), 10)).unwrap();
    assert!(said(&facts, 1, 1, &status(4, Some(1), 9)).is_err());
    assert!(said(&facts, 1, 1, &status(3, None, 11)).is_err());
    // Asked before the others, answered after them.
    facts.said(1, 1, early, &status(3, None, 8)).unwrap();
    assert!(said(&facts, 1, 1, &status(4, None, 9)).is_err());
    // What was not synced may be gone after a crash.
    said(&facts, 1, 2, &status(4, Some(1), 5)).unwrap();
    assert_eq!(facts.terms(), 2);
}
