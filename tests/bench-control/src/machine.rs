//! What the operating system says of this process.

/// Bytes of memory that are resident.
pub(crate) fn resident_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: u64 = kib.map_or("0", |kib| kib).parse()?;
    Ok(kib * 1024)
}
