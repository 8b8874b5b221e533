//! The daemon goes and comes back, or is another.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use e2e::pty::{Key, SIZE};
use e2e::{Console, Site};

use super::desk::is_selected;
use super::{Desk, GATE};

#[test]
fn a_lost_daemon_is_told_and_its_return_finds_everything_in_its_place() {
    let mut desk = Desk::open(&[GATE]);
    let runs: Vec<String> = (0..3).map(|_| desk.site.run(&["gate"])).collect();
    runs.iter().for_each(|it| drop(desk.site.wait_for_task(it, "first", "running")));
    desk.select_run("gate#2");
    desk.site.kill9();
    let screen = desk.console.shows("daemon not answering since");
    assert!(screen.has("actions off") && screen.row(0).contains("STALE"), "{screen:?}");
    assert!(
        screen.has("gate#1") && is_selected(&screen, "gate#2"),
        "the picture stays: {screen:?}"
    );
    // Acts are off, and looking is not.
    desk.console.keys("K").shows("Cancel: daemon not answering");
    let screen = desk.keys("j");
    assert!(is_selected(&screen, "gate#1"), "{screen:?}");
    desk.keys("k");
    desk.site.start_daemon();
    let screen = desk.console.until(|it| it.row(0).ends_with("live"), "it is back");
    assert!(!screen.row(2).contains("not answering since"), "{screen:?}");
    assert!(screen.row(1).contains("Runs") && is_selected(&screen, "gate#2"), "{screen:?}");
    desk.ask("K", "Cancel: gate#2?");
    desk.confirm();
    assert_eq!(desk.site.wait_for_end(&runs[1])["state"], "cancelled");
    assert_eq!(desk.state(&runs[0]), "running");
}

#[test]
fn a_dialog_that_is_open_when_the_daemon_goes_does_nothing_and_survives() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    desk.select_run("gate#1");
    desk.ask("K", "Cancel: gate#1?");
    desk.site.kill9();
    desk.console.shows("daemon not answering since");
    desk.press_until("y", |it| {
        it.has("actions off") && it.rows()[3..].join(" ").contains("daemon not answering")
    });
    desk.site.start_daemon();
    desk.console.until(|it| it.row(0).ends_with("live"), "it is back");
    assert_eq!(desk.state(&run), "running");
    desk.console.key(Key::Esc).hides("Cancel: gate#1?");
}

/// Where the answer takes long the console is open already, and says it there.
#[test]
fn without_a_daemon_it_says_so_and_what_to_do() {
    let site = Site::empty(&[GATE]);
    let console = Console::open(&site, SIZE);
    let says = ["runyard up", "the daemon does not answer"];
    console.until(|it| says.iter().any(|text| it.has(text)), "it says so");
}

#[test]
fn with_a_daemon_of_another_version_it_says_which_side_is_to_be_upgraded() {
    for (version, help) in [("99.0.0", "upgrade `runyard`:"), ("0.0.1", "upgrade `runyardd`")] {
        let site = Site::empty(&[]);
        answer_as(&site, version);
        let screen = Console::open(&site, (240, 30)).shows(help);
        assert!(screen.has(version), "{screen:?}");
    }
}

#[test]
fn a_daemon_that_comes_back_as_another_version_is_told_and_left_alone() {
    let mut desk = Desk::open(&[GATE]);
    let run = desk.site.run(&["gate"]);
    desk.site.wait_for_task(&run, "first", "running");
    desk.select_run("gate#1");
    desk.console.resize((140, 30));
    desk.site.kill9();
    answer_as(&desk.site, "99.0.0");
    let screen = desk.console.shows("99.0.0");
    assert!(screen.has("upgrade `runyard`:") && screen.has("actions off"), "{screen:?}");
    assert!(is_selected(&screen, "gate#1"), "the picture stays: {screen:?}");
    let screen = desk.keys("K");
    assert!(!screen.has("Cancel: gate#1?"), "{screen:?}");
}

/// Listens where the daemon of the site would.
fn answer_as(site: &Site, version: &'static str) {
    fs::remove_file(site.socket()).ok();
    let listener = UnixListener::bind(site.socket()).expect("the folder is writable");
    thread::spawn(move || listener.incoming().for_each(|it| greet(it.ok(), version)));
}

/// Answers as a daemon does that shares no protocol with the client.
fn greet(stream: Option<impl Read + Write>, version: &str) {
    let Some(mut stream) = stream else { return };
    let mut hello = [0; 8];
    let length = u8::try_from(version.len()).expect("versions are short");
    if stream.read_exact(&mut hello).is_ok() {
        let head = [b"RYD1".as_slice(), &[1, 0, 0, length], version.as_bytes()].concat();
        stream.write_all(&head).ok();
    }
}
