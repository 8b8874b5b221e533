//! The table of commands.

use std::collections::BTreeMap;

use crate::command::{self, Command, Level, table};
use crate::fixtures;
use crate::input::{Input, Link};
use crate::key::Key;
use crate::screens::{Kind, Screen};

fn on(command: &Command) -> impl Iterator<Item = (Kind, Key)> {
    command.scope.iter().flat_map(|kind| command.keys.iter().map(|key| (*kind, *key)))
}

#[test]
fn no_key_means_two_things_on_one_screen() {
    let mut known = BTreeMap::new();
    for command in table::all() {
        for at in on(command) {
            if let Some(other) = known.insert(at, command.id) {
                panic!("{} on {:?} is {other} and {}", at.1, at.0, command.id);
            }
        }
    }
}

#[test]
fn every_command_has_a_name_of_its_own_a_title_and_a_sentence() {
    let mut names = BTreeMap::new();
    for command in table::all() {
        for word in command.words.iter().chain([&command.id]) {
            assert!(!word.is_empty() && !word.contains(' '), "{word:?}");
            let other = names.insert(*word, command.id);
            assert_eq!(other, None, "{word}");
        }
        assert!(!command.title.is_empty(), "{}", command.id);
        assert!(command.doc.ends_with('.'), "{}", command.id);
        assert!(!command.scope.is_empty(), "{}", command.id);
    }
    assert_eq!(command::reference().lines().count(), table::all().count());
}

#[test]
fn no_ctrl_letter_acts_on_the_world() {
    for command in table::all().filter(|it| it.level > Level::Look) {
        assert!(!command.keys.iter().any(|it| matches!(it, Key::Ctrl(_))), "{}", command.id);
        // The key that confirms opens nothing.
        assert!(!command.keys.contains(&Key::Char('y')), "{}", command.id);
    }
}

#[test]
fn what_acts_is_refused_while_the_daemon_is_not_heard_of() {
    let links = [
        Link::Connecting,
        Link::Lost { since: fixtures::ago(42), reason: "gone".to_owned() },
        Link::Refused { reason: "other version".to_owned(), help: "upgrade".to_owned() },
    ];
    for link in links {
        let mut app = fixtures::app(fixtures::busy());
        app.handle(fixtures::now(), Input::Link(link));
        for screen in
            [Screen::Pulse, Screen::Runs, Screen::Queues, Screen::Workflows, Screen::Approvals]
        {
            app.open_root(screen);
            app.handle(fixtures::now(), Input::Tick);
            for command in table::all().filter(|it| it.level > Level::Look) {
                assert!(command.is_allowed(&app).is_err(), "{}", command.id);
                let key = command.keys[0];
                app.handle(fixtures::now(), Input::Key(key));
                assert!(app.overlay.is_none(), "{}", command.id);
            }
        }
    }
}
