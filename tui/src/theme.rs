//! Colours, marks and words of states. The only file that names a colour.

use crate::text::{Line, Style};

/// What switches a style on; empty where it is plain.
pub(crate) fn sgr(style: Style) -> &'static str {
    match style {
        Style::Plain => "",
        Style::Bold => "\x1b[1m",
        Style::Dim => "\x1b[2m",
        Style::Good => "\x1b[32m",
        Style::Bad => "\x1b[31m",
        Style::Warn => "\x1b[33m",
        Style::Busy => "\x1b[36m",
    }
}

/// What switches every style off.
pub(crate) const SGR_OFF: &str = "\x1b[0m";

/// A state as mark, word and colour. A word that is not known keeps its place.
pub(crate) fn state(word: &str) -> Line {
    let (mark, style) = mark(word);
    Line::new().styled(style, format!("{mark} {word}"))
}

/// How many are in each state: `3 succeeded, 1 running`.
pub(crate) fn counts<'a>(counts: impl IntoIterator<Item = (&'a String, &'a u32)>) -> Line {
    let mut line = Line::new();
    for (word, count) in counts {
        let (_, style) = mark(word);
        let comma = if line == Line::new() { "" } else { ", " };
        line = line.and(comma).styled(style, format!("{count} {word}"));
    }
    line
}

fn mark(word: &str) -> (&'static str, Style) {
    match word {
        "running" | "starting" => ("●", Style::Busy),
        "stopping" | "cancelling" | "rolling_back" => ("●", Style::Warn),
        "succeeded" | "ok" | "up" => ("✓", Style::Good),
        "failed" | "broken" | "down" | "upstream_failed" | "rollback_failed" => ("✗", Style::Bad),
        "partial" => ("◐", Style::Warn),
        "queued" | "waiting" | "retry_wait" | "pending" => ("○", Style::Plain),
        "held" | "awaiting_approval" | "paused" | "pausing" => ("⏸", Style::Warn),
        "cancelled" | "skipped" | "gone" | "rolled_back" => ("⊘", Style::Dim),
        _ => ("·", Style::Plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_not_known_is_shown_as_its_word() {
        let line = state("dreaming\x1b[2J");
        let text: String = line.pieces().map(|(_, it)| it.to_string()).collect();
        assert_eq!(text, "· dreaming␛[2J");
    }
}
