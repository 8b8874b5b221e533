//! What readers are shown of workflows, pools, queues and approvals.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::id::{PoolName, ResourceName, TaskPath, WorkflowName};
use shared::request::{Decision, PauseWhat};
use shared::snapshot::{
    ApprovalRow, DecisionView, Graph, GraphNode, HolderRow, PauseView, PoolRow, QueueRow,
    ResourceRow, RunsView, WorkflowRow,
};
use shared::state::{RunPhase, TaskPhase, Wait};
use shared::why::Blocker;
use shared::workflow::{Groups, Workflow};

use super::{held_back, pause_view, to_u32};
use crate::attempt::timeout_of;
use crate::blockers::{Obstacle, obstacles};
use crate::group;
use crate::queue::effective;
use crate::size::shown_outputs;
use crate::state::{Entry, Run, Spot, State};
use crate::why;

/// At most so many warnings are shown with an approval.
const WARNINGS_MAX: usize = 20;

/// The workflows by name.
pub fn workflows(state: &State) -> Vec<WorkflowRow> {
    let mut active: BTreeMap<&WorkflowName, u32> = BTreeMap::new();
    state.runs.values().for_each(|it| *active.entry(&it.workflow).or_default() += 1);
    let rows = state.library.iter().map(|(name, entry)| {
        workflow_row(state, name, entry, active.get(name).copied().unwrap_or(0))
    });
    rows.collect()
}

/// The workflow of this name.
pub fn workflow(state: &State, name: &WorkflowName) -> Option<WorkflowRow> {
    let active = state.runs.values().filter(|it| it.workflow == *name).count();
    Some(workflow_row(state, name, state.library.get(name)?, to_u32(active)))
}

fn workflow_row(state: &State, name: &WorkflowName, entry: &Entry, active: u32) -> WorkflowRow {
    let definition = entry.version.as_ref().and_then(|it| state.definitions.get(it));
    let workflow = definition.map(|it| &it.workflow);
    let pause = pause_of(state, PauseWhat::Workflow(name.clone()));
    let word = match (entry.gone, entry.problems.is_empty()) {
        (true, _) => "gone",
        (false, true) if pause.is_some() => "paused",
        (false, true) => "ok",
        (false, false) => "broken",
    };
    WorkflowRow {
        name: name.clone(),
        state: word.to_owned(),
        version: entry.version.clone(),
        description: workflow.and_then(|it| it.description.clone()),
        owner: workflow.and_then(|it| it.owner.clone()),
        tasks: workflow.map_or(0, |it| to_u32(it.tasks.len())),
        active,
        problems: entry.problems.clone(),
        pause,
    }
}

/// Who has paused everything.
pub fn pause_of_all(state: &State) -> Option<PauseView> {
    pause_of(state, PauseWhat::All)
}

fn pause_of(state: &State, what: PauseWhat) -> Option<PauseView> {
    let pause = state.pauses.get(&what)?;
    Some(pause_view(pause, held_back(state, &what)))
}

/// The pools by name.
pub fn pools(state: &State) -> Vec<PoolRow> {
    let rows = state.pools.iter().map(|(name, pool)| {
        let pause = pause_of(state, PauseWhat::Pool(name.clone()));
        let drain = state.pauses.get(&PauseWhat::Pool(name.clone())).and_then(|it| it.drain);
        let used = state.used(name);
        let word = match (pool.up, &pause) {
            (false, _) => "down",
            (true, Some(_)) if drain.is_some() && used.slots > 0 => "draining",
            (true, Some(_)) if drain.is_some() => "drained",
            (true, Some(_)) => "paused",
            (true, None) if !pool.closed.is_empty() => "busy",
            (true, None) => "up",
        };
        let guards = pool.closed.iter().map(|(guard, it)| {
            let (measured, limit) = (guard.text(it.measured), guard.text(it.limit));
            format!("{measured} measured, {} is {limit}", guard.word())
        });
        PoolRow {
            name: name.clone(),
            kind: "local".to_owned(),
            state: word.to_owned(),
            slots: pool.slots(),
            configured_slots: pool.resized.map(|_| pool.size.slots),
            used: used.slots,
            cpu: pool.size.cpu.map(|it| f64::from(it) / 1_000.0),
            cpu_used: pool.size.cpu.map(|_| f64::from(used.cpu) / 1_000.0),
            memory: pool.size.memory,
            memory_used: pool.size.memory.map(|_| used.memory),
            guards: guards.collect(),
            queued: to_u32(state.queued(name)),
            oldest: state.queue(name).map(|it| state.task_run(it).since).min(),
            drain_by: drain.and_then(|it| it.by),
            pause,
        }
    });
    rows.collect()
}

/// The resources by name.
pub fn resources(state: &State) -> Vec<ResourceRow> {
    let mut waiting: BTreeMap<&ResourceName, u32> = BTreeMap::new();
    let queued: BTreeSet<_> = state.index.queued.values().flatten().collect();
    for key in queued {
        let names = state.task(key.spot).resources.keys();
        names.for_each(|it| *waiting.entry(it).or_default() += 1);
    }
    let rows = state.resources.iter().map(|(name, resource)| {
        let (amount, used) = (resource.amount(), state.resource_used(name));
        let next_at = resource.next_at(state.now);
        let word = match next_at {
            Some(_) => "rate_used_up",
            None if used >= amount => "taken",
            None => "free",
        };
        ResourceRow {
            name: name.to_string(),
            state: word.to_owned(),
            amount,
            configured_amount: resource.resized.map(|_| resource.size.amount),
            used,
            rate: resource.size.rate.map(|it| it.text()),
            next_at,
            queued: waiting.get(name).copied().unwrap_or(0),
        }
    });
    rows.collect()
}

/// The task runs that wait for capacity, in their order, at most `limit`; of one pool, or of all.
pub fn queue(state: &State, pool: Option<&PoolName>, limit: usize) -> Vec<QueueRow> {
    let pools = state.index.queued.keys().filter(|it| pool.is_none_or(|pool| pool == *it));
    let waiting = pools.flat_map(|pool| (1..).zip(state.queue(pool)).map(move |it| (pool, it)));
    let mut told = Told::default();
    let mut row = |(pool, (position, spot)): (&PoolName, (u32, Spot))| {
        let (run, path) = (state.run(spot.run), state.path(spot));
        let own = state.own_priority(spot);
        QueueRow {
            position,
            run: run.id,
            label: run.label(),
            task: TaskPath { item: None, ..path.clone() }.to_string(),
            item: path.item.map(|it| it.to_string()),
            pool: pool.clone(),
            priority: own.0,
            effective_priority: effective(own, state.task_run(spot).lifted).0,
            since: state.task_run(spot).since,
            lifted_at: state.lifted_at(spot),
            deadline: run.deadline,
            blockers: obstacles(state, spot).map(|it| told.explain(state, spot, &it)).collect(),
            state: "queued".to_owned(),
        }
    };
    waiting.take(limit).map(&mut row).collect()
}

/// What is in the way of many for one reason is worked out once: of those that ask for as much.
#[derive(Default)]
struct Told {
    slots: BTreeMap<(PoolName, u32), Blocker>,
    resources: BTreeMap<(ResourceName, u32), Blocker>,
}

impl Told {
    fn explain(&mut self, state: &State, spot: Spot, obstacle: &Obstacle<'_>) -> Blocker {
        let anew = || why::explain(state, spot, obstacle);
        let task = state.task(spot);
        let known = match obstacle {
            Obstacle::Slots(pool) => {
                self.slots.entry(((*pool).clone(), task.slots)).or_insert_with(anew)
            }
            Obstacle::Resource(name) => {
                let amount = task.resources.get(*name).copied().unwrap_or(0);
                self.resources.entry(((*name).clone(), amount)).or_insert_with(anew)
            }
            _ => return anew(),
        };
        Blocker { since: Some(state.task_run(spot).since), ..known.clone() }
    }
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
            outputs: evidence(state, spot),
            warnings: warnings(state, spot),
            then: state
                .definition(spot.run)
                .dependents(spot.task)
                .iter()
                .map(|it| state.definition(spot.run).task(*it).name.to_string())
                .collect(),
            needed: 1,
            decisions: decisions.collect(),
            state: "awaiting_approval".to_owned(),
        })
    });
    let mut rows: Vec<ApprovalRow> = rows.collect();
    rows.sort_by(|a, b| (a.since, a.run, &a.task).cmp(&(b.since, b.run, &b.task)));
    rows
}

/// The outputs of what an approval needs; where that gave none, of what it goes back to.
fn evidence(state: &State, spot: Spot) -> BTreeMap<String, Value> {
    let definition = state.definition(spot.run);
    let groups = definition.groups();
    let mut near: Vec<u32> = definition.needs(spot.task).to_vec();
    while !near.is_empty() {
        near = near.into_iter().flat_map(|it| [it].into_iter().chain(groups.inside(it))).collect();
        let outputs = near.iter().flat_map(|task| {
            let name = &definition.task(*task).name;
            let shown = shown_outputs(state.task_run(group::needed(state, spot, *task)));
            shown.into_iter().map(move |(key, value)| (format!("{name}.{key}"), value))
        });
        let outputs: BTreeMap<String, Value> = outputs.collect();
        if !outputs.is_empty() {
            return outputs;
        }
        let next: BTreeSet<u32> =
            near.iter().flat_map(|it| definition.needs(*it).iter().copied()).collect();
        near = next.into_iter().collect();
    }
    BTreeMap::new()
}

/// What warns of all that an approval goes back to.
fn warnings(state: &State, spot: Spot) -> Vec<String> {
    let definition = state.definition(spot.run);
    let run = state.run(spot.run);
    let upstream = definition.upstream([spot.task]);
    let warned = upstream.into_iter().flat_map(|task| {
        let name = &definition.task(task).name;
        run.tasks[task as usize].warnings.iter().map(move |it| format!("{name}: {it}"))
    });
    warned.take(WARNINGS_MAX).collect()
}

/// The task runs that hold capacity, oldest first, at most `limit`; of one pool, or of all.
pub fn holders(state: &State, pool: Option<&PoolName>, limit: usize) -> Vec<HolderRow> {
    let open = state.index.open.values().copied().filter(|spot| {
        let task = state.task(*spot);
        task.has_process() && pool.is_none_or(|it| state.pool_of(*spot) == it)
    });
    let mut spots: Vec<Spot> = open.collect();
    let began = |spot: Spot| {
        let attempt = state.task_run(spot).open_attempt();
        attempt.map_or(state.now, |it| it.started_at.unwrap_or(it.ordered_at))
    };
    spots.sort_by_key(|it| (began(*it), *it));
    spots.truncate(limit);
    let row = |spot: Spot| {
        let (task, progress) = (state.task(spot), state.task_run(spot));
        let attempt = progress.open_attempt();
        let since = began(spot);
        HolderRow {
            pool: state.pool_of(spot).clone(),
            run: spot.run,
            label: state.run(spot.run).label(),
            task: state.path(spot).to_string(),
            state: progress.phase.word().to_owned(),
            attempt: attempt.map_or(0, |it| it.number),
            pid: attempt.and_then(|it| it.pid),
            since,
            slots: task.slots,
            resources: task.resources.iter().map(|(name, it)| (name.to_string(), *it)).collect(),
            cpu: (task.cpu > 0).then_some(f64::from(task.cpu) / 1_000.0),
            memory: progress.memory.or(Some(task.memory)).filter(|it| *it > 0),
            preemptible: task.preemptible,
            expected: state.expected_end(spot),
            until: timeout_of(task, progress, since).map(|it| since + it),
        }
    };
    spots.into_iter().map(row).collect()
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
        group: task.shown_group(),
        state: run.map(|it| super::task_word(&it.tasks[place]).to_owned()),
    });
    let edges = Groups::of(&workflow.tasks).edges(&workflow.tasks);
    Graph { nodes: nodes.collect(), edges }
}
