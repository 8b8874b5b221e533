//! What readers are shown of the state, and of runs that have left it.

use std::collections::BTreeMap;

use shared::id::{PoolName, Seq};
use shared::request::Decision;
use shared::snapshot::{
    ApprovalRow, AttemptView, DecisionView, Graph, GraphEdge, GraphNode, PoolRow, QueueRow, RunRow,
    RunView, RunsView, TaskView, WorkflowRow,
};
use shared::state::{Outcome, RunPhase, TaskPhase, Wait};
use shared::workflow::{Section, Task, Workflow};

use crate::blockers::obstacles;
use crate::scope::failed_items;
use crate::size::shown_outputs;
use crate::state::{Attempt, Run, State, TaskRun};
use crate::why;

/// A run in a list.
pub fn run_row(run: &Run) -> RunRow {
    RunRow {
        id: run.id,
        workflow: run.workflow.clone(),
        number: run.number,
        state: run.phase.word(run.cancel.is_some()).to_owned(),
        reason: run_reason(run),
        actor: run.actor.name.clone(),
        priority: run.priority.0,
        created: run.created_at,
        started: run.started_at,
        ended: run.ended_at,
        counts: counts(run),
    }
}

/// A run with its tasks.
pub fn run_view(run: &Run, workflow: &Workflow, seq: Seq) -> RunView {
    let tasks = workflow.tasks.iter().zip(&run.tasks).map(|(task, it)| task_view(task, it));
    let tasks = tasks.collect();
    run_view_of(run, workflow, seq, tasks)
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
    let page = items.iter().skip(from).take(limit).map(|it| {
        let view = task_view(&workflow.tasks[task], &it.progress);
        TaskView { item: Some(it.item.key.to_string()), ..view }
    });
    let page = page.collect();
    run_view_of(run, workflow, seq, page)
}

fn run_view_of(run: &Run, workflow: &Workflow, seq: Seq, tasks: Vec<TaskView>) -> RunView {
    RunView {
        id: run.id,
        workflow: run.workflow.clone(),
        number: run.number,
        version: run.version.clone(),
        state: run.phase.word(run.cancel.is_some()).to_owned(),
        reason: run_reason(run),
        owner: workflow.owner.clone(),
        params: run.params.iter().map(|(name, it)| (name.to_string(), it.clone())).collect(),
        interval: run.interval,
        trigger: "manual".to_owned(),
        actor: run.actor.name.clone(),
        priority: run.priority.0,
        created: run.created_at,
        started: run.started_at,
        ended: run.ended_at,
        counts: counts(run),
        tasks,
        seq,
    }
}

fn run_reason(run: &Run) -> Option<String> {
    let cancel = run.cancel.as_ref()?;
    let said = cancel.comment.as_ref().map_or(String::new(), |it| format!(": {it}"));
    Some(format!("cancelled by {}{said}", cancel.actor.name))
}

/// How many task runs are in each state: of a mapped task its items count, and not itself.
fn counts(run: &Run) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for task in &run.tasks {
        match &task.items {
            Some(items) if !items.list().is_empty() && !is_to_be_expanded(task) => {
                items.list().iter().for_each(|it| count(&mut counts, &it.progress));
            }
            _ => count(&mut counts, task),
        }
    }
    counts
}

/// Its items are those of an earlier time, kept for their history.
fn is_to_be_expanded(task: &TaskRun) -> bool {
    matches!(task.phase, TaskPhase::Waiting(Wait::Needs))
}

fn count(counts: &mut BTreeMap<String, u32>, it: &TaskRun) {
    *counts.entry(it.phase.word().to_owned()).or_default() += 1;
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
        state: it.phase.word().to_owned(),
        reason: task_reason(&it.phase),
        outcome: match it.phase.outcome() {
            Some(Outcome::Failed(failure)) => Some(failure.outcome_word()),
            Some(outcome) => Some(outcome.word().to_owned()),
            None => None,
        },
        pool: task.has_process().then(|| task.pool.clone()),
        needs: task.needs.iter().map(ToString::to_string).collect(),
        finally: task.section == Section::Finally,
        started: it.started_at,
        ended: it.ended_at(),
        outputs: shown_outputs(it),
        failed_items: is_mapped.then(|| failed_items(it)),
        items,
        warnings: it.warnings.clone(),
        attempts: it.attempts.iter().map(attempt_view).collect(),
    }
}

fn task_reason(phase: &TaskPhase) -> Option<String> {
    match phase {
        TaskPhase::Waiting(Wait::Hold { reason }) => Some(reason.clone()),
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

/// The workflows by name.
pub fn workflows(state: &State) -> Vec<WorkflowRow> {
    let rows = state.library.iter().map(|(name, entry)| {
        let definition = entry.version.as_ref().and_then(|it| state.definitions.get(it));
        let workflow = definition.map(|it| &it.workflow);
        let word = match (entry.gone, entry.problems.is_empty()) {
            (true, _) => "gone",
            (false, true) => "ok",
            (false, false) => "broken",
        };
        let active = state.runs.values().filter(|it| it.workflow == *name).count();
        WorkflowRow {
            name: name.clone(),
            state: word.to_owned(),
            version: entry.version.clone(),
            description: workflow.and_then(|it| it.description.clone()),
            owner: workflow.and_then(|it| it.owner.clone()),
            tasks: workflow.map_or(0, |it| to_u32(it.tasks.len())),
            active: to_u32(active),
            problems: entry.problems.clone(),
        }
    });
    rows.collect()
}

/// The pools by name.
pub fn pools(state: &State) -> Vec<PoolRow> {
    let rows = state.pools.iter().map(|(name, pool)| PoolRow {
        name: name.clone(),
        kind: "local".to_owned(),
        state: if pool.up { "up" } else { "down" }.to_owned(),
        slots: pool.slots,
        used: state.slots_used(name),
        queued: to_u32(state.queue(name).count()),
    });
    rows.collect()
}

/// The task runs that wait for capacity, in their order, at most `limit`; of one pool, or of all.
pub fn queue(state: &State, pool: Option<&PoolName>, limit: usize) -> Vec<QueueRow> {
    let pools = state.index.ready.keys().filter(|it| pool.is_none_or(|pool| pool == *it));
    let rows = pools.flat_map(|pool| {
        (1..).zip(state.queue(pool)).map(|(position, spot)| {
            let (run, path) = (state.run(spot.run), state.path(spot));
            let priority = state.task(spot).priority.unwrap_or(run.priority).0;
            QueueRow {
                position,
                run: run.id,
                label: run.label(),
                task: path.task.to_string(),
                item: path.item.map(|it| it.to_string()),
                pool: pool.clone(),
                priority,
                effective_priority: priority,
                since: state.task_run(spot).since,
                blockers: obstacles(state, spot).map(|it| why::explain(state, spot, &it)).collect(),
                state: "queued".to_owned(),
            }
        })
    });
    rows.take(limit).collect()
}

/// The approvals that wait for a person, oldest first.
pub fn approvals(state: &State) -> Vec<ApprovalRow> {
    let open = state.index.open.values().copied();
    let rows = open.filter_map(|spot| {
        let progress = state.task_run(spot);
        let TaskPhase::Waiting(Wait::Approval { expires, message }) = &progress.phase else {
            return None;
        };
        let decisions = progress.decisions.iter().map(|it| DecisionView {
            actor: it.actor.name.clone(),
            decision: match it.decision {
                Decision::Approve => "approve".to_owned(),
                Decision::Reject => "reject".to_owned(),
            },
            comment: it.comment.clone(),
            at: it.at,
        });
        let run = state.run(spot.run);
        Some(ApprovalRow {
            run: run.id,
            label: run.label(),
            task: state.path(spot).to_string(),
            message: message.clone(),
            since: progress.since,
            expires: *expires,
            approvers: Vec::new(),
            needed: 1,
            decisions: decisions.collect(),
            state: "awaiting_approval".to_owned(),
        })
    });
    let mut rows: Vec<ApprovalRow> = rows.collect();
    rows.sort_by(|a, b| (a.since, a.run, &a.task).cmp(&(b.since, b.run, &b.task)));
    rows
}

/// How many runs are active, and how many may not start yet.
pub fn run_counts(state: &State) -> RunsView {
    let queued = state.runs.values().filter(|it| it.phase == RunPhase::Queued).count();
    RunsView { active: to_u32(state.runs.len() - queued), queued: to_u32(queued) }
}

/// The graph of a workflow; with `run`, with the states of its tasks.
pub fn graph(workflow: &Workflow, run: Option<&Run>) -> Graph {
    let nodes = workflow.tasks.iter().enumerate().map(|(place, task)| GraphNode {
        id: task.name.to_string(),
        kind: task.kind.word().to_owned(),
        group: (task.section == Section::Finally).then(|| "finally".to_owned()),
        state: run.map(|it| it.tasks[place].phase.word().to_owned()),
    });
    let edges = workflow.tasks.iter().flat_map(|task| {
        task.needs
            .iter()
            .map(|need| GraphEdge { from: need.to_string(), to: task.name.to_string() })
    });
    Graph { nodes: nodes.collect(), edges: edges.collect() }
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
