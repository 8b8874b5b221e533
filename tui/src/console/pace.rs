//! When to draw: what a person did at once, what the daemon told as often as the link to the terminal can take.

use std::time::{Duration, Instant};

/// How long after the start, or after a new connection, the daemon's first news is waited for: one picture shows both.
const NEWS: Duration = Duration::from_millis(30);

/// At most so often.
const OFTEN: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_millis(250);
const UNFOCUSED: Duration = Duration::from_secs(1);

/// A terminal that takes so long for a write is behind a slow link.
const SLOW_WRITE: Duration = Duration::from_millis(150);

/// What is to be drawn, and since when.
#[derive(Debug)]
pub(super) struct Pace {
    /// The instant from which on there is something to draw.
    due: Option<Instant>,
    /// Whether some of it is the daemon's.
    data: bool,
    last_data: Option<Instant>,
}

/// How often what the daemon told is drawn.
pub(super) fn floor(focused: bool, slow: bool, last_write: Duration) -> Duration {
    match (focused, slow || last_write >= SLOW_WRITE) {
        (false, _) => UNFOCUSED,
        (true, true) => SLOW,
        (true, false) => OFTEN,
    }
}

impl Pace {
    /// The first picture waits a moment for the daemon.
    pub(super) fn start(now: Instant) -> Self {
        Self { due: Some(now + NEWS), data: false, last_data: None }
    }

    /// A person waits for it.
    pub(super) fn at_once(&mut self, now: Instant) {
        self.no_later_than(now);
    }

    /// The daemon told it, or time has passed.
    pub(super) fn data(&mut self, now: Instant, floor: Duration) {
        self.data = true;
        self.no_later_than(self.last_data.map_or(now, |it| now.max(it + floor)));
    }

    /// The daemon is there, and tells more in a moment.
    pub(super) fn before_news(&mut self, now: Instant) {
        self.no_later_than(now + NEWS);
    }

    /// From when on to draw; absent where there is nothing to draw.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Everything is drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.due = None;
        if std::mem::take(&mut self.data) {
            self.last_data = Some(now);
        }
    }

    fn no_later_than(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |it| it.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn drawn(now: Instant) -> Pace {
        let mut pace = Pace::start(now);
        pace.data(now, OFTEN);
        pace.drawn(now);
        pace
    }

    #[test]
    fn the_first_picture_waits_a_moment_for_news() {
        let now = Instant::now();
        let mut pace = Pace::start(now);
        assert_eq!(pace.due(), Some(now + 30 * MS));
        pace.before_news(now + MS);
        assert_eq!(pace.due(), Some(now + 30 * MS));
        pace.data(now + 2 * MS, OFTEN);
        assert_eq!(pace.due(), Some(now + 2 * MS));
    }

    #[test]
    fn data_keeps_its_distance_and_a_person_does_not() {
        let now = Instant::now();
        let mut pace = drawn(now);
        assert_eq!(pace.due(), None);
        pace.data(now + 10 * MS, OFTEN);
        assert_eq!(pace.due(), Some(now + 100 * MS));
        pace.at_once(now + 11 * MS);
        assert_eq!(pace.due(), Some(now + 11 * MS));
    }

    #[test]
    fn what_a_key_asked_for_does_not_wait_for_the_picture_of_the_key() {
        let now = Instant::now();
        let mut pace = drawn(now);
        pace.at_once(now + 500 * MS);
        pace.drawn(now + 500 * MS);
        pace.data(now + 502 * MS, OFTEN);
        assert_eq!(pace.due(), Some(now + 502 * MS));
    }

    #[test]
    fn a_slow_link_and_a_hidden_window_are_drawn_seldom() {
        assert_eq!(floor(true, false, MS), OFTEN);
        assert_eq!(floor(true, true, MS), SLOW);
        assert_eq!(floor(true, false, 150 * MS), SLOW);
        assert_eq!(floor(false, true, 150 * MS), UNFOCUSED);
    }
}
