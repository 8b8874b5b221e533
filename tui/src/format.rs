//! Instants, spans, sizes and values as people read them.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;
use shared::time::{Timestamp, format_duration};

/// What a rendering needs to know of where and when it is read.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The time.
    pub(crate) now: Timestamp,
    /// The reader's zone.
    pub(crate) zone: TimeZone,
    /// The columns there are; as many as it takes where absent.
    pub(crate) width: Option<usize>,
}

impl View {
    /// As it is here and now.
    pub(crate) fn here(width: Option<usize>) -> Self {
        Self { now: jiff::Timestamp::now().into(), zone: TimeZone::system(), width }
    }

    /// `2026-03-01 02:30:00 +01:00`.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        at.to_jiff().to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    /// `02:30:00.250`.
    pub(crate) fn clock(&self, at: Timestamp) -> String {
        at.to_jiff().to_zoned(self.zone.clone()).strftime("%H:%M:%S%.3f").to_string()
    }

    /// `3m ago`, `in 2h`, `now`.
    pub(crate) fn age(&self, at: Timestamp) -> String {
        let (past, to_come) = (self.now.since(at), at.since(self.now));
        match (past.as_secs(), to_come.as_secs()) {
            (0, 0) => "now".to_owned(),
            (0, seconds) => format!("in {}", whole(seconds)),
            (seconds, _) => format!("{} ago", whole(seconds)),
        }
    }

    /// How long it took, or has taken.
    pub(crate) fn took(&self, started: Option<Timestamp>, ended: Option<Timestamp>) -> String {
        started.map_or(String::new(), |it| format_duration(ended.unwrap_or(self.now).since(it)))
    }
}

fn whole(seconds: u64) -> String {
    format_duration(Duration::from_secs(seconds))
}

/// `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut number = bytes as f64 / 1_024.0;
    let mut unit = 0;
    while number >= 1_023.95 && unit + 1 < UNITS.len() {
        number /= 1_024.0;
        unit += 1;
    }
    format!("{number:.1} {}", UNITS[unit])
}

/// A value: a text as it is, everything else as JSON.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `1 task`, `2 tasks`.
pub(crate) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        View { now: Timestamp::from_millis(1_000_000_000), zone, width: None }
    }

    #[test]
    fn instants_are_told_in_the_readers_zone() {
        let at = Timestamp::from_millis(1_000_000_250);
        assert_eq!(view().time(at), "1970-01-12 15:46:40 +02:00");
        assert_eq!(view().clock(at), "15:46:40.250");
    }

    #[test]
    fn ages_look_both_ways_and_never_overflow() {
        let now = view().now;
        assert_eq!(view().age(now), "now");
        assert_eq!(view().age(now - Duration::from_millis(90_500)), "1m30s ago");
        assert_eq!(view().age(now + Duration::from_secs(7_200)), "in 2h");
        assert!(view().age(Timestamp(i64::MIN)).ends_with(" ago"));
        assert!(view().age(Timestamp(i64::MAX)).starts_with("in "));
        assert!(!view().time(Timestamp(i64::MIN)).is_empty());
    }

    #[test]
    fn sizes_change_their_unit_before_four_digits() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1_023), "1023 B");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(1_048_575), "1.0 MiB");
        assert!(size(u64::MAX).ends_with(" TiB"));
    }
}
