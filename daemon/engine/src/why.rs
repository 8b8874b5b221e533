//! `why`: obstacles in words, and what an end goes back to. Source: semantics, rule 17.

mod around;
mod holders;
mod past;

use shared::capacity::{format_cpu, format_size};
use shared::id::{PoolName, TaskPath};
use shared::request::PauseWhat;
use shared::state::{Activity, Clock, Failure, Outcome, TaskPhase};
use shared::time::Timestamp;
use shared::why::{Blocker, BlockerKind, Holder, Why};
use shared::workflow::{Groups, Kind, Section, TriggerRule, Workflow};

use around::{Open, ahead, counted, of_items, open_items, open_tasks};
use holders::Held;

use crate::blockers::{Obstacle, obstacles, runs_in_the_way};
use crate::group;
use crate::previous::Previous;
use crate::snapshot::to_u32;
use crate::state::{Pause, Run, Spot, State, TaskRun};

/// At most so many are named of those who hold something; then they are counted.
const NAMED_MAX: usize = 8;

/// Everything in the way of a run, and of each of its task runs that is not over (at most `limit` of them).
pub fn of_run(state: &State, run: &Run, limit: usize) -> Why {
    let in_the_way = runs_in_the_way(state, run.id);
    let mut blockers = being_stopped(run);
    if !in_the_way.is_empty() {
        let max = state.definition(run.id).workflow.concurrency.max_runs;
        let text = format!("at most {max} runs of `{}` are active at once", run.workflow);
        let who = name(in_the_way.iter().map(|it| state.run(*it).label()));
        let holders = in_the_way.iter().take(NAMED_MAX).map(|it| state.run(*it)).map(|it| Holder {
            name: it.label(),
            since: Some(it.started_at.unwrap_or(it.created_at)),
            until: None,
        });
        let holders = holders.collect();
        let told = blocker(BlockerKind::MaxRuns, text, run.created_at);
        blockers.push(Blocker { who, holders, ..told });
    }
    blockers.extend(previous(state, run));
    if let Some((what, pause)) = state.held_back(run) {
        blockers.push(paused(state, &what, pause));
    }
    let unfinished = run.all_spots().filter(|it| !state.task_run(*it).phase.is_over());
    let mut told: Vec<(u8, Spot)> = unfinished
        .filter(|it| is_told(state, *it))
        .map(|it| (obstacles(state, it).next().map_or(0, |it| rank(&it)), it))
        .collect();
    // Equal ones stay in the order of the file.
    told.sort_by_key(|it| it.0);
    let more = to_u32(told.len().saturating_sub(limit));
    let tasks = told.into_iter().take(limit).map(|(_, spot)| of_task(state, spot)).collect();
    let word = run.word().to_owned();
    Why { tasks, more, ..answer(run, None, word, blockers) }
}

/// What matters most is what goes on only by somebody's doing; least what only waits for others.
fn rank(obstacle: &Obstacle<'_>) -> u8 {
    match obstacle {
        Obstacle::NoPool(_) | Obstacle::TooLarge(_) => 0,
        Obstacle::Hold(_) | Obstacle::Approval { .. } => 1,
        Obstacle::PoolDown(_) | Obstacle::Guard(..) => 2,
        Obstacle::Retry(_) => 3,
        Obstacle::Running(_) => 4,
        Obstacle::Slots(_)
        | Obstacle::Cpu(_)
        | Obstacle::Memory(_)
        | Obstacle::Resource(_)
        | Obstacle::Rate(..)
        | Obstacle::Reserved(..)
        | Obstacle::MaxParallel(_) => 5,
        Obstacle::Paused(..) | Obstacle::MaxRuns => 6,
        Obstacle::OtherUndos | Obstacle::Needs => 7,
    }
}

/// Who has a run stopped, or undone once what runs of it has ended.
fn being_stopped(run: &Run) -> Vec<Blocker> {
    let said =
        |comment: &Option<String>| comment.as_ref().map_or(String::new(), |it| format!(": {it}"));
    let by = |name: &String, text: String, since| {
        let who = vec![name.clone()];
        Blocker { who, ..blocker(BlockerKind::Stopping, text, since) }
    };
    let mut blockers = Vec::new();
    if let Some(it) = &run.cancel {
        let text = format!("it is being cancelled by {}{}", it.actor.name, said(&it.comment));
        blockers.push(by(&it.actor.name, text, it.at));
    }
    if let Some(it) = &run.rollback_asked {
        let who = &it.actor.name;
        let text = format!("{who} has it undone once what runs has ended{}", said(&it.comment));
        blockers.push(by(who, text, run.created_at));
    } else if let (Some(it), shared::state::RunPhase::RollingBack(_)) = (&run.rollback, run.phase) {
        let text = format!("it is being undone by {}{}", it.actor.name, said(&it.comment));
        blockers.push(by(&it.actor.name, text, it.at));
    }
    blockers
}

/// The run before it, which must succeed first.
fn previous(state: &State, run: &Run) -> Option<Blocker> {
    let (label, text) = match state.waits_for_previous(run.id)? {
        Previous::Open(before) => {
            let before = state.run(before);
            let text = format!(
                "{} was made before it, is {}, and must succeed first",
                before.label(),
                before.word()
            );
            (before.label(), text)
        }
        Previous::Failed(label, outcome) => {
            let text = format!(
                "{label} before it ended {}, and a run follows only a success: `runyard retry {label}` or `runyard mark` mends it, `runyard release {}` lets this one start all the same",
                outcome.word(),
                run.label()
            );
            (label, text)
        }
    };
    let who = vec![label];
    Some(Blocker { who, ..blocker(BlockerKind::Previous, text, run.created_at) })
}

fn answer(run: &Run, task: Option<String>, state: String, blockers: Vec<Blocker>) -> Why {
    let (tasks, log_tail) = (Vec::new(), Vec::new());
    Why { run: run.id, label: run.label(), task, state, blockers, tasks, more: 0, log_tail }
}

/// A mapped task is told by its items; an item that is to be made anew, by its task.
fn is_told(state: &State, spot: Spot) -> bool {
    let parent = &state.run(spot.run).tasks[spot.task as usize];
    let expanded = parent.items.is_some() && matches!(parent.phase, TaskPhase::Active(_));
    match spot.item {
        _ if spot.undo => true,
        None => !expanded,
        Some(_) => expanded,
    }
}

/// Everything in the way of a task run.
pub fn of_task(state: &State, spot: Spot) -> Why {
    let progress = state.task_run(spot);
    if let Some(outcome) = progress.phase.outcome() {
        let run = state.run(spot.run);
        return ended(
            run,
            &state.definition(spot.run).workflow,
            &state.path(spot),
            progress,
            outcome,
        );
    }
    let mut blockers: Vec<Blocker> =
        obstacles(state, spot).map(|it| explain(state, spot, &it)).collect();
    blockers.extend(ahead(state, spot).filter(|_| !blockers.is_empty()));
    let word = if spot.undo { undo_word(progress) } else { progress.phase.word() }.to_owned();
    let (tasks, more) = of_items(state, spot);
    let path = state.path(spot).to_string();
    Why { tasks, more, ..answer(state.run(spot.run), Some(path), word, blockers) }
}

/// An obstacle in words, with who holds it up.
pub(crate) fn explain(state: &State, spot: Spot, obstacle: &Obstacle<'_>) -> Blocker {
    let since = state.task_run(spot).since;
    match obstacle {
        Obstacle::MaxRuns => {
            let who =
                name(runs_in_the_way(state, spot.run).iter().map(|it| state.run(*it).label()));
            if let (true, Some(blocker)) = (who.is_empty(), previous(state, state.run(spot.run))) {
                return blocker;
            }
            let text = "its run has not started".to_owned();
            Blocker { who, ..blocker(BlockerKind::MaxRuns, text, since) }
        }
        Obstacle::Paused(what, pause) => paused(state, what, pause),
        Obstacle::OtherUndos => {
            let run = state.run(spot.run);
            let open = run.undos().filter(|(it, undo)| {
                *it != spot
                    && undo.phase != TaskPhase::Waiting(shared::state::Wait::Needs)
                    && undo.phase != TaskPhase::Finished(Outcome::Succeeded)
            });
            let who =
                name(open.map(|(it, undo)| {
                    format!("{} ({})", state.path(it.forward()), undo_word(undo))
                }));
            let text = match who.len() {
                0 => "what was done after it is undone first".to_owned(),
                _ => format!("what was done after it is undone first: {}", who.join(", ")),
            };
            Blocker { who, ..blocker(BlockerKind::Needs, text, since) }
        }
        Obstacle::Needs => {
            let definition = state.definition(spot.run);
            let is_last = definition.task(spot.task).section == Section::Finally;
            let needs = definition.needs(spot.task).iter();
            let needs = needs.map(|need| group::needed(state, spot, *need));
            let around = group::closed_around(state, spot);
            let around = around.into_iter().map(|it| ("its group ", it));
            let needs = open_tasks(state, around.chain(needs.map(|it| ("", it))));
            let rule = match &definition.task(spot.task).trigger_rule {
                TriggerRule::Expr(rule) => format!("; then `{}` is asked", rule.source()),
                _ => String::new(),
            };
            let text = match needs.who.len() {
                0 if is_last => "the tasks of its run must end first".to_owned(),
                0 => "it is ready once its run has started".to_owned(),
                _ => format!("needs that have not ended: {}{rule}", needs.who.join(", ")),
            };
            let main = || {
                let is_main = |it: &u32| definition.task(*it).section == Section::Main;
                let places = definition.places().filter(is_main);
                open_tasks(state, places.map(|it| ("", Spot::task(spot.run, it))))
            };
            let open = if is_last && needs.who.is_empty() { main() } else { needs };
            let Open { who, holders } = open;
            Blocker { who, holders, ..blocker(BlockerKind::Needs, text, since) }
        }
        Obstacle::Retry(at) => {
            let last = state.task_run(spot).attempts.last();
            let how =
                last.and_then(|it| it.outcome.as_ref()).map_or_else(String::new, |it| it.word());
            let text = format!("its last attempt ended {how}; the next starts at {at}");
            Blocker { until: Some(*at), ..blocker(BlockerKind::Retry, text, since) }
        }
        Obstacle::Hold(reason) => {
            let text = format!("{reason}; `runyard release` lets it go on");
            blocker(BlockerKind::Hold, text, since)
        }
        Obstacle::Approval { expires, message } => {
            let text = format!("a person must approve or reject: {message}");
            Blocker { until: *expires, ..blocker(BlockerKind::Approval, text, since) }
        }
        Obstacle::Running(activity) => running(state, spot, *activity, since),
        Obstacle::MaxParallel(limit) => {
            let text = match state.width(spot) {
                Some(_) => format!("as many items as may run ({limit}, by `runyard map-width`)"),
                None => format!("{limit} of its items run, which is its `max_parallel`"),
            };
            blocker(BlockerKind::MaxParallel, text, since)
        }
        Obstacle::NoPool(pool) => {
            blocker(BlockerKind::NoPool, format!("there is no pool `{pool}`"), since)
        }
        Obstacle::PoolDown(pool) => {
            let text = format!("the runner of pool `{pool}` cannot be reached");
            blocker(BlockerKind::PoolDown, text, since)
        }
        Obstacle::TooLarge(text) => blocker(BlockerKind::TooLarge, text.clone(), since),
        Obstacle::Guard(pool, guard, closed) => {
            let (measured, limit) = (guard.text(closed.measured), guard.text(closed.limit));
            let text = format!(
                "the machine of pool `{pool}` is too busy: {measured} was measured, its `{}` is {limit}",
                guard.word()
            );
            blocker(BlockerKind::Guard, text, closed.since)
        }
        Obstacle::Slots(pool) => {
            let slots = state.pools.get(*pool).map_or(0, |it| it.slots());
            let used = state.slots_used(pool);
            let what = format!("{used} of {slots} slots of pool `{pool}`");
            let missing = missing(state.task(spot).slots.into(), slots.into(), used.into());
            let holds = |it| in_pool(state, it, pool).then(|| state.task(it).slots.into());
            taken(BlockerKind::Slots, &what, since, holders::of(state, missing, holds))
        }
        Obstacle::Cpu(pool) => {
            let all = state.pools.get(*pool).and_then(|it| it.size.cpu).unwrap_or(0);
            let used = state.used(pool).cpu;
            let what =
                format!("{} of {} processors of pool `{pool}`", format_cpu(used), format_cpu(all));
            let missing = missing(state.task(spot).cpu.into(), all.into(), used.into());
            let holds = |it| in_pool(state, it, pool).then(|| state.task(it).cpu.into());
            taken(BlockerKind::Cpu, &what, since, holders::of(state, missing, holds))
        }
        Obstacle::Memory(pool) => {
            let all = state.pools.get(*pool).and_then(|it| it.size.memory).unwrap_or(0);
            let used = state.used(pool).memory;
            let what =
                format!("{} of {} of memory of pool `{pool}`", format_size(used), format_size(all));
            let asked = |it| state.task_run(it).memory.unwrap_or(state.task(it).memory);
            let missing = missing(asked(spot), all, used);
            let holds = |it| in_pool(state, it, pool).then(|| asked(it));
            taken(BlockerKind::Memory, &what, since, holders::of(state, missing, holds))
        }
        Obstacle::Resource(resource) => {
            let total = state.resources.get(*resource).map_or(0, |it| it.amount());
            let used = state.resource_used(resource);
            let what = format!("{used} of {total} of `{resource}`");
            let amount = |it| state.task(it).resources.get(*resource).map(|it| u64::from(*it));
            let missing = missing(amount(spot).unwrap_or(0), total.into(), used.into());
            taken(BlockerKind::Resource, &what, since, holders::of(state, missing, amount))
        }
        Obstacle::Rate(resource, at) => {
            let rate = state.resources.get(*resource).and_then(|it| it.size.rate);
            let rate = rate.map_or(String::new(), |it| it.text());
            let text = format!("`{resource}` is taken at most {rate}, and may be again at {at}");
            Blocker { until: Some(*at), ..blocker(BlockerKind::Rate, text, since) }
        }
        Obstacle::Reserved(what, keeper) => {
            let label = format!("{} {}", state.run(keeper.run).label(), state.path(*keeper));
            let text = format!("what is free of {what} is kept for {label}, which goes before it");
            Blocker { who: vec![label], ..blocker(BlockerKind::Reserved, text, since) }
        }
    }
}

fn in_pool(state: &State, spot: Spot, pool: &PoolName) -> bool {
    state.task(spot).has_process() && state.pool_of(spot) == pool
}

/// How much more must become free.
fn missing(asked: u64, all: u64, used: u64) -> u64 {
    asked.saturating_sub(all.saturating_sub(used))
}

/// Something is taken, and by whom.
fn taken(kind: BlockerKind, what: &str, since: Timestamp, held: Held) -> Blocker {
    let Held { who, holders, until } = held;
    let text = match who.len() {
        0 => format!("{what} are taken"),
        _ => format!("{what} are taken by {}", who.join(", ")),
    };
    Blocker { who, holders, until, ..blocker(kind, text, since) }
}

fn paused(state: &State, what: &PauseWhat, pause: &Pause) -> Blocker {
    let comment = pause.comment.as_ref().map_or(String::new(), |it| format!(": {it}"));
    let word = if pause.drain.is_some() { "drained" } else { "paused" };
    let name = crate::pause::name(state, what);
    let text = format!("{name} is {word} by {}{comment}", pause.actor.name);
    let who = vec![pause.actor.name.clone()];
    Blocker { who, until: pause.until, ..blocker(BlockerKind::Paused, text, pause.at) }
}

/// The word of an undo's state.
pub(crate) fn undo_word(undo: &TaskRun) -> &'static str {
    match &undo.phase {
        TaskPhase::Waiting(shared::state::Wait::Needs) => "pending",
        TaskPhase::Finished(Outcome::Succeeded) => "rolled_back",
        TaskPhase::Finished(_) => "rollback_failed",
        phase @ (TaskPhase::Waiting(_) | TaskPhase::Queued | TaskPhase::Active(_)) => phase.word(),
    }
}

fn running(state: &State, spot: Spot, activity: Activity, since: Timestamp) -> Blocker {
    if state.is_group(spot) && !state.is_mapped_whole(spot) {
        let open = group::members(state, spot).into_iter().filter_map(|it| {
            let phase = &state.task_run(it).phase;
            (!phase.is_over()).then(|| format!("{} ({})", state.path(it), phase.word()))
        });
        let who = name(open);
        let text = format!("tasks of it that have not ended: {}", who.join(", "));
        return Blocker { who, ..blocker(BlockerKind::Running, text, since) };
    }
    let attempt = state.task_run(spot).open_attempt();
    let which = match attempt {
        Some(it) => match it.pid {
            Some(pid) => format!("attempt {} (pid {pid})", it.number),
            None => format!("attempt {}", it.number),
        },
        None => "it".to_owned(),
    };
    let (kind, text) = match (&state.task(spot).kind, activity) {
        (Kind::Wait { file }, Activity::Running) => {
            let stable = shared::time::format_duration(file.stable_for);
            let text = format!(
                "waits for the file {} to be there and unchanged for {stable}",
                crate::launch::watch(state, spot, shared::id::AttemptId(0))
                    .map_or_else(|_| file.path.source().to_owned(), |it| it.path)
            );
            (BlockerKind::File, text)
        }
        (_, Activity::Starting) => (BlockerKind::Running, format!("{which} is being started")),
        (_, Activity::Running) => {
            let limit = limit_of_run(state.run(spot.run));
            (BlockerKind::Running, format!("{which} runs{limit}"))
        }
        (_, Activity::Stopping) => (BlockerKind::Running, format!("{which} is being stopped")),
    };
    let text = match open_items(state, spot) {
        Some(items) => format!("its items: {}", counted(items)),
        None => text,
    };
    let pool = state.pool_of(spot);
    let is_cut_off = attempt.is_some()
        && state.task(spot).has_process()
        && state.pools.get(pool).is_some_and(|it| !it.up);
    let text = match is_cut_off {
        true => {
            format!("{text}; the runner of pool `{pool}` cannot be reached, its end is not known")
        }
        false => text,
    };
    let until = attempt.and_then(|_| holders::released(state, spot));
    Blocker { until, ..blocker(kind, text, since) }
}

/// When the time of its run is over, if that is limited.
fn limit_of_run(run: &Run) -> String {
    run.clock.ends().map_or_else(String::new, |ends| format!("; run timeout at {ends}"))
}

fn name(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = all.collect();
    if all.len() > NAMED_MAX {
        let more = all.len() - NAMED_MAX;
        all.truncate(NAMED_MAX);
        all.push(format!("{more} more"));
    }
    all
}

fn blocker(kind: BlockerKind, text: String, since: Timestamp) -> Blocker {
    let (who, holders) = (Vec::new(), Vec::new());
    Blocker { kind, text, who, holders, since: Some(since), until: None }
}

/// Why a run ended as it did: what failed first, and what followed from it.
pub fn of_ended_run(run: &Run, workflow: &Workflow) -> Why {
    let word = run.word().to_owned();
    let mut blockers = Vec::new();
    if let Some(cancel) = &run.cancel {
        let said = cancel.comment.as_ref().map_or(String::new(), |it| format!(": {it}"));
        let text = format!("cancelled by {}{said}", cancel.actor.name);
        blockers.push(blocker(BlockerKind::Ended, text, cancel.at));
    }
    if let Some(at) = run.clock.over {
        let text = format!("{}: {}", Clock::Run.said(), limit_text(run));
        blockers.push(blocker(BlockerKind::Ended, text, at));
    }
    let failed = failed_paths(run, workflow);
    blockers.extend(failed.iter().take(NAMED_MAX).map(|(path, it, outcome)| {
        let tolerated = past::tolerated(run, workflow, path);
        let text = format!("{path} {}{tolerated}", ended_text(it, outcome));
        blocker(BlockerKind::Cause, text, it.since)
    }));
    if failed.len() > NAMED_MAX {
        let text = format!("{} more failed", failed.len() - NAMED_MAX);
        blockers.push(blocker(BlockerKind::Cause, text, run.created_at));
    }
    blockers.extend(undone(run, workflow));
    blockers.extend(warnings(run, workflow));
    if blockers.is_empty() {
        let text = match word.as_str() {
            "skipped" => "nothing was to be done: every task was skipped".to_owned(),
            _ => "every task did what it should".to_owned(),
        };
        blockers.push(blocker(BlockerKind::Ended, text, run.ended_at.unwrap_or(run.created_at)));
    }
    answer(run, None, word, blockers)
}

fn limit_text(run: &Run) -> String {
    run.clock.limit.map_or_else(String::new, shared::time::format_duration)
}

/// Who has had the run undone, and what of it could not be.
fn undone(run: &Run, workflow: &Workflow) -> Vec<Blocker> {
    let Some(rollback) = run.rollback.as_ref().filter(|_| run.undos().next().is_some()) else {
        return Vec::new();
    };
    let said = rollback.comment.as_ref().map_or(String::new(), |it| format!(": {it}"));
    let text = format!("rolled back by {}{said}", rollback.actor.name);
    let mut blockers = vec![blocker(BlockerKind::Ended, text, rollback.at)];
    let failed = run.undos().filter(|(_, undo)| undo.phase.outcome() != Some(&Outcome::Succeeded));
    blockers.extend(failed.take(NAMED_MAX).map(|(spot, undo)| {
        let path = path_in(run, workflow, spot.forward());
        let text = match undo.phase.outcome() {
            Some(outcome) => format!("the undo of {path} {}", ended_text(undo, outcome)),
            None => format!("{path} is not undone: it waits for what was built on it"),
        };
        blocker(BlockerKind::Cause, text, undo.since)
    }));
    blockers
}

/// The name of a task run of a run that may have left the state.
pub(crate) fn path_in(run: &Run, workflow: &Workflow, spot: Spot) -> TaskPath {
    let task = workflow.tasks[spot.task as usize].name.clone();
    let items = run.tasks[spot.task as usize].items.as_ref();
    let item = spot.item.and_then(|it| Some(items?.list().get(it as usize)?.item.key.clone()));
    TaskPath { task, item, undo: spot.undo }
}

/// The checks that were not met and only warn: they make a run partial.
fn warnings(run: &Run, workflow: &Workflow) -> Vec<Blocker> {
    let warned = parts(run, workflow).into_iter().flat_map(|(path, it)| {
        it.warnings.iter().map(move |warning| {
            blocker(BlockerKind::Cause, format!("{path} warns: {warning}"), it.since)
        })
    });
    warned.take(NAMED_MAX).collect()
}

/// Every task, in the order of the file; a mapped one is told by its items, if it has any.
fn parts<'a>(run: &'a Run, workflow: &'a Workflow) -> Vec<(TaskPath, &'a TaskRun)> {
    let mut parts = Vec::new();
    for (task, it) in workflow.tasks.iter().zip(&run.tasks) {
        let is_group = task.kind == Kind::Group;
        match it.items.as_ref().map_or(&[][..], |it| it.list()) {
            [] if is_group && !failed_by_itself(it) => {}
            [] => parts.push((TaskPath::task(task.name.clone()), it)),
            items => {
                // Unless it failed by itself: what it is to tolerate could not be worked out.
                if failed_by_itself(it) {
                    parts.push((TaskPath::task(task.name.clone()), it));
                }
                let told = items.iter();
                let told = told.filter(|it| !is_group || failed_by_itself(&it.progress));
                parts.extend(told.map(|it| {
                    (TaskPath::item(task.name.clone(), it.item.key.clone()), &it.progress)
                }));
            }
        }
    }
    parts
}

pub(crate) fn failed_by_itself(mapped: &TaskRun) -> bool {
    match mapped.phase.outcome() {
        Some(Outcome::Failed(failure)) => {
            !matches!(failure, Failure::Items { .. } | Failure::Tasks { .. })
        }
        _ => false,
    }
}

/// The task runs that failed by themselves, in the order in which they ended; with its log the first explains the run.
pub fn failed_paths<'a>(
    run: &'a Run,
    workflow: &'a Workflow,
) -> Vec<(TaskPath, &'a TaskRun, &'a Outcome)> {
    let failed =
        parts(run, workflow).into_iter().filter_map(|(path, it)| match it.phase.outcome() {
            Some(outcome @ Outcome::Failed(_)) => Some((path, it, outcome)),
            _ => None,
        });
    let mut failed: Vec<_> = failed.collect();
    failed.sort_by_key(|(_, it, _)| it.since);
    failed
}

/// The first of [`failed_paths`], without the others being named.
pub(crate) fn first_failed<'a>(
    run: &'a Run,
    workflow: &Workflow,
) -> Option<(TaskPath, &'a Outcome)> {
    let mut first: Option<(Timestamp, Spot, &Outcome)> = None;
    for (task, it) in (0..).zip(&run.tasks) {
        let items = it.items.as_ref().map_or(&[][..], |it| it.list());
        let parent = (items.is_empty() || failed_by_itself(it)).then_some((None, it));
        let items = (0..).zip(items).map(|(place, it)| (Some(place), &it.progress));
        for (item, it) in parent.into_iter().chain(items) {
            if let Some(outcome @ Outcome::Failed(failure)) = it.phase.outcome()
                && !matches!(failure, Failure::Tasks { .. })
                && first.is_none_or(|(since, ..)| it.since < since)
            {
                first = Some((it.since, Spot { run: run.id, task, item, undo: false }, outcome));
            }
        }
    }
    first.map(|(_, spot, outcome)| (path_in(run, workflow, spot), outcome))
}

/// Why a task run ended as it did, back to what failed first.
pub fn ended(
    run: &Run,
    workflow: &Workflow,
    path: &TaskPath,
    progress: &TaskRun,
    outcome: &Outcome,
) -> Why {
    let mut blockers = vec![blocker(
        BlockerKind::Ended,
        format!("it {}{}", ended_text(progress, outcome), beside(run, workflow, path, outcome)),
        progress.since,
    )];
    blockers.extend(progress.warnings.iter().map(|warning| {
        blocker(BlockerKind::Cause, format!("it warns: {warning}"), progress.since)
    }));
    if *outcome == Outcome::UpstreamFailed
        || *outcome == Outcome::Skipped(shared::state::Skip::Rule)
    {
        let upstream = upstream(workflow, path);
        let causes = failed_paths(run, workflow).into_iter();
        let causes = causes.filter(|(path, ..)| upstream.contains(&path.task.as_str()));
        blockers.extend(causes.take(NAMED_MAX).map(|(path, it, outcome)| {
            blocker(BlockerKind::Cause, format!("{path} {}", ended_text(it, outcome)), it.since)
        }));
    }
    blockers.extend(
        past::causes(run, workflow, path, progress, outcome).into_iter().filter(|_| !path.undo),
    );
    let word = if path.undo { undo_word(progress) } else { progress.word() };
    answer(run, Some(path.to_string()), word.to_owned(), blockers)
}

/// What there is to say beside an outcome: the rule that did not hold and of what, or that the time of the run was over.
fn beside(run: &Run, workflow: &Workflow, path: &TaskPath, outcome: &Outcome) -> String {
    let task = workflow.tasks.iter().find(|it| it.name == path.task);
    match (outcome, task) {
        (Outcome::Cancelled, _) if run.clock.over.is_some() && !path.undo => {
            format!(": {}", Clock::Run.said())
        }
        (Outcome::Skipped(shared::state::Skip::Rule), Some(task)) => {
            let ends = workflow.tasks.iter().zip(&run.tasks);
            let ends = ends.filter(|(it, _)| task.needs.contains(&it.name));
            let ends = name(ends.map(|(it, progress)| format!("{} {}", it.name, progress.word())));
            format!(": `{}` of {}", task.trigger_rule.source(), ends.join(", "))
        }
        _ => String::new(),
    }
}

/// What a task needs, however far; what is in a group needs what that does.
fn upstream<'a>(workflow: &'a Workflow, path: &TaskPath) -> Vec<&'a str> {
    let groups = Groups::of(&workflow.tasks);
    let name = |place: u32| workflow.tasks[place as usize].name.as_str();
    let needs = |place: u32| workflow.tasks[place as usize].needs.iter();
    let mut todo: Vec<u32> = groups.place(&path.task).into_iter().collect();
    let mut found: Vec<u32> = Vec::new();
    while let Some(place) = todo.pop() {
        for around in [place].into_iter().chain(groups.around(place)) {
            let needed = needs(around).filter_map(|it| groups.place(it));
            let needed = needed.flat_map(|it| [it].into_iter().chain(groups.inside(it)));
            let new: Vec<u32> = needed.filter(|it| !found.contains(it)).collect();
            found.extend(&new);
            todo.extend(&new);
        }
    }
    found.into_iter().map(name).collect()
}

fn ended_text(it: &TaskRun, outcome: &Outcome) -> String {
    let attempts = match it.attempts.len() {
        0 | 1 => String::new(),
        more => format!(", after {more} attempts"),
    };
    match outcome.reason() {
        Some(reason) => format!("{}: {reason}{attempts}", outcome.word()),
        None => outcome.word().to_owned(),
    }
}
