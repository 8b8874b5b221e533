//! Commands that only this screen has.

use super::panes::Pane;
use super::{State, full, is_wide, task};
use crate::app::App;
use crate::command::{Command, Hint, Level, always};
use crate::effect::Effect;
use crate::graph::View;
use crate::key::Key;
use crate::screens::Kind;

/// How far the focus reaches at most.
const HOPS_MAX: usize = 9;

/// A command that only looks at a run.
const HERE: Command = Command {
    id: "",
    words: &[],
    title: "",
    doc: "",
    keys: &[],
    level: Level::Look,
    scope: &[Kind::Run],
    hint: Hint::None,
    enabled: always,
    run: |_, _| Vec::new(),
};

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        id: "view",
        title: "Next view",
        doc: "Shows the run in another way: graph, focus, tasks, timeline.",
        keys: &[Key::Char('v')],
        hint: Hint::General("view"),
        run: |app, _| next_view(app),
        ..HERE
    },
    Command {
        id: "focus",
        title: "Focus",
        doc: "Shows the selected task and what is near it, or the whole graph again.",
        keys: &[Key::Char('f')],
        run: |app, _| focus(app),
        ..HERE
    },
    Command {
        id: "fewer-hops",
        title: "Focus nearer",
        doc: "Draws one step less around the selected task.",
        keys: &[Key::Char('<')],
        enabled: in_focus,
        run: |app, _| hops(app, -1),
        ..HERE
    },
    Command {
        id: "more-hops",
        title: "Focus farther",
        doc: "Draws one step more around the selected task.",
        keys: &[Key::Char('>')],
        enabled: in_focus,
        run: |app, _| hops(app, 1),
        ..HERE
    },
    Command {
        id: "critical-path",
        title: "Critical path",
        doc: "Draws the path that takes longest in bold, or no longer.",
        keys: &[Key::Char('b')],
        run: |app, _| {
            app.states.run.hides_path = !app.states.run.hides_path;
            app.states.run.path.clear();
            Vec::new()
        },
        ..HERE
    },
    Command {
        id: "previous-attempt",
        title: "Attempt before",
        doc: "Shows what is known of the attempt before, and its log.",
        keys: &[Key::Char('[')],
        enabled: has_attempts,
        run: |app, _| attempt(app, -1),
        ..HERE
    },
    Command {
        id: "next-attempt",
        title: "Attempt after",
        doc: "Shows what is known of the attempt after, and its log.",
        keys: &[Key::Char(']')],
        enabled: has_attempts,
        run: |app, _| attempt(app, 1),
        ..HERE
    },
];

fn next_view(app: &mut App) -> Vec<Effect> {
    let wide = is_wide(app);
    let focused = app.states.run.panes(app, full(app)).focused;
    let state = &mut app.states.run;
    state.items.open = false;
    let whole = state.plan.can_be_whole();
    let (view, is_timeline) = match (state.view(), state.is_timeline) {
        // Side by side, each pane has its own views.
        _ if wide && focused == Pane::Drawn => match state.drawing() {
            View::Focus if whole => (View::Graph, state.is_timeline),
            _ => (View::Focus, state.is_timeline),
        },
        _ if wide => {
            state.is_timeline = !state.is_timeline;
            return Vec::new();
        }
        (View::Graph, _) => (View::Focus, false),
        (View::Focus, _) => (View::Table, false),
        (View::Table, false) => (View::Table, true),
        (View::Table, true) if whole => (View::Graph, false),
        (View::Table, true) => (View::Focus, false),
    };
    show(state, view);
    state.is_timeline = is_timeline;
    if !wide {
        app.place_mut().pane = 0;
    }
    Vec::new()
}

fn focus(app: &mut App) -> Vec<Effect> {
    let state = &mut app.states.run;
    state.items.open = false;
    let view = match state.view() {
        View::Focus if state.plan.can_be_whole() => View::Graph,
        _ => View::Focus,
    };
    show(state, view);
    app.place_mut().pane = 0;
    Vec::new()
}

fn show(state: &mut State, view: View) {
    state.view = Some(view);
    if view == View::Graph {
        state.corner = (0, 0);
    }
}

fn in_focus(app: &App) -> Result<(), String> {
    match app.states.run.drawing() {
        View::Focus => Ok(()),
        _ => Err("the whole graph is shown: f focuses on one task".to_owned()),
    }
}

fn hops(app: &mut App, by: isize) -> Vec<Effect> {
    let hops = &mut app.states.run.more_hops;
    *hops = hops.saturating_add_signed(by).min(HOPS_MAX - 1);
    Vec::new()
}

fn has_attempts(app: &App) -> Result<(), String> {
    let subject = app.states.run.subject(app);
    match subject.map_or(0, |it| task::attempts(it.1).count()) {
        0 => Err("it has no attempts".to_owned()),
        1 => Err("it has one attempt".to_owned()),
        _ => Ok(()),
    }
}

fn attempt(app: &mut App, by: isize) -> Vec<Effect> {
    let state = &app.states.run;
    let Some((_, task)) = state.subject(app) else { return Vec::new() };
    let all: Vec<(bool, u32)> = task::attempts(task).map(|(undo, it)| (undo, it.attempt)).collect();
    let chosen = state.chosen(task).map(|(undo, it)| (undo, it.attempt));
    let at = all.iter().position(|it| Some(*it) == chosen).unwrap_or(0);
    let at = at.saturating_add_signed(by).min(all.len().saturating_sub(1));
    // The last one is followed: where another comes, that is shown.
    let chosen = all.get(at).copied().filter(|_| at + 1 < all.len());
    app.states.run.attempt = chosen;
    Vec::new()
}
