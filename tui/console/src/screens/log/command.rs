//! What can be done with a log.

use super::prompt::{Prompt, What};
use super::{State, attempts, scroll, search, view};
use crate::app::{App, Overlay};
use crate::command::{Command, Hint, Level, always};
use crate::effect::Effect;
use crate::key::Key;
use crate::screens::{Kind, Screen};
use crate::theme::Role;

/// A command of this screen.
const HERE: Command = Command {
    id: "",
    words: &[],
    title: "",
    doc: "",
    keys: &[],
    level: Level::Look,
    scope: &[Kind::Log],
    hint: Hint::None,
    enabled: always,
    run: |_, _| Vec::new(),
};

/// Commands that only this screen has.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        id: "search",
        title: "Search",
        doc: "Looks for a regular expression in the whole log.",
        keys: &[Key::Char('/')],
        hint: Hint::Verb("search"),
        run: |app, pattern| prompt(app, What::Search, pattern),
        ..HERE
    },
    Command {
        id: "only",
        words: &["grep"],
        title: "Only lines",
        doc: "Shows only lines that match a regular expression; pressed again, all.",
        keys: &[Key::Char('&')],
        hint: Hint::Verb("filter"),
        run: |app, pattern| match app.states.log.filter.is_some() && pattern.is_empty() {
            true => {
                search::close(app);
                Vec::new()
            }
            false => prompt(app, What::Filter, pattern),
        },
        ..HERE
    },
    Command {
        id: "next-hit",
        title: "Next hit",
        doc: "Goes to the next line that matches what was searched for.",
        keys: &[Key::Char('n')],
        hint: Hint::Verb("next"),
        enabled: has_search,
        run: |app, _| {
            search::next(app, false);
            Vec::new()
        },
        ..HERE
    },
    Command {
        id: "previous-hit",
        title: "Previous hit",
        doc: "Goes to the line before that matches what was searched for.",
        keys: &[Key::Char('N')],
        hint: Hint::Verb("previous"),
        enabled: has_search,
        run: |app, _| {
            search::next(app, true);
            Vec::new()
        },
        ..HERE
    },
    Command {
        id: "follow",
        title: "Follow",
        doc: "Keeps the end of the log in view, or no more.",
        keys: &[Key::Char('F')],
        hint: Hint::Verb("follow"),
        run: |app, _| {
            scroll::toggle_follow(app);
            Vec::new()
        },
        ..HERE
    },
    Command {
        id: "wrap",
        title: "Wrap",
        doc: "Breaks long lines, or lets them be moved sideways with the arrows.",
        keys: &[Key::Char('z')],
        hint: Hint::Verb("wrap"),
        run: |app, _| {
            let state = &mut app.states.log;
            (state.wraps, state.side) = (!state.wraps, 0);
            Vec::new()
        },
        ..HERE
    },
    Command {
        id: "earlier-log",
        title: "Previous attempt",
        doc: "Shows the log of the attempt before.",
        keys: &[Key::Char('[')],
        hint: Hint::Verb("attempt before"),
        enabled: |app| attempt(app, false).map(drop),
        run: |app, _| change_attempt(app, false),
        ..HERE
    },
    Command {
        id: "later-log",
        title: "Next attempt",
        doc: "Shows the log of the next attempt.",
        keys: &[Key::Char(']')],
        hint: Hint::Verb("next attempt"),
        enabled: |app| attempt(app, true).map(drop),
        run: |app, _| change_attempt(app, true),
        ..HERE
    },
    Command {
        id: "save",
        title: "Save",
        doc: "Writes the lines that are loaded here to a file: what the filter keeps, without colours.",
        keys: &[Key::Char('s')],
        hint: Hint::Verb("save"),
        enabled: |app| match app.states.log.shown().lines().is_empty() {
            true => Err("there are no lines".to_owned()),
            false => Ok(()),
        },
        run: |app, _| save(app),
        ..HERE
    },
];

fn prompt(app: &mut App, what: What, pattern: &str) -> Vec<Effect> {
    match (pattern.is_empty(), what) {
        (true, what) => app.overlay = Some(Overlay::Log(Prompt::new(app, what))),
        (false, What::Search) => search::start(app, pattern),
        (false, What::Filter) => search::narrow(app, pattern),
    }
    Vec::new()
}

fn has_search(app: &App) -> Result<(), String> {
    match app.states.log.search {
        Some(_) => Ok(()),
        None => Err("nothing was searched for: / does".to_owned()),
    }
}

/// The number of the attempt beside the one that is shown.
fn attempt(app: &App, next: bool) -> Result<u32, String> {
    let Screen::Log(of) = &app.place().screen else { return Err("this is no log".to_owned()) };
    let shown = app.states.log.attempt.ok_or("the attempt is not known yet")?;
    let all = attempts(app, of);
    let beside = match next {
        true => all.iter().map(|it| it.attempt).find(|it| *it > shown),
        false => all.iter().map(|it| it.attempt).rfind(|it| *it < shown),
    };
    // Where the daemon has not told which there are, the numbers go by one.
    let by_one =
        if next { shown.checked_add(1) } else { shown.checked_sub(1).filter(|it| *it > 0) };
    let none = if next { "this is the last attempt" } else { "this is the first attempt" };
    beside.or(by_one.filter(|_| all.is_empty())).ok_or_else(|| none.to_owned())
}

fn change_attempt(app: &mut App, next: bool) -> Vec<Effect> {
    let Ok(number) = attempt(app, next) else { return Vec::new() };
    let Screen::Log(of) = app.place().screen.clone() else { return Vec::new() };
    let state = &mut app.states.log;
    *state = State::new(of, Some(number), state.wraps);
    vec![Effect::StopLog]
}

fn save(app: &mut App) -> Vec<Effect> {
    let Screen::Log(of) = app.place().screen.clone() else { return Vec::new() };
    let state = &app.states.log;
    let plain = |it: char| if it.is_ascii_alphanumeric() || "-_.".contains(it) { it } else { '-' };
    let number = state.attempt.map(|it| format!(".{it}")).unwrap_or_default();
    let name: String = format!("{}.{}", of.label, of.task).chars().take(100).map(plain).collect();
    // A name that begins with a point is not seen.
    let name = format!("{}{number}.log", name.trim_start_matches('.'));
    let text = view::plain(state.shown().lines().iter());
    let lines = crate::format::plural(state.shown().lines().len() as u64, "line");
    let part = match state.shown().start() == 0 && state.is_at_end() {
        true => "all".to_owned(),
        false => "the part that is loaded; `runyard logs` gives all".to_owned(),
    };
    app.say(Role::Plain, format!("saving {lines}: {part}"));
    vec![Effect::SaveText { name, text }]
}
