//! A long history in the form of a backup, made while it is read: tenants, and overrides of each.

use std::collections::VecDeque;
use std::io::{self, Read};

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use takt_wire::takt::control::log::v1::backup_part::Part;
use takt_wire::takt::control::log::v1::event::Event;
use takt_wire::takt::control::log::v1::{self as stored, BackupPart};
use uuid::Uuid;

/// Fields that are set for every tenant, again and again.
const FIELDS: [&str; 4] = [
    "ingestion.rate_limit_bytes",
    "ingestion.burst_size_bytes",
    "ingestion.max_traces_per_user",
    "global.max_bytes_per_trace",
];
/// How many events a command writes, but for the first.
const EVENTS_PER_BATCH: u64 = 4;

/// The backup of a log with so many tenants and events of each.
#[derive(Debug)]
pub(crate) struct History {
    tenants: u64,
    events: u64,
    /// Which batch comes next: all of the first round of tenants, then of the second…
    next: u64,
    revision: u64,
    batches: u64,
    checksum: Sha256,
    ready: VecDeque<u8>,
    finished: bool,
}

impl History {
    pub(crate) fn new(tenants: u64, events: u64) -> Self {
        let mut history = Self {
            tenants,
            events,
            next: 0,
            revision: 0,
            batches: 0,
            checksum: Sha256::new(),
            ready: VecDeque::new(),
            finished: false,
        };
        history.push(Part::Header(stored::BackupHeader {
            version: 1,
            level: 7,
            revision: 0,
        }));
        history
    }

    /// The first command of a tenant creates it, each later one sets a few fields.
    fn rounds(&self) -> u64 {
        1 + (self.events - 1).div_ceil(EVENTS_PER_BATCH)
    }

    fn push(&mut self, part: Part) {
        let bytes = BackupPart { part: Some(part) }.encode_length_delimited_to_vec();
        self.checksum.update(&bytes);
        self.ready.extend(bytes);
    }

    fn step(&mut self) {
        let (round, tenant) = (self.next / self.tenants, self.next % self.tenants);
        if round == self.rounds() {
            let checksum = self.checksum.clone().finalize().to_vec();
            let batches = self.batches;
            self.push(Part::Trailer(stored::BackupTrailer { batches, checksum }));
            self.finished = true;
            return;
        }
        let tenant = format!("tenant-{tenant:07}");
        let events: Vec<Event> = match round {
            0 => vec![Event::TenantCreated(stored::TenantCreated {
                display_name: tenant.clone(),
                tenant,
            })],
            _ => {
                let before = 1 + (round - 1) * EVENTS_PER_BATCH;
                let count = EVENTS_PER_BATCH.min(self.events - before);
                let set = |field: u64| {
                    let name = FIELDS[usize::try_from(field).unwrap_or(0) % FIELDS.len()];
                    Event::OverrideSet(stored::OverrideSet {
                        tenant: tenant.clone(),
                        name: name.to_owned(),
                        value: (1_000_000 + round).to_string(),
                    })
                };
                (0..count).map(set).collect()
            }
        };
        let batch = stored::Batch {
            command_id: Uuid::from_u128(u128::from(self.next)).into_bytes().to_vec(),
            actor: "bench".to_owned(),
            at: 1_700_000_000_000_000_000 + self.next,
            decided_at: self.revision,
            after: Vec::new(),
            events: events
                .into_iter()
                .map(|event| stored::Event { event: Some(event) })
                .collect(),
        };
        self.revision += batch.events.len() as u64;
        self.batches += 1;
        self.next += 1;
        self.push(Part::Batch(batch));
    }
}

impl Read for History {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.ready.len() < buffer.len() && !self.finished {
            self.step();
        }
        self.ready.read(buffer)
    }
}
