//! How a history is played: how much of it, how closely it is looked at, and what of it is left out.

use std::collections::BTreeSet;

use shared::time::Timestamp;

/// Something of a history that can be left out without another thing becoming a different one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Choice {
    /// What a person does at an instant.
    Act(Timestamp),
    /// What goes wrong outside of a step at an instant.
    Fault(Timestamp),
    /// What goes wrong in a step at an instant.
    Death(Timestamp),
    /// A task of a version of a workflow, by its place.
    Task(u64, usize),
}

/// How a history is played.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// What it is made of.
    pub seed: u64,
    /// How many steps it has at least, before nothing goes wrong any more.
    pub steps: u64,
    /// How long it lasts at least, in hours of virtual time.
    pub hours: u64,
    /// The state is compared with its twin, and explained, after every so many steps.
    pub look_every: u64,
    /// Whether the engine's own invariant is asked too.
    pub asks_engine: bool,
    /// A deliberate fault of the driver.
    pub fault: Option<DriverFault>,
    /// What is left out.
    pub without: BTreeSet<Choice>,
    /// The history is broken off here.
    pub until: Option<Timestamp>,
}

/// A deliberate fault in the order of what the driver does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DriverFault {
    /// The disk says of a record that it has it, and has not.
    RecordLost,
    /// Effects are carried out before their events are on disk.
    EffectsFirst,
}

impl DriverFault {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::RecordLost, Self::EffectsFirst];
}

impl Script {
    /// A whole history, closely looked at.
    pub fn new(seed: u64, steps: u64) -> Self {
        Self {
            seed,
            steps,
            hours: 24,
            look_every: 1,
            asks_engine: true,
            fault: None,
            without: BTreeSet::new(),
            until: None,
        }
    }

    pub(crate) fn has(&self, choice: Choice) -> bool {
        !self.without.contains(&choice)
    }
}
