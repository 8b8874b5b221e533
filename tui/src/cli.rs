//! The commands, one file a group: text or JSON out.

mod act;
mod approvals;
mod audit;
mod capacity;
mod events;
mod graph;
mod grep;
mod list;
mod logs;
mod pause;
mod plan;
mod queue;
mod replay;
mod rollback;
mod run;
mod show;
mod status;
mod task;
mod test;
#[cfg(test)]
pub(crate) mod tests;
mod up;
mod validate;
mod why;
mod workflow;

use serde::Serialize;
use shared::id::RunId;
use shared::request::PauseWhat;
use shared::snapshot::RunView;

use crate::args::{self, Command, Global};
use crate::client::Client;
use crate::console;
use crate::demo;
use crate::error::{Error, Exit};
use crate::format::View;
use crate::out::Out;
use crate::socket::Places;
use crate::text::Line;

pub(crate) use approvals::approval;
pub(crate) use events::event;
use rollback::Person;
pub(crate) use run::{ended, exit_of};
pub(crate) use why::lines as why_lines;

/// What every command has at hand.
#[derive(Debug)]
pub(crate) struct Cx {
    pub(crate) out: Out,
    pub(crate) global: Global,
}

impl Cx {
    /// A connection to the daemon.
    pub(crate) fn client(&self) -> Result<Client, Error> {
        Client::connect(&Places::of_process().socket(&self.global))
    }

    /// Where and when the output is read.
    pub(crate) fn view(&self) -> View {
        View::here(self.out.width)
    }

    /// Writes an answer: the document for programs, or its lines for people.
    fn answer<T: Serialize>(
        &mut self,
        document: &T,
        lines: impl FnOnce(&T, &View) -> Vec<Line>,
    ) -> Result<Exit, Error> {
        if self.out.json {
            self.out.json(document)?;
        } else {
            let view = self.view();
            self.out.lines(lines(document, &view))?;
        }
        Ok(Exit::Done)
    }
}

/// Carries a command out.
pub(crate) fn execute(cx: &mut Cx, command: Option<Command>) -> Result<Exit, Error> {
    let Some(command) = command else { return console::execute(cx) };
    match command {
        Command::Demo(demo) => demo::execute(cx, &demo),
        Command::Validate { files } => validate::execute(cx, &files),
        Command::Test { files, filter } => test::execute(cx, &files, filter.as_deref()),
        Command::Graph { of, format } => graph::execute(cx, &of, format),
        Command::Workflows => list::workflows(cx),
        Command::Workflow { command } => workflow::execute(cx, command),
        Command::Reload => list::reload(cx),
        Command::Run(run) => run::execute(cx, &run),
        Command::Runs(runs) => list::runs(cx, &runs),
        Command::Show { run, task } => show::execute(cx, &run, task.as_deref()),
        Command::Events { run, follow } => events::execute(cx, &run, follow),
        Command::Replay(asked) => replay::execute(cx, &asked),
        Command::Audit(asked) => audit::execute(cx, &asked),
        Command::Logs(logs) => logs::execute(cx, &logs),
        Command::Why { run, task } => why::execute(cx, &run, task),
        Command::Cancel(cancel) => act::cancel(cx, cancel),
        Command::Retry(retry) => act::retry(cx, retry),
        Command::Rollback(asked) => rollback::execute(cx, asked, Person::of_process),
        Command::Pause(asked) => pause::pause(cx, asked),
        Command::Resume(asked) => pause::resume(cx, asked),
        Command::Hold(on) => task::hold(cx, on),
        Command::Release(asked) => task::release(cx, asked),
        Command::Skip(on) => task::skip(cx, on),
        Command::Mark(mark) => task::mark(cx, mark),
        Command::Requeue(on) => task::requeue(cx, on),
        Command::Edit(asked) => act::edit(cx, asked),
        Command::MapWidth(asked) => task::map_width(cx, asked),
        Command::Priority { run, priority, comment } => {
            act::priority(cx, &run, &priority, comment.text)
        }
        Command::Approvals => approvals::execute(cx),
        Command::Approve { run, task, comment } => act::approve(cx, &run, &task, comment.text),
        Command::Reject { run, task, comment } => act::reject(cx, &run, &task, comment),
        Command::Queue { pool, holders: false } => queue::execute(cx, pool),
        Command::Queue { pool, holders: true } => queue::holders(cx, pool),
        Command::Pools => list::pools(cx),
        Command::Resources => list::resources(cx),
        Command::Resource { command } => capacity::resource(cx, command),
        Command::Drain(drain) => capacity::drain(cx, PauseWhat::All, drain),
        Command::Deadline { run, by, comment } => capacity::deadline(cx, &run, &by, comment.text),
        Command::Pool { command } => pause::pool(cx, command),
        Command::Status => status::execute(cx),
        Command::Up => up::execute(cx),
        Command::Schema => validate::schema(cx),
        Command::Completions { shell } => completions(cx, shell),
    }
}

fn completions(cx: &mut Cx, shell: clap_complete::Shell) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "runyard", &mut script);
    cx.out.log(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// A run as people say it.
pub(crate) fn label(run: &RunView) -> String {
    format!("{}#{}", run.workflow, run.number)
}

/// Whether an argument is a file, and not the name of something. Source: decision 24.
fn is_file(text: &str) -> bool {
    text.contains('/') || text.ends_with(".yaml")
}

/// The whole of a mapped task's items, read a page at a time into the view of its run.
pub(crate) fn items(client: &Client, run: RunId, task: &str) -> Result<RunView, Error> {
    const PAGE: u32 = 1_000;
    let page = |from| {
        let ask = shared::rpc::ItemsOf { task: task.to_owned(), from, limit: PAGE };
        client.show(run, Some(ask))
    };
    let mut view = page(0)?;
    let mut last = view.tasks.len();
    while last == PAGE as usize {
        let next = page(u32::try_from(view.tasks.len()).unwrap_or(u32::MAX))?;
        last = next.tasks.len();
        view.tasks.extend(next.tasks);
    }
    Ok(view)
}
