//! How a run comes to be.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::diagnostic::nearest;
use shared::expr::Scope;
use shared::id::{ParamName, RunId, WorkflowName};
use shared::request::{Actor, Answer, Refusal, RefusalCode};
use shared::time::Interval;
use shared::workflow::{ParamDefault, Priority, WhenFull, Workflow};

use crate::event::{Event, RunCreated};
use crate::scope;
use crate::step::Turn;

impl Turn<'_> {
    pub(crate) fn create_run(
        &mut self,
        actor: Actor,
        name: &WorkflowName,
        params: BTreeMap<String, Value>,
        interval: Option<Interval>,
        priority: Option<Priority>,
    ) -> Result<Answer, Refusal> {
        let workflow = self.runnable(name)?;
        let run = RunId::mixed(self.state.incarnation, self.state.ids_given + 1);
        let number = self.state.library.get(name).map_or(0, |it| it.newest) + 1;
        let mut scope = Scope::new();
        if let Some(interval) = &interval {
            scope.set("interval", scope::interval(interval));
        }
        scope.set("run", scope::run_to_be(run, number, &actor, self.now));
        let params = bind_params(&workflow, params, &mut scope)?;
        let lane = match &workflow.concurrency.key {
            None => None,
            Some(key) => Some(key.render(&scope).map_err(|it| {
                Refusal::new(RefusalCode::Invalid, format!("the workflow's `concurrency.key` {it}"))
            })?),
        };
        self.make_room(&workflow, lane.as_deref())?;
        self.emit(Event::RunCreated(Box::new(RunCreated {
            run,
            number,
            workflow: name.clone(),
            version: workflow.version.clone(),
            params,
            interval,
            actor,
            priority: priority.unwrap_or(workflow.priority),
            lane,
            deadline: workflow.deadline.map(|it| self.now + it.within),
        })));
        self.touched.insert(run);
        Ok(Answer::RunCreated { run, number })
    }

    /// The newest version of a workflow, if new runs of it may be made.
    pub(crate) fn runnable(
        &self,
        name: &WorkflowName,
    ) -> Result<std::sync::Arc<Workflow>, Refusal> {
        let not_found = |message: String| Refusal::new(RefusalCode::NotFound, message);
        let Some(entry) = self.state.library.get(name) else {
            let refusal = not_found(format!("there is no workflow `{name}`"));
            let names = self.state.library.keys().map(|it| it.as_str());
            return Err(refusal.help(match nearest(name.as_str(), names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`runyard workflows` lists them".to_owned(),
            }));
        };
        if entry.gone {
            return Err(not_found(format!("the file of workflow `{name}` was deleted"))
                .help("put it back, then `runyard reload`"));
        }
        let definition = entry.version.as_ref().and_then(|it| self.state.definitions.get(it));
        definition.map(|it| it.workflow.clone()).ok_or_else(|| {
            let problem = entry.problems.first().cloned().unwrap_or_default();
            Refusal::new(RefusalCode::Conflict, format!("workflow `{name}` has errors: {problem}"))
                .help("mend its file, then `runyard reload`")
        })
    }

    /// Lets the workflow's `when_full` decide, where a run would be one too many.
    fn make_room(&mut self, workflow: &Workflow, lane: Option<&str>) -> Result<(), Refusal> {
        let key = (workflow.name.clone(), lane.map(str::to_owned));
        let Some(runs) = self.state.index.lanes.get(&key) else { return Ok(()) };
        let is_full = runs.active.len() >= workflow.concurrency.max_runs as usize;
        match workflow.concurrency.when_full {
            WhenFull::Queue | WhenFull::Allow => Ok(()),
            WhenFull::Skip if is_full || !runs.queued.is_empty() => {
                let holders: Vec<String> =
                    runs.active.iter().map(|(_, it)| self.state.run(*it).label()).collect();
                Err(Refusal::new(
                    RefusalCode::Conflict,
                    format!(
                        "{} of at most {} runs of `{}` are active ({}), and it says to skip then",
                        runs.active.len(),
                        workflow.concurrency.max_runs,
                        workflow.name,
                        holders.join(", ")
                    ),
                )
                .help("wait until it has ended, or cancel it"))
            }
            WhenFull::QueueOne => {
                let waiting: Vec<RunId> = runs.queued.iter().map(|it| it.2).collect();
                let by = Actor::daemon();
                let why = "a newer run takes its place in the queue";
                waiting
                    .into_iter()
                    .for_each(|run| self.stop_run(&by, run, false, Some(why.to_owned())));
                Ok(())
            }
            WhenFull::CancelOldest if is_full => {
                let stopping = |run: &RunId| self.state.run(*run).cancel.is_some();
                let oldest = runs.active.iter().map(|it| it.1).find(|it| !stopping(it));
                let why = "a newer run takes its place";
                if let Some(run) = oldest {
                    self.stop_run(&Actor::daemon(), run, false, Some(why.to_owned()));
                }
                Ok(())
            }
            WhenFull::Skip | WhenFull::CancelOldest => Ok(()),
        }
    }
}

/// Gives each parameter its value: what the request says, else its default. The defaults see those before them.
pub(crate) fn bind_params(
    workflow: &Workflow,
    mut given: BTreeMap<String, Value>,
    scope: &mut Scope,
) -> Result<BTreeMap<ParamName, Value>, Refusal> {
    let invalid = |message: String| Refusal::new(RefusalCode::Invalid, message);
    let mut bound = BTreeMap::new();
    let mut visible = serde_json::Map::new();
    for param in &workflow.params {
        scope.set("params", Value::Object(visible.clone()));
        let name = &param.name;
        let value = match (given.remove(name.as_str()), &param.default) {
            (Some(value), _) => value,
            (None, Some(ParamDefault::Value(value))) => value.clone(),
            (None, Some(ParamDefault::Template(text))) => text.value(scope).map_err(|it| {
                invalid(format!("parameter `{name}` has no value: its default {it}")).help(format!(
                    "give it with `--param {name}=…`, or the interval with `--interval`"
                ))
            })?,
            (None, None) => {
                return Err(invalid(format!(
                    "parameter `{name}` of `{}` is required",
                    workflow.name
                ))
                .help(format!("give it with `--param {name}=…`: {}", param.kind.expected())));
            }
        };
        let value =
            param.kind.read(&value).map_err(|it| invalid(format!("parameter `{name}`: {it}")))?;
        visible.insert(name.to_string(), value.clone());
        bound.insert(name.clone(), value);
    }
    scope.set("params", Value::Object(visible));
    if let Some(stranger) = given.keys().next() {
        let names = workflow.params.iter().map(|it| it.name.as_str());
        let refusal = invalid(format!("`{}` has no parameter `{stranger}`", workflow.name));
        return Err(match nearest(stranger, names.clone()) {
            Some(near) => refusal.help(format!("did you mean `{near}`?")),
            None if workflow.params.is_empty() => refusal.help("it has none"),
            None => refusal.help(format!("it has {}", names.collect::<Vec<_>>().join(", "))),
        });
    }
    Ok(bound)
}
