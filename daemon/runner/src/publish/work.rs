//! Work on one place, while it is locked: the book and the folder are changed together, step by step.

use super::Refusal;
use super::book::{Before, Book, Line, State};
use super::place::{Place, inode};
use super::step::{Step, is_unsupported};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// What carries out the steps.
pub(super) type CarryOut<'a> = &'a mut dyn FnMut(&Step) -> io::Result<()>;

/// An open book.
pub(super) struct Work<'a> {
    pub(super) place: &'a Place,
    pub(super) book: Book,
    carry_out: CarryOut<'a>,
}

/// Makes the folders in which something is published, and its versions kept.
pub(super) fn make_folders(place: &Place, carry_out: CarryOut<'_>) -> Result<(), Refusal> {
    let parent = Step::MakeFolder { path: place.parent().to_owned() };
    let versions = Step::MakeVersions { path: place.versions().to_owned() };
    for step in [parent, versions] {
        carry_out(&step).map_err(|error| Refusal::Step { step, error })?;
    }
    Ok(())
}

/// Whether the book on disk has a line of this name, or cannot be read.
pub(super) fn is_listed(place: &Place, name: &str) -> bool {
    read(place).map_or(true, |it| it.find(name).is_some())
}

fn read(place: &Place) -> Result<Book, Refusal> {
    let path = place.book();
    match fs::read_to_string(&path) {
        Ok(text) => Book::parse(&text).map_err(|line| Refusal::Book { path, line }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Book::default()),
        Err(error) => Err(Refusal::Read { doing: "read", path, error }),
    }
}

impl<'a> Work<'a> {
    /// Reads the book, settles what is undecided, and removes what a broken-off copy has left.
    pub(super) fn open(place: &'a Place, carry_out: CarryOut<'a>) -> Result<Self, Refusal> {
        let book = read(place)?;
        let mut work = Self { place, book, carry_out };
        work.settle()?;
        for name in work.names().iter().filter(|it| it.ends_with(".new")) {
            work.step(Step::Remove { path: place.versions().join(name) })?;
        }
        Ok(work)
    }

    pub(super) fn step(&mut self, step: Step) -> Result<(), Refusal> {
        (self.carry_out)(&step).map_err(|error| Refusal::Step { step, error })
    }

    /// Says something in the log.
    pub(super) fn tell(&mut self, text: String) {
        // That it cannot be said is no reason to stop.
        let _ = (self.carry_out)(&Step::Tell { text });
    }

    /// Brings the book to disk.
    pub(super) fn save(&mut self) -> Result<(), Refusal> {
        self.step(Step::Write { path: self.place.book(), text: self.book.text() })
    }

    /// Puts `item` into place; what was there comes to `old`, or stays where `item` was.
    pub(super) fn put(&mut self, item: &Path, old: &Path) -> Result<(), Refusal> {
        let (from, to) = (item.to_owned(), self.place.target().to_owned());
        if inode(&to).is_none() {
            return self.step(Step::Move { from, to });
        }
        let exchange = Step::Exchange { from: from.clone(), to: to.clone() };
        match (self.carry_out)(&exchange) {
            Err(error) if is_unsupported(&error) => (),
            result => {
                return result.map_err(|error| Refusal::Step { step: exchange, error });
            }
        }
        let is_folder = |it: &Path| fs::symlink_metadata(it).is_ok_and(|it| it.is_dir());
        if !is_folder(&from) && !is_folder(&to) {
            let link = Step::Link { from: to.clone(), to: old.to_owned() };
            if (self.carry_out)(&link).is_ok() {
                return self.step(Step::Replace { from, to });
            }
        }
        self.tell(format!(
            "the file system of {} cannot exchange two things at once: for a moment nothing is there",
            to.display()
        ));
        self.step(Step::Move { from: to.clone(), to: old.to_owned() })?;
        self.step(Step::Move { from, to })
    }

    /// Takes a publication out of the chain though a later one is in place, which stays untouched.
    ///
    /// What the later one has replaced is from then on what this one has replaced.
    pub(super) fn drop_from_chain(&mut self, name: &str) -> Result<(), Refusal> {
        self.intend(name, State::Dropping, 0)?;
        self.settle()
    }

    /// Says in the book what is about to be done.
    pub(super) fn intend(&mut self, name: &str, state: State, inode: u64) -> Result<(), Refusal> {
        if let Some(line) = self.book.lines.iter_mut().find(|it| it.name == name) {
            (line.state, line.inode) = (state, inode);
        }
        self.save()
    }

    /// Finishes what the book says was about to be done, or has it not begun.
    pub(super) fn settle(&mut self) -> Result<(), Refusal> {
        let Some(index) = self.book.unsettled() else { return Ok(()) };
        let Line { name, state, .. } = self.book.lines[index].clone();
        let [new, before, withdrawn] =
            ["new", "before", "withdrawn"].map(|it| self.place.item(&name, it));
        match state {
            State::Placing if self.is_put(index, &new, &before)? => {
                let line = &mut self.book.lines[index];
                line.before = if inode(&before).is_some() { Before::Kept } else { Before::Nothing };
                line.state = State::Published;
            }
            State::Placing => {
                self.book.lines.remove(index);
                self.save()?;
                return self.step(Step::Remove { path: new });
            }
            State::Restoring if self.is_put(index, &before, &withdrawn)? => {
                self.mark_withdrawn(index);
            }
            State::Removing if inode(&withdrawn).is_some() => self.mark_withdrawn(index),
            State::Restoring | State::Removing => self.book.lines[index].state = State::Published,
            State::Dropping => self.finish_drop(index)?,
            State::Published | State::Withdrawn => (),
        }
        self.save()
    }

    /// Whether `item` has been put into place, and completes that, or takes back what led up to it.
    fn is_put(&mut self, index: usize, item: &Path, old: &Path) -> Result<bool, Refusal> {
        let target = self.place.target().to_owned();
        if inode(item) != Some(self.book.lines[index].inode) {
            // What is there is what was in place.
            if inode(item).is_some() {
                self.step(Step::Move { from: item.to_owned(), to: old.to_owned() })?;
            }
            return Ok(true);
        }
        match (inode(&target), inode(old)) {
            (None, Some(_)) => self.step(Step::Move { from: old.to_owned(), to: target })?,
            (Some(same), Some(link)) if same == link => {
                self.step(Step::Remove { path: old.to_owned() })?;
            }
            _ => (),
        }
        Ok(false)
    }

    fn finish_drop(&mut self, index: usize) -> Result<(), Refusal> {
        let line = &self.book.lines[index];
        let own = line.before;
        let [before, withdrawn] = ["before", "withdrawn"].map(|it| self.place.item(&line.name, it));
        let above = self.book.above(index);
        if let Some(above) = above.filter(|it| self.book.lines[*it].before == Before::Kept) {
            let kept = self.place.item(&self.book.lines[above].name, "before");
            if inode(&withdrawn).is_none() && inode(&kept).is_some() {
                self.step(Step::Move { from: kept.clone(), to: withdrawn })?;
            }
            if inode(&before).is_some() {
                self.step(Step::Move { from: before, to: kept.clone() })?;
            }
            self.book.lines[above].before = match own {
                Before::Kept if inode(&kept).is_some() => Before::Kept,
                Before::Nothing => Before::Nothing,
                Before::Kept | Before::Gone => Before::Gone,
            };
        }
        self.mark_withdrawn(index);
        Ok(())
    }

    pub(super) fn mark_withdrawn(&mut self, index: usize) {
        let line = &mut self.book.lines[index];
        (line.state, line.before) = (State::Withdrawn, Before::Gone);
    }

    /// Removes all replaced and all withdrawn versions but the newest `keep` of each.
    /// What cannot be removed is told and stays.
    pub(super) fn prune(&mut self, keep: usize) {
        let names = self.names();
        let mut unwanted = self.withdrawn(&names);
        unwanted.truncate(unwanted.len().saturating_sub(keep));
        unwanted.extend(self.unlisted(&names));
        let mut pruned = self.book.clone();
        pruned.prune(keep);
        let gone = pruned.lines.iter().filter(|it| it.before == Before::Gone);
        let gone = gone.map(|it| format!("{}.before", it.name)).filter(|it| names.contains(it));
        unwanted.extend(gone);
        if pruned != self.book {
            let before = std::mem::replace(&mut self.book, pruned);
            if let Err(refusal) = self.save() {
                self.book = before;
                return self.tell(refusal.to_string());
            }
        }
        for name in unwanted {
            if let Err(refusal) = self.step(Step::Remove { path: self.place.versions().join(name) })
            {
                self.tell(refusal.to_string());
            }
        }
    }

    /// Names of withdrawn versions, oldest first.
    fn withdrawn(&self, names: &BTreeSet<String>) -> Vec<String> {
        let all = self.book.lines.iter().map(|it| format!("{}.withdrawn", it.name));
        all.filter(|it| names.contains(it)).collect()
    }

    /// Names of withdrawn versions whose lines have been left out.
    fn unlisted(&self, names: &BTreeSet<String>) -> Vec<String> {
        let withdrawn = names.iter().filter(|_| self.book.cut).filter(|it| {
            it.strip_suffix(".withdrawn").is_some_and(|it| self.book.find(it).is_none())
        });
        withdrawn.cloned().collect()
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.place.versions()).into_iter().flatten().flatten();
        entries.filter_map(|it| it.file_name().into_string().ok()).collect()
    }
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("book", &self.book).finish_non_exhaustive()
    }
}
