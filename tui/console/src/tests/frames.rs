//! How it looks: Runs as the model, the states of the link, what stands over a screen.

use std::time::Duration;

use expect_test::expect_file;
use shared::watch::News;

use crate::effect::Effect;
use crate::fixtures::{self, press, snapshot};
use crate::input::{Input, Link};
use crate::theme::ColorDepth;
use crate::{App, Settings};

fn runs(unicode: bool, color: ColorDepth) -> App {
    let settings = Settings { unicode, color, ..fixtures::settings() };
    let mut app = fixtures::app_with(settings, fixtures::busy());
    press(&mut app, "3 j j space");
    app
}

#[test]
fn runs_at_every_size() {
    let cases: [(u16, u16, bool, expect_test::ExpectFile); 6] = [
        (80, 24, true, expect_file!["frames/runs-80x24.txt"]),
        (160, 48, true, expect_file!["frames/runs-160x48.txt"]),
        (60, 15, true, expect_file!["frames/runs-60x15.txt"]),
        (80, 24, false, expect_file!["frames/runs-80x24-ascii.txt"]),
        (160, 48, false, expect_file!["frames/runs-160x48-ascii.txt"]),
        (60, 15, false, expect_file!["frames/runs-60x15-ascii.txt"]),
    ];
    for (width, height, unicode, expected) in cases {
        let mut app = runs(unicode, ColorDepth::Ansi16);
        let frame = snapshot(&mut app, width, height);
        assert!(unicode || frame.is_ascii());
        expected.assert_eq(&frame);
    }
}

#[test]
fn runs_without_colour() {
    let frame = snapshot(&mut runs(true, ColorDepth::None), 80, 24);
    expect_file!["frames/runs-80x24-mono.txt"].assert_eq(&frame);
}

#[test]
fn every_screen_is_drawn_for_every_daemon_at_every_size() {
    let fixtures = [fixtures::busy(), fixtures::broken(), fixtures::empty(), fixtures::absurd()];
    for news in fixtures {
        for unicode in [true, false] {
            let settings = Settings { unicode, ..fixtures::settings() };
            let mut app = fixtures::app_with(settings, news.clone());
            for keys in ["1", "2", "3", "3 enter", "l", "4", "5", "?", "esc :", "esc w"] {
                app.handle(app.now, Input::Resize(80, 24));
                press(&mut app, keys);
                for (width, height) in [(80, 24), (160, 48), (60, 15), (40, 10), (1, 1), (0, 0)] {
                    let frame = snapshot(&mut app, width, height);
                    assert!(unicode || frame.is_ascii());
                    assert!(!frame.contains('\x1b'));
                }
            }
        }
    }
}

#[test]
fn a_terminal_that_is_too_small_is_told_so() {
    let mut app = fixtures::app(fixtures::busy());
    let frame = fixtures::text(&mut app, 40, 10);
    assert!(frame.starts_with("60×15 needed, 40×10 is here\n"), "{frame}");
}

#[test]
fn a_lost_daemon_leaves_its_last_picture_and_returns_to_the_same_place() {
    let mut app = runs(true, ColorDepth::Ansi16);
    let place = fixtures::text(&mut app, 80, 24);
    let lost = Link::Lost { since: app.now, reason: "connection refused".to_owned() };
    app.handle(app.now, Input::Link(lost));
    let heard = app.now - fixtures::now().since(fixtures::now());
    app.handle(heard + Duration::from_secs(42), Input::Tick);
    let frame = fixtures::text(&mut app, 80, 24);
    assert!(frame.contains("▒▒ daemon not answering since 12:04:35"), "{frame}");
    assert!(frame.contains("STALE 46s") && frame.contains("nightly-etl#4811"), "{frame}");
    assert!(!frame.contains("cancel…"), "{frame}");
    app.handle(fixtures::now(), Input::Link(Link::Up { version: "0.1.0".to_owned() }));
    app.handle(fixtures::now() + Duration::from_secs(4), Input::News(Box::new(fixtures::busy())));
    assert!(fixtures::text(&mut app, 80, 24).contains("the daemon is back"));
    app.handle(fixtures::now() + Duration::from_secs(5), Input::Tick);
    assert_eq!(fixtures::text(&mut app, 80, 24), place);
}

#[test]
fn another_version_is_said_with_which_side_to_upgrade() {
    let mut app = fixtures::app(fixtures::busy());
    let link = Link::Refused {
        reason: "the daemon is of version 0.2.0".to_owned(),
        help: "upgrade runyard".to_owned(),
    };
    app.handle(app.now, Input::Link(link));
    let frame = fixtures::text(&mut app, 80, 24);
    assert!(frame.contains("the daemon is of version 0.2.0 · upgrade runyard · actions off"));
}

#[test]
fn a_frozen_picture_stands_still_and_takes_everything_in_when_it_goes_on() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3 .");
    let before = fixtures::text(&mut app, 80, 24);
    let row = fixtures::run(0, "late-arrival#1", "running", &[]);
    let news = News { runs: vec![row], ..News::default() };
    app.handle(app.now, Input::News(Box::new(news)));
    assert_eq!(fixtures::text(&mut app, 80, 24), before);
    assert!(before.contains("FROZEN 0s"), "{before}");
    press(&mut app, ".");
    assert!(fixtures::text(&mut app, 80, 24).contains("late-arrival#1"));
}

#[test]
fn a_filter_is_shown_in_the_title_with_its_count() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3 /");
    app.handle(app.now, Input::Paste("workflow:nightly !state:running".to_owned()));
    press(&mut app, "enter");
    let frame = fixtures::text(&mut app, 80, 24);
    assert!(frame.contains("RUNS 2 of 9"), "{frame}");
    assert!(frame.contains("filter: workflow:nightly !state:running"), "{frame}");
    press(&mut app, "esc");
    assert!(fixtures::text(&mut app, 80, 24).contains("RUNS 9"));
}

#[test]
fn the_daemon_is_asked_for_what_the_screen_shows() {
    let mut app = App::new(fixtures::settings());
    let topics = |effects: &[Effect]| match effects {
        [Effect::Watch(topics)] => topics.clone(),
        other => panic!("{other:?}"),
    };
    let pulse = topics(&app.handle(fixtures::now(), Input::Tick));
    assert!(pulse.runs.is_some() && pulse.queue && pulse.run.is_none());
    app.handle(fixtures::now(), Input::News(Box::new(fixtures::busy())));
    let queues = topics(&press(&mut app, "4"));
    assert!(queues.queue && queues.runs.is_none());
    press(&mut app, "3");
    let run = topics(&press(&mut app, "enter"));
    assert_eq!(run.run, Some(shared::id::RunId(1)));
    assert!(run.runs.is_some(), "the list above it stays");
}

#[test]
fn at_the_end_of_the_list_older_runs_are_asked_for() {
    let mut app = fixtures::app(fixtures::busy());
    let runs = (1..=200).map(|it| fixtures::run(it, &format!("etl#{it}"), "succeeded", &[]));
    let news = News { runs: runs.collect(), ..fixtures::busy() };
    app.handle(app.now, Input::News(Box::new(news)));
    press(&mut app, "3");
    let effects = press(&mut app, "G");
    let [Effect::Watch(topics)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(topics.runs.as_ref().map(|it| it.limit), Some(400));
}

#[test]
fn quitting_asks() {
    let mut app = fixtures::app(fixtures::busy());
    assert_eq!(press(&mut app, "esc"), []);
    assert_eq!(press(&mut app, "ctrl-c ctrl-c"), []);
    assert_eq!(press(&mut app, "n"), []);
    assert_eq!(press(&mut app, "q y"), [Effect::Quit]);
}

#[test]
fn a_watched_run_rings_at_its_end() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3 W");
    let row = fixtures::run(1, "clickstream-5m#20117", "succeeded", &[]);
    let news = News { runs: vec![row], ..News::default() };
    let effects = app.handle(app.now, Input::News(Box::new(news)));
    assert_eq!(effects, [Effect::Bell]);
}

#[test]
fn help_finds_a_command_and_runs_it() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3 ?");
    app.handle(app.now, Input::Paste("everything anew".to_owned()));
    let frame = fixtures::text(&mut app, 80, 24);
    assert!(frame.contains("ctrl-r") && frame.contains("Refresh"), "{frame}");
    assert!(matches!(press(&mut app, "enter").as_slice(), [Effect::Watch(_)]));
}

#[test]
fn the_next_thing_that_needs_a_person_is_one_key_away() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "!");
    assert!(fixtures::text(&mut app, 80, 24).contains("nightly-etl#4811"));
    press(&mut app, "!");
    assert!(fixtures::text(&mut app, 80, 24).contains(" Approvals"));
    press(&mut app, "!");
    assert!(fixtures::text(&mut app, 80, 24).contains(" Queues"));
    press(&mut app, "- -");
    assert!(fixtures::text(&mut app, 80, 24).contains(" Queues"));
}

#[test]
fn a_key_takes_no_longer_with_every_run_that_can_be_told() {
    let runs =
        (0..5_000).map(|it| fixtures::run(it, &format!("etl#{it}"), "failed", &[("failed", 3)]));
    let mut app = fixtures::app(News { runs: runs.collect(), ..fixtures::busy() });
    press(&mut app, "3 *");
    for _ in 0..50 {
        press(&mut app, "j G g pgdn");
        let frame = fixtures::text(&mut app, 160, 48);
        assert!(frame.contains("5000 marked"), "{frame}");
    }
}

#[test]
fn help_tells_the_selected_key_in_full_and_is_named_at_the_bottom_of_the_smallest_screen() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3");
    let frame = fixtures::text(&mut app, 60, 15);
    let last = frame.lines().last().expect("there are lines");
    assert!(last.contains('?') && last.contains(':'), "{frame}");
    press(&mut app, "?");
    app.handle(app.now, Input::Paste("starts nothing more anywhere".to_owned()));
    let frame = fixtures::text(&mut app, 60, 15);
    let words = frame.replace(['│', '\n'], " ");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("until it is resumed. What runs goes on."), "{frame}");
}

#[test]
fn a_frozen_picture_says_how_it_goes_on() {
    let mut app = fixtures::app(fixtures::busy());
    press(&mut app, "3 .");
    assert!(fixtures::text(&mut app, 60, 15).contains(". ends it"));
}
