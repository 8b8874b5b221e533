//! `status`: how the daemon is, and what there is to do.

use std::time::Duration;

use shared::snapshot::{ApprovalRow, StatusView};
use shared::time::format_duration;

use super::{Cx, approvals, list, pause};
use crate::error::{Error, Exit};
use crate::format::{View, plural, size};
use crate::text::{Line, Style};
use crate::theme;

pub(super) fn execute(cx: &mut Cx) -> Result<Exit, Error> {
    let client = cx.client()?;
    let status = client.status()?;
    let waiting = if cx.out.json { Vec::new() } else { client.approvals()? };
    cx.answer(&status, |status, view| lines(status, &waiting, view))
}

pub(super) fn lines(status: &StatusView, waiting: &[ApprovalRow], view: &View) -> Vec<Line> {
    let fact =
        |name: &str, text: Line| Line::new().styled(Style::Dim, format!("{name:<10}")).join(text);
    let uptime = Duration::try_from_secs_f64(status.uptime_s).unwrap_or_default();
    let daemon = format!(
        "version {}, process {}, for {}, {} of memory",
        status.version,
        status.pid,
        format_duration(uptime),
        size(status.rss)
    );
    let store = theme::state(&status.store.state).and(format!(
        ", {}, event {}",
        size(status.store.bytes),
        status.store.seq.0
    ));
    let mut lines = vec![
        fact("daemon", daemon.into()),
        fact("store", store),
        fact("runs", list::runs_in_words(status.runs.active, status.runs.queued).into()),
        fact("state", status.state_dir.as_str().into()),
        fact("workflows", status.workflows_dir.as_str().into()),
    ];
    if let Some(it) = &status.pause {
        let [until, since] = pause::words(it, view);
        lines.push(fact("paused", Line::new().styled(Style::Warn, "everything ").and(until)));
        lines.push(fact("", since.into()));
    }
    lines.push(Line::new());
    lines.extend(list::pool_lines(&status.pools, view));
    let next = next_steps(status, waiting);
    if !next.is_empty() {
        lines.push(Line::new());
        lines.extend(next);
    }
    lines
}

fn next_steps(status: &StatusView, waiting: &[ApprovalRow]) -> Vec<Line> {
    const SHOWN: usize = 3;
    let step = |text: String| Line::new().styled(Style::Bold, "next: ").and(text);
    let mut steps = Vec::new();
    if status.store.state != "ok" {
        steps.push(step("nothing new starts until the store can be written again".to_owned()));
    }
    if status.pause.is_some() {
        steps.push(step("runyard resume --all".to_owned()));
    }
    let paused = status.pools.iter().filter(|it| it.pause.is_some());
    steps.extend(paused.map(|it| step(format!("runyard pool resume {}", it.name))));
    let down = status.pools.iter().filter(|it| it.state == "down");
    steps.extend(down.map(|it| step(format!("the runner of pool {} cannot be reached", it.name))));
    for row in waiting.iter().take(SHOWN) {
        let message = row.message.lines().next().unwrap_or_default();
        steps.push(step(approvals::approve(row)).styled(Style::Dim, format!("   # {message}")));
    }
    if waiting.len() > SHOWN {
        let more = plural((waiting.len() - SHOWN) as u64, "more approval");
        steps.push(step(format!("runyard approvals   # {more}")));
    }
    steps
}
