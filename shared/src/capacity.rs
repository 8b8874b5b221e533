//! What there is to run tasks with, and how the queue shares it out; as the configuration says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{PoolName, ResourceName};

/// All that the configuration says of capacity.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Capacity {
    /// The pools, each once.
    pub pools: Vec<(PoolName, PoolSize)>,
    /// The resources that all pools share, each once.
    pub resources: Vec<(ResourceName, ResourceSize)>,
    /// How the queue shares it out.
    #[serde(default)]
    pub queue: QueuePolicy,
}

/// How much a pool has.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolSize {
    /// How many slots.
    pub slots: u32,
    /// Processors, in thousandths of one; not limited where absent.
    pub cpu: Option<u32>,
    /// Memory in bytes; not limited where absent.
    pub memory: Option<u64>,
    /// Nothing starts while the load of its machine is above this.
    pub max_load: Option<f64>,
    /// Nothing starts while its machine has less free memory than this, in bytes.
    pub min_memory_free: Option<u64>,
    /// Nothing starts while its machine is short of memory for more than this part of the time, in percent: the kernel's
    /// `some avg10`.
    pub max_pressure: Option<f64>,
}

/// What is measured of a pool's machine before anything starts there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// `max_load`.
    MaxLoad,
    /// `min_memory_free`.
    MinMemoryFree,
    /// `max_pressure`.
    MaxPressure,
}

impl Guard {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::MaxLoad, Self::MinMemoryFree, Self::MaxPressure];

    /// Its key in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::MaxLoad => "max_load",
            Self::MinMemoryFree => "min_memory_free",
            Self::MaxPressure => "max_pressure",
        }
    }

    /// A measured value or a limit as people read it.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::MaxLoad => format!("{value:.1}"),
            Self::MinMemoryFree => format_size(value as u64),
            Self::MaxPressure => format!("{value:.1} %"),
        }
    }
}

impl PoolSize {
    /// The limit of a guard, where there is one.
    pub fn limit(&self, guard: Guard) -> Option<f64> {
        match guard {
            Guard::MaxLoad => self.max_load,
            Guard::MinMemoryFree => self.min_memory_free.map(|it| it as f64),
            Guard::MaxPressure => self.max_pressure,
        }
    }

    /// A pool that has nothing but slots.
    pub fn slots(slots: u32) -> Self {
        Self { slots, ..Self::default() }
    }
}

/// How much there is of a resource.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct ResourceSize {
    /// How much may be taken at once.
    pub amount: u32,
    /// How often it may be taken.
    #[serde(default)]
    pub rate: Option<Rate>,
}

/// How often something may be taken: at most so many times in any span of so long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rate {
    /// How many times, at least 1.
    pub count: u32,
    /// In any span of this length.
    pub per: Duration,
}

impl Rate {
    /// The units of a rate as they are written, with their lengths.
    const UNITS: [(&'static str, Duration); 4] = [
        ("s", Duration::from_secs(1)),
        ("min", Duration::from_secs(60)),
        ("h", Duration::from_secs(60 * 60)),
        ("d", Duration::from_secs(24 * 60 * 60)),
    ];

    /// The most that may be counted.
    const COUNT_MAX: u32 = 10_000;

    /// Reads such as `10/min`; the units are `s`, `min`, `h` and `d`.
    pub fn read(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let per = Self::UNITS.iter().find(|(word, _)| *word == unit.trim())?.1;
        let count = count.trim().parse().ok().filter(|it| (1..=Self::COUNT_MAX).contains(it))?;
        Some(Self { count, per })
    }

    /// As it is written.
    pub fn text(&self) -> String {
        let unit = Self::UNITS.iter().find(|(_, per)| *per == self.per).map_or("?", |it| it.0);
        format!("{}/{unit}", self.count)
    }
}

/// How the queue shares capacity out. Source: semantics, rule 6.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct QueuePolicy {
    /// The longest that a task of high priority waits before it is lifted to just below critical.
    pub max_wait_high: Duration,
    /// The same of normal priority.
    pub max_wait_normal: Duration,
    /// The same of low priority.
    pub max_wait_low: Duration,
    /// After so long capacity is kept free for a task that does not fit.
    pub reserve_after: Duration,
    /// After so long a critical task may have preemptible ones stopped.
    pub preempt_after: Duration,
}

impl Default for QueuePolicy {
    fn default() -> Self {
        let minutes = |it: u64| Duration::from_secs(60 * it);
        Self {
            max_wait_high: minutes(30),
            max_wait_normal: minutes(120),
            max_wait_low: minutes(12 * 60),
            reserve_after: minutes(1),
            preempt_after: Duration::from_secs(30),
        }
    }
}

/// The units of a size, smallest first. Source: IEC 80000-13 and, for the short ones, what tools such as systemd take.
const SIZES: [(&str, u64); 13] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
    ("T", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Reads a size such as `512MiB`, `1.5GiB` or a number of bytes. At most 1 PiB.
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (number, unit) = (text[..end].parse::<f64>().ok()?, text[end..].trim());
    let factor = match unit {
        "" => 1,
        _ => SIZES.iter().find(|(word, _)| *word == unit)?.1,
    };
    let bytes = number * factor as f64;
    (0.0..=(1_u64 << 50) as f64).contains(&bytes).then_some(bytes as u64)
}

/// Writes a size for people: `512MiB`, `1.5GiB`.
pub fn format_size(bytes: u64) -> String {
    let unit = SIZES[..5].iter().rev().find(|(_, factor)| bytes >= *factor).unwrap_or(&SIZES[0]);
    let number = (bytes as f64 / unit.1 as f64 * 10.0).round() / 10.0;
    format!("{number}{}", unit.0)
}

/// Writes thousandths of a processor for people: `0.5`, `2`.
pub fn format_cpu(millis: u32) -> String {
    format!("{}", f64::from(millis) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_a_unit() {
        assert_eq!(parse_size("512MiB"), Some(512 << 20));
        assert_eq!(parse_size("1.5 GiB"), Some(3 << 29));
        assert_eq!(parse_size("10MB"), Some(10_000_000));
        assert_eq!(parse_size("4096"), Some(4_096));
        for wrong in ["", "x", "5 parsecs", "-1", "1e400GiB", "9999999TiB"] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
        assert_eq!(
            (format_size(512 << 20), format_size(3 << 29)),
            ("512MiB".into(), "1.5GiB".into())
        );
    }

    #[test]
    fn a_rate_is_a_count_in_a_span() {
        let rate = Rate::read("10/min");
        assert_eq!(rate, Some(Rate { count: 10, per: Duration::from_secs(60) }));
        assert_eq!(rate.map(|it| it.text()).as_deref(), Some("10/min"));
        for wrong in ["", "10", "0/min", "x/min", "10/week", "-1/s", "20000/s"] {
            assert_eq!(Rate::read(wrong), None, "{wrong}");
        }
    }
}
