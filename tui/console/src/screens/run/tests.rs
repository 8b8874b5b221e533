//! How a run looks, and that nothing on the screen moves but what a person moves.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::expect_file;
use shared::id::{AttemptId, RunId, TaskPath};
use shared::snapshot::{AttemptView, LogChunk, RollbackView, RunView, TaskView, UndoView};
use shared::watch::{News, RunNews};

use super::chart::Chart;
use crate::App;
use crate::effect::Effect;
use crate::fixtures::{self, ago, approval, now, press, run_view, settings, snapshot, task};
use crate::input::{Input, LogTicket};
use crate::screens::{self, Screen};

const RUN: u64 = 2;

/// Tasks as `state name < need need`; `!` before a name: of `finally`.
fn tasks(lines: &str) -> Vec<TaskView> {
    let one = |line: &str| {
        let (head, needs) = line.split_once('<').unwrap_or((line, ""));
        let (state, name) = head.trim().split_once(' ').expect("a state and a name");
        let mut it = task(
            name.trim_start_matches('!'),
            state,
            needs.split_whitespace().map(str::to_owned).collect(),
        );
        it.finally = name.starts_with('!');
        if matches!(state, "waiting" | "queued" | "upstream_failed" | "skipped") {
            it.started = None;
            it.ended = None;
        }
        if matches!(state, "failed" | "succeeded" | "running") {
            it.attempts = vec![attempt(1, state)];
        }
        it
    };
    lines.lines().map(str::trim).filter(|it| !it.is_empty()).map(one).collect()
}

fn attempt(number: u32, state: &str) -> AttemptView {
    let over = state != "running";
    let failed = state == "failed";
    AttemptView {
        attempt: number,
        id: AttemptId(u64::from(number)),
        outcome: over.then(|| if failed { "exit(137)" } else { "succeeded" }.to_owned()),
        reason: None,
        exit: over.then_some(if failed { 137 } else { 0 }),
        signal: None,
        started: Some(ago(600)),
        ended: over.then(|| ago(300)),
        pid: Some(88_121),
        max_rss: over.then_some(2_000_000_000),
        cpu_s: over.then_some(211.5),
        log_bytes: Some(1_204),
        log_dropped: None,
    }
}

fn run(state: &str, tasks: Vec<TaskView>) -> RunView {
    let mut counts = BTreeMap::new();
    for task in &tasks {
        match task.items.is_empty() {
            true => *counts.entry(task.state.clone()).or_default() += 1,
            false => {
                task.items.iter().for_each(|it| *counts.entry(it.0.clone()).or_default() += it.1);
            }
        }
    }
    RunView { state: state.to_owned(), counts, tasks, ..run_view(RUN, 0) }
}

fn app(unicode: bool, run: RunView) -> App {
    let news = News {
        approvals: Some(vec![approval(RUN, "nightly-etl#4812", "publish_ok")]),
        ..fixtures::busy()
    };
    let settings = crate::Settings { unicode, ..settings() };
    let mut app = fixtures::app_with(settings, News { run: None, ..news });
    app.open(Screen::Run(RunId(RUN)));
    tell(&mut app, run);
    app
}

fn tell(app: &mut App, run: RunView) -> Vec<Effect> {
    let news = News { run: Some(RunNews::Whole(Box::new(run))), ..News::default() };
    app.handle(app.now, Input::News(Box::new(news)))
}

/// The end of the log that was asked for last.
fn tell_log(app: &mut App, effects: &[Effect], text: &str) {
    let ticket = effects.iter().rev().find_map(|it| match it {
        Effect::ReadLog(ticket, _) => Some(*ticket),
        _ => None,
    });
    let chunk = LogChunk { bytes: text.as_bytes().to_vec(), offset: 0, attempt: 1, end: true };
    app.handle(app.now, Input::Log(ticket.unwrap_or(LogTicket(0)), Ok(chunk)));
}

fn retail() -> RunView {
    let mut tasks = tasks(
        "succeeded wait_for_sales
         succeeded returns < wait_for_sales
         succeeded store_metrics < returns
         succeeded quality < store_metrics
         awaiting_approval publish_ok < quality
         waiting dashboards < publish_ok
         succeeded exceptions < returns
         waiting index < dashboards exceptions
         waiting publish < index
         waiting announce < publish
         waiting !cleanup",
    );
    tasks[2].items = BTreeMap::from([("succeeded".to_owned(), 4)]);
    tasks[2].failed_items = Some(0);
    tasks[3].warnings = vec!["31% of the lines are adjusted".to_owned()];
    tasks[4].kind = "approval".to_owned();
    tasks[4].pool = None;
    tasks[4].ended = None;
    tasks[4].reason = Some("Publish the sales of 2017-12-22?".to_owned());
    tasks[1].outputs = BTreeMap::from([("lines".to_owned(), 3_412.into())]);
    run("running", tasks)
}

fn failed() -> RunView {
    let mut tasks = tasks(
        "succeeded pull_orders
         succeeded pull_users
         succeeded dq_check < pull_orders pull_users
         failed geo_enrich < pull_users
         failed stage < dq_check
         upstream_failed geo_load < geo_enrich
         upstream_failed report < geo_load stage
         succeeded !cleanup
         succeeded !notify < cleanup",
    );
    let first = attempt(1, "failed");
    tasks[3].attempts = vec![first.clone(), AttemptView { attempt: 2, ..first.clone() }];
    tasks[3].attempts.push(AttemptView { attempt: 3, ..first });
    tasks[4].items = BTreeMap::from([("succeeded".to_owned(), 88), ("failed".to_owned(), 40)]);
    tasks[4].failed_items = Some(40);
    tasks[4].attempts.clear();
    RunView {
        reason: Some("geo_enrich: exit(137)".to_owned()),
        ended: Some(ago(60)),
        ..run("failed", tasks)
    }
}

fn rolling_back() -> RunView {
    let mut tasks = tasks(
        "succeeded extract
         succeeded load < extract
         rolled_back publish < load
         rollback_failed announce < publish
         cancelled report < announce",
    );
    let undo = |state: &str, attempts: Vec<AttemptView>| UndoView {
        state: state.to_owned(),
        reason: (state == "rollback_failed").then(|| "exit(1)".to_owned()),
        started: (state != "pending").then(|| ago(120)),
        ended: (state != "pending").then(|| ago(60)),
        attempts,
    };
    tasks[0].undo = Some(undo("pending", Vec::new()));
    tasks[1].undo = Some(UndoView { ended: None, ..undo("running", vec![attempt(1, "running")]) });
    tasks[2].undo = Some(undo("rolled_back", vec![attempt(1, "succeeded")]));
    let again = AttemptView { attempt: 2, ..attempt(1, "failed") };
    tasks[3].undo = Some(undo("rollback_failed", vec![attempt(1, "failed"), again]));
    let counts = [("pending", 1), ("running", 1), ("rolled_back", 1), ("rollback_failed", 1)];
    RunView {
        rollback: Some(RollbackView {
            by: "user:bob".to_owned(),
            at: ago(180),
            comment: Some("wrong prices".to_owned()),
            counts: counts.map(|(word, count)| (word.to_owned(), count)).into(),
        }),
        ..run("rolling_back", tasks)
    }
}

fn large(count: usize) -> RunView {
    RunView { tasks: run_view(RUN, count).tasks, ..run("running", Vec::new()) }
}

fn absurd() -> RunView {
    let names = fixtures::absurd_names();
    let mut run =
        run("running", tasks("running a\n failed b < a\n waiting c < a\n waiting d < b c"));
    for (task, name) in run.tasks.iter_mut().zip(&names) {
        task.task.clone_from(name);
        task.reason = Some(name.clone());
        task.warnings.clone_from(&names);
    }
    let name = |at: usize| names[at].clone();
    run.tasks[1].needs = vec![name(0)];
    run.tasks[2].needs = vec![name(0), name(2)];
    run.tasks[3].needs = vec![name(1), name(2), "not there".to_owned()];
    RunView { reason: Some(name(4)), ..run }
}

#[test]
fn runs_of_every_kind_at_every_size() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/screens/run/frames");
    let log = "12:00:41 INFO  batch 311/420 rows=18,200,114\n12:00:58 \x1b[33mWARN\x1b[0m  rss 1.92G near limit\n12:01:09 killed by signal 9\n";
    let runs = [
        ("approval", retail()),
        ("failed", failed()),
        ("rollback", rolling_back()),
        ("large", large(10_000)),
        ("absurd", absurd()),
        ("empty", run("queued", Vec::new())),
    ];
    for (name, run) in runs {
        for (width, height) in [(80, 24), (160, 48), (60, 15)] {
            for unicode in [true, false] {
                let mut app = app(unicode, RunView { tasks: Vec::new(), ..run.clone() });
                app.handle(now(), Input::Resize(width, height));
                let effects = tell(&mut app, run.clone());
                tell_log(&mut app, &effects, log);
                let frame = snapshot(&mut app, width, height);
                assert!(unicode || frame.is_ascii());
                let ascii = if unicode { "" } else { "-ascii" };
                let file = format!("{folder}/{name}-{width}x{height}{ascii}.txt");
                expect_file![file].assert_eq(&frame);
            }
        }
    }
}

#[test]
fn the_other_views_and_panes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/screens/run/frames");
    for (name, keys, width, height) in [
        ("focus", "v", 80, 24),
        ("tasks", "v v", 80, 24),
        ("timeline", "v v v", 80, 24),
        ("timeline", "tab v", 160, 48),
        ("filter", "/ s t a t e : u p enter", 80, 24),
        ("attempts", "tab [", 60, 15),
        ("log", "tab tab", 60, 15),
    ] {
        let mut app = app(true, failed());
        app.handle(now(), Input::Resize(width, height));
        press(&mut app, keys);
        let file = format!("{folder}/view-{name}-{width}x{height}.txt");
        expect_file![file].assert_eq(&snapshot(&mut app, width, height));
    }
}

/// Where each task of the whole graph stands.
fn places(app: &App) -> Vec<Option<(usize, usize, usize)>> {
    let state = &app.states.run;
    let chart: &Chart = state.plan.whole().and_then(|it| it.as_ref().ok()).expect("it is drawn");
    (0..state.plan.len()).map(|it| chart.place(it)).collect()
}

fn selected(app: &App) -> String {
    screens::target(app).task.map(|it| it.path.to_string()).unwrap_or_default()
}

#[test]
fn a_state_that_changes_moves_nothing() {
    let mut app = app(true, retail());
    let (before, corner) = (places(&app), app.states.run.corner);
    let mut after = retail();
    for task in &mut after.tasks {
        task.state = "failed".to_owned();
        task.reason = Some("a long reason".repeat(9));
        task.started = Some(ago(900_000));
        task.items = BTreeMap::from([("failed".to_owned(), 10_000), ("running".to_owned(), 1)]);
    }
    tell(&mut app, after);
    assert_eq!((places(&app), app.states.run.corner), (before, corner));
}

#[test]
fn the_selection_is_of_a_task_whatever_comes_or_goes() {
    let mut app = app(true, retail());
    assert_eq!(selected(&app), "publish_ok", "what needs a person is selected first");
    press(&mut app, "k");
    let chosen = selected(&app);
    let mut more = retail();
    more.tasks.insert(0, task("before", "running", Vec::new()));
    more.tasks.push(task("after", "failed", Vec::new()));
    tell(&mut app, more);
    assert_eq!(selected(&app), chosen);
    let mut fewer = retail();
    fewer.tasks.retain(|it| it.task == chosen || it.task == "index");
    tell(&mut app, fewer);
    assert_eq!(selected(&app), chosen);
    tell(&mut app, run("running", tasks("running other")));
    assert_eq!(selected(&app), "other");
    tell(&mut app, run("running", Vec::new()));
    assert_eq!(selected(&app), "");
}

#[test]
fn failures_are_found_in_both_directions_in_every_view() {
    for view in ["", "v", "v v"] {
        let mut app = app(true, failed());
        press(&mut app, view);
        let mut met = vec![selected(&app)];
        for _ in 0..5 {
            press(&mut app, "e");
            met.push(selected(&app));
        }
        met.dedup();
        for _ in 0..5 {
            press(&mut app, "E");
            met.push(selected(&app));
        }
        met.dedup();
        let names: std::collections::BTreeSet<&str> = met.iter().map(String::as_str).collect();
        let all = std::collections::BTreeSet::from(["geo_enrich", "geo_load", "report", "stage"]);
        assert_eq!(names, all, "{view}: {met:?}");
    }
}

#[test]
fn whatever_moves_keeps_the_selection_in_view() {
    let keys = "right right right right down right right up left left left left j j j j j j j j j \
                j k k k k G g pgdn pgdn pgup";
    for run in [retail(), failed(), large(40), rolling_back()] {
        for (width, height) in [(80, 24), (60, 15), (160, 48)] {
            let mut app = app(true, run.clone());
            app.handle(now(), Input::Resize(width, height));
            if app.states.run.drawing() != crate::graph::View::Graph {
                press(&mut app, "v");
            }
            for key in keys.split_whitespace() {
                press(&mut app, key);
                let state = &app.states.run;
                let chart = match state.drawing() {
                    crate::graph::View::Graph => state.plan.whole(),
                    _ => state.plan.near().map(|it| it.0),
                };
                let Some(Ok(chart)) = chart else { continue };
                let panes = state.panes(&app, super::full(&app));
                let Some(pane) = panes.shown.iter().find(|it| it.0 == super::Pane::Drawn) else {
                    continue;
                };
                let view = super::drawn::picture(pane.1);
                let at = state.place().and_then(|it| chart.place(it)).expect("it is drawn");
                let (x, y) = state.corner;
                assert!(at.0 >= x && at.0 + at.2 <= x + usize::from(view.width), "{key} {at:?}");
                assert!(at.1 >= y && at.1 < y + usize::from(view.height), "{key} {at:?}");
            }
        }
    }
}

#[test]
fn acts_are_about_the_run_and_the_task_or_its_item() {
    let mut app = app(true, failed());
    let target = screens::target(&app);
    assert_eq!(target.run().map(|it| it.label.clone()), Ok("nightly-etl#4812".to_owned()));
    assert_eq!(selected(&app), "geo_enrich");
    app.states.run.list.select("stage".into());
    let effects = app.handle(now() + Duration::from_secs(5), Input::Tick);
    let ticket = effects.iter().find_map(|it| match it {
        Effect::Items(ticket, ask) if ask.task == "stage" => Some(*ticket),
        _ => None,
    });
    press(&mut app, "enter");
    let item = |key: usize, state: &str| TaskView {
        item: Some(key.to_string()),
        ..task("stage", state, Vec::new())
    };
    let items =
        (0..60).map(|it| item(it, if (20..58).contains(&it) { "failed" } else { "succeeded" }));
    let answer = RunView { tasks: items.collect(), ..failed() };
    app.handle(app.now, Input::Items(ticket.expect("they are asked for"), Ok(answer)));
    assert_eq!(selected(&app), "stage:20", "failed ones come first");
    press(&mut app, "j");
    assert_eq!(selected(&app), "stage:21");
    let frame = fixtures::text(&mut app, 80, 24);
    assert!(frame.contains("ITEMS of stage 60"), "{frame}");
    press(&mut app, "esc");
    assert_eq!(selected(&app), "stage");
    let frame = fixtures::text(&mut app, 80, 24);
    assert!(frame.contains("38 × exit(137)"), "{frame}");
    press(&mut app, "v v");
    app.states.run.list.select("announce".into());
    tell(&mut app, rolling_back());
    let task = screens::target(&app).task.expect("a task is selected");
    assert_eq!(
        (task.path, task.state.as_str()),
        (TaskPath::task("announce".into()), "rollback_failed")
    );
}

#[test]
fn the_log_is_that_of_the_chosen_attempt_and_of_the_undo() {
    let asks = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|it| match it {
            Effect::ReadLog(_, ask) => Some((ask.task, ask.attempt)),
            _ => None,
        })
    };
    let mut app = app(true, run("running", Vec::new()));
    let first = asks(tell(&mut app, failed()));
    assert_eq!(first, Some(("geo_enrich".to_owned(), Some(3))));
    assert_eq!(asks(press(&mut app, "[")), Some(("geo_enrich".to_owned(), Some(2))));
    assert_eq!(asks(press(&mut app, "]")), Some(("geo_enrich".to_owned(), Some(3))));
    app.states.run.list.select("announce".into());
    app.now = app.now + Duration::from_secs(1);
    let undo = asks(tell(&mut app, rolling_back()));
    assert_eq!(undo, Some(("undo@announce".to_owned(), Some(2))));
    let left = press(&mut app, "esc");
    assert!(left.contains(&Effect::StopLog));
}

#[test]
fn a_run_that_is_paused_says_by_whom_and_until_when() {
    let pause = shared::snapshot::PauseView {
        by: "user:alice".to_owned(),
        since: ago(60),
        until: Some(now() + Duration::from_secs(7_200)),
        comment: Some("checking dq".to_owned()),
        held_back: 2,
    };
    let mut app = app(true, RunView { pause: Some(pause), ..run("paused", retail().tasks) });
    let frame = fixtures::text(&mut app, 80, 24);
    let line = "‖ PAUSED by alice until 14:04   2 tasks held back   “checking dq”";
    assert!(frame.contains(line), "{frame}");
}

#[test]
fn a_run_that_is_gone_or_not_told_says_so() {
    let mut app = app(true, retail());
    let gone = News { run: Some(RunNews::Gone), ..News::default() };
    app.handle(now(), Input::News(Box::new(gone)));
    assert!(fixtures::text(&mut app, 80, 24).contains("no such run"));
    app.open(Screen::Run(RunId(77)));
    assert!(fixtures::text(&mut app, 80, 24).contains("has not told this run yet"));
    press(&mut app, "j e E v f b [ ] enter l tab");
}
