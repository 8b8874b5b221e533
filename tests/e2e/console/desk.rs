//! A person at the console of a site.

use std::process::Command;

use e2e::pty::{Key, SIZE, Screen};
use e2e::{Console, Site, wait};
use serde_json::Value;

/// What the buttons of a dialog end with.
const NO: &str = " esc no";

/// A site, and its console. The console goes first.
pub(super) struct Desk {
    pub(super) console: Console,
    pub(super) site: Site,
}

impl Desk {
    /// Starts a site, and the console on it, which has heard of the workflows.
    pub(super) fn open(files: &[(&str, &str)]) -> Self {
        Self::at(Site::start(files))
    }

    /// Opens the console of a site whose daemon runs.
    pub(super) fn at(site: Site) -> Self {
        let console = Console::open(&site, SIZE);
        let desk = Self { console, site };
        desk.console.shows(" live");
        desk
    }

    /// The same as [`Self::open`], with the console as `change` makes it.
    pub(super) fn with(files: &[(&str, &str)], change: impl FnOnce(&mut Command)) -> Self {
        let site = Site::start(files);
        let mut command = Console::command(&site, &[]);
        change(&mut command);
        let desk = Self { console: Console::of(&command, SIZE), site };
        desk.console.shows(" live");
        desk
    }

    /// Types this, and waits until it is drawn.
    pub(super) fn keys(&mut self, text: &str) -> Screen {
        self.console.keys(text).idle()
    }

    /// Moves to the row that holds this, from the first one on.
    #[track_caller]
    pub(super) fn select(&mut self, text: &str) -> Screen {
        let screen = self.console.shows(text);
        if is_selected(&screen, text) {
            return screen;
        }
        self.console.keys("g");
        for _ in 0..50 {
            let screen = self.console.idle();
            if is_selected(&screen, text) {
                return screen;
            }
            self.console.keys("j");
        }
        panic!("{text:?} cannot be selected: {:?}", self.console.screen());
    }

    /// Shows the runs, and selects one of them: `gate#1`.
    pub(super) fn select_run(&mut self, label: &str) -> Screen {
        self.console.keys("3");
        self.select(label)
    }

    /// Shows a run, unless it is shown already.
    pub(super) fn open_run(&mut self, label: &str) -> Screen {
        let screen = self.console.idle();
        let way = screen.row(1);
        if way.trim_start().split("  ").next().is_some_and(|it| it.ends_with(label)) {
            return screen;
        }
        self.select_run(label);
        self.console.key(Key::Enter);
        self.console.until(|it| it.row(1).contains(label), "the run is shown");
        self.console.hides("has not told this run yet")
    }

    /// Shows a run, and of its tasks this one alone, selected.
    pub(super) fn select_task(&mut self, label: &str, task: &str) -> Screen {
        self.open_run(label);
        self.console.keys("/").key(Key::CtrlU).keys(task).key(Key::Enter);
        self.select(task)
    }

    /// Opens a dialog by its key, and waits until it says what would follow.
    #[track_caller]
    pub(super) fn ask(&mut self, key: &str, question: &str) -> Screen {
        self.console.keys(key);
        self.console.shows(question);
        self.console.hides("working out what it would do")
    }

    /// Chooses from the menu that is open and shows this.
    #[track_caller]
    pub(super) fn choose(&mut self, key: &str, shown: &str) {
        self.console.shows(shown);
        // A menu takes nothing in its first moments.
        self.press_until(key, |it| !it.has(shown));
    }

    /// Says yes to the dialog that is open, and waits until it is done.
    #[track_caller]
    pub(super) fn confirm(&mut self) -> Screen {
        self.console.hides("working out what it would do");
        self.press_until("y", |it| !it.has(NO));
        self.console.until(|it| !it.has(NO) && !it.has("sent, waiting"), "it is done")
    }

    /// The same for a dialog with something typed into it first.
    #[track_caller]
    pub(super) fn confirm_typed(&mut self, text: &str) -> Screen {
        // What is typed in the first moments may be the key that opened it, held down.
        self.console.idle();
        self.console.paste(text).key(Key::Enter);
        self.confirm()
    }

    /// Presses a key again and again until what it does is seen. It is never pressed once that is.
    #[track_caller]
    pub(super) fn press_until(&mut self, key: &str, is_so: impl Fn(&Screen) -> bool) {
        let done = wait::until(wait::BOUND, || {
            let screen = self.console.idle();
            assert!(!screen.has("refused"), "{screen:?}");
            if is_so(&screen) {
                return Some(());
            }
            self.console.keys(key).idle();
            None
        });
        assert!(done.is_some(), "{key:?} is not taken: {:?}", self.console.screen());
    }

    /// The state of a run.
    pub(super) fn state(&self, run: &str) -> String {
        word(&self.site.show(run)["state"])
    }

    /// The state of a task.
    pub(super) fn task_state(&self, run: &str, task: &str) -> String {
        word(&self.site.task(run, task)["state"])
    }

    /// Waits until a run is in this state.
    #[track_caller]
    pub(super) fn wait_for_state(&self, run: &str, state: &str) {
        let mut last = Value::Null;
        let come = wait::until(wait::BOUND, || {
            last = self.site.show(run);
            (last["state"] == state).then_some(())
        });
        assert!(come.is_some(), "it never was {state}: {last:#}");
    }

    /// The rows of a command that lists.
    pub(super) fn rows(&self, command: &str) -> Vec<Value> {
        let document = self.site.runyard(&[command, "--json"]).expect(0).json();
        document.as_array().expect("it is a list").clone()
    }
}

/// Whether a row that holds this is the selected one.
pub(super) fn is_selected(screen: &Screen, text: &str) -> bool {
    let rows = screen.rows();
    let mut pointed = rows.iter().filter(|it| it.trim_start().starts_with(['›', '>']));
    pointed.any(|it| it.contains(text))
}

fn word(value: &Value) -> String {
    value.as_str().expect("a state is a word").to_owned()
}
