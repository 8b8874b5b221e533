//! What a row says of its run, and for how long the list is narrowed.

use std::time::Duration;

use shared::snapshot::QueueRow;
use shared::watch::News;
use shared::why::{Blocker, BlockerKind};

use crate::fixtures::{self, press, run, text};
use crate::input::{Input, Link};
use crate::screens::Screen;

/// The line of a frame that has this in it.
fn line(frame: &str, has: &str) -> String {
    frame.lines().find(|it| it.contains(has)).unwrap_or_default().to_owned()
}

fn blocked(row: &QueueRow, kind: BlockerKind, text: &str) -> QueueRow {
    let text = text.to_owned();
    let blocker =
        Blocker { kind, text, who: Vec::new(), holders: Vec::new(), since: None, until: None };
    QueueRow { blockers: vec![blocker], ..row.clone() }
}

/// Run 3 waits for this; and everything is paused or not.
fn waiting(kind: BlockerKind, why: &str, all_paused: bool) -> News {
    let mut news = fixtures::busy();
    let queue = news.queue.as_mut().expect("busy has a queue");
    queue.queue = vec![blocked(&queue.queue[0], kind, why)];
    if all_paused {
        let pause = news.runs[3].pause.clone();
        news.daemon.as_mut().expect("busy has a daemon").pause = pause;
    }
    news
}

#[test]
fn a_run_in_which_nothing_runs_says_what_it_waits_for() {
    let cause = |news| {
        let mut app = fixtures::app(news);
        press(&mut app, "3");
        line(&text(&mut app, 160, 24), "ml-features#88")
    };
    let slots = cause(waiting(BlockerKind::Slots, "8 of 8 slots are taken", false));
    assert!(slots.contains("waits for a slot: train"), "{slots}");
    let pool = cause(waiting(BlockerKind::Paused, "pool gpu is paused by alice", false));
    assert!(pool.contains("train waits: pool gpu is paused by alice"), "{pool}");
    let all = cause(waiting(BlockerKind::Paused, "everything is paused by alice", true));
    assert!(!all.contains("paused"), "it stands above all rows: {all}");
    let queue = Some(shared::watch::QueueNews::default());
    let turn = cause(News { queue, ..fixtures::busy() });
    assert!(turn.contains("waits for its turn"), "{turn}");
}

#[test]
fn what_goes_on_stands_before_what_has_failed_before() {
    let mut news = fixtures::busy();
    news.runs[1].reason = Some("extract: exit(1)".to_owned());
    let mut app = fixtures::app(news);
    press(&mut app, "3");
    let row = line(&text(&mut app, 160, 24), "nightly-etl#4812");
    assert!(row.contains("asks: approve; extract: exit(1)"), "{row}");
}

#[test]
fn a_run_that_has_not_started_has_no_start_and_a_long_word_is_whole() {
    let mut news = fixtures::busy();
    news.runs.push(run(30, "billing#1", "rollback_failed", &[("rollback_failed", 3)]));
    let mut app = fixtures::app(news);
    press(&mut app, "3");
    let frame = text(&mut app, 160, 24);
    assert!(line(&frame, "ml-features#88").contains("-  -            alice"), "{frame}");
    let frame = text(&mut app, 80, 24);
    assert!(line(&frame, "billing#1 ").contains("rollback_failed "), "{frame}");
}

#[test]
fn a_list_that_is_longer_than_its_pane_says_how_much_is_below() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3");
    let frame = text(&mut app, 60, 15);
    assert!(!frame.contains("below"), "{frame}");
    let mut news = fixtures::busy();
    news.runs.extend((40..60).map(|it| run(it, &format!("tick#{it}"), "succeeded", &[])));
    let mut app = fixtures::app(news);
    press(&mut app, "3");
    let frame = text(&mut app, 80, 24);
    assert!(frame.contains("RUNS 29, 11 below"), "{frame}");
    press(&mut app, "G");
    let frame = text(&mut app, 80, 24);
    assert!(!frame.contains("below"), "{frame}");
}

#[test]
fn the_runs_of_a_workflow_are_shown_for_one_visit() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "2 enter");
    let frame = text(&mut app, 80, 24);
    assert!(frame.contains("RUNS of billing 2"), "{frame}");
    press(&mut app, "enter esc");
    assert!(text(&mut app, 80, 24).contains("RUNS of billing 2"), "back from a run of it");
    press(&mut app, "esc");
    assert_eq!(app.place().screen, Screen::Workflows);
    press(&mut app, "1 3");
    let frame = text(&mut app, 80, 24);
    assert!(frame.contains("RUNS 9"), "{frame}");
}

#[test]
fn a_filter_that_means_nothing_is_told_and_hides_nothing() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3");
    for (filter, told) in [("foo:bar", "foo: is no key; keys are state,"), ("age<zz", "is no age")]
    {
        crate::screens::set_filter(&mut app, filter);
        app.handle(app.now, Input::Tick);
        let frame = text(&mut app, 160, 24);
        assert!(frame.contains(told) && frame.contains("RUNS 9 of 9"), "{frame}");
    }
}

#[test]
fn what_has_elapsed_stands_still_while_nobody_tells_news() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3");
    let lost = Link::Lost { since: app.now, reason: "connection refused".to_owned() };
    app.handle(app.now, Input::Link(lost));
    app.handle(app.now + Duration::from_secs(7_200), Input::Tick);
    let row = line(&text(&mut app, 80, 24), "clickstream-5m#20117");
    assert!(row.contains("  4m  "), "{row}");
}
