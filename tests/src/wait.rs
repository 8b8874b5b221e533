//! Waiting for a level, never for time.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything is waited for before it counts as never coming.
pub const BOUND: Duration = Duration::from_secs(60);

const EVERY: Duration = Duration::from_millis(20);

/// Looks again and again until there is something, and gives it. `None` after `bound`.
pub fn until<T>(bound: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + bound;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(EVERY);
    }
}

/// The same, but what never comes fails the test, in these words.
pub fn for_some<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until(BOUND, look).unwrap_or_else(|| panic!("waited {BOUND:?} in vain: {what}"))
}

/// Waits until it is so.
pub fn for_that(what: &str, mut is_so: impl FnMut() -> bool) {
    for_some(what, || is_so().then_some(()));
}
