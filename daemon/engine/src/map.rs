//! How a mapped task gets its items, and what their ends make of it. Source: semantics, rule 10.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::expr::short;
use shared::id::{ItemKey, TaskName};
use shared::state::{Failure, Item, Outcome, TaskPhase, Wait};
use shared::workflow::{MapOver, Tolerate};

use crate::event::Event;
use crate::faults::{self, Fault};
use crate::group;
use crate::scope::{self, failed_items};
use crate::size::json_bytes;
use crate::state::{Spot, State};
use crate::step::Turn;

/// More items than this are a mistake.
const ITEMS_MAX: usize = 100_000;

/// A key names an item in commands, paths and every event of it; in bytes.
const KEY_MAX: usize = 256;

/// The items of a task become true in one event; in MiB of JSON text.
const VALUES_MAX_MIB: usize = 8;

impl Turn<'_> {
    /// Fixes the items of a mapped task from what is true, and makes them ready.
    pub(crate) fn expand(&mut self, spot: Spot) {
        match items(self.state, spot) {
            Ok(items) => {
                let definition = self.state.definition(spot.run);
                let task = definition.task(spot.task).name.clone();
                let inside = definition.groups().inside(spot.task).into_iter();
                let inner: Vec<TaskName> =
                    inside.map(|it| definition.task(it).name.clone()).collect();
                let parts: Vec<Spot> = inner
                    .iter()
                    .filter_map(|it| self.state.spot(spot.run, &it.clone().into()))
                    .collect();
                self.emit(Event::ItemsExpanded { run: spot.run, task, inner, items });
                self.todo.extend(parts);
                // Looked at again: its items are made ready, and one without items is over.
                self.todo.push(spot);
            }
            Err(problem) => {
                let problem = format!("`map` {problem}");
                self.finish(spot, Outcome::Failed(Failure::Expression(problem)));
            }
        }
    }

    /// Makes the items ready that have not begun. Those that run as processes wait in the queue for their turn; of others
    /// no more than `max_parallel` are begun.
    pub(crate) fn ready_items(&mut self, parent: Spot) {
        let task = self.state.task(parent);
        let limit = self.state.max_parallel(parent);
        let limit = if task.has_process() { None } else { limit };
        let Some(items) = &self.state.task_run(parent).items else { return };
        let is_group = self.state.is_group(parent);
        let begun = |phase: &TaskPhase| match is_group {
            true => matches!(phase, TaskPhase::Active(_)),
            false => !matches!(phase, TaskPhase::Waiting(Wait::Needs) | TaskPhase::Finished(_)),
        };
        let under_way = items.list.iter().filter(|it| begun(&it.progress.phase)).count();
        let room = limit.map_or(usize::MAX, |it| (it as usize).saturating_sub(under_way));
        let waiting: Vec<Spot> = (0..)
            .zip(&items.list)
            .filter(|(_, it)| it.progress.phase == TaskPhase::Waiting(Wait::Needs))
            .take(room)
            .map(|(place, _)| Spot { item: Some(place), ..parent })
            .collect();
        waiting.into_iter().for_each(|item| self.make_ready(item));
    }

    /// All items have ended: judges the task by how many of them failed.
    pub(crate) fn finish_map(&mut self, spot: Spot) {
        let progress = self.state.task_run(spot);
        let total = progress.items.as_ref().map_or(0, |it| it.list.len());
        let failed = failed_items(progress);
        if self.is_stopped(spot) && failed > 0 {
            return self.finish(spot, Outcome::Cancelled);
        }
        let more = u32::from(faults::active(Fault::ToleratesOneMore));
        let outcome = match tolerated(self.state, spot, total).map(|it| it + more) {
            Ok(tolerated) if failed <= tolerated => group::of_good_items(self.state, spot),
            Ok(_) if group::is_upstream_failed(self.state, spot) => Outcome::UpstreamFailed,
            Ok(_) => {
                let total = u32::try_from(total).expect("items are limited in number");
                Outcome::Failed(Failure::Items { failed, total })
            }
            Err(problem) => Outcome::Failed(Failure::Expression(format!("`tolerate` {problem}"))),
        };
        self.finish(spot, outcome);
    }
}

fn items(state: &State, spot: Spot) -> Result<Vec<Item>, String> {
    let map = state.task(spot).map.as_ref().expect("only a mapped task is expanded");
    let values = match &map.over {
        MapOver::List(values) => values.clone(),
        MapOver::Expr(expr) => {
            let scope = scope::of_task(state, spot, expr.names().iter());
            match expr.evaluate(&scope).map_err(|it| it.to_string())? {
                Value::Array(values) => values,
                other => {
                    return Err(format!("{expr:?}: it is {}, and should be a list", short(&other)));
                }
            }
        }
    };
    if values.len() > ITEMS_MAX {
        return Err(format!("has {} items, {ITEMS_MAX} are allowed", values.len()));
    }
    if values.iter().map(json_bytes).sum::<usize>() > VALUES_MAX_MIB << 20 {
        return Err(format!("has items of more than {VALUES_MAX_MIB} MiB together"));
    }
    let mut keys: BTreeSet<ItemKey> = BTreeSet::new();
    values
        .into_iter()
        .map(|value| {
            let key = match &map.key {
                Some(key) => {
                    let names = key.names().iter();
                    let scope = scope::of_task(state, spot, names).with(&map.name, value.clone());
                    key.evaluate(&scope).map_err(|it| it.to_string())?
                }
                None => value.clone(),
            };
            let key: ItemKey = match key {
                Value::String(text) => text.as_str().into(),
                Value::Number(_) | Value::Bool(_) => key.to_string().as_str().into(),
                other => {
                    return Err(format!(
                        "has the item {}, which is no scalar: say with `key` what it is addressed by",
                        short(&other)
                    ));
                }
            };
            if key.as_str().len() > KEY_MAX {
                return Err(format!(
                    "has an item whose key is {} bytes long, {KEY_MAX} are allowed: say with `key` what it is addressed by",
                    key.as_str().len()
                ));
            }
            if !keys.insert(key.clone()) {
                return Err(format!("has two items with the key `{key}`"));
            }
            Ok(Item { key, value })
        })
        .collect()
}

/// How many items may fail.
fn tolerated(state: &State, spot: Spot, total: usize) -> Result<u32, String> {
    let map = state.task(spot).map.as_ref().expect("only a mapped task has items");
    let total = u32::try_from(total).expect("items are limited in number");
    match &map.tolerate {
        Tolerate::Count(count) => Ok(*count),
        Tolerate::Percent(percent) => {
            let count = u64::from(total) * u64::from(*percent) / 100;
            Ok(u32::try_from(count).expect("a part of a small number is small"))
        }
        Tolerate::Expr(expr) => {
            let scope = scope::of_task(state, spot, expr.names().iter());
            let value = expr.evaluate(&scope).map_err(|it| it.to_string())?;
            let number = value.as_u64().and_then(|it| u32::try_from(it).ok());
            number.ok_or_else(|| {
                format!("{expr:?}: it is {}, and should be a whole number", short(&value))
            })
        }
    }
}
