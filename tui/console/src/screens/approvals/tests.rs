//! The inbox, its acts and its evidence.

use std::time::Duration;

use serde_json::json;
use shared::request::{Decision, Request};
use shared::snapshot::DecisionView;
use shared::watch::News;

use super::super::testing::{assert_frames, assert_mono};
use super::*;
use crate::fixtures::{self, ago, approval, now, press};
use crate::input::Input;

/// Three that wait: an ordinary one, one of four eyes with a decision, one that expires soon with much evidence.
fn three() -> News {
    let mut plain = approval(6, "billing#990", "pay_out");
    (plain.message, plain.expires) = ("pay 214 bills?".to_owned(), None);
    plain.since = ago(10_800);
    (plain.approvers, plain.warnings, plain.outputs) = (Vec::new(), Vec::new(), Default::default());
    let mut eyes = approval(8, "schema-migrate#12", "cutover");
    eyes.message = "swap the tables of prod?\nReaders see an empty table for about 2 s.".to_owned();
    eyes.approvers = vec!["group:dba".to_owned(), "user:carol".to_owned()];
    eyes.needed = 2;
    eyes.decisions = vec![DecisionView {
        actor: "user:bob".to_owned(),
        decision: "approve".to_owned(),
        comment: Some("looked at the plan".to_owned()),
        at: ago(300),
    }];
    eyes.expires = Some(now() + Duration::from_secs(400));
    eyes.outputs = [
        ("plan", json!("drop 3 columns, add 2, rewrite 18.2M rows in batches of 50,000 over about forty minutes")),
        ("rows_in", json!(18_260_901)),
        ("share_of_nulls", json!(0.0002)),
        ("tables", json!(["orders", "order_lines"])),
        ("reviewed", json!(true)),
        ("note", json!("")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    eyes.then = vec!["swap".to_owned(), "announce".to_owned(), "drop_old".to_owned()];
    News {
        approvals: Some(vec![plain, eyes, approval(2, "nightly-etl#4812", "approve")]),
        ..fixtures::busy()
    }
}

#[test]
fn frames() {
    assert_frames("approvals", "busy", "5", &fixtures::busy());
    assert_frames("approvals", "three", "5 j", &three());
    assert_frames("approvals", "evidence", "5 j tab", &three());
    assert_frames("approvals", "broken", "5", &fixtures::broken());
    assert_frames("approvals", "empty", "5", &fixtures::empty());
    assert_frames("approvals", "absurd", "5", &fixtures::absurd());
    assert_mono("approvals", "5 j", &three());
}

#[test]
fn both_decisions_are_about_the_selected_approval() {
    let mut app = fixtures::app(three());
    press(&mut app, "5 j");
    for (key, wanted) in [("a", Decision::Approve), ("x", Decision::Reject)] {
        let effects = press(&mut app, key);
        let asked = effects.iter().find_map(|it| match it {
            Effect::Plan(_, Request::Decide { run, task, decision, .. }) => {
                Some((*run, task.to_string(), *decision))
            }
            _ => None,
        });
        assert_eq!(asked, Some((RunId(8), "cutover".to_owned(), wanted)));
        press(&mut app, "esc");
    }
}

#[test]
fn news_do_not_move_the_selection_onto_another() {
    let mut app = fixtures::app(three());
    press(&mut app, "5 j");
    let mut rows = three().approvals.unwrap_or_default();
    rows.remove(0);
    rows.push(approval(9, "late#1", "approve"));
    let news = News { approvals: Some(rows.clone()), ..News::default() };
    app.handle(app.now, Input::News(Box::new(news)));
    let selected = |app: &App| super::selected(app).run().map(|it| it.label.clone());
    assert_eq!(selected(&app), Ok("schema-migrate#12".to_owned()));
    rows.remove(0);
    let news = News { approvals: Some(rows), ..News::default() };
    app.handle(app.now, Input::News(Box::new(news)));
    assert_eq!(selected(&app), Ok("nightly-etl#4812".to_owned()));
}

#[test]
fn enter_opens_the_run_at_the_task_that_asks() {
    let mut news = fixtures::busy();
    if let Some(rows) = &mut news.approvals {
        rows[0].task = "task_7".to_owned();
    }
    let open = news.run.take();
    let mut app = fixtures::app(news);
    press(&mut app, "5 enter");
    assert_eq!(app.place().screen, Screen::Run(RunId(2)));
    app.handle(app.now, Input::News(Box::new(News { run: open, ..News::default() })));
    let target = super::super::target(&app);
    assert_eq!(target.task.map(|it| it.path), Some("task_7".into()));
}
