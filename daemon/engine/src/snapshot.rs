//! What readers are shown of the state, and of runs that have left it.

mod lists;

use std::collections::BTreeMap;

use shared::id::Seq;
use shared::request::PauseWhat;
use shared::snapshot::{AttemptView, PauseView, RollbackView, RunRow, RunView, TaskView, UndoView};
use shared::state::{Outcome, TaskPhase, Wait, said};
use shared::workflow::{Kind, Section, Task, Workflow};

use crate::pause;
use crate::scope::failed_items;
use crate::size::shown_outputs;
use crate::state::{Attempt, ItemRun, Pause, Run, State, TaskRun};
use crate::why::{self, undo_word};

pub use lists::{
    approvals, graph, holders, pause_of_all, pools, queue, resources, run_counts, workflow,
    workflows,
};

/// A run in a list. `state`: where it is, if it has not left it.
pub fn run_row(run: &Run, workflow: &Workflow, state: Option<&State>) -> RunRow {
    RunRow {
        id: run.id,
        workflow: run.workflow.clone(),
        number: run.number,
        state: run.word().to_owned(),
        reason: run_reason(run, workflow, state),
        actor: run.actor.name.clone(),
        priority: run.priority.0,
        created: run.created_at,
        started: run.started_at,
        ended: run.ended_at,
        counts: counts(run, workflow),
        pause: run_pause(run, state),
    }
}

/// A run with its tasks.
pub fn run_view(run: &Run, workflow: &Workflow, state: Option<&State>, seq: Seq) -> RunView {
    let places = 0..run.tasks.len().min(workflow.tasks.len());
    let tasks = places.map(|place| part_view(run, workflow, place, None)).collect();
    run_view_of(run, workflow, state, seq, tasks)
}

/// A run without its tasks.
pub fn run_head(run: &Run, workflow: &Workflow, state: Option<&State>, seq: Seq) -> RunView {
    run_view_of(run, workflow, state, seq, Vec::new())
}

/// The task at a place of a run.
pub fn task_at(run: &Run, workflow: &Workflow, place: u32) -> Option<TaskView> {
    let place = place as usize;
    let is_there = place < run.tasks.len().min(workflow.tasks.len());
    is_there.then(|| part_view(run, workflow, place, None))
}

/// A run with the items of one mapped task, from the `from`-th on, at most `limit`.
pub fn items_view(
    run: &Run,
    workflow: &Workflow,
    seq: Seq,
    task: usize,
    from: usize,
    limit: usize,
) -> RunView {
    let items = run.tasks[task].items.as_ref().map_or(&[][..], |it| it.list());
    let page = items.iter().enumerate().skip(from).take(limit).map(|(place, it)| {
        let view = part_view(run, workflow, task, Some(place));
        TaskView { item: Some(it.item.key.to_string()), ..view }
    });
    let page = page.collect();
    run_view_of(run, workflow, None, seq, page)
}

fn run_view_of(
    run: &Run,
    workflow: &Workflow,
    state: Option<&State>,
    seq: Seq,
    tasks: Vec<TaskView>,
) -> RunView {
    RunView {
        id: run.id,
        workflow: run.workflow.clone(),
        number: run.number,
        version: run.version.clone(),
        state: run.word().to_owned(),
        reason: run_reason(run, workflow, state),
        owner: workflow.owner.clone(),
        params: run.params.iter().map(|(name, it)| (name.to_string(), it.clone())).collect(),
        interval: run.interval,
        trigger: "manual".to_owned(),
        actor: run.actor.name.clone(),
        priority: run.priority.0,
        created: run.created_at,
        started: run.started_at,
        ended: run.ended_at,
        counts: counts(run, workflow),
        tasks,
        times_out: run.clock.ends().filter(|_| !run.phase.is_over()),
        pause: run_pause(run, state),
        rollback: rollback_view(run),
        seq,
    }
}

/// Who keeps it from going on or has stopped it, or what failed first.
fn run_reason(run: &Run, workflow: &Workflow, state: Option<&State>) -> Option<String> {
    if let Some((what, pause)) = state.and_then(|it| it.held_back(run)) {
        let name = match what {
            PauseWhat::Run(_) => String::new(),
            PauseWhat::All => "everything ".to_owned(),
            PauseWhat::Workflow(_) | PauseWhat::Pool(_) => "its workflow ".to_owned(),
        };
        return Some(said(
            format!("{name}paused by {}", pause.actor.name),
            pause.comment.as_deref(),
        ));
    }
    let cause = why::first_failed(run, workflow).map(|(path, outcome)| {
        let reason = outcome.reason().unwrap_or_else(|| outcome.word().to_owned());
        format!("{path}: {reason}")
    });
    if let Some(rollback) = run.rollback.as_ref().filter(|_| run.undos().next().is_some()) {
        let who = format!("rolled back by {}", rollback.actor.name);
        let not_undone = run.undos().filter_map(|(spot, undo)| match undo.phase.outcome() {
            Some(Outcome::Succeeded) | None => None,
            Some(_) => Some(why::path_in(run, workflow, spot.forward()).to_string()),
        });
        let not_undone: Vec<String> = not_undone.take(3).collect();
        return Some(match (not_undone.is_empty(), cause) {
            (false, _) => format!("not undone: {}", not_undone.join(", ")),
            (true, Some(cause)) if rollback.actor.uid.is_none() => format!("{who} after {cause}"),
            (true, _) => said(who, rollback.comment.as_deref()),
        });
    }
    if run.clock.over.is_some() {
        return Some(shared::state::Clock::Run.said().to_owned());
    }
    if let Some(cancel) = &run.cancel {
        let who = format!("cancelled by {}", cancel.actor.name);
        return Some(said(who, cancel.comment.as_deref()));
    }
    cause
}

fn run_pause(run: &Run, state: Option<&State>) -> Option<PauseView> {
    let pause = run.pause.as_ref().filter(|_| !run.phase.is_over())?;
    let what = PauseWhat::Run(run.id);
    Some(pause_view(pause, state.map_or(0, |it| held_back(it, &what))))
}

/// How many task runs and runs wait for the end of a pause.
fn held_back(state: &State, what: &PauseWhat) -> u32 {
    let (spots, runs) = pause::held_back(state, what);
    to_u32(spots.len() + runs.len())
}

pub(crate) fn pause_view(pause: &Pause, held_back: u32) -> PauseView {
    PauseView {
        by: pause.actor.name.clone(),
        since: pause.at,
        until: pause.until,
        comment: pause.comment.clone(),
        held_back,
    }
}

fn rollback_view(run: &Run) -> Option<RollbackView> {
    let rollback = run.rollback.as_ref()?;
    let mut counts = BTreeMap::new();
    for (_, undo) in run.undos() {
        *counts.entry(undo_word(undo).to_owned()).or_default() += 1;
    }
    Some(RollbackView {
        by: rollback.actor.name.clone(),
        at: rollback.at,
        comment: rollback.comment.clone(),
        counts,
    })
}

/// How many task runs are in each state: of a mapped task its items count, and not itself; of a group what is in it.
fn counts(run: &Run, workflow: &Workflow) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for (task, it) in workflow.tasks.iter().zip(&run.tasks) {
        match told_items(it) {
            _ if task.kind == Kind::Group => {
                if why::failed_by_itself(it) {
                    count(&mut counts, it);
                }
            }
            Some(items) => items.iter().for_each(|it| count(&mut counts, &it.progress)),
            None => count(&mut counts, it),
        }
    }
    counts
}

/// The task at a place, or an item of it without its key; of a group with how many in it are in each state.
fn part_view(run: &Run, workflow: &Workflow, place: usize, item: Option<usize>) -> TaskView {
    let (task, whole) = (&workflow.tasks[place], &run.tasks[place]);
    let progress = of_item(whole, item);
    let mut view = task_view(task, progress);
    if task.kind == Kind::Group && (task.map.is_none() || item.is_some()) {
        let behind = workflow.tasks.iter().zip(&run.tasks).skip(place + 1);
        // What is in a group stands right behind it.
        let prefix = format!("{}/", task.name);
        let inside = behind.take_while(|it| it.0.name.as_str().starts_with(&prefix));
        for (_, it) in inside.filter(|it| it.0.group.as_ref() == Some(&task.name)) {
            count(&mut view.tasks, of_item(it, item));
        }
    }
    view
}

fn of_item(whole: &TaskRun, item: Option<usize>) -> &TaskRun {
    let items = whole.items.as_ref().map_or(&[][..], |it| it.list());
    item.and_then(|it| items.get(it)).map_or(whole, |it| &it.progress)
}

/// The items of a mapped task, where they are told instead of itself.
pub(crate) fn told_items(task: &TaskRun) -> Option<&[ItemRun]> {
    let items = task.items.as_ref()?.list();
    (!items.is_empty() && !is_to_be_expanded(task)).then_some(items)
}

/// Its items are those of an earlier time, kept for their history.
fn is_to_be_expanded(task: &TaskRun) -> bool {
    matches!(task.phase, TaskPhase::Waiting(Wait::Needs))
}

fn count(counts: &mut BTreeMap<String, u32>, it: &TaskRun) {
    *counts.entry(it.word().to_owned()).or_default() += 1;
}

/// A task, or an item of one, without its key.
fn task_view(task: &Task, it: &TaskRun) -> TaskView {
    let is_mapped = it.items.is_some();
    let mut items = BTreeMap::new();
    if !is_to_be_expanded(it) {
        let list = it.items.as_ref().map_or(&[][..], |it| it.list());
        list.iter().for_each(|it| count(&mut items, &it.progress));
    }
    TaskView {
        task: task.name.to_string(),
        item: None,
        kind: task.kind.word().to_owned(),
        state: task_word(it).to_owned(),
        reason: task_reason(&it.phase),
        outcome: match it.phase.outcome() {
            Some(Outcome::Failed(failure)) => Some(failure.outcome_word()),
            Some(outcome) => Some(outcome.word().to_owned()),
            None => None,
        },
        pool: task.has_process().then(|| {
            let newest = it.attempts.last().and_then(|it| it.pool.clone());
            newest.unwrap_or_else(|| task.pool.clone())
        }),
        needs: task.needs.iter().map(ToString::to_string).collect(),
        finally: task.section == Section::Finally,
        started: it.started_at,
        ended: it.ended_at(),
        outputs: shown_outputs(it),
        failed_items: is_mapped.then(|| failed_items(it)),
        items,
        tasks: BTreeMap::new(),
        warnings: it.warnings.clone(),
        attempts: it.attempts.iter().map(attempt_view).collect(),
        can_undo: task.rollback.is_some(),
        undo: undo_view(it),
    }
}

/// The word of a task; of a mapped one that is or was undone, what its items say.
fn task_word(it: &TaskRun) -> &'static str {
    let items = it.items.as_ref().map_or(&[][..], |it| it.list());
    let has = |word: &str| items.iter().any(|it| it.progress.word() == word);
    ["rollback_failed", "rolling_back", "rolled_back"]
        .into_iter()
        .find(|word| it.phase.is_over() && has(word))
        .unwrap_or_else(|| it.word())
}

/// The undo of a task run; of a mapped task the one of its items that matters most.
fn undo_view(it: &TaskRun) -> Option<UndoView> {
    let items = it.items.as_ref().map_or(&[][..], |it| it.list());
    let of_items = items.iter().filter_map(|it| it.progress.undo.as_deref());
    let matters = |undo: &&TaskRun| match undo_word(undo) {
        "rollback_failed" => 0,
        "held" => 1,
        "rolled_back" => 4,
        "pending" => 3,
        _ => 2,
    };
    let undo = it.undo.as_deref().or_else(|| of_items.min_by_key(matters))?;
    Some(UndoView {
        state: undo_word(undo).to_owned(),
        reason: task_reason(&undo.phase),
        started: undo.started_at,
        ended: undo.ended_at(),
        attempts: undo.attempts.iter().map(attempt_view).collect(),
    })
}

fn task_reason(phase: &TaskPhase) -> Option<String> {
    match phase {
        TaskPhase::Waiting(Wait::Hold { reason, .. }) => Some(reason.clone()),
        TaskPhase::Waiting(Wait::Retry { at }) => Some(format!("again at {at}")),
        TaskPhase::Waiting(Wait::Approval { message, .. }) => Some(message.clone()),
        TaskPhase::Finished(outcome) => outcome.reason(),
        TaskPhase::Waiting(Wait::Needs) | TaskPhase::Queued | TaskPhase::Active(_) => None,
    }
}

fn attempt_view(it: &Attempt) -> AttemptView {
    let is_process = it.pid.is_some();
    let signal = match it.outcome {
        Some(shared::state::AttemptOutcome::Signal(number)) => Some(number),
        _ => None,
    };
    let used = is_process && it.outcome.is_some();
    AttemptView {
        attempt: it.number,
        id: it.id,
        outcome: it.outcome.as_ref().map(|it| it.word()),
        reason: it.outcome.as_ref().and_then(|it| it.detail()).map(str::to_owned),
        exit: it.exit,
        signal,
        started: it.started_at,
        ended: it.ended_at,
        pid: it.pid,
        max_rss: used.then_some(it.usage.max_rss),
        cpu_s: used.then(|| it.usage.cpu_us as f64 / 1e6),
        log_bytes: used.then_some(it.usage.log_bytes),
        log_dropped: (it.usage.log_dropped > 0).then_some(it.usage.log_dropped),
    }
}

pub(crate) fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
