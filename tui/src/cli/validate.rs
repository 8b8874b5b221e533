//! `validate` and `schema`: what may stand in a workflow file. Without a daemon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;
use shared::diagnostic::{Diagnostic, Severity};

use super::Cx;
use crate::error::{Error, Exit};
use crate::format::plural;
use crate::local;
use crate::text::{Line, Style};

pub(super) fn execute(cx: &mut Cx, paths: &[PathBuf]) -> Result<Exit, Error> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(local::files_of(path)?);
    }
    let mut found = Vec::new();
    for file in &files {
        found.extend(local::load(file)?.diagnostics);
    }
    let errors = found.iter().filter(|it| it.severity == Severity::Error).count();
    if cx.out.json {
        cx.out.json(&json!({ "ok": errors == 0, "diagnostics": found }))?;
    } else {
        let mut texts = Texts::default();
        for diagnostic in &found {
            cx.out.lines(lines(diagnostic, texts.line(diagnostic)))?;
            cx.out.line("")?;
        }
        cx.out.note(summary(files.len(), errors, found.len() - errors))?;
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::Invalid })
}

pub(super) fn schema(cx: &mut Cx) -> Result<Exit, Error> {
    cx.out.json(&definition::schema())?;
    Ok(Exit::Done)
}

/// The files that diagnostics point into.
#[derive(Default)]
pub(super) struct Texts(BTreeMap<String, String>);

impl Texts {
    pub(super) fn line(&mut self, diagnostic: &Diagnostic) -> Option<&str> {
        let index = usize::try_from(diagnostic.line).ok()?.checked_sub(1)?;
        let file = &diagnostic.file;
        let read = || local::read(Path::new(file)).unwrap_or_default();
        self.0.entry(file.clone()).or_insert_with(read).lines().nth(index)
    }
}

/// A diagnostic with its place, the line it is about, and the help.
pub(super) fn lines(diagnostic: &Diagnostic, source: Option<&str>) -> Vec<Line> {
    let place = match diagnostic.line {
        0 => format!("{}: ", diagnostic.file),
        line => format!("{}:{line}:{}: ", diagnostic.file, diagnostic.column),
    };
    let (word, style) = match diagnostic.severity {
        Severity::Error => ("error", Style::Bad),
        Severity::Warning => ("warning", Style::Warn),
    };
    let head = Line::from(place)
        .styled(style, format!("{word}[{}]", diagnostic.code))
        .and(": ")
        .styled(Style::Bold, &diagnostic.message);
    let mut lines = vec![head];
    if let Some(source) = source {
        let number = diagnostic.line.to_string();
        let before: String = source.chars().take(column(diagnostic)).collect();
        let blanks = " ".repeat(Line::from(before).width());
        let bar = format!("{:>width$} | ", "", width = number.len());
        lines.push(Line::new().styled(Style::Dim, format!("{number} | ")).and(source));
        lines.push(Line::new().styled(Style::Dim, bar).and(blanks).styled(style, "^"));
    }
    if let Some(help) = &diagnostic.help {
        lines.push(Line::new().styled(Style::Bold, "help:").and(" ").and(help));
    }
    lines
}

fn column(diagnostic: &Diagnostic) -> usize {
    usize::try_from(diagnostic.column).unwrap_or(0).saturating_sub(1)
}

fn summary(files: usize, errors: usize, warnings: usize) -> Line {
    let files = plural(files as u64, "file");
    let verdict = match errors {
        0 => Line::from(files).and(": ").styled(Style::Good, "valid"),
        _ => Line::from(files).and(": ").styled(Style::Bad, plural(errors as u64, "error")),
    };
    match warnings {
        0 => verdict,
        _ => verdict.and(", ").styled(Style::Warn, plural(warnings as u64, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_points_at_its_place() {
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: "unknown_key".to_owned(),
            message: "there is no key `nees`".to_owned(),
            help: Some("did you mean `needs`?".to_owned()),
            file: "day.yaml".to_owned(),
            line: 12,
            column: 5,
        };
        let text = |source: Option<&str>| -> Vec<String> {
            let pieces = |line: Line| line.pieces().map(|(_, it)| it.to_string()).collect();
            lines(&diagnostic, source).into_iter().map(pieces).collect()
        };
        let expected = [
            "day.yaml:12:5: error[unknown_key]: there is no key `nees`",
            "12 | \u{20}   nees: load",
            "   | \u{20}   ^",
            "help: did you mean `needs`?",
        ];
        assert_eq!(text(Some("    nees: load")), expected);
        assert_eq!(text(None).len(), 2);
        assert_eq!(text(Some("大\x1b[2Jx"))[2], "   |      ^");
    }
}
