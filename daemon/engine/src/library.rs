//! Workflows, as the daemon's files say.

use std::collections::BTreeSet;
use std::sync::Arc;

use shared::id::WorkflowName;
use shared::workflow::Workflow;

use crate::event::Event;
use crate::input::Shelf;
use crate::step::Turn;

impl Turn<'_> {
    /// Takes in what the workflows folder holds: what is new, what is broken, what is gone. What is as it was, is no event.
    pub(crate) fn read_library(&mut self, shelves: Vec<Shelf>) {
        let mut seen = BTreeSet::new();
        for shelf in shelves {
            match shelf {
                Shelf::Good(workflow) => {
                    seen.insert(workflow.name.clone());
                    self.read_good(&workflow);
                }
                Shelf::Broken { name, problems } => {
                    seen.insert(name.clone());
                    self.read_broken(name, problems);
                }
            }
        }
        let gone: Vec<WorkflowName> = self
            .state
            .library
            .iter()
            .filter(|(name, entry)| !entry.gone && !seen.contains(*name))
            .map(|(name, _)| name.clone())
            .collect();
        gone.into_iter().for_each(|name| self.emit(Event::WorkflowGone { name }));
    }

    fn read_good(&mut self, workflow: &Arc<Workflow>) {
        let entry = self.state.library.get(&workflow.name);
        let is_as_it_was = entry.is_some_and(|it| {
            it.version.as_ref() == Some(&workflow.version) && it.problems.is_empty() && !it.gone
        });
        if !is_as_it_was {
            self.emit(Event::WorkflowLoaded { workflow: workflow.clone() });
        }
    }

    fn read_broken(&mut self, name: WorkflowName, problems: Vec<String>) {
        let entry = self.state.library.get(&name);
        if !entry.is_some_and(|it| it.problems == problems && !it.gone) {
            self.emit(Event::WorkflowBroken { name, problems });
        }
    }
}
