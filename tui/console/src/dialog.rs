//! What stands over a screen and asks: a menu, a question, or the confirmation of an act with the daemon's plan.
//!
//! Nothing is confirmed by the key that opened the dialog, nor within [`GRACE`] of its opening: a key that is held down
//! confirms nothing.

pub(crate) mod confirm;
mod menu;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::plan::Plan;
use shared::request::{Act, Answer, Refusal, RefusalCode};
use shared::time::Timestamp;

use crate::app::{App, Overlay};
use crate::cli;
use crate::command::Command;
use crate::effect::Effect;
use crate::format;
use crate::input::Ticket;
use crate::key::Key;
use crate::theme::Role;
use crate::toast::{Sent, Toast, Undo};
use crate::verb::{Ask, Piece};
use crate::widgets::panel;

pub(crate) use confirm::Confirm;
pub(crate) use menu::{Item, Menu};

/// How long a dialog must have been open before anything is confirmed.
pub(crate) const GRACE: Duration = Duration::from_millis(300);
/// How long acts stay unlocked.
const UNLOCKED_FOR: Duration = Duration::from_secs(15 * 60);

/// What asks.
#[derive(Debug)]
pub(crate) enum Dialog {
    Confirm(Box<Confirm>),
    Menu(Menu),
    Question(Question),
}

/// When and by which key a dialog was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Opened {
    pub(crate) at: Timestamp,
    /// The key, as long as no other was pressed: until then it may still be held down.
    pub(crate) by: Option<Key>,
    /// When that key came the last time.
    last: Timestamp,
}

/// A question with yes and no.
#[derive(Debug)]
pub(crate) struct Question {
    opened: Opened,
    title: &'static str,
    text: String,
    yes: Yes,
}

#[derive(Debug)]
enum Yes {
    Quit,
    Unlock(&'static Command, String),
}

impl Opened {
    fn of(app: &App) -> Self {
        Self { at: app.now, by: app.opened_by, last: app.now }
    }

    /// Takes in a key; whether it is the opening one that is held down.
    fn is_held(&mut self, key: Key, now: Timestamp) -> bool {
        if self.by != Some(key) {
            self.by = None;
            return false;
        }
        let is_held = now.since(self.last) < GRACE;
        self.last = now;
        is_held
    }

    /// Whether a key may confirm.
    pub(crate) fn may_confirm(&self, key: Key, now: Timestamp) -> bool {
        self.by != Some(key) && now.since(self.at) >= GRACE
    }
}

impl Dialog {
    pub(crate) fn paste(&mut self, text: &str) {
        if let Self::Confirm(it) = self {
            it.paste(text);
        }
    }
}

/// Opens the confirmation of an ask, or says why there is nothing to ask.
pub(crate) fn ask(app: &mut App, ask: Result<Ask, String>) -> Vec<Effect> {
    ask_with_params(app, ask, "")
}

/// The same, with parameters that were typed already.
pub(crate) fn ask_with_params(
    app: &mut App,
    ask: Result<Ask, String>,
    params: &str,
) -> Vec<Effect> {
    match ask {
        Ok(ask) => {
            let (confirm, effects) = Confirm::open(app, ask, params);
            app.overlay = Some(Overlay::Dialog(Dialog::Confirm(Box::new(confirm))));
            effects
        }
        Err(reason) => {
            app.say(Role::Warn, reason);
            Vec::new()
        }
    }
}

/// Opens a menu; of nothing to choose from, none.
pub(crate) fn open_menu(app: &mut App, title: &'static str, items: Vec<Item>) -> Vec<Effect> {
    open_menu_of(app, title, items, false)
}

/// The same, where what is chosen acts at once and without a further question.
pub(crate) fn open_menu_that_acts(
    app: &mut App,
    title: &'static str,
    items: Vec<Item>,
) -> Vec<Effect> {
    open_menu_of(app, title, items, true)
}

fn open_menu_of(app: &mut App, title: &'static str, items: Vec<Item>, acts: bool) -> Vec<Effect> {
    if !items.is_empty() {
        let menu = Menu::new(Opened::of(app), title, items, acts);
        app.overlay = Some(Overlay::Dialog(Dialog::Menu(menu)));
    }
    Vec::new()
}

/// Asks whether to quit.
pub(crate) fn ask_to_quit(app: &mut App) -> Vec<Effect> {
    let question = Question {
        opened: Opened::of(app),
        title: "QUIT",
        text: format!("Quit the console? {}", app.settings.leaving),
        yes: Yes::Quit,
    };
    app.overlay = Some(Overlay::Dialog(Dialog::Question(question)));
    Vec::new()
}

/// Asks whether to unlock acts, to go on with a command.
pub(crate) fn unlock(app: &App, command: &'static Command, args: &str) -> Dialog {
    Dialog::Question(Question {
        opened: Opened::of(app),
        title: "READ-ONLY",
        text: format!("Unlock for 15 min, and go on with: {}?", command.title),
        yes: Yes::Unlock(command, args.to_owned()),
    })
}

/// Asks the daemon for something that needs no confirmation because it can be undone at once.
pub(crate) fn act_at_once(
    app: &mut App,
    piece: Piece,
    done: String,
    undo: Option<Piece>,
) -> Vec<Effect> {
    let ticket = app.ticket();
    let cli = cli::line(&piece.request, &piece.run_label);
    let undo = undo.map(|it| Undo { label: it.run_label, act: it.request.into() });
    app.sent.push(Sent { ticket, done, cli, undo });
    vec![Effect::Act(ticket, Act { request: piece.request, seen: piece.seen, plan: None })]
}

/// Takes back what was just done.
pub(crate) fn undo(app: &mut App) -> Vec<Effect> {
    let Some(undo) = app.toast.take().and_then(|it| it.undo) else { return Vec::new() };
    let ticket = app.ticket();
    let cli = cli::line(&undo.act.request, &undo.label);
    app.sent.push(Sent { ticket, done: format!("{}: undone", undo.label), cli, undo: None });
    vec![Effect::Act(ticket, undo.act)]
}

/// Takes in a plan. One that nobody waits for is dropped.
pub(crate) fn planned(app: &mut App, ticket: Ticket, plan: Result<Plan, Refusal>) -> Vec<Effect> {
    if let Some(Overlay::Dialog(Dialog::Confirm(confirm))) = &mut app.overlay {
        confirm.planned(ticket, plan);
    }
    Vec::new()
}

/// Takes in what became of an act.
pub(crate) fn answered(
    app: &mut App,
    ticket: Ticket,
    answer: Result<Answer, Refusal>,
) -> Vec<Effect> {
    let Some(at) = app.sent.iter().position(|it| it.ticket == ticket) else { return Vec::new() };
    let sent = app.sent.remove(at);
    match app.overlay.take() {
        Some(Overlay::Dialog(Dialog::Confirm(mut confirm))) if confirm.waits_for(ticket) => {
            if let Err(refusal) = answer {
                let effects = confirm.refused(app, ticket, refusal);
                app.overlay = Some(Overlay::Dialog(Dialog::Confirm(confirm)));
                return effects;
            }
            if !confirm.answered(ticket) {
                app.overlay = Some(Overlay::Dialog(Dialog::Confirm(confirm)));
            }
        }
        other => app.overlay = other,
    }
    match answer {
        Ok(answer) => {
            let text = match &answer {
                Answer::RunCreated { number, .. } => format!("{} #{number}", sent.done),
                Answer::Retried { tasks } if !tasks.is_empty() => {
                    format!("{} ({})", sent.done, format::plural(tasks.len() as u64, "task"))
                }
                Answer::Retried { .. } | Answer::RollingBack { .. } | Answer::Done => sent.done,
            };
            app.toast = Some(Toast::done(app.now, text, sent.cli, sent.undo));
        }
        Err(refusal) => {
            let help = refusal.help.map(|it| format!("; {it}")).unwrap_or_default();
            let word = refused_word(refusal.code);
            app.say(Role::Bad, format!("{word}{}{help}", refusal.message));
        }
    }
    Vec::new()
}

/// What stands before the message of a refusal: a daemon that did not answer has refused nothing.
fn refused_word(code: RefusalCode) -> &'static str {
    if code == RefusalCode::Unavailable { "" } else { "refused: " }
}

/// Takes in that the daemon is there again: what could not be said without it is asked anew.
pub(crate) fn link_is_up(app: &mut App) -> Vec<Effect> {
    match app.overlay.take() {
        Some(Overlay::Dialog(Dialog::Confirm(mut confirm))) => {
            let effects = confirm.link_is_up(app);
            app.overlay = Some(Overlay::Dialog(Dialog::Confirm(confirm)));
            effects
        }
        other => {
            app.overlay = other;
            Vec::new()
        }
    }
}

/// Takes in a key while a dialog is open.
pub(crate) fn key(app: &mut App, dialog: Dialog, key: Key) -> Vec<Effect> {
    match dialog {
        Dialog::Confirm(it) => confirm::key(app, it, key),
        Dialog::Menu(it) => menu::key(app, it, key),
        Dialog::Question(it) => question_key(app, it, key),
    }
}

fn question_key(app: &mut App, question: Question, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc | Key::Enter | Key::Char('n' | 'q') => Vec::new(),
        Key::Char('y') if question.opened.may_confirm(key, app.now) => match question.yes {
            Yes::Quit => vec![Effect::Quit],
            Yes::Unlock(command, args) => {
                app.unlocked_until = Some(app.now + UNLOCKED_FOR);
                app.run(command, Some(key), &args)
            }
        },
        _ => {
            app.overlay = Some(Overlay::Dialog(Dialog::Question(question)));
            Vec::new()
        }
    }
}

/// Draws the dialog over `area`.
pub(crate) fn view(app: &App, dialog: &Dialog, area: Rect, buf: &mut Buffer) {
    match dialog {
        Dialog::Confirm(it) => confirm::view(app, it, area, buf),
        Dialog::Menu(it) => menu::view(app, it, area, buf),
        Dialog::Question(it) => {
            let theme = app.theme();
            let width = u16::try_from(it.text.chars().count()).unwrap_or(60).max(30);
            let inner = panel::panel(buf, area, theme, it.title, (width, 3));
            let lines = [
                vec![(it.text.clone(), theme.style(Role::Plain))],
                Vec::new(),
                buttons(app, "yes"),
            ];
            panel::lines(buf, inner, &lines);
        }
    }
}

/// `y cancel it   esc no`: what goes is never what is lit.
pub(crate) fn buttons(app: &App, yes: &str) -> panel::Line {
    let theme = app.theme();
    vec![
        ("y".to_owned(), theme.style(Role::Key)),
        (format!(" {yes}    "), theme.style(Role::Plain)),
        (" esc no ".to_owned(), theme.style(Role::Selected)),
    ]
}
