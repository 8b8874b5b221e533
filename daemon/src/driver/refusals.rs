//! What people were refused, for the audit trail: at most one a second of an actor and a kind of request, the others counted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::audit;
use engine::event::RequestRefused;
use shared::request::{Actor, Refusal, RefusalCode, Request};

/// How long after one that is recorded the others of its kind are only counted.
const EVERY: Duration = Duration::from_secs(1);
/// So many actors and words are told apart; beyond that those are forgotten that have been quiet.
const KINDS_MAX: usize = 1_000;

/// See the module.
#[derive(Default)]
pub(super) struct Refusals {
    kinds: BTreeMap<(String, &'static str), Kind>,
    waiting: Vec<RequestRefused>,
}

/// The refusals of one actor and one word.
struct Kind {
    recorded: Instant,
    /// How many there were since.
    more: u32,
}

impl Refusals {
    /// An actor was refused something.
    pub(super) fn note(
        &mut self,
        now: Instant,
        actor: &Actor,
        request: &Request,
        refusal: &Refusal,
    ) {
        let is_answer = match refusal.code {
            RefusalCode::Invalid | RefusalCode::NotFound | RefusalCode::Conflict => true,
            // Denied is another matter, and what could not be done says nothing of who asked.
            RefusalCode::NotPermitted
            | RefusalCode::Unavailable
            | RefusalCode::Internal
            | RefusalCode::Unknown => false,
        };
        if !is_answer || actor.uid.is_none() {
            return;
        }
        let kind = (actor.name.clone(), request.word());
        let more = match self.kinds.get_mut(&kind) {
            Some(it) if now.saturating_duration_since(it.recorded) < EVERY => {
                it.more = it.more.saturating_add(1);
                return;
            }
            Some(it) => std::mem::take(&mut it.more),
            None => 0,
        };
        if self.kinds.len() >= KINDS_MAX {
            self.kinds.retain(|_, it| now.saturating_duration_since(it.recorded) < EVERY);
        }
        if self.kinds.len() < KINDS_MAX {
            self.kinds.insert(kind, Kind { recorded: now, more: 0 });
            self.waiting.push(audit::refusal(actor, request, refusal, more));
        }
    }

    /// Those that are to be recorded.
    pub(super) fn take(&mut self) -> Vec<RequestRefused> {
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_in_a_second_one_is_recorded_and_the_next_tells_how_many_there_were() {
        let mut refusals = Refusals::default();
        let ann = Actor { name: "user:ann".to_owned(), uid: Some(1_000) };
        let run = shared::id::RunId(1);
        let cancel = Request::Cancel { run, now: false, comment: None };
        let conflict = Refusal::new(RefusalCode::Conflict, "the run has ended");
        let now = Instant::now();
        for _ in 0..5 {
            refusals.note(now, &ann, &cancel, &conflict);
        }
        let recorded = refusals.take();
        assert_eq!(recorded.iter().map(|it| it.more).collect::<Vec<_>>(), [0]);
        assert_eq!(
            (recorded[0].request.as_str(), recorded[0].code.as_str()),
            ("cancel", "conflict")
        );
        refusals.note(now + EVERY, &ann, &cancel, &conflict);
        assert_eq!(refusals.take().iter().map(|it| it.more).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn what_the_daemon_asks_and_what_cannot_be_answered_are_no_matter_for_the_audit() {
        let mut refusals = Refusals::default();
        let ann = Actor { name: "user:ann".to_owned(), uid: Some(1_000) };
        let run = shared::id::RunId(1);
        let cancel = Request::Cancel { run, now: false, comment: None };
        let now = Instant::now();
        let conflict = Refusal::new(RefusalCode::Conflict, "the run has ended");
        refusals.note(now, &Actor::daemon(), &cancel, &conflict);
        let full = Refusal::new(RefusalCode::Unavailable, "the disk is full");
        refusals.note(now, &ann, &cancel, &full);
        assert!(refusals.take().is_empty());
    }
}
