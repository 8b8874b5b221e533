//! Everything that can go wrong with a command, what to do about it, and its exit code.

use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};
use shared::request::{Refusal, RefusalCode};

/// How a command ended that did what it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// A test of a workflow has failed, and it has said how.
    TestsFailed,
    /// What was checked is not right, and it has said what.
    Failed,
    /// A file is invalid, and it has said how.
    Invalid,
    /// The awaited run failed.
    RunFailed,
    /// The awaited run ended partial.
    RunPartial,
    /// The awaited run was cancelled, rejected, or expired.
    RunCancelled,
    /// A signal has ended it, with this exit code.
    Signal(u8),
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::TestsFailed => 1,
            Self::Failed => 1,
            Self::Invalid => 2,
            Self::RunFailed => 10,
            Self::RunPartial => 11,
            Self::RunCancelled => 12,
            Self::Signal(code) => code,
        }
    }
}

/// Why a command did not do what it was asked. Shown as `error: …`, its sources, then `help: …`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line makes no sense.
    #[error("{message}")]
    Usage { message: String, help: String },
    /// There is no such thing.
    #[error("{message}")]
    NotFound { message: String, help: String },
    /// The daemon has refused.
    #[error("{0}")]
    Refused(Refusal),
    /// Nothing listens, and never has.
    #[error("no daemon runs here: there is no socket `{0}`")]
    NoDaemon(PathBuf),
    /// Whoever listened is gone.
    #[error("the daemon has ended: its socket `{0}` is left over")]
    LeftOver(PathBuf),
    /// The socket is not for this user.
    #[error("this user may not open the socket `{0}`")]
    NoAccess(PathBuf),
    /// The daemon lets this user not in.
    #[error("the daemon at `{0}` does not let this user in")]
    NotPermitted(PathBuf),
    /// Too many wait to be let in.
    #[error("the daemon at `{0}` has more connections waiting than it can take")]
    Busy(PathBuf),
    /// Something else listens.
    #[error("what listens at `{0}` is not a Runyard daemon")]
    Stranger(PathBuf),
    /// Two versions that do not understand each other.
    #[error("the daemon is version {daemon} and this is version {own}: they share no protocol")]
    OtherVersion { daemon: String, own: &'static str },
    /// Any other trouble with connecting.
    #[error("cannot connect to `{socket}`")]
    Connect { socket: PathBuf, source: io::Error },
    /// The connection broke.
    #[error("the connection to the daemon at `{0}` broke")]
    Lost(PathBuf),
    /// No answer came in time.
    #[error("the daemon did not answer in time")]
    Silent,
    /// The daemon could not serve the call.
    #[error("the daemon could not answer: {0}")]
    Server(String),
    /// Something on this machine does not work.
    #[error("cannot {doing}")]
    System { doing: String, source: io::Error },
    /// A program is not installed.
    #[error("cannot find the program `{0}`")]
    NoProgram(&'static str),
    /// The daemon ended instead of answering.
    #[error("the daemon ended at once{0}")]
    DaemonEnded(String),
    /// The daemon takes too long to answer.
    #[error("the daemon has started and does not answer at `{0}`")]
    DaemonSilent(PathBuf),
    /// The demo did not come to its end.
    #[error("the demo took longer than {0} seconds")]
    DemoTooLong(u64),
    /// A person stopped it.
    #[error("interrupted")]
    Interrupted,
    /// Nobody reads the output any more.
    #[error("nobody reads the output any more")]
    BrokenPipe,
}

impl Error {
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::NotFound { message: message.into(), help: help.into() }
    }

    /// Says what was being done when the system refused.
    pub(crate) fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::System { doing, source }
    }

    /// Whether asking again later can help: the daemon is away or was lost.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::NoDaemon(_) | Self::LeftOver(_) | Self::Busy(_) | Self::Lost(_))
            || matches!(self, Self::Connect { .. } | Self::Silent)
    }

    /// The exit code. Source: the table in the README.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::NotFound { .. } => 3,
            Self::Refused(refusal) => match refusal.code {
                RefusalCode::Invalid => 2,
                RefusalCode::NotFound => 3,
                RefusalCode::NotPermitted => 4,
                RefusalCode::Conflict => 6,
                RefusalCode::Unavailable | RefusalCode::Internal | RefusalCode::Unknown => 1,
            },
            Self::NotPermitted(_) => 4,
            Self::NoDaemon(_)
            | Self::LeftOver(_)
            | Self::NoAccess(_)
            | Self::Busy(_)
            | Self::Stranger(_)
            | Self::OtherVersion { .. }
            | Self::Connect { .. }
            | Self::Lost(_)
            | Self::Silent => 5,
            Self::System { .. }
            | Self::Server(_)
            | Self::NoProgram(_)
            | Self::DaemonEnded(_)
            | Self::DaemonSilent(_)
            | Self::DemoTooLong(_) => 1,
            Self::Interrupted => 130,
            Self::BrokenPipe => 0,
        }
    }

    /// A stable word for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "usage",
            Self::NotFound { .. } => "not_found",
            Self::Refused(refusal) => refusal.code.word(),
            Self::NotPermitted(_) => "not_permitted",
            Self::NoDaemon(_)
            | Self::LeftOver(_)
            | Self::NoAccess(_)
            | Self::Busy(_)
            | Self::Connect { .. } => "unreachable",
            Self::Stranger(_) => "stranger",
            Self::OtherVersion { .. } => "other_version",
            Self::Lost(_) => "connection_lost",
            Self::Silent => "no_answer",
            Self::Server(_) => "internal",
            Self::System { .. } => "system",
            Self::NoProgram(_) => "no_program",
            Self::DaemonEnded(_) | Self::DaemonSilent(_) => "daemon_not_started",
            Self::DemoTooLong(_) => "too_long",
            Self::Interrupted => "interrupted",
            Self::BrokenPipe => "broken_pipe",
        }
    }

    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::Usage { help, .. } | Self::NotFound { help, .. } => help.clone(),
            Self::Refused(refusal) => return refusal.help.clone(),
            Self::NoDaemon(_) | Self::LeftOver(_) => {
                "start it with `runyard up`, or name its socket with --socket".to_owned()
            }
            Self::NoAccess(_) => {
                "ask whoever runs the daemon for membership in its group, and log in again"
                    .to_owned()
            }
            Self::NotPermitted(_) => {
                "ask whoever runs the daemon to let you in, or start your own with `runyard up`"
                    .to_owned()
            }
            Self::Busy(_) => "try again in a moment".to_owned(),
            Self::Stranger(_) => {
                "name the daemon's socket with --socket or RUNYARD_SOCKET".to_owned()
            }
            Self::OtherVersion { daemon, own } => upgrade(daemon, own),
            Self::Connect { .. } => "check the path given by --socket or RUNYARD_SOCKET".to_owned(),
            Self::Lost(_) => {
                "what was asked may have been done: look with `runyard runs`, then ask again"
                    .to_owned()
            }
            Self::Silent => "look at it with `runyard status`; it may be overloaded".to_owned(),
            Self::Server(_) => "look into the daemon's log".to_owned(),
            Self::NoProgram(_) => "install it beside `runyard`, or in a folder of PATH".to_owned(),
            Self::DaemonEnded(_) => "mend what it says, then try again".to_owned(),
            Self::DaemonSilent(_) => "look into the log in its state folder".to_owned(),
            Self::DemoTooLong(_) => {
                "try again with --keep, and look into the folder it names".to_owned()
            }
            Self::System { .. } | Self::Interrupted | Self::BrokenPipe => return None,
        };
        Some(help)
    }

    /// The message and, after colons, what it came from.
    pub(crate) fn message(&self) -> String {
        let mut message = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        message
    }

    /// The form for programs.
    pub(crate) fn json(&self) -> Value {
        json!({ "error": { "code": self.code(), "message": self.message(), "help": self.help() } })
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn upgrade(daemon: &str, own: &str) -> String {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        text.split(['-', '+']).next()?.split('.').map(|it| it.parse().ok()).collect()
    };
    match (numbers(daemon), numbers(own)) {
        (Some(theirs), Some(ours)) if theirs < ours => {
            "upgrade `runyardd` and restart it: it is the older one".to_owned()
        }
        (Some(theirs), Some(ours)) if theirs > ours => {
            "upgrade `runyard`: it is the older one".to_owned()
        }
        _ => "install `runyard` and `runyardd` of one version".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_exit_codes_of_the_table() {
        let code = |code| Error::from(Refusal::new(code, "no")).exit_code();
        assert_eq!(code(RefusalCode::Invalid), 2);
        assert_eq!(code(RefusalCode::NotFound), 3);
        assert_eq!(code(RefusalCode::NotPermitted), 4);
        assert_eq!(code(RefusalCode::Conflict), 6);
        assert_eq!(code(RefusalCode::Unavailable), 1);
        assert_eq!(code(RefusalCode::Unknown), 1);
    }

    #[test]
    fn every_way_to_miss_the_daemon_is_5_and_names_a_remedy() {
        let socket = || PathBuf::from("/run/x.sock");
        let broken = io::Error::other("broken");
        for error in [
            Error::NoDaemon(socket()),
            Error::LeftOver(socket()),
            Error::NoAccess(socket()),
            Error::Busy(socket()),
            Error::Stranger(socket()),
            Error::OtherVersion { daemon: "9.0.0".to_owned(), own: "0.1.0" },
            Error::Connect { socket: socket(), source: broken },
            Error::Lost(socket()),
            Error::Silent,
        ] {
            assert_eq!(error.exit_code(), 5, "{error}");
            assert!(error.help().is_some(), "{error}");
        }
        assert_eq!(Error::NotPermitted(socket()).exit_code(), 4);
    }

    #[test]
    fn the_older_side_is_the_one_to_upgrade() {
        assert!(upgrade("0.2.0", "0.10.0").contains("`runyardd`"));
        assert!(upgrade("1.0.0", "0.10.0").starts_with("upgrade `runyard`:"));
        assert!(upgrade("unknown", "0.1.0").contains("one version"));
    }

    #[test]
    fn the_json_form_has_code_message_and_help() {
        let source = io::Error::other("the disk is gone");
        let error = Error::System { doing: "make a folder".to_owned(), source };
        let expected = json!({
            "error": { "code": "system", "message": "cannot make a folder: the disk is gone", "help": null }
        });
        assert_eq!(error.json(), expected);
    }
}
