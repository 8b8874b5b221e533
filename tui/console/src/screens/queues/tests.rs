use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::{ExpectFile, expect_file};
use shared::snapshot::PauseView;
use shared::watch::{News, QueueNews, ROWS_MAX, RunNews};
use shared::why::{Blocker, BlockerKind};

use super::*;
use crate::Settings;
use crate::app::Overlay;
use crate::fixtures::{self, press, snapshot, text};
use crate::input::Input;
use crate::screens::{Kind, Screen};
use crate::theme::ColorDepth;

fn waiting(run: u64, label: &str, task: &str, position: u32) -> QueueRow {
    QueueRow {
        lifted_at: None,
        deadline: None,
        position,
        run: RunId(run),
        label: label.to_owned(),
        task: task.to_owned(),
        item: None,
        pool: "gpu".into(),
        priority: 250,
        effective_priority: 250,
        since: fixtures::ago(1_560),
        blockers: vec![blocker("slots of gpu: clickstream-5m#20117 fit has 2 of 8")],
        state: "queued".to_owned(),
    }
}

fn blocker(text: &str) -> Blocker {
    let kind = BlockerKind::Slots;
    Blocker {
        kind,
        text: text.to_owned(),
        who: Vec::new(),
        holders: Vec::new(),
        since: None,
        until: None,
    }
}

fn holder(run: u64, label: &str, task: &str) -> HolderRow {
    HolderRow {
        cpu: None,
        memory: None,
        preemptible: false,
        expected: None,
        pool: "gpu".into(),
        run: RunId(run),
        label: label.to_owned(),
        task: task.to_owned(),
        state: "running".to_owned(),
        attempt: 1,
        pid: Some(4_711),
        since: fixtures::ago(7_200),
        slots: 2,
        resources: BTreeMap::from([("gpu".to_owned(), 2), ("licence".to_owned(), 1)]),
        until: Some(fixtures::now() + Duration::from_secs(600)),
    }
}

fn busy() -> News {
    let mut first = waiting(3, "ml-features#88", "train", 1);
    first.item = Some("0".to_owned());
    first.effective_priority = 260;
    first.blockers.push(blocker("resource licence: none of 1 is free"));
    let mut free = waiting(6, "sweep#7", "trial:b", 3);
    free.blockers.clear();
    let queue = vec![first, waiting(3, "ml-features#88", "train:1", 2), free];
    let mut late = holder(4, "export-s3#77", "undo@copy");
    late.until = Some(fixtures::ago(90));
    late.state = "stopping".to_owned();
    let mut endless = holder(5, "nightly-etl#4811", "load:north");
    (endless.until, endless.pid, endless.state) = (None, None, "starting".to_owned());
    let holders = vec![holder(1, "clickstream-5m#20117", "fit"), late, endless];
    let mut paused = fixtures::pool("paused-etl", "paused", 16, 0, 0);
    paused.pause = Some(PauseView {
        by: "user:alice".to_owned(),
        since: fixtures::ago(7_200),
        until: Some(fixtures::now() + Duration::from_secs(3_600)),
        comment: Some("checking dq".to_owned()),
        held_back: 2,
    });
    let pools = vec![
        fixtures::pool("default", "up", 96, 74, 0),
        fixtures::pool("dw", "down", 4, 0, 8),
        fixtures::pool("gpu", "up", 8, 8, 3),
        fixtures::pool("io", "up", 48, 11, 0),
        paused,
    ];
    News { pools: Some(pools), queue: Some(QueueNews { queue, holders }), ..fixtures::busy() }
}

fn app(news: News) -> App {
    let mut app = fixtures::app(news);
    press(&mut app, "4");
    app
}

/// With the pool that is full selected.
fn gpu(settings: Settings) -> App {
    let mut app = fixtures::app_with(settings, busy());
    press(&mut app, "4 j j");
    app
}

#[test]
fn queues_at_every_size() {
    let cases: [(u16, u16, bool, ExpectFile); 5] = [
        (80, 24, true, expect_file!["frames/busy-80x24.txt"]),
        (160, 48, true, expect_file!["frames/busy-160x48.txt"]),
        (60, 15, true, expect_file!["frames/busy-60x15.txt"]),
        (80, 24, false, expect_file!["frames/busy-80x24-ascii.txt"]),
        (60, 15, false, expect_file!["frames/busy-60x15-ascii.txt"]),
    ];
    for (width, height, unicode, expected) in cases {
        let mut app = gpu(Settings { unicode, ..fixtures::settings() });
        expected.assert_eq(&snapshot(&mut app, width, height));
    }
    let mut app = gpu(Settings { color: ColorDepth::None, ..fixtures::settings() });
    press(&mut app, "tab tab");
    expect_file!["frames/holders-80x24-mono.txt"].assert_eq(&snapshot(&mut app, 80, 24));
    let mut app = gpu(fixtures::settings());
    press(&mut app, "G");
    expect_file!["frames/paused-60x15.txt"].assert_eq(&snapshot(&mut app, 60, 15));
}

#[test]
fn empty_and_absurd_queues() {
    let mut it = app(fixtures::empty());
    expect_file!["frames/empty-80x24.txt"].assert_eq(&snapshot(&mut it, 80, 24));
    let mut news = busy();
    let names = fixtures::absurd_names();
    let queue = names.iter().zip(0..).map(|(name, at)| {
        let mut row = waiting(1, name, name, at);
        row.item = Some(name.clone());
        (row.pool, row.since) = (name.as_str().into(), fixtures::now() + Duration::from_secs(99));
        row.blockers = vec![blocker(name)];
        row
    });
    let holders = names.iter().map(|name| {
        let mut row = holder(1, name, name);
        (row.pool, row.slots) = (name.as_str().into(), u32::MAX);
        row.resources = BTreeMap::from([(name.clone(), u32::MAX)]);
        row
    });
    news.queue = Some(QueueNews { queue: queue.collect(), holders: holders.collect() });
    let pool = |it: &String| fixtures::pool(it, it, 0, u32::MAX, u32::MAX);
    news.pools = Some(names.iter().map(pool).collect());
    let mut it = app(news);
    press(&mut it, "j j");
    expect_file!["frames/absurd-80x24.txt"].assert_eq(&snapshot(&mut it, 80, 24));
    expect_file!["frames/absurd-60x15.txt"].assert_eq(&snapshot(&mut it, 60, 15));
    expect_file!["frames/absurd-160x48.txt"].assert_eq(&snapshot(&mut it, 160, 48));
}

#[test]
fn the_pane_with_the_keys_decides_what_is_acted_on() {
    let mut app = gpu(fixtures::settings());
    let target = selected(&app);
    assert_eq!((target.pool, target.runs.len()), (Some("gpu".into()), 0));
    press(&mut app, "p");
    assert!(matches!(app.overlay, Some(Overlay::Dialog(_))));
    assert!(text(&mut app, 80, 24).contains("runyard pool pause gpu"));
    press(&mut app, "esc enter");
    let target = selected(&app);
    let (run, task) = target.task().expect("a task waits");
    assert_eq!(
        (run.id, task.path.clone(), task.state.as_str()),
        (RunId(3), "train:0".into(), "queued")
    );
    assert_eq!(target.pool, None, "what is paused here is the run");
    for (key, line) in [
        ("H", "runyard hold ml-features#88 train:0"),
        ("S", "runyard skip ml-features#88 train:0"),
        ("K", "runyard cancel ml-features#88"),
        ("p", "runyard pause ml-features#88"),
    ] {
        press(&mut app, key);
        assert!(text(&mut app, 80, 24).contains(line), "{line}");
        press(&mut app, "esc");
    }
    press(&mut app, "^");
    assert!(text(&mut app, 80, 24).contains("PRIORITY"));
    press(&mut app, "esc Q");
    assert!(app.overlay.is_none(), "what waits cannot be queued again");
    press(&mut app, "tab j Q");
    assert!(text(&mut app, 80, 24).contains("runyard requeue export-s3#77 undo@copy"));
    press(&mut app, "esc j enter");
    assert_eq!(app.place().screen, Screen::Run(RunId(5)));
    let mut run = fixtures::run_view(5, 12);
    run.tasks[7].task = "load".to_owned();
    let news = News { run: Some(RunNews::Whole(Box::new(run))), ..News::default() };
    app.handle(app.now, Input::News(Box::new(news)));
    assert_eq!(app.states.run.list.selected(), Some(&"load".into()));
    press(&mut app, "esc");
    assert_eq!((app.kind(), app.place().pane), (Kind::Queues, 2));
}

#[test]
fn another_pool_shows_who_waits_for_it_and_a_filter_is_of_its_pane() {
    let mut app = gpu(fixtures::settings());
    assert_eq!(app.states.queues.waiting.rows().len(), 3);
    press(&mut app, "k");
    assert!(app.states.queues.waiting.rows().is_empty());
    press(&mut app, "j tab / s w e e p enter");
    assert_eq!(app.states.queues.waiting.rows().len(), 1);
    assert_eq!(app.states.queues.list.rows().len(), 5);
    assert!(text(&mut app, 80, 24).contains("WAITING IN gpu 1 of 3"));
    press(&mut app, "esc");
    assert_eq!(app.states.queues.waiting.rows().len(), 3);
}

#[test]
fn more_than_is_told_is_said() {
    let mut news = busy();
    let queue = (1..=ROWS_MAX as u32).map(|it| waiting(3, "a#1", &format!("t:{it}"), it));
    let holders = busy().queue.expect("there is one").holders;
    news.queue = Some(QueueNews { queue: queue.collect(), holders });
    news.pools.as_mut().expect("there are some")[2].queued = 1_204;
    let mut it = app(news);
    press(&mut it, "j j");
    let frame = text(&mut it, 80, 24);
    assert!(frame.contains("WAITING IN gpu 500 of 1,204"), "{frame}");
    assert!(frame.contains("first 500 of all pools"), "{frame}");
    press(&mut it, "k");
    let frame = text(&mut it, 80, 24);
    assert!(frame.contains("what waits here is not among the first 500"), "{frame}");
    press(&mut it, "k");
    assert!(text(&mut it, 80, 24).contains("nothing waits for this pool"));
}

#[test]
fn a_zoomed_pane_has_the_screen() {
    let mut app = gpu(fixtures::settings());
    press(&mut app, "tab +");
    let frame = text(&mut app, 80, 24);
    assert!(!frame.contains("POOLS 5") && frame.contains("WAITING IN gpu 3"), "{frame}");
}
