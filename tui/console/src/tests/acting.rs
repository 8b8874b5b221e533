//! Acts: the dialogs, what is sent, and what is said afterwards.

use std::time::Duration;

use shared::plan::{Plan, Tasks};
use shared::request::{Answer, Decision, PauseWhat, Refusal, RefusalCode, Request, RollbackWhat};

use crate::app::{App, Overlay};
use crate::effect::Effect;
use crate::fixtures::{self, press};
use crate::input::{Input, Link, Ticket};
use crate::key::Key;

fn tasks(count: u32) -> Tasks {
    (0..count).map(|it| format!("stage:{it}")).collect()
}

/// Answers the last question for a plan.
fn plan(app: &mut App, effects: &[Effect], plan: Plan) {
    for effect in effects {
        if let Effect::Plan(ticket, _) = effect {
            app.handle(app.now, Input::Planned(*ticket, Ok(plan.clone())));
        }
    }
}

fn act(effects: &[Effect]) -> (Ticket, &shared::request::Act) {
    match effects {
        [Effect::Act(ticket, act)] => (*ticket, act),
        other => panic!("no act: {other:?}"),
    }
}

/// Runs, with the run of this label selected.
fn runs(label: &str) -> App {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3");
    press(&mut app, "/");
    app.handle(app.now, Input::Paste(label.to_owned()));
    press(&mut app, "enter");
    app
}

#[test]
fn a_cancel_shows_its_plan_and_goes_by_y_with_what_was_seen() {
    let mut app = runs("clickstream");
    let effects = press(&mut app, "K");
    assert!(fixtures::text(&mut app, 80, 24).contains("working out what it would do"));
    assert_eq!(press(&mut app, "y"), [], "nothing goes before the plan is there");
    plan(&mut app, &effects, Plan { digest: "d1".to_owned(), stop: tasks(2), ..Plan::default() });
    let text = fixtures::text(&mut app, 80, 24);
    assert!(text.contains("Cancel: clickstream-5m#20117?"), "{text}");
    assert!(text.contains("stops"), "{text}");
    let effects = press(&mut app, "y");
    let (ticket, sent) = act(&effects);
    assert!(matches!(sent.request, Request::Cancel { now: false, .. }));
    assert_eq!(sent.seen.as_deref(), Some("running"));
    assert_eq!(sent.plan.as_deref(), Some("d1"));
    app.handle(app.now, Input::Answered(ticket, Ok(Answer::Done)));
    assert!(app.overlay.is_none());
    let text = fixtures::text(&mut app, 120, 24);
    assert!(text.contains("runyard cancel clickstream-5m#20117"), "{text}");
    assert_eq!(
        press(&mut app, "y"),
        [Effect::Copy("runyard cancel clickstream-5m#20117".to_owned())]
    );
}

#[test]
fn a_key_that_is_held_down_confirms_nothing() {
    for (keys, opening) in [("3", Key::Char('K')), ("3", Key::Char('p'))] {
        let mut app = fixtures::app(fixtures::busy());
        press(&mut app, keys);
        let effects = app.handle(app.now, Input::Key(opening));
        plan(&mut app, &effects, Plan::default());
        for millis in 0..100 {
            let at = app.now + Duration::from_millis(millis);
            let effects = app.handle(at, Input::Key(opening));
            assert!(!effects.iter().any(|it| matches!(it, Effect::Act(..))));
        }
    }
    let mut app = runs("clickstream");
    let effects = press(&mut app, "K");
    plan(&mut app, &effects, Plan::default());
    let soon = app.now + Duration::from_millis(299);
    assert_eq!(app.handle(soon, Input::Key(Key::Char('y'))), []);
    let later = soon + Duration::from_millis(1);
    assert!(matches!(app.handle(later, Input::Key(Key::Char('y'))).as_slice(), [Effect::Act(..)]));
}

#[test]
fn a_large_cancel_must_be_typed() {
    let mut app = runs("clickstream");
    let effects = press(&mut app, "K");
    plan(&mut app, &effects, Plan { stop: tasks(21), ..Plan::default() });
    assert_eq!(press(&mut app, "y"), []);
    assert!(fixtures::text(&mut app, 80, 24).contains("type 21 first"));
    press(&mut app, "shift-tab 2 1 enter");
    assert!(matches!(press(&mut app, "y").as_slice(), [Effect::Act(..)]));
}

#[test]
fn a_rollback_goes_only_when_the_number_of_the_run_is_typed() {
    let mut app = runs("billing#990");
    let effects = press(&mut app, "R");
    plan(&mut app, &effects, Plan { undo: tasks(3), ..Plan::default() });
    assert_eq!(press(&mut app, "9 9 enter y"), []);
    let effects = press(&mut app, "shift-tab 0 enter y");
    let (_, sent) = act(&effects);
    assert!(matches!(sent.request, Request::Rollback { what: RollbackWhat::All, .. }));
}

#[test]
fn a_rejection_needs_a_comment() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "5");
    let effects = press(&mut app, "x");
    plan(&mut app, &effects, Plan::default());
    assert_eq!(press(&mut app, "enter y"), []);
    assert!(fixtures::text(&mut app, 80, 24).contains("a comment is needed"));
    let effects = press(&mut app, "tab n o enter y");
    let (_, sent) = act(&effects);
    let Request::Decide { decision, comment, .. } = &sent.request else { panic!("{sent:?}") };
    assert_eq!((*decision, comment.as_deref()), (Decision::Reject, Some("no")));
}

#[test]
fn a_pause_of_a_pool_lasts_two_hours_unless_something_else_is_said() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "4");
    let effects = press(&mut app, "p");
    plan(&mut app, &effects, Plan::default());
    let effects = press(&mut app, "y");
    let (_, sent) = act(&effects);
    let Request::Pause { what: PauseWhat::Pool(_), until, .. } = &sent.request else {
        panic!("{sent:?}")
    };
    assert_eq!(*until, Some(app.now + Duration::from_secs(7_200)));
}

#[test]
fn a_refusal_is_shown_where_it_was_asked_with_what_to_do() {
    let mut app = runs("clickstream");
    let effects = press(&mut app, "K");
    plan(&mut app, &effects, Plan::default());
    let effects = press(&mut app, "y");
    let (ticket, _) = act(&effects);
    let refusal = Refusal::new(RefusalCode::Conflict, "it was running, and is succeeded");
    app.handle(app.now, Input::Answered(ticket, Err(refusal.help("look at it again"))));
    let text = fixtures::text(&mut app, 80, 24);
    assert!(text.contains("refused: it was running, and is succeeded"), "{text}");
    assert!(text.contains("look at it again"), "{text}");
}

#[test]
fn a_dialog_does_not_act_once_the_daemon_is_lost() {
    let mut app = runs("clickstream");
    let effects = press(&mut app, "K");
    plan(&mut app, &effects, Plan::default());
    let lost = Link::Lost { since: app.now, reason: "gone".to_owned() };
    app.handle(app.now, Input::Link(lost));
    assert_eq!(press(&mut app, "y"), []);
    assert!(fixtures::text(&mut app, 80, 24).contains("daemon not answering since"));
}

#[test]
fn a_priority_is_changed_at_once_and_can_be_undone_while_its_line_stands() {
    let mut app = runs("clickstream");
    press(&mut app, "^");
    let effects = press(&mut app, "b");
    let (ticket, sent) = act(&effects);
    assert!(matches!(sent.request, Request::Prioritize { priority, .. } if priority.0 == 500));
    app.handle(app.now, Input::Answered(ticket, Ok(Answer::Done)));
    let effects = press(&mut app, "u");
    let (ticket, sent) = act(&effects);
    assert!(matches!(sent.request, Request::Prioritize { priority, .. } if priority.0 == 250));
    app.handle(app.now, Input::Answered(ticket, Ok(Answer::Done)));
    app.handle(app.now + Duration::from_secs(20), Input::Tick);
    assert_eq!(press(&mut app, "u"), [], "its line is gone");
}

#[test]
fn marked_runs_are_cancelled_together_and_those_that_are_over_are_left_out() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3 *");
    let effects = press(&mut app, "K");
    let planned = effects.iter().filter(|it| matches!(it, Effect::Plan(..))).count();
    assert_eq!(planned, 5);
    plan(&mut app, &effects, Plan::default());
    let text = fixtures::text(&mut app, 80, 24);
    assert!(text.contains("Cancel 5: "), "{text}");
    let effects = press(&mut app, "y");
    assert_eq!(effects.len(), 5);
    for effect in &effects {
        let Effect::Act(ticket, _) = effect else { panic!("{effect:?}") };
        assert!(app.overlay.is_some());
        app.handle(app.now, Input::Answered(*ticket, Ok(Answer::Done)));
    }
    assert!(app.overlay.is_none());
}

#[test]
fn a_workflow_is_run_with_parameters() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "2");
    let effects = press(&mut app, "t");
    plan(&mut app, &effects, Plan::default());
    app.handle(app.now, Input::Paste("day=2026-11-25".to_owned()));
    let effects = press(&mut app, "enter");
    assert!(
        matches!(effects.as_slice(), [Effect::Plan(_, Request::Run { params, .. })] if params.len() == 1)
    );
    plan(&mut app, &effects, Plan::default());
    let effects = press(&mut app, "y");
    let (ticket, _) = act(&effects);
    let answer = Answer::RunCreated { run: shared::id::RunId(77), number: 413 };
    app.handle(app.now, Input::Answered(ticket, Ok(answer)));
    assert!(fixtures::text(&mut app, 120, 24).contains("--param day=2026-11-25"));
}

#[test]
fn a_late_answer_finds_nobody() {
    let mut app = runs("clickstream");
    let effects = press(&mut app, "K");
    press(&mut app, "esc");
    plan(&mut app, &effects, Plan::default());
    assert!(app.overlay.is_none());
    let before = fixtures::text(&mut app, 80, 24);
    app.handle(app.now, Input::Answered(Ticket(9_999), Ok(Answer::Done)));
    assert_eq!(fixtures::text(&mut app, 80, 24), before);
}

#[test]
fn read_only_asks_before_it_acts_and_goes_on() {
    let settings = crate::Settings { read_only: true, ..fixtures::settings() };
    let mut app = fixtures::app_with(settings, fixtures::busy());
    press(&mut app, "3 K");
    assert!(fixtures::text(&mut app, 80, 24).contains("Unlock for 15 min"));
    let effects = press(&mut app, "y");
    assert!(matches!(effects.as_slice(), [Effect::Plan(..)]));
    press(&mut app, "esc");
    assert!(matches!(press(&mut app, "K").as_slice(), [Effect::Plan(..)]));
    app.handle(app.now + Duration::from_secs(1_000), Input::Tick);
    assert!(app.is_locked());
}

#[test]
fn a_command_can_be_typed_as_on_the_command_line() {
    let mut app = runs("nightly-etl#4811");
    press(&mut app, ":");
    app.handle(app.now, Input::Paste("retry failed".to_owned()));
    let effects = press(&mut app, "enter");
    assert!(matches!(effects.as_slice(), [Effect::Plan(_, Request::Retry { .. })]), "{effects:?}");
    assert!(matches!(app.overlay, Some(Overlay::Dialog(_))));
}
