//! What has happened in a test, in words.

use std::time::Duration;

use engine::describe::{describe, run_of};
use engine::{Event, Stamped};
use shared::id::RunId;
use shared::time::Timestamp;

use crate::player::Player;

/// What is said of the process of an attempt that is pretended.
const NO_PROCESS: &str = " (pid 1)";

/// Something that has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceLine {
    /// How long after the run was made.
    pub after: Duration,
    /// What.
    pub text: String,
}

/// What has happened in a run that was made at `created`. Steps on the way to the start of an attempt are left out.
pub(super) fn trace(player: &Player, run: RunId, created: Timestamp) -> Vec<TraceLine> {
    let mut notes = player.notes().iter().peekable();
    let mut lines = Vec::new();
    let line = |at: Timestamp, text: String| TraceLine { after: at.since(created), text };
    for (place, stamped) in player.events().iter().enumerate() {
        while let Some(note) = notes.next_if(|it| it.behind <= place) {
            lines.push(line(note.at, note.text.clone()));
        }
        if is_told(stamped, run) {
            // No process runs, so none has a number.
            lines.push(line(stamped.at, describe(stamped).text.replace(NO_PROCESS, "")));
        }
    }
    lines.extend(notes.map(|it| line(it.at, it.text.clone())));
    lines
}

fn is_told(stamped: &Stamped, run: RunId) -> bool {
    run_of(&stamped.event) == Some(run)
        && !matches!(stamped.event, Event::TaskQueued { .. } | Event::AttemptStarting { .. })
}
