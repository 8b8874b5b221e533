//! The one writer. Text reaches it as [`Line`]s, which hold only safe text; JSON as values; raw bytes only where standard
//! output is no terminal.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use rustix::termios::tcgetwinsize;
use serde::Serialize;

use crate::args::{ColorWhen, Global};
use crate::error::Error;
use crate::text::Line;
use crate::theme;
use console::safe;

/// Where commands write.
pub(crate) struct Out {
    stdout: Box<dyn Write>,
    stderr: Box<dyn Write>,
    /// Whether programs read it: JSON, and nothing else.
    pub(crate) json: bool,
    /// Whether standard output is a terminal.
    pub(crate) terminal: bool,
    /// The columns of the terminal.
    pub(crate) width: Option<usize>,
    quiet: bool,
    color: bool,
    color_errors: bool,
}

impl Out {
    /// The process's own standard output and error.
    pub(crate) fn of_process(global: &Global) -> Self {
        let terminal = io::stdout().is_terminal();
        let width = tcgetwinsize(io::stdout()).ok().map(|it| usize::from(it.ws_col));
        let color = |is_terminal: bool| match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => is_terminal && !no_color() && !dumb(),
        };
        Self {
            stdout: Box::new(io::BufWriter::new(io::stdout())),
            stderr: Box::new(io::stderr()),
            json: global.json,
            terminal,
            width: width.filter(|it| terminal && *it > 0),
            quiet: global.quiet,
            color: color(terminal),
            color_errors: color(io::stderr().is_terminal()),
        }
    }

    /// Writes to memory.
    #[cfg(test)]
    pub(crate) fn to(stdout: Box<dyn Write>, json: bool) -> Self {
        Self {
            stdout,
            stderr: Box::new(io::sink()),
            json,
            terminal: false,
            width: None,
            quiet: false,
            color: false,
            color_errors: false,
        }
    }

    /// A line for people.
    pub(crate) fn line(&mut self, line: impl Into<Line>) -> Result<(), Error> {
        let text = styled(&line.into(), self.color);
        writeln!(self.stdout, "{text}").map_err(output)
    }

    /// Lines for people.
    pub(crate) fn lines(&mut self, lines: impl IntoIterator<Item = Line>) -> Result<(), Error> {
        lines.into_iter().try_for_each(|it| self.line(it))
    }

    /// A line that says what goes on; left out with `--quiet` and `--json`.
    pub(crate) fn note(&mut self, line: impl Into<Line>) -> Result<(), Error> {
        if self.quiet || self.json {
            return Ok(());
        }
        self.line(line)?;
        self.flush()
    }

    /// The one document of a command.
    pub(crate) fn json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        let text = if self.terminal {
            serde_json::to_string_pretty(document)
        } else {
            serde_json::to_string(document)
        };
        self.json_text(text)
    }

    /// One of many documents, a line each.
    pub(crate) fn json_line(&mut self, document: &impl Serialize) -> Result<(), Error> {
        self.json_text(serde_json::to_string(document))
    }

    fn json_text(&mut self, text: serde_json::Result<String>) -> Result<(), Error> {
        let text = text.map_err(|it| output(it.into()))?;
        writeln!(self.stdout, "{}", safe::json(&text)).map_err(output)
    }

    /// What [`safe::LogFilter`] has made of a log.
    pub(crate) fn log(&mut self, text: &str) -> Result<(), Error> {
        self.stdout.write_all(text.as_bytes()).map_err(output)
    }

    /// Bytes as they are, for programs and files.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        debug_assert!(!self.terminal, "a terminal gets safe text only");
        self.stdout.write_all(bytes).map_err(output)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        self.stdout.flush().map_err(output)
    }

    /// Says what went wrong. That nobody may read it is no further trouble.
    pub(crate) fn error(&mut self, error: &Error) {
        if self.json {
            let _ = self.json(&error.json()).and_then(|()| self.flush());
            return;
        }
        let _ = self.flush();
        let mark = Line::new().styled(crate::text::Style::Bad, "error:").and(" ");
        let mut lines = error.message().lines().map(Line::from).collect::<Vec<_>>();
        if let Some(first) = lines.first_mut() {
            *first = mark.join(std::mem::take(first));
        }
        if let Some(help) = error.help() {
            lines.push(Line::new().styled(crate::text::Style::Bold, "help:").and(" ").and(help));
        }
        for line in lines {
            let _ = writeln!(self.stderr, "{}", styled(&line, self.color_errors));
        }
    }
}

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Out").field("json", &self.json).field("terminal", &self.terminal).finish()
    }
}

fn styled(line: &Line, color: bool) -> String {
    let mut text = String::new();
    for (style, piece) in line.pieces() {
        match theme::sgr(style) {
            "" => text.push_str(piece.as_str()),
            _ if !color => text.push_str(piece.as_str()),
            on => text.extend([on, piece.as_str(), theme::SGR_OFF]),
        }
    }
    text.truncate(text.trim_end_matches(' ').len());
    text
}

fn output(source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::BrokenPipe => Error::BrokenPipe,
        _ => Error::System { doing: "write the output".to_owned(), source },
    }
}

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty())
}

fn dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|it| it == "dumb")
}
