//! One of everything that has a version, and for every method the request that would change it.

use std::time::Duration;

use takt_domain::CommandId;
use takt_domain::nodes::{Command, NodeName, Profile, Role, Zone};
use takt_log::Proposal;
use takt_wire::methods::AdminMethod as M;
use takt_wire::takt::admin::v1 as wire;
use takt_wire::takt::control::log::v1 as stored;
use takt_wire::takt::control::v1 as control;
use uuid::Uuid;

use crate::node::{NOW, Node, policy};

const HOUR: u64 = 3_600_000_000_000;
const RING: i32 = wire::RingPurpose::Ingest as i32;
const SEGMENT: u128 = 7;

/// The names that were given by the server.
pub(crate) struct Stock {
    job: String,
    credit: String,
    invoice: String,
}

/// What asking for a version does to a method.
#[derive(Debug)]
pub(crate) enum Asked {
    /// This request changes something that is at another version.
    Mismatched(Vec<u8>),
    /// This request makes or adds something, and there is no version to ask for.
    Unfit(Vec<u8>),
    /// It cannot be asked for.
    Never,
}

/// A version nothing is at.
fn wrong() -> Option<wire::Change> {
    Some(wire::Change {
        if_match: Some(999_999),
        ..wire::Change::default()
    })
}

impl Node {
    /// Makes one of everything.
    pub(crate) async fn stock(&self) -> Stock {
        self.change(M::OverridesChangeOverrides, &overrides(None))
            .await;
        self.change(M::PolicyCreatePolicy, &sampling(None)).await;
        self.change(M::LicenceAddLicence, &add_licence(None)).await;
        self.change(M::RingUpdateRing, &ring(None)).await;
        self.change(M::RingAddPartitions, &partitions(None)).await;
        self.join().await;
        self.change(M::DecisionsRegisterSegments, &segments(None))
            .await;
        let jobs: wire::CreateJobsResponse =
            self.change(M::JobCreateJobs, &jobs(None)).await.read();
        self.change(M::BillingUpdateRateCard, &card(None)).await;
        self.change(M::BillingSetTerms, &terms(None)).await;
        let credit: wire::GrantCreditResponse = self
            .change(M::BillingGrantCredit, &grant(None))
            .await
            .read();
        self.clock.advance(Duration::from_secs(20 * 86_400));
        self.change(M::LedgerClosePeriod, &close(None)).await;
        let drafted: wire::DraftInvoiceResponse = self
            .change(M::BillingDraftInvoice, &draft(None))
            .await
            .read();
        Stock {
            job: jobs.jobs[0].job.clone(),
            credit: credit.credit.unwrap().credit,
            invoice: drafted.invoice.unwrap().invoice,
        }
    }

    async fn change(&self, method: M, request: &impl prost::Message) -> crate::node::Answer {
        let answer = self.ask(method, request).await;
        assert_eq!(answer.code, tonic::Code::Ok, "{} {answer:?}", method.path());
        answer
    }

    /// Nodes join by being heard; here it is decided at once.
    async fn join(&self) {
        let command = Command::Join {
            node: NodeName::new("n1").unwrap(),
            incarnation: 1,
            profile: Profile {
                roles: [Role::Ingester].into(),
                zone: Zone::new("a").unwrap(),
                build: "1.0.0".into(),
                feature_level: 1,
                address: "localhost:9095".into(),
            },
        };
        let proposal = Proposal {
            id: CommandId(Uuid::from_u128(1)),
            actor: "test".into(),
            command: command.into(),
            dry_run: false,
        };
        self.log.propose(proposal).await.unwrap();
    }
}

/// Exhaustive: a new method says here what it does when a version is asked for.
#[expect(clippy::too_many_lines, reason = "a table: every method once")]
pub(crate) fn asked(method: M, stock: &Stock) -> Asked {
    let mismatched = |request: &dyn Bytes| Asked::Mismatched(request.bytes());
    let unfit = |request: &dyn Bytes| Asked::Unfit(request.bytes());
    let tenant = || "mine".to_owned();
    let change = wrong();
    match method {
        M::AccessPolicyCreateAccessPolicy => unfit(&wire::CreateAccessPolicyRequest {
            change,
            name: "new".into(),
            spec: Some(policy(&["admin"], "*")),
        }),
        M::AccessPolicyDeleteAccessPolicy => mismatched(&wire::DeleteAccessPolicyRequest {
            change,
            name: "viewer".into(),
        }),
        M::AccessPolicyUpdateAccessPolicy => mismatched(&wire::UpdateAccessPolicyRequest {
            change,
            name: "viewer".into(),
            spec: Some(policy(&["admin"], "*")),
        }),
        M::TokenCreateToken => unfit(&wire::CreateTokenRequest {
            change,
            name: "new".into(),
            policy: "viewer".into(),
            ..wire::CreateTokenRequest::default()
        }),
        M::TokenDeleteToken => mismatched(&wire::DeleteTokenRequest {
            change,
            name: "viewer".into(),
        }),
        M::TokenRevokeToken => mismatched(&wire::RevokeTokenRequest {
            change,
            name: "viewer".into(),
            reason: String::new(),
        }),
        M::OidcIssuerCreateOidcIssuer => unfit(&wire::CreateOidcIssuerRequest {
            change,
            name: "new".into(),
            spec: Some(crate::node::issuer_spec("https://new.example")),
        }),
        M::OidcIssuerDeleteOidcIssuer => mismatched(&wire::DeleteOidcIssuerRequest {
            change,
            name: "corp".into(),
        }),
        M::OidcIssuerUpdateOidcIssuer => mismatched(&wire::UpdateOidcIssuerRequest {
            change,
            name: "corp".into(),
            spec: Some(crate::node::issuer_spec("https://new.example")),
        }),

        M::TenantCreateTenant => unfit(&wire::CreateTenantRequest {
            change,
            tenant: "new".into(),
            ..wire::CreateTenantRequest::default()
        }),
        M::TenantDeleteTenant => mismatched(&wire::DeleteTenantRequest {
            change,
            tenant: tenant(),
        }),
        M::TenantResumeTenant => mismatched(&wire::ResumeTenantRequest {
            change,
            tenant: tenant(),
        }),
        M::TenantSuspendTenant => mismatched(&wire::SuspendTenantRequest {
            change,
            tenant: tenant(),
            reason: String::new(),
        }),
        M::TenantUndeleteTenant => mismatched(&wire::UndeleteTenantRequest {
            change,
            tenant: tenant(),
        }),
        M::TenantUpdateTenant => mismatched(&wire::UpdateTenantRequest {
            change,
            tenant: tenant(),
            ..wire::UpdateTenantRequest::default()
        }),

        M::OverridesChangeOverrides => mismatched(&overrides(change)),
        M::OverridesReplaceOverrides => mismatched(&wire::ReplaceOverridesRequest {
            change,
            scope: scope(),
            ..wire::ReplaceOverridesRequest::default()
        }),
        M::OverridesRollbackOverrides => mismatched(&wire::RollbackOverridesRequest {
            change,
            scope: scope(),
            to_revision: 1,
        }),

        M::PolicyCreatePolicy => mismatched(&wire::CreatePolicyRequest {
            spec: Some(always("another")),
            ..sampling(change)
        }),
        M::PolicyDeletePolicy => mismatched(&wire::DeletePolicyRequest {
            change,
            tenant: tenant(),
            policy: "all".into(),
        }),
        M::PolicyReplacePolicySet => mismatched(&wire::ReplacePolicySetRequest {
            change,
            tenant: tenant(),
            policies: Vec::new(),
        }),
        M::PolicyUpdatePolicy => mismatched(&wire::UpdatePolicyRequest {
            change,
            tenant: tenant(),
            policy: "all".into(),
            spec: Some(always("other")),
        }),

        M::LicenceAddLicence => mismatched(&add_licence(change)),
        M::LicenceAddRevocations => unfit(&wire::AddRevocationsRequest {
            change,
            envelope: crate::licences::revocations(1),
        }),
        M::LicenceRemoveLicence => mismatched(&wire::RemoveLicenceRequest {
            change,
            licence: "l-1".into(),
            reason: String::new(),
        }),

        M::BillingCreateCommitment => unfit(&wire::CreateCommitmentRequest {
            change,
            tenant: tenant(),
            currency: "EUR".into(),
            amount: 1,
            from: "2024-01".into(),
            through: "2024-12".into(),
            reason: String::new(),
        }),
        M::BillingDeleteRateCard => mismatched(&wire::DeleteRateCardRequest {
            change,
            card: "standard".into(),
        }),
        M::BillingUpdateRateCard => mismatched(&card(change)),
        M::BillingSetTerms => mismatched(&terms(change)),
        M::BillingGrantCredit => unfit(&grant(change)),
        M::BillingVoidCredit => mismatched(&wire::VoidCreditRequest {
            change,
            tenant: tenant(),
            credit: stock.credit.clone(),
            reason: String::new(),
        }),
        M::BillingDraftInvoice => unfit(&draft(change)),
        M::BillingFinaliseInvoice => mismatched(&wire::FinaliseInvoiceRequest {
            change,
            tenant: tenant(),
            invoice: stock.invoice.clone(),
        }),
        M::BillingPayInvoice => mismatched(&wire::PayInvoiceRequest {
            change,
            tenant: tenant(),
            invoice: stock.invoice.clone(),
            reference: String::new(),
        }),
        M::BillingVoidInvoice => mismatched(&wire::VoidInvoiceRequest {
            change,
            tenant: tenant(),
            invoice: stock.invoice.clone(),
            reason: String::new(),
        }),
        M::BillingWriteOffInvoice => mismatched(&wire::WriteOffInvoiceRequest {
            change,
            tenant: tenant(),
            invoice: stock.invoice.clone(),
            reason: String::new(),
        }),
        M::LedgerClosePeriod => unfit(&close(change)),
        M::LedgerCorrectEntry => unfit(&wire::CorrectEntryRequest {
            change,
            tenant: tenant(),
            number: 1,
            ..wire::CorrectEntryRequest::default()
        }),
        M::LedgerPostAdjustment => unfit(&wire::PostAdjustmentRequest {
            change,
            tenant: tenant(),
            ..wire::PostAdjustmentRequest::default()
        }),
        M::LedgerRetireUsageSource => unfit(&wire::RetireUsageSourceRequest {
            change,
            source: "n1".into(),
            epoch: 1,
        }),

        M::DecisionRetireSegment => mismatched(&wire::RetireSegmentRequest {
            change,
            tenant: tenant(),
            segment: Uuid::from_u128(SEGMENT).to_string(),
        }),
        M::DecisionsForgetSegments => unfit(&control::ForgetSegmentsRequest {
            change,
            tenant: tenant(),
            ..control::ForgetSegmentsRequest::default()
        }),
        M::DecisionsRegisterSegments => unfit(&segments(change)),
        M::DecisionsSupersedeSegments => unfit(&control::SupersedeSegmentsRequest {
            change,
            tenant: tenant(),
            replaced: Vec::new(),
            by: Some(segment()),
        }),

        M::JobCancelJob => mismatched(&wire::CancelJobRequest {
            change,
            job: stock.job.clone(),
        }),
        M::JobCreateJobs => unfit(&jobs(change)),
        M::JobRetryJob => mismatched(&wire::RetryJobRequest {
            change,
            job: stock.job.clone(),
        }),

        M::NodeDrainNode => mismatched(&wire::DrainNodeRequest {
            change,
            node: "n1".into(),
        }),
        M::NodeForgetNode => mismatched(&wire::ForgetNodeRequest {
            change,
            node: "n1".into(),
        }),
        M::NodeResumeNode => mismatched(&wire::ResumeNodeRequest {
            change,
            node: "n1".into(),
        }),

        M::RingAddPartitions => unfit(&partitions(change)),
        M::RingUpdateRing => mismatched(&ring(change)),
        M::RingActivatePartition => mismatched(&wire::ActivatePartitionRequest {
            change,
            ring: RING,
            partition: 0,
        }),
        M::RingDeactivatePartition => mismatched(&wire::DeactivatePartitionRequest {
            change,
            ring: RING,
            partition: 0,
        }),
        M::RingRemovePartition => mismatched(&wire::RemovePartitionRequest {
            change,
            ring: RING,
            ..wire::RemovePartitionRequest::default()
        }),
        M::RingAssignPartition => mismatched(&wire::AssignPartitionRequest {
            change,
            ring: RING,
            partition: 0,
            node: "n1".into(),
        }),
        M::RingUnassignPartition => mismatched(&wire::UnassignPartitionRequest {
            change,
            ring: RING,
            partition: 0,
            zone: "a".into(),
        }),
        M::RingHandOverPartition => mismatched(&wire::HandOverPartitionRequest {
            change,
            ring: RING,
            partition: 0,
            node: "n1".into(),
        }),
        M::RingCancelHandover => mismatched(&wire::CancelHandoverRequest {
            change,
            ring: RING,
            partition: 0,
            zone: "a".into(),
        }),

        // What nodes say of themselves and their work names what it is about by fence, epoch and offset.
        M::JobsCompleteJob
        | M::JobsFailJob
        | M::JobsLeaseJobs
        | M::JobsReportJob
        | M::LeaseAcquireLease
        | M::LeaseReleaseLease
        | M::PurgeRecordPurge
        | M::UsagePostUsage => Asked::Never,

        other => {
            assert!(
                !other.mutates(),
                "{} stands in no row of this table",
                other.path()
            );
            Asked::Never
        }
    }
}

/// Messages of all kinds.
trait Bytes {
    fn bytes(&self) -> Vec<u8>;
}

impl<T: prost::Message> Bytes for T {
    fn bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

fn scope() -> Option<wire::Scope> {
    let tenant = wire::scope::Scope::Tenant("mine".into());
    Some(wire::Scope {
        scope: Some(tenant),
    })
}

fn overrides(change: Option<wire::Change>) -> wire::ChangeOverridesRequest {
    wire::ChangeOverridesRequest {
        change,
        scope: scope(),
        set: [("ingestion.rate_limit_bytes".to_owned(), "7".to_owned())].into(),
        clear: Vec::new(),
    }
}

fn always(name: &str) -> stored::PolicySpec {
    let rule = stored::policy_rule::Rule::AlwaysSample(stored::AlwaysSampleRule {});
    stored::PolicySpec {
        name: name.into(),
        stage: stored::PolicyStage::Tail.into(),
        rule: Some(stored::PolicyRule { rule: Some(rule) }),
        ..stored::PolicySpec::default()
    }
}

fn sampling(change: Option<wire::Change>) -> wire::CreatePolicyRequest {
    wire::CreatePolicyRequest {
        change,
        tenant: "mine".into(),
        spec: Some(always("all")),
    }
}

fn add_licence(change: Option<wire::Change>) -> wire::AddLicenceRequest {
    wire::AddLicenceRequest {
        change,
        envelope: crate::licences::envelope(),
        replaces: String::new(),
    }
}

fn ring(change: Option<wire::Change>) -> wire::UpdateRingRequest {
    wire::UpdateRingRequest {
        change,
        ring: RING,
        spec: Some(wire::RingSpec::default()),
    }
}

fn partitions(change: Option<wire::Change>) -> wire::AddPartitionsRequest {
    wire::AddPartitionsRequest {
        change,
        ring: RING,
        which: Some(wire::add_partitions_request::Which::Count(1)),
    }
}

fn jobs(change: Option<wire::Change>) -> wire::CreateJobsRequest {
    let retention = stored::job_payload::Kind::Retention(stored::RetentionJob {});
    wire::CreateJobsRequest {
        change,
        jobs: vec![wire::JobDraft {
            tenant: "mine".into(),
            payload: Some(stored::JobPayload {
                kind: Some(retention),
            }),
            ..wire::JobDraft::default()
        }],
    }
}

fn segments(change: Option<wire::Change>) -> control::RegisterSegmentsRequest {
    control::RegisterSegmentsRequest {
        change,
        segments: vec![control::TenantSegment {
            tenant: "mine".into(),
            segment: Some(segment()),
        }],
    }
}

fn segment() -> stored::SegmentSpec {
    let exact = || {
        let filter = stored::id_filter::Filter::Exact(stored::ExactIds {});
        Some(stored::IdFilter {
            filter: Some(filter),
        })
    };
    stored::SegmentSpec {
        id: Uuid::from_u128(SEGMENT).as_bytes().to_vec(),
        node: 1,
        epoch: 1,
        ranges: vec![stored::OffsetRange {
            partition: 0,
            from: 0,
            to: 10,
        }],
        traces_from: NOW.0 - HOUR,
        traces_to: NOW.0,
        decided_from: NOW.0 - HOUR,
        decided_to: NOW.0,
        policies_from: 1,
        policies_to: 1,
        kept: 5,
        dropped: 95,
        path: "mine/decisions/7".into(),
        bytes: 100,
        format: 1,
        kept_filter: exact(),
        dropped_filter: exact(),
        expires_at: NOW.0 + 30 * 24 * HOUR,
        ..stored::SegmentSpec::default()
    }
}

fn card(change: Option<wire::Change>) -> wire::UpdateRateCardRequest {
    let price = stored::Price {
        dimension: "bytes".into(),
        unit: 1,
        scheme: stored::PriceScheme::Graduated.into(),
        tiers: vec![stored::PriceTier {
            up_to: None,
            unit_price: 2,
        }],
        ..stored::Price::default()
    };
    wire::UpdateRateCardRequest {
        change,
        card: "standard".into(),
        currency: "EUR".into(),
        from: "2023-01".into(),
        list: Some(stored::PriceList {
            prices: [("ingest".to_owned(), price)].into(),
            minimum: 1,
        }),
    }
}

fn terms(change: Option<wire::Change>) -> wire::SetTermsRequest {
    wire::SetTermsRequest {
        change,
        tenant: "mine".into(),
        from: "2023-11".into(),
        terms: Some(stored::Terms {
            card: "standard".into(),
            ..stored::Terms::default()
        }),
    }
}

fn grant(change: Option<wire::Change>) -> wire::GrantCreditRequest {
    wire::GrantCreditRequest {
        change,
        tenant: "mine".into(),
        grant: Some(stored::CreditGrant {
            currency: "EUR".into(),
            amount: 5,
            ..stored::CreditGrant::default()
        }),
    }
}

fn close(change: Option<wire::Change>) -> wire::ClosePeriodRequest {
    wire::ClosePeriodRequest {
        change,
        tenant: "mine".into(),
        period: "2023-11".into(),
    }
}

fn draft(change: Option<wire::Change>) -> wire::DraftInvoiceRequest {
    wire::DraftInvoiceRequest {
        change,
        tenant: "mine".into(),
        period: "2023-11".into(),
    }
}
