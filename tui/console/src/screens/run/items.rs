//! The items of the mapped task that is selected: asked for page by page, the failed ones first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use shared::id::{RunId, TaskPath};
use shared::request::Refusal;
use shared::snapshot::{RunView, TaskView};
use shared::time::Timestamp;

use super::task::{is_failed_task, keeps, path, rank, why};
use crate::effect::{Effect, ItemsAsk};
use crate::input::Ticket;
use crate::list::List;

/// How many items are asked for at once.
const PAGE: u32 = 500;
/// The most items that are shown.
const ITEMS_MAX: usize = 10_000;
/// How long what was told is good enough.
const PAUSE: Duration = Duration::from_secs(2);

/// What is known of the items of one task.
#[derive(Default, Debug)]
pub(super) struct Items {
    /// Of which task.
    pub(super) of: Option<String>,
    /// Whether they are shown as a list.
    pub(super) open: bool,
    pub(super) list: List<TaskPath>,
    /// In the order of the file.
    rows: Vec<TaskView>,
    /// Failed ones first.
    order: Vec<TaskPath>,
    place_of: BTreeMap<TaskPath, usize>,
    /// How many failed for each reason, most first.
    pub(super) groups: Vec<(String, usize)>,
    pub(super) refused: Option<String>,
    /// The counts when `rows` was asked for; absent where it never was.
    made_of: Option<BTreeMap<String, u32>>,
    coming: Vec<TaskView>,
    asked: Option<(Ticket, BTreeMap<String, u32>)>,
    asked_at: Option<Timestamp>,
    revision: u64,
}

impl Items {
    /// Whether they have been told.
    pub(super) fn are_known(&self) -> bool {
        self.made_of.is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, key: &TaskPath) -> Option<&TaskView> {
        self.place_of.get(key).and_then(|it| self.rows.get(*it))
    }

    pub(super) fn settle(&mut self, page: usize) {
        let (rows, place_of) = (&self.rows, &self.place_of);
        let order = &self.order;
        let of = |key: &TaskPath| place_of.get(key).and_then(|it| rows.get(*it));
        self.list.settle(self.revision, 0, page, |filter, _| {
            let is_kept = |key: &&TaskPath| of(key).is_some_and(|it| keeps(filter, it));
            order.iter().filter(is_kept).cloned().collect()
        });
    }

    /// What is to be asked: of another task at once, of the same one where its counts are others, not too often.
    ///
    /// - `task`: the mapped task that is selected; `run`: its run.
    /// - `ticket`: makes the name of a question.
    pub(super) fn wants(
        &mut self,
        now: Timestamp,
        (run, task): (RunId, Option<&TaskView>),
        ticket: impl FnOnce() -> Ticket,
    ) -> Option<Effect> {
        let name = task.map(|it| &it.task);
        if self.of.as_ref() != name {
            let asked_at = self.asked_at;
            *self = Self { of: name.cloned(), asked_at, ..Self::default() };
        }
        let task = task?;
        let rests = self.asked_at.is_some_and(|it| {
            let pause = if self.are_known() { PAUSE } else { Duration::from_millis(200) };
            now.since(it) < pause && now >= it
        });
        let told = self.made_of.as_ref() == Some(&task.items) || self.refused.is_some();
        if rests || told || self.asked.is_some() {
            return None;
        }
        self.coming.clear();
        self.asked_at = Some(now);
        let ticket = ticket();
        self.asked = Some((ticket, task.items.clone()));
        Some(Effect::Items(ticket, page(run, &task.task, 0)))
    }

    /// Forgets a question whose answer may never come.
    pub(super) fn forget(&mut self) {
        self.asked = None;
        self.refused = None;
    }

    /// Takes in an answer; asks for the next page where there may be one.
    pub(super) fn told(
        &mut self,
        of: Ticket,
        run: RunId,
        answer: Result<RunView, Refusal>,
        ticket: impl FnOnce() -> Ticket,
    ) -> Option<Effect> {
        let (asked, counts) = self.asked.take()?;
        if asked != of {
            self.asked = Some((asked, counts));
            return None;
        }
        let task = self.of.clone()?;
        match answer {
            Ok(answer) => {
                let full = answer.tasks.len() >= PAGE as usize;
                self.coming.extend(answer.tasks);
                if full && self.coming.len() < ITEMS_MAX {
                    let ticket = ticket();
                    self.asked = Some((ticket, counts));
                    let from = u32::try_from(self.coming.len()).unwrap_or(u32::MAX);
                    return Some(Effect::Items(ticket, page(run, &task, from)));
                }
                self.made_of = Some(counts);
                self.take(&task);
            }
            Err(refusal) => self.refused = Some(refusal.message),
        }
        None
    }

    fn take(&mut self, task: &str) {
        self.rows = std::mem::take(&mut self.coming);
        self.rows.retain(|it| it.task == task && it.item.is_some());
        self.rows.truncate(ITEMS_MAX);
        self.place_of = self.rows.iter().enumerate().map(|(at, it)| (path(it), at)).collect();
        let mut order: Vec<&TaskView> = self.rows.iter().collect();
        order.sort_by_key(|it| rank(it));
        self.order = order.into_iter().map(path).collect();
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for item in self.rows.iter().filter(|it| is_failed_task(it)) {
            *groups.entry(why(item).to_owned()).or_default() += 1;
        }
        self.groups = groups.into_iter().collect();
        self.groups.sort_by_key(|it| Reverse(it.1));
        self.revision += 1;
    }
}

fn page(run: RunId, task: &str, from: u32) -> ItemsAsk {
    ItemsAsk { run, task: task.to_owned(), from, limit: PAGE }
}
