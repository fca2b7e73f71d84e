//! The data plane goes on while the control plane is gone; `make outage-test` is the long version.

use std::path::Path;
use std::time::Duration;

use super::{directory, shop};

#[tokio::test]
async fn a_data_plane_goes_on_without_its_control_plane_over_a_restart() {
    let binary = Path::new(env!("CARGO_BIN_EXE_takt"));
    let (dir, corpus) = (directory(), shop());
    let away = Duration::from_secs(6);
    let outage = takt_testkit::outage(binary, dir.path(), &corpus, away)
        .await
        .expect("it goes on");
    assert!(outage.requests > 3, "{outage:?}");
}
