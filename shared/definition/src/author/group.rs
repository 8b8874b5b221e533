//! Groups: a task and everything in it, one behind the other, each under its full name.

use shared::workflow::{Groups, Kind, Task};

use super::reader::Reader;
use super::task::{self, Around, Shared, TaskPlaces};
use crate::yaml::{Entry, Node};

/// Reads a task, and of a group what is in it behind it.
pub(super) fn read(
    entry: &Entry,
    shared: &Shared<'_>,
    tasks: &mut Vec<Task>,
    places: &mut Vec<TaskPlaces>,
    reader: &mut Reader<'_, '_, '_>,
) {
    let (task, place) = task::read(entry, shared, reader);
    let (name, kind, env) = (task.name.clone(), task.kind.clone(), task.env.clone());
    let outer = shared.group.and_then(|it| it.map.clone());
    let own = task.map.clone().map(|it| (it, name.clone()));
    tasks.push(task);
    places.push(place);
    if kind != Kind::Group {
        return;
    }
    let around = Around { name: &name, map: outer.or(own) };
    for entry in entry.value.get("tasks").map_or(&[][..], Node::entries) {
        let shared = Shared { env: &env, number: places.len(), group: Some(&around), ..*shared };
        read(entry, &shared, tasks, places, reader);
    }
}

/// Gives each need the full name of what it means; one that means nothing stays as it is written.
pub(super) fn resolve_needs(tasks: &mut [Task]) {
    let groups = Groups::of(tasks);
    for place in 0..tasks.len() {
        let from = u32::try_from(place).expect("a file holds fewer tasks than bytes");
        for need in 0..tasks[place].needs.len() {
            let found = groups.resolve(from, tasks[place].needs[need].as_str());
            if let Some(found) = found {
                tasks[place].needs[need] = tasks[found as usize].name.clone();
            }
        }
    }
}
