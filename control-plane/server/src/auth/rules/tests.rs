//! The rules against the contract, and the roles against the rules.

use std::collections::BTreeSet;

use prost_reflect::DescriptorPool;

use super::*;
use crate::auth::Role;

#[test]
fn a_request_that_names_a_tenant_has_a_rule_that_reads_it() {
    let pool = DescriptorPool::decode(takt_wire::DESCRIPTORS).unwrap();
    let mut wrong = Vec::new();
    for method in M::ALL {
        let (service, name) = method
            .path()
            .trim_start_matches('/')
            .split_once('/')
            .unwrap();
        let service = pool.get_service_by_name(service).unwrap();
        let found = service
            .methods()
            .find(|found| found.name() == name)
            .unwrap();
        let request = found.input();
        let tenant = ["tenant", "scope"].map(|field| request.get_field_by_name(field).is_some());
        // Whose policy it is is not whom the policy is about: only the installation's admins ask.
        let access = rule(*method).kind == Kind::Access;
        if tenant.contains(&true) && rule(*method).tenant.is_none() && !access {
            wrong.push(method.path());
        }
    }
    assert!(wrong.is_empty(), "say `.of(…)` in rules.rs for {wrong:#?}");
}

#[test]
fn what_changes_something_is_no_mere_reading() {
    for method in M::ALL {
        if method.mutates() {
            assert_ne!(rule(*method).verb, Verb::Read, "{}", method.path());
        }
    }
}

#[test]
fn roles_speak_of_kinds_and_verbs_that_exist() {
    let mut roles = BTreeSet::new();
    for line in include_str!("../rules.csv").lines() {
        let words: Vec<&str> = line.split(',').map(str::trim).collect();
        let any = |name: &str, names: &[&str]| name == "*" || names.contains(&name);
        let role = |name: &str| Role::ALL.into_iter().any(|role| role.name() == name);
        match words.as_slice() {
            ["p", who, kind, verb] => {
                assert!(role(who), "{line}");
                assert!(any(kind, &Kind::ALL.map(Kind::name)), "{line}");
                assert!(any(verb, &Verb::ALL.map(Verb::name)), "{line}");
                roles.insert((*who).to_owned());
            }
            ["g", who, like] => assert!(role(who) && role(like), "{line}"),
            _ => assert!(line.is_empty() || line.starts_with('#'), "{line}"),
        }
    }
    let all: BTreeSet<String> = Role::ALL.map(|role| role.name().to_owned()).into();
    assert_eq!(roles, all);
}
