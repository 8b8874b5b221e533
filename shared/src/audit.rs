//! Who did what: the events that an actor other than the daemon has caused, and what vouches for them. Source: semantics,
//! rules 11 and 16.

use serde::{Deserialize, Serialize};

use crate::id::{RunId, Seq};
use crate::plan::Plan;
use crate::time::Timestamp;

/// Which part of the audit trail.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditAsk {
    /// Only what comes after this event.
    pub after: Seq,
    /// Only what this actor did: `user:alice`, or `alice`.
    pub actor: Option<String>,
    /// Only what was done at this instant or later.
    pub since: Option<Timestamp>,
    /// Only what was done to this workflow and its runs.
    pub workflow: Option<String>,
    /// Only what was done to this run.
    pub run: Option<RunId>,
}

/// Something that an actor did, or was refused.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its place in the journal.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The user's number, of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// A stable word for what happened.
    pub kind: String,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The run as people say it: `workflow#412`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The workflow, where it is about one or about a run of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The task, or `task:item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The number of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// What happened, for people.
    pub text: String,
    /// What the actor said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What the actor was shown, and has confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

/// A part of the audit trail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AuditPage {
    /// What was found, oldest first.
    pub rows: Vec<AuditRow>,
    /// After which event to go on; absent at the end of the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Seq>,
}

/// How far a verification has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VerifyAsk {
    /// The last event that is verified.
    pub after: Seq,
    /// The hash that stands for it and all before it, in hexadecimal digits.
    pub chain: String,
}

/// What a part of a verification has found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Verified {
    /// The first event of this part.
    pub first: Seq,
    /// The last event of it that is as it was written.
    pub last: Seq,
    /// The hash before the first event: zeros at the beginning of the journal.
    pub before: String,
    /// The hash that stands for the last event and all before it.
    pub chain: String,
    /// How many records were verified.
    pub records: u64,
    /// Whether there is more to verify.
    pub more: bool,
    /// What is not as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
