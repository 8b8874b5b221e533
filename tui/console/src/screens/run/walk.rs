//! Moving: in the graph by arrows and in walking order, in lists by rows, and from one failure to the next.

use super::State;
use super::chart::Chart;
use super::panes::Pane;
use super::task::{is_failed_task, path};
use crate::app::App;
use crate::graph::{Direction, View};
use crate::key::Key;
use crate::list::Step;

pub(crate) fn step(app: &mut App, step: Step) {
    let mut state = std::mem::take(&mut app.states.run);
    let panes = state.panes(app, super::full(app));
    match panes.focused {
        // A failure is looked for in the tasks, whatever has the keys.
        _ if matches!(step, Step::NextFailed | Step::PreviousFailed) => {
            to_failed(app, &mut state, step);
        }
        Pane::Details => scroll(&mut state.scrolled, step),
        Pane::Log => state.tail.scroll(match step {
            Step::Up => 1,
            Step::Down => -1,
            Step::PageUp | Step::HalfUp => 10,
            Step::PageDown | Step::HalfDown => -10,
            Step::First => isize::MAX,
            Step::Last => isize::MIN + 1,
            _ => 0,
        }),
        Pane::Listed if state.items.open => state.items.list.step(step, |_| false),
        Pane::Listed => state.list.step(step, |_| false),
        Pane::Drawn => in_graph(app, &mut state, step),
    }
    app.states.run = state;
}

fn scroll(scrolled: &mut usize, step: Step) {
    *scrolled = match step {
        Step::Up => scrolled.saturating_sub(1),
        Step::Down => *scrolled + 1,
        Step::PageUp | Step::HalfUp => scrolled.saturating_sub(8),
        Step::PageDown | Step::HalfDown => *scrolled + 8,
        Step::First => 0,
        // The view stops at the end.
        Step::Last => 1_000,
        _ => *scrolled,
    }
    .min(1_000);
}

fn to_failed(app: &App, state: &mut State, step: Step) {
    if state.items.open {
        let items = &state.items;
        let failed: std::collections::BTreeSet<_> = items
            .list
            .rows()
            .iter()
            .filter(|it| items.get(it).is_some_and(is_failed_task))
            .cloned()
            .collect();
        state.items.list.step(step, |it| failed.contains(it));
        return;
    }
    let Some(run) = state.run(app) else { return };
    let in_graph = state.view() == View::Graph;
    let whole = state.plan.whole().and_then(|it| it.as_ref().ok()).filter(|_| in_graph);
    let Some(chart) = whole else {
        let (plan, list) = (&state.plan, &mut state.list);
        list.step(step, |it| {
            let task = plan.place(it.task.as_str()).and_then(|it| run.tasks.get(it));
            task.is_some_and(is_failed_task)
        });
        return;
    };
    let Some(at) = state.place() else { return };
    let is_failed = |it: &usize| run.tasks.get(*it).is_some_and(is_failed_task);
    let next = match step {
        Step::NextFailed => chart.order().skip_while(|it| *it != at).skip(1).find(is_failed),
        _ => chart.order().rev().skip_while(|it| *it != at).skip(1).find(is_failed),
    };
    select(app, state, next);
}

fn in_graph(app: &App, state: &mut State, step: Step) {
    let Some(at) = state.place() else { return };
    let whole = state.drawing() == View::Graph;
    let chart = match whole {
        true => state.plan.whole(),
        false => state.plan.near().map(|it| it.0),
    };
    let walks = matches!(app.opened_by, Some(Key::Char('j' | 'k')));
    let Some(Ok(chart)) = chart.filter(|_| whole || !walks) else {
        // Where nothing is drawn, and around one task, the order is that of the file.
        state.list.step(step, |_| false);
        return;
    };
    let kept: Option<std::collections::BTreeSet<usize>> = (!state.list.filter().is_empty())
        .then(|| state.list.rows().iter().filter_map(|it| state.plan.place(it.task.as_str())))
        .map(Iterator::collect);
    let is_kept = |it: &usize| kept.as_ref().is_none_or(|kept| kept.contains(it));
    let next = match (step, walks) {
        (Step::Up, true) => chart.order().rev().skip_while(|it| *it != at).skip(1).find(is_kept),
        (Step::Down, true) => chart.order().skip_while(|it| *it != at).skip(1).find(is_kept),
        (Step::First, _) => chart.order().find(is_kept),
        (Step::Last, _) => chart.order().rfind(is_kept),
        (step, _) => arrow(chart, at, step, is_kept),
    };
    select(app, state, next);
}

fn arrow(chart: &Chart, at: usize, step: Step, is_kept: impl Fn(&usize) -> bool) -> Option<usize> {
    let direction = match step {
        Step::Up => Direction::Up,
        Step::Down => Direction::Down,
        Step::Left | Step::PageUp | Step::HalfUp => Direction::Left,
        Step::Right | Step::PageDown | Step::HalfDown => Direction::Right,
        _ => return None,
    };
    let towards = std::iter::successors(Some(at), |it| chart.neighbour(*it, direction));
    towards.skip(1).find(is_kept)
}

fn select(app: &App, state: &mut State, place: Option<usize>) {
    let task = place.and_then(|it| state.run(app)?.tasks.get(it));
    if let Some(task) = task {
        state.list.select(path(task));
    }
}
