//! The state of the console, and who gets an input.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::id::RunId;
use shared::time::Timestamp;
use shared::watch::{News, Topics};

use crate::command::{self, Command, Level, aim};
use crate::dialog::{self, Dialog};
use crate::effect::Effect;
use crate::filter::Filter;
use crate::format;
use crate::frame;
use crate::help::{self, Help};
use crate::input::{Input, Link, LogTicket, Ticket};
use crate::key::Key;
use crate::palette::{self, FilterBox, Palette};
use crate::safe::Safe;
use crate::screens::{self, Kind, Screen, States};
use crate::store::Store;
use crate::target::{Target, is_over};
use crate::theme::{ColorDepth, Role, Theme};
use crate::toast::{Sent, Toast};
use crate::why::{self, WhyBox};

/// How long a hint stays that is given at the start.
const HINT_STAYS: Duration = Duration::from_secs(12);
/// How long it is told that a key means nothing.
const SLIP_STAYS: Duration = Duration::from_secs(2);
/// How long it is told that the daemon is back.
const BACK_STAYS: Duration = Duration::from_secs(5);

/// What the shell knows when the console starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The daemon's machine or profile, for the header.
    pub host: String,
    /// Whether the terminal shows more than ASCII.
    pub unicode: bool,
    /// How many colours may be used.
    pub color: ColorDepth,
    /// Whether acts must be unlocked first.
    pub read_only: bool,
    /// What becomes of the daemon when the console is left, as a sentence.
    pub leaving: &'static str,
    /// How many seconds east of UTC the reader's clocks are at an instant.
    pub utc_offset: fn(Timestamp) -> i32,
}

/// The console.
#[derive(Debug)]
pub struct App {
    pub(crate) settings: Settings,
    pub(crate) now: Timestamp,
    pub(crate) size: (u16, u16),
    pub(crate) focused: bool,
    pub(crate) link: Link,
    pub(crate) store: Store,
    /// When the daemon was heard of the last time, by the console's clock.
    pub(crate) heard: Option<Timestamp>,
    /// From the root screen to the one that is shown; never empty.
    pub(crate) places: Vec<Place>,
    /// Those before the last change of screen.
    previous: Vec<Place>,
    pub(crate) states: States,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) toast: Option<Toast>,
    pub(crate) frozen: Option<Frozen>,
    /// What the command that is being run is about, where that was typed; else it is about the selection.
    pub(crate) aimed: Option<Target>,
    /// The key that runs the command that is being run.
    pub(crate) opened_by: Option<Key>,
    pub(crate) unlocked_until: Option<Timestamp>,
    /// Runs whose end is to be told by a bell.
    pub(crate) watched: BTreeSet<RunId>,
    pub(crate) sent: Vec<Sent>,
    topics: Option<Topics>,
    tickets: u64,
}

/// A screen on the way to the one that is shown.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Place {
    pub(crate) screen: Screen,
    /// The pane that has the keys, from 0.
    pub(crate) pane: usize,
    /// Whether that pane has the whole screen.
    pub(crate) zoomed: bool,
}

/// The picture stands still; what has come since is kept aside.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) since: Timestamp,
    pub(crate) store: Store,
}

/// What stands over the screen and has the keys.
#[derive(Debug)]
pub(crate) enum Overlay {
    Help(Help),
    Palette(Palette),
    Filter(FilterBox),
    Dialog(Dialog),
    Why(WhyBox),
    /// A pattern for a log.
    Log(screens::log::Prompt),
}

impl Place {
    pub(crate) fn new(screen: Screen) -> Self {
        Self { screen, pane: 0, zoomed: false }
    }
}

impl App {
    /// A console that knows nothing yet and shows Pulse.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            now: Timestamp::default(),
            size: (80, 24),
            focused: true,
            link: Link::Connecting,
            store: Store::default(),
            heard: None,
            places: vec![Place::new(Screen::Pulse)],
            previous: Vec::new(),
            states: States::default(),
            overlay: None,
            toast: None,
            frozen: None,
            aimed: None,
            opened_by: None,
            unlocked_until: None,
            watched: BTreeSet::new(),
            sent: Vec::new(),
            topics: None,
            tickets: 0,
        }
    }

    /// Takes in one input at `now`, which may lie before that of the input before. Never fails: what makes no sense or comes
    /// too late is passed over.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Effect> {
        self.now = now;
        let mut effects = match input {
            // Nobody sees what a key would do.
            Input::Key(key) if self.is_too_small() => match key {
                Key::Ctrl('c') => vec![Effect::Quit],
                _ => Vec::new(),
            },
            Input::Paste(_) if self.is_too_small() => Vec::new(),
            Input::Key(key) => self.key(key),
            Input::Paste(text) => self.paste(&text),
            Input::Resize(width, height) => {
                self.size = (width, height);
                Vec::new()
            }
            Input::Focus(focused) => {
                self.focused = focused;
                Vec::new()
            }
            Input::Tick => Vec::new(),
            Input::Link(link) => self.linked(link),
            Input::News(news) => self.news(*news),
            Input::Planned(ticket, plan) => dialog::planned(self, ticket, plan),
            Input::Answered(ticket, answer) => dialog::answered(self, ticket, answer),
            Input::Why(ticket, answer) if why::is_asked(self, ticket) => why::told(self, answer),
            Input::Saved(saved) => {
                self.saved(saved);
                Vec::new()
            }
            Input::Copied(done) => {
                self.copied(done);
                Vec::new()
            }
            answer @ (Input::Why(..)
            | Input::Items(..)
            | Input::Graph(..)
            | Input::Events(..)
            | Input::Log(..)
            | Input::LogFound(..)) => screens::told(self, answer),
        };
        if self.toast.as_ref().is_some_and(|it| it.is_over(now)) {
            self.toast = None;
        }
        // What is chosen in a menu is about the same.
        if !matches!(self.overlay, Some(Overlay::Dialog(Dialog::Menu(_)))) {
            self.aimed = None;
        }
        screens::settle(self);
        effects.extend(self.follow());
        effects.extend(screens::wants(self));
        effects
    }

    /// Goes to a run before the first input, where the console was opened for it.
    pub fn open_run(&mut self, run: RunId) -> Vec<Effect> {
        self.open(Screen::Run(run))
    }

    /// Says something for a while to whoever has opened the console.
    pub fn hint(&mut self, text: &str) {
        let hint = Toast::new(self.now, Role::Strong, text.to_owned());
        self.toast = Some(hint.lasting(HINT_STAYS));
    }

    /// After how long the console wants an [`Input::Tick`] because something it shows moves with time; absent where nothing
    /// does.
    pub fn wakes_in(&self) -> Option<Duration> {
        let toast = self.toast.as_ref().map(|it| it.until.since(self.now));
        let counts = self.frozen.is_some() || !matches!(self.link, Link::Up { .. });
        let counts = counts || (self.focused && screens::is_counting(self));
        let second = counts.then_some(Duration::from_secs(1));
        toast.into_iter().chain(second).min().map(|it| it.max(Duration::from_millis(100)))
    }

    pub(crate) fn theme(&self) -> Theme {
        Theme { unicode: self.settings.unicode, color: self.settings.color }
    }

    /// The place that is shown.
    pub(crate) fn place(&self) -> &Place {
        self.places.last().expect("there is always a screen")
    }

    pub(crate) fn place_mut(&mut self) -> &mut Place {
        self.places.last_mut().expect("there is always a screen")
    }

    pub(crate) fn kind(&self) -> Kind {
        self.place().screen.kind()
    }

    /// Whether something may be asked of the daemon, or why not.
    pub(crate) fn can_act(&self) -> Result<(), String> {
        match &self.link {
            Link::Up { .. } => Ok(()),
            Link::Connecting => Err("not connected yet".to_owned()),
            Link::Lost { since, .. } => {
                let clock = format::clock(*since, self.settings.utc_offset);
                Err(format!("daemon not answering since {clock}"))
            }
            Link::Refused { reason, .. } => Err(reason.clone()),
        }
    }

    /// Whether acts must be unlocked first.
    pub(crate) fn is_locked(&self) -> bool {
        self.settings.read_only && self.unlocked_until.is_none_or(|it| it <= self.now)
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    pub(crate) fn log_ticket(&mut self) -> LogTicket {
        LogTicket(self.ticket().0)
    }

    /// Goes down to a screen.
    pub(crate) fn open(&mut self, screen: Screen) -> Vec<Effect> {
        if self.place().screen == screen {
            return Vec::new();
        }
        let mut places = self.places.clone();
        places.retain(|it| it.screen != screen);
        places.push(Place::new(screen));
        self.go(places)
    }

    /// Goes to a root screen.
    pub(crate) fn open_root(&mut self, screen: Screen) -> Vec<Effect> {
        if self.places.len() == 1 && self.place().screen == screen {
            return Vec::new();
        }
        self.go(vec![Place::new(screen)])
    }

    /// Goes up one level; whether there was one.
    pub(crate) fn up(&mut self) -> Option<Vec<Effect>> {
        let (_, above) = self.places.split_last()?;
        let above = above.to_vec();
        (!above.is_empty()).then(|| self.go(above))
    }

    /// Goes back to where the last change of screen came from.
    pub(crate) fn back(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.previous) {
            places if places.is_empty() => Vec::new(),
            places => self.go(places),
        }
    }

    fn go(&mut self, places: Vec<Place>) -> Vec<Effect> {
        let mut effects = screens::left(self);
        self.previous = std::mem::replace(&mut self.places, places);
        effects.extend(screens::entered(self));
        effects
    }

    /// Says something for a while.
    pub(crate) fn say(&mut self, role: Role, text: impl Into<String>) {
        self.toast = Some(Toast::new(self.now, role, text.into()));
    }

    /// Runs a command, or says why not. `key`: what it was run by.
    pub(crate) fn run(
        &mut self,
        command: &'static Command,
        key: Option<Key>,
        args: &str,
    ) -> Vec<Effect> {
        self.opened_by = key;
        let aimed = aim::read(self, command, args);
        let own = aimed.and_then(|(target, own)| {
            self.aimed = target;
            command.is_allowed(self).map(|()| own)
        });
        let own = match own {
            Ok(own) => own,
            Err(reason) => {
                self.say(Role::Warn, format!("{}: {reason}", command.title));
                return Vec::new();
            }
        };
        if command.level > Level::Look && self.is_locked() {
            self.overlay = Some(Overlay::Dialog(dialog::unlock(self, command, args)));
            return Vec::new();
        }
        (command.run)(self, own)
    }

    fn is_too_small(&self) -> bool {
        self.size.0 < frame::SIZE_MIN.0 || self.size.1 < frame::SIZE_MIN.1
    }

    /// Takes in how the connection is. What was said because it was lost goes with its return.
    fn linked(&mut self, link: Link) -> Vec<Effect> {
        let was_lost = matches!(self.link, Link::Lost { .. });
        self.link = link;
        if !matches!(self.link, Link::Up { .. }) {
            return Vec::new();
        }
        self.store.keep_run(self.topics.as_ref().and_then(|it| it.run));
        self.forget_warning();
        if was_lost && self.toast.is_none() {
            let text = "the daemon is back".to_owned();
            self.toast = Some(Toast::new(self.now, Role::Good, text).lasting(BACK_STAYS));
        }
        dialog::link_is_up(self)
    }

    fn forget_warning(&mut self) {
        if self.toast.as_ref().is_some_and(|it| it.role == Role::Warn) {
            self.toast = None;
        }
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        self.forget_warning();
        match self.overlay.take() {
            None => match command::by_key(self.kind(), key) {
                Some(command) => self.run(command, Some(key), ""),
                None => {
                    let text = "no such key here: ? lists them".to_owned();
                    self.toast = Some(Toast::new(self.now, Role::Warn, text).lasting(SLIP_STAYS));
                    Vec::new()
                }
            },
            Some(_) if key == Key::Ctrl('c') => dialog::ask_to_quit(self),
            Some(Overlay::Help(it)) => help::key(self, it, key),
            Some(Overlay::Palette(it)) => palette::key(self, it, key),
            Some(Overlay::Filter(it)) => palette::filter_key(self, it, key),
            Some(Overlay::Dialog(it)) => dialog::key(self, it, key),
            Some(Overlay::Why(it)) => why::key(self, it, key),
            Some(Overlay::Log(it)) => screens::log::prompt_key(self, it, key),
        }
    }

    fn paste(&mut self, text: &str) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Help(it)) => it.paste(text),
            Some(Overlay::Filter(it)) => {
                it.edit.paste(text);
                let filter = Filter::new(&it.edit.text());
                if let Some(list) = screens::list(self) {
                    list.set_filter(filter);
                }
            }
            Some(Overlay::Dialog(it)) => it.paste(text),
            Some(Overlay::Log(it)) => it.edit.paste(text),
            Some(Overlay::Palette(_)) => palette::paste(self, text),
            Some(Overlay::Why(_)) | None => {}
        }
        Vec::new()
    }

    fn news(&mut self, news: News) -> Vec<Effect> {
        self.heard = Some(self.now);
        let ended: Vec<(RunId, String)> = news
            .runs
            .iter()
            .filter(|it| self.watched.contains(&it.id) && is_over(&it.state))
            .map(|it| (it.id, format!("{}#{}: {}", it.workflow, it.number, it.state)))
            .collect();
        match &mut self.frozen {
            Some(frozen) => frozen.store.apply(news),
            None => self.store.apply(news),
        }
        let mut effects = Vec::new();
        for (run, text) in ended {
            self.watched.remove(&run);
            self.say(Role::Strong, text);
            effects.push(Effect::Bell);
        }
        effects
    }

    fn copied(&mut self, done: bool) {
        match done {
            true => self.say(Role::Good, "copied, where the terminal allows it"),
            false => {
                self.say(Role::Warn, "too long for the terminal's clipboard: save it to a file")
            }
        }
    }

    fn saved(&mut self, saved: Result<String, String>) {
        match saved {
            Ok(path) => self.say(Role::Good, format!("saved to {}", Safe::line(&path))),
            Err(problem) => {
                self.say(Role::Bad, format!("not saved: {}", Safe::line(&problem)));
            }
        }
    }

    /// Tells the shell where what is to be followed has changed.
    fn follow(&mut self) -> Option<Effect> {
        let topics = screens::topics(self);
        if self.topics.as_ref() == Some(&topics) {
            return None;
        }
        // Of a daemon that is lost nothing comes again: what is known of a run is worth more than nothing.
        if matches!(self.link, Link::Up { .. }) {
            let kept = self.frozen.as_mut().map(|it| &mut it.store);
            kept.into_iter().chain([&mut self.store]).for_each(|it| it.keep_run(topics.run));
        }
        screens::settle(self);
        self.topics = Some(topics.clone());
        Some(Effect::Watch(topics))
    }

    /// Asks for everything anew.
    pub(crate) fn refresh(&mut self) -> Vec<Effect> {
        self.topics.clone().map(Effect::Watch).into_iter().collect()
    }
}
