//! What was done, for a while, with what it would be on the command line and a way back where there is one.

use std::time::Duration;

use ratatui::style::Style;
use shared::request::Act;
use shared::time::Timestamp;

use crate::app::App;
use crate::format;
use crate::input::Ticket;
use crate::theme::Role;

/// How long it stays.
const STAYS: Duration = Duration::from_secs(6);
/// How long it stays where it can be undone.
const STAYS_UNDO: Duration = Duration::from_secs(10);

/// A line that tells what was done.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Toast {
    pub(crate) role: Role,
    pub(crate) text: String,
    /// The command line of what was done.
    pub(crate) cli: Option<String>,
    /// What undoes it.
    pub(crate) undo: Option<Undo>,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
}

/// What undoes an act, and how it is called.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Undo {
    pub(crate) label: String,
    pub(crate) act: Act,
}

/// An act without a dialog that has no answer yet.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Sent {
    pub(crate) ticket: Ticket,
    /// What is to be said once it is done.
    pub(crate) done: String,
    pub(crate) cli: String,
    pub(crate) undo: Option<Undo>,
}

impl Toast {
    pub(crate) fn new(now: Timestamp, role: Role, text: String) -> Self {
        Self { role, text, cli: None, undo: None, since: now, until: now + STAYS }
    }

    /// The same for so long.
    pub(crate) fn lasting(self, time: Duration) -> Self {
        Self { until: self.since + time, ..self }
    }

    /// That something was done.
    pub(crate) fn done(now: Timestamp, text: String, cli: String, undo: Option<Undo>) -> Self {
        let until = now + if undo.is_some() { STAYS_UNDO } else { STAYS };
        Self { role: Role::Good, text, cli: Some(cli), undo, since: now, until }
    }

    /// Whether its time has passed. A clock that was set back ends it too.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until || now < self.since
    }
}

/// The line as it is drawn.
pub(crate) fn pieces(app: &App, toast: &Toast) -> Vec<(String, Style)> {
    let theme = app.theme();
    let dim = theme.style(Role::Dim);
    let key = theme.style(Role::Key);
    let mut line = vec![(format!(" {}", toast.text), theme.style(toast.role))];
    if toast.undo.is_some() {
        let left = format::span(toast.until.since(app.now));
        line.extend([("   u".to_owned(), key), (format!(" undo {left}"), dim)]);
    }
    if let Some(cli) = &toast.cli {
        line.extend([("   y".to_owned(), key), (format!(" {cli}"), dim)]);
    }
    line
}
