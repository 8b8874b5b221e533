//! What an expression of a task run sees. Only what it names is worked out: a run may have ten thousand tasks.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use shared::expr::{Expr, Scope, Template};
use shared::id::{RunId, TaskName};
use shared::request::Actor;
use shared::state::{Outcome, TaskPhase};
use shared::time::{Interval, Timestamp};

use crate::definition::Definition;
use crate::group;
use crate::state::{Run, Spot, State, TaskRun};

/// The values for the expressions of a task run that name `names`.
pub(crate) fn of_task<'a>(
    state: &State,
    spot: Spot,
    names: impl Iterator<Item = &'a String>,
) -> Scope {
    let run = state.run(spot.run);
    let definition = state.definition(spot.run);
    let env = &state.task(spot).env;
    let names: Vec<&String> = names.collect();
    let reads_env = names.iter().any(|it| *it == "env" || it.starts_with("env."));
    let behind_env = env.iter().filter(|_| reads_env).flat_map(|(_, value)| value.expressions());
    let names = names.into_iter().chain(behind_env.flat_map(Expr::names));
    let mut scope = of_run(run);
    scope.set("tasks", tasks(run, definition, Some((state, spot)), names));
    if let (Some(map), Some(place)) = (&state.task(spot).map, spot.item) {
        let items = run.tasks[spot.task as usize].items.as_ref();
        if let Some(item) = items.and_then(|it| it.list.get(place as usize)) {
            scope.set(&map.name, item.item.value.clone());
        }
    }
    if spot.undo {
        scope.set("outputs", json!(state.task_run(spot.forward()).outputs));
    }
    if reads_env {
        set_env(&mut scope, env);
    }
    scope
}

/// The values for an expression of a whole run that names `names`.
pub(crate) fn of_run_and_tasks<'a>(
    state: &State,
    run: RunId,
    names: impl Iterator<Item = &'a String>,
) -> Scope {
    of_whole_run(state.run(run), state.definition(run), names)
}

/// The values for an expression that names `names` of a run, which may have left the state.
pub fn of_whole_run<'a>(
    run: &Run,
    definition: &Definition,
    names: impl Iterator<Item = &'a String>,
) -> Scope {
    of_run(run).with("tasks", tasks(run, definition, None, names))
}

/// `env`: each variable may read those before it; one that has no value is not there.
fn set_env(scope: &mut Scope, env: &[(String, Template)]) {
    let mut values = Map::new();
    for (name, template) in env {
        scope.set("env", Value::Object(values.clone()));
        if let Ok(value) = template.render(scope) {
            values.insert(name.clone(), Value::String(value));
        }
    }
    scope.set("env", Value::Object(values));
}

/// The names in expressions and templates.
pub(crate) fn names<'a>(
    exprs: impl Iterator<Item = &'a Expr>,
    templates: impl Iterator<Item = &'a Template>,
) -> impl Iterator<Item = &'a String> {
    exprs.chain(templates.flat_map(Template::expressions)).flat_map(Expr::names)
}

fn of_run(run: &Run) -> Scope {
    let params = run.params.iter().map(|(name, value)| (name.to_string(), value.clone()));
    let mut about = run_to_be(run.id, run.number, &run.actor, run.created_at);
    about["state"] = json!(run_state(run));
    let scope = Scope::new()
        .with("params", Value::Object(params.collect()))
        .with("run", about)
        .with("trigger", json!({ "kind": "manual" }));
    match &run.interval {
        Some(it) => scope.with("interval", interval(it)),
        None => scope,
    }
}

/// What `finally` sees as the state of its run is how everything else has ended.
fn run_state(run: &Run) -> &'static str {
    match run.phase {
        shared::state::RunPhase::Closing(outcome) => outcome.word(),
        _ => run.word(),
    }
}

/// `run`, of a run that is about to exist.
pub(crate) fn run_to_be(id: RunId, number: u64, actor: &Actor, created_at: Timestamp) -> Value {
    json!({
        "id": id.to_string(),
        "number": number,
        "actor": actor.name,
        "created": created_at.to_string(),
    })
}

/// `interval`.
pub(crate) fn interval(it: &Interval) -> Value {
    json!({ "start": it.start.to_string(), "end": it.end.to_string() })
}

/// `tasks`, with the tasks that are named; with all, where an expression looks one up by a computed name.
///
/// A task in a group names one beside it by its short name; in a mapped group it sees that of its own item.
fn tasks<'a>(
    run: &Run,
    definition: &Definition,
    reader: Option<(&State, Spot)>,
    names: impl Iterator<Item = &'a String>,
) -> Value {
    let mut wanted: BTreeSet<TaskName> = BTreeSet::new();
    let mut all = false;
    for name in names {
        match name.strip_prefix("tasks") {
            Some("") => all = true,
            Some(rest) => {
                let task = rest.trim_start_matches('.').split('.').next().unwrap_or_default();
                wanted.insert(task.into());
            }
            None => {}
        }
    }
    let mut object = Map::new();
    if all {
        wanted.extend(definition.places().map(|place| definition.task(place).name.clone()));
        wanted.extend(beside(definition, reader.map(|it| it.1)));
    }
    for name in wanted {
        let found = match reader {
            Some((_, spot)) => definition.groups().resolve(spot.task, name.as_str()),
            None => definition.place(&name),
        };
        let Some(place) = found else { continue };
        let seen = match reader {
            Some((state, spot)) => state.task_run(group::needed(state, spot, place)),
            None => &run.tasks[place as usize],
        };
        object.insert(name.to_string(), task(seen));
    }
    Value::Object(object)
}

/// The short names that mean something in a task of a group.
fn beside(definition: &Definition, reader: Option<Spot>) -> Vec<TaskName> {
    let Some(reader) = reader else { return Vec::new() };
    let groups = definition.groups();
    let names = groups.around(reader.task).flat_map(|group| {
        let prefix = format!("{}/", definition.task(group).name);
        groups.members(group).iter().filter_map(move |it| {
            let name = definition.task(*it).name.as_str().strip_prefix(prefix.as_str())?;
            Some(TaskName::from(name))
        })
    });
    names.collect()
}

/// What an expression sees of a task.
pub(crate) fn task(it: &TaskRun) -> Value {
    let outcome = match it.phase.outcome() {
        Some(Outcome::Failed(failure)) => failure.outcome_word(),
        Some(outcome) => outcome.word().to_owned(),
        None => it.phase.word().to_owned(),
    };
    let mut object = json!({
        "state": it.word(),
        "outcome": outcome.split('(').next(),
        "attempts": it.attempts.len(),
        "outputs": outputs(it),
        "duration": duration(it),
    });
    if let Some(exit) = it.attempts.last().and_then(|it| it.exit) {
        object["exit"] = json!(exit);
    }
    if let Some(items) = &it.items {
        let view = |it: &crate::state::ItemRun| {
            json!({
                "key": it.item.key,
                "value": it.item.value,
                "state": it.progress.phase.word(),
                "outputs": it.progress.outputs,
            })
        };
        object["items"] = items.list.iter().map(view).collect();
        object["failed_items"] = json!(failed_items(it));
    }
    object
}

/// The outputs of a task; of a mapped one, for each name the list of what its items gave, in their order.
fn outputs(it: &TaskRun) -> Value {
    let Some(items) = &it.items else { return json!(it.outputs) };
    let mut lists: Map<String, Value> = Map::new();
    for (name, value) in items.list.iter().flat_map(|it| &it.progress.outputs) {
        let list = lists.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(value.clone());
        }
    }
    Value::Object(lists)
}

/// How many items of a mapped task have failed.
pub(crate) fn failed_items(it: &TaskRun) -> u32 {
    let items = it.items.as_ref().map_or(&[][..], |it| it.list());
    let failed = |it: &&crate::state::ItemRun| matches!(&it.progress.phase, TaskPhase::Finished(outcome) if outcome.is_failure());
    u32::try_from(items.iter().filter(failed).count()).unwrap_or(u32::MAX)
}

/// From the first start to the end, in seconds.
pub(crate) fn duration(it: &TaskRun) -> f64 {
    match (it.started_at, it.ended_at()) {
        (Some(start), Some(end)) => end.since(start).as_secs_f64(),
        _ => 0.0,
    }
}
