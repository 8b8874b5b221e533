//! Commands that act on the world. Each works on what is selected or marked.

use shared::request::Decision;
use shared::workflow::Priority;

use super::{Command, Hint, Level, always};
use crate::app::App;
use crate::dialog::{self, Item};
use crate::effect::Effect;
use crate::key::Key;
use crate::screens::Kind;
use crate::verb;

/// A command that asks in a dialog, on lists of runs and tasks.
const ASK: Command = Command {
    id: "",
    words: &[],
    title: "",
    doc: "",
    keys: &[],
    level: Level::Asks,
    scope: Kind::ACTS,
    hint: Hint::None,
    enabled: always,
    run: |_, _| Vec::new(),
};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "approve",
        title: "Approve",
        doc: "Lets a run go on that asks.",
        keys: &[Key::Char('a')],
        hint: Hint::Verb("approve…"),
        enabled: |app| verb::decide(app, Decision::Approve).map(drop),
        run: |app, _| dialog::ask(app, verb::decide(app, Decision::Approve)),
        ..ASK
    },
    Command {
        id: "reject",
        title: "Reject",
        doc: "Does not let a run go on that asks; a comment is needed.",
        keys: &[Key::Char('x')],
        hint: Hint::Verb("reject…"),
        enabled: |app| verb::decide(app, Decision::Reject).map(drop),
        run: |app, _| dialog::ask(app, verb::decide(app, Decision::Reject)),
        ..ASK
    },
    Command {
        id: "retry",
        title: "Retry",
        doc: "Runs parts of a run again: this task, what failed, or from here on.",
        keys: &[Key::Char('r')],
        hint: Hint::Verb("retry…"),
        enabled: |app| verb::retry(app, "failed").map(drop),
        run: retry,
        ..ASK
    },
    Command {
        id: "run",
        words: &["trigger"],
        title: "Run",
        doc: "Makes a run of the workflow; parameters as name=value.",
        keys: &[Key::Char('t')],
        scope: &[Kind::Workflows],
        hint: Hint::Verb("run…"),
        enabled: |app| verb::run(app).map(drop),
        run: |app, params| dialog::ask_with_params(app, verb::run(app), params),
        ..ASK
    },
    Command {
        id: "pause",
        words: &["resume"],
        title: "Pause or resume",
        doc: "Starts nothing more of the run, workflow or pool, until it is resumed. What runs goes on.",
        keys: &[Key::Char('p')],
        scope: Kind::LISTS,
        hint: Hint::Verb("pause…"),
        enabled: |app| verb::pause(app).map(drop),
        run: |app, _| dialog::ask(app, verb::pause(app)),
        ..ASK
    },
    Command {
        id: "pause-all",
        words: &["resume-all"],
        title: "Pause or resume everything",
        doc: "Starts nothing more anywhere, until it is resumed. What runs goes on.",
        keys: &[Key::Char('P')],
        scope: Kind::LISTS,
        run: |app, _| dialog::ask(app, verb::pause_all(app)),
        ..ASK
    },
    Command {
        id: "cancel",
        title: "Cancel",
        doc: "Stops the run and everything of it that runs; pressed again while it ends, its `finally` too.",
        keys: &[Key::Char('K')],
        hint: Hint::Verb("cancel…"),
        enabled: |app| verb::cancel(app).map(drop),
        run: |app, _| dialog::ask(app, verb::cancel(app)),
        ..ASK
    },
    Command {
        id: "rollback",
        words: &["undo-run"],
        title: "Roll back",
        doc: "Undoes what the run has done, newest first; the run's number must be typed.",
        keys: &[Key::Char('R')],
        level: Level::Typed,
        hint: Hint::Verb("roll back…"),
        enabled: |app| verb::rollback(app).map(drop),
        run: |app, _| dialog::ask(app, verb::rollback(app)),
        ..ASK
    },
    Command {
        id: "hold",
        words: &["release"],
        title: "Hold or release",
        doc: "Stops the task before it starts, or lets it go on.",
        keys: &[Key::Char('H')],
        hint: Hint::Verb("hold…"),
        enabled: |app| verb::hold(app).map(drop),
        run: |app, _| dialog::ask(app, verb::hold(app)),
        ..ASK
    },
    Command {
        id: "skip",
        title: "Skip",
        doc: "Passes the task over; what needs it sees that it was skipped.",
        keys: &[Key::Char('S')],
        hint: Hint::Verb("skip…"),
        enabled: |app| verb::skip(app).map(drop),
        run: |app, _| dialog::ask(app, verb::skip(app)),
        ..ASK
    },
    Command {
        id: "mark",
        title: "Mark as",
        doc: "Says how the task, or its undo, has ended; the run's number must be typed.",
        keys: &[Key::Char('M')],
        level: Level::Typed,
        hint: Hint::Verb("mark as…"),
        enabled: |app| verb::mark(app, "failed").map(drop),
        run: mark,
        ..ASK
    },
    Command {
        id: "requeue",
        title: "Requeue",
        doc: "Stops the attempt, frees what it holds, and queues its task again.",
        keys: &[Key::Char('Q')],
        hint: Hint::Verb("requeue…"),
        enabled: |app| verb::requeue(app).map(drop),
        run: |app, _| dialog::ask(app, verb::requeue(app)),
        ..ASK
    },
    Command {
        id: "priority",
        title: "Priority",
        doc: "Gives the run another priority, at once; it can be undone for ten seconds.",
        keys: &[Key::Char('^')],
        level: Level::Undoable,
        enabled: |app| verb::prioritized(app).map(drop),
        run: prioritize,
        ..ASK
    },
    Command {
        id: "undo",
        title: "Undo",
        doc: "Takes back what was just done, while its line stands at the bottom.",
        keys: &[Key::Char('u')],
        level: Level::Undoable,
        scope: Kind::LISTS,
        enabled: |app| match app.toast.as_ref().is_some_and(|it| it.undo.is_some()) {
            true => Ok(()),
            false => Err("nothing was just done that can be undone".to_owned()),
        },
        run: |app, _| dialog::undo(app),
        ..ASK
    },
];

fn retry(app: &mut App, what: &str) -> Vec<Effect> {
    if !what.is_empty() {
        return dialog::ask(app, verb::retry(app, what));
    }
    if verb::target(app).task.is_none() {
        return dialog::ask(app, verb::retry(app, "failed"));
    }
    let item = |key, label: &str, detail: &str, arg: &str| Item {
        key,
        label: label.to_owned(),
        detail: detail.to_owned(),
        off: verb::retry(app, arg).err(),
        arg: arg.to_owned(),
        run: |app, what| dialog::ask(app, verb::retry(app, what)),
    };
    let items = vec![
        item('t', "this", "this task, and what needs it and has not succeeded", "this"),
        item('f', "failed", "all that has not succeeded", "failed"),
        item('h', "from here", "this task and all that needs it", "from"),
    ];
    dialog::open_menu(app, "RETRY", items)
}

fn mark(app: &mut App, what: &str) -> Vec<Effect> {
    if !what.is_empty() {
        return dialog::ask(app, verb::mark(app, what));
    }
    let item = |key, label: &str, detail: &str| Item {
        key,
        label: label.to_owned(),
        detail: detail.to_owned(),
        off: verb::mark(app, label).err(),
        arg: label.to_owned(),
        run: |app, what| dialog::ask(app, verb::mark(app, what)),
    };
    let items = vec![
        item('s', "success", "it did what it should"),
        item('f', "failed", "it did not"),
        item('u', "undone", "it was undone by hand"),
    ];
    dialog::open_menu(app, "MARK AS", items)
}

fn prioritize(app: &mut App, priority: &str) -> Vec<Effect> {
    if let Some(priority) = Priority::read(priority) {
        return prioritize_now(app, priority.0);
    }
    let items = Priority::WORDS.iter().zip('a'..='z').map(|((word, priority), key)| Item {
        key,
        label: (*word).to_owned(),
        detail: priority.0.to_string(),
        off: None,
        arg: priority.0.to_string(),
        run: |app, priority| prioritize_now(app, priority.parse().unwrap_or(Priority::NORMAL.0)),
    });
    let items = items.collect();
    dialog::open_menu_that_acts(app, "PRIORITY", items)
}

fn prioritize_now(app: &mut App, priority: u16) -> Vec<Effect> {
    let Ok(run) = verb::prioritized(app) else { return Vec::new() };
    let piece = verb::prioritize(&run, priority);
    let undo = run.priority.map(|before| verb::prioritize(&run, before));
    dialog::act_at_once(app, piece, format!("priority of {} is {priority}", run.label), undo)
}
