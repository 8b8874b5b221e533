//! What a reader follows: looked at between two turns, and told at most ten times a second.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::state::Run;
use engine::{State, snapshot};
use shared::id::{RunId, Seq};
use shared::request::Refusal;
use shared::rpc::RunsFilter;
use shared::snapshot::RunRow;
use shared::time::Timestamp;
use shared::watch::{ACTIVE_MAX, DaemonView, News, QueueNews, ROWS_MAX, RUNS_MAX, RunNews, Watch};
use shared::workflow::Workflow;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Connection;
use super::look::unreadable;
use crate::changes::Key;
use crate::driver::Readout;
use crate::history::{self, Archive, RunsPage};

/// The time between two answers to one reader.
const PACE: Duration = Duration::from_millis(100);
/// The longest that a reader may wait, in milliseconds: by then it is told that there is nothing new.
const WAIT_MS_MAX: u32 = 25_000;

/// How many pages of ended runs are looked at for one answer.
const PAGES_MAX: usize = 80;
/// More changed runs than this are not told one by one.
const RUNS_AT_ONCE: usize = 1_000;

/// What a look has come to.
struct Look {
    news: News,
    /// The run that the reader shows has ended: it is read elsewhere.
    archive: Option<Archive>,
    /// The reader is to be told all runs of its window.
    all_runs: bool,
}

impl Connection {
    /// Tells what has changed, as soon as something has.
    pub(super) async fn follow(mut self, ask: Watch) -> Result<News, Refusal> {
        let wait = Duration::from_millis(ask.wait_ms.min(WAIT_MS_MAX).into());
        let until = Instant::now() + wait;
        // What a person has just turned to is told at once.
        let mut is_new = ask.topics != ask.told;
        loop {
            if !std::mem::take(&mut is_new) {
                sleep_until(self.next_answer()).await;
            }
            // Marked before it is looked: what comes in between is not slept over.
            self.published.mark_unchanged();
            let asked = ask.clone();
            let core = self.core.clone();
            let look = move |it: &Readout<'_>| look(it, &asked, &core.view);
            let looked = self.core.inbox.ask(look).await?;
            self.answered();
            if let Some(look) = looked? {
                return self.complete(look, &ask).await;
            }
            if timeout_at(until, self.published.changed()).await.is_err() {
                return Ok(News { epoch: ask.epoch, cursor: ask.cursor, ..News::default() });
            }
        }
    }

    fn next_answer(&self) -> Instant {
        let last = *self.paced.lock().expect("no holder panics");
        last.map_or_else(Instant::now, |it| it + PACE)
    }

    fn answered(&self) {
        *self.paced.lock().expect("no holder panics") = Some(Instant::now());
    }

    /// Adds what is read from the disk, without the driver having to wait for it.
    async fn complete(&self, look: Look, ask: &Watch) -> Result<News, Refusal> {
        let Look { mut news, archive, all_runs } = look;
        if let Some(archive) = archive {
            let read = tokio::task::spawn_blocking(move || archive.read()).await;
            news.run = match read {
                Ok(Ok(it)) => {
                    let view = snapshot::run_view(&it.run, &it.workflow, None, news.cursor);
                    Some(RunNews::Whole(Box::new(view)))
                }
                Ok(Err(problem)) => return Err(unreadable(&problem)),
                Err(_) => None,
            };
        }
        if let (true, Some(window)) = (all_runs, &ask.topics.runs) {
            let filter = RunsFilter {
                workflow: window.workflow.as_ref().map(ToString::to_string),
                state: window.state.clone(),
                since: None,
                limit: window.limit.clamp(1, RUNS_MAX),
            };
            let known: BTreeSet<RunId> = news.runs.iter().map(|it| it.id).collect();
            let rows = self.ended_runs(filter).await?;
            news.runs.extend(rows.into_iter().filter(|it| !known.contains(&it.id)));
            news.all_runs = true;
        }
        Ok(news)
    }

    /// The newest runs that have ended, a page at a time: between two pages the driver does its work.
    async fn ended_runs(&self, filter: RunsFilter) -> Result<Vec<RunRow>, Refusal> {
        let limit = filter.limit as usize;
        let mut rows = Vec::new();
        let mut page = RunsPage::default();
        // A filter that hardly anything passes must not read all history.
        for _ in 0..PAGES_MAX {
            if rows.len() >= limit {
                break;
            }
            let (asked, after) = (filter.clone(), page);
            let look = move |it: &Readout<'_>| history::ended_page(it, &asked, after);
            let (more, next) = self.core.inbox.ask(look).await?.map_err(|it| unreadable(&it))?;
            rows.extend(more);
            match next {
                Some(next) => page = next,
                None => break,
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }
}

/// What there is to tell; `None` if nothing that the reader shows has changed.
fn look(readout: &Readout<'_>, ask: &Watch, fixed: &DaemonView) -> Result<Option<Look>, Refusal> {
    let changes = readout.changes;
    let same_life = ask.epoch == changes.epoch;
    let since = if same_life { changes.since(ask.cursor.0) } else { None };
    let Some(keys) = since else { return whole(readout, ask, fixed).map(Some) };
    let keys: Vec<&Key> = keys.collect();
    // Whoever has missed so much is better told all that there is.
    if keys.iter().filter(|it| matches!(it, Key::Run(_))).count() > RUNS_AT_ONCE {
        return whole(readout, ask, fixed).map(Some);
    }
    let new_topics = ask.topics != ask.told;
    if keys.is_empty() && !new_topics {
        return Ok(None);
    }
    let state = readout.state;
    let mut news = begun(readout);
    let has = |key: Key| keys.contains(&&key);
    let pools = has(Key::Pools);
    if has(Key::Daemon) || (pools && !state.pauses.is_empty()) {
        news.daemon = Some(daemon(readout, fixed));
    }
    if pools {
        news.pools = Some(snapshot::pools(state));
    }
    if has(Key::Approvals) {
        news.approvals = Some(approvals(state));
    }
    if ask.topics.queue && (pools || !ask.told.queue) {
        news.queue = Some(queue(state));
    }
    let runs = keys.iter().filter_map(|it| match it {
        Key::Run(run) => Some(*run),
        _ => None,
    });
    for run in runs {
        let row = match state.runs.get(&run) {
            Some(it) => Some(snapshot::run_row(it, workflow_of(state, run), Some(state))),
            None => history::ended_row(readout, run).map_err(|it| unreadable(&it))?,
        };
        news.runs.extend(row);
    }
    news.workflows = workflows(state, &keys, &news.runs);
    let archive = match (ask.topics.run, ask.told.run == ask.topics.run) {
        (None, _) => None,
        (Some(run), false) => whole_run(readout, run, &mut news)?,
        (Some(run), true) if keys.contains(&&Key::Run(run)) => {
            part_of_run(readout, run, &keys, &mut news)?
        }
        (Some(_), true) => None,
    };
    let all_runs = ask.topics.runs.is_some() && ask.topics.runs != ask.told.runs;
    if all_runs {
        let known: BTreeSet<RunId> = news.runs.iter().map(|it| it.id).collect();
        let active = active(state).into_iter().filter(|it| !known.contains(&it.id));
        news.runs.extend(active.collect::<Vec<_>>());
    }
    Ok(Some(Look { news, archive, all_runs }))
}

/// Everything, for a reader that knows nothing that counts.
fn whole(readout: &Readout<'_>, ask: &Watch, fixed: &DaemonView) -> Result<Look, Refusal> {
    let state = readout.state;
    let mut news = News {
        whole: true,
        daemon: Some(daemon(readout, fixed)),
        workflows: snapshot::workflows(state),
        pools: Some(snapshot::pools(state)),
        approvals: Some(approvals(state)),
        queue: ask.topics.queue.then(|| queue(state)),
        runs: active(state),
        ..begun(readout)
    };
    let archive = match ask.topics.run {
        Some(run) => whole_run(readout, run, &mut news)?,
        None => None,
    };
    Ok(Look { news, archive, all_runs: ask.topics.runs.is_some() })
}

fn begun(readout: &Readout<'_>) -> News {
    News {
        epoch: readout.changes.epoch,
        cursor: Seq(readout.changes.count()),
        at: Timestamp::from(jiff::Timestamp::now()),
        ..News::default()
    }
}

fn daemon(readout: &Readout<'_>, fixed: &DaemonView) -> DaemonView {
    DaemonView {
        store: readout.degraded.unwrap_or("ok").to_owned(),
        runs: snapshot::run_counts(readout.state),
        pause: snapshot::pause_of_all(readout.state),
        ..fixed.clone()
    }
}

fn approvals(state: &State) -> Vec<shared::snapshot::ApprovalRow> {
    let mut rows = snapshot::approvals(state);
    rows.truncate(ROWS_MAX);
    rows
}

fn queue(state: &State) -> QueueNews {
    QueueNews {
        queue: snapshot::queue(state, None, ROWS_MAX),
        holders: snapshot::holders(state, None, ROWS_MAX),
    }
}

fn workflow_of(state: &State, run: RunId) -> &Workflow {
    &state.definition(run).workflow
}

/// The runs that are not over, newest first.
fn active(state: &State) -> Vec<RunRow> {
    let mut runs: Vec<&Run> = state.runs.values().collect();
    runs.sort_unstable_by_key(|it| std::cmp::Reverse((it.created_at, it.id)));
    runs.truncate(ACTIVE_MAX);
    let row = |it: &Run| snapshot::run_row(it, workflow_of(state, it.id), Some(state));
    runs.into_iter().map(row).collect()
}

/// The workflows that have changed: by themselves, by their runs, or by what waits for the end of their pause.
fn workflows(state: &State, keys: &[&Key], runs: &[RunRow]) -> Vec<shared::snapshot::WorkflowRow> {
    let changed = keys.iter().filter_map(|it| match it {
        Key::Workflow(name) => Some(name),
        _ => None,
    });
    let paused = state.pauses.keys().filter_map(|it| match it {
        shared::request::PauseWhat::Workflow(name) => Some(name),
        _ => None,
    });
    let of_runs = runs.iter().map(|it| &it.workflow);
    let names: BTreeSet<_> = changed.chain(paused).chain(of_runs).collect();
    names.into_iter().filter_map(|it| snapshot::workflow(state, it)).collect()
}

/// All of a run; of one that has ended, where it is.
fn whole_run(
    readout: &Readout<'_>,
    run: RunId,
    news: &mut News,
) -> Result<Option<Archive>, Refusal> {
    let state = readout.state;
    if let Some(it) = state.runs.get(&run) {
        let view = snapshot::run_view(it, workflow_of(state, run), Some(state), news.cursor);
        news.run = Some(RunNews::Whole(Box::new(view)));
        return Ok(None);
    }
    let archive = readout.history.find_archive(readout.store, run).map_err(|it| unreadable(&it))?;
    if archive.is_none() {
        news.run = Some(RunNews::Gone);
    }
    Ok(archive)
}

fn part_of_run(
    readout: &Readout<'_>,
    run: RunId,
    keys: &[&Key],
    news: &mut News,
) -> Result<Option<Archive>, Refusal> {
    let state = readout.state;
    let Some(it) = state.runs.get(&run) else { return whole_run(readout, run, news) };
    let definition = state.definition(run);
    let workflow = &definition.workflow;
    let tasks = keys.iter().filter_map(|key| match key {
        Key::Task(of, task) if *of == run => definition.place(task),
        _ => None,
    });
    let tasks = tasks.filter_map(|place| Some((place, snapshot::task_at(it, workflow, place)?)));
    let tasks = tasks.collect();
    let head = snapshot::run_head(it, workflow, Some(state), news.cursor);
    news.run = Some(RunNews::Part(Box::new(head), tasks));
    Ok(None)
}
