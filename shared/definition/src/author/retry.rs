//! Retries and timeouts.

use shared::workflow::{Retry, RetryOn, Timeout};

use super::reader::{duration, number, read_word};
use crate::problem::Problem;
use crate::report::Report;
use crate::yaml::Node;

/// Reads `retry`: a number of further attempts, or a mapping. What it does not say is as in `base`.
pub(super) fn read(node: &Node, base: Retry) -> Retry {
    let get = |key: &str| node.get(key);
    let written_delay = get("delay").and_then(duration);
    let delay = written_delay.unwrap_or(base.delay);
    let on =
        |it: &Node| it.items().iter().filter_map(|it| read_word(it, &RetryOn::NAMES)).collect();
    let codes = |it: &Node| {
        let codes = it.items().iter().filter_map(Node::int);
        codes.filter_map(|it| i32::try_from(it).ok()).collect()
    };
    Retry {
        limit: number(node).or_else(|| get("limit").and_then(number)).unwrap_or(base.limit),
        delay,
        backoff: get("backoff").and_then(Node::number).unwrap_or(base.backoff),
        max_delay: get("max_delay").and_then(duration).unwrap_or(base.max_delay.max(delay)),
        jitter: get("jitter").and_then(Node::number).unwrap_or(base.jitter),
        on: get("on").map_or(base.on, on),
        exit_codes: get("exit_codes").map_or(base.exit_codes, codes),
        memory_factor: base.memory_factor,
    }
}

/// Tells a wait that would be cut to less than itself.
pub(super) fn check(node: Option<&Node>, report: &mut Report<'_>) {
    let Some(node) = node else { return };
    let span = |key: &str| node.get(key).and_then(duration);
    let (Some(entry), Some(delay), Some(most)) =
        (node.entry("max_delay"), span("delay"), span("max_delay"))
    else {
        return;
    };
    if most < delay {
        let message = "`max_delay` is shorter than `delay`".to_owned();
        report.add(entry.value.place, Problem::Conflict(message, "make one of them fit the other"));
    }
}

/// Reads `timeout`: a duration for an attempt, or a mapping.
pub(super) fn read_timeout(node: &Node) -> Timeout {
    let get = |key: &str| node.get(key).and_then(duration);
    Timeout {
        attempt: duration(node).or_else(|| get("attempt")),
        total: get("total"),
        idle: get("idle"),
    }
}
