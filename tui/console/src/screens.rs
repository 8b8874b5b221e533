//! The screens. Each module has a `State` that lives in [`States`], and the same functions, which are named in the matches
//! below and nowhere else. What a screen has no use for it leaves out of a match.
//!
//! - `State`: a [`List`] for each list, and what else is to be found again. Never what the daemon knows.
//! - `settle(&mut App)`: makes rows of the store; called after every input, cheap where nothing has changed.
//! - `selected(&App) -> Target`: what commands are about. `summary(&App)`: what stands right of the way.
//! - `step(&mut App, Step)`, `open(&mut App)`: moves, goes down.
//! - `view(&App, &State, Rect, &mut Buffer)`: draws visible rows only, and changes nothing.
//! - `entered`, `left`, `told`: asks for what is not in the store with a ticket of its state, and takes in the answer.
//! - `PANES`, `SORTS`, `COMMANDS`: how many panes [`crate::app::Place::pane`] counts, the orders, keys of its own.

pub(crate) mod approvals;
pub(crate) mod detail;
pub(crate) mod log;
mod now;
pub(crate) mod pulse;
pub(crate) mod queues;
pub(crate) mod run;
pub(crate) mod runs;
#[cfg(test)]
mod testing;
pub(crate) mod workflows;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::id::RunId;
use shared::time::Timestamp;
use shared::watch::Topics;

use crate::app::App;
use crate::command::{self, Command};
use crate::effect::Effect;
use crate::filter::Filter;
use crate::frame;
use crate::input::{Input, Link};
use crate::list::{List, Step};
use crate::needs::NeedOf;
use crate::target::Target;

/// A screen and what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Screen {
    Pulse,
    Workflows,
    Runs,
    Run(RunId),
    Log(log::LogOf),
    Queues,
    Approvals,
}

/// Which screen, without what it is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Kind {
    Pulse,
    Workflows,
    Runs,
    Run,
    Log,
    Queues,
    Approvals,
}

/// What every screen remembers between inputs, so that coming back finds everything as it was.
#[derive(Default, Debug)]
pub(crate) struct States {
    pub(crate) pulse: pulse::State,
    pub(crate) workflows: workflows::State,
    pub(crate) runs: runs::State,
    pub(crate) run: run::State,
    pub(crate) log: log::State,
    pub(crate) queues: queues::State,
    pub(crate) approvals: approvals::State,
    /// What the last step to something that needs a person led to.
    pub(crate) need: Option<NeedOf>,
}

impl Screen {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Pulse => Kind::Pulse,
            Self::Workflows => Kind::Workflows,
            Self::Runs => Kind::Runs,
            Self::Run(_) => Kind::Run,
            Self::Log(_) => Kind::Log,
            Self::Queues => Kind::Queues,
            Self::Approvals => Kind::Approvals,
        }
    }
}

impl Kind {
    pub(crate) const ALL: &'static [Self] = &[
        Self::Pulse,
        Self::Workflows,
        Self::Runs,
        Self::Run,
        Self::Log,
        Self::Queues,
        Self::Approvals,
    ];
    /// The screens of rows; all but the log.
    pub(crate) const LISTS: &'static [Self] =
        &[Self::Pulse, Self::Workflows, Self::Runs, Self::Run, Self::Queues, Self::Approvals];
    /// Where there are runs or tasks to act on.
    pub(crate) const ACTS: &'static [Self] =
        &[Self::Pulse, Self::Runs, Self::Run, Self::Queues, Self::Approvals];
    /// Where rows can be marked.
    pub(crate) const MARKS: &'static [Self] = &[Self::Runs];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pulse => "pulse",
            Self::Workflows => "workflows",
            Self::Runs => "runs",
            Self::Run => "run",
            Self::Log => "log",
            Self::Queues => "queues",
            Self::Approvals => "approvals",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Pulse => "Pulse",
            Self::Workflows => "Workflows",
            Self::Runs => "Runs",
            Self::Run => "Run",
            Self::Log => "Log",
            Self::Queues => "Queues",
            Self::Approvals => "Approvals",
        }
    }
}

/// What commands may do with any list.
pub(crate) trait AnyList {
    fn filter(&self) -> &Filter;
    fn set_filter(&mut self, filter: Filter);
    fn toggle_mark(&mut self);
    fn mark_range(&mut self);
    fn mark_all(&mut self);
    fn clear_marks(&mut self) -> bool;
    fn set_sort(&mut self, sort: usize);
}

impl<K: Ord + Clone> AnyList for List<K> {
    fn filter(&self) -> &Filter {
        self.filter()
    }
    fn set_filter(&mut self, filter: Filter) {
        self.set_filter(filter);
    }
    fn toggle_mark(&mut self) {
        self.toggle_mark();
    }
    fn mark_range(&mut self) {
        self.mark_range();
    }
    fn mark_all(&mut self) {
        self.mark_all();
    }
    fn clear_marks(&mut self) -> bool {
        self.clear_marks()
    }
    fn set_sort(&mut self, sort: usize) {
        self.set_sort(sort);
    }
}

/// Draws the screen that is shown.
pub(crate) fn view(app: &App, area: Rect, buf: &mut Buffer) {
    let states = &app.states;
    match &app.place().screen {
        Screen::Pulse => pulse::view(app, &states.pulse, area, buf),
        Screen::Workflows => workflows::view(app, &states.workflows, area, buf),
        Screen::Runs => runs::view(app, &states.runs, area, buf),
        Screen::Run(run) => run::view(app, *run, &states.run, area, buf),
        Screen::Log(of) => log::view(app, of, &states.log, area, buf),
        Screen::Queues => queues::view(app, &states.queues, area, buf),
        Screen::Approvals => approvals::view(app, &states.approvals, area, buf),
    }
}

/// Its name on the way to it.
pub(crate) fn crumb(app: &App, screen: &Screen) -> String {
    match screen {
        Screen::Run(run) => app.store.label(*run),
        Screen::Log(of) => log::crumb(app, of),
        other => other.kind().title().to_owned(),
    }
}

/// What stands right of the way to it: `37 running`.
pub(crate) fn summary(app: &App) -> String {
    match &app.place().screen {
        Screen::Pulse => pulse::summary(app),
        Screen::Workflows => workflows::summary(app),
        Screen::Runs => runs::summary(app),
        Screen::Run(run) => run::summary(app, *run),
        Screen::Log(of) => log::summary(app, of),
        Screen::Queues => queues::summary(app),
        Screen::Approvals => approvals::summary(app),
    }
}

/// What is selected.
pub(crate) fn target(app: &App) -> Target {
    match &app.place().screen {
        Screen::Pulse => pulse::selected(app),
        Screen::Workflows => workflows::selected(app),
        Screen::Runs => runs::selected(app),
        Screen::Run(run) => run::selected(app, *run),
        Screen::Log(of) => log::selected(app, of),
        Screen::Queues => queues::selected(app),
        Screen::Approvals => approvals::selected(app),
    }
}

/// Moves within the screen.
pub(crate) fn step(app: &mut App, step: Step) -> Vec<Effect> {
    match app.kind() {
        Kind::Pulse => pulse::step(app, step),
        Kind::Workflows => workflows::step(app, step),
        Kind::Runs => runs::step(app, step),
        Kind::Run => run::step(app, step),
        Kind::Log => return log::step(app, step),
        Kind::Queues => queues::step(app, step),
        Kind::Approvals => approvals::step(app, step),
    }
    Vec::new()
}

/// Whether there is something to go down into.
pub(crate) fn can_open(app: &App) -> Result<(), String> {
    match app.kind() {
        Kind::Pulse => pulse::can_open(app),
        Kind::Workflows => workflows::can_open(app),
        Kind::Run | Kind::Log => run::can_open(app),
        Kind::Queues => queues::can_open(app),
        Kind::Runs | Kind::Approvals => target(app).run().map(drop),
    }
}

/// Goes down into what is selected.
pub(crate) fn open(app: &mut App) -> Vec<Effect> {
    match app.kind() {
        Kind::Pulse => pulse::open(app),
        Kind::Workflows => workflows::open(app),
        Kind::Run | Kind::Log => run::open(app),
        Kind::Approvals => approvals::open(app),
        Kind::Queues => queues::open(app),
        Kind::Runs => match target(app).run() {
            Ok(run) => {
                let run = run.id;
                app.open(Screen::Run(run))
            }
            Err(_) => Vec::new(),
        },
    }
}

/// What is to be followed for the screen and those above it.
pub(crate) fn topics(app: &App) -> Topics {
    let mut topics = Topics::default();
    for place in &app.places {
        match &place.screen {
            Screen::Pulse => {
                topics.runs = Some(runs::window(app));
                topics.queue = true;
            }
            Screen::Runs => {
                topics.runs = Some(runs::window(app));
                topics.queue = true;
            }
            Screen::Workflows => topics.runs = Some(runs::window(app)),
            Screen::Run(run) => {
                topics.run = Some(*run);
                topics.queue = true;
            }
            Screen::Log(of) => topics.run = Some(of.run),
            Screen::Queues => topics.queue = true,
            Screen::Approvals => {}
        }
    }
    topics
}

/// Brings what the screens derive up to date: rows, selections, scrolling.
pub(crate) fn settle(app: &mut App) {
    queues::arrive(app);
    runs::settle(app);
    match app.kind() {
        Kind::Pulse => pulse::settle(app),
        Kind::Workflows => workflows::settle(app),
        Kind::Runs => {}
        Kind::Run => run::settle(app),
        Kind::Log => log::settle(app),
        Kind::Queues => queues::settle(app),
        Kind::Approvals => approvals::settle(app),
    }
}

/// Called when the screen that is shown has just come; what it asks for first.
pub(crate) fn entered(app: &mut App) -> Vec<Effect> {
    match app.place().screen.clone() {
        Screen::Run(run) => run::entered(app, run),
        Screen::Log(of) => log::entered(app, &of),
        _ => Vec::new(),
    }
}

/// Called when the screen that is shown goes.
pub(crate) fn left(app: &mut App) -> Vec<Effect> {
    match app.kind() {
        Kind::Run => run::left(app),
        Kind::Log => log::left(app),
        _ => Vec::new(),
    }
}

/// Takes in an answer to a question of a screen. One that nobody waits for is dropped there by its ticket.
pub(crate) fn told(app: &mut App, answer: Input) -> Vec<Effect> {
    match app.kind() {
        Kind::Run => run::told(app, answer),
        Kind::Log => log::told(app, answer),
        _ => Vec::new(),
    }
}

/// What the screen that is shown asks for because of what is selected on it.
pub(crate) fn wants(app: &mut App) -> Vec<Effect> {
    match app.kind() {
        Kind::Run => run::wants(app),
        Kind::Log => log::wants(app),
        _ => Vec::new(),
    }
}

/// Closes what is open within the screen; whether anything was.
pub(crate) fn close(app: &mut App) -> bool {
    match app.kind() {
        Kind::Run => run::close(app),
        Kind::Log => log::close(app),
        _ => false,
    }
}

/// The list that filter, marks and sort are about.
pub(crate) fn list(app: &mut App) -> Option<&mut dyn AnyList> {
    let in_running = app.kind() == Kind::Pulse && pulse::is_in_running(app);
    let states = &mut app.states;
    let place = app.places.last()?;
    match place.screen.kind() {
        Kind::Pulse => Some(pulse::list(&mut states.pulse, in_running)),
        Kind::Workflows => Some(&mut states.workflows.list),
        Kind::Runs => Some(&mut states.runs.list),
        Kind::Run => Some(states.run.any_list()),
        Kind::Queues => Some(queues::list(&mut states.queues, place.pane)),
        Kind::Approvals => Some(&mut states.approvals.list),
        Kind::Log => None,
    }
}

/// By what the list can be sorted.
pub(crate) fn sorts(app: &App) -> &'static [&'static str] {
    match app.kind() {
        Kind::Runs => &runs::SORTS,
        Kind::Run => &run::SORTS,
        _ => &[],
    }
}

/// How many panes the screen has.
pub(crate) fn panes(app: &App) -> usize {
    match app.kind() {
        Kind::Pulse => pulse::PANES,
        Kind::Workflows => workflows::PANES,
        Kind::Run => run::panes(app),
        Kind::Queues => queues::PANES,
        Kind::Approvals => approvals::PANES,
        Kind::Runs | Kind::Log => 1,
    }
}

/// What can be copied: how it is called, and the text.
pub(crate) fn copies(app: &App) -> Vec<(String, String)> {
    if app.kind() == Kind::Log {
        return log::copies(app);
    }
    let mut copies = command::copies_of(&target(app));
    if app.kind() == Kind::Runs {
        copies.extend(runs::row_text(app).map(|it| ("row".to_owned(), it)));
    }
    copies
}

/// Commands that only one screen has.
pub(crate) fn commands() -> impl Iterator<Item = &'static [Command]> {
    [run::COMMANDS, log::COMMANDS, queues::COMMANDS].into_iter()
}

/// Whether something on the screen moves with time alone.
pub(crate) fn is_counting(app: &App) -> bool {
    app.kind() != Kind::Log && !app.store.is_empty()
}

pub(crate) fn set_filter(app: &mut App, text: &str) {
    if let Some(list) = list(app) {
        list.set_filter(Filter::new(text));
    }
}

/// How many rows the body of the screen has, titles and rules included.
pub(crate) fn body_rows(app: &App) -> usize {
    usize::from(frame::body(app, Rect::new(0, 0, app.size.0, app.size.1)).height)
}

/// What a list is called by its title.
pub(crate) struct Titled<'a> {
    pub(crate) name: &'a str,
    /// How many rows there are without the filter.
    pub(crate) all: usize,
    pub(crate) sorts: &'a [&'a str],
    /// The fields that its filter knows.
    pub(crate) keys: &'a [&'a str],
    /// The height of its pane, with title and heads of columns.
    pub(crate) height: u16,
}

/// How many rows stand below the last of `height` lines.
fn below<K: Ord + Clone>(list: &List<K>, height: usize) -> usize {
    list.visible(list.rows().len()).len() - list.visible(height).len()
}

/// Until when what goes on is known: the present, or the newest news where no more of them come.
pub(crate) fn known_at(app: &App) -> Timestamp {
    match app.link {
        Link::Up { .. } => app.now,
        _ => app.store.at.min(app.now),
    }
}

/// The title of a list with its count and filter: `RUNS 37 of 1,204, 14 below`, `filter: state:failed`.
pub(crate) fn list_title<K: Ord + Clone>(list: &List<K>, of: &Titled) -> (String, String) {
    let Titled { name, sorts, .. } = of;
    let shown = crate::format::count(list.rows().len() as u64);
    let all = crate::format::count(of.all as u64);
    let title = match list.filter().is_empty() {
        true => format!("{name} {shown}"),
        false => format!("{name} {shown} of {all}"),
    };
    let title = match below(list, usize::from(of.height.saturating_sub(2))) {
        0 => title,
        more => format!("{title}, {} below", crate::format::count(more as u64)),
    };
    let mut hints = Vec::new();
    if !list.filter().is_empty() {
        hints.push(list.filter().told(of.keys));
    }
    hints.extend(sorts.get(list.sort()).map(|it| format!("sort: {it}")));
    (title, hints.join("   "))
}
