//! `approvals`: what waits for a person.

use shared::snapshot::ApprovalRow;

use super::Cx;
use crate::error::{Error, Exit};
use crate::format::View;
use crate::text::{Line, Style};

pub(super) fn execute(cx: &mut Cx) -> Result<Exit, Error> {
    let rows = cx.client()?.approvals()?;
    cx.answer(&rows, |rows, view| lines(rows, view))
}

pub(super) fn lines(rows: &[ApprovalRow], view: &View) -> Vec<Line> {
    if rows.is_empty() {
        return vec!["nothing waits for a decision".into()];
    }
    let page = |row: &ApprovalRow| {
        let mut lines = approval(row, view);
        lines.push(Line::from("  ").styled(Style::Bold, "next: ").and(approve(row)));
        let reject = format!("  or:   runyard reject {} {} --comment WHY", row.label, row.task);
        lines.push(reject.into());
        lines
    };
    let pages: Vec<Vec<Line>> = rows.iter().map(page).collect();
    pages.join(&Line::new())
}

/// What is asked, since when, by whom it may be answered.
pub(crate) fn approval(row: &ApprovalRow, view: &View) -> Vec<Line> {
    let head = Line::new()
        .styled(Style::Warn, "⏸ ")
        .styled(Style::Bold, format!("{} {}", row.label, row.task));
    let mut lines = vec![head];
    lines.extend(row.message.lines().map(|it| Line::from("  ").and(it)));
    let expires = row.expires.map(|it| format!(", expires {}", view.age(it)));
    let since = format!("  waits since {}{}", view.time(row.since), expires.unwrap_or_default());
    lines.push(Line::new().styled(Style::Dim, since));
    if !row.approvers.is_empty() {
        lines.push(format!("  may be decided by {}", row.approvers.join(", ")).into());
    }
    if row.needed > 1 {
        lines.push(format!("  {} of {} decisions", row.decisions.len(), row.needed).into());
    }
    for decision in &row.decisions {
        let comment = decision.comment.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
        let text = format!(
            "  {} by {}, {}{comment}",
            decision.decision,
            decision.actor,
            view.age(decision.at)
        );
        lines.push(text.into());
    }
    lines
}

/// The command that approves it.
pub(super) fn approve(row: &ApprovalRow) -> String {
    format!("runyard approve {} {}", row.label, row.task)
}
