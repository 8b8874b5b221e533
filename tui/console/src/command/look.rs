//! Commands that look at things and change how they are shown.

use std::collections::BTreeSet;

use super::{Command, Hint, Level, always};
use crate::app::{App, Frozen};
use crate::dialog::{self, Item};
use crate::effect::Effect;
use crate::key::Key;
use crate::screens::{self, Kind, Screen};
use crate::target::Target;
use crate::theme::Role;
use crate::why;

/// A command that only looks, on lists.
const LOOK: Command = Command {
    id: "",
    words: &[],
    title: "",
    doc: "",
    keys: &[],
    level: Level::Look,
    scope: Kind::LISTS,
    hint: Hint::None,
    enabled: always,
    run: |_, _| Vec::new(),
};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "open",
        words: &["show"],
        title: "Open",
        doc: "Goes down into what is selected.",
        keys: &[Key::Enter],
        hint: Hint::Verb("open"),
        enabled: |app| screens::can_open(app),
        run: |app, _| screens::open(app),
        ..LOOK
    },
    Command {
        id: "log",
        words: &["logs"],
        title: "Log",
        doc: "Shows what the selected task, or the run's first that failed, has printed.",
        keys: &[Key::Char('l')],
        hint: Hint::Verb("log"),
        enabled: |app| screens::log::of(app).map(drop),
        run: |app, _| match screens::log::of(app) {
            Ok(log) => app.open(Screen::Log(log)),
            Err(_) => Vec::new(),
        },
        ..LOOK
    },
    Command {
        id: "why",
        title: "Why",
        doc: "Says why the run or the task does not go on, or ended so.",
        keys: &[Key::Char('w')],
        hint: Hint::Verb("why"),
        enabled: |app| {
            app.can_act()?;
            screens::target(app).run().map(drop)
        },
        run: |app, _| why::ask(app),
        ..LOOK
    },
    Command {
        id: "copy",
        title: "Copy",
        doc: "Copies the command line of what was just done, or asks what to copy.",
        keys: &[Key::Char('y')],
        scope: Kind::ALL,
        hint: Hint::Verb("copy"),
        enabled: |app| match copies(app).is_empty() {
            true => Err("nothing is selected".to_owned()),
            false => Ok(()),
        },
        run: copy,
        ..LOOK
    },
    Command {
        id: "mark-row",
        title: "Mark row",
        doc: "Marks the row, or takes its mark away; acts are about all marked rows.",
        keys: &[Key::Char(' ')],
        scope: Kind::MARKS,
        run: |app, _| with_list(app, |it| it.toggle_mark()),
        ..LOOK
    },
    Command {
        id: "mark-range",
        title: "Mark range",
        doc: "Marks every row from the last mark to here.",
        keys: &[Key::Char('V')],
        scope: Kind::MARKS,
        run: |app, _| with_list(app, |it| it.mark_range()),
        ..LOOK
    },
    Command {
        id: "mark-all",
        title: "Mark all",
        doc: "Marks every row that the filter keeps, or takes all marks away.",
        keys: &[Key::Char('*')],
        scope: Kind::MARKS,
        run: |app, _| with_list(app, |it| it.mark_all()),
        ..LOOK
    },
    Command {
        id: "sort",
        title: "Sort",
        doc: "Asks by what the list is sorted.",
        keys: &[Key::Char('s')],
        enabled: |app| match screens::sorts(app).len() {
            0 | 1 => Err("there is one order here".to_owned()),
            _ => Ok(()),
        },
        run: sort,
        ..LOOK
    },
    Command {
        id: "watch",
        title: "Watch",
        doc: "Rings when the run has ended; pressed again, it does not.",
        keys: &[Key::Char('W')],
        enabled: |app| screens::target(app).run().map(drop),
        run: watch,
        ..LOOK
    },
    Command {
        id: "freeze",
        title: "Freeze",
        doc: "Lets the picture stand still; news are kept aside until it is pressed again.",
        keys: &[Key::Char('.')],
        scope: Kind::ALL,
        run: freeze,
        ..LOOK
    },
    Command {
        id: "refresh",
        title: "Refresh",
        doc: "Asks the daemon for everything anew, at once.",
        keys: &[Key::Ctrl('r')],
        scope: Kind::ALL,
        run: |app, _| app.refresh(),
        ..LOOK
    },
    Command {
        id: "redraw",
        title: "Redraw",
        doc: "Draws the screen anew.",
        keys: &[Key::Ctrl('l')],
        scope: Kind::ALL,
        run: |_, _| vec![Effect::Redraw],
        ..LOOK
    },
    Command {
        id: "suspend",
        title: "Suspend",
        doc: "Goes back to the shell; fg returns.",
        keys: &[Key::Ctrl('z')],
        scope: Kind::ALL,
        run: |_, _| vec![Effect::Suspend],
        ..LOOK
    },
];

/// What can be copied here: how it is called, and the text.
fn copies(app: &App) -> Vec<(String, String)> {
    let last = app.toast.as_ref().and_then(|it| it.cli.clone());
    let mut copies: Vec<(String, String)> =
        last.map(|it| ("what was just done".to_owned(), it)).into_iter().collect();
    copies.extend(screens::copies(app));
    copies
}

/// What can be copied of a target on any screen.
pub(crate) fn copies_of(target: &Target) -> Vec<(String, String)> {
    let mut copies = Vec::new();
    if !target.runs.is_empty() {
        let join = |texts: Vec<String>| texts.join("\n");
        let runs = &target.runs;
        copies.push(("name".to_owned(), join(runs.iter().map(|it| it.label.clone()).collect())));
        copies.push(("id".to_owned(), join(runs.iter().map(|it| it.id.to_string()).collect())));
    }
    if let Ok((run, task)) = target.task() {
        copies.push(("task".to_owned(), task.path.to_string()));
        let line =
            format!("runyard show {} {}", run.label, crate::cli::quoted(&task.path.to_string()));
        copies.push(("command line".to_owned(), line));
    } else if let Ok(run) = target.run() {
        copies.push(("command line".to_owned(), format!("runyard show {}", run.label)));
    }
    if let Some(workflow) = &target.workflow {
        copies.push(("workflow".to_owned(), workflow.to_string()));
    }
    if let Some(pool) = &target.pool {
        copies.push(("pool".to_owned(), pool.to_string()));
    }
    copies
}

fn copy(app: &mut App, _: &str) -> Vec<Effect> {
    if let Some(cli) = app.toast.as_ref().and_then(|it| it.cli.clone()) {
        return vec![Effect::Copy(cli)];
    }
    let items = copies(app).into_iter().zip('a'..='z').map(|((label, text), key)| Item {
        key,
        label,
        detail: text.replace('\n', " "),
        off: None,
        arg: text,
        run: |_, text| vec![Effect::Copy(text.to_owned())],
    });
    let items = items.collect();
    dialog::open_menu(app, "COPY", items)
}

fn sort(app: &mut App, name: &str) -> Vec<Effect> {
    let sorts = screens::sorts(app);
    if let Some(at) = sorts.iter().position(|it| *it == name) {
        return with_list(app, |it| it.set_sort(at));
    }
    let items = sorts.iter().zip('a'..='z').enumerate().map(|(at, (label, key))| Item {
        key,
        label: (*label).to_owned(),
        detail: String::new(),
        off: None,
        arg: at.to_string(),
        run: |app, at| {
            let at = at.parse().unwrap_or(0);
            with_list(app, |it| it.set_sort(at))
        },
    });
    let items = items.collect();
    dialog::open_menu(app, "SORT BY", items)
}

fn with_list(app: &mut App, change: impl FnOnce(&mut dyn screens::AnyList)) -> Vec<Effect> {
    if let Some(list) = screens::list(app) {
        change(list);
    }
    Vec::new()
}

fn watch(app: &mut App, _: &str) -> Vec<Effect> {
    let Ok(run) = screens::target(app).run().cloned() else { return Vec::new() };
    let toggle = |set: &mut BTreeSet<_>| set.remove(&run.id) || !set.insert(run.id);
    match toggle(&mut app.watched) {
        true => app.say(Role::Plain, format!("{}: no bell at its end", run.label)),
        false if run.is_over() => {
            app.watched.remove(&run.id);
            app.say(Role::Plain, format!("{} has ended", run.label));
        }
        false => app.say(Role::Plain, format!("{}: rings at its end", run.label)),
    }
    Vec::new()
}

fn freeze(app: &mut App, _: &str) -> Vec<Effect> {
    match app.frozen.take() {
        Some(frozen) => {
            let revision = app.store.revision.max(frozen.store.revision) + 1;
            app.store = crate::store::Store { revision, ..frozen.store };
        }
        None => app.frozen = Some(Frozen { since: app.now, store: app.store.clone() }),
    }
    Vec::new()
}
