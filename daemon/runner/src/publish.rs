//! `runyard-runner publish` and `withdraw`: moves a file or folder into place, and puts back what was there.
//!
//! Beside the place `DIR/NAME` lies the folder `DIR/.NAME.versions`: the lock, the [`book`] that lists
//! the updates, and `ID.before` (what update `ID` has replaced), `ID.withdrawn` and, while it is made, `ID.new`.
//! Everything that changes the disk is a [`Step`]. Before the one step that readers see, the book says what
//! is about to happen; whoever opens the book next settles what a killed process has left undecided.

mod book;
mod place;
mod refusal;
mod step;
#[cfg(test)]
mod tests;
mod tree;
mod withdraw;
mod work;

use book::{Before, Line, State};
use place::Place;
pub(crate) use place::is_update;
pub(crate) use refusal::Refusal;
use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use step::Step;
pub(crate) use withdraw::withdraw;
use work::{CarryOut, Work};

/// What is to be published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Publication {
    /// Names the update.
    pub(crate) update: String,
    /// Relative to the run's folder.
    pub(crate) from: PathBuf,
    /// Absolute.
    pub(crate) to: PathBuf,
    /// How many replaced versions are kept, the newest ones.
    pub(crate) keep: usize,
}

/// Which update is to be withdrawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Withdrawal {
    pub(crate) update: String,
    /// Where it was published; absolute.
    pub(crate) to: PathBuf,
}

/// What has been published, and what it has replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Published {
    size: tree::Size,
    /// The update that was there before, if one was.
    replaced: Option<String>,
}

/// Publishes, and writes the outputs of the attempt. Result: a line for the log.
///
/// An update that is published again takes the place of what it published before: to withdraw it brings back
/// what was there before the first time.
pub(crate) fn publish(asked: &Publication) -> Result<String, Refusal> {
    let run_dir = env::var_os("RUNYARD_RUN_DIR").ok_or(Refusal::NoRunDir)?;
    let place = Place::new(&asked.to)?;
    let done = publish_at(&place, Path::new(&run_dir), asked, &mut step::carry_out)?;
    if let Some(path) = env::var_os("RUNYARD_OUTPUTS") {
        write_outputs(&path, asked, &done)?;
    }
    let tree::Size { bytes, files } = done.size;
    let replaced = done.replaced.map(|it| format!(", in place of update {it}")).unwrap_or_default();
    let noun = if files == 1 { "file" } else { "files" };
    let (update, to) = (&asked.update, asked.to.display());
    Ok(format!("published update {update} at {to} ({files} {noun}, {bytes} bytes){replaced}"))
}

fn publish_at(
    place: &Place,
    run_dir: &Path,
    asked: &Publication,
    carry_out: CarryOut<'_>,
) -> Result<Published, Refusal> {
    let mut source = tree::find(run_dir, &asked.from, place);
    if !place.versions().is_dir() {
        // What cannot be published leaves no trace.
        source = Ok(source?);
        work::make_folders(place, carry_out)?;
    }
    let _lock = place.lock()?;
    let mut work = Work::open(place, carry_out)?;
    let earlier = work.book.published(&asked.update);
    let name = work.book.next_name(&asked.update);
    let size = put_in_place(&mut work, &source?, &name)?;
    for it in earlier {
        work.drop_from_chain(&it)?;
    }
    let published = Published { size, replaced: work.book.below(&name).map(str::to_owned) };
    work.prune(asked.keep);
    Ok(published)
}

fn put_in_place(work: &mut Work<'_>, source: &Path, name: &str) -> Result<tree::Size, Refusal> {
    let size = tree::survey(source)?;
    let new = work.place.item(name, "new");
    let copy = Step::Copy { from: source.to_owned(), to: new.clone(), size };
    let staged = work.step(copy).and_then(|()| {
        let gone = || Refusal::Missing { from: new.clone(), run_dir: work.place.versions().into() };
        let inode = place::inode(&new).ok_or_else(gone)?;
        let (state, before) = (State::Placing, Before::Nothing);
        work.book.lines.push(Line { name: name.to_owned(), state, before, inode, size });
        work.save()
    });
    if let Err(refusal) = staged {
        work.book.lines.retain(|it| it.name != name);
        // A book that names it needs it to tell that it has not been put into place.
        if !work::is_listed(work.place, name) {
            let _ = work.step(Step::Remove { path: new });
        }
        return Err(refusal);
    }
    let put = work.put(&new, &work.place.item(name, "before"));
    let settled = work.settle();
    put?;
    match settled {
        // The intent on disk and what lies in place say the same: the next one settles it.
        Err(refusal) if work.book.find(name).is_some_and(|it| it.state == State::Published) => {
            work.tell(refusal.to_string());
            Ok(size)
        }
        settled => settled.map(|()| size),
    }
}

fn write_outputs(path: &OsString, asked: &Publication, done: &Published) -> Result<(), Refusal> {
    let line = format!(
        "{{\"path\": {}, \"update\": {}, \"bytes\": {}, \"files\": {}, \"replaced\": {}}}\n",
        json_text(&asked.to.to_string_lossy()),
        json_text(&asked.update),
        done.size.bytes,
        done.size.files,
        json_text(done.replaced.as_deref().unwrap_or_default()),
    );
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut it| it.write_all(line.as_bytes())).map_err(|error| Refusal::Read {
        doing: "write the outputs to",
        path: path.into(),
        error,
    })
}

fn json_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for it in text.chars() {
        match it {
            '"' | '\\' => quoted.extend(['\\', it]),
            it if it < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(it))),
            it => quoted.push(it),
        }
    }
    quoted.push('"');
    quoted
}
