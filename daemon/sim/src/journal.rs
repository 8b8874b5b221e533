//! What is on disk: the events of steps, as bytes. A step is here as a whole or not at all.

use engine::{Stamped, State};

/// A journal that exists only as a value.
#[derive(Clone, Default, Debug)]
pub struct Journal {
    records: Vec<Vec<u8>>,
}

impl Journal {
    /// Keeps the events of a step, and gives them back as a reader will see them.
    ///
    /// # Errors
    /// If an event cannot be written or read back: a fault of ours.
    pub fn append(&mut self, events: &[Stamped]) -> Result<Vec<Stamped>, String> {
        let bytes = rmp_serde::to_vec_named(events)
            .map_err(|it| format!("an event cannot be written: {it}"))?;
        let read = decode(&bytes)?;
        if read != events {
            return Err("an event read back is not what was written".to_owned());
        }
        self.records.push(bytes);
        Ok(read)
    }

    /// All events, oldest first.
    ///
    /// # Errors
    /// If an event cannot be read back: a fault of ours.
    pub fn events(&self) -> Result<Vec<Stamped>, String> {
        let steps: Result<Vec<_>, String> = self.records.iter().map(|it| decode(it)).collect();
        Ok(steps?.into_iter().flatten().collect())
    }

    /// Loses the newest record, as a disk does that lies.
    pub fn lose(&mut self) {
        self.records.pop();
    }

    /// The state that follows from all events.
    ///
    /// # Errors
    /// If an event cannot be read back: a fault of ours.
    pub fn replay(&self) -> Result<State, String> {
        let mut state = State::default();
        for record in &self.records {
            decode(record)?.iter().for_each(|it| state.apply(it));
        }
        Ok(state)
    }
}

fn decode(bytes: &[u8]) -> Result<Vec<Stamped>, String> {
    rmp_serde::from_slice(bytes).map_err(|it| format!("an event cannot be read: {it}"))
}
