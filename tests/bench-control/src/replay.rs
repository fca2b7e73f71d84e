//! Folding a long history: read, decode, check, apply.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use takt_domain::State;

use crate::Row;
use crate::history::History;
use crate::machine::resident_bytes;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn measure(tenants: u64, events: u64) -> Result<Vec<Row>> {
    let begun = Instant::now();
    let made = std::io::copy(&mut History::new(tenants, events), &mut std::io::sink())?;
    let making = begun.elapsed();

    let before = resident_bytes()?;
    let begun = Instant::now();
    let (state, restored) = takt_log::replay(History::new(tenants, events))?;
    let whole = begun.elapsed();
    let used = resident_bytes()?.saturating_sub(before);
    let each = used / tenants;
    let own = own_bytes(&state) / tenants;
    black_box(&state);
    let seconds = whole.saturating_sub(making).as_secs_f64();
    Ok(vec![
        Row {
            what: format!(
                "replay of {tenants} tenants × {events} events ({} commands, {} MB)",
                restored.batches,
                made / 1_000_000
            ),
            figure: format!("{seconds:.1} s"),
            mark: "≤ 30 s",
            bound: "one core: decoding, and the walk down the maps",
        },
        Row {
            what: "state of a tenant in memory".to_owned(),
            figure: format!("{each} B, of which {own} B are its own names and values"),
            mark: "≤ 1 KB beyond its own data",
            bound: "a map of overrides for each, and the rows' headers",
        },
    ])
}

/// The names and values themselves.
fn own_bytes(state: &State) -> u64 {
    let tenants = state.tenants.iter();
    let tenants = tenants.map(|(id, tenant)| id.as_str().len() + tenant.display_name.len());
    let overrides = state.overrides.values();
    let overrides = overrides.flat_map(|values| values.fields.iter());
    let overrides = overrides.map(|(name, value)| name.len() + value.len());
    (tenants.sum::<usize>() + overrides.sum::<usize>()) as u64
}
