//! News of daemons as tests need them: busy, broken, empty, absurd; and a frame as text with its styles.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use shared::id::RunId;
use shared::snapshot::{
    ApprovalRow, HolderRow, PauseView, PoolRow, QueueRow, RunRow, RunView, RunsView, TaskView,
    WorkflowRow,
};
use shared::time::Timestamp;
use shared::watch::{DaemonView, News, QueueNews, RunNews};

use crate::app::{App, Settings};
use crate::effect::Effect;
use crate::input::{Input, Link};
use crate::key::Key;
use crate::store::Store;
use crate::theme::ColorDepth;

/// The time at which all fixtures stand.
pub(crate) fn now() -> Timestamp {
    "2026-11-25T12:04:31Z".parse().expect("it is an instant")
}

pub(crate) fn ago(seconds: u64) -> Timestamp {
    now() - Duration::from_secs(seconds)
}

pub(crate) fn settings() -> Settings {
    Settings {
        leaving: "The daemon and all runs go on.",
        host: "build-7".to_owned(),
        unicode: true,
        color: ColorDepth::Ansi16,
        read_only: false,
        utc_offset: |_| 0,
    }
}

/// A console that is connected and has been told `news`.
pub(crate) fn app(news: News) -> App {
    app_with(settings(), news)
}

pub(crate) fn app_with(settings: Settings, news: News) -> App {
    let mut app = App::new(settings);
    app.handle(now(), Input::Link(Link::Up { version: "0.1.0".to_owned() }));
    app.handle(now(), Input::News(Box::new(news)));
    app
}

/// Presses keys as they are written: `3 j enter ctrl-r`; all at the time of the last input, and a second apart.
pub(crate) fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split_whitespace() {
        let key: Key = key.parse().expect("it is a key");
        let at = app.now + Duration::from_secs(1);
        effects = app.handle(at, Input::Key(key));
    }
    effects
}

/// A run; `tasks`: how many task runs are in each state.
pub(crate) fn run(id: u64, label: &str, state: &str, tasks: &[(&str, u32)]) -> RunRow {
    let (workflow, number) = label.split_once('#').expect("workflow#number");
    let over = crate::target::is_over(state);
    let queued = state == "queued";
    RunRow {
        id: RunId(id),
        workflow: workflow.into(),
        number: number.parse().expect("a number"),
        state: state.to_owned(),
        reason: None,
        actor: "user:alice".to_owned(),
        priority: 250,
        created: ago(id * 300),
        started: (!queued).then(|| ago((id * 300).saturating_sub(1))),
        ended: over.then(|| ago(id * 100)),
        counts: tasks.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect(),
        pause: None,
    }
}

/// A run with `count` tasks, every third of which has failed.
pub(crate) fn run_view(id: u64, count: usize) -> RunView {
    let states = ["succeeded", "running", "failed"];
    let task = |at: usize| {
        let needs = at.checked_sub(1).map(|it| format!("task_{it}")).into_iter().collect();
        self::task(&format!("task_{at}"), states[at % 3], needs)
    };
    RunView {
        id: RunId(id),
        workflow: "nightly-etl".into(),
        number: 4_812,
        version: "9f2c1e".into(),
        state: "running".to_owned(),
        reason: None,
        owner: Some("data".to_owned()),
        params: BTreeMap::new(),
        interval: None,
        trigger: "manual".to_owned(),
        actor: "user:alice".to_owned(),
        priority: 250,
        created: ago(3_000),
        started: Some(ago(2_900)),
        ended: None,
        counts: BTreeMap::new(),
        tasks: (0..count).map(task).collect(),
        pause: None,
        rollback: None,
        times_out: None,
        seq: shared::id::Seq(7),
    }
}

pub(crate) fn task(name: &str, state: &str, needs: Vec<String>) -> TaskView {
    TaskView {
        task: name.to_owned(),
        item: None,
        kind: "run".to_owned(),
        state: state.to_owned(),
        reason: (state == "failed").then(|| "exit(137)".to_owned()),
        outcome: None,
        pool: Some("default".into()),
        needs,
        finally: false,
        started: Some(ago(600)),
        ended: (state != "running").then(|| ago(300)),
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

pub(crate) fn workflow(name: &str, state: &str) -> WorkflowRow {
    WorkflowRow {
        name: name.into(),
        state: state.to_owned(),
        version: Some("9f2c1e".into()),
        description: Some("what it is for".to_owned()),
        owner: Some("data".to_owned()),
        tasks: 11,
        active: 1,
        problems: Vec::new(),
        pause: None,
    }
}

pub(crate) fn pool(name: &str, state: &str, slots: u32, used: u32, queued: u32) -> PoolRow {
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
        slots,
        used,
        queued,
        oldest: (queued > 0).then(|| ago(u64::from(queued) * 60)),
        pause: None,
    }
}

pub(crate) fn approval(run: u64, label: &str, task: &str) -> ApprovalRow {
    ApprovalRow {
        run: RunId(run),
        label: label.to_owned(),
        task: task.to_owned(),
        message: "load 18.2M rows?".to_owned(),
        since: ago(720),
        expires: Some(now() + Duration::from_secs(2_880)),
        approvers: vec!["group:oncall-data".to_owned()],
        outputs: BTreeMap::from([("rows".to_owned(), 18_260_901.into())]),
        warnings: vec!["geo_enrich failed".to_owned()],
        then: vec!["load_dw".to_owned()],
        needed: 1,
        decisions: Vec::new(),
        state: "awaiting_approval".to_owned(),
    }
}

fn daemon() -> DaemonView {
    DaemonView {
        version: "0.1.0".to_owned(),
        pid: 812,
        since: ago(90_000),
        host: "build-7".to_owned(),
        store: "ok".to_owned(),
        runs: RunsView { active: 4, queued: 1 },
        pause: None,
    }
}

/// An ordinary day: runs in every state, an approval, a failure, a full pool; run 2 is open with its tasks.
pub(crate) fn busy() -> News {
    let mut failed = run(5, "nightly-etl#4811", "failed", &[("succeeded", 9), ("failed", 2)]);
    failed.reason = Some("geo_enrich: exit(137)".to_owned());
    let mut paused = run(4, "export-s3#77", "paused", &[("succeeded", 1), ("queued", 2)]);
    paused.pause = Some(pause());
    let runs = vec![
        run(
            1,
            "clickstream-5m#20117",
            "running",
            &[("succeeded", 1), ("running", 2), ("waiting", 5)],
        ),
        run(
            2,
            "nightly-etl#4812",
            "running",
            &[("succeeded", 98), ("awaiting_approval", 1), ("waiting", 39)],
        ),
        run(3, "ml-features#88", "queued", &[("waiting", 12)]),
        paused,
        failed,
        run(6, "billing#990", "partial", &[("succeeded", 12), ("failed", 1)]),
        run(7, "billing#989", "succeeded", &[("succeeded", 13)]),
        run(8, "schema-migrate#12", "rolling_back", &[("succeeded", 3), ("failed", 1)]),
        run(9, "nightly-etl#4810", "cancelled", &[("succeeded", 2), ("cancelled", 9)]),
    ];
    News {
        epoch: 1,
        at: now(),
        whole: true,
        daemon: Some(daemon()),
        workflows: vec![
            workflow("billing", "ok"),
            workflow("clickstream-5m", "ok"),
            workflow("export-s3", "paused"),
            workflow("nightly-etl", "ok"),
        ],
        pools: Some(vec![
            pool("default", "up", 96, 74, 9),
            pool("gpu", "up", 8, 8, 41),
            pool("io", "up", 48, 11, 0),
        ]),
        approvals: Some(vec![approval(2, "nightly-etl#4812", "approve")]),
        queue: Some(queue()),
        all_runs: true,
        runs,
        run: Some(RunNews::Whole(Box::new(run_view(2, 12)))),
        ..News::default()
    }
}

fn pause() -> PauseView {
    PauseView {
        by: "user:alice".to_owned(),
        since: ago(4_200),
        until: None,
        comment: Some("checking dq".to_owned()),
        held_back: 2,
    }
}

fn queue() -> QueueNews {
    let row = |position: u32| QueueRow {
        lifted_at: None,
        deadline: None,
        position,
        run: RunId(3),
        label: "ml-features#88".to_owned(),
        task: "train".to_owned(),
        item: Some(position.to_string()),
        pool: "gpu".into(),
        priority: 250,
        effective_priority: 260,
        since: ago(1_560),
        blockers: Vec::new(),
        state: "queued".to_owned(),
    };
    let holder = HolderRow {
        cpu: None,
        memory: None,
        preemptible: false,
        expected: None,
        pool: "gpu".into(),
        run: RunId(1),
        label: "clickstream-5m#20117".to_owned(),
        task: "fit".to_owned(),
        state: "running".to_owned(),
        attempt: 1,
        pid: Some(4_711),
        since: ago(7_200),
        slots: 2,
        resources: BTreeMap::from([("gpu".to_owned(), 2)]),
        until: Some(now() + Duration::from_secs(600)),
    };
    QueueNews { queue: (1..=3).map(row).collect(), holders: vec![holder] }
}

/// Nothing works: the store is full, a pool is down, a workflow is broken, an undo has failed, everything is paused.
pub(crate) fn broken() -> News {
    let mut workflow = workflow("billing", "broken");
    workflow.problems = vec!["billing.yaml:3: unknown key `neds`".to_owned()];
    let daemon = DaemonView {
        store: "no space left on device".to_owned(),
        pause: Some(pause()),
        ..daemon()
    };
    News {
        daemon: Some(daemon),
        workflows: vec![workflow],
        pools: Some(vec![pool("gpu", "down", 8, 0, 41)]),
        runs: vec![
            run(1, "billing#991", "rollback_failed", &[("rollback_failed", 1), ("rolled_back", 3)]),
            run(2, "billing#990", "failed", &[("failed", 1), ("upstream_failed", 3)]),
        ],
        ..empty()
    }
}

/// A daemon that has just been started for the first time.
pub(crate) fn empty() -> News {
    News {
        epoch: 1,
        at: now(),
        whole: true,
        daemon: Some(DaemonView { runs: RunsView::default(), ..daemon() }),
        pools: Some(vec![pool("local", "up", 2, 0, 0)]),
        approvals: Some(Vec::new()),
        queue: Some(QueueNews::default()),
        all_runs: true,
        ..News::default()
    }
}

/// Names that nobody would give: long, wide, combining, right to left, with escapes and nothing at all.
pub(crate) fn absurd_names() -> Vec<String> {
    vec![
        "x".repeat(300),
        "大".repeat(80),
        "e\u{301}\u{302}\u{303}\u{304}\u{305}".repeat(30),
        "שלום עולם \u{202e}evil".to_owned(),
        "\x1b[2J\x1b]0;title\x07\r\n\u{9b}31m".to_owned(),
        "👩‍💻👍🏽 ❤️ \u{200b}\u{feff}".to_owned(),
        String::new(),
    ]
}

/// All of that at once, with 10,000 tasks, clocks that disagree and counts that overflow.
pub(crate) fn absurd() -> News {
    absurd_of(10_000)
}

/// The same with so many tasks.
pub(crate) fn absurd_of(tasks: usize) -> News {
    let names = absurd_names();
    let runs = names.iter().enumerate().map(|(at, name)| RunRow {
        workflow: name.as_str().into(),
        number: u64::MAX,
        state: if at == 3 { name.clone() } else { "failed".to_owned() },
        reason: Some(name.clone()),
        actor: name.clone(),
        priority: u16::MAX,
        created: Timestamp(if at == 0 { i64::MAX } else { i64::MIN }),
        started: Some(now() + Duration::from_secs(90_000)),
        ended: Some(ago(90_000)),
        counts: BTreeMap::from([(name.clone(), u32::MAX), ("succeeded".to_owned(), u32::MAX)]),
        ..run(at as u64 + 1, "x#1", "failed", &[])
    });
    let mut open = run_view(2, tasks);
    for (task, name) in open.tasks.iter_mut().zip(&names) {
        task.task.clone_from(name);
        task.needs = vec![name.clone()];
    }
    News {
        runs: runs.collect(),
        workflows: names.iter().map(|it| workflow(it, "broken")).collect(),
        pools: Some(names.iter().map(|it| pool(it, it, 0, u32::MAX, u32::MAX)).collect()),
        approvals: Some(names.iter().map(|it| approval(1, it, it)).collect()),
        run: Some(RunNews::Whole(Box::new(open))),
        ..busy()
    }
}

pub(crate) fn store(news: News) -> Store {
    let mut store = Store::default();
    store.apply(news);
    store
}

/// A frame as text: the cells, and under each row in which something is styled, a letter for the style of each cell.
///
/// Letters: `b`old, `d`im, `r`eversed, `u`nderlined, in that order of precedence, and the colours `R`ed, `G`reen,
/// `Y`ellow, `C`yan where the cell is nothing else.
pub(crate) fn snapshot(app: &mut App, width: u16, height: u16) -> String {
    app.handle(app.now, Input::Resize(width, height));
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    crate::view(app, &mut buf);
    let mut text = String::new();
    for y in 0..height {
        let mut line = String::new();
        let mut styles = String::new();
        let mut behind = 0;
        for x in 0..width {
            let cell = &buf[(x, y)];
            styles.push(letter(cell.style()));
            if behind > 0 {
                behind -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            behind = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        text.push_str(&format!("{}\n", line.trim_end()));
        if !styles.trim_end().is_empty() {
            text.push_str(&format!("{}\n", styles.trim_end()).replace(' ', "'"));
        }
    }
    text
}

fn letter(style: Style) -> char {
    let has = |it| style.add_modifier.contains(it);
    match style.fg {
        _ if has(Modifier::REVERSED) => 'r',
        Some(Color::Red) => 'R',
        Some(Color::Green) => 'G',
        Some(Color::Yellow) => 'Y',
        Some(Color::Cyan) => 'C',
        _ if has(Modifier::BOLD) => 'b',
        _ if has(Modifier::UNDERLINED) => 'u',
        _ if has(Modifier::DIM) => 'd',
        _ => ' ',
    }
}

/// The same without the styles.
pub(crate) fn text(app: &mut App, width: u16, height: u16) -> String {
    app.handle(app.now, Input::Resize(width, height));
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    crate::view(app, &mut buf);
    let line = |y| {
        let mut line = String::new();
        let mut behind = 0;
        for x in 0..width {
            if behind > 0 {
                behind -= 1;
                continue;
            }
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            behind = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
        }
        format!("{}\n", line.trim_end())
    };
    (0..height).map(line).collect()
}
