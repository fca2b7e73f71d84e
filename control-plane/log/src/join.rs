//! A node that wants to be a voter asks until the leader says that it is one.
//!
//! What its own log says does not count: while it catches up it reads of members of long ago.

use std::convert::Infallible;
use std::time::Duration;

use takt_kit::Tasks;

use crate::calls::Joined;
use crate::members::Members;

const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A wish to join changes the members twice, each on the disks of a majority.
const ASK_WITHIN: Duration = Duration::from_secs(10);

/// Asks the addresses in turn, and whomever they name as leader. A node that knows nobody waits to be taken in.
pub(crate) async fn run(members: Members, at: Vec<String>, tasks: Tasks) -> Result<(), Infallible> {
    let Some(address) = members.address.clone() else {
        return Ok(());
    };
    let mut asked = 0_usize;
    let mut leader = None;
    let mut pause = PAUSE_MIN;
    loop {
        let known = members.others().into_iter().map(|(_, address)| address);
        let places: Vec<String> = at.iter().cloned().chain(known).collect();
        if places.is_empty() {
            return Ok(());
        }
        let place = leader.take();
        let place = place.unwrap_or_else(|| places[asked % places.len()].clone());
        asked = asked.wrapping_add(1);
        let asking = members
            .caller
            .join(&place, &address, members.level, ASK_WITHIN);
        let answer = tokio::select! {
            biased;
            () = tasks.stopped() => return Ok(()),
            answer = asking => answer,
        };
        match answer {
            Ok(Joined::Voter) => {
                tracing::info!(node = members.node.0, "this node is a voter");
                return Ok(());
            }
            Ok(Joined::AskAt(address)) => leader = Some(address),
            Ok(Joined::Learner) => {
                pause = PAUSE_MIN;
                leader = Some(place);
            }
            Err(error) => {
                tracing::warn!(%place, %error, "cannot join yet");
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
        tokio::select! {
            biased;
            () = tasks.stopped() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}
