//! A choice of a few.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Dialog, Opened};
use crate::app::{App, Overlay};
use crate::effect::Effect;
use crate::key::Key;
use crate::theme::{Glyph, Role};
use crate::widgets::panel;

/// A few things to choose from.
#[derive(Clone, Debug)]
pub(crate) struct Menu {
    opened: Opened,
    title: &'static str,
    items: Vec<Item>,
    selected: usize,
    /// Whether what is chosen acts at once.
    acts: bool,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) key: char,
    pub(crate) label: String,
    pub(crate) detail: String,
    /// Why it cannot be chosen.
    pub(crate) off: Option<String>,
    /// What `run` is told.
    pub(crate) arg: String,
    pub(crate) run: fn(&mut App, &str) -> Vec<Effect>,
}

impl Menu {
    pub(super) fn new(opened: Opened, title: &'static str, items: Vec<Item>, acts: bool) -> Self {
        let selected = items.iter().position(|it| it.off.is_none()).unwrap_or(0);
        Self { opened, title, items, selected, acts }
    }
}

pub(super) fn key(app: &mut App, mut menu: Menu, key: Key) -> Vec<Effect> {
    let is_held = menu.opened.is_held(key, app.now);
    let last = menu.items.len().saturating_sub(1);
    let chosen = match key {
        Key::Esc => return Vec::new(),
        Key::Up => {
            menu.selected = menu.selected.saturating_sub(1);
            None
        }
        Key::Down => {
            menu.selected = (menu.selected + 1).min(last);
            None
        }
        Key::Enter => Some(menu.selected),
        Key::Char(letter) => menu.items.iter().position(|it| it.key == letter),
        _ => None,
    };
    let chosen = chosen.and_then(|at| menu.items.get(at)).filter(|it| it.off.is_none());
    match chosen.cloned() {
        Some(item) if !is_held && (!menu.acts || menu.opened.may_confirm(key, app.now)) => {
            app.opened_by = Some(key);
            (item.run)(app, &item.arg)
        }
        _ => {
            app.overlay = Some(Overlay::Dialog(Dialog::Menu(menu)));
            Vec::new()
        }
    }
}

pub(super) fn view(app: &App, menu: &Menu, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let label_width =
        menu.items.iter().map(|it| it.label.chars().count()).max().unwrap_or(0).min(30);
    let lines: Vec<panel::Line> = menu
        .items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let selected = at == menu.selected;
            let role = match (&item.off, selected) {
                (Some(_), _) => Role::Dim,
                (None, true) => Role::Selected,
                (None, false) => Role::Plain,
            };
            let pointer = if selected { theme.glyph(Glyph::Selected) } else { " " };
            let detail = item.off.as_ref().map_or_else(|| item.detail.clone(), Clone::clone);
            vec![
                (format!("{pointer} "), theme.style(Role::Strong)),
                (item.key.to_string(), theme.style(Role::Key)),
                (format!(" {:label_width$} ", item.label), theme.style(role)),
                (format!(" {detail}"), theme.style(Role::Dim)),
            ]
        })
        .collect();
    let wide = lines.iter().map(|it| it.iter().map(|it| it.0.chars().count()).sum::<usize>()).max();
    let width = u16::try_from(wide.unwrap_or(0)).unwrap_or(u16::MAX).clamp(30, 70);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(20);
    let inner = panel::panel(buf, area, theme, menu.title, (width, height));
    panel::lines(buf, inner, &lines);
}
