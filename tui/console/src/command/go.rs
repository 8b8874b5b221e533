//! Commands that go somewhere.

use super::{Command, Hint, Level, always};
use crate::app::{App, Overlay};
use crate::dialog;
use crate::effect::Effect;
use crate::help::Help;
use crate::key::Key;
use crate::list::Step;
use crate::needs::{self, NeedOf};
use crate::palette::{FilterBox, Palette};
use crate::screens::{self, Kind, Screen};
use crate::theme::Role;

/// A command that only looks and always makes sense.
const GO: Command = Command {
    id: "",
    words: &[],
    title: "",
    doc: "",
    keys: &[],
    level: Level::Look,
    scope: Kind::ALL,
    hint: Hint::None,
    enabled: always,
    run: |_, _| Vec::new(),
};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "pulse",
        title: "Pulse",
        doc: "Shows what needs you now, pools and what runs.",
        keys: &[Key::Char('1')],
        run: |app, _| app.open_root(Screen::Pulse),
        ..GO
    },
    Command {
        id: "workflows",
        title: "Workflows",
        doc: "Shows the workflows, and whether they are paused or broken.",
        keys: &[Key::Char('2')],
        run: |app, _| app.open_root(Screen::Workflows),
        ..GO
    },
    Command {
        id: "runs",
        title: "Runs",
        doc: "Shows the runs, newest first; a filter may follow.",
        keys: &[Key::Char('3')],
        run: runs,
        ..GO
    },
    Command {
        id: "queues",
        words: &["queue", "pools"],
        title: "Queues",
        doc: "Shows the pools, what waits for them and who holds their slots.",
        keys: &[Key::Char('4')],
        run: |app, _| app.open_root(Screen::Queues),
        ..GO
    },
    Command {
        id: "approvals",
        title: "Approvals",
        doc: "Shows what a person must decide.",
        keys: &[Key::Char('5')],
        run: |app, _| app.open_root(Screen::Approvals),
        ..GO
    },
    Command {
        id: "up",
        title: "Up",
        doc: "Takes marks away, then the filter, then goes up one level. Never quits.",
        keys: &[Key::Esc],
        run: up,
        ..GO
    },
    Command {
        id: "close",
        title: "Close",
        doc: "Closes the screen; on the first one asks whether to quit.",
        keys: &[Key::Char('q')],
        run: |app, _| app.up().unwrap_or_else(|| dialog::ask_to_quit(app)),
        ..GO
    },
    Command {
        id: "quit",
        words: &["exit"],
        title: "Quit",
        doc: "Asks whether to quit.",
        keys: &[Key::Ctrl('c')],
        run: |app, _| dialog::ask_to_quit(app),
        ..GO
    },
    Command {
        id: "back",
        title: "Last view",
        doc: "Goes back to the view before this one.",
        keys: &[Key::Char('-')],
        run: |app, _| app.back(),
        ..GO
    },
    Command {
        id: "next-need",
        title: "Next that needs you",
        doc: "Goes to the next thing that needs a person, most harmful first.",
        keys: &[Key::Char('!')],
        hint: Hint::General("next need"),
        run: next_need,
        ..GO
    },
    Command {
        id: "palette",
        title: "Palette",
        doc: "Finds screens, runs, workflows, pools and commands by what is typed.",
        keys: &[Key::Char(':')],
        hint: Hint::General(""),
        run: |app, _| {
            app.overlay = Some(Overlay::Palette(Palette::new(app)));
            Vec::new()
        },
        ..GO
    },
    Command {
        id: "filter",
        title: "Filter",
        doc: "Narrows the list: words, key:value, !not, age<1d.",
        keys: &[Key::Char('/')],
        scope: Kind::LISTS,
        hint: Hint::General(""),
        run: filter,
        ..GO
    },
    Command {
        id: "help",
        title: "Help",
        doc: "Lists every key that works here; enter runs it.",
        keys: &[Key::Char('?')],
        hint: Hint::General(""),
        run: |app, _| {
            app.overlay = Some(Overlay::Help(Help::new(app)));
            Vec::new()
        },
        ..GO
    },
    Command {
        id: "next-pane",
        title: "Next pane",
        doc: "Gives the keys to the next pane.",
        keys: &[Key::Tab],
        enabled: has_panes,
        run: |app, _| pane(app, 1),
        ..GO
    },
    Command {
        id: "previous-pane",
        title: "Previous pane",
        doc: "Gives the keys to the pane before.",
        keys: &[Key::BackTab],
        enabled: has_panes,
        run: |app, _| pane(app, -1),
        ..GO
    },
    Command {
        id: "zoom",
        title: "Zoom pane",
        doc: "Gives the pane the whole screen.",
        keys: &[Key::Char('+')],
        run: |app, _| zoom(app, true),
        ..GO
    },
    Command {
        id: "unzoom",
        title: "All panes",
        doc: "Shows all panes again.",
        keys: &[Key::Char('_')],
        run: |app, _| zoom(app, false),
        ..GO
    },
    Command {
        id: "move-up",
        title: "Up a row",
        doc: "Moves up.",
        keys: &[Key::Up, Key::Char('k')],
        run: |app, _| screens::step(app, Step::Up),
        ..GO
    },
    Command {
        id: "move-down",
        title: "Down a row",
        doc: "Moves down.",
        keys: &[Key::Down, Key::Char('j')],
        run: |app, _| screens::step(app, Step::Down),
        ..GO
    },
    Command {
        id: "move-left",
        title: "Left",
        doc: "Moves left, in graphs and long lines.",
        keys: &[Key::Left],
        run: |app, _| screens::step(app, Step::Left),
        ..GO
    },
    Command {
        id: "move-right",
        title: "Right",
        doc: "Moves right, in graphs and long lines.",
        keys: &[Key::Right],
        run: |app, _| screens::step(app, Step::Right),
        ..GO
    },
    Command {
        id: "page-up",
        title: "Page up",
        doc: "Moves up a page.",
        keys: &[Key::PageUp],
        run: |app, _| screens::step(app, Step::PageUp),
        ..GO
    },
    Command {
        id: "page-down",
        title: "Page down",
        doc: "Moves down a page.",
        keys: &[Key::PageDown],
        run: |app, _| screens::step(app, Step::PageDown),
        ..GO
    },
    Command {
        id: "half-page-up",
        title: "Half a page up",
        doc: "Moves up half a page.",
        keys: &[Key::Ctrl('u')],
        run: |app, _| screens::step(app, Step::HalfUp),
        ..GO
    },
    Command {
        id: "half-page-down",
        title: "Half a page down",
        doc: "Moves down half a page.",
        keys: &[Key::Ctrl('d')],
        run: |app, _| screens::step(app, Step::HalfDown),
        ..GO
    },
    Command {
        id: "top",
        title: "Top",
        doc: "Moves to the first row.",
        keys: &[Key::Char('g'), Key::Home],
        run: |app, _| screens::step(app, Step::First),
        ..GO
    },
    Command {
        id: "bottom",
        title: "Bottom",
        doc: "Moves to the last row.",
        keys: &[Key::Char('G'), Key::End],
        run: |app, _| screens::step(app, Step::Last),
        ..GO
    },
    Command {
        id: "next-failed",
        title: "Next failed",
        doc: "Moves to the next one that has failed.",
        keys: &[Key::Char('e')],
        run: |app, _| screens::step(app, Step::NextFailed),
        ..GO
    },
    Command {
        id: "previous-failed",
        title: "Previous failed",
        doc: "Moves to the one before that has failed.",
        keys: &[Key::Char('E')],
        run: |app, _| screens::step(app, Step::PreviousFailed),
        ..GO
    },
];

fn runs(app: &mut App, filter: &str) -> Vec<Effect> {
    let effects = app.open_root(Screen::Runs);
    if !filter.is_empty() {
        screens::set_filter(app, filter);
    }
    effects
}

fn filter(app: &mut App, text: &str) -> Vec<Effect> {
    if text.is_empty() {
        app.overlay =
            screens::list(app).map(|it| Overlay::Filter(FilterBox::new(it.filter().text())));
    } else {
        screens::set_filter(app, text);
    }
    Vec::new()
}

fn up(app: &mut App, _: &str) -> Vec<Effect> {
    if let Some(list) = screens::list(app) {
        if list.clear_marks() {
            return Vec::new();
        }
        if !list.filter().is_empty() {
            screens::set_filter(app, "");
            return Vec::new();
        }
    }
    if screens::close(app) {
        return Vec::new();
    }
    app.up().unwrap_or_default()
}

fn has_panes(app: &App) -> Result<(), String> {
    match screens::panes(app) {
        0 | 1 => Err("there is one pane here".to_owned()),
        _ => Ok(()),
    }
}

fn pane(app: &mut App, by: isize) -> Vec<Effect> {
    let panes = screens::panes(app).max(1);
    let place = app.place_mut();
    let pane = place.pane.min(panes - 1);
    place.pane = pane.saturating_add(panes).saturating_add_signed(by) % panes;
    Vec::new()
}

fn zoom(app: &mut App, zoomed: bool) -> Vec<Effect> {
    app.place_mut().zoomed = zoomed;
    Vec::new()
}

fn next_need(app: &mut App, _: &str) -> Vec<Effect> {
    let needs = needs::all(app);
    let at = needs.iter().position(|it| Some(&it.of) == app.states.need.as_ref());
    let next = at.map_or(0, |it| it + 1);
    let Some(need) = needs.get(next).or(needs.first()) else {
        app.say(Role::Good, "nothing needs you");
        return Vec::new();
    };
    app.states.need = Some(need.of.clone());
    open_need(app, &need.of)
}

/// Goes to where something that needs a person can be seen to.
pub(crate) fn open_need(app: &mut App, need: &NeedOf) -> Vec<Effect> {
    match need {
        NeedOf::Store | NeedOf::All => {
            app.states.pulse.list.select(need.clone());
            app.open_root(Screen::Pulse)
        }
        NeedOf::Pool(pool) | NeedOf::Queue(pool) => {
            app.states.queues.list.select(pool.clone());
            app.open_root(Screen::Queues)
        }
        NeedOf::Run(run) => app.open(Screen::Run(*run)),
        NeedOf::Approval(run, task) => {
            app.states.approvals.list.select((*run, task.clone()));
            app.open_root(Screen::Approvals)
        }
        NeedOf::Workflow(workflow) => {
            app.states.workflows.list.select(workflow.clone());
            app.open_root(Screen::Workflows)
        }
    }
}
