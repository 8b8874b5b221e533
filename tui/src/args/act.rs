//! What a person can type to change something.

use clap::{ArgGroup, Args, Subcommand};

use super::{RUN, TASK};

/// How the end of a pause is written.
const UNTIL: &str = "TIME|DURATION";
/// How long something is paused that many share. Source: semantics, rule 11.
pub(crate) const PAUSE: &str = "2h";

#[derive(Args, Debug)]
pub(crate) struct Cancel {
    #[arg(help = RUN)]
    pub(crate) run: String,
    /// End its `finally` too
    #[arg(long)]
    pub(crate) now: bool,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(Args, Debug)]
pub(crate) struct Retry {
    #[arg(help = RUN)]
    pub(crate) run: String,
    /// All that has not succeeded; this is what happens without any of the three
    #[arg(long, conflicts_with_all = ["tasks", "from"])]
    pub(crate) failed: bool,
    /// This task or item, and what needs it; may be given again
    #[arg(long = "task", value_name = TASK, conflicts_with = "from")]
    pub(crate) tasks: Vec<String>,
    /// This task and all that needs it
    #[arg(long, value_name = "TASK")]
    pub(crate) from: Option<String>,
    /// With the newest version of its workflow; tasks are matched by their names
    #[arg(long)]
    pub(crate) latest: bool,
    /// A parameter that is to have another value; may be given again
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(Args, Debug)]
pub(crate) struct Edit {
    #[arg(help = RUN)]
    pub(crate) run: String,
    /// A parameter and its value from the next attempts on; may be given again
    #[arg(long = "param", value_name = "NAME=VALUE", required = true)]
    pub(crate) params: Vec<String>,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(Args, Debug)]
pub(crate) struct Release {
    #[arg(help = RUN)]
    pub(crate) run: String,
    /// Without it a run that waits for the one before it to succeed
    #[arg(value_name = TASK)]
    pub(crate) task: Option<String>,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(Args, Debug)]
pub(crate) struct MapWidth {
    #[arg(help = RUN)]
    pub(crate) run: String,
    pub(crate) task: String,
    /// How many, at least 1; `auto`: as many as fit
    pub(crate) width: String,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(Args, Debug)]
pub(crate) struct Rollback {
    #[arg(help = RUN)]
    pub(crate) run: String,
    /// This task or item, and all that succeeded downstream of it; may be given again
    #[arg(long = "task", value_name = TASK)]
    pub(crate) tasks: Vec<String>,
    /// The undo of this one again, which has failed, and what waits for it
    #[arg(long, value_name = TASK, conflicts_with = "tasks")]
    pub(crate) retry: Option<String>,
    /// Do not ask
    #[arg(long, short, conflicts_with = "plan")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true))]
pub(crate) struct Pause {
    #[arg(help = RUN, group = "what")]
    pub(crate) run: Option<String>,
    /// Everything, for 2h unless told otherwise
    #[arg(long, group = "what")]
    pub(crate) all: bool,
    /// Until this instant, for so long (2h), or never; a run: until it is resumed, unless told otherwise
    #[arg(long, value_name = UNTIL)]
    pub(crate) until: Option<String>,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true))]
pub(crate) struct Resume {
    #[arg(help = RUN, group = "what")]
    pub(crate) run: Option<String>,
    /// What was paused by `pause --all`
    #[arg(long, group = "what")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) comment: Comment,
}

#[derive(Subcommand, Debug)]
pub(crate) enum WorkflowCommand {
    /// Show what it is, and its newest runs
    Show { workflow: String },
    /// Start nothing more of it; what runs goes on
    Pause {
        workflow: String,
        #[command(flatten)]
        span: PauseSpan,
    },
    /// Let it go on
    Resume {
        workflow: String,
        #[command(flatten)]
        comment: Comment,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum PoolCommand {
    /// Start nothing more in it; what runs goes on
    Pause {
        pool: String,
        #[command(flatten)]
        span: PauseSpan,
    },
    /// Let it go on, paused or drained
    Resume {
        pool: String,
        #[command(flatten)]
        comment: Comment,
    },
    /// Start nothing more in it until it is resumed, and say what will have ended by then
    Drain {
        pool: String,
        #[command(flatten)]
        drain: DrainBy,
    },
    /// Give it another number of slots, until its configuration says another; what runs goes on
    Resize {
        pool: String,
        #[command(flatten)]
        size: Size,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum ResourceCommand {
    /// Make it more or less, until the configuration says another amount; what holds it goes on
    Set {
        resource: String,
        #[command(flatten)]
        size: Size,
    },
}

/// A new size.
#[derive(Args, Debug)]
pub(crate) struct Size {
    /// How many
    #[arg(required_unless_present = "reset", value_name = "N")]
    pub(crate) size: Option<u32>,
    /// As many as the configuration says
    #[arg(long, conflicts_with = "size")]
    pub(crate) reset: bool,
    #[command(flatten)]
    pub(crate) comment: Comment,
}

/// By when what runs should have ended.
#[derive(Args, Debug)]
pub(crate) struct DrainBy {
    /// An instant, or how long from now (2h)
    #[arg(long, value_name = "TIME")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

/// How long something is paused that many share.
#[derive(Args, Debug)]
pub(crate) struct PauseSpan {
    /// Until this instant, for so long (2h), or never
    #[arg(long, value_name = UNTIL, default_value = PAUSE)]
    pub(crate) until: String,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

/// A task run that something is done to.
#[derive(Args, Debug)]
pub(crate) struct OnTask {
    #[arg(help = RUN)]
    pub(crate) run: String,
    #[arg(value_name = TASK)]
    pub(crate) task: String,
    #[command(flatten)]
    pub(crate) comment: Comment,
    #[command(flatten)]
    pub(crate) dry: Dry,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("how").required(true))]
pub(crate) struct Mark {
    #[command(flatten)]
    pub(crate) on: OnTask,
    /// It has done what it should
    #[arg(long, group = "how")]
    pub(crate) success: bool,
    /// It has not
    #[arg(long, group = "how")]
    pub(crate) failed: bool,
    /// It was undone by hand
    #[arg(long, group = "how")]
    pub(crate) undone: bool,
    /// An output it has; may be given again for others
    #[arg(long = "output", value_name = "NAME=VALUE", conflicts_with_all = ["failed", "undone"])]
    pub(crate) outputs: Vec<String>,
}

/// What is kept with what a person does.
#[derive(Args, Debug)]
pub(crate) struct Comment {
    /// What you say about it
    #[arg(long = "comment", value_name = "COMMENT")]
    pub(crate) text: Option<String>,
}

/// Whether to look only.
#[derive(Args, Debug)]
pub(crate) struct Dry {
    /// Say what would follow, and change nothing
    #[arg(long, visible_alias = "dry-run")]
    pub(crate) plan: bool,
}
