//! Which log is meant.

use engine::state::Run;
use shared::id::{AttemptId, PoolName, TaskPath};
use shared::request::{Refusal, RefusalCode};
use shared::workflow::Workflow;

use super::look::{no_such_task, place};

/// An attempt whose log is asked for.
pub(super) struct LogOf {
    pub(super) pool: PoolName,
    pub(super) id: AttemptId,
    pub(super) number: u32,
    pub(super) is_over: bool,
}

/// The attempt that `task` and `attempt` mean; the last one, where no number is given.
pub(super) fn find_log(
    it: &Run,
    workflow: &Workflow,
    task: &str,
    attempt: Option<u32>,
) -> Result<LogOf, Refusal> {
    let path = TaskPath::from(task);
    let place = place(workflow, path.task.as_str())?;
    let definition = &workflow.tasks[place];
    let of_task = &it.tasks[place];
    let progress = match (&path.item, &of_task.items) {
        (None, Some(items)) => {
            let keys = items.list().iter().take(8).map(|it| it.item.key.to_string());
            let keys: Vec<String> = keys.collect();
            let message = format!("`{task}` is mapped: each of its items has a log");
            let help = format!("name one, such as `{task}:{}`", keys.first().map_or("", |it| it));
            return Err(Refusal::new(RefusalCode::Invalid, message).help(help));
        }
        (None, None) => of_task,
        (Some(key), items) => {
            let items = items.as_ref().and_then(|it| Some(&it.list()[it.place(key)? as usize]));
            &items.ok_or_else(|| no_such_task(it, task))?.progress
        }
    };
    let progress = match path.undo {
        false => progress,
        true => progress.undo.as_deref().ok_or_else(|| {
            let message = format!("`{}` was not undone", path.clone().forward());
            Refusal::new(RefusalCode::NotFound, message).help("`runyard rollback` undoes a run")
        })?,
    };
    if !definition.has_process() {
        let message = format!("`{task}` runs no program, and so has no log");
        return Err(Refusal::new(RefusalCode::Invalid, message).help("`runyard why` tells of it"));
    }
    let found = match attempt {
        None => progress.attempts.last(),
        Some(number) => progress.attempts.iter().find(|it| it.number == number),
    };
    let found = found.ok_or_else(|| {
        let message = match attempt {
            None => format!("`{task}` has had no attempt yet"),
            Some(number) => format!("`{task}` has had no attempt {number}"),
        };
        Refusal::new(RefusalCode::NotFound, message).help("`runyard why` says what it waits for")
    })?;
    Ok(LogOf {
        pool: found.pool.clone().unwrap_or_else(|| definition.pool.clone()),
        id: found.id,
        number: found.number,
        is_over: found.outcome.is_some(),
    })
}
