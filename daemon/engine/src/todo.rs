//! What a step has still to look at.

use std::collections::{BTreeSet, VecDeque};

use crate::state::Spot;

/// Task runs whose needs are to be looked at, first come first. Each is there at most once: to look at a mapped task is
/// to look at all its items, and every one of them asks for it when it ends.
#[derive(Default, Debug)]
pub(crate) struct Todo {
    queue: VecDeque<Spot>,
    members: BTreeSet<Spot>,
}

impl Todo {
    /// Has a task run looked at after all others; one that is there already keeps its place.
    pub(crate) fn push(&mut self, spot: Spot) {
        if self.members.insert(spot) {
            self.queue.push_back(spot);
        }
    }

    /// Takes the first out. Whatever happens from here on may put it in again.
    pub(crate) fn pop(&mut self) -> Option<Spot> {
        let spot = self.queue.pop_front()?;
        self.members.remove(&spot);
        Some(spot)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Extend<Spot> for Todo {
    fn extend<T: IntoIterator<Item = Spot>>(&mut self, spots: T) {
        spots.into_iter().for_each(|spot| self.push(spot));
    }
}

#[cfg(test)]
mod tests {
    use shared::id::RunId;

    use super::*;

    fn spot(task: u32) -> Spot {
        Spot::task(RunId(1), task)
    }

    #[test]
    fn a_spot_that_many_ask_for_is_looked_at_once() {
        let mut todo = Todo::default();
        todo.extend([spot(1), spot(2)]);
        todo.extend(std::iter::repeat_n(spot(1), 20_000));
        assert_eq!((todo.pop(), todo.pop(), todo.pop()), (Some(spot(1)), Some(spot(2)), None));
        assert!(todo.is_empty());
    }

    #[test]
    fn a_spot_that_was_taken_out_can_be_asked_for_again() {
        let mut todo = Todo::default();
        todo.extend([spot(1), spot(2)]);
        assert_eq!(todo.pop(), Some(spot(1)));
        todo.push(spot(1));
        assert_eq!((todo.pop(), todo.pop()), (Some(spot(2)), Some(spot(1))));
    }
}
