//! A workflow with its edges worked out.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::id::TaskName;
use shared::workflow::{Kind, Task, TriggerRule, Workflow};

/// A workflow, and for each task the places of what it needs and of what needs it.
#[derive(Clone, PartialEq, Debug)]
pub struct Definition {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    places: BTreeMap<TaskName, u32>,
    needs: Vec<Vec<u32>>,
    dependents: Vec<Vec<u32>>,
    undos: Vec<Option<Task>>,
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
        Self { workflow, places, needs, dependents, undos }
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

    /// What any of `starts` needs, however far; without `starts` themselves, unless another of them needs them.
    pub fn upstream(&self, starts: impl IntoIterator<Item = u32>) -> Vec<u32> {
        self.closure(starts, |place| self.needs(place))
    }

    /// The nearest approvals that any of these goes back to: what comes before those was not asked for its sake.
    pub(crate) fn approvals_before(&self, places: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let is_approval = |place: &u32| matches!(self.task(*place).kind, Kind::Approval { .. });
        let next = |place: u32| match is_approval(&place) {
            true => &[][..],
            false => self.needs(place),
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

    /// What needs any of `starts`, however far; without `starts` themselves.
    pub fn downstream(&self, starts: impl IntoIterator<Item = u32>) -> Vec<u32> {
        self.closure(starts, |place| self.dependents(place))
    }

    fn closure<'a>(
        &'a self,
        starts: impl IntoIterator<Item = u32>,
        next: impl Fn(u32) -> &'a [u32],
    ) -> Vec<u32> {
        let mut seen = vec![false; self.needs.len()];
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
        found.sort_unstable();
        found
    }
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
        ..task.clone()
    })
}
