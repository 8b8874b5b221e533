//! The confirmation as it is drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use shared::plan::{Plan, Tasks};

use super::{Confirm, Field, What};
use crate::app::App;
use crate::cli;
use crate::dialog::{buttons, refused_word};
use crate::format;
use crate::safe::Safe;
use crate::text;
use crate::theme::{Glyph, Role};
use crate::verb::Comment;
use crate::widgets::panel::{self, Line};

/// The columns within.
const WIDTH: u16 = 60;
/// How many names of tasks or runs are shown.
const NAMES: usize = 3;

/// A part of a plan.
type Part = fn(&Plan) -> &Tasks;

/// The parts of a plan in the order in which they are told.
const PARTS: [(&str, Part); 11] = [
    ("runs", |it| &it.run),
    ("undoes", |it| &it.undo),
    ("not undone", |it| &it.not_undone),
    ("will end", |it| &it.finish),
    ("will not end", |it| &it.outlast),
    ("stops", |it| &it.stop),
    ("drops", |it| &it.drop),
    ("waits", |it| &it.wait),
    ("keeps", |it| &it.keep),
    ("voids", |it| &it.void),
    ("runs wait", |it| &it.runs),
];

pub(in crate::dialog) fn view(app: &App, confirm: &Confirm, area: Rect, buf: &mut Buffer) {
    let width = WIDTH.min(area.width.saturating_sub(4));
    let lines = lines(app, confirm, usize::from(width));
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let inner = panel::panel(buf, area, app.theme(), confirm.ask.title, (width, height));
    // Neither fields nor buttons are what has no room.
    let room = usize::from(inner.height);
    let kept = if lines.len() <= room {
        lines
    } else {
        let tail = (confirm.fields.len() + 2).min(room);
        let head = room.saturating_sub(tail + 1);
        let hidden = lines.len() - head - tail;
        let more = format!("  {hidden} more lines: make the terminal larger to see them");
        let (above, below) = (&lines[..head], &lines[lines.len() - tail..]);
        let more = vec![(more, app.theme().style(Role::Warn))];
        above.iter().cloned().chain([more]).chain(below.iter().cloned()).collect()
    };
    panel::lines(buf, inner, &kept);
}

fn lines(app: &App, confirm: &Confirm, width: usize) -> Vec<Line> {
    let theme = app.theme();
    let plain = theme.style(Role::Plain);
    let mut lines = vec![vec![(question(confirm), theme.style(Role::Strong))]];
    lines.extend(plan_lines(app, confirm, width));
    lines.push(Vec::new());
    if let Ok(requests) = confirm.requests(app)
        && let (Some(request), Some(piece)) = (requests.first(), confirm.ask.pieces.first())
    {
        let more = match confirm.ask.pieces.len() {
            0 | 1 => String::new(),
            many => format!("  (and {} more)", many - 1),
        };
        let line = cli::line(request, &piece.run_label);
        lines.push(vec![(format!("$ {line}{more}"), theme.style(Role::Dim))]);
    }
    if let Some((problem, help)) = &confirm.problem {
        lines.extend(wrapped(problem, width).map(|it| vec![(it, theme.style(Role::Bad))]));
        let help = help.iter().flat_map(|it| wrapped(it, width));
        lines.extend(help.map(|it| vec![(it, plain)]));
    }
    lines
        .extend(confirm.fields.iter().enumerate().map(|(at, it)| field_line(app, confirm, at, it)));
    lines.push(match confirm.waiting.is_empty() {
        true => buttons(app, confirm.ask.verb),
        false => vec![("sent, waiting for the daemon".to_owned(), theme.style(Role::Dim))],
    });
    lines
}

fn question(confirm: &Confirm) -> String {
    let mut verb = confirm.ask.verb.to_owned();
    if let Some(first) = verb.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    match confirm.ask.pieces.as_slice() {
        [one] => format!("{verb}: {}?", one.label),
        more => {
            let names: Vec<&str> = more.iter().take(NAMES).map(|it| it.label.as_str()).collect();
            let rest = more.len().saturating_sub(NAMES);
            let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("{verb} {}: {}{rest}?", more.len(), names.join(", "))
        }
    }
}

fn plan_lines(app: &App, confirm: &Confirm, width: usize) -> Vec<Line> {
    let theme = app.theme();
    if let Some(refusal) = confirm.refusal() {
        let word = refused_word(refusal.code);
        let lines = wrapped(&format!("{word}{}", refusal.message), width);
        let help = refusal.help.iter().flat_map(|it| wrapped(it, width));
        return lines
            .map(|it| vec![(it, theme.style(Role::Bad))])
            .chain(help.map(|it| vec![(it, theme.style(Role::Plain))]))
            .collect();
    }
    if !confirm.is_planned() {
        let text = match app.can_act() {
            Ok(()) => "working out what it would do…".to_owned(),
            Err(reason) => format!("what it would do is not known: {reason}"),
        };
        return vec![vec![(text, theme.style(Role::Dim))]];
    }
    let plans: Vec<&Plan> =
        confirm.plans.iter().filter_map(|it| it.1.as_ref()?.as_ref().ok()).collect();
    let mut lines: Vec<Line> = PARTS
        .into_iter()
        .filter_map(|(word, part)| {
            let word = match (word, confirm.ask.lets_go_on()) {
                ("waits", true) => "goes on",
                ("runs wait", true) => "runs go on",
                _ => word,
            };
            let count: u64 = plans.iter().map(|it| u64::from(part(it).count)).sum();
            let names = plans.iter().flat_map(|it| &part(it).names).take(NAMES);
            let names = names.map(String::as_str).collect::<Vec<_>>().join(", ");
            let dots = if count > NAMES as u64 { ", …" } else { "" };
            (count > 0).then(|| {
                vec![
                    (format!("  {word:<11}"), theme.style(Role::Dim)),
                    (format!("{:>6}  ", format::count(count)), theme.style(Role::Strong)),
                    (format!("{names}{dots}"), theme.style(Role::Plain)),
                ]
            })
        })
        .collect();
    let mut notes: Vec<&String> = confirm.ask.note.iter().collect();
    for note in plans.iter().flat_map(|it| &it.notes) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    for note in notes.into_iter().take(4) {
        let note = wrapped(note, width.saturating_sub(2));
        lines.extend(note.map(|it| vec![(format!("  {it}"), theme.style(Role::Warn))]));
    }
    lines
}

fn field_line(app: &App, confirm: &Confirm, at: usize, field: &Field) -> Line {
    let theme = app.theme();
    let label = match (field.what, &confirm.ask.typed) {
        (What::Typed, Some(typed)) => format!("type {typed}"),
        (What::Comment, _) if confirm.ask.comment == Comment::Must => "comment *".to_owned(),
        (what, _) => what.label().to_owned(),
    };
    let (before, after) = field.edit.parts();
    let mut line = vec![(format!("  {label:<11} "), theme.style(Role::Dim))];
    if confirm.focus == Some(at) {
        let shown = tail(&before, 40);
        line.push((shown, theme.style(Role::Field)));
        line.push((theme.glyph(Glyph::Cursor).to_owned(), theme.style(Role::Strong)));
        line.push((after, theme.style(Role::Field)));
    } else {
        let hint = match (field.what, field.edit.is_empty()) {
            (What::Comment, true) => "tab: say why",
            (What::Until, true) => "until it is resumed",
            (What::Params, true) => "tab: name=value",
            _ => "",
        };
        line.push((before + &after, theme.style(Role::Plain)));
        line.push((hint.to_owned(), theme.style(Role::Dim)));
    }
    line
}

/// The end of a text that is longer than there is room.
fn tail(text: &str, columns: usize) -> String {
    let count = text.chars().count();
    text.chars().skip(count.saturating_sub(columns)).collect()
}

fn wrapped(text: &str, width: usize) -> impl Iterator<Item = String> + use<> {
    text::wrap(&Safe::line(text), width).into_iter().map(|it| it.to_string())
}
