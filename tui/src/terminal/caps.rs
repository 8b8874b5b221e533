//! What the terminal can do, as far as the environment tells.

use crate::args::ColorWhen;
use crate::error::Error;

/// How many colours may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ColorDepth {
    /// None; bold, underlined and reversed remain.
    None,
    /// The terminal's own sixteen.
    Ansi16,
    /// Any.
    Full,
}

/// What stands between the program and the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Multiplexer {
    Tmux,
    Screen,
}

/// What the terminal can do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Caps {
    pub(crate) color: ColorDepth,
    /// Whether it shows more than ASCII.
    pub(crate) unicode: bool,
    /// Whether it is on another machine.
    pub(crate) ssh: bool,
    pub(crate) multiplexer: Option<Multiplexer>,
    /// Whether it wants to be told when nothing is left to draw. Tests do.
    pub(crate) idle_marks: bool,
}

impl Caps {
    /// From the environment variables and the flags `--color` and `--ascii`. Errors: a terminal that cannot move its cursor.
    pub(crate) fn of(
        env: &dyn Fn(&str) -> Option<String>,
        color: ColorWhen,
        ascii: bool,
    ) -> Result<Self, Error> {
        // To POSIX and no-color.org an empty variable is none.
        let env = |name| env(name).filter(|it| !it.is_empty());
        if env("TERM").is_some_and(|it| it == "dumb") {
            return Err(Error::usage(
                "the console cannot draw on this terminal: TERM is `dumb`",
                "set TERM to what the terminal is, or use the commands: `runyard --help`",
            ));
        }
        Ok(Self {
            color: depth(&env, color),
            unicode: !ascii && is_utf8(&env),
            ssh: env("SSH_TTY").is_some(),
            multiplexer: multiplexer(&env),
            idle_marks: env("RUNYARD_TEST_IDLE").is_some_and(|it| it == "1"),
        })
    }
}

fn depth(env: &dyn Fn(&'static str) -> Option<String>, color: ColorWhen) -> ColorDepth {
    let off = color == ColorWhen::Auto && env("NO_COLOR").is_some();
    match env("COLORTERM").as_deref() {
        _ if off || color == ColorWhen::Never => ColorDepth::None,
        Some("truecolor" | "24bit") => ColorDepth::Full,
        _ => ColorDepth::Ansi16,
    }
}

/// The first of the three variables that is set decides, as in POSIX.
fn is_utf8(env: &dyn Fn(&'static str) -> Option<String>) -> bool {
    let locale = env("LC_ALL").or_else(|| env("LC_CTYPE")).or_else(|| env("LANG"));
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

fn multiplexer(env: &dyn Fn(&'static str) -> Option<String>) -> Option<Multiplexer> {
    // TERM alone comes along over SSH.
    let term = env("TERM").unwrap_or_default();
    if env("TMUX").is_some() || term.starts_with("tmux") {
        Some(Multiplexer::Tmux)
    } else if env("STY").is_some() || term.starts_with("screen") {
        Some(Multiplexer::Screen)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(variables: &[(&str, &str)]) -> Caps {
        with_flags(variables, ColorWhen::Auto, false).expect("the terminal will do")
    }

    fn with_flags(
        variables: &[(&str, &str)],
        color: ColorWhen,
        ascii: bool,
    ) -> Result<Caps, Error> {
        let value = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
        Caps::of(&value, color, ascii)
    }

    #[test]
    fn sixteen_colours_unless_the_terminal_or_the_person_says_otherwise() {
        assert_eq!(caps(&[("TERM", "xterm-256color")]).color, ColorDepth::Ansi16);
        assert_eq!(caps(&[("COLORTERM", "truecolor")]).color, ColorDepth::Full);
        assert_eq!(caps(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).color, ColorDepth::None);
        assert_eq!(caps(&[("NO_COLOR", "")]).color, ColorDepth::Ansi16);
        let always = with_flags(&[("NO_COLOR", "1")], ColorWhen::Always, false);
        assert_eq!(always.expect("it will do").color, ColorDepth::Ansi16);
        let never = with_flags(&[("COLORTERM", "24bit")], ColorWhen::Never, false);
        assert_eq!(never.expect("it will do").color, ColorDepth::None);
    }

    #[test]
    fn a_dumb_terminal_is_refused_with_what_to_do() {
        let error = with_flags(&[("TERM", "dumb")], ColorWhen::Auto, false).expect_err("dumb");
        assert_eq!(error.to_string(), "the console cannot draw on this terminal: TERM is `dumb`");
        assert!(error.help().is_some());
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides_on_unicode() {
        assert!(caps(&[("LANG", "de_DE.UTF-8")]).unicode);
        assert!(caps(&[("LC_CTYPE", "C.utf8"), ("LANG", "C")]).unicode);
        assert!(!caps(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(caps(&[("LC_ALL", ""), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(!caps(&[]).unicode);
        let ascii = with_flags(&[("LANG", "de_DE.UTF-8")], ColorWhen::Auto, true);
        assert!(!ascii.expect("it will do").unicode);
    }

    #[test]
    fn what_is_in_between_is_known_by_its_variable_or_by_term() {
        assert_eq!(caps(&[("TERM", "xterm")]).multiplexer, None);
        assert_eq!(
            caps(&[("TMUX", "/tmp/x,1,0"), ("TERM", "screen")]).multiplexer,
            Some(Multiplexer::Tmux)
        );
        assert_eq!(caps(&[("TERM", "tmux-256color")]).multiplexer, Some(Multiplexer::Tmux));
        assert_eq!(caps(&[("TERM", "screen.xterm")]).multiplexer, Some(Multiplexer::Screen));
        assert!(caps(&[("SSH_TTY", "/dev/pts/3")]).ssh);
    }
}
