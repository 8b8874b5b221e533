//! The link to the daemon: news over one connection, which is made again whenever it breaks, and what is asked beside it;
//! logs and other large answers over a second one.

mod ask;
mod keep;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use console::Input;
use shared::id::{RunId, Seq, WorkflowName};
use shared::request::{Act, Refusal, RefusalCode, Request};
use shared::rpc::DaemonClient;
use shared::watch::Topics;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;

use crate::client::Dialed;
use console::effect::{ItemsAsk, LogAsk, LogSearch};
use console::input::{LogTicket, Ticket};

/// Asks the daemon. Every answer goes to the [`Inbox`].
#[derive(Debug)]
pub(super) struct Link {
    socket: PathBuf,
    asked: watch::Sender<Option<Asked>>,
    current: watch::Receiver<Current>,
    bulk: Arc<Mutex<Option<Bulk>>>,
    answers: mpsc::UnboundedSender<Input>,
    log_questions: JoinSet<()>,
}

/// Where answers and news arrive. The daemon is asked for more news only when the last have been taken out.
#[derive(Debug)]
pub(super) struct Inbox {
    news: mpsc::Receiver<Input>,
    answers: mpsc::UnboundedReceiver<Input>,
}

/// What the daemon is to tell.
#[derive(Clone, Default, Debug)]
struct Asked {
    /// How many times everything was asked for anew.
    anew: u64,
    topics: Topics,
    began: Began,
}

/// How many times each topic has changed. One that was left and came back has to be told whole again, even where nothing was
/// told in between: whoever left it has forgotten it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Began {
    runs: u64,
    run: u64,
    queue: u64,
}

/// The connection as it is.
#[derive(Clone, Debug)]
struct Current {
    /// Which connection it is or was, counted up.
    generation: u64,
    /// The daemon, or why there is none.
    daemon: Result<DaemonClient, String>,
}

/// The connection for what is large.
#[derive(Debug)]
struct Bulk {
    /// Beside which connection it was made.
    generation: u64,
    daemon: DaemonClient,
}

impl Link {
    /// Keeps the link to the daemon at `socket`, over `first` for as long as that lasts. Must be called inside the runtime.
    pub(super) fn start(socket: PathBuf, first: Option<Dialed>) -> (Self, Inbox) {
        let (asked, its_asked) = watch::channel(None);
        let (its_news, news) = mpsc::channel(1);
        let (answers, its_answers) = mpsc::unbounded_channel();
        let none = Current { generation: 0, daemon: Err("not connected yet".to_owned()) };
        let (its_current, current) = watch::channel(none);
        let keeper = keep::Keeper::new(socket.clone(), its_asked, its_news, its_current);
        tokio::spawn(keeper.keep(first));
        let bulk = Arc::default();
        let log_questions = JoinSet::new();
        let link = Self { socket, asked, current, bulk, answers, log_questions };
        (link, Inbox { news, answers: its_answers })
    }

    /// Whether the connection stands.
    pub(super) fn is_up(&self) -> bool {
        self.current.borrow().daemon.is_ok()
    }

    /// What to tell from now on; the same again asks for all of it anew. Whether new things will be told at once.
    pub(super) fn watch(&mut self, topics: Topics) -> bool {
        let before = self.asked.borrow().clone();
        let is_first = before.is_none();
        let Asked { anew, topics: old, began } = before.unwrap_or_default();
        let same = old == topics && !is_first;
        let news = is_first || same || adds(&old, &topics);
        let began = Began {
            runs: began.runs + u64::from(old.runs != topics.runs),
            run: began.run + u64::from(old.run != topics.run),
            queue: began.queue + u64::from(old.queue != topics.queue),
        };
        self.asked.send_replace(Some(Asked { anew: anew + u64::from(same), topics, began }));
        self.is_up() && news
    }

    /// Puts an answer among those of the daemon.
    pub(super) fn answers(&self) -> mpsc::UnboundedSender<Input> {
        self.answers.clone()
    }

    pub(super) fn plan(&self, ticket: Ticket, request: Request) {
        self.ask(
            move |it, cx| async move { it.plan(cx, request).await },
            move |answer| Input::Planned(ticket, answer),
        );
    }

    pub(super) fn act(&self, ticket: Ticket, act: Act) {
        self.request(
            move |it, cx| async move { it.act(cx, act).await },
            move |answer| Input::Answered(ticket, answer),
        );
    }

    pub(super) fn why(&self, ticket: Ticket, run: RunId, task: Option<String>) {
        self.ask(
            move |it, cx| async move { it.why(cx, run, task).await },
            move |answer| Input::Why(ticket, answer),
        );
    }

    pub(super) fn items(&self, ticket: Ticket, ask: ItemsAsk) {
        let ItemsAsk { run, task, from, limit } = ask;
        let items = shared::rpc::ItemsOf { task, from, limit };
        tokio::spawn(self.ask_bulk(
            0,
            move |it, cx| async move { it.show(cx, run, Some(items)).await },
            move |answer| Input::Items(ticket, answer),
        ));
    }

    pub(super) fn graph(&self, ticket: Ticket, workflow: WorkflowName) {
        tokio::spawn(self.ask_bulk(
            0,
            move |it, cx| async move { it.graph(cx, workflow.to_string()).await },
            move |answer| Input::Graph(ticket, answer),
        ));
    }

    pub(super) fn events(&self, ticket: Ticket, run: RunId, after: Seq) {
        tokio::spawn(self.ask_bulk(
            0,
            move |it, cx| async move { it.events(cx, run, after, 0).await },
            move |answer| Input::Events(ticket, answer),
        ));
    }

    pub(super) fn read_log(&mut self, ticket: LogTicket, ask: LogAsk) {
        let wait_ms = if ask.follow { ask::FOLLOW_MS } else { 0 };
        let ask = ask::log(ask, wait_ms);
        let question = self.ask_bulk(
            wait_ms,
            move |it, cx| async move { it.log(cx, ask).await },
            move |answer| Input::Log(ticket, answer),
        );
        self.spawn_log(question);
    }

    pub(super) fn search_log(&mut self, ticket: LogTicket, search: LogSearch) {
        let search = ask::search(search);
        let question = self.ask_bulk(
            0,
            move |it, cx| async move { it.search_log(cx, search).await },
            move |answer| Input::LogFound(ticket, answer),
        );
        self.spawn_log(question);
    }

    /// Forgets every question about logs that has no answer yet; the daemon stops looking too.
    pub(super) fn stop_log(&mut self) {
        self.log_questions.abort_all();
    }

    fn spawn_log(&mut self, question: impl Future<Output = ()> + Send + 'static) {
        while self.log_questions.try_join_next().is_some() {}
        self.log_questions.spawn(question);
    }
}

impl Inbox {
    /// The next. Cancel safe. Never ends: where nothing can come any more, it waits.
    pub(super) async fn recv(&mut self) -> Input {
        tokio::select! {
            biased;
            Some(input) = self.answers.recv() => input,
            Some(input) = self.news.recv() => input,
            else => std::future::pending().await,
        }
    }

    /// The next, if there is one.
    pub(super) fn try_recv(&mut self) -> Option<Input> {
        self.answers.try_recv().or_else(|_| self.news.try_recv()).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.news.is_empty()
    }
}

impl Current {
    fn of_generation(&self, generation: u64) -> bool {
        self.generation == generation && self.daemon.is_ok()
    }

    fn daemon(&self) -> Result<(u64, DaemonClient), Refusal> {
        match &self.daemon {
            Ok(daemon) => Ok((self.generation, daemon.clone())),
            Err(reason) => Err(Refusal::new(RefusalCode::Unavailable, reason.clone())),
        }
    }
}

/// Whether there is something in `new` that `old` has not.
fn adds(old: &Topics, new: &Topics) -> bool {
    (new.run.is_some() && new.run != old.run)
        || (new.runs.is_some() && new.runs != old.runs)
        || (new.queue && !old.queue)
}
