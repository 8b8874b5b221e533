//! `workflow`: one workflow, shown, paused or resumed.

use shared::request::PauseWhat;
use shared::rpc::RunsFilter;
use shared::snapshot::{RunRow, WorkflowRow};

use super::{Cx, list, pause};
use crate::args::WorkflowCommand;
use crate::error::{Error, Exit};
use crate::format::View;
use crate::text::{Line, Style};
use crate::theme;

pub(super) fn execute(cx: &mut Cx, command: WorkflowCommand) -> Result<Exit, Error> {
    match command {
        WorkflowCommand::Show { workflow } => show(cx, &workflow),
        WorkflowCommand::Pause { workflow, span } => {
            pause::shared(cx, PauseWhat::Workflow(workflow.as_str().into()), span)
        }
        WorkflowCommand::Resume { workflow, comment } => {
            let client = cx.client()?;
            let what = PauseWhat::Workflow(workflow.as_str().into());
            pause::lift(cx, &client, what, comment.text)
        }
    }
}

fn show(cx: &mut Cx, name: &str) -> Result<Exit, Error> {
    const RUNS: u32 = 5;
    let client = cx.client()?;
    let rows = client.workflows()?;
    let Some(row) = rows.iter().find(|it| it.name.as_str() == name) else {
        let near = shared::diagnostic::nearest(name, rows.iter().map(|it| it.name.as_str()));
        return Err(Error::not_found(
            format!("there is no workflow `{name}`"),
            match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`runyard workflows` lists them".to_owned(),
            },
        ));
    };
    let newest = RunsFilter { workflow: Some(name.to_owned()), limit: RUNS, ..Default::default() };
    let runs = if cx.out.json { Vec::new() } else { client.runs(newest)? };
    cx.answer(row, |row, view| lines(row, &runs, view))
}

/// The page of a workflow.
pub(super) fn lines(row: &WorkflowRow, runs: &[RunRow], view: &View) -> Vec<Line> {
    let head = Line::new().styled(Style::Bold, row.name.as_str());
    let mut lines = vec![head.and("  ").join(theme::state(&row.state))];
    let mut fact = |name: &str, text: &str| {
        lines.push(Line::new().styled(Style::Dim, format!("  {name:<9}")).and(text));
    };
    if let Some(description) = &row.description {
        fact("is", description);
    }
    if let Some(owner) = &row.owner {
        fact("owner", owner);
    }
    if let Some(version) = &row.version {
        fact("version", &format!("{version:.12}"));
    }
    fact("tasks", &row.tasks.to_string());
    fact("active", &row.active.to_string());
    if let Some(it) = &row.pause {
        let [until, since] = pause::words(it, view);
        fact("paused", &until);
        fact("", &since);
    }
    for (at, problem) in row.problems.iter().enumerate() {
        fact(if at == 0 { "problems" } else { "" }, problem);
    }
    if !runs.is_empty() {
        lines.push(Line::new());
        lines.extend(list::run_lines(runs, view));
    }
    if row.pause.is_some() {
        lines.push(Line::new());
        let step = format!("runyard workflow resume {}", row.name);
        lines.push(Line::new().styled(Style::Bold, "next: ").and(step));
    }
    lines
}
