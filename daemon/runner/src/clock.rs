//! The clocks, in milliseconds.

use rustix::time::{ClockId, clock_gettime};

/// Time that stands still while the host is suspended; limits are measured with it.
pub(crate) fn monotonic_ms() -> u64 {
    read(ClockId::Monotonic)
}

/// Time since the host was started, suspension included; records carry it.
pub(crate) fn boot_ms() -> u64 {
    read(ClockId::Boottime)
}

/// Unix time.
pub(crate) fn wall_ms() -> u64 {
    read(ClockId::Realtime)
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let (seconds, nanos) = (time.tv_sec.max(0).unsigned_abs(), time.tv_nsec.max(0).unsigned_abs());
    seconds * 1000 + nanos / 1_000_000
}
