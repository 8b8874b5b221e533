//! How the tasks of a workflow lie in groups.

use std::collections::{BTreeMap, BTreeSet};

use super::{Kind, Section, Task};
use crate::id::TaskName;
use crate::snapshot::GraphEdge;

/// The groups among the tasks of a workflow, by places in the workflow.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Groups {
    places: BTreeMap<TaskName, u32>,
    names: Vec<TaskName>,
    parents: Vec<Option<u32>>,
    members: Vec<Vec<u32>>,
    chains: Vec<Option<u32>>,
}

impl Groups {
    /// Works them out. A group stands before what is in it; whatever names no such group is in none.
    pub fn of(tasks: &[Task]) -> Self {
        let mut groups = Self {
            places: (0..).zip(tasks).map(|(place, it)| (it.name.clone(), place)).collect(),
            names: tasks.iter().map(|it| it.name.clone()).collect(),
            members: vec![Vec::new(); tasks.len()],
            ..Self::default()
        };
        for (place, task) in (0_u32..).zip(tasks) {
            let parent = task.group.as_ref().and_then(|it| groups.places.get(it)).copied();
            let parent = parent.filter(|it| *it < place);
            let outer = parent.and_then(|it| groups.chains[it as usize]);
            let is_chain = task.map.is_some() && task.kind == Kind::Group;
            groups.chains.push(outer.or(is_chain.then_some(place)));
            groups.parents.push(parent);
            if let Some(parent) = parent {
                groups.members[parent as usize].push(place);
            }
        }
        groups
    }

    /// The place of a task by its full name.
    pub fn place(&self, name: &TaskName) -> Option<u32> {
        self.places.get(name).copied()
    }

    /// The group that the task at a place is directly in.
    pub fn group(&self, place: u32) -> Option<u32> {
        self.parents.get(place as usize).copied().flatten()
    }

    /// The groups that the task at a place is in, the nearest first.
    pub fn around(&self, place: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(self.group(place), |it| self.group(*it))
    }

    /// What is directly in the group at a place, in file order.
    pub fn members(&self, place: u32) -> &[u32] {
        self.members.get(place as usize).map_or(&[], Vec::as_slice)
    }

    /// Everything in the group at a place, however deep, in file order.
    pub fn inside(&self, place: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let mut todo: Vec<u32> = self.members(place).iter().rev().copied().collect();
        while let Some(next) = todo.pop() {
            found.push(next);
            todo.extend(self.members(next).iter().rev());
        }
        found
    }

    /// The mapped group whose items the task at a place has; of such a group it is itself.
    pub fn chain(&self, place: u32) -> Option<u32> {
        self.chains.get(place as usize).copied().flatten()
    }

    /// What `name` means to the task at a place: one beside it first, then one beside a group that it is in.
    pub fn resolve(&self, from: u32, name: &str) -> Option<u32> {
        let mut level = self.group(from);
        loop {
            let found = match level.and_then(|it| self.name(it)) {
                Some(group) => self.place(&format!("{group}/{name}").as_str().into()),
                None => return self.place(&name.into()),
            };
            if found.is_some() {
                return found;
            }
            level = level.and_then(|it| self.group(it));
        }
    }

    fn name(&self, place: u32) -> Option<&TaskName> {
        self.names.get(place as usize)
    }
}

impl Groups {
    /// The arrows of a workflow: a group leads to what starts in it, and from what ends in it to what needs the group.
    pub fn edges(&self, tasks: &[Task]) -> Vec<GraphEdge> {
        let mut edges = Vec::new();
        let name = |place: u32| tasks[place as usize].name.to_string();
        for (place, task) in (0_u32..).zip(tasks) {
            let needs: Vec<u32> = task.needs.iter().filter_map(|it| self.place(it)).collect();
            let group = self.group(place).filter(|_| !self.waits_within(place, &needs));
            let exits = needs.into_iter().flat_map(|it| self.exits(tasks, it));
            let mut seen = BTreeSet::new();
            let from = group.into_iter().chain(exits).filter(|it| seen.insert(*it));
            let edge = |from: u32| GraphEdge { from: name(from), to: name(place) };
            edges.extend(from.map(edge));
        }
        edges
    }

    /// Whether a task waits for another one of its group.
    fn waits_within(&self, place: u32, needs: &[u32]) -> bool {
        let group = self.group(place);
        needs.iter().any(|it| group.is_some() && self.around(*it).any(|it| Some(it) == group))
    }

    /// What ends last in the task at a place: nothing beside it in its group needs that.
    fn exits(&self, tasks: &[Task], place: u32) -> Vec<u32> {
        if self.members(place).is_empty() {
            return vec![place];
        }
        let members = self.members(place);
        let needed = |it: &u32| {
            members
                .iter()
                .any(|other| tasks[*other as usize].needs.contains(&tasks[*it as usize].name))
        };
        let last = members.iter().filter(|it| !needed(it));
        last.flat_map(|it| self.exits(tasks, *it)).collect()
    }
}

impl Task {
    /// The group that it is shown in: of a task in none `finally`, where it is part of that.
    pub fn shown_group(&self) -> Option<String> {
        match (&self.group, self.section) {
            (Some(group), _) => Some(group.to_string()),
            (None, Section::Finally) => Some("finally".to_owned()),
            (None, Section::Main) => None,
        }
    }
}
