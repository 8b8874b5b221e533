//! What runs again in groups: of a mapped one within the items that are meant.

use std::collections::BTreeSet;

use shared::id::RunId;
use shared::request::RetryWhat;
use shared::workflow::Kind;

use super::{is_undone, is_undone_at, never_begun};
use crate::State;
use crate::definition::Definition;
use crate::group;
use crate::state::{Run, Spot};

/// What is asked for, as far as it has begun: in a group that has not, the group. Of what is `--failed` a group that has
/// begun is told by what is in it, if any of that has failed.
pub(super) fn of_begun(state: &State, asked: Vec<Spot>, what: &RetryWhat) -> Vec<Spot> {
    let around = |it: Spot| never_begun(state, it).unwrap_or(it);
    let asked: BTreeSet<Spot> = asked.into_iter().map(around).collect();
    if *what != RetryWhat::Failed {
        return asked.into_iter().collect();
    }
    let told: BTreeSet<Spot> = asked.iter().flat_map(|it| wholes(state, *it)).collect();
    asked.into_iter().filter(|it| !told.contains(it)).collect()
}

/// What a task run is a part of: the groups around it, and in a mapped one each task as a whole.
fn wholes(state: &State, spot: Spot) -> Vec<Spot> {
    let around = std::iter::successors(group::around(state, spot), |it| group::around(state, *it));
    let mut found: Vec<Spot> = around.flat_map(|it| [it, it.parent()]).collect();
    let is_in_chain = state.definition(spot.run).chain(spot.task).is_some();
    if spot.item.is_some() && is_in_chain {
        found.push(spot.parent());
    }
    found
}

/// Whether only a part of a mapped group is meant.
pub(super) fn is_inner(definition: &Definition, spot: Spot) -> bool {
    definition.chain(spot.task).is_some_and(|it| spot.item.is_some() || it != spot.task)
}

/// What runs again of the items that are meant. What starts only once their group has ended runs again as a whole.
pub(super) fn of_items(
    state: &State,
    run: RunId,
    asked: Vec<Spot>,
    whole: &mut BTreeSet<u32>,
) -> Vec<Spot> {
    let definition = state.definition(run);
    let mut items = BTreeSet::new();
    for spot in asked {
        let Some(chain) = definition.chain(spot.task) else { continue };
        whole.extend(definition.downstream_of_end(chain));
        for spot in each(state, spot) {
            let is_root = spot.task == chain;
            items.extend((!is_root).then_some(spot));
            let then = definition.downstream_in_chain(spot.task);
            items.extend(then.into_iter().map(|task| Spot { task, ..spot }));
        }
    }
    // What starts anew in a mapped group that does not, does so once an item.
    let is_part =
        |task: &u32| definition.chain(*task).is_some_and(|it| it != *task && !whole.contains(&it));
    let parts: Vec<u32> = whole.iter().filter(|it| is_part(it)).copied().collect();
    for task in parts {
        whole.remove(&task);
        items.extend(each(state, Spot::task(run, task)));
    }
    items.into_iter().filter(|it| !whole.contains(&it.task)).collect()
}

/// The items of a task as a whole; an item is itself.
fn each(state: &State, spot: Spot) -> Vec<Spot> {
    if spot.item.is_some() {
        return vec![spot];
    }
    let items = state.task_run(spot).items.as_ref().map_or(0, |it| it.list().len());
    let places = 0..u32::try_from(items).expect("fewer items than bytes");
    places.map(|place| Spot { item: Some(place), ..spot }).collect()
}

/// What runs again needs this, and it was undone: it runs again too.
pub(super) fn undone_before(state: &State, run: &Run, asked: &[Spot]) -> Vec<Spot> {
    let definition = state.definition(run.id);
    let is_work = |task: &u32| definition.task(*task).kind != Kind::Group;
    let mut found = BTreeSet::new();
    let plain = asked.iter().filter(|it| !is_inner(definition, **it)).map(|it| it.task);
    let upstream = definition.upstream(plain);
    let undone = upstream.into_iter().filter(|it| is_work(it) && is_undone(run, *it));
    found.extend(undone.map(|task| Spot::task(run.id, task)));
    for spot in asked.iter().filter(|it| is_inner(definition, **it)) {
        let upstream = definition.upstream([spot.task]).into_iter().filter(is_work);
        let needed = upstream.map(|task| group::needed(state, *spot, task));
        found.extend(needed.filter(|it| is_undone_at(run, *it)));
    }
    found.into_iter().collect()
}
