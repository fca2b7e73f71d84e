//! Each kind of lie is told, and noticed.

use takt_wire::takt::admin::v1::AuditEntry;
use takt_wire::takt::control::log::v1::Event;

use super::super::facts::Facts;
use super::*;

/// One event each, from revision 1 on; by command.
fn facts(commands: &[u128]) -> BTreeMap<u64, Fact> {
    let facts = Facts::default();
    for (at, command) in (1..).zip(commands) {
        let entry = AuditEntry {
            revision: at,
            address: "10.77.0.254".into(),
            command_id: Uuid::from_u128(*command).to_string(),
            events: vec![Event::default()],
            ..AuditEntry::default()
        };
        facts.shown(1, entry).unwrap();
    }
    facts.all().unwrap()
}

fn command(id: u128, if_match: Option<u64>, called: u64, returned: u64, heard: Heard) -> Op {
    Op {
        what: What::Command {
            id: Uuid::from_u128(id),
            tenant: Some("a".into()),
            if_match,
        },
        called: Moment(called),
        heard: Some((Moment(returned), heard)),
    }
}

fn read(called: u64, returned: u64, version: u64) -> Op {
    Op {
        what: What::Read { tenant: "a".into() },
        called: Moment(called),
        heard: Some((Moment(returned), Heard::Version(version))),
    }
}

fn done(id: u128, called: u64, returned: u64, revision: u64) -> Op {
    command(id, None, called, returned, Heard::Done(Some(revision)))
}

#[track_caller]
fn noticed(ops: &[Op], commands: &[u128], words: &str) {
    let error = check(ops, &facts(commands)).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains(words), "{text}");
}

#[test]
fn what_fits_is_explained() {
    let ops = [
        done(1, 1, 2, 1),
        done(2, 3, 6, 2),
        command(3, Some(1), 4, 7, Heard::Refused("VERSION_MISMATCH".into())),
        read(5, 8, 1),
        read(9, 10, 2),
        command(4, Some(2), 11, 12, Heard::Done(None)),
    ];
    check(&ops, &facts(&[1, 2, 4])).unwrap();
}

#[test]
fn a_lost_command_is_noticed() {
    noticed(&[done(1, 1, 2, 1), done(2, 3, 4, 2)], &[1], "lost");
}

#[test]
fn a_command_that_is_carried_out_twice_is_noticed() {
    noticed(&[done(1, 1, 2, 1)], &[1, 1], "twice");
}

#[test]
fn another_revision_than_was_answered_is_noticed() {
    noticed(&[done(1, 1, 2, 2)], &[1, 9], "nobody asked");
    noticed(
        &[done(1, 1, 3, 2), done(2, 2, 4, 2)],
        &[1, 2],
        "another revision",
    );
}

#[test]
fn a_command_that_comes_before_what_was_heard_before_it_is_noticed() {
    noticed(&[done(2, 1, 2, 2), done(1, 3, 4, 1)], &[1, 2], "heard of");
}

#[test]
fn a_denied_command_that_was_carried_out_is_noticed() {
    let refused = Heard::Refused("VERSION_MISMATCH".into());
    noticed(&[command(1, None, 1, 2, refused)], &[1], "denies");
    noticed(&[command(1, None, 1, 2, Heard::Version(1))], &[1], "denies");
}

#[test]
fn a_refusal_without_a_reason_is_noticed() {
    let refused = |reason: &str| Heard::Refused(reason.into());
    let ops = [
        done(1, 1, 2, 1),
        command(2, Some(1), 3, 4, refused("VERSION_MISMATCH")),
    ];
    noticed(&ops, &[1], "had the version");
    let ops = [command(1, None, 1, 2, refused("TENANT_EXISTS"))];
    noticed(&ops, &[], "provoked");
}

#[test]
fn a_condition_that_did_not_hold_is_noticed() {
    let ops = [
        done(1, 1, 2, 1),
        done(2, 3, 4, 2),
        command(3, Some(1), 5, 6, Heard::Done(Some(3))),
    ];
    noticed(&ops, &[1, 2, 3], "had version Some(2)");
}

#[test]
fn an_old_or_invented_answer_is_noticed() {
    let ops = [done(1, 1, 2, 1), done(2, 3, 4, 2)];
    noticed(
        &[&ops[..], &[read(5, 6, 1)]].concat(),
        &[1, 2],
        "heard of before",
    );
    noticed(&[&ops[..], &[read(5, 6, 3)]].concat(), &[1, 2], "never had");
    let early = [read(1, 2, 1), done(1, 3, 4, 1)];
    noticed(&early, &[1], "nobody had asked");
    // What one has read, the next one sees, too.
    let back = [
        done(1, 1, 2, 1),
        done(2, 3, 9, 2),
        read(4, 5, 2),
        read(6, 7, 1),
    ];
    noticed(&back, &[1, 2], "heard of before");
}

#[test]
fn silence_is_noticed() {
    let mut silent = done(1, 1, 2, 1);
    silent.heard = None;
    noticed(&[silent], &[1], "never answered");
}
