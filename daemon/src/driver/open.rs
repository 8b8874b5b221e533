//! How the driver comes to its state: the store is opened, and its journal replayed.

use std::path::Path;

use engine::{Stamped, State};
use serde::de::IgnoredAny;
use shared::id::Seq;

use crate::history::History;
use crate::store::{IndexOpened, Opened, Store, StoreError};

/// A store that is open, and the state that its journal tells.
pub(crate) struct Opening {
    pub(crate) store: Store,
    pub(crate) state: State,
    pub(crate) history: History,
    pub(crate) seq: Seq,
}

/// Opens the state folder and replays its journal; the index is told what it has not seen.
pub(crate) fn open(dir: &Path) -> Result<Opening, StoreError> {
    // The index can be trusted only once the journal is known to be whole: so it is read twice.
    let (mut store, opened) = Store::open::<IgnoredAny>(dir, |_| {})?;
    tell(&opened);
    let (state, history) = replay(&mut store)?;
    store.index.sync().map_err(StoreError::Index)?;
    let seq = Seq(opened.journal.last_seq);
    Ok(Opening { store, state, history, seq })
}

/// The state that the journal tells. What the index has not seen is put into it.
pub(super) fn replay(store: &mut Store) -> Result<(State, History), StoreError> {
    let mut state = State::default();
    let mut history = History::default();
    let indexed = store.index.seq();
    store.replay::<Stamped>(1, |step, blobs, index| {
        let last = Seq(step.first_seq + (step.events.len() as u64).saturating_sub(1));
        step.events.iter().for_each(|it| state.apply(it));
        history.take_in(Seq(step.first_seq), step.events);
        let ended = std::mem::take(&mut state.ended);
        if last.0 > indexed {
            return history.archive(blobs, index, last, &ended);
        }
        ended.iter().for_each(|it| history.forget(it.run.id));
        Ok(())
    })?;
    history.find_earlier(&store.index, &state);
    Ok((state, history))
}

/// Says what was found that an operator should know.
fn tell(opened: &Opened) {
    if let Some(behind) = &opened.behind {
        let (first, last) = (behind.start(), behind.end());
        tracing::info!(first, last, "the index is told what it has not seen");
    }
    if opened.journal.torn_bytes_cut > 0 {
        let bytes = opened.journal.torn_bytes_cut;
        tracing::warn!(
            bytes,
            "the journal ended in an unfinished write, which nobody was told of; it is cut"
        );
    }
    if let IndexOpened::Rebuilt { why, kept } = &opened.index {
        let (why, kept) = (super::with_sources(why), kept.display());
        tracing::warn!(why, %kept, "the index is made anew from the journal; the old one is kept aside");
    }
}
