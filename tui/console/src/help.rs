//! Every command that works here, with its keys; searchable, and enter runs it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{App, Overlay};
use crate::command::{Command, table};
use crate::edit::Edit;
use crate::effect::Effect;
use crate::key::Key;
use crate::safe::Safe;
use crate::text;
use crate::theme::{Glyph, Role};
use crate::widgets::panel;

/// How many lines tell of the selected command.
const TOLD: usize = 2;

/// The list, and what is searched for.
#[derive(Debug)]
pub(crate) struct Help {
    edit: Edit,
    all: Vec<&'static Command>,
    selected: usize,
}

impl Help {
    pub(crate) fn new(app: &App) -> Self {
        let kind = app.kind();
        let all = table::all().filter(|it| it.scope.contains(&kind) && !it.keys.is_empty());
        Self { edit: Edit::default(), all: all.collect(), selected: 0 }
    }

    pub(crate) fn paste(&mut self, text: &str) {
        self.edit.paste(text);
        self.selected = 0;
    }

    fn shown(&self) -> Vec<&'static Command> {
        let search = self.edit.text().to_lowercase();
        let fits = |it: &&&Command| {
            let text = format!("{} {} {}", it.keys_text(), it.title, it.doc).to_lowercase();
            search.split_whitespace().all(|word| text.contains(word))
        };
        self.all.iter().filter(fits).copied().collect()
    }
}

pub(crate) fn key(app: &mut App, mut help: Help, key: Key) -> Vec<Effect> {
    let shown = help.shown();
    let last = shown.len().saturating_sub(1);
    match key {
        Key::Esc => return Vec::new(),
        Key::Char('?') if help.edit.is_empty() => return Vec::new(),
        Key::Enter => {
            return match shown.get(help.selected) {
                Some(command) => app.run(command, Some(key), ""),
                None => Vec::new(),
            };
        }
        Key::Up => help.selected = help.selected.saturating_sub(1),
        Key::Down => help.selected = (help.selected + 1).min(last),
        Key::PageUp => help.selected = help.selected.saturating_sub(10),
        Key::PageDown => help.selected = (help.selected + 10).min(last),
        key => {
            help.edit.key(key);
            help.selected = 0;
        }
    }
    app.overlay = Some(Overlay::Help(help));
    Vec::new()
}

/// What a command does, and why not now.
fn doc(app: &App, command: &Command) -> String {
    match command.is_allowed(app) {
        Ok(()) => command.doc.to_owned(),
        Err(reason) => format!("{} ({reason})", command.doc),
    }
}

pub(crate) fn view(app: &App, help: &Help, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let shown = help.shown();
    let height = area.height.saturating_sub(4).max(3);
    let width = area.width.saturating_sub(8).min(140);
    let title = format!("KEYS: {}", app.kind().title());
    let inner = panel::panel(buf, area, theme, &title, (width, height));
    let told: Vec<String> = match shown.get(help.selected) {
        Some(command) => {
            let text = format!("{} {}", command.keys_text(), doc(app, command));
            let lines = text::wrap(&Safe::line(&text), usize::from(inner.width));
            lines.iter().take(TOLD).map(ToString::to_string).collect()
        }
        None => Vec::new(),
    };
    let rows = usize::from(inner.height).saturating_sub(TOLD + 2).max(1);
    let first = (help.selected + 1).saturating_sub(rows);
    let cursor = theme.glyph(Glyph::Cursor).to_owned();
    let (before, after) = help.edit.parts();
    let mut lines = vec![vec![
        ("search: ".to_owned(), theme.style(Role::Dim)),
        (before, theme.style(Role::Field)),
        (cursor, theme.style(Role::Strong)),
        (after, theme.style(Role::Field)),
    ]];
    for (at, command) in shown.iter().enumerate().skip(first).take(rows) {
        let off = command.is_allowed(app).is_err();
        let selected = at == help.selected;
        let role = match (selected, off) {
            (true, _) => Role::Selected,
            (false, true) => Role::Dim,
            (false, false) => Role::Plain,
        };
        let pointer = if selected { theme.glyph(Glyph::Selected) } else { " " };
        lines.push(vec![
            (format!("{pointer} "), theme.style(Role::Strong)),
            (format!("{:<11} ", command.keys_text()), theme.style(Role::Key)),
            (format!("{:<20} ", command.title), theme.style(role)),
            (doc(app, command), theme.style(Role::Dim)),
        ]);
    }
    // What is selected is told in full at the bottom.
    lines.resize(usize::from(inner.height).saturating_sub(TOLD), Vec::new());
    lines.extend(told.into_iter().map(|it| vec![(it, theme.style(Role::Plain))]));
    panel::lines(buf, inner, &lines);
}
