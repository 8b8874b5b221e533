//! Scenarios: short stories and their written traces, a module a chapter of the semantics.

mod approvals;
mod capacity;
mod checks;
mod concurrency;
mod edits;
mod groups;
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
mod task_rules;
mod timeouts_and_cancel;
mod trigger_rules;
mod whys;
mod world;
