//! What needs a person now, in order of harm.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{body_rows, plain_list};
use crate::app::App;
use crate::command::go;
use crate::effect::Effect;
use crate::filter;
use crate::frame;
use crate::list::{List, Step};
use crate::needs::{self, Need, NeedOf};
use crate::target::{RunTarget, Target, TaskTarget};

/// How many panes it has.
pub(crate) const PANES: usize = 1;

/// What this screen remembers.
#[derive(Default, Debug)]
pub(crate) struct State {
    pub(crate) list: List<NeedOf>,
    needs: Vec<Need>,
    /// Counts the changes of `needs`.
    changes: u64,
}

pub(crate) fn settle(app: &mut App) {
    let page = body_rows(app).saturating_sub(2);
    let needs = needs::all(app);
    let state = &mut app.states.pulse;
    let seconds = app.now.0.div_euclid(1_000_000);
    // What needs a person changes with the time too.
    state.changes += u64::from(needs != state.needs);
    let revision = app.store.revision + state.changes;
    state.list.settle(revision, seconds, page, |filter, _| {
        let row = |it: &&Need| {
            filter.keeps(&filter::Row {
                words: &[&it.what, &it.text, it.word],
                fields: &[("state", it.state), ("kind", it.word)],
                age: it.since.map(|at| app.now.since(at)),
            })
        };
        needs.iter().filter(row).map(|it| it.of.clone()).collect()
    });
    state.needs = needs;
}

pub(crate) fn summary(app: &App) -> String {
    format!("{} need you", app.states.pulse.needs.len())
}

pub(crate) fn selected(app: &App) -> Target {
    match app.states.pulse.list.selected() {
        Some(NeedOf::Run(run)) => Target::of_run(RunTarget::of(app, *run)),
        Some(NeedOf::Approval(run, path)) => {
            let task = TaskTarget { path: path.clone(), state: "awaiting_approval".to_owned() };
            let label = app.store.approvals.iter().find(|it| it.run == *run).map(|it| &it.label);
            let run = label.map(|it| RunTarget::new(app, *run, it));
            Target { task: Some(task), ..Target::of_run(run) }
        }
        Some(NeedOf::Pool(pool) | NeedOf::Queue(pool)) => {
            Target { pool: Some(pool.clone()), ..Target::default() }
        }
        Some(NeedOf::Workflow(workflow)) => {
            Target { workflow: Some(workflow.clone()), ..Target::default() }
        }
        Some(NeedOf::Store) | None => Target::default(),
    }
}

pub(crate) fn step(app: &mut App, step: Step) {
    app.states.pulse.list.step(step, |it| matches!(it, NeedOf::Run(_)));
}

pub(crate) fn can_open(app: &App) -> Result<(), String> {
    app.states.pulse.list.selected().map(drop).ok_or_else(|| "nothing is selected".to_owned())
}

pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    match app.states.pulse.list.selected().cloned() {
        Some(need) => go::open_need(app, &need),
        None => Vec::new(),
    }
}

pub(crate) fn view(app: &App, state: &State, area: Rect, buf: &mut Buffer) {
    if state.list.rows().is_empty() && state.list.filter().is_empty() {
        let text = match app.store.workflows.is_empty() {
            true => {
                "no workflows yet: `runyard demo` shows one at work, `runyard validate FILE` checks one"
            }
            false => "nothing needs you",
        };
        frame::nothing(app, area, buf, text);
        return;
    }
    plain_list(app, area, buf, ("NEEDS YOU", &state.list), |key| {
        let need = state.needs.iter().find(|it| it.of == *key);
        need.map(|it| (it.state.to_owned(), format!("{}  {}", it.what, it.text)))
            .unwrap_or_default()
    });
}
