//! What `/proc` tells about processes.

use std::fs;
use std::io;

/// The fields of `/proc/PID/stat` the runner needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stat {
    pub(crate) state: u8,
    pub(crate) session: i32,
    /// Field 22: start in clock ticks since boot; with the boot id it tells a process from a later one
    /// with the same number.
    pub(crate) start_ticks: u64,
    /// Field 52: exit status as `wait` gives it, of a process that has ended.
    pub(crate) exit_code: i32,
}

impl Stat {
    /// Whether the process has ended and waits for its parent.
    pub(crate) fn ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// Reads the line of `/proc/PID/stat`. Allocates nothing.
///
/// The name in the second field may hold blanks and parentheses: fields count from the last `)`.
pub(crate) fn parse_stat(line: &[u8]) -> Option<Stat> {
    let name_end = line.iter().rposition(|byte| *byte == b')')?;
    let mut fields = line.get(name_end + 2..)?.split(|byte| *byte == b' ');
    let state = *fields.next()?.first()?;
    let session = number(fields.nth(2)?)?;
    let start_ticks = number(fields.nth(15)?)?;
    let exit_code = fields.nth(29).and_then(|it| number(it.trim_ascii_end())).unwrap_or(0);
    Some(Stat { state, session, start_ticks, exit_code })
}

/// The process with this number, if there is one.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// The children of this process, ended ones included. Relies on the process having one thread.
pub(crate) fn children() -> io::Result<Vec<i32>> {
    let text = fs::read("/proc/thread-self/children")?;
    Ok(text.split(|byte| *byte == b' ').filter_map(number).collect())
}

/// All processes of a session but its leader, ended ones excluded.
pub(crate) fn session_members(session: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|it| number(it.file_name().as_encoded_bytes()));
    pids.filter(|pid: &i32| *pid != session)
        .filter(|pid| stat(*pid).is_some_and(|it| it.session == session && !it.ended()))
        .collect()
}

/// Whether a process was started with this `NAME=value` in its environment.
pub(crate) fn has_variable(pid: i32, variable: &[u8]) -> bool {
    let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environ.split(|byte| *byte == 0).any(|it| it == variable)
}

/// The id of this boot of the host: as text, and its 16 bytes.
pub(crate) fn boot_id() -> io::Result<(String, [u8; 16])> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
    let digits: String = text.chars().filter(|it| *it != '-').collect();
    let number = u128::from_str_radix(&digits, 16).map_err(io::Error::other)?;
    Ok((text, number.to_be_bytes()))
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_count_from_the_last_parenthesis() {
        let line =
            b"42 (a) b (c) S 1 40 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3 4 5 6 7 \
            8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 256\n";
        let stat = Stat { state: b'S', session: 41, start_ticks: 987_654, exit_code: 256 };
        assert_eq!(parse_stat(line), Some(stat));
    }

    #[test]
    fn a_line_that_is_cut_gives_nothing() {
        for line in [&b""[..], b"42", b"42 (a)", b"42 (a) ", b"42 (a) S 1 2"] {
            assert_eq!(parse_stat(line), None);
        }
    }

    #[test]
    fn the_running_process_is_found() {
        let own = i32::try_from(std::process::id()).expect("process numbers fit an i32");
        assert!(stat(own).is_some_and(|it| !it.ended() && it.start_ticks > 0));
    }
}
