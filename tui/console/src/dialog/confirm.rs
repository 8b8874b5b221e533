//! The confirmation of an act: what the daemon says would follow, in numbers; what is to be said about it; and No.

mod view;

use std::collections::BTreeSet;

use shared::plan::Plan;
use shared::request::{Act, Refusal, RefusalCode, Request};

use super::{Dialog, Opened, refused_word};
use crate::app::{App, Overlay};
use crate::cli;
use crate::edit::Edit;
use crate::effect::Effect;
use crate::input::Ticket;
use crate::key::Key;
use crate::toast::Sent;
use crate::verb::{self, Ask, Comment, Piece};

pub(super) use view::view;

/// An act that is to be confirmed.
#[derive(Debug)]
pub(crate) struct Confirm {
    ask: Ask,
    opened: Opened,
    /// Of each piece: what it would do, once that has come.
    plans: Vec<(Ticket, Option<Result<Plan, Refusal>>)>,
    fields: Vec<Field>,
    /// The field that is being typed into; none where the keys are for the buttons.
    focus: Option<usize>,
    /// Pieces that were sent and have no answer yet, by their place.
    waiting: Vec<(Ticket, usize)>,
    /// Pieces that are done, by their place: they are not sent again where another was refused.
    done: BTreeSet<usize>,
    /// Why nothing was done.
    problem: Option<(String, Option<String>)>,
    /// Whether that is only that the daemon is not there.
    lacks_link: bool,
}

#[derive(Debug)]
struct Field {
    what: What,
    edit: Edit,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Comment,
    Until,
    Params,
    Typed,
}

impl What {
    fn label(self) -> &'static str {
        match self {
            Self::Comment => "comment",
            Self::Until => "for",
            Self::Params => "params",
            Self::Typed => "typed",
        }
    }
}

impl Confirm {
    /// Opens it and asks for the plans.
    pub(super) fn open(app: &mut App, ask: Ask, params: &str) -> (Self, Vec<Effect>) {
        let mut fields = Vec::new();
        let mut add = |what, text: &str| fields.push(Field { what, edit: Edit::new(text) });
        if ask.asks_params {
            add(What::Params, params);
        }
        if ask.asks_until {
            add(What::Until, verb::PAUSE);
        }
        if ask.comment != Comment::No {
            add(What::Comment, "");
        }
        if ask.typed.is_some() {
            add(What::Typed, "");
        }
        let mut confirm = Self {
            opened: Opened::of(app),
            plans: Vec::new(),
            focus: first_focus(&ask, &fields),
            fields,
            waiting: Vec::new(),
            done: BTreeSet::new(),
            problem: None,
            lacks_link: false,
            ask,
        };
        let effects = confirm.ask_for_plans(app);
        (confirm, effects)
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(field) = self.focus.and_then(|it| self.fields.get_mut(it)) {
            field.edit.paste(text);
        }
    }

    /// Takes in a plan. A large one must be confirmed by typing how much it is.
    pub(super) fn planned(&mut self, ticket: Ticket, plan: Result<Plan, Refusal>) {
        let Some(slot) = self.plans.iter_mut().find(|it| it.0 == ticket) else { return };
        slot.1 = Some(plan);
        let size = self.size();
        if self.ask.typed_above.is_some_and(|it| size > it) {
            self.ask.typed = Some(size.to_string());
            if !self.fields.iter().any(|it| it.what == What::Typed) {
                self.fields.push(Field { what: What::Typed, edit: Edit::default() });
            }
        }
    }

    pub(super) fn waits_for(&self, ticket: Ticket) -> bool {
        self.waiting.iter().any(|it| it.0 == ticket)
    }

    /// Takes in that a piece is done; whether all are.
    pub(super) fn answered(&mut self, ticket: Ticket) -> bool {
        self.done.extend(self.waiting.iter().filter(|it| it.0 == ticket).map(|it| it.1));
        self.waiting.retain(|it| it.0 != ticket);
        self.waiting.is_empty() && self.problem.is_none()
    }

    /// Takes in that a piece was refused. What has changed since is shown: the plan is asked for anew, and what is decided on
    /// from here is that.
    pub(super) fn refused(
        &mut self,
        app: &mut App,
        ticket: Ticket,
        refusal: Refusal,
    ) -> Vec<Effect> {
        self.waiting.retain(|it| it.0 != ticket);
        let word = refused_word(refusal.code);
        self.problem = Some((format!("{word}{}", refusal.message), refusal.help));
        self.lacks_link = false;
        self.ask.pieces.iter_mut().for_each(|it| it.seen = None);
        self.ask_for_plans(app)
    }

    /// Takes in that the daemon is there again.
    pub(super) fn link_is_up(&mut self, app: &mut App) -> Vec<Effect> {
        if std::mem::take(&mut self.lacks_link) {
            self.problem = None;
        }
        let is_unknown = |it: &Option<Result<Plan, Refusal>>| match it {
            None => true,
            Some(Err(refusal)) => refusal.code == RefusalCode::Unavailable,
            Some(Ok(_)) => false,
        };
        match self.plans.iter().any(|it| is_unknown(&it.1)) {
            true => self.ask_for_plans(app),
            false => Vec::new(),
        }
    }

    /// What the keys do in it.
    pub(crate) fn keys(&self) -> &'static [(&'static str, &'static str)] {
        match self.focus {
            _ if !self.waiting.is_empty() => {
                &[("sent;", ""), ("esc", "closes, and does not take it back")]
            }
            Some(at) if !self.is_number(at) => {
                &[("enter", "then"), ("y", "do it"), ("tab", "next field"), ("esc", "no")]
            }
            _ => &[("y", "do it"), ("tab", "next field"), ("enter", "leave field"), ("esc", "no")],
        }
    }

    fn ask_for_plans(&mut self, app: &mut App) -> Vec<Effect> {
        let requests = self.requests(app).unwrap_or_else(|_| self.bare_requests());
        self.plans = requests.iter().map(|_| (app.ticket(), None)).collect();
        let plans = self.plans.iter().zip(requests);
        plans.map(|((ticket, _), request)| Effect::Plan(*ticket, request)).collect()
    }

    fn bare_requests(&self) -> Vec<Request> {
        self.ask.pieces.iter().map(|it| it.request.clone()).collect()
    }

    fn text(&self, what: What) -> Option<String> {
        self.fields.iter().find(|it| it.what == what).map(|it| it.edit.text().trim().to_owned())
    }

    /// The requests with what was typed, or what is wrong with that.
    fn requests(&self, app: &App) -> Result<Vec<Request>, String> {
        let comment = self.text(What::Comment).filter(|it| !it.is_empty());
        let until = match self.text(What::Until) {
            Some(text) => verb::until(&text, app.now)?,
            None => None,
        };
        let params = verb::params(&self.text(What::Params).unwrap_or_default())?;
        let completed = |it: &Piece| verb::completed(&it.request, comment.clone(), until, &params);
        Ok(self.ask.pieces.iter().map(completed).collect())
    }

    /// How many task runs and runs change.
    fn size(&self) -> u32 {
        let plans = self.plans.iter().filter_map(|it| it.1.as_ref()?.as_ref().ok());
        plans.fold(0, |sum, it| sum.saturating_add(it.size()))
    }

    fn is_planned(&self) -> bool {
        self.plans.iter().all(|it| it.1.is_some())
    }

    /// Why a plan could not be made.
    fn refusal(&self) -> Option<&Refusal> {
        self.plans.iter().find_map(|it| it.1.as_ref()?.as_ref().err())
    }

    /// Why it cannot go, if it cannot.
    fn obstacle(&self, app: &App) -> Result<(), String> {
        app.can_act()?;
        if !self.waiting.is_empty() {
            return Err("it has been sent; the daemon has not answered yet".to_owned());
        }
        if !self.is_planned() {
            return Err("what it would do is not known yet".to_owned());
        }
        if let Some(refusal) = self.refusal() {
            return Err(refusal.message.clone());
        }
        if self.ask.comment == Comment::Must
            && self.text(What::Comment).is_none_or(|it| it.is_empty())
        {
            return Err("a comment is needed: press tab and say why".to_owned());
        }
        match &self.ask.typed {
            Some(typed) if self.text(What::Typed).as_ref() != Some(typed) => {
                Err(format!("type {typed} first"))
            }
            _ => Ok(()),
        }
    }

    fn go(&mut self, app: &mut App) -> Vec<Effect> {
        let requests = self.obstacle(app).and_then(|()| self.requests(app));
        let requests = match requests {
            Ok(requests) => requests,
            Err(reason) => {
                self.problem = Some((reason, None));
                self.lacks_link = app.can_act().is_err();
                return Vec::new();
            }
        };
        self.problem = None;
        let mut effects = Vec::new();
        let pieces = self.ask.pieces.iter().zip(requests).zip(&self.plans).enumerate();
        for (place, ((piece, request), (_, plan))) in pieces {
            if self.done.contains(&place) {
                continue;
            }
            let ticket = app.ticket();
            let cli = cli::line(&request, &piece.run_label);
            let done = format!("{}: {}", piece.label, self.ask.done);
            app.sent.push(Sent { ticket, done, cli, undo: None });
            self.waiting.push((ticket, place));
            let digest = plan.as_ref().and_then(|it| it.as_ref().ok()).map(|it| it.digest.clone());
            let plan = digest.filter(|it| !it.is_empty());
            effects.push(Effect::Act(ticket, Act { request, seen: piece.seen.clone(), plan }));
        }
        effects
    }

    fn is_number(&self, at: usize) -> bool {
        self.fields.get(at).is_some_and(|it| it.what == What::Typed)
    }

    /// Gives the keys to the next field, or to the buttons behind the last.
    fn next_focus(&mut self) {
        self.focus = match self.focus {
            None if self.fields.is_empty() => None,
            None => Some(0),
            Some(at) if at + 1 < self.fields.len() => Some(at + 1),
            Some(_) => None,
        };
    }

    /// Leaves a field; what it says may change the plan.
    fn left(&mut self, app: &mut App, at: usize) -> Vec<Effect> {
        match self.fields.get(at).map(|it| it.what) {
            Some(What::Params) => self.ask_for_plans(app),
            _ => Vec::new(),
        }
    }
}

/// Where something must be typed, the keys are for that; else for the buttons, of which No is lit.
fn first_focus(ask: &Ask, fields: &[Field]) -> Option<usize> {
    let place = |what| fields.iter().position(|it| it.what == what);
    match (ask.comment, ask.asks_params) {
        (Comment::Must, _) => place(What::Comment),
        (_, true) => place(What::Params),
        _ if ask.typed.is_some() => place(What::Typed),
        _ => None,
    }
}

pub(super) fn key(app: &mut App, mut confirm: Box<Confirm>, key: Key) -> Vec<Effect> {
    let is_held = confirm.opened.is_held(key, app.now);
    let effects = match (key, confirm.focus) {
        (Key::Esc, _) | (Key::Char('n') | Key::Enter, None) => return Vec::new(),
        (Key::Tab | Key::Down, None) => {
            confirm.next_focus();
            Vec::new()
        }
        (Key::Tab | Key::Down, Some(at)) => {
            confirm.next_focus();
            confirm.left(app, at)
        }
        (Key::Enter, Some(at)) => {
            confirm.focus = None;
            confirm.left(app, at)
        }
        (Key::BackTab | Key::Up, at) => {
            let before = at.unwrap_or(confirm.fields.len()).checked_sub(1);
            confirm.focus = before;
            at.map(|it| confirm.left(app, it)).unwrap_or_default()
        }
        // Only a number is typed there: `y` behind it goes on, and no other letter means anything.
        (Key::Char(letter), Some(at)) if confirm.is_number(at) && !letter.is_ascii_digit() => {
            match letter == 'y' && confirm.opened.may_confirm(key, app.now) {
                true => confirm.go(app),
                false => Vec::new(),
            }
        }
        (key, Some(at)) => {
            // The opening key, held down, is no text.
            if !is_held && let Some(field) = confirm.fields.get_mut(at) {
                field.edit.key(key);
                confirm.problem = None;
            }
            Vec::new()
        }
        (Key::Char('y'), None) if confirm.opened.may_confirm(key, app.now) => confirm.go(app),
        (Key::Char('y'), None) if confirm.opened.by == Some(key) && !is_held => {
            let text = "y has opened this: press tab, or any other key, before it";
            confirm.problem = Some((text.to_owned(), None));
            Vec::new()
        }
        (_, None) => Vec::new(),
    };
    app.overlay = Some(Overlay::Dialog(Dialog::Confirm(confirm)));
    effects
}
