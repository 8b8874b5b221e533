//! The list, its acts and its details.

use shared::request::Request;
use shared::watch::News;

use super::super::testing::{assert_frames, assert_mono};
use super::*;
use crate::fixtures::{self, press, run};
use crate::input::Input;

/// A workflow in each state, with a course of runs.
fn mixed() -> News {
    let mut news = fixtures::busy();
    news.workflows[0].state = "broken".to_owned();
    news.workflows[0].problems = vec![
        "billing.yaml:3: unknown key `neds`; did you mean `needs`?".to_owned(),
        "billing.yaml:9: task `pay_out` needs `agg_invoices`, which is no task".to_owned(),
    ];
    news.workflows[2].pause = news.runs.iter().find_map(|it| it.pause.clone());
    let mut never = fixtures::workflow("attic", "broken");
    (never.version, never.owner, never.active) = (None, None, 0);
    never.problems = vec!["attic.yaml: is empty".to_owned()];
    news.workflows.push(never);
    news.workflows.push(fixtures::workflow("old-report", "gone"));
    news.workflows[5].active = 0;
    let states = ["succeeded", "failed", "partial", "cancelled", "skipped", "rolled_back"];
    news.runs.extend((10..30).map(|it| {
        run(it, &format!("clickstream-5m#{}", 20_126 - it), states[it as usize % 6], &[])
    }));
    news
}

#[test]
fn frames() {
    assert_frames("workflows", "busy", "2", &fixtures::busy());
    assert_frames("workflows", "mixed", "2 j", &mixed());
    assert_frames("workflows", "broken", "2 tab", &fixtures::broken());
    assert_frames("workflows", "empty", "2", &fixtures::empty());
    assert_frames("workflows", "absurd", "2", &fixtures::absurd());
    assert_mono("workflows", "2 j", &mixed());
}

#[test]
fn acts_are_about_the_selected_workflow() {
    let mut app = fixtures::app(mixed());
    press(&mut app, "2 j j");
    assert_eq!(selected(&app).workflow, Some("clickstream-5m".into()));
    let asked = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|it| match it {
            Effect::Plan(_, request) => Some(request),
            _ => None,
        })
    };
    assert!(
        matches!(asked(press(&mut app, "t")), Some(Request::Run { workflow, .. }) if workflow == "clickstream-5m".into())
    );
    assert!(matches!(asked(press(&mut app, "esc j p")), Some(Request::Resume { .. })));
    press(&mut app, "esc g");
    assert_eq!(app.states.workflows.list.selected(), Some(&"attic".into()));
    press(&mut app, "t");
    assert!(app.overlay.is_none(), "what has no version cannot be run");
}

#[test]
fn enter_shows_the_runs_of_the_workflow_alone() {
    let mut app = fixtures::app(mixed());
    press(&mut app, "2 j j enter");
    assert_eq!(app.kind(), super::super::Kind::Runs);
    let rows = app.states.runs.list.rows();
    assert!(!rows.is_empty());
    let of = |it: &RunId| app.store.run_row(*it).map(|it| it.workflow.to_string());
    assert!(rows.iter().all(|it| of(it).as_deref() == Some("clickstream-5m")));
}

#[test]
fn news_do_not_move_the_selection_and_steps_to_broken_ones_find_them() {
    let mut app = fixtures::app(mixed());
    press(&mut app, "2 j j j");
    let news = News { workflows: vec![fixtures::workflow("aaa", "broken")], ..News::default() };
    app.handle(app.now, Input::News(Box::new(news)));
    assert_eq!(app.states.workflows.list.selected(), Some(&"export-s3".into()));
    press(&mut app, "E");
    assert_eq!(app.states.workflows.list.selected(), Some(&"billing".into()));
}

#[test]
fn details_are_scrolled_where_they_have_the_keys() {
    let mut app = fixtures::app(mixed());
    press(&mut app, "2 j tab");
    fixtures::text(&mut app, 60, 15);
    let top = fixtures::text(&mut app, 60, 15);
    press(&mut app, "G");
    let bottom = fixtures::text(&mut app, 60, 15);
    assert_ne!(top, bottom);
    assert_eq!(app.states.workflows.list.selected(), Some(&"billing".into()));
    press(&mut app, "g");
    assert_eq!(fixtures::text(&mut app, 60, 15), top);
}

#[test]
fn only_the_newest_ten_runs_of_each_are_shown() {
    let mut app = fixtures::app(mixed());
    press(&mut app, "2");
    let last = &app.states.workflows.last[&"clickstream-5m".into()];
    assert_eq!(last.len(), LAST);
    assert!(last.contains(&RunId(1)) && !last.contains(&RunId(29)));
}
