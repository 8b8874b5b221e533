//! The pure core: [`Engine::step`] takes one [`Input`] and gives the [`Event`]s that are now true and the [`Effect`]s
//! that must follow once those are on disk.
//!
//! It reads no clock, draws no random number and touches nothing outside. The same inputs give the same events for ever,
//! so a restart is a replay of the events and one more input, and a simulator can play years in seconds.
//!
//! # Rules of the shape
//! - State changes only in [`State::apply`], and decisions are made only on the way to an event.
//! - Occupancy is derived from the attempts that are alive; the sums in `index` are an index, which an invariant recounts.
//! - What decides is what explains: a task run is started exactly when [`blockers::obstacles`] gives nothing.
//! - Every timer belongs to the phase it was set in: one that comes late finds another phase and does nothing.
//!
//! Start reading at [`input`], [`event`] and [`effect`], which list all that can come in, be true and go out; then `step`.
#![deny(missing_docs)]

mod admission;
mod apply;
mod attempt;
pub mod audit;
pub mod blockers;
mod cancel;
mod check;
mod create;
mod decide;
pub mod definition;
pub mod describe;
mod drain;
pub mod durations;
mod edit;
pub mod effect;
pub mod event;
pub mod faults;
mod group;
mod guard;
mod index;
pub mod input;
pub mod invariant;
mod latest;
mod launch;
mod library;
mod map;
mod mark;
mod needs;
mod pause;
mod person;
pub mod plan;
pub mod pool;
mod preempt;
mod previous;
mod queue;
mod reads;
mod recover;
pub mod replay;
mod resize;
mod retry;
mod rollback;
mod run;
pub mod scope;
mod size;
pub mod snapshot;
pub mod state;
mod step;
mod todo;
pub mod why;

pub use effect::Effect;
pub use event::{Event, Stamped};
pub use index::Timer;
pub use input::Input;
pub use state::State;
pub use step::{Engine, Step};
