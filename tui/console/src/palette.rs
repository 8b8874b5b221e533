//! Finds screens, objects and commands by what is typed; and the line in which a filter is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{App, Overlay};
use crate::command::{self, Command, aim, table};
use crate::edit::Edit;
use crate::effect::Effect;
use crate::filter::Filter;
use crate::key::Key;
use crate::screens::{self, Screen};
use crate::theme::{Glyph, Role};
use crate::widgets::panel;

/// The most rows that are found.
const FOUND_MAX: usize = 100;
/// The most rows that are visible.
const ROWS: u16 = 10;

/// What is typed, and what that finds.
#[derive(Debug)]
pub(crate) struct Palette {
    edit: Edit,
    entries: Vec<Entry>,
    selected: usize,
}

/// One row.
#[derive(Clone, Debug)]
struct Entry {
    label: String,
    detail: String,
    key: String,
    /// Why it does not work now.
    off: Option<String>,
    go: Go,
}

#[derive(Clone, Debug)]
enum Go {
    Command(&'static Command, String),
    Run(shared::id::RunId),
    Workflow(shared::id::WorkflowName),
    Pool(shared::id::PoolName),
}

/// The line in which a filter is typed.
#[derive(Debug)]
pub(crate) struct FilterBox {
    pub(crate) edit: Edit,
    before: String,
}

impl Palette {
    pub(crate) fn new(app: &mut App) -> Self {
        Self { edit: Edit::default(), entries: found(app, ""), selected: 0 }
    }
}

impl FilterBox {
    pub(crate) fn new(text: &str) -> Self {
        let typed = if text.is_empty() { String::new() } else { format!("{text} ") };
        Self { edit: Edit::new(&typed), before: text.to_owned() }
    }
}

/// Takes in a pasted text.
pub(crate) fn paste(app: &mut App, text: &str) {
    if let Some(Overlay::Palette(mut palette)) = app.overlay.take() {
        palette.edit.paste(text);
        palette.entries = found(app, &palette.edit.text());
        palette.selected = 0;
        app.overlay = Some(Overlay::Palette(palette));
    }
}

pub(crate) fn key(app: &mut App, mut palette: Palette, key: Key) -> Vec<Effect> {
    let last = palette.entries.len().saturating_sub(1);
    match key {
        Key::Esc => return Vec::new(),
        Key::Enter => {
            return match palette.entries.get(palette.selected) {
                Some(entry) => go(app, entry.go.clone()),
                None => Vec::new(),
            };
        }
        Key::Up => palette.selected = palette.selected.saturating_sub(1),
        Key::Down => palette.selected = (palette.selected + 1).min(last),
        Key::Tab => {
            if let Some(entry) = palette.entries.get(palette.selected) {
                palette.edit = Edit::new(&format!("{} ", entry.label));
            }
        }
        key => {
            palette.edit.key(key);
            palette.entries = found(app, &palette.edit.text());
            palette.selected = 0;
        }
    }
    app.overlay = Some(Overlay::Palette(palette));
    Vec::new()
}

fn go(app: &mut App, go: Go) -> Vec<Effect> {
    match go {
        Go::Command(command, args) => app.run(command, Some(Key::Enter), &args),
        Go::Run(run) => app.open(Screen::Run(run)),
        Go::Workflow(workflow) => {
            app.states.workflows.list.select(workflow);
            app.open_root(Screen::Workflows)
        }
        Go::Pool(pool) => {
            app.states.queues.list.select(pool);
            app.open_root(Screen::Queues)
        }
    }
}

/// The rows for a text: a command that is named by its first word with the rest as its arguments, then what matches,
/// closest first.
fn found(app: &mut App, text: &str) -> Vec<Entry> {
    let text = text.trim();
    let text = text.strip_prefix("runyard ").unwrap_or(text);
    let mut entries = Vec::new();
    if let Some((word, args)) = text.split_once(' ')
        && let Some(command) = command::by_word(word)
    {
        entries.push(of_command(app, command, args.trim()));
    }
    let mut ranked: Vec<(u32, Entry)> = Vec::new();
    for command in table::all() {
        let words = command.words.iter().chain([&command.id, &command.title]);
        if let Some(rank) = words.filter_map(|it| rank(it, text)).min() {
            ranked.push((rank, of_command(app, command, "")));
        }
    }
    if !text.is_empty() {
        ranked.extend(objects(app, text));
    }
    ranked.sort_by_key(|it| it.0);
    entries.extend(ranked.into_iter().map(|it| it.1));
    entries.truncate(FOUND_MAX);
    entries
}

fn objects(app: &App, text: &str) -> Vec<(u32, Entry)> {
    let entry = |label: String, detail: String, go| Entry {
        label,
        detail,
        key: String::new(),
        off: None,
        go,
    };
    // Commands come before objects that match as well.
    let rank = |label: &str| rank(label, text).map(|it| it + 1);
    let store = &app.store;
    let workflows = store.workflows.values().filter_map(|it| {
        let detail = format!("workflow, {}", it.state);
        let go = Go::Workflow(it.name.clone());
        Some((rank(it.name.as_str())?, entry(it.name.to_string(), detail, go)))
    });
    let pools = store.pools.values().filter_map(|it| {
        let detail = format!("pool, {}", it.state);
        Some((
            rank(it.name.as_str())?,
            entry(it.name.to_string(), detail, Go::Pool(it.name.clone())),
        ))
    });
    let runs = store.order.iter().filter_map(|id| {
        let label = store.label(*id);
        let state = store.run_row(*id).map(|it| it.state.clone()).unwrap_or_default();
        Some((rank(&label)?, entry(label, format!("run, {state}"), Go::Run(*id))))
    });
    workflows.chain(pools).chain(runs.take(FOUND_MAX)).collect()
}

fn of_command(app: &mut App, command: &'static Command, args: &str) -> Entry {
    let off = match aim::read(app, command, args) {
        Ok((target, _)) => {
            app.aimed = target;
            command.is_allowed(app).err()
        }
        Err(reason) => Some(reason),
    };
    app.aimed = None;
    let label =
        if args.is_empty() { command.id.to_owned() } else { format!("{} {args}", command.id) };
    Entry {
        label,
        detail: command.title.to_owned(),
        key: command.keys.first().map(ToString::to_string).unwrap_or_default(),
        off,
        go: Go::Command(command, args.to_owned()),
    }
}

/// How far a text is from what was typed: 0 the same, then its beginning, a part, its letters in order; none otherwise.
fn rank(text: &str, typed: &str) -> Option<u32> {
    let (text, typed) = (text.to_lowercase(), typed.to_lowercase());
    if text == typed {
        return Some(0);
    }
    if text.starts_with(&typed) {
        return Some(10);
    }
    if let Some(at) = text.find(&typed) {
        return Some(20 + u32::try_from(at.min(20)).unwrap_or(20));
    }
    let mut letters = text.chars();
    let is_sequence =
        typed.chars().filter(|it| *it != ' ').all(|it| letters.any(|other| other == it));
    is_sequence.then(|| 50 + u32::try_from(text.len().min(400)).unwrap_or(400))
}

pub(crate) fn view(app: &App, palette: &Palette, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let width = area.width.saturating_sub(8).min(90);
    let rows = ROWS.min(area.height.saturating_sub(5)).max(1);
    let inner = panel::panel(buf, area, theme, "COMMAND", (width, rows + 2));
    let (before, after) = palette.edit.parts();
    let mut lines = vec![
        vec![
            (":".to_owned(), theme.style(Role::Key)),
            (before, theme.style(Role::Plain)),
            (theme.glyph(Glyph::Cursor).to_owned(), theme.style(Role::Strong)),
            (after, theme.style(Role::Plain)),
        ],
        Vec::new(),
    ];
    let first = (palette.selected + 1).saturating_sub(usize::from(rows));
    let label_width = usize::from(inner.width / 2).saturating_sub(8).max(10);
    for (at, entry) in palette.entries.iter().enumerate().skip(first).take(usize::from(rows)) {
        let selected = at == palette.selected;
        let role = match (selected, &entry.off) {
            (true, _) => Role::Selected,
            (false, Some(_)) => Role::Dim,
            (false, None) => Role::Plain,
        };
        let pointer = if selected { theme.glyph(Glyph::Selected) } else { " " };
        let label: String = entry.label.chars().take(label_width).collect();
        let detail = match &entry.off {
            Some(reason) => format!("{} ({reason})", entry.detail),
            None => entry.detail.clone(),
        };
        lines.push(vec![
            (format!("{pointer} "), theme.style(Role::Strong)),
            (format!("{label:label_width$} "), theme.style(role)),
            (format!("{:<9} ", entry.key), theme.style(Role::Key)),
            (detail, theme.style(Role::Dim)),
        ]);
    }
    if palette.entries.is_empty() {
        lines.push(vec![("nothing is called that".to_owned(), theme.style(Role::Dim))]);
    }
    panel::lines(buf, inner, &lines);
}

pub(crate) fn filter_key(app: &mut App, mut filter: FilterBox, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc => {
            screens::set_filter(app, &filter.before);
            return Vec::new();
        }
        Key::Enter => return Vec::new(),
        Key::Up | Key::Down => {
            let step = if key == Key::Up { crate::list::Step::Up } else { crate::list::Step::Down };
            app.overlay = Some(Overlay::Filter(filter));
            return screens::step(app, step);
        }
        key => {
            filter.edit.key(key);
            let parsed = Filter::new(&filter.edit.text());
            if let Some(list) = screens::list(app) {
                list.set_filter(parsed);
            }
        }
    }
    app.overlay = Some(Overlay::Filter(filter));
    Vec::new()
}

/// The line in which a filter is typed.
pub(crate) fn filter_line(app: &App, filter: &FilterBox) -> panel::Line {
    let theme = app.theme();
    let (before, after) = filter.edit.parts();
    vec![
        (" /".to_owned(), theme.style(Role::Key)),
        (before, theme.style(Role::Field)),
        (theme.glyph(Glyph::Cursor).to_owned(), theme.style(Role::Strong)),
        (after, theme.style(Role::Field)),
        (
            "   words  key:value  !not  age<1d   enter keep  esc undo".to_owned(),
            theme.style(Role::Dim),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closest_comes_first() {
        assert_eq!(rank("retry", "retry"), Some(0));
        assert!(rank("retry", "re") < rank("core", "re"));
        assert!(rank("roll back", "rb").is_some());
        assert_eq!(rank("retry", "x"), None);
        assert_eq!(rank("retry", ""), Some(10));
    }
}
