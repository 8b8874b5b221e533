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
    assert!(text.contains("are left out"), "{text}");
    assert_eq!(press(&mut app, "enter y"), [], "how many must be typed");
    let effects = press(&mut app, "shift-tab 5 enter y");
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

/// Types a command into the palette and runs it.
fn typed(app: &mut App, text: &str) -> Vec<Effect> {
    press(app, ":");
    app.handle(app.now, Input::Paste(text.to_owned()));
    press(app, "enter")
}

#[test]
fn a_typed_command_acts_on_what_it_names_and_on_nothing_else() {
    let mut app = runs("nightly-etl#4811");
    press(&mut app, "esc");
    let effects = typed(&mut app, "cancel ml-features#88");
    assert!(
        matches!(effects.as_slice(), [Effect::Plan(_, Request::Cancel { run, .. })] if run.0 == 3),
        "{effects:?}"
    );
    assert!(fixtures::text(&mut app, 80, 24).contains("Cancel: ml-features#88?"));
    press(&mut app, "esc");
    for text in ["cancel nobody#1", "pause-all now", "retry soon", "cancel ml-features#88 now"] {
        assert_eq!(typed(&mut app, text), [], "{text}");
        assert!(app.overlay.is_none(), "{text}");
        let frame = fixtures::text(&mut app, 160, 24);
        assert!(frame.contains("is not known here"), "{text}: {frame}");
    }
    let effects = press(&mut app, "r");
    assert!(
        matches!(effects.as_slice(), [Effect::Plan(_, Request::Retry { run, .. })] if run.0 != 3),
        "the next key is about the selection again: {effects:?}"
    );
}

#[test]
fn a_typed_priority_is_of_the_run_that_is_named_even_through_its_menu() {
    let mut app = runs("nightly-etl#4811");
    press(&mut app, "esc");
    typed(&mut app, "priority ml-features#88");
    let effects = press(&mut app, "b");
    let (_, sent) = act(&effects);
    assert!(matches!(sent.request, Request::Prioritize { run, .. } if run.0 == 3), "{sent:?}");
}

#[test]
fn what_cannot_be_seen_takes_no_keys() {
    let mut app = runs("clickstream");
    let effects = press(&mut app, "K");
    plan(&mut app, &effects, Plan::default());
    fixtures::text(&mut app, 40, 10);
    assert_eq!(press(&mut app, "y"), []);
    assert_eq!(press(&mut app, "ctrl-c"), [Effect::Quit]);
    fixtures::text(&mut app, 80, 24);
    assert!(matches!(press(&mut app, "y").as_slice(), [Effect::Act(..)]));
}

#[test]
fn what_a_filter_hides_is_not_marked() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3 *");
    assert!(app.states.runs.list.marks().len() > 1);
    press(&mut app, "/");
    app.handle(app.now, Input::Paste("clickstream".to_owned()));
    let effects = press(&mut app, "enter K");
    let planned = effects.iter().filter(|it| matches!(it, Effect::Plan(..))).count();
    assert_eq!(planned, app.states.runs.list.rows().len());
}

#[test]
fn a_cancel_of_what_ends_already_says_so_and_needs_the_number_of_the_run() {
    let mut news = fixtures::busy();
    let id = news.runs.iter().position(|it| it.workflow.as_str() == "clickstream-5m");
    let run = &mut news.runs[id.expect("it is there")];
    run.state = "cancelling".to_owned();
    let number = run.number.to_string();
    let mut app = fixtures::app(news);
    press(&mut app, "3 /");
    app.handle(app.now, Input::Paste("clickstream".to_owned()));
    let effects = press(&mut app, "enter K");
    plan(&mut app, &effects, Plan::default());
    let text = fixtures::text(&mut app, 80, 24);
    assert!(text.contains("CANCEL NOW") && text.contains("Cancel now, its finally too:"), "{text}");
    assert_eq!(press(&mut app, "enter y"), []);
    press(&mut app, "tab tab");
    app.handle(app.now, Input::Paste(number));
    let effects = press(&mut app, "y");
    assert!(matches!(act(&effects).1.request, Request::Cancel { now: true, .. }));
}

#[test]
fn only_what_repeats_the_opening_key_at_once_is_swallowed() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "2");
    let effects = press(&mut app, "t");
    plan(&mut app, &effects, Plan::default());
    for key in "ttat=1".chars() {
        app.handle(app.now, Input::Key(Key::Char(key)));
    }
    let text = fixtures::text(&mut app, 80, 24);
    assert!(text.contains("at=1") && !text.contains("tat=1"), "{text}");
}

#[test]
fn an_answer_that_is_lost_is_no_refusal_and_a_return_of_the_daemon_is_told() {
    let mut app = runs("clickstream");
    let effects = press(&mut app, "K");
    plan(&mut app, &effects, Plan::default());
    let effects = press(&mut app, "y");
    assert!(fixtures::text(&mut app, 80, 24).contains("does not take it back"));
    let (ticket, _) = act(&effects);
    let lost = Refusal::new(RefusalCode::Unavailable, "the connection to the daemon broke");
    app.handle(app.now, Input::Answered(ticket, Err(lost)));
    let text = fixtures::text(&mut app, 80, 24);
    assert!(text.contains("connection to the daemon broke") && !text.contains("refused"), "{text}");
    app.handle(app.now, Input::Link(Link::Lost { since: app.now, reason: "gone".to_owned() }));
    press(&mut app, "esc K");
    assert!(fixtures::text(&mut app, 80, 24).contains("Cancel: daemon not answering"));
    app.handle(app.now, Input::Link(Link::Up { version: "0.1.0".to_owned() }));
    let text = fixtures::text(&mut app, 80, 24);
    assert!(text.contains("the daemon is back") && !text.contains("not answering"), "{text}");
}

#[test]
fn a_dialog_asks_for_its_plan_again_when_the_daemon_is_back() {
    let mut app = runs("clickstream");
    press(&mut app, "K");
    app.handle(app.now, Input::Link(Link::Lost { since: app.now, reason: "gone".to_owned() }));
    press(&mut app, "y");
    let effects = app.handle(app.now, Input::Link(Link::Up { version: "0.1.0".to_owned() }));
    assert!(matches!(effects.as_slice(), [Effect::Plan(..)]), "{effects:?}");
    plan(&mut app, &effects, Plan::default());
    let text = fixtures::text(&mut app, 80, 24);
    assert!(!text.contains("not answering"), "{text}");
}

#[test]
fn a_run_that_is_left_while_the_daemon_is_lost_is_still_known_on_return() {
    let mut app = runs("clickstream");
    press(&mut app, "enter");
    let run = app.states.runs.list.selected().expect("one is selected").0;
    let view = shared::watch::RunNews::Whole(Box::new(fixtures::run_view(run, 3)));
    let news = shared::watch::News { run: Some(view), ..shared::watch::News::default() };
    app.handle(app.now, Input::News(Box::new(news)));
    app.handle(app.now, Input::Link(Link::Lost { since: app.now, reason: "gone".to_owned() }));
    press(&mut app, "esc enter");
    assert!(fixtures::text(&mut app, 80, 24).contains("task_1"));
    press(&mut app, "esc");
    app.handle(app.now, Input::Link(Link::Up { version: "0.1.0".to_owned() }));
    assert!(app.store.run.is_none(), "what is old is not taken for what is");
}

#[test]
fn a_pause_of_what_is_paused_is_called_resume_and_says_what_goes_on() {
    let mut app = runs("export-s3#77");
    let news =
        shared::plan::Plan { wait: tasks(2), notes: vec!["n".to_owned()], ..Plan::default() };
    let effects = press(&mut app, "p");
    plan(&mut app, &effects, news);
    let text = fixtures::text(&mut app, 80, 24);
    assert!(text.contains("RESUME") && text.contains("goes on"), "{text}");
    press(&mut app, "esc");
    assert_eq!(crate::verb::hint(&app, "pause"), Some("resume…"));
}

#[test]
fn a_key_that_means_nothing_says_where_the_keys_are_listed() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "7");
    assert!(fixtures::text(&mut app, 80, 24).contains("no such key here: ? lists them"));
    press(&mut app, "j");
    assert!(app.toast.is_none(), "it goes with the next key");
}

#[test]
fn one_task_is_one_task_no_task_is_not_counted_and_a_note_is_told_once() {
    for (count, said) in [(0, "runs again  "), (1, "(1 task)"), (2, "(2 tasks)")] {
        let mut app = fixtures::app(fixtures::busy());
        press(&mut app, "3 *");
        let effects = press(&mut app, "K");
        let note = Plan { notes: vec!["its finally goes on".to_owned()], ..Plan::default() };
        plan(&mut app, &effects, note);
        assert_eq!(fixtures::text(&mut app, 80, 24).matches("its finally goes on").count(), 1);
        press(&mut app, "esc esc /");
        app.handle(app.now, Input::Paste("nightly-etl#4811".to_owned()));
        let effects = press(&mut app, "enter r");
        plan(&mut app, &effects, Plan::default());
        let effects = press(&mut app, "y");
        let (ticket, _) = act(&effects);
        let tasks = (0..count).map(|it| format!("t{it}").as_str().into()).collect();
        app.handle(app.now, Input::Answered(ticket, Ok(Answer::Retried { tasks })));
        let text = fixtures::text(&mut app, 160, 24);
        assert!(text.contains(said), "{text}");
    }
}
