//! What a command that is typed is about, where it is named: `cancel hog#1`, `pause workflow etl`, `mark etl#4 load failed`.

use shared::id::RunId;
use shared::workflow::Priority;

use super::{Command, Level};
use crate::app::App;
use crate::screens;
use crate::target::{RunTarget, Target, TaskTarget};

/// Commands that only look, at nothing but the selection.
const LOOKS_AT_SELECTION: [&str; 4] = ["open", "log", "why", "watch"];

/// What was named, and the words behind it that are the command's own; nothing was named where the first is absent.
///
/// # Errors
/// Something was typed that is neither: an act never falls back to the selection then.
pub(crate) fn read<'a>(
    app: &App,
    command: &Command,
    args: &'a str,
) -> Result<(Option<Target>, &'a str), String> {
    let args = args.trim();
    let acts = command.level > Level::Look || LOOKS_AT_SELECTION.contains(&command.id);
    if !acts || takes(command, args) {
        return Ok((None, args));
    }
    let (first, rest) = split(args);
    let (target, rest) = match first {
        _ if command.level == Level::Look => (None, rest),
        "workflow" | "--workflow" => (workflow(app, split(rest).0), split(rest).1),
        "pool" | "--pool" => (pool(app, split(rest).0), split(rest).1),
        name => (run(app, name).or_else(|| workflow(app, name)).or_else(|| pool(app, name)), rest),
    };
    let Some(target) = target else { return Err(not_understood(app, args)) };
    let (task, own) = split(rest);
    match task_of(app, &target, task) {
        _ if takes(command, rest) => Ok((Some(target), rest)),
        Some(task) if takes(command, own) => Ok((Some(Target { task: Some(task), ..target }), own)),
        _ => Err(not_understood(app, rest)),
    }
}

/// Whether a command understands these words by itself.
fn takes(command: &Command, words: &str) -> bool {
    match (command.id, words) {
        (_, "") => true,
        ("run", words) => split(words).0.contains('='),
        ("retry", words) => matches!(words, "this" | "failed" | "from"),
        ("mark", words) => matches!(words, "success" | "failed" | "undone"),
        ("priority", words) => Priority::read(words).is_some(),
        _ => false,
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').map_or((text, ""), |(first, rest)| (first, rest.trim_start()))
}

fn run(app: &App, name: &str) -> Option<Target> {
    let is_named = |it: &&RunId| app.store.label(**it) == name || it.to_string() == name;
    let open = app.store.run.as_ref().map(|it| it.id);
    let id = app.store.order.iter().chain(&open).find(is_named)?;
    Some(Target::of_run(RunTarget::of(app, *id)))
}

fn workflow(app: &App, name: &str) -> Option<Target> {
    let name = app.store.workflows.keys().find(|it| it.as_str() == name)?;
    Some(Target { workflow: Some(name.clone()), ..Target::default() })
}

fn pool(app: &App, name: &str) -> Option<Target> {
    let name = app.store.pools.keys().find(|it| it.as_str() == name)?;
    Some(Target { pool: Some(name.clone()), ..Target::default() })
}

fn task_of(app: &App, target: &Target, name: &str) -> Option<TaskTarget> {
    let open = app.store.open_run(target.run().ok()?.id)?;
    let path = |task: &str, item: &Option<String>| match item {
        Some(item) => format!("{task}:{item}"),
        None => task.to_owned(),
    };
    let task = open.tasks.iter().find(|it| path(&it.task, &it.item) == name)?;
    Some(TaskTarget { path: name.into(), state: task.state.clone() })
}

fn not_understood(app: &App, words: &str) -> String {
    let target = screens::target(app);
    let selected = match (target.runs.as_slice(), &target.workflow, &target.pool) {
        ([run], ..) => match &target.task {
            Some(task) => format!("{} / {}", run.label, task.path),
            None => run.label.clone(),
        },
        ([], Some(workflow), _) => format!("workflow {workflow}"),
        ([], None, Some(pool)) => format!("pool {pool}"),
        ([], None, None) => "nothing".to_owned(),
        _ => format!("{} marked runs", target.marked),
    };
    format!("`{words}` is not known here; without it this is about what is selected: {selected}")
}
