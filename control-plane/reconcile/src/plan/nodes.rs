//! Nodes that came, changed, went, fell silent; nodes nobody waits for any more.

use takt_domain::nodes::{Command, Standing};
use takt_domain::{Command as Any, State};
use takt_model::UnixNano;

use super::{Observed, Waits};

pub(super) fn seen(state: &State, observed: &Observed, waits: &Waits, now: UnixNano) -> Vec<Any> {
    let mut wishes = Vec::new();
    for (name, heard) in &observed.heard {
        if now.since(heard.at) > waits.lost_after {
            continue;
        }
        let heartbeat = &heard.heartbeat;
        wishes.push(if heartbeat.leaving {
            // A process that goes before it was ever planned with: the one before it has gone too.
            let known = state.nodes.by_name.get(name);
            let known = known.map_or(heartbeat.incarnation, |node| node.incarnation);
            Command::Leave {
                node: name.clone(),
                incarnation: heartbeat.incarnation.min(known),
            }
        } else {
            Command::Join {
                node: name.clone(),
                incarnation: heartbeat.incarnation,
                profile: heartbeat.profile.clone(),
            }
        });
    }
    for (name, node) in &state.nodes.by_name {
        let heard = observed
            .heard
            .get(name)
            .filter(|heard| heard.heartbeat.incarnation >= node.incarnation)
            .map(|heard| heard.at);
        // Nobody is lost for what happened before anybody here listened.
        let last_heard = heard.unwrap_or(node.joined_at).max(observed.since);
        if node.standing.present() && now.since(last_heard) > waits.lost_after {
            wishes.push(Command::Lose {
                node: name.clone(),
                incarnation: node.incarnation,
                last_heard,
            });
        }
    }
    wishes.into_iter().map(Any::from).collect()
}

pub(super) fn forget(state: &State, waits: &Waits, now: UnixNano) -> Vec<Any> {
    state
        .nodes
        .by_name
        .iter()
        .filter(|(_, node)| match node.standing {
            Standing::Joined | Standing::Draining => false,
            Standing::Left => now.since(node.since) > waits.forget_left_after,
            Standing::Lost => now.since(node.since) > waits.forget_lost_after,
        })
        .map(|(name, node)| {
            Any::from(Command::Forget {
                node: name.clone(),
                if_match: Some(node.version),
            })
        })
        .collect()
}
