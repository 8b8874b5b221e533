//! What a person changes of a run while it goes on: its parameters, and how many items of a map run at once. Source:
//! semantics, rule 11.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::diagnostic::nearest;
use shared::id::{RunId, TaskPath};
use shared::request::{Actor, Answer, Refusal, RefusalCode};
use shared::workflow::Workflow;

use crate::event::{Event, ParamChange};
use crate::person::{conflict, not_in_chain};
use crate::state::{Run, Spot};
use crate::step::Turn;

impl Turn<'_> {
    /// Gives parameters other values. What runs has the old ones; `concurrency.key` stays as it was worked out.
    pub(crate) fn edit(
        &mut self,
        actor: Actor,
        run: RunId,
        params: BTreeMap<String, Value>,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let Some(it) = self.state.runs.get(&run) else {
            return Err(conflict("the run has ended".to_owned()).help(
                "`runyard retry RUN --param NAME=VALUE` takes it up again with other parameters",
            ));
        };
        if it.cancel.is_some() {
            return Err(conflict("the run is being cancelled".to_owned()));
        }
        let changes = changes(it, &self.state.definition(run).workflow, params)?;
        if changes.is_empty() {
            return Err(conflict("the parameters have these values already".to_owned()));
        }
        self.emit(Event::ParamsEdited { run, changes, actor, comment });
        Ok(Answer::Done)
    }

    /// Changes how many items of a mapped task may run at once.
    pub(crate) fn map_width(
        &mut self,
        actor: Actor,
        run: RunId,
        path: &TaskPath,
        width: Option<u32>,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        if width == Some(0) {
            let refusal =
                Refusal::new(RefusalCode::Invalid, "at least one item must be able to run");
            return Err(refusal.help("`runyard hold` stops items, `runyard pause` the run"));
        }
        if !self.state.runs.contains_key(&run) {
            return Err(conflict("the run has ended".to_owned()));
        }
        let spot = self.task_run(run, path)?;
        not_in_chain(self.state, spot, path)?;
        if !self.state.is_mapped_whole(spot) {
            return Err(conflict(format!("`{path}` is no mapped task")));
        }
        if self.state.task_run(spot).phase.is_over() {
            return Err(conflict(format!("`{path}` has ended")));
        }
        if self.state.max_parallel(spot) == width {
            return Err(conflict(match width {
                Some(width) => format!("{width} items of `{path}` may run at once already"),
                None => format!("as many items of `{path}` as fit may run at once already"),
            }));
        }
        let task = path.task.clone();
        let running = self.state.index.active_items.get(&(run, spot.task)).copied().unwrap_or(0);
        self.emit(Event::WidthChanged { run, task, width, running, actor, comment });
        self.todo.push(Spot::task(run, spot.task));
        Ok(Answer::Done)
    }
}

/// The parameters that are to have other values than they have.
pub(crate) fn changes(
    run: &Run,
    workflow: &Workflow,
    params: BTreeMap<String, Value>,
) -> Result<Vec<ParamChange>, Refusal> {
    let invalid = |message: String| Refusal::new(RefusalCode::Invalid, message);
    let mut changes = Vec::new();
    for (name, value) in params {
        let Some(param) = workflow.params.iter().find(|it| it.name.as_str() == name) else {
            let names = workflow.params.iter().map(|it| it.name.as_str());
            let refusal = invalid(format!("`{}` has no parameter `{name}`", workflow.name));
            return Err(match nearest(&name, names.clone()) {
                Some(near) => refusal.help(format!("did you mean `{near}`?")),
                None if workflow.params.is_empty() => refusal.help("it has none"),
                None => refusal.help(format!("it has {}", names.collect::<Vec<_>>().join(", "))),
            });
        };
        let new =
            param.kind.read(&value).map_err(|it| invalid(format!("parameter `{name}`: {it}")))?;
        let old = run.params.get(&param.name).cloned();
        if old.as_ref() != Some(&new) {
            changes.push(ParamChange { name: param.name.clone(), old, new });
        }
    }
    Ok(changes)
}
