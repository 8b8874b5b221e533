//! The loop: takes in what happened, carries out what follows, and draws where something has changed.
//!
//! Nothing here waits for the daemon, a file or the terminal, and nothing here decides anything.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use console::input::{Link as LinkState, LogTicket, Ticket};
use console::{App, Effect, Input, view};
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::link::{Inbox, Link};
use super::pace::{Pace, floor};
use super::stage::Stage;
use super::{files, keys, now};
use crate::error::{Error, Exit};
use crate::terminal::{self, Caps, Event, FrameEncoder, Signal, Signals};

/// At most so much is taken in between two pictures.
const BATCH: usize = 1_024;
/// 128 and the number of SIGHUP.
const HUNG_UP: u8 = 129;

/// Where everything comes from.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) signals: Signals,
    pub(super) inbox: Inbox,
}

/// What the loop works on.
#[derive(Debug)]
pub(super) struct Shell<'a, S> {
    app: App,
    stage: &'a S,
    link: Link,
    caps: Caps,
    frames: FrameEncoder,
    pace: Pace,
    /// Whether the link to the terminal is taken to be slow.
    slow: bool,
    focused: bool,
    size: (u16, u16),
    /// When the console wants to know that time has passed.
    wakes: Option<Instant>,
    waits: Waits,
    /// How many events have come from the terminal.
    events: u64,
    /// Up to which of them a test was told that all is drawn; absent where something was drawn since.
    marked: Option<u64>,
    end: Option<Exit>,
}

/// What the daemon still has to answer.
#[derive(Default, Debug)]
struct Waits {
    questions: BTreeSet<Ticket>,
    logs: BTreeSet<LogTicket>,
    news: bool,
}

/// Something happened.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is moved once")]
#[derive(Debug)]
enum Heard {
    Event(Event),
    /// No event can come any more.
    NoEvents,
    Signal(Signal),
    Input(Input),
    /// The console is to be told that time has passed.
    Time,
    /// It may be time to draw.
    Draw,
}

/// Goes on until a person quits or a signal ends it.
pub(super) async fn run<S: Stage>(
    mut shell: Shell<'_, S>,
    mut sources: Sources,
) -> Result<Exit, Error> {
    loop {
        let mut heard = Some(sources.next(&shell).await);
        for _ in 0..BATCH {
            let Some(it) = heard.take() else { break };
            shell.take(it)?;
            if let Some(exit) = shell.end {
                return Ok(exit);
            }
            heard = sources.try_next();
        }
        if let Some(it) = heard {
            shell.take(it)?;
        }
        shell.draw();
        shell.mark_idle(sources.is_empty());
    }
}

impl Sources {
    async fn next<S: Stage>(&mut self, shell: &Shell<'_, S>) -> Heard {
        let due = shell.pace.due();
        let draw = due.filter(|_| shell.stage.is_free());
        tokio::select! {
            biased;
            signal = self.signals.recv() => Heard::Signal(signal),
            event = self.events.recv() => event.map_or(Heard::NoEvents, Heard::Event),
            input = self.inbox.recv() => Heard::Input(input),
            () = shell.stage.written(), if due.is_some() && draw.is_none() => Heard::Draw,
            () = at(draw) => Heard::Draw,
            () = at(shell.wakes) => Heard::Time,
        }
    }

    fn try_next(&mut self) -> Option<Heard> {
        self.events
            .try_recv()
            .map(Heard::Event)
            .ok()
            .or_else(|| self.inbox.try_recv().map(Heard::Input))
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.inbox.is_empty()
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(it) => sleep_until(it.into()).await,
        None => std::future::pending().await,
    }
}

impl<'a, S: Stage> Shell<'a, S> {
    /// A console on a terminal that was taken over at `start`.
    pub(super) fn new(
        app: App,
        stage: &'a S,
        link: Link,
        caps: Caps,
        slow: bool,
        start: Instant,
    ) -> Self {
        let frames = FrameEncoder::new(caps.color);
        let size = stage.size();
        let mut shell = Self {
            app,
            stage,
            link,
            caps,
            frames,
            pace: Pace::start(start),
            slow,
            focused: true,
            size,
            wakes: None,
            waits: Waits::default(),
            events: 0,
            marked: None,
            end: None,
        };
        shell.handle(Input::Resize(size.0, size.1));
        shell
    }

    /// Says something first.
    pub(super) fn hint(&mut self, text: &str) {
        self.app.hint(text);
        self.wakes = self.app.wakes_in().map(|it| Instant::now() + it);
    }

    /// Does what the console wants, and what follows from that.
    pub(super) fn carry_out_all(&mut self, effects: Vec<Effect>) {
        let mut todo = VecDeque::from(effects);
        while let Some(effect) = todo.pop_front() {
            if let Some(input) = self.carry_out(effect) {
                todo.extend(self.app.handle(now(), input));
            }
        }
    }

    fn take(&mut self, heard: Heard) -> Result<(), Error> {
        match heard {
            Heard::Event(event) => self.event(event),
            Heard::Signal(Signal::End(code)) => self.end = Some(Exit::Signal(code)),
            Heard::Signal(Signal::Stop) => self.suspend(),
            Heard::Signal(Signal::Continue) => self.resume()?,
            Heard::NoEvents => self.end = Some(Exit::Signal(HUNG_UP)),
            Heard::Input(input) => self.told(input),
            Heard::Time => {
                self.handle(Input::Tick);
                self.pace.data(Instant::now(), self.floor());
            }
            Heard::Draw => {}
        }
        Ok(())
    }

    fn event(&mut self, event: Event) {
        self.events += 1;
        let input = match event {
            Event::Key(press) => keys::key(press).map(Input::Key),
            Event::Paste(text) => Some(Input::Paste(text)),
            Event::Resize(width, height) => {
                self.size = (width, height);
                Some(Input::Resize(width, height))
            }
            Event::Focus(focused) => {
                self.focused = focused;
                Some(Input::Focus(focused))
            }
        };
        if let Some(input) = input {
            self.handle(input);
            self.pace.at_once(Instant::now());
        }
    }

    /// What came from the daemon, or from a file.
    fn told(&mut self, input: Input) {
        let at = Instant::now();
        match &input {
            Input::News(_) | Input::Log(..) => self.pace.data(at, self.floor()),
            Input::Link(LinkState::Up { .. }) => self.pace.before_news(at),
            _ => self.pace.at_once(at),
        }
        self.waits.answered(&input);
        self.handle(input);
    }

    fn handle(&mut self, input: Input) {
        let effects = self.app.handle(now(), input);
        self.carry_out_all(effects);
        self.wakes = self.app.wakes_in().map(|it| Instant::now() + it);
    }

    /// Does what the console wants; what it is told at once.
    fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        self.waits.asked(&effect);
        match effect {
            Effect::Watch(topics) => self.waits.news = self.link.watch(topics),
            Effect::Plan(ticket, request) => self.link.plan(ticket, request),
            Effect::Act(ticket, act) => self.link.act(ticket, act),
            Effect::Why(ticket, run, task) => self.link.why(ticket, run, task),
            Effect::Items(ticket, ask) => self.link.items(ticket, ask),
            Effect::Graph(ticket, workflow) => self.link.graph(ticket, workflow),
            Effect::Events(ticket, run, after) => self.link.events(ticket, run, after),
            Effect::ReadLog(ticket, ask) => self.link.read_log(ticket, ask),
            Effect::SearchLog(ticket, search) => self.link.search_log(ticket, search),
            Effect::StopLog => self.link.stop_log(),
            Effect::Copy(text) => return Some(Input::Copied(self.copy(&text))),
            Effect::Bell => self.stage.put(terminal::BELL.to_vec()),
            Effect::SaveText { name, text } => self.save(name, text),
            Effect::Redraw => {
                self.frames.forget();
                self.pace.at_once(Instant::now());
            }
            Effect::Suspend => self.suspend(),
            Effect::Quit => self.end = Some(Exit::Done),
        }
        None
    }

    fn copy(&mut self, text: &str) -> bool {
        match terminal::copy(text, self.caps.multiplexer) {
            Ok(bytes) => {
                self.stage.put(bytes);
                true
            }
            Err(_) => false,
        }
    }

    /// On a thread of its own: the folder may be on a disk that hangs.
    fn save(&self, name: String, text: String) {
        let answers = self.link.answers();
        tokio::task::spawn_blocking(move || {
            let saved = files::save(&name, &text);
            let saved = saved.map(|it| it.display().to_string()).map_err(|it| it.to_string());
            let _ = answers.send(Input::Saved(saved));
        });
    }

    /// Returns when the process was continued.
    fn suspend(&mut self) {
        self.stage.suspend();
    }

    fn resume(&mut self) -> Result<(), Error> {
        if self.stage.resume()? {
            self.frames.forget();
            self.size = self.stage.size();
            self.handle(Input::Resize(self.size.0, self.size.1));
            self.pace.at_once(Instant::now());
        }
        Ok(())
    }

    fn draw(&mut self) {
        let at = Instant::now();
        if self.pace.due().is_none_or(|due| due > at) || !self.stage.is_free() {
            return;
        }
        self.pace.drawn(at);
        let bytes = self.frames.frame(self.size, |buffer| view(&self.app, buffer));
        if !bytes.is_empty() {
            self.stage.put(bytes);
            self.marked = None;
        }
    }

    fn mark_idle(&mut self, nothing_waits: bool) {
        let idle = nothing_waits && self.pace.due().is_none() && self.waits.is_empty();
        if idle && self.marked != Some(self.events) {
            self.marked = Some(self.events);
            self.stage.mark_idle(self.events);
        }
    }

    fn floor(&self) -> std::time::Duration {
        floor(self.focused, self.slow, self.stage.last_write())
    }
}

impl Waits {
    fn asked(&mut self, effect: &Effect) {
        match effect {
            Effect::Plan(ticket, _)
            | Effect::Act(ticket, _)
            | Effect::Why(ticket, ..)
            | Effect::Items(ticket, _)
            | Effect::Graph(ticket, _)
            | Effect::Events(ticket, ..) => drop(self.questions.insert(*ticket)),
            // One that follows waits for what nobody has written yet.
            Effect::ReadLog(_, ask) if ask.follow => {}
            Effect::ReadLog(ticket, _) | Effect::SearchLog(ticket, _) => {
                self.logs.insert(*ticket);
            }
            Effect::StopLog => self.logs.clear(),
            _ => {}
        }
    }

    fn answered(&mut self, input: &Input) {
        match input {
            Input::Planned(ticket, _)
            | Input::Answered(ticket, _)
            | Input::Why(ticket, _)
            | Input::Items(ticket, _)
            | Input::Graph(ticket, _)
            | Input::Events(ticket, _) => drop(self.questions.remove(ticket)),
            Input::Log(ticket, _) | Input::LogFound(ticket, _) => drop(self.logs.remove(ticket)),
            Input::News(_) => self.news = false,
            Input::Link(state) => self.news = matches!(state, LinkState::Up { .. }),
            _ => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.questions.is_empty() && self.logs.is_empty() && !self.news
    }
}

#[cfg(test)]
mod tests;
