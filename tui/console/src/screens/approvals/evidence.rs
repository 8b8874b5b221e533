//! What there is to decide an approval by: what is asked, what warns, what was given back, who has decided, what follows.

use serde_json::Value;
use shared::snapshot::{ApprovalRow, DecisionView};

use super::super::detail::{fact, heading, marked, named, words};
use crate::app::App;
use crate::format;
use crate::needs;
use crate::safe::Safe;
use crate::text;
use crate::theme::Role;
use crate::widgets::panel::Line;

/// The most columns of the name of an output.
const NAME_MAX: usize = 32;

/// The lines for a pane of `width` columns.
pub(super) fn lines(app: &App, row: &ApprovalRow, width: u16) -> Vec<Line> {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    let mut lines = words(&row.message, theme.style(Role::Strong), width);
    for warning in &row.warnings {
        lines.extend(marked("!", warning, theme.style(Role::Warn), width));
    }
    lines.push(Line::new());
    for (name, value) in facts(app, row) {
        lines.extend(fact(theme, name, &value, plain, width));
    }
    lines.push(Line::new());
    lines.extend(outputs(app, row, width));
    lines
}

fn facts(app: &App, row: &ApprovalRow) -> Vec<(&'static str, String)> {
    let clock = |at| format::when(at, app.now, app.settings.utc_offset);
    let asked = format!("{} ago, at {}", format::span(app.now.since(row.since)), clock(row.since));
    let expires = match row.expires {
        Some(at) => format!("{}, at {}", needs::expires_text(app, at), clock(at)),
        None => "does not expire".to_owned(),
    };
    let asked = format!("{asked}; {expires}");
    let then = match row.then.as_slice() {
        [] => "no task waits for it".to_owned(),
        tasks => tasks.join(", "),
    };
    let mut facts = vec![("asked", asked), ("who may", who(row))];
    facts.extend(row.decisions.iter().map(|it| ("decided", decision(app, it))));
    facts.push(("lets go on", then));
    facts
}

/// Who may decide, and how many of them it takes: `dba, 1 of 2 approvals so far`.
fn who(row: &ApprovalRow) -> String {
    let approvers = needs::approvers(row);
    let approved = row.decisions.iter().filter(|it| it.decision == "approve").count();
    match row.needed {
        0 | 1 => approvers,
        needed => format!("{approvers}; {approved} of {needed} approvals so far"),
    }
}

fn decision(app: &App, decision: &DecisionView) -> String {
    let word = match decision.decision.as_str() {
        "approve" => "approved",
        "reject" => "rejected",
        other => other,
    };
    let at = format::when(decision.at, app.now, app.settings.utc_offset);
    let said = decision.comment.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
    format!("{at} {word} by {}{said}", needs::person(&decision.actor))
}

/// What the tasks before it have given back, a name and a value each.
fn outputs(app: &App, row: &ApprovalRow, width: u16) -> Vec<Line> {
    let theme = app.theme();
    if row.outputs.is_empty() {
        return vec![heading(theme, "what it needs has given back nothing")];
    }
    let names = row.outputs.keys().map(|it| text::width(&Safe::line(it)));
    let columns = names.max().unwrap_or(0).clamp(10, NAME_MAX.min(usize::from(width) / 3).max(10));
    let plain = theme.style(Role::Plain);
    let mut lines = vec![heading(theme, "what it needs has given back")];
    for (name, value) in &row.outputs {
        lines.extend(named(theme, (name, columns), &value_text(value), plain, width));
    }
    lines
}

/// A text as it is; everything else as JSON.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
