//! Scenarios: short stories and their written traces, a module a chapter of the semantics.

mod approvals;
mod checks;
mod concurrency;
mod map;
mod params;
mod pauses;
mod people;
mod queue;
mod recovery;
mod replay;
mod retries;
mod retry_by_person;
mod rollback;
mod states_and_outcomes;
mod timeouts_and_cancel;
mod trigger_rules;
mod whys;
mod world;
