//! Snapshots of a busy daemon, and of one that is fed nonsense.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::json;
use shared::id::{AttemptId, RunId, Seq};
use shared::plan::Plan;
use shared::snapshot::{
    ApprovalRow, AttemptView, DecisionView, EventView, HolderRow, PauseView, PoolRow, QueueRow,
    RunRow, RunView, RunsView, StatusView, StoreView, TaskView, UndoView, WorkflowRow,
};
use shared::time::Timestamp;
use shared::why::{Blocker, BlockerKind, Why};

use crate::format::View;

/// What a hostile file may call things.
pub(crate) const HOSTILE: &str = "x\x1b[2J\u{202e}\u{200b}\n\r\u{9b}31m";

pub(crate) fn view() -> View {
    let zone = TimeZone::fixed(jiff::tz::offset(1));
    View { now: at(100), zone, width: Some(80) }
}

/// So many seconds after the beginning of 2026.
pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000) + Duration::from_secs(seconds)
}

pub(crate) fn run_id() -> RunId {
    RunId::mixed(1, 7)
}

pub(crate) fn task(name: &str, state: &str) -> TaskView {
    TaskView {
        task: name.to_owned(),
        item: None,
        kind: "exec".to_owned(),
        state: state.to_owned(),
        reason: None,
        outcome: None,
        pool: Some("local".into()),
        needs: Vec::new(),
        finally: false,
        started: None,
        ended: None,
        outputs: BTreeMap::new(),
        failed_items: None,
        tasks: BTreeMap::new(),
        items: BTreeMap::new(),
        warnings: Vec::new(),
        attempts: Vec::new(),
        can_undo: false,
        undo: None,
    }
}

pub(crate) fn attempt(number: u32, outcome: Option<&str>) -> AttemptView {
    AttemptView {
        attempt: number,
        id: AttemptId::mixed(1, number.into()),
        outcome: outcome.map(str::to_owned),
        reason: None,
        exit: None,
        signal: None,
        started: Some(at(90)),
        ended: outcome.map(|_| at(95)),
        pid: Some(4_321),
        max_rss: Some(3 << 20),
        cpu_s: Some(0.5),
        log_bytes: Some(1_234),
        log_dropped: None,
    }
}

pub(crate) fn run(state: &str, tasks: Vec<TaskView>) -> RunView {
    RunView {
        id: run_id(),
        workflow: "retail-daily-sales".into(),
        number: 412,
        version: "0123456789abcdef0123456789abcdef".into(),
        state: state.to_owned(),
        reason: None,
        owner: Some("retail-data".to_owned()),
        params: BTreeMap::from([
            ("business_date".to_owned(), json!("2017-12-22")),
            ("regions".to_owned(), json!(["Central", "East"])),
        ]),
        interval: None,
        trigger: "manual".to_owned(),
        actor: "user:ada".to_owned(),
        priority: 500,
        created: at(80),
        started: Some(at(81)),
        ended: None,
        counts: BTreeMap::new(),
        tasks,
        pause: None,
        rollback: None,
        times_out: None,
        seq: Seq(40),
    }
}

pub(crate) fn busy_run() -> RunView {
    let counts = |pairs: &[(&str, u32)]| -> BTreeMap<String, u32> {
        pairs.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    };
    let done = |name| TaskView {
        started: Some(at(81)),
        ended: Some(at(84)),
        attempts: vec![attempt(1, Some("succeeded"))],
        ..task(name, "succeeded")
    };
    run(
        "running",
        vec![
            done("returns"),
            TaskView {
                items: counts(&[("running", 1), ("succeeded", 3)]),
                started: Some(at(84)),
                ..task("store_metrics", "running")
            },
            TaskView {
                warnings: vec!["more adjustments than usual".to_owned()],
                ..done("quality")
            },
            TaskView {
                reason: Some("Publish the sales of 2017-12-22?".to_owned()),
                pool: None,
                ..task("publish_ok", "awaiting_approval")
            },
            TaskView { finally: true, ..task("cleanup", "waiting") },
        ],
    )
}

pub(crate) fn run_row(number: u64, state: &str) -> RunRow {
    RunRow {
        id: RunId::mixed(1, number),
        workflow: "retail-daily-sales".into(),
        number,
        state: state.to_owned(),
        reason: None,
        actor: "user:ada".to_owned(),
        priority: 250,
        created: at(40),
        started: Some(at(41)),
        ended: (state != "running").then(|| at(60)),
        counts: BTreeMap::from([("succeeded".to_owned(), 5), ("running".to_owned(), 2)]),
        pause: None,
    }
}

pub(crate) fn approval(label: &str, task: &str, message: &str) -> ApprovalRow {
    ApprovalRow {
        run: run_id(),
        label: label.to_owned(),
        task: task.to_owned(),
        message: message.to_owned(),
        since: at(85),
        expires: Some(at(7_285)),
        approvers: Vec::new(),
        outputs: BTreeMap::new(),
        warnings: Vec::new(),
        then: Vec::new(),
        needed: 1,
        decisions: Vec::new(),
        state: "awaiting_approval".to_owned(),
    }
}

pub(crate) fn decision(actor: &str) -> DecisionView {
    DecisionView {
        actor: actor.to_owned(),
        decision: "approve".to_owned(),
        comment: Some("looks right".to_owned()),
        at: at(97),
    }
}

pub(crate) fn pool(name: &str, state: &str) -> PoolRow {
    PoolRow {
        configured_slots: None,
        cpu: None,
        cpu_used: None,
        memory: None,
        memory_used: None,
        guards: Vec::new(),
        drain_by: None,
        name: name.into(),
        kind: "local".to_owned(),
        state: state.to_owned(),
        slots: 4,
        used: 4,
        queued: 2,
        oldest: None,
        pause: None,
    }
}

pub(crate) fn blocker(text: &str, who: &[&str]) -> Blocker {
    Blocker {
        kind: BlockerKind::Slots,
        text: text.to_owned(),
        who: who.iter().map(|it| (*it).to_owned()).collect(),
        holders: Vec::new(),
        since: Some(at(85)),
        until: None,
    }
}

pub(crate) fn queue_row(position: u32, task: &str) -> QueueRow {
    QueueRow {
        lifted_at: None,
        deadline: None,
        position,
        run: run_id(),
        label: "retail-daily-sales#412".to_owned(),
        task: task.to_owned(),
        item: Some("East".to_owned()),
        pool: "local".into(),
        priority: 500,
        effective_priority: 510,
        since: at(85),
        blockers: vec![blocker("all 4 slots of pool local are taken", &[])],
        state: "queued".to_owned(),
    }
}

pub(crate) fn holder(task: &str) -> HolderRow {
    HolderRow {
        cpu: None,
        memory: None,
        preemptible: false,
        expected: None,
        pool: "local".into(),
        run: run_id(),
        label: "retail-daily-sales#412".to_owned(),
        task: task.to_owned(),
        state: "running".to_owned(),
        attempt: 1,
        pid: Some(4_321),
        since: at(40),
        slots: 2,
        resources: BTreeMap::from([("warehouse".to_owned(), 1)]),
        until: Some(at(3_700)),
    }
}

pub(crate) fn pause() -> PauseView {
    PauseView {
        by: "user:ada".to_owned(),
        since: at(85),
        until: Some(at(7_285)),
        comment: Some("the disk is being changed".to_owned()),
        held_back: 3,
    }
}

pub(crate) fn undo(state: &str, attempts: Vec<AttemptView>) -> UndoView {
    UndoView {
        state: state.to_owned(),
        reason: None,
        started: Some(at(90)),
        ended: Some(at(95)),
        attempts,
    }
}

pub(crate) fn workflow(name: &str, state: &str) -> WorkflowRow {
    WorkflowRow {
        name: name.into(),
        state: state.to_owned(),
        version: Some("0123456789abcdef0123456789abcdef".into()),
        description: Some("Loads the day".to_owned()),
        owner: Some("retail-data".to_owned()),
        tasks: 3,
        active: 1,
        problems: Vec::new(),
        pause: None,
    }
}

/// The plan of a rollback, with all that a plan can tell.
pub(crate) fn plan() -> Plan {
    let tasks = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    Plan {
        digest: "d1".to_owned(),
        label: Some("retail-daily-sales#412".to_owned()),
        stop: tasks(&["cleanup"]),
        undo: tasks(&["publish", "dashboards:East", "dashboards:West", "store_metrics:Central"]),
        not_undone: tasks(&["returns"]),
        void: tasks(&["publish_ok"]),
        notes: vec!["dataset sales was read by report#7".to_owned()],
        ..Plan::default()
    }
}

pub(crate) fn why(task: Option<&str>, state: &str, blockers: Vec<Blocker>) -> Why {
    Why {
        label: "retail-daily-sales#412".to_owned(),
        run: run_id(),
        task: task.map(str::to_owned),
        state: state.to_owned(),
        blockers,
        tasks: Vec::new(),
        more: 0,
        log_tail: Vec::new(),
    }
}

pub(crate) fn status() -> StatusView {
    StatusView {
        version: "0.1.0".to_owned(),
        pid: 4_242,
        uptime_s: 3_725.5,
        rss: 12 << 20,
        store: StoreView { state: "ok".to_owned(), bytes: 1_500_000, seq: Seq(812) },
        runs: RunsView { active: 1, queued: 2 },
        pools: vec![pool("local", "up")],
        state_dir: "/home/ada/.local/state/runyard".to_owned(),
        workflows_dir: "/home/ada/.config/runyard/workflows".to_owned(),
        pause: None,
    }
}

pub(crate) fn event(seq: u64, text: &str) -> EventView {
    EventView {
        seq: Seq(seq),
        at: at(81),
        actor: "daemon".to_owned(),
        kind: "task_started".to_owned(),
        run: Some(run_id()),
        task: Some("returns".to_owned()),
        attempt: Some(1),
        text: text.to_owned(),
    }
}
