//! What the machine says: variables of the environment, and how much memory there is.

use std::fs;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment, for the variables the file names"
)]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The memory this process may use: the machine's, or less where a control group bounds it.
pub(super) fn memory_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total_of(&text));
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    [machine, group].into_iter().flatten().min()
}

/// The processors this process may use at once.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_the_machine_is_read_from_meminfo() {
        assert_eq!(
            total_of("MemTotal:       24587436 kB\nMemFree: 1 kB\n"),
            Some(24_587_436 * 1024)
        );
        assert_eq!(total_of("MemFree: 1 kB\n"), None);
    }
}
