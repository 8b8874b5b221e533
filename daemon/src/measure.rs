//! How busy this machine is, for the guards of its pools. Only where a pool has one, and only facts: what follows from
//! them is the engine's.

use std::fs;
use std::time::Duration;

use engine::Input;
use engine::input::Measured;
use shared::capacity::{Capacity, Guard};
use shared::id::PoolName;

use crate::driver::Inbox;

/// How often is looked: the load is an average over a minute, and the pressure over ten seconds.
const EVERY: Duration = Duration::from_secs(5);

/// Measures for as long as the daemon runs.
pub(crate) fn start(capacity: &Capacity, inbox: &Inbox) {
    let has_guard = |(_, size): &&(PoolName, _)| {
        let size: &shared::capacity::PoolSize = size;
        Guard::ALL.iter().any(|guard| size.limit(*guard).is_some())
    };
    let guarded = capacity.pools.iter().filter(has_guard).map(|(name, _)| name.clone());
    let guarded: Vec<PoolName> = guarded.collect();
    if guarded.is_empty() {
        return;
    }
    let inbox = inbox.clone();
    tokio::spawn(async move {
        let mut beat = tokio::time::interval(EVERY);
        loop {
            beat.tick().await;
            let measured = measure();
            for pool in &guarded {
                inbox.input(Input::Measured { pool: pool.clone(), measured });
            }
        }
    });
}

/// What the kernel tells; absent where it does not.
fn measure() -> Measured {
    let read = |path: &str| fs::read_to_string(path).ok();
    Measured {
        load: read("/proc/loadavg").and_then(|it| load(&it)),
        memory_free: read("/proc/meminfo").and_then(|it| memory_free(&it)),
        pressure: read("/proc/pressure/memory").and_then(|it| pressure(&it)),
    }
}

fn load(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

fn memory_free(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|it| it.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

fn pressure(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|it| it.strip_prefix("some "))?;
    line.split_whitespace().find_map(|it| it.strip_prefix("avg10="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read() {
        assert_eq!(load("0.52 0.58 0.59 1/257 12345\n"), Some(0.52));
        assert_eq!(memory_free("MemTotal: 9 kB\nMemAvailable:   1024 kB\n"), Some(1_048_576));
        let text = "some avg10=1.50 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00\n";
        assert_eq!(pressure(text), Some(1.5));
        assert_eq!((load(""), memory_free(""), pressure("")), (None, None, None));
    }
}
