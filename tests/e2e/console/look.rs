//! What is shown, and the ways to it.

use std::time::Duration;

use e2e::pty::{Key, Screen};
use e2e::{Console, Site};

use super::desk::is_selected;
use super::{ASK, Desk, GATE, NEEDY};

#[test]
fn it_starts_with_what_needs_a_person_on_a_screen_of_its_own() {
    let site = Site::start(&[ASK]);
    let run = site.run(&["ask"]);
    site.wait_for_task(&run, "ask", "awaiting_approval");
    let console = Console::open(&site, (80, 24));
    let screen = console.shows("ask#1 / ask");
    assert!(screen.is_alternate() && !screen.is_restored());
    assert!(screen.row(0).contains("runyard") && screen.row(0).ends_with("live"), "{screen:?}");
    assert!(screen.row(1).contains("Pulse"), "{screen:?}");
}

#[test]
fn without_workflows_it_says_what_to_do_next() {
    let desk = Desk::open(&[]);
    desk.console.shows("runyard demo");
}

#[test]
fn every_screen_is_one_key_away_and_names_itself() {
    let mut desk = Desk::open(&[GATE]);
    for (key, title) in
        [("2", "Workflows"), ("3", "Runs"), ("4", "Queues"), ("5", "Approvals"), ("1", "Pulse")]
    {
        let screen = desk.keys(key);
        assert!(screen.row(1).trim_start().starts_with(title), "{screen:?}");
    }
    // Back to the last one, and up from the first: nowhere, and never out.
    assert!(desk.keys("-").row(1).contains("Approvals"));
    desk.keys("1");
    desk.console.key(Key::Esc).key(Key::Esc);
    assert!(desk.console.idle().row(1).contains("Pulse"));
}

#[test]
fn help_lists_the_keys_of_the_screen_and_runs_what_is_chosen() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    desk.select_run("gate#1");
    let screen = desk.keys("?");
    assert!(screen.has("KEYS: Runs"), "{screen:?}");
    desk.console.keys("cancel").shows("Stops the run");
    desk.console.key(Key::Esc).hides("KEYS: Runs");
    desk.console.keys("?").shows("KEYS: Runs");
    desk.console.keys("stops the run").key(Key::Enter).shows("Cancel: gate#1?");
    desk.console.key(Key::Esc);
    assert_eq!(desk.state(&run), "running");
}

#[test]
fn the_palette_finds_runs_screens_and_commands_with_a_filter() {
    let mut desk = Desk::open(&[GATE, NEEDY]);
    desk.site.run(&["gate"]);
    let needy = desk.site.run(&["needy"]);
    desk.site.wait_for_end(&needy);
    desk.keys("3");
    desk.console.shows("gate#1");
    desk.console.keys(":gate#1").shows("run, running");
    desk.console.key(Key::Enter);
    desk.console.until(|it| it.row(1).contains("gate#1"), "the run is shown");
    desk.console.keys(":runs state:failed").key(Key::Enter);
    let screen = desk.console.until(|it| it.has("filter: state:failed"), "the filter is set");
    assert!(screen.has("needy#1") && !screen.has("gate#1"), "{screen:?}");
    desk.console.keys(":approvals").key(Key::Enter);
    desk.console.until(|it| it.row(1).contains("Approvals"), "the approvals are shown");
}

#[test]
fn a_list_is_narrowed_by_what_is_typed_and_keeps_its_selection() {
    let mut desk = Desk::open(&[GATE, NEEDY]);
    desk.site.run(&["gate"]);
    let needy = desk.site.run(&["needy"]);
    desk.site.wait_for_end(&needy);
    desk.select_run("gate#1");
    desk.console.keys("/state:run").hides("needy#1");
    desk.console.key(Key::Enter);
    let screen = desk.console.key(Key::Esc).shows("needy#1");
    assert!(is_selected(&screen, "gate#1"), "{screen:?}");
    // A row that comes moves nothing onto another.
    desk.site.run(&["gate"]);
    let screen = desk.console.shows("gate#2");
    assert!(is_selected(&screen, "gate#1"), "{screen:?}");
}

#[test]
fn a_log_is_shown_and_followed() {
    let text = r#"
tasks:
  talk:
    timeout: 5m
    run: |
      echo first line
      until [[ -e go ]]; do sleep 0.05; done
      echo last line
"#;
    let mut desk = Desk::open(&[("talk.yaml", text)]);
    let run = desk.site.run(&["talk"]);
    desk.site.wait_for_task(&run, "talk", "running");
    desk.select_task("talk#1", "talk");
    desk.console.keys("l").shows("first line");
    desk.site.write("go", "");
    desk.console.shows("last line");
    desk.console.key(Key::Esc);
    desk.console.until(|it| !it.row(1).contains("log"), "the run is shown again");
}

#[test]
fn a_run_that_is_left_and_opened_again_at_once_is_shown_again() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    desk.open_run("gate#1");
    for _ in 0..3 {
        desk.console.key(Key::Esc).key(Key::Enter);
        desk.console.until(|it| it.has("first") && it.has("second"), "its tasks are shown");
    }
}

#[test]
fn why_says_what_the_command_says() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    let why = desk.site.runyard(&["why", &run, "second", "--json"]).expect(0).json();
    let text = why["blockers"][0]["text"].as_str().expect("something is in the way").to_owned();
    desk.select_task("gate#1", "second");
    desk.console.keys("w").shows(&text);
}

#[test]
fn nothing_is_written_while_nothing_happens() {
    let mut desk = Desk::open(&[GATE]);
    let is_quiet = |desk: &Desk| {
        let bytes = desk.console.bytes_within(Duration::from_secs(2));
        assert_eq!(String::from_utf8_lossy(&bytes), "");
    };
    for screen in ["2", "3"] {
        desk.keys(screen);
        is_quiet(&desk);
    }
    // Pulse tells for how long the daemon runs, to whoever looks.
    desk.keys("1");
    desk.console.focus(false).idle();
    is_quiet(&desk);
    desk.site.run(&["gate"]);
    desk.console.focus(true).keys("3").shows("gate#1");
}

#[test]
fn a_key_is_one_frame_and_one_that_changes_nothing_is_none() {
    let mut desk = Desk::open(&[GATE, NEEDY, ASK]);
    desk.keys("2");
    desk.select("ask");
    let start = desk.console.mark();
    for key in ["j", "j", "k", "k"] {
        desk.keys(key);
    }
    assert_eq!(desk.console.frames_since(start), 4);
    let start = desk.console.mark();
    desk.keys("kkkk");
    assert_eq!(desk.console.frames_since(start), 0);
    // What comes faster than it can be drawn is drawn together.
    let start = desk.console.mark();
    desk.keys(&"jk".repeat(500));
    assert!(desk.console.frames_since(start) <= 1000);
}

#[test]
fn without_colours_everything_is_still_told_apart() {
    let mut desk = Desk::with(&[ASK, NEEDY], |it| {
        it.env("NO_COLOR", "1");
    });
    let needy = desk.site.run(&["needy"]);
    desk.site.wait_for_end(&needy);
    desk.console.shows("needy#1");
    let screen = desk.select_run("needy#1");
    let plain = |it: &vt100::Color| *it == vt100::Color::Default;
    assert!(screen.looks().all(|it| plain(&it.foreground) && plain(&it.background)));
    assert!(screen.looks().any(|it| it.reversed) && screen.looks().any(|it| it.bold));
    assert!(screen.has("✖ failed"), "{screen:?}");
}

#[test]
fn in_ascii_nothing_else_is_written() {
    let desk = Desk::with(&[NEEDY], |it| {
        it.arg("--ascii");
    });
    ascii(desk);
    let desk = Desk::with(&[NEEDY], |it| {
        it.env("LANG", "C");
    });
    ascii(desk);
}

fn ascii(mut desk: Desk) {
    let needy = desk.site.run(&["needy"]);
    desk.site.wait_for_end(&needy);
    let start = desk.console.mark();
    for key in ["1", "2", "3", "?", "\r", "4", "5", ":"] {
        desk.keys(key);
    }
    assert!(desk.console.bytes_since(start).is_ascii(), "{:?}", desk.console.screen());
    desk.console.key(Key::Esc);
    let screen = desk.select_run("needy#1");
    assert!(screen.has("X failed"), "{screen:?}");
}

#[test]
fn a_small_terminal_still_works_and_a_smaller_one_says_what_is_needed() {
    let mut desk = Desk::open(&[ASK]);
    let run = desk.site.run(&["ask"]);
    desk.site.wait_for_task(&run, "ask", "awaiting_approval");
    desk.console.resize((60, 15));
    desk.console.until(|it| it.rows().len() == 15 && it.has("ask#1"), "it fits");
    desk.keys("5");
    desk.select("ask#1");
    desk.ask("a", "Approve: ask#1 / ask?");
    desk.console.resize((40, 10));
    let screen = desk.console.shows("60×15 needed, 40×10 is here");
    assert_eq!(filled(&screen), 1, "{screen:?}");
    desk.console.resize((60, 15));
    desk.console.shows("Approve: ask#1 / ask?");
    desk.confirm();
    assert_eq!(desk.site.wait_for_end(&run)["state"], "succeeded");
}

fn filled(screen: &Screen) -> usize {
    screen.rows().iter().filter(|it| !it.is_empty()).count()
}
