//! Events as log lines. No other file logs a transition.

use engine::Stamped;
use engine::describe::describe;
use shared::id::Seq;

/// Logs what has just become true, a line an event. Values of parameters and outputs are in none of them.
pub(crate) fn log(first: Seq, events: &[Stamped]) {
    for (seq, stamped) in (first.0..).zip(events) {
        let it = describe(stamped);
        let run = it.run.map(|it| it.to_string()).unwrap_or_default();
        let task = it.task.unwrap_or_default();
        let attempt = it.attempt.unwrap_or_default();
        let actor = it.actor.unwrap_or_default();
        let text = plain(&it.text);
        tracing::info!(seq, kind = it.kind, run, task, attempt, actor, "{text}");
    }
}

/// A log is read in terminals: whatever a task, a file or a person has put into it is shown, never obeyed.
fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}
