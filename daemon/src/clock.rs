//! The only file that reads a clock.

use std::time::Instant;

use shared::time::Timestamp;

/// The wall clock, but never backwards and never standing still: where it is set back, time goes on at its own pace from
/// where it was, so that nothing waits for the wall clock to catch up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// The latest that was told, and when.
    floor: (Timestamp, Instant),
}

impl Clock {
    /// A clock that goes on from `floor`, the latest instant that is on disk.
    pub(crate) fn after(floor: Timestamp) -> Self {
        Self { floor: (floor, Instant::now()) }
    }

    /// What it shows.
    pub(crate) fn now(&mut self) -> Timestamp {
        let now = later(self.floor, (jiff::Timestamp::now().into(), Instant::now()));
        self.floor = now;
        now.0
    }
}

/// Names a life of the daemon; not 0.
pub(crate) fn epoch() -> u64 {
    let micros = Timestamp::from(jiff::Timestamp::now()).0.unsigned_abs();
    micros.rotate_left(16) ^ u64::from(std::process::id()) | 1
}

/// What is later: the wall clock, or the floor with the time that has passed since.
fn later(floor: (Timestamp, Instant), wall: (Timestamp, Instant)) -> (Timestamp, Instant) {
    let passed = wall.1.saturating_duration_since(floor.1);
    (wall.0.max(floor.0 + passed), wall.1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_is_set_back_goes_on_from_where_it_was() {
        let start = Instant::now();
        let at = |wall_s: i64, passed_s: u64| {
            (Timestamp(wall_s * 1_000_000), start + Duration::from_secs(passed_s))
        };
        let first = later(at(0, 0), at(1_000, 1));
        assert_eq!(first.0, Timestamp(1_000_000_000));
        let set_back = later(first, at(400, 6));
        assert_eq!(set_back.0, Timestamp(1_005_000_000), "five seconds have passed");
        let caught_up = later(set_back, at(2_000, 7));
        assert_eq!(caught_up.0, Timestamp(2_000_000_000));
    }
}
