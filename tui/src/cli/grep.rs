//! `logs --grep`: the lines of a log that match, in its order.

use std::collections::VecDeque;

use serde_json::json;
use shared::id::RunId;
use shared::rpc::LogSearch;
use shared::snapshot::LogLine;

use super::Cx;
use crate::client::Client;
use crate::error::Error;
use console::safe::LogFilter;

/// What is looked for.
pub(super) struct Wanted<'a> {
    pub(super) run: RunId,
    pub(super) attempt: Option<u32>,
    pub(super) pattern: &'a str,
    /// Only so many lines that match, from the end.
    pub(super) tail: Option<u32>,
}

/// Prints the lines of the log of one task that match; before the first of them its `head`.
pub(super) fn one(
    cx: &mut Cx,
    client: &mut Client,
    wanted: &Wanted<'_>,
    task: &str,
    head: Option<String>,
) -> Result<(), Error> {
    let mut head = head;
    let mut last = VecDeque::new();
    let most = wanted.tail.map(|it| usize::try_from(it).unwrap_or(usize::MAX));
    let mut search = first(wanted, task);
    loop {
        let hits = client.patiently(|it| it.search_log(search.clone()))?;
        match most {
            Some(most) => {
                last.extend(hits.lines);
                last.drain(..last.len().saturating_sub(most));
            }
            None => print(cx, task, hits.attempt, &hits.lines, &mut head)?,
        }
        search.attempt = Some(hits.attempt);
        match hits.next {
            Some(next) if next > search.from => search.from = next,
            Some(_) => return Err(Error::Server("it looks through a log in a circle".to_owned())),
            None => return print(cx, task, hits.attempt, last.make_contiguous(), &mut head),
        }
    }
}

fn first(wanted: &Wanted<'_>, task: &str) -> LogSearch {
    LogSearch {
        run: wanted.run,
        task: task.to_owned(),
        attempt: wanted.attempt,
        pattern: wanted.pattern.to_owned(),
        from: 0,
        backwards: false,
        limit: 1_000,
    }
}

fn print(
    cx: &mut Cx,
    task: &str,
    attempt: u32,
    lines: &[LogLine],
    head: &mut Option<String>,
) -> Result<(), Error> {
    if cx.out.json {
        return lines.iter().try_for_each(|it| {
            let text = String::from_utf8_lossy(&it.bytes);
            cx.out.json_line(&json!({
                "task": task, "attempt": attempt, "offset": it.offset, "text": text,
            }))
        });
    }
    if !lines.is_empty()
        && let Some(head) = head.take()
    {
        cx.out.line(head)?;
    }
    let mut filter = LogFilter::default();
    for line in lines {
        for bytes in [line.bytes.as_slice(), b"\n"] {
            if cx.out.terminal {
                cx.out.log(&filter.push(bytes))?;
            } else {
                cx.out.raw(bytes)?;
            }
        }
    }
    cx.out.log(&filter.finish())?;
    cx.out.flush()
}
