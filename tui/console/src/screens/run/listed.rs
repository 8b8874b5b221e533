//! Tasks in rows, or the items of one of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::TaskPath;
use shared::snapshot::TaskView;

use super::drawn::place_hint;
use super::panes::{Pane, Panes};
use super::{SORTS, State, task};
use crate::app::App;
use crate::format;
use crate::frame;
use crate::list::List;
use crate::screens::list_title;
use crate::target::is_failed;
use crate::text::Align;
use crate::theme::Role;
use crate::widgets::rule;
use crate::widgets::table::{self, Cell, Column, Look, REST};

const COLUMNS: [Column; 8] = [
    Column { title: "TASK", min: 16, max: 40, align: Align::Left, rank: 0 },
    Column { title: "STATE", min: 17, max: 17, align: Align::Left, rank: 0 },
    Column { title: "TRY", min: 3, max: 3, align: Align::Right, rank: 4 },
    Column { title: "TOOK", min: 6, max: 6, align: Align::Right, rank: 2 },
    Column { title: "POOL", min: 8, max: 12, align: Align::Left, rank: 6 },
    Column { title: "CPU", min: 6, max: 6, align: Align::Right, rank: 7 },
    Column { title: "RSS", min: 8, max: 8, align: Align::Right, rank: 5 },
    Column { title: "CAUSE", min: 20, max: REST, align: Align::Left, rank: 3 },
];

/// How many needs are looked at for what a task waits for.
const NEEDS_MAX: usize = 64;

pub(super) fn view(app: &App, state: &State, panes: &Panes, area: Rect, buf: &mut Buffer) {
    let focused = panes.focused == Pane::Listed;
    if state.items.open {
        items(app, state, panes, area, buf);
        return;
    }
    let all = state.plan.len();
    let (title, hint) = list_title("TASKS", &state.list, all, &SORTS);
    let area = rule::rule(buf, area, app.theme(), &title, &place_hint(panes, hint), focused);
    if state.list.rows().is_empty() {
        frame::nothing(app, area, buf, "no task fits the filter: esc takes it away");
        return;
    }
    rows(app, state, &state.list, area, buf, |key| {
        state.task(app, key.task.as_str()).map(|it| (name(it), it))
    });
}

fn name(task: &TaskView) -> String {
    match task::is_mapped(task) {
        true => format!("{} ×{}", task.task, task::items_done(task).1),
        false => task.task.clone(),
    }
}

fn items(app: &App, state: &State, panes: &Panes, area: Rect, buf: &mut Buffer) {
    let items = &state.items;
    let of = items.of.as_deref().unwrap_or_default();
    let (title, hint) = list_title(&format!("ITEMS of {of}"), &items.list, items.len(), &[]);
    let hint = place_hint(panes, format!("{hint}   esc: tasks").trim().to_owned());
    let focused = panes.focused == Pane::Listed;
    let area = rule::rule(buf, area, app.theme(), &title, &hint, focused);
    let says = match (&items.refused, items.are_known(), items.list.rows().is_empty()) {
        (Some(refused), ..) => refused,
        (None, false, _) => "asking the daemon for the items…",
        (None, true, true) => "no items",
        (None, true, false) => "",
    };
    if !says.is_empty() {
        frame::nothing(app, area, buf, says);
        return;
    }
    rows(app, state, &items.list, area, buf, |key| {
        let item = items.get(key)?;
        Some((item.item.clone().unwrap_or_default(), item))
    });
}

fn rows<'a>(
    app: &'a App,
    state: &'a State,
    list: &List<TaskPath>,
    area: Rect,
    buf: &mut Buffer,
    of: impl Fn(&TaskPath) -> Option<(String, &'a TaskView)>,
) {
    let theme = app.theme();
    let rows = list.visible(usize::from(area.height.saturating_sub(1)));
    let look = |it: &TaskPath| Look { selected: list.is_selected(it), marked: list.is_marked(it) };
    table::table(buf, area, theme, &COLUMNS, rows, look, |key, column, _| match of(key) {
        Some((name, task)) => cell(app, state, &name, task, column),
        None => Cell::new("", theme.style(Role::Plain)),
    });
}

fn cell(app: &App, state: &State, name: &str, task: &TaskView, column: usize) -> Cell {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    let word = task::shown(task);
    let used = || task::attempts(task).map(|it| it.1);
    match column {
        0 => Cell::new(name, plain),
        1 => frame::state_cell(theme, word),
        2 => match used().count() {
            0 => Cell::new("-", plain),
            count => Cell::new(&count.to_string(), plain),
        },
        3 => Cell::new(&format::took(task.started, task.ended, app.now), plain),
        4 => Cell::new(task.pool.as_ref().map_or("-", |it| it.as_str()), plain),
        5 => {
            let cpu: f64 = used().filter_map(|it| it.cpu_s).sum();
            Cell::new(&if cpu > 0.0 { seconds(cpu) } else { "-".to_owned() }, plain)
        }
        6 => {
            let rss = used().filter_map(|it| it.max_rss).max();
            Cell::new(&rss.map_or("-".to_owned(), format::size), plain)
        }
        _ => {
            let style = if is_failed(word) { theme.style(Role::Bad) } else { plain };
            Cell::new(&cause(app, state, task), style)
        }
    }
}

/// Processor time: tenths under ten seconds, then as other spans.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        it if it < 10.0 => format!("{it:.1}s"),
        it => format::span(std::time::Duration::try_from_secs_f64(it).unwrap_or_default()),
    }
}

/// Why it is so: what it says itself, the items that failed, or the first need that is in the way.
pub(super) fn cause(app: &App, state: &State, task: &TaskView) -> String {
    let failed = task.failed_items.filter(|it| *it > 0 && task::is_mapped(task));
    let own = task::why(task);
    if let Some(failed) = failed {
        let all = task::items_done(task).1;
        return format!("{failed} of {all} items failed");
    }
    if !own.is_empty() {
        return own.to_owned();
    }
    let needs = task.needs.iter().take(NEEDS_MAX).filter_map(|it| state.task(app, it));
    let bad = |it: &&TaskView| matches!(it.state.as_str(), "failed" | "upstream_failed");
    let open = |it: &&TaskView| !task::is_ended(&it.state);
    match task.state.as_str() {
        "upstream_failed" => needs.filter(bad).map(|it| format!("{} failed", it.task)).next(),
        "waiting" => needs.filter(open).map(|it| format!("waits for {}", it.task)).next(),
        _ => None,
    }
    .unwrap_or_default()
}
