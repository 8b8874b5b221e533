//! Pools, resources and the queue, as people write them in `runyard.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use shared::capacity::{Capacity, PoolSize, QueuePolicy, Rate, ResourceSize, parse_size};
use shared::id::PoolName;
use shared::time::parse_duration;

/// `[pools.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pool {
    #[serde(default = "local")]
    kind: String,
    slots: Option<u32>,
    cpu: Option<f64>,
    memory: Option<String>,
    max_load: Option<f64>,
    min_memory_free: Option<String>,
    max_pressure: Option<f64>,
}

/// An amount, or a mapping.
#[derive(Debug)]
pub(super) struct Resource {
    slots: u32,
    rate: Option<String>,
}

/// `[queue]`.
#[derive(Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Queue {
    max_wait: MaxWait,
    reserve_after: Option<String>,
    preempt_after: Option<String>,
}

#[derive(Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MaxWait {
    high: Option<String>,
    normal: Option<String>,
    low: Option<String>,
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Mapping {
            slots: u32,
            rate: Option<String>,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Resource;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an amount such as 3, or { slots = 3, rate = \"10/min\" }")
            }

            fn visit_i64<E: serde::de::Error>(self, amount: i64) -> Result<Resource, E> {
                let slots = u32::try_from(amount)
                    .map_err(|_| E::custom(format!("{amount} is no amount of a resource")))?;
                Ok(Resource { slots, rate: None })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Resource, A::Error> {
                let it = Mapping::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Resource { slots: it.slots, rate: it.rate })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn local() -> String {
    "local".to_owned()
}

/// All of it; the pool `local` is there by itself.
pub(super) fn read(
    pools: BTreeMap<String, Pool>,
    resources: BTreeMap<String, Resource>,
    queue: Queue,
) -> Result<Capacity, String> {
    let by_itself = ("local".into(), PoolSize::slots(default_slots()));
    let mut sizes: BTreeMap<PoolName, PoolSize> = BTreeMap::from([by_itself]);
    for (name, pool) in &pools {
        let size = read_pool(name, pool).map_err(|it| format!("pool `{name}`: {it}"))?;
        sizes.insert(name.as_str().into(), size);
    }
    let mut amounts = Vec::new();
    for (name, it) in resources {
        let wrong = |problem: String| format!("resource `{name}`: {problem}");
        if it.slots > 1_000_000 {
            return Err(wrong(format!("{} of it; at most 1000000 make sense", it.slots)));
        }
        if matches!(name.as_str(), "slots" | "cpu" | "memory") {
            return Err(wrong("a pool has that; give the resource another name".to_owned()));
        }
        let rate = match &it.rate {
            Some(text) => Some(Rate::read(text).ok_or_else(|| {
                wrong(format!(
                    "`{text}` is no rate: write such as \"10/min\", at most 10000 by s, min, h or d"
                ))
            })?),
            None => None,
        };
        amounts.push((name.as_str().into(), ResourceSize { amount: it.slots, rate }));
    }
    let pools = sizes.into_iter().collect();
    Ok(Capacity { pools, resources: amounts, queue: read_queue(&queue)? })
}

fn read_pool(name: &str, pool: &Pool) -> Result<PoolSize, String> {
    if pool.kind != "local" {
        return Err(format!("its kind `{}` is not supported yet", pool.kind));
    }
    let good = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "._-".contains(it);
    if name.is_empty()
        || name.len() > 63
        || name.starts_with(['.', '_', '-'])
        || !name.chars().all(good)
    {
        return Err("a pool's name matches [a-z0-9][a-z0-9._-]*".to_owned());
    }
    let slots = pool.slots.unwrap_or_else(default_slots);
    if slots == 0 || slots > 10_000 {
        return Err(format!("{slots} slots; from 1 to 10000 make sense"));
    }
    let above_zero = |key: &str, value: Option<f64>, most: f64| match value {
        Some(it) if !(it > 0.0 && it <= most) => {
            Err(format!("`{key}` is {it}, and should be above 0 and at most {most}"))
        }
        value => Ok(value),
    };
    let size = |key: &str, value: &Option<String>| match value {
        Some(text) => match parse_size(text).filter(|it| *it > 0) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(format!("`{key}` is `{text}`, and should be a size such as \"8GiB\"")),
        },
        None => Ok(None),
    };
    let cpu = above_zero("cpu", pool.cpu, 100_000.0)?;
    Ok(PoolSize {
        slots,
        cpu: cpu.map(|it| ((it * 1_000.0).round() as u32).max(1)),
        memory: size("memory", &pool.memory)?,
        max_load: above_zero("max_load", pool.max_load, 1e6)?,
        min_memory_free: size("min_memory_free", &pool.min_memory_free)?,
        max_pressure: above_zero("max_pressure", pool.max_pressure, 100.0)?,
    })
}

fn read_queue(queue: &Queue) -> Result<QueuePolicy, String> {
    let span = |key: &str, text: &Option<String>, default: Duration| match text {
        Some(text) => parse_duration(text).map_err(|_| {
            format!("`queue.{key}` is `{text}`, and should be a duration such as \"30m\"")
        }),
        None => Ok(default),
    };
    let default = QueuePolicy::default();
    Ok(QueuePolicy {
        max_wait_high: span("max_wait.high", &queue.max_wait.high, default.max_wait_high)?,
        max_wait_normal: span("max_wait.normal", &queue.max_wait.normal, default.max_wait_normal)?,
        max_wait_low: span("max_wait.low", &queue.max_wait.low, default.max_wait_low)?,
        reserve_after: span("reserve_after", &queue.reserve_after, default.reserve_after)?,
        preempt_after: span("preempt_after", &queue.preempt_after, default.preempt_after)?,
    })
}

/// Twice as many as there are cores.
fn default_slots() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |it| it.get());
    u32::try_from(cores * 2).unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct File {
        pools: BTreeMap<String, Pool>,
        resources: BTreeMap<String, Resource>,
        queue: Queue,
    }

    fn load(text: &str) -> Result<Capacity, String> {
        let file: File = toml::from_str(text).map_err(|it| it.to_string())?;
        read(file.pools, file.resources, file.queue)
    }

    #[test]
    fn all_that_a_pool_has_is_read() {
        let text = "[pools.local]\nslots = 8\ncpu = 1.5\nmemory = \"8GiB\"\nmax_load = 8.0\nmin_memory_free = \"1GiB\"\nmax_pressure = 20\n[resources]\napi = { slots = 3, rate = \"10/min\" }\n[queue]\nmax_wait = { high = \"5m\" }\n";
        let capacity = load(text).expect("it is right");
        let local = capacity.pools[0].1;
        assert_eq!((local.slots, local.cpu, local.memory), (8, Some(1_500), Some(8 << 30)));
        assert_eq!((local.max_load, local.min_memory_free), (Some(8.0), Some(1 << 30)));
        assert_eq!(capacity.resources[0].1.rate, Rate::read("10/min"));
        assert_eq!(capacity.queue.max_wait_high, Duration::from_secs(300));
        assert_eq!(capacity.queue.preempt_after, Duration::from_secs(30));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_what_would() {
        for (text, told) in [
            ("[pools.a]\nslots = 1\nmemory = \"lots\"", "should be a size"),
            ("[pools.a]\nslots = 1\ncpu = -1.0", "should be above 0"),
            ("[pools.a]\nslots = 1\nmax_pressure = 150", "at most 100"),
            ("[resources]\nmemory = 3", "another name"),
            ("[resources]\ndb = -3", "is no amount"),
            ("[resources]\ndb = \"x\"", "an amount such as 3"),
            ("[resources]\ndb = { slots = 1, rate = \"often\" }", "is no rate"),
            ("[queue]\nreserve_after = \"soon\"", "should be a duration"),
            ("[queue]\nmax_wait = { urgent = \"5m\" }", "unknown field"),
        ] {
            let problem = load(text).expect_err("it is wrong");
            assert!(problem.contains(told), "{text}: {problem}");
        }
    }
}
