//! What a screen or `--json` may show. No engine types: these forms are promises to scripts. New fields may come, none of
//! these goes. Instants are RFC 3339, spans are seconds, sizes are bytes, ids are text; what is absent is not known yet.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{AttemptId, PoolName, RunId, Seq, Version, WorkflowName};
use crate::time::{Interval, Timestamp};
use crate::why::Blocker;

/// A run in a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: WorkflowName,
    /// Its number among the runs of its workflow.
    pub number: u64,
    /// The word of its state.
    pub state: String,
    /// Why it is so, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who or what has caused it.
    pub actor: String,
    /// Larger goes first.
    pub priority: u16,
    /// When it was made.
    pub created: Timestamp,
    /// When its first task became ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When all had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How many task runs are in each state; of a mapped task its items count.
    pub counts: BTreeMap<String, u32>,
    /// Who has paused it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
}

/// A pause of a run, a workflow, a pool or everything.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PauseView {
    /// Who has paused it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; until it is resumed where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// How many runs or task runs wait only for its end.
    #[serde(default)]
    pub held_back: u32,
}

/// A run with its tasks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RunView {
    /// Its id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: WorkflowName,
    /// Its number among the runs of its workflow.
    pub number: u64,
    /// The version of the workflow that it runs.
    pub version: Version,
    /// The word of its state.
    pub state: String,
    /// Why it is so, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who is responsible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its parameters.
    pub params: BTreeMap<String, Value>,
    /// The span of data it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// What has caused it: `manual`.
    pub trigger: String,
    /// Who has caused it.
    pub actor: String,
    /// Larger goes first.
    pub priority: u16,
    /// When it was made.
    pub created: Timestamp,
    /// When its first task became ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When all had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// How many task runs are in each state; of a mapped task its items count.
    pub counts: BTreeMap<String, u32>,
    /// Its tasks in file order, a mapped one in one row; or the items of one mapped task, where they were asked for.
    pub tasks: Vec<TaskView>,
    /// When its time is over, if it is not paused before; absent while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times_out: Option<Timestamp>,
    /// Who has paused it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
    /// How it is being undone, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackView>,
    /// The journal's place that this shows.
    pub seq: Seq,
}

/// The undoing of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RollbackView {
    /// Who has asked for it; `daemon` where the workflow says so.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// How many undos there are in each state: `pending`, `queued`, `running`, `rolled_back`, `rollback_failed` …
    pub counts: BTreeMap<String, u32>,
}

/// The undo of a task or of an item, or of the items of a mapped task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct UndoView {
    /// `pending`, `queued`, `starting`, `running`, `stopping`, `retry_wait`, `held`, `rolled_back`, `rollback_failed`; of
    /// a mapped task the one that matters most.
    pub state: String,
    /// Why it is so, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Its attempts, first first.
    pub attempts: Vec<AttemptView>,
}

/// A task, or an item of one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TaskView {
    /// The task.
    pub task: String,
    /// The item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What it does: `run`, `wait` …
    pub kind: String,
    /// The word of its state.
    pub state: String,
    /// Why it is so, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it ended, in more than its state: `exit(1)`, `rejected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Where its attempts run, if they are processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolName>,
    /// What it needs.
    pub needs: Vec<String>,
    /// Whether it belongs to `finally`.
    pub finally: bool,
    /// When its first attempt started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// What it has given back.
    pub outputs: BTreeMap<String, Value>,
    /// Of a mapped task: how many of its items failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_items: Option<u32>,
    /// Of a mapped task: how many of its items are in each state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, u32>,
    /// Of a group, or of an item of a mapped one: how many tasks directly in it are in each state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, u32>,
    /// Checks that were not met and only warn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Its attempts, first first.
    pub attempts: Vec<AttemptView>,
    /// Whether it can be undone once it has succeeded.
    #[serde(default)]
    pub can_undo: bool,
    /// Its undo, if there is or was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoView>,
}

/// An attempt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AttemptView {
    /// Its number, from 1.
    pub attempt: u32,
    /// Its id.
    pub id: AttemptId,
    /// The word of its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What there is to say beyond that word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The largest resident size of one of its processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_rss: Option<u64>,
    /// Processor time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_s: Option<f64>,
    /// What it has printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<u64>,
    /// How much of that was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_dropped: Option<u64>,
}

/// A workflow in a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WorkflowRow {
    /// Its name; of a file that never was one, the file's stem.
    pub name: WorkflowName,
    /// `ok`, `paused`, `broken` (its newest file has errors), `gone` (its file was deleted).
    pub state: String,
    /// The version that new runs get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who is responsible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// How many tasks it has.
    pub tasks: u32,
    /// How many of its runs are not over.
    pub active: u32,
    /// What is wrong with its newest file, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Who has paused it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
}

/// A pool in a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PoolRow {
    /// Its name.
    pub name: PoolName,
    /// What kind of pool: `local`.
    pub kind: String,
    /// `up`, `busy` (a guard is closed), `paused`, `draining`, `drained`, or `down` (its runner cannot be reached).
    pub state: String,
    /// How many slots it has.
    pub slots: u32,
    /// How many its configuration says, where a person has resized it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured_slots: Option<u32>,
    /// How many processors it has, where they are limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// How many of them are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_used: Option<f64>,
    /// How much memory it has in bytes, where it is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// How much of it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used: Option<u64>,
    /// What was measured of its machine that lets nothing start, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<String>,
    /// By when it is to be empty, where it is drained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_by: Option<Timestamp>,
    /// How many are taken.
    pub used: u32,
    /// How many task runs wait for it.
    pub queued: u32,
    /// Since when the one waits that has waited longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
    /// Who has paused it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
}

/// A resource that all pools share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResourceRow {
    /// Its name.
    pub name: String,
    /// `free`, `taken`, or `rate_used_up`.
    pub state: String,
    /// How much there is.
    pub amount: u32,
    /// How much its configuration says, where a person has resized it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured_amount: Option<u32>,
    /// How much is taken.
    pub used: u32,
    /// How often it may be taken, such as `10/min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// When it may be taken again, while its rate is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// How many task runs that ask for it wait for capacity.
    pub queued: u32,
}

/// A task run that holds slots of a pool.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HolderRow {
    /// Its pool.
    pub pool: PoolName,
    /// Its run.
    pub run: RunId,
    /// Its run as people say it: `workflow#412`.
    pub label: String,
    /// Its task, or `task:item`; `undo@task` of an undo.
    pub task: String,
    /// `starting`, `running` or `stopping`.
    pub state: String,
    /// The number of its attempt.
    pub attempt: u32,
    /// Its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Since when.
    pub since: Timestamp,
    /// How many slots it holds.
    pub slots: u32,
    /// What else it holds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, u32>,
    /// How many processors it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// How much memory it holds, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Whether it may be stopped for a critical one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub preemptible: bool,
    /// When it is expected to end, as those before it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Timestamp>,
    /// When it is stopped at the latest: the end of its timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A task run that waits for capacity.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QueueRow {
    /// Its place, from 1.
    pub position: u32,
    /// Its run.
    pub run: RunId,
    /// Its run as people say it: `workflow#412`.
    pub label: String,
    /// Its task.
    pub task: String,
    /// Its item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Its pool.
    pub pool: PoolName,
    /// Larger goes first.
    pub priority: u16,
    /// Its priority, with what waiting has added.
    pub effective_priority: u16,
    /// Since when it waits.
    pub since: Timestamp,
    /// When it goes before all that is not critical, at the latest: how long it waits is a promise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_at: Option<Timestamp>,
    /// When its run is to have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Everything in its way.
    pub blockers: Vec<Blocker>,
    /// Always `queued`.
    pub state: String,
}

/// An approval that waits for a person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// Its run.
    pub run: RunId,
    /// Its run as people say it: `workflow#412`.
    pub label: String,
    /// Its task, or `task:item`.
    pub task: String,
    /// What is asked.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Who may decide; whoever may use the daemon where empty.
    pub approvers: Vec<String>,
    /// What it needs has given back: the evidence.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
    /// Warnings of what it needs, however far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The tasks that wait for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<String>,
    /// How many decisions it takes.
    pub needed: u32,
    /// Those there are.
    pub decisions: Vec<DecisionView>,
    /// Always `awaiting_approval`.
    pub state: String,
}

/// A decision on an approval.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DecisionView {
    /// Who.
    pub actor: String,
    /// `approve` or `reject`.
    pub decision: String,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// An event of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EventView {
    /// Its place in the journal.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// Who or what has caused it.
    pub actor: String,
    /// A stable word for what happened.
    pub kind: String,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The task, or `task:item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The number of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What happened, for people.
    pub text: String,
}

/// A part of the events of a run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EventsPage {
    /// The events, oldest first.
    pub events: Vec<EventView>,
    /// Whether there are more to be read at once.
    pub more: bool,
    /// Whether the run is over, so that no more will come but by a person's doing.
    pub over: bool,
}

/// A part of a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogChunk {
    /// The bytes, as the task has printed them: never to be shown without being made safe.
    #[serde(with = "bytes_as_text")]
    pub bytes: Vec<u8>,
    /// Where they start in the log.
    pub offset: u64,
    /// The number of the attempt they are of.
    pub attempt: u32,
    /// Whether this is the end of a log that grows no more.
    pub end: bool,
}

/// Lines of a log that were looked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogHits {
    /// Those that were found, in the order of the log.
    pub lines: Vec<LogLine>,
    /// The attempt they are of.
    pub attempt: u32,
    /// How much of the log was looked through, from where it was asked.
    pub scanned: u64,
    /// From where to look on; absent at the end of the log, or at its beginning where it is looked through backwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A line of a log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LogLine {
    /// Where it starts in the log.
    pub offset: u64,
    /// Its bytes, without its end; cut after 16 KiB.
    #[serde(with = "bytes_as_text")]
    pub bytes: Vec<u8>,
}

/// How the daemon is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StatusView {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// How long it has run.
    pub uptime_s: f64,
    /// Its resident size.
    pub rss: u64,
    /// Its store.
    pub store: StoreView,
    /// Its runs.
    pub runs: RunsView,
    /// Its pools.
    pub pools: Vec<PoolRow>,
    /// Where it keeps its state.
    pub state_dir: String,
    /// Where its workflows are.
    pub workflows_dir: String,
    /// Everything is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
}

/// How the store is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoreView {
    /// `ok`, or what is wrong.
    pub state: String,
    /// What it takes on disk.
    pub bytes: u64,
    /// The newest event on disk.
    pub seq: Seq,
}

/// How many runs there are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct RunsView {
    /// Runs that have started and are not over.
    pub active: u32,
    /// Runs that may not start yet.
    pub queued: u32,
}

/// The tasks of a graph and what they need.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Graph {
    /// The tasks in file order.
    pub nodes: Vec<GraphNode>,
    /// What needs what: `to` needs `from`.
    pub edges: Vec<GraphEdge>,
}

/// A task in a graph.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GraphNode {
    /// Its name.
    pub id: String,
    /// What it does.
    pub kind: String,
    /// `finally`, for a task of that list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The word of its state, in the graph of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// An edge of a graph.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GraphEdge {
    /// What must have ended.
    pub from: String,
    /// What needs it.
    pub to: String,
}

/// Compact bytes for programs, text for people.
mod bytes_as_text {
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&String::from_utf8_lossy(bytes))
        } else {
            serializer.serialize_bytes(bytes)
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes or a text")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
                Ok(text.as_bytes().to_vec())
            }
        }
        deserializer.deserialize_any(Bytes)
    }
}
