//! Draws the whole screen: header, way, banner, body, hints, and what stands over them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::{App, Overlay};
use crate::command::{Hint, Level, table};
use crate::dialog::{self, Dialog};
use crate::format;
use crate::help;
use crate::input::Link;
use crate::key::Key;
use crate::palette;
use crate::safe::Safe;
use crate::screens::{self, Kind};
use crate::text;
use crate::theme::{Glyph, Role, Theme};
use crate::toast;
use crate::verb;
use crate::why;
use crate::widgets::panel::Line;
use crate::widgets::table::Cell;

/// The fewest columns and rows.
pub(crate) const SIZE_MIN: (u16, u16) = (60, 15);
/// From so many columns on the screens are named in the first line.
const WIDE: u16 = 130;

/// Draws the console into all of a buffer, and not a cell outside.
pub fn view(app: &App, buf: &mut Buffer) {
    let area = buf.area;
    text::clear(buf, area, Style::new());
    if area.width < SIZE_MIN.0 || area.height < SIZE_MIN.1 {
        let (width, height) = SIZE_MIN;
        let line = format!("{width}×{height} needed, {}×{} is here", area.width, area.height);
        text::say(buf, area.x, area.y, area.width, &line, Style::new());
    } else {
        whole(app, area, buf);
    }
    if !app.settings.unicode {
        to_ascii(buf);
    }
}

fn whole(app: &App, area: Rect, buf: &mut Buffer) {
    header(app, area, buf);
    way(app, area, buf);
    if let Some((text, _)) = banner(app) {
        let row = Rect { y: area.y + 2, height: 1, ..area };
        let style = app.theme().style(Role::Banner);
        text::say(buf, row.x + 1, row.y, row.width.saturating_sub(2), &text, style);
        text::highlight(buf, row, style);
    }
    let body = body(app, area);
    if app.store.is_empty() {
        waiting(app, body, buf);
    } else {
        screens::view(app, body, buf);
    }
    bottom(app, area, buf);
    match &app.overlay {
        Some(Overlay::Help(it)) => help::view(app, it, body, buf),
        Some(Overlay::Palette(it)) => palette::view(app, it, body, buf),
        Some(Overlay::Dialog(it)) => dialog::view(app, it, body, buf),
        Some(Overlay::Why(it)) => why::view(app, it, body, buf),
        Some(Overlay::Filter(_) | Overlay::Log(_)) | None => {}
    }
}

/// Where the screen itself is drawn.
pub(crate) fn body(app: &App, area: Rect) -> Rect {
    let top = if banner(app).is_some() { 3 } else { 2 };
    Rect { y: area.y + top, height: area.height.saturating_sub(top + 2), ..area }
}

/// A state as glyph and word.
pub(crate) fn state_cell(theme: Theme, word: &str) -> Cell {
    let mark = theme.state(word);
    // Of a word without room the beginning says most; `approval` says more of this one.
    let word = if word == "awaiting_approval" { "approval" } else { word };
    Cell::new(&format!("{} {word}", mark.glyph), mark.style)
}

/// Says in the middle of an area why it is empty.
pub(crate) fn nothing(app: &App, area: Rect, buf: &mut Buffer, why: &str) {
    let lines = text::wrap(&Safe::line(why), usize::from(area.width.saturating_sub(4)));
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 3;
    for (line, y) in lines.iter().zip(top..area.bottom()) {
        let free = usize::from(area.width).saturating_sub(text::width(line)) / 2;
        let x = area.x + u16::try_from(free).unwrap_or(0);
        text::put(buf, x, y, area.right().saturating_sub(x), line, app.theme().style(Role::Dim));
    }
}

fn header(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let mut left = vec![
        (" runyard ".to_owned(), theme.style(Role::Strong)),
        (app.settings.host.clone(), theme.style(Role::Plain)),
    ];
    if app.settings.read_only {
        let (word, role) = if app.is_locked() { ("RO", Role::Good) } else { ("RW", Role::Warn) };
        left.push((format!(" {word}"), theme.style(role)));
    }
    text::pieces(buf, (area.x, area.y), area.width / 2, &left);
    if area.width >= WIDE {
        let screens = screen_keys(app, "  ", true);
        text::pieces(buf, (area.x + 24, area.y), area.width.saturating_sub(60), &screens);
    }
    let (age, role) = age(app);
    let paused = app.store.daemon.as_ref().is_some_and(|it| it.pause.is_some());
    let paused = if paused { "PAUSED  " } else { "" };
    let age = Safe::line(&format!("{paused}{age} "));
    let room = area.width / 2;
    text::put_right(buf, area.right() - room, area.y, room, &age, theme.style(role));
}

/// How old the picture is.
fn age(app: &App) -> (String, Role) {
    if let Some(frozen) = &app.frozen {
        let span = format::span(app.now.since(frozen.since));
        return (format!("FROZEN {span}, . ends it"), Role::Warn);
    }
    match &app.link {
        Link::Up { .. } if app.store.is_empty() => ("connected".to_owned(), Role::Dim),
        Link::Up { .. } => ("live".to_owned(), Role::Good),
        Link::Connecting => ("connecting".to_owned(), Role::Dim),
        Link::Lost { since, .. } => {
            let heard = app.heard.unwrap_or(*since);
            (format!("STALE {}", format::span(app.now.since(heard))), Role::Bad)
        }
        Link::Refused { .. } => ("REFUSED".to_owned(), Role::Bad),
    }
}

fn way(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = app.theme();
    let y = area.y + 1;
    let summary = Safe::line(&screens::summary(app));
    let wide = u16::try_from(text::width(&summary)).unwrap_or(u16::MAX).min(area.width / 2);
    let crumbs: Vec<String> = app.places.iter().map(|it| screens::crumb(app, &it.screen)).collect();
    let crumbs = crumbs.join(&format!(" {} ", theme.glyph(Glyph::Crumb)));
    let room = area.width.saturating_sub(wide + 4);
    text::say(buf, area.x + 1, y, room, &crumbs, theme.style(Role::Strong));
    let x = area.right().saturating_sub(wide + 1);
    text::put_right(buf, x, y, wide, &summary, theme.style(Role::Plain));
}

/// What is said across the screen while nothing can be done.
fn banner(app: &App) -> Option<(String, Role)> {
    let dots = app.theme().glyph(Glyph::Banner);
    let clock = |at| format::clock(at, app.settings.utc_offset);
    let text = match &app.link {
        Link::Up { .. } | Link::Connecting => {
            let pause = app.store.daemon.as_ref()?.pause.as_ref()?;
            let until = match pause.until {
                Some(at) => format!("until {}", format::when(at, app.now, app.settings.utc_offset)),
                None => "until it is resumed".to_owned(),
            };
            let said = pause.comment.as_deref().map(|it| format!(": {it}")).unwrap_or_default();
            let by = pause.by.strip_prefix("user:").unwrap_or(&pause.by);
            format!(
                "{dots} everything is paused by {by} {until}{said} · {} held back",
                pause.held_back
            )
        }
        Link::Lost { since, .. } => {
            let heard = app.heard.unwrap_or(*since);
            let age = format::span(app.now.since(heard));
            let age = match app.store.is_empty() {
                true => String::new(),
                false => format!(" · data {age} old"),
            };
            format!("{dots} daemon not answering since {}{age} · actions off", clock(*since))
        }
        Link::Refused { reason, help } => format!("{dots} {reason} · {help} · actions off"),
    };
    Some((text, Role::Banner))
}

/// The body before the daemon has told anything.
fn waiting(app: &App, area: Rect, buf: &mut Buffer) {
    let text = match &app.link {
        Link::Connecting => "connecting to the daemon…".to_owned(),
        Link::Up { version } => {
            format!("connected to runyardd {version}, which has not told anything yet")
        }
        Link::Lost { reason, .. } => format!("the daemon does not answer: {reason}"),
        Link::Refused { reason, help } => format!("{reason}: {help}"),
    };
    nothing(app, area, buf, &text);
}

/// The last two rows: what works on the selection, and what works on the screen.
fn bottom(app: &App, area: Rect, buf: &mut Buffer) {
    let first = area.bottom() - 2;
    let line = match (&app.overlay, &app.toast) {
        (Some(Overlay::Filter(it)), _) => palette::filter_line(app, it),
        (Some(Overlay::Log(it)), _) => screens::log::prompt_line(app, it),
        (Some(it), _) => overlay_keys(app, it),
        (None, Some(it)) => toast::pieces(app, it),
        _ => verbs(app, usize::from(area.width)),
    };
    text::pieces(buf, (area.x, first), area.width, &line);
    let wide = area.width >= WIDE;
    let mut line = if wide { Vec::new() } else { screen_keys(app, " ", false) };
    let used: usize = line.iter().map(|it| it.0.chars().count()).sum();
    line.extend(general(app, usize::from(area.width).saturating_sub(used)));
    text::pieces(buf, (area.x, first + 1), area.width, &line);
}

/// What the keys do in what stands over the screen.
fn overlay_keys(app: &App, overlay: &Overlay) -> Line {
    let keys: &[(&str, &str)] = match overlay {
        Overlay::Dialog(Dialog::Confirm(it)) => it.keys(),
        Overlay::Dialog(Dialog::Menu(_)) => &[("enter", "choose"), ("esc", "close")],
        Overlay::Dialog(Dialog::Question(_)) => &[("y", "yes"), ("esc", "no")],
        Overlay::Palette(_) => &[("enter", "run"), ("tab", "complete"), ("esc", "close")],
        Overlay::Help(_) => &[("enter", "run"), ("esc", "close")],
        Overlay::Why(_) => &[("j k", "scroll"), ("esc", "close")],
        Overlay::Filter(_) | Overlay::Log(_) => &[],
    };
    let theme = app.theme();
    let hint = |(key, text): &(&str, &str)| {
        let key = (format!(" {key}"), theme.style(Role::Key));
        [key, (format!(" {text} "), theme.style(Role::Plain))]
    };
    keys.iter().flat_map(hint).collect()
}

/// `1 Pulse  2 Workflows …`, the one that is shown in bold.
fn screen_keys(app: &App, gap: &str, spaced: bool) -> Line {
    let theme = app.theme();
    let root = app.places.first().map(|it| it.screen.kind());
    let roots = [Kind::Pulse, Kind::Workflows, Kind::Runs, Kind::Queues, Kind::Approvals];
    let mut line = Vec::new();
    for (place, kind) in roots.into_iter().enumerate() {
        let role = if root == Some(kind) { Role::Strong } else { Role::Plain };
        let space = if spaced { " " } else { "" };
        line.push((format!("{gap}{}", place + 1), theme.style(Role::Key)));
        let approvals = app.store.approvals.len();
        let count = match kind {
            Kind::Approvals if approvals > 0 => format!("({approvals})"),
            _ => String::new(),
        };
        line.push((format!("{space}{}{count}", kind.title()), theme.style(role)));
    }
    line
}

/// The verbs that can be used on the selection, as many as there is room for; with a count where rows are marked.
fn verbs(app: &App, room: usize) -> Line {
    let theme = app.theme();
    let target = screens::target(app);
    let mut line = Vec::new();
    let mut used = 0;
    if target.marked > 0 {
        let text = format!(" {} marked ", target.marked);
        used += text.chars().count();
        line.push((text, theme.style(Role::Strong)));
    }
    let kind = app.kind();
    let here = table::all().filter(|it| it.scope.contains(&kind));
    let mut hints: Vec<(Level, &str, Key)> = here
        .filter_map(|it| match it.hint {
            Hint::Verb(hint) if it.is_allowed(app).is_ok() => {
                Some((it.level, verb::hint(app, it.id).unwrap_or(hint), *it.keys.first()?))
            }
            _ => None,
        })
        .collect();
    // Opening is what is done most.
    hints.sort_by_key(|it| it.2 != Key::Enter);
    for (level, hint, key) in hints {
        let key = key_label(theme, key);
        let wide = key.chars().count() + hint.chars().count() + 3;
        if used + wide > room {
            break;
        }
        used += wide;
        let role = if level > Level::Look && app.is_locked() { Role::Dim } else { Role::Plain };
        line.push((format!(" {key}"), theme.style(Role::Key)));
        line.push((format!(" {hint} "), theme.style(role)));
    }
    line
}

fn general(app: &App, room: usize) -> Line {
    let theme = app.theme();
    let kind = app.kind();
    let mut line = Vec::new();
    let mut used = 1;
    let here = table::all().filter(|it| it.scope.contains(&kind));
    let mut hints: Vec<(&str, String)> = here
        .filter_map(|it| match it.hint {
            Hint::General(hint) => Some((hint, key_label(theme, *it.keys.first()?))),
            _ => None,
        })
        .collect();
    let wide = |hint: &str, key: &str| key.chars().count() + hint.chars().count() + 3;
    if hints.iter().map(|(hint, key)| wide(hint, key)).sum::<usize>() >= room {
        // These two lead to all others.
        hints.sort_by_key(|it| !matches!(it.1.as_str(), "?" | ":"));
    }
    for (hint, key) in hints {
        let wide = wide(hint, &key);
        if used + wide > room {
            continue;
        }
        used += wide;
        line.push((format!("  {key}"), theme.style(Role::Key)));
        line.push((format!(" {hint}"), theme.style(Role::Plain)));
    }
    line
}

/// A key in a hint: short, where there is a glyph for it.
fn key_label(theme: Theme, key: Key) -> String {
    match key {
        Key::Enter => theme.glyph(Glyph::Enter).to_owned(),
        other => other.to_string(),
    }
}

/// Replaces what the terminal does not show. Names from outside may hold anything.
fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !cell.symbol().is_ascii() {
            let symbol = match cell.symbol() {
                "…" => "~",
                "·" => "-",
                "×" => "x",
                _ => "?",
            };
            cell.set_symbol(symbol);
        }
    }
}
