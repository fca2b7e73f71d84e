//! What roles may do, and that answers are remembered no longer than they are true.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::auth::Role;

#[tokio::test]
async fn roles_may_what_their_rules_say_within_their_domain() {
    let casbin = Casbin::new().await.unwrap();
    for line in [
        "admin of *: write access of *: yes",
        "admin of *: write tenant of a: yes",
        "viewer of *: read access of *: yes",
        "viewer of *: write tenant of a: no",
        "viewer of *: report job of *: no",
        "operator of *: write tenant of a: yes",
        "operator of *: read ledger of *: yes",
        "operator of *: write access of *: no",
        "operator of *: write licence of *: no",
        "operator of *: write ledger of *: no",
        "node of *: read view of *: yes",
        "node of *: report job of *: yes",
        "node of *: read tenant of *: no",
        "tenant-admin of a: write overrides of a: yes",
        "tenant-admin of a: write overrides of b: no",
        "tenant-admin of a: write overrides of *: no",
        "tenant-admin of a: write tenant of a: no",
        "sampling-admin of a: write sampling of a: yes",
        "usage-reader of a: read ledger of a: yes",
        "usage-reader of a: read ledger of *: no",
    ] {
        let mut parts = line.split(": ");
        let mut part = || parts.next().unwrap();
        let ((role, domain), (what, about)) = (of(part()), of(part()));
        let (verb, kind) = what.split_once(' ').unwrap();
        let grant = Grant {
            role: named(role, &Role::ALL, Role::name),
            domain: domain.map_or(Domain::Installation, |text| Domain::Tenant(tenant(text))),
        };
        let kind = named(kind, &Kind::ALL, Kind::name);
        let verb = named(verb, &Verb::ALL, Verb::name);
        let question = question(1, vec![grant], kind, verb, about);
        assert_eq!(casbin.may(&question).unwrap(), part() == "yes", "{line}");
    }
}

#[tokio::test]
async fn one_of_several_parts_is_enough_and_none_is_not() {
    let casbin = Casbin::new().await.unwrap();
    let of_a = Grant {
        role: Role::TenantAdmin,
        domain: Domain::Tenant(tenant("a")),
    };
    let several = vec![of_a, Grant::everywhere(Role::Viewer)];
    let ask = |grants| question(1, grants, Kind::Overrides, Verb::Read, Some("b"));
    assert!(casbin.may(&ask(several)).unwrap());
    assert!(!casbin.may(&ask(Vec::new())).unwrap());
}

#[tokio::test]
async fn an_answer_is_remembered_until_access_changes() {
    let asked = Arc::new(AtomicUsize::new(0));
    let remembering = Remembering::new(Counting(Arc::clone(&asked)));
    let ask = |since, about| {
        let question = question(since, Vec::new(), Kind::Tenant, Verb::Read, about);
        remembering.may(&question).unwrap();
        asked.load(Ordering::Relaxed)
    };
    assert_eq!((ask(1, None), ask(1, None)), (1, 1));
    assert_eq!(ask(1, Some("a")), 2, "another tenant is another question");
    assert_eq!(ask(2, None), 3, "access has changed");
}

/// Not a test of speed, but where the numbers of the decision record come from:
/// `cargo test -p takt-server --release -- --nocapture cost_of_a_decision`.
#[tokio::test]
async fn the_cost_of_a_decision_is_known() {
    let measure = |authoriser: &dyn Authoriser| {
        let grants: Arc<[Grant]> = vec![Grant::everywhere(Role::Operator)].into();
        let rounds = 2000_u32;
        let begun = tokio::time::Instant::now();
        for number in 0..rounds {
            let name = format!("tenant-{}", number % 10);
            let mut question = question(1, Vec::new(), Kind::Cluster, Verb::Write, Some(&name));
            question.grants = Arc::clone(&grants);
            assert!(authoriser.may(&question).unwrap());
        }
        begun.elapsed() / rounds
    };
    let plain = measure(&Casbin::new().await.unwrap());
    let remembered = measure(&Remembering::new(Casbin::new().await.unwrap()));
    println!("a decision takes {plain:?}, a remembered one {remembered:?}");
    assert!(remembered < plain);
}

#[derive(Debug)]
struct Counting(Arc<AtomicUsize>);

impl Authoriser for Counting {
    fn may(&self, _: &Question) -> Result<bool, Unanswered> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }
}

/// `x of y`, where `*` is everything.
fn of(text: &str) -> (&str, Option<&str>) {
    let (what, whose) = text.split_once(" of ").unwrap();
    (what, (whose != "*").then_some(whose))
}

fn named<T: Copy>(name: &str, all: &[T], of: impl Fn(T) -> &'static str) -> T {
    *all.iter().find(|one| of(**one) == name).unwrap()
}

fn tenant(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn question(
    since: u64,
    grants: Vec<Grant>,
    kind: Kind,
    verb: Verb,
    about: Option<&str>,
) -> Question {
    Question {
        since: Revision(since),
        grants: grants.into(),
        kind,
        verb,
        about: about.map(tenant),
    }
}
