//! What a person can type to look at what has been.

use clap::Args;

use super::RUN;

#[derive(Args, Debug)]
pub(crate) struct Replay {
    #[arg(help = RUN)]
    pub(crate) run: String,
    /// When: an instant, how long after the run was made (+10m), how long ago (2h), or the number of an event; all of the
    /// run, event by event, where absent
    #[arg(long, value_name = "TIME|+SPAN|EVENT", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Audit {
    /// Only what this actor did: user:alice, or alice
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only what was done since this instant, or for so long (2h)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only what was done to this workflow and its runs
    #[arg(long)]
    pub(crate) workflow: Option<String>,
    /// Only what was done to this run
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Check that the journal is as it was written: checksums, numbers and the chain of hashes
    #[arg(long, conflicts_with_all = ["actor", "since", "workflow", "run"])]
    pub(crate) verify: bool,
}
