//! A workflow with its edges worked out.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::id::TaskName;
use shared::workflow::{Task, Workflow};

/// A workflow, and for each task the places of what it needs and of what needs it.
#[derive(Clone, PartialEq, Debug)]
pub struct Definition {
    /// The workflow.
    pub workflow: Arc<Workflow>,
    places: BTreeMap<TaskName, u32>,
    needs: Vec<Vec<u32>>,
    dependents: Vec<Vec<u32>>,
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
        Self { workflow, places, needs, dependents }
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
        let mut seen = vec![false; self.needs.len()];
        let mut todo: Vec<u32> = starts.into_iter().collect();
        let mut found = Vec::new();
        while let Some(place) = todo.pop() {
            for next in self.dependents(place) {
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
