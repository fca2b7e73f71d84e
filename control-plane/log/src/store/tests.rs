//! Openraft's own conformance suite for log and state machine.

use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use takt_kit::Tasks;
use tempfile::TempDir;

use super::{Disk, Store};
use crate::digest::Digests;
use crate::machine::Machine;
use crate::pace::Pace;
use crate::types::TypeConfig;

struct Builder;

impl StoreBuilder<TypeConfig, Store, Machine, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, Store, Machine), StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("control.redb");
        let store = Store::open(Disk::File, &file).unwrap().unwrap();
        let tasks = Tasks::default();
        tasks.spawn("writer", store.clone().write_behind());
        let machine =
            Machine::restore(store.clone(), Digests::new(0).0, 10, Pace::new(1000)).unwrap();
        Ok((dir, store, machine))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_and_machine_keep_the_contract_of_openraft() {
    Suite::test_all(Builder).await.unwrap();
}
