//! The list of what has been published at one place, oldest first, as text.

use super::place::is_update;
use super::tree::Size;
use std::fmt::Write;

/// First line of the file.
const HEADER: &str = "runyard versions 1";

/// Second line, once lines have been left out.
const CUT: &str = "older updates are not listed";

/// Most lines that are kept for updates of which nothing else is.
const LINES_MAX: usize = 1_000;

/// Where an update stands. All but [`State::Published`] and [`State::Withdrawn`] say what is about to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// `ID.new`, whose inode is in the line, is put into place; what was there becomes `ID.before`.
    Placing,
    Published,
    /// `ID.before`, whose inode is in the line, is put back; what was published becomes `ID.withdrawn`.
    Restoring,
    /// Nothing was there before: what was published becomes `ID.withdrawn`.
    Removing,
    /// A later update is in place: what it keeps as its `before` becomes `ID.withdrawn`, and ours becomes its.
    Dropping,
    Withdrawn,
}

/// What was there before an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Before {
    /// It lies in `ID.before`.
    Kept,
    Nothing,
    /// It is not kept.
    Gone,
}

/// One publication.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// Of what is kept: the update, and `~N` if it is its `N`th publication here.
    pub(super) name: String,
    pub(super) state: State,
    pub(super) before: Before,
    /// Of what is to be put into place, while it is.
    pub(super) inode: u64,
    pub(super) size: Size,
}

/// Everything published at a place, in that order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Book {
    pub(super) lines: Vec<Line>,
    /// Whether older ones have been left out.
    pub(super) cut: bool,
}

const STATES: [(State, &str); 6] = [
    (State::Placing, "placing"),
    (State::Published, "published"),
    (State::Restoring, "restoring"),
    (State::Removing, "removing"),
    (State::Dropping, "dropping"),
    (State::Withdrawn, "withdrawn"),
];

const BEFORES: [(Before, &str); 3] =
    [(Before::Kept, "kept"), (Before::Nothing, "nothing"), (Before::Gone, "gone")];

impl Book {
    /// Reads the text of a book. The error is the number of the line that is none, from 1.
    pub(super) fn parse(text: &str) -> Result<Self, usize> {
        let mut lines = text.lines().enumerate().peekable();
        lines.next().filter(|(_, it)| *it == HEADER).ok_or(1_usize)?;
        let cut = lines.next_if(|(_, it)| *it == CUT).is_some();
        let lines = lines.map(|(index, it)| Line::parse(it).ok_or(index + 1));
        Ok(Self { lines: lines.collect::<Result<_, _>>()?, cut })
    }

    /// As [`Book::parse`] reads it.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if self.cut {
            text += CUT;
            text.push('\n');
        }
        for line in &self.lines {
            line.write(&mut text);
        }
        text
    }

    /// A name for the next publication of an update.
    pub(super) fn next_name(&self, update: &str) -> String {
        let of_update = self.lines.iter().filter(|it| it.update() == update);
        match of_update.map(Line::number).max() {
            None => update.to_owned(),
            Some(last) => format!("{update}~{}", last.saturating_add(1)),
        }
    }

    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.lines.iter().position(|it| it.name == name)
    }

    pub(super) fn find(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|it| it.name == name)
    }

    /// What has been published under the name of an update and is not withdrawn, oldest first.
    pub(super) fn published(&self, update: &str) -> Vec<String> {
        let lines = self.lines.iter().filter(|it| it.update() == update);
        lines.filter(|it| it.state == State::Published).map(|it| it.name.clone()).collect()
    }

    /// The one whose intent may or may not have been carried out: there is at most one.
    pub(super) fn unsettled(&self) -> Option<usize> {
        let rests = |it: &Line| matches!(it.state, State::Published | State::Withdrawn);
        self.lines.iter().position(|it| !rests(it))
    }

    /// The published line that took the place of line `index`.
    pub(super) fn above(&self, index: usize) -> Option<usize> {
        let published = |it: &usize| self.lines[*it].state == State::Published;
        (index + 1..self.lines.len()).find(published)
    }

    /// The update whose place `name` took.
    pub(super) fn below(&self, name: &str) -> Option<&str> {
        let below = self.lines.iter().take_while(|it| it.name != name);
        let below = below.filter(|it| it.state == State::Published).last();
        let replaced = self.find(name).is_some_and(|it| it.before != Before::Nothing);
        below.filter(|_| replaced).map(Line::update)
    }

    /// Leaves out the oldest lines if there are very many, then marks all kept versions but the newest `keep` as gone:
    /// what has just become gone is listed until the next time.
    pub(super) fn prune(&mut self, keep: usize) {
        let mut excess = self.lines.len().saturating_sub(LINES_MAX);
        self.lines.retain(|it| {
            let left_out = excess > 0 && it.before != Before::Kept;
            excess -= usize::from(left_out);
            self.cut |= left_out;
            !left_out
        });
        let kept = self.lines.iter_mut().rev().filter(|it| it.before == Before::Kept);
        kept.skip(keep).for_each(|it| it.before = Before::Gone);
    }
}

impl Line {
    pub(super) fn update(&self) -> &str {
        self.name.split_once('~').map_or(&self.name, |(update, _)| update)
    }

    /// Which publication of the update it is, from 1.
    fn number(&self) -> u64 {
        self.name.split_once('~').and_then(|(_, number)| number.parse().ok()).unwrap_or(1)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut word = || words.next();
        let name = word()?.to_owned();
        // The folder may be written to by others than this user: a name leads nowhere else.
        let (update, number) = name.split_once('~').unwrap_or((&name, "1"));
        if !is_update(update) || number.parse::<u64>().is_err() {
            return None;
        }
        let state = find(&STATES, word()?)?;
        let before = find(&BEFORES, word()?)?;
        let mut number = || word()?.parse().ok();
        let (inode, bytes, files) = (number()?, number()?, number()?);
        let line = Self { name, state, before, inode, size: Size { bytes, files } };
        words.next().is_none().then_some(line)
    }

    fn write(&self, text: &mut String) {
        let Size { bytes, files } = self.size;
        let (state, before) = (word(&STATES, self.state), word(&BEFORES, self.before));
        let (name, inode) = (&self.name, self.inode);
        writeln!(text, "{name} {state} {before} {inode} {bytes} {files}")
            .expect("text can always be written to text");
    }
}

fn find<T: Copy>(words: &[(T, &str)], text: &str) -> Option<T> {
    words.iter().find(|(_, it)| *it == text).map(|(value, _)| *value)
}

fn word<T: PartialEq>(words: &[(T, &'static str)], value: T) -> &'static str {
    let found = words.iter().find(|(it, _)| *it == value);
    found.expect("every value has its word").1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize, state: State, before: Before) -> Line {
        let size = Size { bytes: 7, files: 2 };
        Line { name: number.to_string(), state, before, inode: 9, size }
    }

    #[test]
    fn a_book_is_read_as_it_was_written() {
        for cut in [false, true] {
            let both = STATES.iter().zip(BEFORES.iter().cycle()).enumerate();
            let lines = both.map(|(number, (state, before))| line(number, state.0, before.0));
            let book = Book { lines: lines.collect(), cut };
            assert_eq!(Book::parse(&book.text()), Ok(book));
        }
    }

    #[test]
    fn what_is_no_book_is_told_by_its_line() {
        assert_eq!(Book::parse(""), Err(1));
        assert_eq!(Book::parse("runyard versions 2\n"), Err(1));
        assert_eq!(Book::parse("runyard versions 1\na published\n"), Err(2));
        assert_eq!(Book::parse("runyard versions 1\na done kept 1 2 3\n"), Err(2));
    }

    #[test]
    fn each_publication_of_an_update_has_a_name_of_its_own() {
        let mut book = Book::default();
        for expected in ["u", "u~2", "u~3"] {
            let name = book.next_name("u");
            assert_eq!(name, expected);
            book.lines.push(Line { name, ..line(0, State::Published, Before::Kept) });
        }
        assert_eq!(book.published("u").len(), 3);
        assert_eq!((book.next_name("v").as_str(), book.below("u~3")), ("v", Some("u")));
    }

    #[test]
    fn the_newest_versions_are_kept_and_the_oldest_lines_left_out() {
        let lines = (0..LINES_MAX + 3).map(|it| line(it, State::Published, Before::Kept));
        let mut book = Book { lines: lines.collect(), cut: false };
        book.prune(LINES_MAX);
        assert_eq!((book.lines.len(), book.cut), (LINES_MAX + 3, false));
        book.prune(2);
        assert_eq!((book.lines.len(), book.cut), (LINES_MAX, true));
        let kept: Vec<_> = book.lines.iter().map(|it| it.before == Before::Kept).collect();
        assert!(kept.ends_with(&[false, true, true]));
        assert_eq!(kept.iter().filter(|it| **it).count(), 2);
    }
}
