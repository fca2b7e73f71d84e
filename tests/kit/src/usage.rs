//! What a process has used, as the kernel counts it.

use std::fs;

use anyhow::Context as _;

/// Linux reports processor time in hundredths of a second on every machine it runs on today.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Processor time of all threads, user and system.
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
    pub peak_resident_bytes: u64,
}

impl Usage {
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        // The second field is the name in brackets and may hold anything.
        let (_, after_name) = stat.rsplit_once(')').context("stat has no name")?;
        let ticks = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<f64>().context("ticks are a number"))
            .sum::<anyhow::Result<f64>>()?;
        Ok(Self {
            cpu_seconds: ticks / TICKS_PER_SECOND,
            resident_bytes: kib(&status, "VmRSS:")?,
            peak_resident_bytes: kib(&status, "VmHWM:")?,
        })
    }
}

fn kib(status: &str, name: &str) -> anyhow::Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = number
        .with_context(|| format!("status has no {name}"))?
        .parse()?;
    Ok(kib * 1024)
}
