//! Manners: the terminal is given back as it was, whatever ends the console.

use e2e::pty::{Key, SIZE, wire};
use e2e::{Console, Site, processes, wait};
use rustix::process::Signal;

use super::{Desk, GATE, NEEDY};

#[test]
fn quitting_is_asked_about_and_leaves_the_terminal_as_it_was() {
    let site = Site::start(&[GATE]);
    let mut console = Console::in_shell(&Console::command(&site, &[]), SIZE);
    let before = console.settings();
    console.shows(" live");
    assert_ne!(console.settings(), before);
    for key in [Key::CtrlC, Key::Esc] {
        console.key(key);
    }
    console.hides("Quit the console?");
    console.keys("q").shows("Quit the console?");
    // The question takes no yes in its first moments, and the shell reads none.
    let left = wait::until(wait::BOUND, || {
        let screen = console.screen();
        if screen.has("[shell: 0]") {
            return Some(screen);
        }
        console.keys("y");
        None
    });
    let screen = left.expect("it quits");
    assert!(screen.is_restored(), "{screen:?}");
    assert_eq!(console.settings(), before);
    console.key(Key::CtrlU).key(Key::CtrlD);
    assert_eq!(console.exit(), 0);
}

#[test]
fn a_signal_that_ends_it_gives_the_terminal_back() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let mut desk = Desk::open(&[GATE]);
        desk.console.signal(signal);
        assert_eq!(desk.console.exit(), code);
        let screen = desk.console.screen();
        assert!(screen.is_restored() && screen.text().trim().is_empty(), "{screen:?}");
        assert_eq!(
            wire::strange(&desk.console.bytes_since(Default::default())),
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_terminal_that_hangs_up_ends_it() {
    let mut desk = Desk::open(&[GATE]);
    let pid = desk.console.pid();
    desk.console.close_terminal();
    assert_eq!(desk.console.exit(), 129);
    assert!(!processes::lives(pid));
    desk.site.runyard(&["status"]).expect(0);
}

#[test]
fn it_stops_and_goes_on_where_it_was() {
    let site = Site::start(&[GATE, NEEDY]);
    let mut console = Console::in_shell(&Console::command(&site, &[]), SIZE);
    let before = console.settings();
    console.shows(" live");
    console.keys("2").shows("needy");
    console.key(Key::CtrlZ);
    let screen = console.until(|it| it.has("[shell: "), "the shell has the terminal");
    assert!(screen.is_restored(), "{screen:?}");
    assert_eq!(console.settings(), before);
    console.set_size((100, 30));
    site.run(&["gate"]);
    console.send(b"fg\n", 0);
    let screen =
        console.until(|it| it.is_alternate() && it.row(1).contains("Workflows"), "it is back");
    assert_eq!(screen.rows().len(), 30);
    console.keys("3").shows("gate#1");
    console.until(|it| it.row(0).ends_with("live"), "it is live");
}

#[test]
fn a_storm_of_sizes_ends_in_a_whole_picture() {
    let mut desk = Desk::open(&[GATE]);
    desk.site.run(&["gate"]);
    desk.select_run("gate#1");
    let sizes = (0..60_u16).map(|it| (20 + it * 37 % 140, 5 + it * 23 % 60));
    for size in sizes {
        desk.console.resize(size);
    }
    desk.console.resize((20, 5));
    desk.console
        .until(|it| it.rows().len() == 5 && it.has("60×15 needed"), "it says what it needs");
    desk.console.keys("j").idle();
    desk.console.resize(SIZE);
    let screen =
        desk.console.until(|it| it.row(0).ends_with("live") && it.has("gate#1"), "it fits");
    assert!(screen.row(1).contains("Runs"), "{screen:?}");
    // What is shown is what a whole new drawing shows.
    let shown = desk.console.idle().text();
    assert_eq!(desk.console.key(Key::CtrlL).idle().text(), shown);
}

#[test]
fn a_dumb_terminal_is_refused_with_what_to_do() {
    let site = Site::empty(&[]);
    let mut command = Console::command(&site, &[]);
    command.env("TERM", "dumb");
    let mut console = Console::of(&command, SIZE);
    assert_eq!(console.exit(), 2);
    let screen = console.screen();
    assert!(screen.has("cannot draw on this terminal") && !screen.is_alternate(), "{screen:?}");
}
