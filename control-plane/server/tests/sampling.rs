//! Sampling policies and segments of the decision index, over the routes of the admin API.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first surprise"
)]

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use takt_kit::{ManualClock, Tasks};
use takt_log::Settings;
use takt_model::{Limits, UnixNano};
use takt_server::Services;
use takt_server::auth::Guard;
use takt_views::Views;
use takt_wire::takt::admin::v1::decision_service_client::DecisionServiceClient;
use takt_wire::takt::admin::v1::policy_service_client::PolicyServiceClient;
use takt_wire::takt::admin::v1::tenant_service_client::TenantServiceClient;
use takt_wire::takt::admin::v1::{self as wire, PolicyOddity, SegmentState};
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::log::v1::policy_rule::Rule;
use takt_wire::takt::control::v1 as control;
use takt_wire::takt::control::v1::decisions_service_client::DecisionsServiceClient;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

const NOW: UnixNano = UnixNano(1_700_000_000_000_000_000);
const HOUR: u64 = 3_600_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_written_read_and_deleted() {
    let node = Node::start().await;
    let created = node.create(slow("slow", 1)).await.unwrap();
    assert_eq!((created.id, created.version), (1, 2));
    assert_eq!(created.created_at, NOW.0);
    let update = wire::UpdatePolicyRequest {
        change: if_match(created.version),
        tenant: "a".into(),
        policy: "slow".into(),
        spec: Some(slow("slower", 2)),
    };
    let updated = node.policies().update_policy(update.clone()).await.unwrap();
    let updated = updated.into_inner();
    assert_eq!(updated.outcome.unwrap().events.len(), 1);
    assert_eq!(updated.policy.unwrap().spec, Some(slow("slower", 2)));
    let get = |policy: &str| wire::GetPolicyRequest {
        tenant: "a".into(),
        policy: policy.into(),
    };
    for policy in ["1", "slower"] {
        let got = node.policies().get_policy(get(policy)).await.unwrap();
        assert_eq!(got.into_inner().policy.unwrap().version, 3);
    }
    let gone = node.policies().get_policy(get("slow")).await.unwrap_err();
    refused(&gone, Code::NotFound, "POLICY_UNKNOWN", "policy");
    let delete = wire::DeletePolicyRequest {
        change: if_match(2),
        tenant: "a".into(),
        policy: "1".into(),
    };
    let stale = node.policies().delete_policy(delete.clone()).await;
    let (code, field) = (Code::FailedPrecondition, "change.if_match");
    refused(&stale.unwrap_err(), code, "VERSION_MISMATCH", field);
    let delete = wire::DeletePolicyRequest {
        change: if_match(3),
        ..delete
    };
    let deleted = node.policies().delete_policy(delete).await.unwrap();
    let set = deleted.into_inner().set.unwrap();
    assert_eq!((set.policies.len(), set.version), (0, 4));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_replaced_and_the_plan_is_a_dry_run() {
    let node = Node::start().await;
    node.create(slow("slow", 1)).await.unwrap();
    node.create(always("all")).await.unwrap();
    let replace = |dry_run| wire::ReplacePolicySetRequest {
        change: Some(wire::Change {
            dry_run,
            ..wire::Change::default()
        }),
        tenant: "a".into(),
        policies: vec![wanted(slow("slow", 2)), wanted(slow("slower", 3))],
    };
    let told = |answer: &wire::ReplacePolicySetResponse| {
        let difference = answer.difference.clone().unwrap();
        let name = |policy: &wire::Policy| policy.spec.clone().unwrap().name;
        let changed = difference.changed.iter().map(|changed| {
            let fields: Vec<stored::PolicyField> = changed.fields().collect();
            (name(changed.policy.as_ref().unwrap()), fields)
        });
        (
            difference.added.iter().map(name).collect::<Vec<_>>(),
            difference.removed.into_iter().map(|it| it.name).collect(),
            changed.collect::<Vec<_>>(),
        )
    };
    let expected = (
        vec!["slower".to_owned()],
        vec!["all".to_owned()],
        vec![("slow".to_owned(), vec![stored::PolicyField::Rule])],
    );
    let plan = node.policies().replace_policy_set(replace(true)).await;
    let plan = plan.unwrap().into_inner();
    assert_eq!(told(&plan), expected);
    let odd = &plan.findings[0];
    assert_eq!(
        (odd.code(), odd.policy.as_str(), odd.because_of.as_str()),
        (PolicyOddity::Unreachable, "slower", "slow")
    );
    let get = wire::GetPolicySetRequest { tenant: "a".into() };
    let set = node.policies().get_policy_set(get).await.unwrap();
    let names = |set: wire::PolicySet| {
        let policies = set.policies.into_iter();
        let names = policies.map(|policy| policy.spec.unwrap().name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(set.into_inner().set.unwrap()), ["slow", "all"]);
    let done = node.policies().replace_policy_set(replace(false)).await;
    let done = done.unwrap().into_inner();
    assert_eq!(told(&done), expected);
    assert_eq!(names(done.set.unwrap()), ["slow", "slower"]);
    let again = node.policies().replace_policy_set(replace(false)).await;
    let again = again.unwrap().into_inner();
    assert_eq!(again.difference, Some(wire::PolicyDifference::default()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_policy_is_said_with_its_field() {
    let node = Node::start().await;
    let (invalid, conflict) = (Code::InvalidArgument, Code::FailedPrecondition);
    let empty = node.create(stored::PolicySpec::default()).await;
    plainly_refused(&empty.unwrap_err(), invalid, "POLICY_MALFORMED");
    let number = node.create(always("12")).await.unwrap_err();
    refused(&number, invalid, "POLICY_NAME_IS_NUMBER", "spec");
    assert!(number.message().contains("`name`"), "{}", number.message());
    node.create(always("all")).await.unwrap();
    let taken = node.create(always("all")).await.unwrap_err();
    refused(&taken, conflict, "POLICY_NAME_TAKEN", "spec.name");
    let over = stored::PolicySpec {
        expires_at: Some(NOW.0),
        ..always("over")
    };
    let over = node.create(over).await.unwrap_err();
    let reason = "POLICY_EXPIRES_IN_THE_PAST";
    refused(&over, invalid, reason, "spec.expires_at");
    let nobody = wire::GetPolicySetRequest { tenant: "b".into() };
    let nobody = node.policies().get_policy_set(nobody).await.unwrap_err();
    refused(&nobody, Code::NotFound, "TENANT_UNKNOWN", "tenant");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_linted_without_being_written() {
    let node = Node::start().await;
    let lint = |policies| wire::LintPolicySetRequest {
        tenant: "a".into(),
        policies,
    };
    let drafts = vec![slow("slow", 1), slow("slower", 2), always("12")];
    let found = node.policies().lint_policy_set(lint(drafts)).await.unwrap();
    let found: Vec<(String, PolicyOddity)> = found
        .into_inner()
        .findings
        .into_iter()
        .map(|finding| (finding.policy.clone(), finding.code()))
        .collect();
    let expected = [
        ("12".to_owned(), PolicyOddity::Invalid),
        ("slower".to_owned(), PolicyOddity::Unreachable),
    ];
    assert_eq!(found, expected);
    let own = node.policies().lint_policy_set(lint(vec![])).await.unwrap();
    assert_eq!(own.into_inner().findings, []);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_listed_page_by_page_and_by_what_they_are() {
    let node = Node::start().await;
    for spec in [slow("p1", 1), always("p2"), slow("p3", 3), slow("p4", 4)] {
        node.create(spec).await.unwrap();
    }
    let shadow = stored::PolicySpec {
        shadow: true,
        owner: "checkout".into(),
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        ..slow("p5", 5)
    };
    node.create(shadow).await.unwrap();
    let list = async |request: wire::ListPoliciesRequest| {
        let request = wire::ListPoliciesRequest {
            tenant: "a".into(),
            ..request
        };
        let page = node.policies().list_policies(request).await.unwrap();
        let page = page.into_inner();
        let names = page.policies.into_iter().map(|it| it.spec.unwrap().name);
        (names.collect::<Vec<_>>().join(" "), page.next_page_token)
    };
    let pages = |page_token: &str| wire::ListPoliciesRequest {
        page_size: 2,
        page_token: page_token.into(),
        r#type: "latency".into(),
        ..wire::ListPoliciesRequest::default()
    };
    let (first, next) = list(pages("")).await;
    assert_eq!(first, "p1 p3");
    assert_eq!(list(pages(&next)).await, ("p4 p5".into(), String::new()));
    let prod = wire::ListPoliciesRequest {
        shadow: Some(true),
        owner: "checkout".into(),
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        ..wire::ListPoliciesRequest::default()
    };
    assert_eq!(list(prod).await.0, "p5");
    let types = wire::ListPolicyTypesRequest {};
    let types = node.policies().list_policy_types(types).await.unwrap();
    assert_eq!(types.into_inner().types.len(), 24);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_lives_and_goes() {
    let node = Node::start().await;
    for (number, offsets) in [(1, 0..10), (2, 10..20)] {
        node.register(segment(number, offsets)).await.unwrap();
    }
    // Whoever had no answer asks again.
    let again = node.register(segment(1, 0..10)).await.unwrap();
    assert_eq!(again.events, []);
    let overlaps = node.register(segment(3, 5..15)).await.unwrap_err();
    plainly_refused(&overlaps, Code::FailedPrecondition, "SEGMENT_OVERLAPS");
    let merged = stored::SegmentSpec {
        kept: 10,
        dropped: 190,
        ..segment(4, 0..20)
    };
    let supersede = control::SupersedeSegmentsRequest {
        change: None,
        tenant: "a".into(),
        replaced: vec![name(1), name(2)],
        by: Some(merged),
    };
    node.samplers().supersede_segments(supersede).await.unwrap();
    let find = control::FindSegmentsRequest {
        tenant: "a".into(),
        from: Some(NOW.0 - HOUR),
        to: Some(NOW.0),
    };
    let found = node.samplers().find_segments(find).await.unwrap();
    let found = found.into_inner().segments;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, name(4));
    let retired = node.retired(NOW.0).await;
    assert_eq!(retired, [name(1), name(2)]);
    let forget = control::ForgetSegmentsRequest {
        change: None,
        tenant: "a".into(),
        segments: retired,
    };
    node.samplers().forget_segments(forget).await.unwrap();
    assert_eq!(node.retired(u64::MAX).await, [""; 0]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_listed_by_what_is_asked_and_retired_by_hand() {
    let node = Node::start().await;
    for (number, offsets) in [(1, 0..10), (2, 10..20), (3, 20..30)] {
        node.register(segment(number, offsets)).await.unwrap();
    }
    let retire = wire::RetireSegmentRequest {
        change: None,
        tenant: "a".into(),
        segment: name(2),
    };
    let retired = node.decisions().retire_segment(retire.clone()).await;
    let retired = retired.unwrap().into_inner().segment.unwrap();
    assert_eq!(retired.state(), SegmentState::Retired);
    assert_eq!(retired.retire_reason(), stored::RetireReason::Asked);
    assert_eq!(retired.retired_at, NOW.0);
    let list = async |request: wire::ListSegmentsRequest| {
        let request = wire::ListSegmentsRequest {
            tenant: "a".into(),
            ..request
        };
        let page = node.decisions().list_segments(request).await.unwrap();
        let page = page.into_inner();
        let ids = page.segments.into_iter().map(|segment| segment.id);
        (ids.collect::<Vec<_>>(), page.next_page_token)
    };
    let all = wire::ListSegmentsRequest::default;
    let page = |page_token: String| wire::ListSegmentsRequest {
        page_size: 2,
        page_token,
        ..all()
    };
    let (first, next) = list(page(String::new())).await;
    assert_eq!(first, [name(1), name(2)]);
    assert_eq!(list(page(next)).await, (vec![name(3)], String::new()));
    let live = wire::ListSegmentsRequest {
        state: SegmentState::Live.into(),
        partition: Some(0),
        policy: Some(1),
        traces_to: Some(NOW.0),
        ..all()
    };
    assert_eq!(list(live).await.0, [name(1), name(3)]);
    for none in [
        wire::ListSegmentsRequest {
            partition: Some(7),
            ..all()
        },
        wire::ListSegmentsRequest {
            policy: Some(7),
            ..all()
        },
        wire::ListSegmentsRequest {
            traces_from: Some(NOW.0 + HOUR),
            ..all()
        },
    ] {
        assert_eq!(list(none).await.0, [""; 0]);
    }
    let (segment, unknown) = ("seven".into(), name(9));
    let bad = wire::RetireSegmentRequest {
        segment,
        ..retire.clone()
    };
    let bad = node.decisions().retire_segment(bad).await.unwrap_err();
    plainly_refused(&bad, Code::InvalidArgument, "SEGMENT_ID_INVALID");
    let unknown = wire::RetireSegmentRequest {
        segment: unknown,
        ..retire
    };
    let unknown = node.decisions().retire_segment(unknown).await.unwrap_err();
    refused(&unknown, Code::NotFound, "SEGMENT_UNKNOWN", "segment");
    node.stop().await;
}

struct Node {
    routes: Routes,
    tasks: Tasks,
    _dir: tempfile::TempDir,
}

impl Node {
    /// With one tenant, `a`.
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tasks = Tasks::default();
        let clock = Arc::new(ManualClock::at(NOW));
        let settings = Settings::new(dir.path().into());
        let parts = takt_log::Parts::new(clock.clone());
        let mut registry = Registry::default();
        let log = takt_log::open(settings, parts, &tasks, &mut registry);
        let log = log.await.unwrap();
        let views = Views::start(
            log.clone(),
            takt_views::Settings::default(),
            &tasks,
            &mut Registry::default(),
        )
        .await
        .unwrap();
        let guard = Guard::open_to_all(log.clone(), clock.clone(), &tasks).await;
        let guard = guard.unwrap();
        let node = Self {
            routes: Services::new(log, views, clock, Limits::default()).routes(&guard),
            tasks,
            _dir: dir,
        };
        let create = wire::CreateTenantRequest {
            tenant: "a".into(),
            ..wire::CreateTenantRequest::default()
        };
        let mut tenants = TenantServiceClient::new(node.routes.clone());
        tenants.create_tenant(create).await.unwrap();
        node
    }

    fn policies(&self) -> PolicyServiceClient<Routes> {
        PolicyServiceClient::new(self.routes.clone())
    }

    fn decisions(&self) -> DecisionServiceClient<Routes> {
        DecisionServiceClient::new(self.routes.clone())
    }

    fn samplers(&self) -> DecisionsServiceClient<Routes> {
        DecisionsServiceClient::new(self.routes.clone())
    }

    async fn create(&self, spec: stored::PolicySpec) -> Result<wire::Policy, Status> {
        let request = wire::CreatePolicyRequest {
            change: None,
            tenant: "a".into(),
            spec: Some(spec),
        };
        let answer = self.policies().create_policy(request).await?;
        Ok(answer.into_inner().policy.unwrap())
    }

    async fn register(&self, segment: stored::SegmentSpec) -> Result<wire::Outcome, Status> {
        let segments = vec![control::TenantSegment {
            tenant: "a".into(),
            segment: Some(segment),
        }];
        let change = None;
        let request = control::RegisterSegmentsRequest { change, segments };
        let answer = self.samplers().register_segments(request).await?;
        Ok(answer.into_inner().outcome.unwrap())
    }

    async fn retired(&self, retired_by: u64) -> Vec<String> {
        let page_size = 0;
        let request = control::ListRetiredSegmentsRequest {
            retired_by,
            page_size,
        };
        let answer = self.samplers().list_retired_segments(request).await;
        let segments = answer.unwrap().into_inner().segments;
        segments.into_iter().map(|segment| segment.id).collect()
    }

    async fn stop(self) {
        drop(self.routes);
        self.tasks.stop();
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, [""; 0]);
    }
}

fn if_match(version: u64) -> Option<wire::Change> {
    Some(wire::Change {
        if_match: Some(version),
        ..wire::Change::default()
    })
}

fn policy(name: &str, rule: Rule) -> stored::PolicySpec {
    stored::PolicySpec {
        name: name.into(),
        stage: stored::PolicyStage::Tail.into(),
        rule: Some(stored::PolicyRule { rule: Some(rule) }),
        ..stored::PolicySpec::default()
    }
}

fn slow(name: &str, seconds: u64) -> stored::PolicySpec {
    let above_ns = seconds * 1_000_000_000;
    let up_to_ns = None;
    policy(
        name,
        Rule::Latency(stored::LatencyRule { above_ns, up_to_ns }),
    )
}

fn always(name: &str) -> stored::PolicySpec {
    policy(name, Rule::AlwaysSample(stored::AlwaysSampleRule {}))
}

fn wanted(spec: stored::PolicySpec) -> wire::WantedPolicy {
    wire::WantedPolicy {
        id: None,
        spec: Some(spec),
    }
}

fn name(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

fn segment(number: u128, offsets: std::ops::Range<u64>) -> stored::SegmentSpec {
    let exact = stored::id_filter::Filter::Exact(stored::ExactIds {});
    let exact = || {
        Some(stored::IdFilter {
            filter: Some(exact),
        })
    };
    stored::SegmentSpec {
        id: Uuid::from_u128(number).as_bytes().to_vec(),
        node: 1,
        epoch: 1,
        ranges: vec![stored::OffsetRange {
            partition: 0,
            from: offsets.start,
            to: offsets.end,
        }],
        traces_from: NOW.0 - HOUR,
        traces_to: NOW.0,
        decided_from: NOW.0 - HOUR,
        decided_to: NOW.0,
        policies_from: 1,
        policies_to: 1,
        kept: 5,
        dropped: 95,
        discarded: 0,
        policies: vec![stored::PolicyCount {
            policy: 1,
            matched: 0,
            decided: 0,
        }],
        path: format!("a/decisions/{number}"),
        bytes: 100,
        format: 1,
        kept_filter: exact(),
        dropped_filter: exact(),
        expires_at: NOW.0 + 24 * HOUR,
    }
}

fn refused(status: &Status, code: Code, reason: &str, field: &str) {
    plainly_refused(status, code, reason);
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, field);
}

fn plainly_refused(status: &Status, code: Code, reason: &str) {
    let details = status.get_error_details();
    let found = details.error_info().map(|info| info.reason.as_str());
    assert_eq!((status.code(), found), (code, Some(reason)), "{status:?}");
}
