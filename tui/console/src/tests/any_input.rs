//! Whatever comes in whatever order: no panic, a selection that is there, no cell outside.

use std::time::Duration;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::plan::Plan;
use shared::request::{Answer, Refusal, RefusalCode};
use shared::watch::{News, RunNews};
use shared::why::Why;

use crate::app::App;
use crate::fixtures;
use crate::input::{Input, Link, LogTicket, Ticket};
use crate::key::Key;

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        8 => proptest::sample::select(
            "abcdefghijklmnopqrstuvwxyzEGHKMPQRSVW12345!:/?-+_.^* ~大".chars().collect::<Vec<_>>()
        )
        .prop_map(Key::Char),
        4 => proptest::sample::select(vec![
            Key::Enter, Key::Esc, Key::Tab, Key::BackTab, Key::Backspace, Key::Delete, Key::Up, Key::Down,
            Key::Left, Key::Right, Key::PageUp, Key::PageDown, Key::Home, Key::End,
        ]),
        1 => proptest::sample::select("cdlruwz".chars().collect::<Vec<_>>()).prop_map(Key::Ctrl),
    ]
}

fn news() -> impl Strategy<Value = News> {
    let part = |run: u64, place: u32| News {
        run: Some(RunNews::Part(
            Box::new(fixtures::run_view(run, 0)),
            vec![(place, fixtures::task("new", "failed", Vec::new()))],
        )),
        ..News::default()
    };
    prop_oneof![
        Just(fixtures::busy()),
        Just(fixtures::broken()),
        Just(fixtures::empty()),
        Just(fixtures::absurd_of(20)),
        Just(News { whole: true, ..News::default() }),
        Just(News { run: Some(RunNews::Gone), ..News::default() }),
        (0_u64..4, 0_u32..20).prop_map(move |(run, place)| part(run, place)),
        (0_u64..12).prop_map(|it| News {
            runs: vec![fixtures::run(it, "etl#7", "failed", &[("failed", 1)])],
            ..News::default()
        }),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let ticket = || (0_u64..12).prop_map(Ticket);
    let refusal = || Refusal::new(RefusalCode::Conflict, "it has changed").help("look again");
    prop_oneof![
        20 => key().prop_map(Input::Key),
        1 => proptest::sample::select(fixtures::absurd_names()).prop_map(Input::Paste),
        1 => (0_u16..200, 0_u16..60).prop_map(|(width, height)| Input::Resize(width, height)),
        1 => any::<bool>().prop_map(Input::Focus),
        1 => Just(Input::Tick),
        1 => Just(Input::Link(Link::Connecting)),
        3 => Just(Input::Link(Link::Up { version: "0.1.0".to_owned() })),
        1 => Just(Input::Link(Link::Lost { since: fixtures::now(), reason: "gone".to_owned() })),
        1 => Just(Input::Link(Link::Refused { reason: "old".to_owned(), help: "upgrade".to_owned() })),
        4 => news().prop_map(|it| Input::News(Box::new(it))),
        4 => ticket().prop_map(|it| Input::Planned(it, Ok(Plan { stop: (0..30).map(|it| it.to_string()).collect(), ..Plan::default() }))),
        1 => ticket().prop_map(move |it| Input::Planned(it, Err(refusal()))),
        2 => ticket().prop_map(|it| Input::Answered(it, Ok(Answer::Done))),
        1 => ticket().prop_map(move |it| Input::Answered(it, Err(refusal()))),
        1 => ticket().prop_map(|it| Input::Why(it, Ok(Why {
            run: shared::id::RunId(1), label: String::new(), task: None, state: "failed".to_owned(),
            blockers: Vec::new(), tasks: Vec::new(), more: 0, log_tail: fixtures::absurd_names(),
        }))),
        1 => ticket().prop_map(|it| Input::Items(it, Ok(fixtures::run_view(2, 3)))),
        1 => (0_u64..12).prop_map(move |it| Input::Log(LogTicket(it), Err(refusal()))),
        1 => any::<bool>().prop_map(Input::Copied),
    ]
}

/// The selection of every list is one of its rows, or there are none.
fn check(app: &App) {
    let states = &app.states;
    assert!(has(&states.runs.list), "runs");
    match app.kind() {
        crate::screens::Kind::Pulse => assert!(has(&states.pulse.list)),
        crate::screens::Kind::Workflows => assert!(has(&states.workflows.list)),
        crate::screens::Kind::Run => assert!(has(&states.run.list)),
        crate::screens::Kind::Queues => assert!(has(&states.queues.list)),
        crate::screens::Kind::Approvals => assert!(has(&states.approvals.list)),
        crate::screens::Kind::Runs | crate::screens::Kind::Log => {}
    }
}

fn has<K: Ord + Clone>(list: &crate::list::List<K>) -> bool {
    match list.selected() {
        Some(key) => list.rows().contains(key),
        None => list.rows().is_empty(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_comes_in_breaks_the_console(
        inputs in proptest::collection::vec((input(), -2_000_i64..20_000), 1..80),
    ) {
        let mut app = fixtures::app(fixtures::busy());
        let mut now = fixtures::now();
        for (input, millis) in inputs {
            now = if millis < 0 { now - Duration::from_millis(millis.unsigned_abs()) } else { now + Duration::from_millis(millis.unsigned_abs()) };
            app.handle(now, input);
            check(&app);
            let _ = app.wakes_in();
            let (width, height) = app.size;
            // A buffer that begins elsewhere: a cell outside would be a panic.
            let mut buf = Buffer::empty(Rect::new(3, 2, width, height));
            crate::view(&app, &mut buf);
        }
    }
}
