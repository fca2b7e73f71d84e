//! Answers of a replica to those who may know more than it does.

use std::time::Duration;

use takt_kit::{Code, Reject};
use takt_log::Handle;
use takt_model::Revision;
use takt_views::Views;
use tonic::Status;

use crate::refusal::reading;

/// How long a replica may take to apply what it has to.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(5);

/// Waits until the views have a revision that somebody claims to know, or until it is certain that there is
/// no such revision: then it is of another history.
///
/// # Errors
/// When neither can be found out in time.
pub(crate) async fn caught_up(
    log: &Handle,
    views: &Views,
    revision: Revision,
) -> Result<(), Status> {
    if views.state().revision >= revision {
        return Ok(());
    }
    let newest = log.read().await.map_err(|error| reading(&error))?.revision;
    reached(views, revision.min(newest)).await
}

/// Waits until the views have a revision.
///
/// # Errors
/// When they do not have it in time.
pub(crate) async fn reached(views: &Views, revision: Revision) -> Result<(), Status> {
    match tokio::time::timeout(CATCH_UP_WITHIN, views.reached(revision)).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) | Err(_) => {
            let text = format!(
                "this replica has not applied revision {revision} yet; ask again, or another one"
            );
            let reject = Reject::new(Code::Unavailable, "CONTROL_BEHIND", text);
            Err(reject.retry_after(Duration::from_millis(100)).status())
        }
    }
}
