//! Groups by chance: plain and mapped ones, and groups in them.

use shared::workflow::{Kind, Map, MapOver, Section, Task, Tolerate};

use super::task;
use crate::rng::Rng;

/// Adds a task, or now and then a group with what is in it.
pub(super) fn push(rng: &mut Rng, name: String, section: Section, tasks: &mut Vec<Task>) {
    let before = seen_from_outside(tasks, section);
    let task = task(rng, name, section, &before);
    match rng.percent(22) {
        true => push_group(rng, task, tasks, 0),
        false => tasks.push(task),
    }
}

/// What can be needed there: of a mapped group only itself.
fn seen_from_outside(tasks: &[Task], section: Section) -> Vec<Task> {
    let is_inner = |it: &Task| it.group.is_some() && it.map.is_some() && is_in_chain(tasks, it);
    tasks.iter().filter(|it| it.section == section && !is_inner(it)).cloned().collect()
}

fn is_in_chain(tasks: &[Task], task: &Task) -> bool {
    let group = task.group.as_ref().and_then(|name| tasks.iter().find(|it| it.name == *name));
    group.is_some_and(|it| it.map.is_some() || is_in_chain(tasks, it))
}

/// Turns a task into a group that holds others.
fn push_group(rng: &mut Rng, task: Task, tasks: &mut Vec<Task>, depth: u32) {
    let group = Task {
        kind: Kind::Group,
        slots: 0,
        resources: Default::default(),
        env: Vec::new(),
        working_dir: None,
        retry: Default::default(),
        timeout: Default::default(),
        outputs: Default::default(),
        expect: Vec::new(),
        rollback: None,
        ..task
    };
    let first = tasks.len();
    tasks.push(group.clone());
    for number in 0..rng.between(1, 3) {
        let mut beside: Vec<Task> = tasks[first + 1..]
            .iter()
            .filter(|it| it.group.as_ref() == Some(&group.name))
            .cloned()
            .collect();
        if rng.percent(15) && depth == 0 {
            let outside = seen_from_outside(&tasks[..first], group.section);
            beside.extend(outside);
        }
        let inner = task_in(rng, &group, number, &beside);
        match depth == 0 && rng.percent(15) {
            true => push_group(rng, inner, tasks, depth + 1),
            false => tasks.push(inner),
        }
    }
}

fn task_in(rng: &mut Rng, group: &Task, number: u32, beside: &[Task]) -> Task {
    let inner = task(rng, format!("{}/{number}", group.name), group.section, beside);
    let (outer, group) = (group.map.clone(), Some(group.name.clone()));
    let map = match outer {
        Some(outer) => Some(Map { max_parallel: None, ..outer }),
        // A map within a plain group is one of its own.
        None => inner.map.map(|it| match it.over {
            MapOver::Expr(_) => Map { tolerate: Tolerate::Count(0), ..it },
            MapOver::List(_) => it,
        }),
    };
    Task { group, map, ..inner }
}
