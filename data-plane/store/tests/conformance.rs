//! Every backend behaves alike: the same suite over memory, a directory, and the real servers whose
//! endpoints are in the environment (`make test` starts them).
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]
#![expect(
    clippy::disallowed_methods,
    reason = "the endpoints of test servers come by the environment"
)]
#![expect(clippy::print_stderr, reason = "a test that has no server says so")]

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use takt_block::{Encoded, Spec};
use takt_model::{BlockId, TenantId, TraceId};
use takt_store::{Azure, Backend, BlockList, Listed, Metrics, S3, Settings, Store};
use takt_trace::decode::{DecodeLimits, Decoder};
use takt_trace::{Column, Projection, SpanColumns};

fn block(id: u128, tenant: &str, traces: u8) -> Encoded {
    let span = |trace: u8| Span {
        trace_id: vec![trace; 16],
        span_id: vec![trace; 8],
        name: format!("span {trace}"),
        start_time_unix_nano: u64::from(trace) * 1_000_000_000,
        end_time_unix_nano: u64::from(trace) * 1_000_000_000 + 5,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans: (1..=traces).map(span).collect(),
        ..ScopeSpans::default()
    }];
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }],
    };
    let mut columns = SpanColumns::default();
    Decoder::default()
        .append(
            &mut columns,
            &request.encode_to_vec(),
            &DecodeLimits {
                max_attribute_bytes: 0,
            },
        )
        .unwrap();
    let spec = Spec {
        block: BlockId(uuid::Uuid::from_u128(id)),
        tenant: TenantId::new(tenant).unwrap(),
        journal: None,
        compaction_level: 0,
    };
    takt_block::write(&columns, &spec).unwrap()
}

/// What every store must do. Ids and tenants are fixed, so a store is given once.
async fn suite(store: Store) {
    let (first, second) = (block(1, "a", 3), block(2, "b*", 9));
    let id = first.meta.block;
    let tenant = first.meta.tenant.clone();
    assert!(!store.has_block(&tenant, id).await.unwrap());
    assert!(matches!(
        store.meta(&tenant, id).await.unwrap(),
        Listed::Absent
    ));

    store.put_block(&first).await.unwrap();
    store.put_block(&second).await.unwrap();
    assert!(store.has_block(&tenant, id).await.unwrap());
    assert_eq!(store.objects_of(&tenant, id).await.unwrap().len(), 3);
    assert_eq!(
        store
            .list_tenants()
            .await
            .unwrap()
            .iter()
            .map(TenantId::as_str)
            .collect::<Vec<_>>(),
        ["a", "b*"]
    );
    assert_eq!(store.list_blocks(&tenant).await.unwrap(), [id]);

    let list = BlockList::new(store.clone(), Metrics::default());
    list.poll().await.unwrap();
    let listed = list.snapshot(&tenant);
    assert_eq!(*listed[0], first.meta);
    let opened = store.opened(&listed[0]).await.unwrap();
    let found = opened.find(TraceId([2; 16])).unwrap();
    let columns = store
        .columns(&opened, found.group, &Projection::All, Some(found.rows))
        .await
        .unwrap();
    assert_eq!(
        (columns.len(), columns.names.text(columns.name[0])),
        (1, "span 2")
    );
    let names = Projection::only([Column::Name]);
    let columns = store.columns(&opened, 0, &names, None).await.unwrap();
    assert_eq!(columns.len(), 3);
    let again = store.columns(&opened, 0, &names, None).await.unwrap();
    assert!(Arc::ptr_eq(&columns, &again), "kept in memory");

    store.delete_block(&tenant, id).await.unwrap();
    store.delete_block(&tenant, id).await.unwrap();
    assert!(!store.has_block(&tenant, id).await.unwrap());
    list.poll().await.unwrap();
    assert!(list.snapshot(&tenant).is_empty());
    assert_eq!(list.snapshot(&second.meta.tenant).len(), 1);
}

fn settings(backend: Backend) -> Settings {
    Settings {
        backend,
        ..Settings::local("unused".into())
    }
}

/// The endpoint of a test server, or a line in the output that says what was not tested.
fn endpoint(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        eprintln!("NOT RUN: {variable} is not set; `make test` starts the server and sets it");
    }
    found
}

#[tokio::test]
async fn memory() {
    suite(Store::over(
        Arc::new(InMemory::new()),
        Path::from("some/prefix"),
        1 << 20,
        Metrics::default(),
    ))
    .await;
}

#[tokio::test]
async fn a_directory() {
    let dir = tempfile::tempdir().unwrap();
    suite(
        Store::open(
            &Settings::local(dir.path().join("blocks")),
            Metrics::default(),
        )
        .unwrap(),
    )
    .await;
}

#[tokio::test]
async fn s3() {
    let Some(endpoint) = endpoint("TAKT_TEST_S3_ENDPOINT") else {
        return;
    };
    let bucket = "takt-conformance".to_owned();
    reqwest::Client::new()
        .put(format!("{endpoint}/{bucket}"))
        .send()
        .await
        .unwrap();
    let key = Some("test".to_owned());
    let s3 = S3 {
        bucket,
        prefix: Some("p".to_owned()),
        endpoint: Some(endpoint),
        access_key: key.clone(),
        secret_key: key,
        insecure: true,
        forcepathstyle: true,
        ..S3::default()
    };
    suite(Store::open(&settings(Backend::S3(s3)), Metrics::default()).unwrap()).await;
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_an_error_and_not_an_empty_list() {
    let Some(endpoint) = endpoint("TAKT_TEST_S3_ENDPOINT") else {
        return;
    };
    let key = Some("test".to_owned());
    let s3 = S3 {
        bucket: "takt-absent".to_owned(),
        endpoint: Some(endpoint),
        access_key: key.clone(),
        secret_key: key,
        insecure: true,
        forcepathstyle: true,
        ..S3::default()
    };
    let store = Store::open(&settings(Backend::S3(s3)), Metrics::default()).unwrap();
    assert!(store.put_block(&block(3, "a", 1)).await.is_err());
}

#[tokio::test]
async fn azure() {
    let Some(endpoint) = endpoint("TAKT_TEST_AZURITE_ENDPOINT") else {
        return;
    };
    // The account every Azurite has, with its published key.
    let account = "devstoreaccount1".to_owned();
    let key =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
            .to_owned();
    // object_store makes no containers; whoever starts the server makes this one.
    let container = "takt-conformance".to_owned();
    let azure = Azure {
        container_name: container,
        storage_account_name: account.clone(),
        storage_account_key: Some(key),
        prefix: None,
        endpoint: Some(format!("{endpoint}/{account}")),
    };
    suite(Store::open(&settings(Backend::Azure(azure)), Metrics::default()).unwrap()).await;
}

#[tokio::test]
async fn a_block_added_during_a_poll_stays_listed() {
    let store = Store::over(
        Arc::new(InMemory::new()),
        Path::default(),
        1 << 20,
        Metrics::default(),
    );
    let list = BlockList::new(store.clone(), Metrics::default());
    let (old, new) = (block(1, "a", 3), block(2, "a", 9));
    list.add(old.meta.clone());
    list.add(new.meta.clone());
    let order: Vec<BlockId> = list
        .snapshot(&old.meta.tenant)
        .iter()
        .map(|meta| meta.block)
        .collect();
    assert_eq!(order, [new.meta.block, old.meta.block], "newest end first");
    list.remove(&old.meta.tenant, old.meta.block);
    assert_eq!(list.snapshot(&old.meta.tenant).len(), 1);
}
