//! What needs a person: in which order, for how long, and what acts on it are about.

use std::time::Duration;

use shared::request::Request;
use shared::watch::News;

use super::super::testing::{assert_frames, assert_mono};
use super::*;
use crate::fixtures::{self, ago, press, run};
use crate::input::Input;

/// Everything at once that needs a person.
fn troubled() -> News {
    let mut news = fixtures::busy();
    let broken = fixtures::broken();
    let pause = broken.daemon.as_ref().and_then(|it| it.pause.clone());
    if let Some(daemon) = &mut news.daemon {
        daemon.store = "no space left on device".to_owned();
    }
    news.workflows[0].state = "broken".to_owned();
    news.workflows[0].problems = vec![
        "billing.yaml:3: unknown key `neds`".to_owned(),
        "billing.yaml:9: no task `x`".to_owned(),
    ];
    news.workflows[2].pause = pause;
    let pools = news.pools.as_mut().expect("busy has pools");
    pools.push(fixtures::pool("dw", "down", 4, 0, 8));
    pools.push(fixtures::pool("spare", "paused", 4, 0, 0));
    let idle = news.workflows[2]
        .pause
        .clone()
        .map(|it| shared::snapshot::PauseView { held_back: 0, ..it });
    pools[4].pause = idle;
    let mut failed = run(20, "export-s3#70", "failed", &[("succeeded", 1), ("failed", 2)]);
    failed.ended = Some(ago(90_000));
    news.runs.push(failed);
    news.runs.push(run(21, "export-s3#69", "failed", &[("failed", 1)]));
    news.runs.push(run(22, "schema-migrate#11", "rollback_failed", &[("rollback_failed", 1)]));
    news.runs.push(run(23, "backup#3", "running", &[("held", 2), ("running", 1)]));
    news
}

fn words(app: &App) -> Vec<String> {
    app.states.pulse.needs.iter().map(|it| format!("{} {}", it.word, it.what)).collect()
}

#[test]
fn frames() {
    assert_frames("pulse", "busy", "1", &fixtures::busy());
    assert_frames("pulse", "broken", "1", &fixtures::broken());
    assert_frames("pulse", "empty", "1", &fixtures::empty());
    assert_frames("pulse", "absurd", "1", &fixtures::absurd());
    assert_frames("pulse", "troubled", "1 j tab j", &troubled());
    assert_mono("pulse", "1", &troubled());
}

#[test]
fn what_does_most_harm_comes_first() {
    let app = fixtures::app(troubled());
    let expected = [
        "store nothing can be written",
        "down pool dw",
        "undo schema-migrate#11",
        "failed nightly-etl#4811",
        "failed export-s3#70",
        "approve nightly-etl#4812 / approve",
        "paused workflow export-s3",
        "held backup#3",
        "file workflow billing",
        "queue pool default",
        "queue pool gpu",
        "paused pool spare",
    ];
    assert_eq!(words(&app), expected);
}

#[test]
fn an_approval_that_is_about_to_expire_comes_before_what_has_failed() {
    let mut news = troubled();
    let approvals = news.approvals.as_mut().expect("busy has approvals");
    approvals[0].expires = Some(fixtures::now() + Duration::from_secs(240));
    let words = words(&fixtures::app(news));
    assert_eq!(words[1], "approve nightly-etl#4812 / approve");
}

#[test]
fn one_reason_of_several_says_that_there_are_several() {
    let app = fixtures::app(fixtures::busy());
    let failed = app.states.pulse.needs.iter().find(|it| it.word == "failed");
    let text = failed.map(|it| it.text.as_str());
    assert_eq!(text, Some("8m ago, 2 failed, first: geo_enrich: exit(137)"));
}

#[test]
fn a_failure_is_told_until_a_later_run_of_its_workflow_succeeds() {
    let mut news = fixtures::empty();
    news.workflows = vec![fixtures::workflow("billing", "ok")];
    let told = |runs: Vec<shared::snapshot::RunRow>| {
        let app = fixtures::app(News { runs, ..news.clone() });
        app.states.pulse.needs.iter().map(|it| it.text.clone()).collect::<Vec<_>>()
    };
    let failed = |id, label: &str| run(id, label, "failed", &[("failed", 1)]);
    let at = |id, state: &str| run(id, "billing#9", state, &[]);
    assert_eq!(
        told(vec![failed(2, "billing#2"), failed(3, "billing#1")]),
        ["3m ago, 2 in a row, 1 task failed"]
    );
    assert!(told(vec![at(1, "succeeded"), failed(2, "billing#2")]).is_empty());
    assert!(told(vec![at(1, "partial"), failed(2, "billing#2")]).is_empty());
    assert_eq!(told(vec![at(1, "running"), failed(2, "billing#2")]).len(), 1);
    assert_eq!(told(vec![failed(2, "billing#2"), at(3, "succeeded")]).len(), 1);
    let mut undo = run(2, "billing#2", "rollback_failed", &[("rollback_failed", 2)]);
    undo.ended = Some(ago(60));
    assert_eq!(told(vec![at(1, "succeeded"), undo]), ["1m ago, 2 undos failed"]);
}

#[test]
fn each_row_is_what_an_act_is_about() {
    let mut app = fixtures::app(troubled());
    let mut targets = Vec::new();
    for _ in 0..app.states.pulse.needs.len() {
        let target = selected(&app);
        let run = target.run().map(|it| it.label.clone()).ok();
        let task = target.task.map(|it| it.path.to_string());
        let shared = target.workflow.map(|it| it.to_string());
        let shared = shared.or(target.pool.map(|it| it.to_string()));
        targets.push([run, task, shared].into_iter().flatten().collect::<Vec<_>>().join(" "));
        press(&mut app, "j");
    }
    let expected = [
        "",
        "dw",
        "schema-migrate#11",
        "nightly-etl#4811",
        "export-s3#70",
        "nightly-etl#4812 approve",
        "export-s3",
        "backup#3",
        "billing",
        "default",
        "gpu",
        "spare",
    ];
    assert_eq!(targets, expected);
}

#[test]
fn an_approval_is_approved_from_here_and_a_paused_pool_resumed() {
    let mut app = fixtures::app(troubled());
    let asked = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|it| match it {
            Effect::Plan(_, request) => Some(request),
            _ => None,
        })
    };
    let effects = press(&mut app, "j j j j j a");
    assert!(matches!(asked(effects), Some(Request::Decide { .. })));
    let effects = press(&mut app, "esc G p");
    assert!(matches!(asked(effects), Some(Request::Resume { .. })));
}

#[test]
fn enter_goes_to_the_thing_and_esc_and_minus_come_back_to_the_same_row() {
    let mut app = fixtures::app(troubled());
    press(&mut app, "j j j enter");
    assert_eq!(app.place().screen, Screen::Run(RunId(5)));
    press(&mut app, "esc");
    assert_eq!(app.states.pulse.list.selected(), Some(&NeedOf::Run(RunId(5))));
    press(&mut app, "j j enter");
    assert_eq!(app.place().screen, Screen::Approvals);
    press(&mut app, "- tab j enter");
    assert_eq!(app.place().screen.kind(), super::super::Kind::Run);
}

#[test]
fn news_do_not_move_the_selection_onto_another_thing() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "j");
    let before = app.states.pulse.list.selected().cloned();
    let more = run(30, "aaa#1", "rollback_failed", &[]);
    app.handle(app.now, Input::News(Box::new(News { runs: vec![more], ..News::default() })));
    assert_eq!(app.states.pulse.list.selected(), before.as_ref());
    press(&mut app, "tab j j");
    let before = app.states.pulse.running.selected().copied();
    let more = run(31, "bbb#1", "running", &[]);
    app.handle(app.now, Input::News(Box::new(News { runs: vec![more], ..News::default() })));
    assert_eq!(app.states.pulse.running.selected().copied(), before);
}

#[test]
fn time_alone_makes_a_queue_a_need() {
    let mut news = fixtures::empty();
    news.pools = Some(vec![fixtures::pool("io", "up", 4, 4, 4)]);
    news.workflows = vec![fixtures::workflow("billing", "ok")];
    let mut app = fixtures::app(news);
    assert!(words(&app).is_empty());
    app.handle(app.now + Duration::from_secs(61), Input::Tick);
    assert_eq!(words(&app), ["queue pool io"]);
}

#[test]
fn what_was_not_told_yet_is_not_counted_as_nothing() {
    let news = News { all_runs: false, runs: Vec::new(), ..fixtures::busy() };
    let mut app = fixtures::app(news);
    let frame = fixtures::text(&mut app, 80, 24);
    assert!(!frame.contains("done 0"), "{frame}");
    assert_eq!(frame.matches("the daemon has not told its runs yet").count(), 2, "{frame}");
}

#[test]
fn the_step_to_the_next_need_selects_what_is_seen_to_here() {
    let mut app = fixtures::app(fixtures::broken());
    press(&mut app, "! !");
    assert_eq!(app.place().screen, Screen::Pulse);
    assert_eq!(app.states.pulse.list.selected(), Some(&NeedOf::All));
    press(&mut app, "! !");
    assert_eq!(app.place().screen, Screen::Run(RunId(1)));
}

#[test]
fn a_pane_is_alone_where_it_is_zoomed() {
    let mut app = fixtures::app(troubled());
    press(&mut app, "+");
    let frame = fixtures::text(&mut app, 60, 24);
    assert!(frame.contains("paused   pool spare") && !frame.contains("RUNNING"), "{frame}");
    press(&mut app, "tab");
    let frame = fixtures::text(&mut app, 60, 24);
    assert!(frame.contains("RUNNING 5") && !frame.contains("NEEDS YOU"), "{frame}");
    press(&mut app, "_");
    let frame = fixtures::text(&mut app, 60, 24);
    assert!(frame.contains("RUNNING 5") && frame.contains("NEEDS YOU"), "{frame}");
}

#[test]
fn a_window_that_is_smaller_than_the_hour_says_so() {
    let mut news = fixtures::empty();
    news.workflows = vec![fixtures::workflow("tick", "ok")];
    news.runs = (1..=200).map(|it| run(1, &format!("tick#{it}"), "succeeded", &[])).collect();
    for (at, row) in news.runs.iter_mut().enumerate() {
        row.id = RunId(at as u64 + 1);
        row.created = ago(10 * at as u64);
        row.ended = Some(ago(5 * at as u64));
    }
    let mut app = fixtures::app(news);
    let frame = fixtures::text(&mut app, 80, 24);
    assert!(frame.contains("LAST 33m"), "{frame}");
    assert!(frame.contains("of the newest 200 runs"), "{frame}");
}
