//! Tasks in rows, or the items of one of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::TaskPath;
use shared::snapshot::{QueueRow, TaskView};

use super::drawn::place_hint;
use super::panes::{Pane, Panes};
use super::{SORTS, State, task};
use crate::app::App;
use crate::format;
use crate::frame;
use crate::list::List;
use crate::screens::{Titled, known_at, list_title, now};
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
    let titled =
        Titled { name: "TASKS", all, sorts: &SORTS, keys: &task::KEYS, height: area.height };
    let (title, hint) = list_title(&state.list, &titled);
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
    let titled = Titled {
        name: &format!("ITEMS of {of}"),
        all: items.len(),
        sorts: &[],
        keys: &task::KEYS,
        height: area.height,
    };
    let (title, hint) = list_title(&items.list, &titled);
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
        3 => Cell::new(&format::took(task.started, task.ended, known_at(app)), plain),
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

/// What the queue knows of a task or an item that waits for capacity.
pub(super) fn queued<'a>(app: &'a App, state: &State, task: &TaskView) -> Option<&'a QueueRow> {
    let run = state.run?;
    let rows = app.store.queue.as_ref()?.queue.iter();
    rows.filter(|it| it.run == run && it.task == task.task)
        .find(|it| task.item.is_none() || it.item == task.item)
}

fn its_turn(app: &App, state: &State) -> Option<String> {
    let is_queued = state.run(app).is_some_and(|it| it.state == "queued");
    is_queued.then(|| "its run waits for its turn".to_owned())
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
        let own = own.strip_prefix(&format!("{} ", task::shown(task))).unwrap_or(own);
        return format::with_clocks(own, app.now, app.settings.utc_offset);
    }
    let needs = task.needs.iter().take(NEEDS_MAX).filter_map(|it| state.task(app, it));
    let bad = |it: &&TaskView| matches!(it.state.as_str(), "failed" | "upstream_failed");
    let open = |it: &&TaskView| !task::is_ended(&it.state);
    match task.state.as_str() {
        "upstream_failed" => needs.filter(bad).map(|it| format!("{} failed", it.task)).next(),
        "waiting" => needs
            .filter(open)
            .map(|it| format!("waits for {}", it.task))
            .next()
            .or_else(|| its_turn(app, state)),
        "queued" => Some(
            queued(app, state, task)
                .and_then(|it| now::waits_for(app, it))
                .unwrap_or_else(|| "waits for a slot".to_owned()),
        ),
        "running" if task.kind == "wait" => Some("waits for its file: w says which".to_owned()),
        _ => None,
    }
    .unwrap_or_default()
}
