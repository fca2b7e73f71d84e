//! What time alone brings about: pure, for whoever watches the clock.

use std::time::Duration;

use takt_model::UnixNano;

use super::{Command, credit};
use crate::State;

/// How long after its end a period is closed, so that what is on its way still counts in it.
pub const CLOSE_AFTER: Duration = Duration::from_hours(72);

/// The commands that are due, at most `most`: periods to close, earliest first, credits to take back and
/// commitments to end. Asking again once they are carried out brings the next; none are due when all is done.
#[must_use]
pub fn due(state: &State, now: UnixNano, most: usize) -> Vec<Command> {
    let mut due = Vec::new();
    for (tenant, book) in &state.ledger.books {
        let close = book
            .open_periods()
            .filter(|period| period.end().plus(CLOSE_AFTER) <= now)
            .map(|period| Command::ClosePeriod {
                tenant: tenant.clone(),
                period,
            });
        due.extend(close);
        let held = |id| {
            let mut drafts = book.drafts();
            drafts.any(|(_, invoice)| {
                let mut uses = invoice.credits().chain(invoice.commitments());
                uses.any(|(used, _)| used == id)
            })
        };
        let credits = book.credits.iter();
        let credits =
            credits.filter(|(id, held_credit)| credit::lapsed(held_credit, now) && !held(**id));
        due.extend(credits.map(|(id, _)| Command::ExpireCredit {
            tenant: tenant.clone(),
            credit: *id,
        }));
        let commitments = book.commitments.iter();
        let commitments =
            commitments.filter(|(id, commitment)| credit::over(commitment, now) && !held(**id));
        due.extend(commitments.map(|(id, _)| Command::LapseCommitment {
            tenant: tenant.clone(),
            commitment: *id,
        }));
        if due.len() >= most {
            due.truncate(most);
            break;
        }
    }
    due
}
