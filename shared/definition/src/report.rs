//! Collects what is wrong with one file.

use std::collections::BTreeSet;

use shared::diagnostic::{Diagnostic, Severity};

use crate::problem::Problem;
use crate::yaml::Place;

/// More than this helps nobody.
const MAX: usize = 200;

/// The longest sentence in characters.
const CHARACTERS_MAX: usize = 400;

/// How far below a value's start its parts are looked for, in lines.
const LINES_MAX: usize = 2_000;

/// The diagnostics of one file.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
    found: Vec<Diagnostic>,
    has_errors: bool,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, lines: text.lines().collect(), found: Vec::new(), has_errors: false }
    }

    /// Whether there are so many that no more are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= MAX
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.has_errors
    }

    pub(crate) fn add(&mut self, place: Place, problem: Problem) {
        let severity = problem.severity();
        self.has_errors |= severity == Severity::Error;
        if self.is_full() {
            return;
        }
        self.found.push(Diagnostic {
            severity,
            code: problem.code().to_owned(),
            message: in_one_line(problem.to_string()),
            help: problem.help().map(in_one_line),
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
        });
    }

    /// Where `part` stands in the value that starts at `start`; `start` where it is written in another way.
    pub(crate) fn locate(&self, start: Place, part: &str) -> Place {
        let skipped = usize::try_from(start.line).unwrap_or(usize::MAX).saturating_sub(1);
        let lines = self.lines.get(skipped..).unwrap_or_default();
        for (number, line) in (start.line..).zip(lines.iter().take(LINES_MAX)) {
            let before = if number == start.line { start.column.saturating_sub(1) } else { 0 };
            let from = line.char_indices().nth(before as usize).map_or(line.len(), |it| it.0);
            if let Some(at) = line[from..].find(part) {
                let characters = line[..from + at].chars().count();
                let column = u32::try_from(characters).unwrap_or(u32::MAX).saturating_add(1);
                return Place { line: number, column };
            }
        }
        start
    }

    /// Everything, in the order of the file, each once.
    pub(crate) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        let mut seen = BTreeSet::new();
        self.found.sort_by_key(|it| (it.line, it.column));
        self.found.retain(|it| seen.insert((it.line, it.column, it.message.clone())));
        self.found
    }
}

/// A sentence without what a terminal would obey, and of a length that can be read: it quotes what a file holds.
fn in_one_line(text: String) -> String {
    let long = text.chars().nth(CHARACTERS_MAX).is_some();
    if !long && !text.contains(char::is_control) {
        return text;
    }
    let visible = text.chars().map(|it| if it.is_control() { ' ' } else { it });
    let mut line: String = visible.take(CHARACTERS_MAX).collect();
    if long {
        line.push('…');
    }
    line
}
