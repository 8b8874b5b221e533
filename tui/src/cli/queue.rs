//! `queue`: what waits for capacity, and what holds it.

use std::collections::BTreeSet;

use shared::snapshot::{HolderRow, QueueRow};
use shared::why::Blocker;

use super::Cx;
use super::list::ANY;
use crate::error::{Error, Exit};
use crate::format::{View, plural};
use crate::text::{Align, Line, Style, Table};
use crate::theme;

pub(super) fn execute(cx: &mut Cx, pool: Option<String>) -> Result<Exit, Error> {
    let client = cx.client()?;
    let rows = client.queue(pool.clone())?;
    let mut holders = Vec::new();
    if !cx.out.json && !rows.is_empty() {
        let pools: BTreeSet<_> = rows.iter().map(|it| &it.pool).collect();
        holders = client.holders(pool)?;
        holders.retain(|it| pools.contains(&it.pool));
    }
    cx.answer(&rows, |rows, view| page(rows, &holders, view))
}

pub(super) fn holders(cx: &mut Cx, pool: Option<String>) -> Result<Exit, Error> {
    let rows = cx.client()?.holders(pool)?;
    cx.answer(&rows, |rows, view| holder_lines(rows, view))
}

/// What waits, and beneath it what holds the pools that it waits for.
pub(super) fn page(rows: &[QueueRow], holders: &[HolderRow], view: &View) -> Vec<Line> {
    const SHOWN: usize = 10;
    let mut lines = queue_lines(rows, view);
    if holders.is_empty() {
        return lines;
    }
    let more = holders.len().saturating_sub(SHOWN);
    lines.push(Line::new());
    lines.push(Line::new().styled(Style::Bold, "held by"));
    lines.extend(holder_lines(&holders[..holders.len() - more], view));
    if more > 0 {
        lines.push(format!("{more} more: runyard queue --holders").into());
    }
    lines
}

pub(super) fn queue_lines(rows: &[QueueRow], view: &View) -> Vec<Line> {
    if rows.is_empty() {
        return vec!["nothing waits for capacity".into()];
    }
    let mut table = Table::new(&[
        ("#", Align::Right, 4),
        ("RUN", Align::Left, 24),
        ("TASK", Align::Left, 20),
        ("POOL", Align::Left, 10),
        ("PRIORITY", Align::Right, 9),
        ("WAITS", Align::Right, 8),
    ]);
    for row in rows {
        let item = row.item.as_deref().map(|it| format!(":{it}")).unwrap_or_default();
        let aged = row.effective_priority.saturating_sub(row.priority);
        let aged = if aged == 0 { String::new() } else { format!("+{aged}") };
        table.row([
            row.position.to_string().into(),
            row.label.as_str().into(),
            format!("{}{item}", row.task).into(),
            row.pool.as_str().into(),
            format!("{}{aged}", row.priority).into(),
            view.took(Some(row.since), None).into(),
        ]);
    }
    let mut table = table.lines(view.width).into_iter();
    let mut lines: Vec<Line> = table.next().into_iter().collect();
    for (line, row) in table.zip(rows) {
        lines.push(line);
        let text = |it: &Blocker| Line::new().styled(Style::Dim, format!("      · {}", it.text));
        lines.extend(row.blockers.iter().map(text));
    }
    lines
}

pub(super) fn holder_lines(rows: &[HolderRow], view: &View) -> Vec<Line> {
    if rows.is_empty() {
        return vec!["nothing holds capacity".into()];
    }
    let mut table = Table::new(&[
        ("RUN", Align::Left, 24),
        ("TASK", Align::Left, 20),
        ("POOL", Align::Left, 10),
        ("STATE", Align::Left, 10),
        ("FOR", Align::Right, 7),
        ("UNTIL", Align::Right, 10),
        ("HOLDS", Align::Left, ANY),
    ]);
    for row in rows {
        let slots = plural(row.slots.into(), "slot");
        let resources = row.resources.iter().map(|(name, count)| format!("{count} {name}"));
        let holds: Vec<String> = [slots].into_iter().chain(resources).collect();
        table.row([
            row.label.as_str().into(),
            row.task.as_str().into(),
            row.pool.as_str().into(),
            theme::state(&row.state),
            view.took(Some(row.since), None).into(),
            row.until.map(|it| view.age(it)).unwrap_or_default().into(),
            holds.join(", ").into(),
        ]);
    }
    table.lines(view.width)
}
