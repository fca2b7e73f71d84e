//! When tokens were last used: by the day, written down now and then.
//!
//! Uses are gathered in memory and become one event per batch, so that a busy token costs the control
//! log one entry a day. What a killed process had gathered is lost; the next use tells again.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use takt_domain::access::{Command, Day, MAX_USED, Name, Token};
use takt_kit::{Clock, Tasks};
use takt_log::Handle;

use crate::writer::Writer;

const EVERY: Duration = Duration::from_secs(60);
/// Beyond these, uses are told of later.
const MAX_GATHERED: usize = 100_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Uses(Arc<Mutex<BTreeMap<Name, Day>>>);

impl Uses {
    /// A token was used; if that day is written down already, that is all.
    pub(super) fn note(&self, name: &Name, token: &Token, day: Day) {
        if token.last_used.is_some_and(|last| last >= day) {
            return;
        }
        let mut gathered = self.0.lock();
        if gathered.len() < MAX_GATHERED {
            gathered.insert(name.clone(), day);
        }
    }

    /// Writes down what is gathered, until the tasks stop; then once more.
    pub(super) async fn run(
        self,
        log: Handle,
        clock: Arc<dyn Clock>,
        tasks: Tasks,
    ) -> Result<(), Infallible> {
        let writer = Writer::new(log, clock);
        loop {
            let stopping = tokio::select! {
                biased;
                () = tasks.stopped() => true,
                () = tokio::time::sleep(EVERY) => false,
            };
            self.write_down(&writer).await;
            if stopping {
                return Ok(());
            }
        }
    }

    async fn write_down(&self, writer: &Writer) {
        while let Some((day, names)) = self.batch() {
            let command = Command::RecordUse {
                day,
                names: names.clone(),
            };
            let written = writer.change("takt".to_owned(), None, command).await;
            if let Err(status) = written {
                tracing::debug!(%status, "the use of tokens cannot be written down now");
                let mut gathered = self.0.lock();
                for name in names {
                    gathered.entry(name).or_insert(day);
                }
                return;
            }
        }
    }

    /// As many of one day as fit one event.
    fn batch(&self) -> Option<(Day, BTreeSet<Name>)> {
        let mut gathered = self.0.lock();
        let day = *gathered.values().next()?;
        let of_day = gathered.iter().filter(|(_, other)| **other == day);
        let names: BTreeSet<Name> = of_day
            .map(|(name, _)| name.clone())
            .take(MAX_USED)
            .collect();
        gathered.retain(|name, _| !names.contains(name));
        Some((day, names))
    }
}
