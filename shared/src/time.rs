//! Instants, spans and intervals. No clock: whoever needs to know the time is told it.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: microseconds since 1970 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From milliseconds since 1970.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// How long after `earlier` this is; nothing where it is before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As a `jiff` instant; what lies outside the years that `jiff` knows is moved to their edge.
    pub fn to_jiff(self) -> jiff::Timestamp {
        let edge = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(edge)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(instant: jiff::Timestamp) -> Self {
        Self(instant.as_microsecond())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 in UTC, to the millisecond.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an instant.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not an instant: write a date, or RFC 3339 with an offset (2026-03-01T02:30:00Z)")]
pub struct NotAnInstant(pub String);

/// Reads RFC 3339 with an offset, or a date alone, which is its midnight in UTC.
impl FromStr for Timestamp {
    type Err = NotAnInstant;
    fn from_str(text: &str) -> Result<Self, NotAnInstant> {
        let date =
            || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Ok(instant.into()),
            Err(_) => {
                date().map(|it| it.timestamp().into()).ok_or_else(|| NotAnInstant(text.to_owned()))
            }
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

/// The span of data that a run stands for: `start` inclusive, `end` exclusive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Interval {
    /// The first instant that belongs to it.
    pub start: Timestamp,
    /// The first instant that does not.
    pub end: Timestamp,
}

/// The text is not an interval.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotAnInterval {
    /// There is no `/` in it.
    #[error("`{0}` is not an interval: write START/END")]
    NoSlash(String),
    /// One of its ends is no instant.
    #[error(transparent)]
    End(#[from] NotAnInstant),
    /// It ends before it starts.
    #[error("the interval `{0}` does not end after it starts")]
    Backwards(String),
}

/// Reads `START/END`, each as an instant is read.
impl FromStr for Interval {
    type Err = NotAnInterval;
    fn from_str(text: &str) -> Result<Self, NotAnInterval> {
        let (start, end) =
            text.split_once('/').ok_or_else(|| NotAnInterval::NoSlash(text.to_owned()))?;
        let interval = Self { start: start.parse()?, end: end.parse()? };
        if interval.end <= interval.start {
            return Err(NotAnInterval::Backwards(text.to_owned()));
        }
        Ok(interval)
    }
}

/// The text is not a span of time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a duration: write a number and a unit, such as 500ms, 30s, 10m, 1h30m, 2d")]
pub struct NotADuration(pub String);

const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
];

/// Reads a span as people write it: numbers with units, largest first (`1h30m`, `500ms`, `2d`).
///
/// The longest is 100 years, so that no sum of instants overflows.
pub fn parse_duration(text: &str) -> Result<Duration, NotADuration> {
    let wrong = || NotADuration(text.to_owned());
    let mut rest = text.trim();
    let mut millis: u64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !it.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|it: char| !it.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        millis = number
            .checked_mul(*factor)
            .and_then(|it| it.checked_add(millis))
            .filter(|it| *it <= 36_525 * 86_400_000)
            .ok_or_else(wrong)?;
        rest = tail.trim_start();
    }
    Ok(Duration::from_millis(millis))
}

/// Writes a span for people, in its two largest units: `1h30m`, `12.3s`, `450ms`.
pub fn format_duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..60 if span.subsec_millis() >= 100 => {
            format!("{seconds}.{}s", span.subsec_millis() / 100)
        }
        1..60 => format!("{seconds}s"),
        60..3_600 => two_units(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => two_units(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => two_units(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

fn two_units(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large}{large_unit}"),
        _ => format!("{large}{large_unit}{small}{small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let millis = |text| parse_duration(text).map(|it| it.as_millis());
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("1h30m"), Ok(5_400_000));
        assert_eq!(millis("2d"), Ok(172_800_000));
        assert_eq!(millis(" 10s "), Ok(10_000));
        for wrong in
            ["", "10", "m", "10 parsecs", "-5s", "1.5h", "99999999999999999999s", "200000w"]
        {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_written_in_two_units() {
        let text = |millis| format_duration(Duration::from_millis(millis));
        assert_eq!(text(450), "450ms");
        assert_eq!(text(12_340), "12.3s");
        assert_eq!(text(60_000), "1m");
        assert_eq!(text(3_660_000), "1h1m");
        assert_eq!(text(90_000_000), "1d1h");
    }

    #[test]
    fn instants_are_read_back_and_dates_are_their_midnight() {
        let instant: Timestamp = "2026-03-01T02:30:00.250Z".parse().expect("an instant");
        assert_eq!(instant.to_string(), "2026-03-01T02:30:00.250Z");
        let date: Timestamp = "2017-11-13".parse().expect("a date");
        assert_eq!(date.to_string(), "2017-11-13T00:00:00.000Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert!("2017-11-14/2017-11-13".parse::<Interval>().is_err());
        assert!("2017-11-13".parse::<Interval>().is_err());
    }
}
