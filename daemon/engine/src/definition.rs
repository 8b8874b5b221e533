//! A workflow with its edges worked out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::id::TaskName;
use shared::workflow::{Groups, Kind, Task, TriggerRule, Workflow};

/// A workflow, and for each task the places of what it needs and of what needs it.
#[derive(Clone, PartialEq, Debug)]
pub struct Definition {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    places: BTreeMap<TaskName, u32>,
    needs: Vec<Vec<u32>>,
    dependents: Vec<Vec<u32>>,
    undos: Vec<Option<Task>>,
    groups: Groups,
    /// For each start of a task what can go on when it has ended, and behind those for each end of a group.
    then: Vec<Vec<u32>>,
    /// The same backwards.
    before: Vec<Vec<u32>>,
}

impl Definition {
    /// Works out the edges. A need that is no task is passed over: a loaded workflow has none.
    pub fn new(workflow: Arc<Workflow>) -> Self {
        let places: BTreeMap<TaskName, u32> =
            (0..).zip(&workflow.tasks).map(|(place, it)| (it.name.clone(), place)).collect();
        let needs: Vec<Vec<u32>> = workflow
            .tasks
            .iter()
            .map(|it| it.needs.iter().filter_map(|need| places.get(need).copied()).collect())
            .collect();
        let mut dependents = vec![Vec::new(); needs.len()];
        for (place, needs) in (0..).zip(&needs) {
            for need in needs {
                dependents[*need as usize].push(place);
            }
        }
        let undos = workflow.tasks.iter().map(undo_of).collect();
        let groups = Groups::of(&workflow.tasks);
        let before = before(&groups, &needs);
        let mut then = vec![Vec::new(); before.len()];
        for (node, needs) in (0..).zip(&before) {
            needs.iter().for_each(|need| then[*need as usize].push(node));
        }
        Self { workflow, places, needs, dependents, undos, groups, then, before }
    }

    /// The place of a task in file order.
    pub fn place(&self, task: &TaskName) -> Option<u32> {
        self.places.get(task).copied()
    }

    /// The task at a place.
    ///
    /// # Panics
    /// If the place is of another workflow.
    pub fn task(&self, place: u32) -> &Task {
        &self.workflow.tasks[place as usize]
    }

    /// The undo of a task as a task of its own, where it has one.
    pub fn undo(&self, place: u32) -> Option<&Task> {
        self.undos.get(place as usize)?.as_ref()
    }

    /// How its tasks lie in groups.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The place of the mapped group whose items the task at a place has; of such a group it is itself.
    pub(crate) fn chain(&self, place: u32) -> Option<u32> {
        self.groups.chain(place)
    }

    /// What any of `starts` needs, however far; without `starts` themselves, unless another of them needs them. Of a group
    /// that is needed all that is in it is too; and what is in a group needs what that needs.
    pub fn upstream(&self, starts: impl IntoIterator<Item = u32>) -> Vec<u32> {
        self.closure(starts, |node| &self.before[node as usize])
    }

    /// What is in the same chain and needed by the task at `place` within one item, however far.
    pub(crate) fn upstream_in_chain(&self, place: u32) -> Vec<u32> {
        self.closure_in_chain(place, |node| &self.before[node as usize])
    }

    /// What is in the same chain and needs the task at `place` within one item, however far.
    pub(crate) fn downstream_in_chain(&self, place: u32) -> Vec<u32> {
        self.closure_in_chain(place, |node| &self.then[node as usize])
    }

    fn closure_in_chain<'a>(&'a self, place: u32, next: impl Fn(u32) -> &'a [u32]) -> Vec<u32> {
        let Some(root) = self.chain(place) else { return Vec::new() };
        let count = u32::try_from(self.needs.len()).expect("fewer tasks than bytes");
        let is_inside = |node: &u32| {
            let place = if *node >= count { *node - count } else { *node };
            place != root && self.chain(place) == Some(root)
        };
        let mut seen = BTreeSet::from([place]);
        let mut todo = vec![place];
        while let Some(node) = todo.pop() {
            for next in next(node).iter().filter(|it| is_inside(it)) {
                if seen.insert(*next) {
                    todo.push(*next);
                }
            }
        }
        seen.into_iter().filter(|it| *it < count && *it != place).collect()
    }

    /// The nearest approvals that any of these goes back to: what comes before those was not asked for its sake.
    pub(crate) fn approvals_before(&self, places: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let is_approval = |place: &u32| matches!(self.task(*place).kind, Kind::Approval { .. });
        let count = u32::try_from(self.needs.len()).expect("fewer tasks than bytes");
        let next = |node: u32| match node < count && is_approval(&node) {
            true => &[][..],
            false => &self.before[node as usize],
        };
        self.closure(places, next).into_iter().filter(is_approval).collect()
    }

    /// The places of what a task needs, in the order of its file.
    pub fn needs(&self, place: u32) -> &[u32] {
        &self.needs[place as usize]
    }

    /// The places of what needs a task directly, in file order.
    pub fn dependents(&self, place: u32) -> &[u32] {
        &self.dependents[place as usize]
    }

    /// The places of all tasks, in file order.
    pub fn places(&self) -> impl Iterator<Item = u32> + use<> {
        0..u32::try_from(self.needs.len()).expect("a workflow file has fewer tasks than bytes")
    }

    /// What starts only once any of `starts` has ended, however far; without `starts` themselves. Of a group all that is in
    /// it is among that; a group is not where only what is in it starts again.
    pub fn downstream(&self, starts: impl IntoIterator<Item = u32>) -> Vec<u32> {
        self.closure(starts, |node| &self.then[node as usize])
    }

    /// What starts only once all of a group has ended, however far.
    pub(crate) fn downstream_of_end(&self, group: u32) -> Vec<u32> {
        let count = u32::try_from(self.needs.len()).expect("fewer tasks than bytes");
        self.closure([count + group], |node| &self.then[node as usize])
    }

    fn closure<'a>(
        &'a self,
        starts: impl IntoIterator<Item = u32>,
        next: impl Fn(u32) -> &'a [u32],
    ) -> Vec<u32> {
        let mut seen = vec![false; self.before.len()];
        let mut todo: Vec<u32> = starts.into_iter().collect();
        let mut found = Vec::new();
        while let Some(place) = todo.pop() {
            for next in next(place) {
                if !std::mem::replace(&mut seen[*next as usize], true) {
                    found.push(*next);
                    todo.push(*next);
                }
            }
        }
        found.retain(|it| (*it as usize) < self.needs.len());
        found.sort_unstable();
        found
    }
}

/// What must have ended before each task, and behind those before the end of each group. Whatever is needed is needed at
/// its end; what is in a group waits for its start.
fn before(groups: &Groups, needs: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let count = u32::try_from(needs.len()).expect("a workflow file has fewer tasks than bytes");
    let end = |place: u32| match groups.members(place).is_empty() {
        true => place,
        false => count + place,
    };
    let starts = (0..count)
        .zip(needs)
        .map(|(place, needs)| needs.iter().map(|it| end(*it)).chain(groups.group(place)).collect());
    let ends = (0..count).map(|place| match groups.members(place) {
        [] => Vec::new(),
        members => members.iter().map(|it| end(*it)).chain([place]).collect(),
    });
    starts.chain(ends).collect()
}

/// What a task's `rollback` runs, in the place of the task and with what it has.
fn undo_of(task: &Task) -> Option<Task> {
    let rollback = task.rollback.as_ref()?;
    Some(Task {
        kind: rollback.kind.clone(),
        retry: rollback.retry.clone(),
        timeout: rollback.timeout,
        needs: Vec::new(),
        trigger_rule: TriggerRule::Always,
        when: None,
        hold: false,
        slots: task.slots.max(1),
        outputs: BTreeMap::new(),
        expect: Vec::new(),
        rollback: None,
        preemptible: false,
        ..task.clone()
    })
}
