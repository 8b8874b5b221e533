//! Instants, spans and sizes as people read them. The reader's zone is a function that is handed in.

use std::time::Duration;

use shared::time::Timestamp;

/// How many seconds east of UTC the reader's clocks are at an instant.
pub(crate) type UtcOffset = fn(Timestamp) -> i32;

const DAY: i64 = 86_400;

/// `42s`, `48m`, `1h12m`, `2d3h`: seconds only under a minute.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large}{large_unit}"),
        _ => format!("{large}{large_unit}{small:02}{small_unit}"),
    }
}

/// How long something took or has taken; `-` where it has not started. Clocks that disagree make it `0s`, never negative.
pub(crate) fn took(started: Option<Timestamp>, ended: Option<Timestamp>, now: Timestamp) -> String {
    started.map_or_else(|| "-".to_owned(), |it| span(ended.unwrap_or(now).since(it)))
}

/// `12:03:49` in the reader's zone.
pub(crate) fn clock(at: Timestamp, offset: UtcOffset) -> String {
    let (_, second) = local(at, offset);
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

/// `12:03` today, `yest 23:00`, `11-24 09:02` within a year, else `2024-11-24`.
pub(crate) fn when(at: Timestamp, now: Timestamp, offset: UtcOffset) -> String {
    let (day, second) = local(at, offset);
    let (today, _) = local(now, offset);
    let clock = format!("{:02}:{:02}", second / 3_600, second / 60 % 60);
    let (year, month, date) = civil(day);
    match today - day {
        0 => clock,
        1 => format!("yest {clock}"),
        -300..=300 => format!("{month:02}-{date:02} {clock}"),
        _ => format!("{year:04}-{month:02}-{date:02}"),
    }
}

/// A text in which instants as programs write them are told as people read them.
pub(crate) fn with_clocks(text: &str, now: Timestamp, offset: UtcOffset) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', ';', ')']);
        let end = &word[bare.len()..];
        // Only what has a date and a time in it: a number alone may be anything.
        let is_instant = bare.len() >= 20 && bare.as_bytes()[10] == b'T';
        match bare.parse::<Timestamp>() {
            Ok(at) if is_instant => format!("{}{end}", when(at, now, offset)),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// `950 B`, `1.4 GB`, in powers of 1000, three figures.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut number = bytes as f64 / 1_000.0;
    let mut unit = 0;
    while number >= 999.95 && unit + 1 < UNITS.len() {
        number /= 1_000.0;
        unit += 1;
    }
    format!("{number:.1} {}", UNITS[unit])
}

/// `1,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 task`, `2 tasks`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// The day since 1970 and the second of that day, where the reader is.
fn local(at: Timestamp, offset: UtcOffset) -> (i64, i64) {
    let second = at.0.div_euclid(1_000_000).saturating_add(i64::from(offset(at)));
    (second.div_euclid(DAY), second.rem_euclid(DAY))
}

/// Year, month and day of a day since 1970. Source: Howard Hinnant, `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn spans_are_short_and_seconds_are_told_under_a_minute_only() {
        let text = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(text(0), "0s");
        assert_eq!(text(59), "59s");
        assert_eq!(text(61), "1m");
        assert_eq!(text(4_320), "1h12m");
        assert_eq!(text(3_660), "1h01m");
        assert_eq!(text(183_600), "2d03h");
        assert!(!text(u64::MAX).is_empty());
    }

    #[test]
    fn instants_are_told_in_the_readers_zone_and_the_nearer_the_shorter() {
        let east = |_: Timestamp| 7_200;
        let now = at("2026-11-25T12:04:31Z");
        assert_eq!(clock(now, east), "14:04:31");
        assert_eq!(when(at("2026-11-25T00:10:00Z"), now, east), "02:10");
        assert_eq!(when(at("2026-11-24T21:00:00Z"), now, east), "yest 23:00");
        assert_eq!(when(at("2026-11-01T07:02:00Z"), now, east), "11-01 09:02");
        assert_eq!(when(at("2024-02-29T07:02:00Z"), now, east), "2024-02-29");
        assert!(!when(Timestamp(i64::MIN), Timestamp(i64::MAX), east).is_empty());
    }

    #[test]
    fn instants_within_a_text_are_told_as_clocks() {
        let now = at("2026-11-25T12:04:31Z");
        let told = |text| with_clocks(text, now, |_| 0);
        assert_eq!(told("again at 2026-11-25T12:05:09.123Z, then"), "again at 12:05, then");
        assert_eq!(told("exit(1) at 12 of  2026-11-25"), "exit(1) at 12 of  2026-11-25");
    }

    #[test]
    fn a_clock_that_is_behind_makes_no_negative_span() {
        let (start, now) = (at("2026-11-25T12:00:00Z"), at("2026-11-25T11:00:00Z"));
        assert_eq!(took(Some(start), None, now), "0s");
        assert_eq!(took(None, None, now), "-");
    }

    #[test]
    fn sizes_and_counts_stay_narrow() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_400_000_000), "1.4 GB");
        assert!(size(u64::MAX).ends_with(" EB"));
        assert_eq!(count(1_204), "1,204");
        assert_eq!(count(204), "204");
        assert_eq!(plural(1, "task"), "1 task");
    }
}
