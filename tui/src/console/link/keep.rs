//! Keeps the connection, and asks it for news.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use console::Input;
use console::input::Link as State;
use shared::id::Seq;
use shared::request::Refusal;
use shared::rpc::DaemonClient;
use shared::time::Timestamp;
use shared::watch::{News, Topics, Watch};
use tarpc::client::RpcError;
use tarpc::context;
use tokio::sync::{mpsc, watch};
use tokio::time::error::Elapsed;
use tokio::time::{sleep, timeout};

use super::{Asked, Began, Current};
use crate::client::{Dialed, dial};
use crate::console::now;

/// How long the daemon waits where nothing has changed.
const WAIT: Duration = Duration::from_secs(3);
/// How much longer its answer may take before it counts as hung.
const SILENCE: Duration = Duration::from_secs(3);

/// A connection that stood for so long has done some good, and the next is tried at once when it breaks.
const STEADY: Duration = Duration::from_secs(1);
/// The waits between tries: doubled from the first to the last, but to no more than `EAGER` while the loss is young.
const FIRST: Duration = Duration::from_millis(200);
const EAGER: Duration = Duration::from_millis(800);
const LAST: Duration = Duration::from_secs(5);
const YOUNG: Duration = Duration::from_secs(60);

/// Nobody listens any more.
struct Over;

/// The task that keeps the link.
#[derive(Debug)]
pub(super) struct Keeper {
    socket: PathBuf,
    asked: watch::Receiver<Option<Asked>>,
    news: mpsc::Sender<Input>,
    current: watch::Sender<Current>,
    /// When the daemon was heard of the last time, or the start.
    heard: Timestamp,
    said: Option<State>,
}

impl Keeper {
    pub(super) fn new(
        socket: PathBuf,
        asked: watch::Receiver<Option<Asked>>,
        news: mpsc::Sender<Input>,
        current: watch::Sender<Current>,
    ) -> Self {
        Self { socket, asked, news, current, heard: now(), said: None }
    }

    /// Goes on until nobody listens.
    pub(super) async fn keep(mut self, mut first: Option<Dialed>) {
        let mut tries = Tries::default();
        loop {
            let dialed = match first.take() {
                Some(dialed) => Ok(dialed),
                None => dial(&self.socket).await,
            };
            let told = match dialed {
                Ok(dialed) => {
                    let began = Instant::now();
                    let loss = self.follow(dialed).await;
                    if began.elapsed() >= STEADY {
                        tries = Tries::default();
                    }
                    match loss {
                        Ok(reason) => self.lose(reason).await.map(|()| tries.next()),
                        Err(Over) => Err(Over),
                    }
                }
                Err(error) if error.is_absence() => {
                    self.lose(error.message()).await.map(|()| tries.next())
                }
                Err(error) => {
                    let help = error.help().unwrap_or_default();
                    let refused = State::Refused { reason: error.message(), help };
                    self.say(refused).await.map(|()| LAST)
                }
            };
            let Ok(wait) = told else { return };
            if self.rest(wait).await.is_err() {
                return;
            }
        }
    }

    /// Uses a connection until it breaks; why it did.
    async fn follow(&mut self, dialed: Dialed) -> Result<String, Over> {
        let Dialed { daemon, version } = dialed;
        self.heard = now();
        let generation = self.current.borrow().generation + 1;
        self.current.send_replace(Current { generation, daemon: Ok(daemon.clone()) });
        self.say(State::Up { version }).await?;
        let loss = self.watch(&daemon).await;
        let reason = loss.as_ref().map_or("closed", String::as_str).to_owned();
        self.current.send_replace(Current { generation, daemon: Err(reason) });
        loss
    }

    async fn watch(&mut self, daemon: &DaemonClient) -> Result<String, Over> {
        let mut place = Place::default();
        loop {
            // Nothing more is asked for before the last was taken: what is told then is the newest.
            let Ok(room) = self.news.reserve().await else { return Err(Over) };
            let Some(asked) = self.asked.borrow_and_update().clone() else {
                self.asked.changed().await.map_err(|_| Over)?;
                continue;
            };
            if place.anew != asked.anew {
                place = Place { anew: asked.anew, ..Place::default() };
            }
            let mut context = context::current();
            context.deadline = Instant::now() + WAIT + SILENCE;
            let answer = timeout(WAIT + SILENCE, daemon.watch(context, place.watch(&asked)));
            tokio::select! {
                biased;
                answer = answer => match told(answer) {
                    Ok(news) => {
                        self.heard = now();
                        place.advance(&news, asked);
                        room.send(Input::News(Box::new(news)));
                    }
                    Err(reason) => return Ok(reason),
                },
                // The question is dropped, and with it the daemon's wait.
                changed = self.asked.changed() => changed.map_err(|_| Over)?,
            }
        }
    }

    async fn lose(&mut self, reason: String) -> Result<(), Over> {
        let since = self.heard;
        self.say(State::Lost { since, reason }).await
    }

    /// Says how the link is, unless that was said already.
    async fn say(&mut self, state: State) -> Result<(), Over> {
        if self.said.as_ref() == Some(&state) {
            return Ok(());
        }
        self.said = Some(state.clone());
        self.news.send(Input::Link(state)).await.map_err(|_| Over)
    }

    /// Waits for the next try. A person who asks for something cuts it short.
    async fn rest(&mut self, wait: Duration) -> Result<(), Over> {
        tokio::select! {
            () = sleep(wait) => Ok(()),
            changed = self.asked.changed() => changed.map_err(|_| Over),
            () = self.news.closed() => Err(Over),
        }
    }
}

/// How far the reader has come on this connection. The start asks for everything.
#[derive(Default, Debug)]
struct Place {
    anew: u64,
    epoch: u64,
    cursor: Seq,
    told: Topics,
    /// What `told` is of.
    began: Began,
}

impl Place {
    fn watch(&self, asked: &Asked) -> Watch {
        Watch {
            epoch: self.epoch,
            cursor: self.cursor,
            topics: asked.topics.clone(),
            told: self.told_of(asked.began),
            wait_ms: u32::try_from(WAIT.as_millis()).unwrap_or(u32::MAX),
        }
    }

    /// What was told of the topics and not left since.
    fn told_of(&self, began: Began) -> Topics {
        let Topics { runs, run, queue } = self.told.clone();
        Topics {
            runs: runs.filter(|_| self.began.runs == began.runs),
            run: run.filter(|_| self.began.run == began.run),
            queue: queue && self.began.queue == began.queue,
        }
    }

    fn advance(&mut self, news: &News, asked: Asked) {
        (self.epoch, self.cursor) = (news.epoch, news.cursor);
        (self.told, self.began) = (asked.topics, asked.began);
    }
}

/// What the daemon told, or why it is lost.
fn told(answer: Result<Result<Result<News, Refusal>, RpcError>, Elapsed>) -> Result<News, String> {
    match answer {
        Err(_) | Ok(Err(RpcError::DeadlineExceeded)) => {
            Err(format!("no answer for {} s", (WAIT + SILENCE).as_secs()))
        }
        Ok(Err(RpcError::Server(error))) => Err(error.detail),
        Ok(Err(RpcError::Shutdown | RpcError::Send(_) | RpcError::Channel(_))) => {
            Err("the connection broke".to_owned())
        }
        Ok(Ok(Err(refusal))) => Err(refusal.message),
        Ok(Ok(Ok(news))) => Ok(news),
    }
}

/// The waits between tries.
#[derive(Default, Debug)]
struct Tries {
    made: u32,
    since: Option<Instant>,
}

impl Tries {
    /// How long to wait before the next: not at all before the first.
    fn next(&mut self) -> Duration {
        let lost = self.since.get_or_insert_with(Instant::now).elapsed();
        let made = self.made;
        self.made += 1;
        wait(made, lost)
    }
}

fn wait(made: u32, lost: Duration) -> Duration {
    if made == 0 {
        return Duration::ZERO;
    }
    let most = if lost < YOUNG { EAGER } else { LAST };
    let wait = FIRST.saturating_mul(2_u32.saturating_pow(made - 1)).min(most);
    // Up to a fifth less, so that those who lost one daemon do not come back as one.
    let fifths = std::process::id().wrapping_mul(2_654_435_761).wrapping_add(made * 97) % 100;
    wait - wait / 5 * fifths / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_and_stay_short_while_the_loss_is_young() {
        assert_eq!(wait(0, Duration::ZERO), Duration::ZERO);
        for (made, most) in [(1, FIRST), (2, FIRST * 2), (3, EAGER), (9, EAGER)] {
            let wait = wait(made, Duration::ZERO);
            assert!(wait <= most && wait > most * 3 / 4, "{made}: {wait:?}");
        }
        let late = wait(100, YOUNG);
        assert!(late <= LAST && late > LAST * 3 / 4, "{late:?}");
    }

    #[test]
    fn the_start_asks_for_everything_and_what_follows_for_what_has_changed() {
        let mut place = Place::default();
        let topics = Topics { queue: true, ..Topics::default() };
        let began = Began { queue: 1, ..Began::default() };
        let asked = Asked { anew: 0, topics: topics.clone(), began };
        let first = place.watch(&asked);
        assert_eq!((first.epoch, first.told), (0, Topics::default()));
        let news = News { epoch: 7, cursor: Seq(3), ..News::default() };
        place.advance(&news, asked.clone());
        let next = place.watch(&asked);
        assert_eq!((next.epoch, next.cursor, next.told), (7, Seq(3), topics));
        // It was left and asked for again before anything more was told.
        let again = Asked { began: Began { queue: 3, ..began }, ..asked };
        assert_eq!(place.watch(&again).told, Topics::default());
    }
}
