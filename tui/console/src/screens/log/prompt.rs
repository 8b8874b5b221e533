//! The line in which a pattern is typed.

use super::search;
use crate::app::{App, Overlay};
use crate::edit::Edit;
use crate::effect::Effect;
use crate::key::Key;
use crate::theme::{Glyph, Role};
use crate::widgets::panel::Line;

/// A pattern that is being typed.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Prompt {
    pub(crate) edit: Edit,
    what: What,
}

/// What the pattern is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    Search,
    Filter,
}

impl Prompt {
    /// What was typed the last time is there to be changed.
    pub(super) fn new(app: &App, what: What) -> Self {
        let state = &app.states.log;
        let pattern = match what {
            What::Search => state.search.as_ref().map(|it| it.pattern.as_str()),
            What::Filter => state.filter.as_ref().map(|it| it.pattern.as_str()),
        };
        Self { edit: Edit::new(pattern.unwrap_or_default()), what }
    }
}

pub(crate) fn prompt_key(app: &mut App, mut prompt: Prompt, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc => {}
        Key::Enter => match prompt.what {
            What::Search => search::start(app, &prompt.edit.text()),
            What::Filter => search::narrow(app, &prompt.edit.text()),
        },
        key => {
            prompt.edit.key(key);
            app.overlay = Some(Overlay::Log(prompt));
        }
    }
    Vec::new()
}

pub(crate) fn prompt_line(app: &App, prompt: &Prompt) -> Line {
    let theme = app.theme();
    let (sign, help) = match prompt.what {
        What::Search => (" /", "   search: a regular expression   enter go  esc leave it"),
        What::Filter => (" &", "   only lines that match   enter go  esc leave it"),
    };
    let (before, after) = prompt.edit.parts();
    vec![
        (sign.to_owned(), theme.style(Role::Key)),
        (before, theme.style(Role::Field)),
        (theme.glyph(Glyph::Cursor).to_owned(), theme.style(Role::Strong)),
        (after, theme.style(Role::Field)),
        (help.to_owned(), theme.style(Role::Dim)),
    ]
}
