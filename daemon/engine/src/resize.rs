//! How much capacity there is: as the configuration says, and as a person has it changed while tasks run.

use shared::capacity::Capacity;
use shared::diagnostic::nearest;
use shared::id::{PoolName, ResourceName, RunId};
use shared::request::{Actor, Answer, Refusal, RefusalCode};
use shared::time::Timestamp;

use crate::event::Event;
use crate::person::conflict;
use crate::step::Turn;

/// More slots, or more of a resource, are a mistake.
const AMOUNT_MAX: u32 = 1_000_000;

impl Turn<'_> {
    /// Takes in what the configuration says; what is as it was is no event.
    pub(crate) fn configure(&mut self, capacity: Capacity) {
        let same_pools = capacity.pools.len() == self.state.pools.len()
            && capacity
                .pools
                .iter()
                .all(|(name, size)| self.state.pools.get(name).is_some_and(|it| it.size == *size));
        let same_resources = capacity.resources.len() == self.state.resources.len()
            && capacity.resources.iter().all(|(name, size)| {
                self.state.resources.get(name).is_some_and(|it| it.size == *size)
            });
        if !same_pools || !same_resources || capacity.queue != self.state.queue {
            self.emit(Event::Configured(Box::new(capacity)));
        }
    }

    /// Gives a pool another number of slots. What runs goes on; nothing starts until there is room.
    pub(crate) fn resize_pool(
        &mut self,
        actor: Actor,
        pool: PoolName,
        slots: Option<u32>,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let Some(it) = self.state.pools.get(&pool) else {
            let names = self.state.pools.keys().map(|it| it.as_str());
            return Err(unknown("pool", pool.as_str(), names, "`runyard pools` lists them"));
        };
        fits(slots, "a pool", "`runyard pool pause` lets nothing start")?;
        if it.resized != slots.filter(|slots| *slots != it.size.slots) {
            let slots = slots.filter(|slots| *slots != it.size.slots);
            self.emit(Event::PoolResized { pool, slots, actor, comment });
        }
        Ok(Answer::Done)
    }

    /// Gives a resource another amount.
    pub(crate) fn resize_resource(
        &mut self,
        actor: Actor,
        resource: ResourceName,
        amount: Option<u32>,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let Some(it) = self.state.resources.get(&resource) else {
            let names = self.state.resources.keys().map(|it| it.as_str());
            let help = "`runyard resources` lists them";
            return Err(unknown("resource", resource.as_str(), names, help));
        };
        if amount.is_some_and(|it| it > AMOUNT_MAX) {
            let message = format!("at most {AMOUNT_MAX} of a resource make sense");
            return Err(Refusal::new(RefusalCode::Invalid, message));
        }
        let amount = amount.filter(|amount| *amount != it.size.amount);
        if it.resized != amount {
            self.emit(Event::ResourceResized { resource, amount, actor, comment });
        }
        Ok(Answer::Done)
    }

    /// Gives a run another deadline.
    pub(crate) fn set_deadline(
        &mut self,
        actor: Actor,
        run: RunId,
        by: Option<Timestamp>,
        comment: Option<String>,
    ) -> Result<Answer, Refusal> {
        let Some(it) = self.state.runs.get(&run) else {
            return Err(conflict("the run has ended".to_owned()));
        };
        if by.is_some_and(|it| it <= self.now) {
            let refusal = Refusal::new(RefusalCode::Invalid, "the deadline would be in the past");
            return Err(refusal.help("give an instant to come, or for how long"));
        }
        if it.deadline != by {
            self.emit(Event::RunDeadlineSet { run, by, actor, comment });
        }
        Ok(Answer::Done)
    }
}

fn fits(slots: Option<u32>, what: &str, instead: &str) -> Result<(), Refusal> {
    match slots {
        Some(0) => {
            let refusal = Refusal::new(RefusalCode::Invalid, format!("{what} needs a slot"));
            Err(refusal.help(instead))
        }
        Some(slots) if slots > AMOUNT_MAX => {
            let message = format!("{what} has at most {AMOUNT_MAX} slots");
            Err(Refusal::new(RefusalCode::Invalid, message))
        }
        Some(_) | None => Ok(()),
    }
}

fn unknown<'a>(
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    help: &str,
) -> Refusal {
    let refusal = Refusal::new(RefusalCode::NotFound, format!("there is no {kind} `{name}`"));
    refusal.help(match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => help.to_owned(),
    })
}
