//! The command line.

use crate::check;
use crate::publish::{Publication, Withdrawal, is_update};
use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: runyard-runner --dir DIR --pool NAME --socket PATH [--linger SECONDS]
       runyard-runner check OUT -- COMMAND [ARG…] [--- COMMAND [ARG…]]…
       runyard-runner publish --update ID --from PATH --to PATH --keep NUMBER
       runyard-runner withdraw --update ID --to PATH
       runyard-runner --version";

/// Seconds without a daemon and without attempts before the runner ends.
const LINGER: u64 = 60;

/// What to do.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Run { dir: PathBuf, pool: String, socket: PathBuf, linger_ms: u64 },
    Check { out: PathBuf, commands: Vec<Vec<OsString>> },
    Publish(Publication),
    Withdraw(Withdrawal),
    Version,
    Help,
}

/// Why the command line makes no sense.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum UsageError {
    Unknown(OsString),
    NoValue(&'static str),
    BadValue(&'static str),
    Missing(&'static str),
    Check,
}

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(arg) => write!(f, "unknown argument `{}`", arg.display()),
            Self::NoValue(flag) => write!(f, "{flag} needs a value"),
            Self::BadValue(flag) => write!(f, "the value of {flag} is not understood"),
            Self::Missing(flag) => write!(f, "{flag} is missing"),
            Self::Check => f.write_str("check needs a folder, `--` and at least one command"),
        }
    }
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(args: &[OsString]) -> Result<Action, UsageError> {
    if let Some((first, rest)) = args.split_first() {
        match first.to_str() {
            Some("check") => return parse_check(rest).ok_or(UsageError::Check),
            Some("publish") => return parse_publish(rest),
            Some("withdraw") => return parse_withdraw(rest),
            _ => (),
        }
    }
    let (mut dir, mut pool, mut socket, mut linger) = (None, None, None, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (slot, flag) = match arg.to_str() {
            Some("--version" | "-V") => return Ok(Action::Version),
            Some("--help" | "-h") => return Ok(Action::Help),
            Some("--dir") => (&mut dir, "--dir"),
            Some("--pool") => (&mut pool, "--pool"),
            Some("--socket") => (&mut socket, "--socket"),
            Some("--linger") => (&mut linger, "--linger"),
            _ => return Err(UsageError::Unknown(arg.clone())),
        };
        *slot = Some(args.next().ok_or(UsageError::NoValue(flag))?.clone());
    }
    let pool = pool.ok_or(UsageError::Missing("--pool"))?;
    let linger_ms = match linger.map(|it| it.to_str().and_then(|it| it.parse::<u64>().ok())) {
        None => LINGER * 1000,
        Some(seconds) => seconds.ok_or(UsageError::BadValue("--linger"))?.saturating_mul(1000),
    };
    Ok(Action::Run {
        dir: dir.ok_or(UsageError::Missing("--dir"))?.into(),
        pool: pool.into_string().map_err(|_| UsageError::BadValue("--pool"))?,
        socket: socket.ok_or(UsageError::Missing("--socket"))?.into(),
        linger_ms,
    })
}

fn parse_check(args: &[OsString]) -> Option<Action> {
    let (out, rest) = args.split_first()?;
    let (dashes, commands) = rest.split_first()?;
    let commands = check::split(commands).filter(|_| dashes == "--")?;
    Some(Action::Check { out: out.into(), commands })
}

fn parse_publish(args: &[OsString]) -> Result<Action, UsageError> {
    let [update, from, to, keep] = flags(args, ["--update", "--from", "--to", "--keep"])?;
    let keep = keep.to_str().and_then(|it| it.parse().ok());
    Ok(Action::Publish(Publication {
        update: update_name(update)?,
        from: from.into(),
        to: to.into(),
        keep: keep.ok_or(UsageError::BadValue("--keep"))?,
    }))
}

fn parse_withdraw(args: &[OsString]) -> Result<Action, UsageError> {
    let [update, to] = flags(args, ["--update", "--to"])?;
    Ok(Action::Withdraw(Withdrawal { update: update_name(update)?, to: to.into() }))
}

/// The values of flags that must all be there, in the order of `names`.
fn flags<const N: usize>(
    args: &[OsString],
    names: [&'static str; N],
) -> Result<[OsString; N], UsageError> {
    let mut values = [const { None }; N];
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let place = names.iter().position(|it| arg == it);
        let place = place.ok_or_else(|| UsageError::Unknown(arg.clone()))?;
        values[place] = Some(args.next().ok_or(UsageError::NoValue(names[place]))?.clone());
    }
    match values.iter().position(Option::is_none) {
        Some(place) => Err(UsageError::Missing(names[place])),
        None => Ok(values.map(Option::unwrap_or_default)),
    }
}

fn update_name(value: OsString) -> Result<String, UsageError> {
    let name = value.into_string().ok().filter(|it| is_update(it));
    name.ok_or(UsageError::BadValue("--update"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Action, UsageError> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_pool_is_named_by_three_flags() {
        let action = Action::Run {
            dir: "/d".into(),
            pool: "p".to_owned(),
            socket: "/s".into(),
            linger_ms: 60_000,
        };
        assert_eq!(parsed("--socket /s --pool p --dir /d"), Ok(action));
    }

    #[test]
    fn a_publication_is_named_by_four_flags() {
        let publication =
            Publication { update: "u1".to_owned(), from: "f".into(), to: "/t".into(), keep: 5 };
        let action = parsed("publish --keep 5 --update u1 --from f --to /t");
        assert_eq!(action, Ok(Action::Publish(publication)));
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(parsed("--pool p --dir /d"), Err(UsageError::Missing("--socket")));
        assert_eq!(parsed("--pool"), Err(UsageError::NoValue("--pool")));
        assert_eq!(parsed("--bogus"), Err(UsageError::Unknown("--bogus".into())));
        assert_eq!(parsed("check /out a"), Err(UsageError::Check));
        assert_eq!(parsed("withdraw --to /t"), Err(UsageError::Missing("--update")));
        let update = parsed("withdraw --to /t --update ../u");
        assert_eq!(update, Err(UsageError::BadValue("--update")));
        let keep = parsed("publish --update u --from f --to /t --keep -1");
        assert_eq!(keep, Err(UsageError::BadValue("--keep")));
        let linger = parsed("--dir d --pool p --socket s --linger x");
        assert_eq!(linger, Err(UsageError::BadValue("--linger")));
    }
}
