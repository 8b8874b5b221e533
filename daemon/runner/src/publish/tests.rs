//! Publishes and withdraws with a disk that stops, fails, or cannot do everything.

use super::place::Place;
use super::step::{Step, carry_out};
use super::withdraw::withdraw_at;
use super::{Publication, Published, Refusal, publish_at};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// More steps than anything takes.
const ENOUGH: usize = 100;

/// What a file system cannot do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lack {
    Nothing,
    Exchange,
    ExchangeAndLink,
}

const LACKS: [Lack; 3] = [Lack::Nothing, Lack::Exchange, Lack::ExchangeAndLink];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    File,
    Folder,
}

const KINDS: [Kind; 2] = [Kind::File, Kind::Folder];

struct World {
    folder: TempDir,
    place: Place,
    kind: Kind,
    lack: Lack,
    keep: usize,
}

impl World {
    /// With `initial` in place, unless it is empty.
    fn new(kind: Kind, lack: Lack, initial: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let place = Place::new(&folder.path().join("data/out")).expect("it is an absolute path");
        let world = Self { folder, place, kind, lack, keep: 9 };
        fs::create_dir(world.run_dir()).expect("the folder is there");
        if !initial.is_empty() {
            fs::create_dir(world.place.parent()).expect("the folder is there");
            world.write(world.place.target(), initial);
        }
        world
    }

    fn run_dir(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    fn write(&self, path: &Path, text: &str) {
        let written = match self.kind {
            Kind::File => fs::write(path, text),
            Kind::Folder => fs::create_dir_all(path.join("b"))
                .and_then(|()| fs::write(path.join("a"), text))
                .and_then(|()| fs::write(path.join("b/c"), text)),
        };
        written.expect("the folder is writable");
    }

    /// What is in place; empty if nothing is.
    fn read(&self) -> String {
        let path = self.place.target();
        if self.kind == Kind::File {
            return fs::read_to_string(path).unwrap_or_default();
        }
        let [a, c] = ["a", "b/c"].map(|it| fs::read_to_string(path.join(it)).ok());
        assert_eq!(a, c, "half of it is in place");
        assert_eq!(a.is_some(), path.exists());
        a.unwrap_or_default()
    }

    fn asked(&self, update: &str, from: &str) -> Publication {
        let to = self.place.target().to_owned();
        Publication { update: update.to_owned(), from: from.into(), to, keep: self.keep }
    }

    /// An update's text is its name.
    fn publish(&self, update: &str, fate: &mut Fate) -> Result<Published, Refusal> {
        self.write(&self.run_dir().join("result"), update);
        let asked = self.asked(update, "result");
        publish_at(&self.place, &self.run_dir(), &asked, &mut |it| fate.meet(self.lack, it))
    }

    fn withdraw(&self, update: &str, fate: &mut Fate) -> Result<String, Refusal> {
        withdraw_at(&self.place, update, &mut |it| fate.meet(self.lack, it))
    }

    fn must_publish(&self, update: &str) -> Published {
        self.publish(update, &mut Fate::good()).expect("nothing is in the way")
    }

    fn must_publish_all(&self, updates: &[&str]) {
        updates.iter().for_each(|it| drop(self.must_publish(it)));
    }

    fn must_withdraw(&self, update: &str) -> String {
        self.withdraw(update, &mut Fate::good()).expect("nothing is in the way")
    }

    fn versions(&self, kind: &str) -> usize {
        let entries = fs::read_dir(self.place.versions()).into_iter().flatten().flatten();
        entries.filter(|it| it.file_name().to_string_lossy().ends_with(kind)).count()
    }
}

/// How a program fares: after some steps comes one that fails; those after it fail too if it is killed.
struct Fate {
    steps: usize,
    killed: bool,
    failed: Option<Step>,
    told: Vec<String>,
}

impl Fate {
    fn good() -> Self {
        Self::killed_after(ENOUGH)
    }

    fn killed_after(steps: usize) -> Self {
        Self { steps, killed: true, failed: None, told: Vec::new() }
    }

    fn no_space_after(steps: usize) -> Self {
        Self { steps, killed: false, failed: None, told: Vec::new() }
    }

    fn meet(&mut self, lack: Lack, step: &Step) -> io::Result<()> {
        match step {
            Step::Exchange { .. } if lack != Lack::Nothing => return Err(Errno::INVAL.into()),
            Step::Link { .. } if lack == Lack::ExchangeAndLink => return Err(Errno::PERM.into()),
            Step::Tell { text } => {
                self.told.push(text.clone());
                return Ok(());
            }
            _ => (),
        }
        if self.steps > 0 || self.failed.is_some() && !self.killed {
            self.steps = self.steps.saturating_sub(1);
            return carry_out(step);
        }
        if self.failed.is_none() {
            half_do(step);
            self.failed = Some(step.clone());
        }
        Err(Errno::NOSPC.into())
    }
}

/// What may be left of a step that was not finished.
fn half_do(step: &Step) {
    match step {
        Step::Copy { from, to, .. } if from.is_dir() => {
            let _ = fs::create_dir(to).and_then(|()| fs::write(to.join("a"), "ha"));
        }
        Step::Copy { to, .. } => {
            let _ = fs::write(to, "ha");
        }
        Step::Write { path, .. } => {
            let _ = fs::write(path.with_extension("new"), "runya");
        }
        Step::Remove { path } if path.is_dir() => {
            let _ = fs::remove_file(path.join("a"));
        }
        _ => (),
    }
}

/// Does `story` with a fresh world for each kind, file system, and number of steps before a kill.
///
/// - `story`: gives whether it was killed.
fn killed_anywhere(initial: &str, story: impl Fn(&World, Fate) -> bool) {
    for kind in KINDS {
        for lack in LACKS {
            let kills = (0..ENOUGH).take_while(|steps| {
                story(&World::new(kind, lack, initial), Fate::killed_after(*steps))
            });
            assert!((3..ENOUGH).contains(&kills.count()), "{kind:?} {lack:?}");
        }
    }
}

#[test]
fn a_publication_killed_anywhere_is_done_once_when_it_is_done_again() {
    for initial in ["", "i"] {
        killed_anywhere(initial, |world, mut fate| {
            world.must_publish("a");
            let killed = world.publish("b", &mut fate).is_err();
            let whole = world.lack == Lack::Nothing;
            let seen = world.read();
            assert!(seen == "a" || seen == "b" || !whole && seen.is_empty(), "{seen:?}");
            let published = world.must_publish("b");
            assert_eq!((world.read().as_str(), published.replaced.as_deref()), ("b", Some("a")));
            assert_eq!(world.must_publish("b"), published);
            assert_eq!(world.versions("new"), 0);
            world.must_withdraw("b");
            assert_eq!(world.read(), "a");
            world.must_withdraw("b");
            assert_eq!(world.read(), "a");
            world.must_withdraw("a");
            assert_eq!(world.read(), initial);
            killed || fate.failed.is_some()
        });
    }
}

#[test]
fn what_was_published_anew_and_killed_anywhere_is_withdrawn_altogether() {
    for over in [false, true] {
        killed_anywhere("i", |world, mut fate| {
            world.must_publish("a");
            if over {
                world.must_publish("b");
            }
            let killed = world.publish("a", &mut fate).is_err();
            world.must_withdraw("a");
            assert_eq!(world.read(), if over { "b" } else { "i" });
            world.must_withdraw("b");
            assert_eq!(world.read(), "i");
            killed || fate.failed.is_some()
        });
    }
}

#[test]
fn a_first_publication_killed_anywhere_leaves_nothing_or_all_of_it() {
    killed_anywhere("", |world, mut fate| {
        let killed = world.publish("a", &mut fate).is_err();
        assert!(["", "a"].contains(&world.read().as_str()));
        world.must_publish("b");
        world.must_withdraw("b");
        assert!(["", "a"].contains(&world.read().as_str()));
        world.must_withdraw("a");
        assert_eq!(world.read(), "");
        killed || fate.failed.is_some()
    });
}

#[test]
fn another_publication_after_a_killed_one_can_be_undone() {
    killed_anywhere("i", |world, mut fate| {
        let killed = world.publish("a", &mut fate).is_err();
        let published = world.must_publish("b");
        assert_eq!(world.read(), "b");
        world.must_withdraw("b");
        let back = published.replaced.map_or("i", |_| "a");
        assert_eq!(world.read(), back);
        world.must_withdraw("a");
        assert_eq!(world.read(), "i");
        killed || fate.failed.is_some()
    });
}

#[test]
fn a_withdrawal_killed_anywhere_is_done_once_when_it_is_done_again() {
    for first in ["a", "b"] {
        killed_anywhere("i", |world, mut fate| {
            world.must_publish("a");
            world.must_publish("b");
            let killed = world.withdraw(first, &mut fate).is_err();
            let seen = world.read();
            if first == "a" {
                assert_eq!(seen, "b");
            } else {
                assert!(seen == "a" || seen == "b" || world.lack != Lack::Nothing, "{seen:?}");
            }
            world.must_withdraw(first);
            assert_eq!(world.read(), if first == "a" { "b" } else { "a" });
            world.must_withdraw(if first == "a" { "b" } else { "a" });
            assert_eq!(world.read(), "i");
            killed || fate.failed.is_some()
        });
    }
}

#[test]
fn a_withdrawal_of_the_first_killed_anywhere_can_be_done_again_or_be_overtaken() {
    killed_anywhere("", |world, mut fate| {
        world.must_publish("a");
        let killed = world.withdraw("a", &mut fate).is_err();
        world.must_publish("b");
        assert_eq!(world.read(), "b");
        world.must_withdraw("a");
        assert_eq!(world.read(), "b");
        world.must_withdraw("b");
        assert_eq!(world.read(), "");
        killed || fate.failed.is_some()
    });
}

#[test]
fn three_updates_can_be_withdrawn_in_any_order() {
    let orders = ["abc", "acb", "bac", "bca", "cab", "cba"];
    for (kind, initial) in KINDS.into_iter().flat_map(|it| [(it, ""), (it, "i")]) {
        for order in orders {
            let world = World::new(kind, Lack::Nothing, initial);
            world.must_publish_all(&["a", "b", "c"]);
            let mut left = String::from("abc");
            for update in order.chars() {
                world.must_withdraw(&update.to_string());
                left.retain(|it| it != update);
                let on_top = left.chars().last().map(String::from);
                assert_eq!(world.read(), on_top.unwrap_or_else(|| initial.to_owned()), "{order}");
            }
        }
    }
}

#[test]
fn a_disk_that_is_full_leaves_nothing_half_applied() {
    for (kind, steps) in KINDS.into_iter().flat_map(|kind| (0..ENOUGH).map(move |it| (kind, it))) {
        let world = World::new(kind, Lack::Nothing, "i");
        world.must_publish("a");
        let mut fate = Fate::no_space_after(steps);
        let published = world.publish("b", &mut fate);
        let Some(step) = fate.failed else { return assert!(steps > 4) };
        let needs_space = matches!(step, Step::Copy { .. } | Step::Write { .. });
        if published.is_err() && needs_space {
            let refusal = published.expect_err("it is one").to_string();
            assert!(refusal.ends_with("free space there and try again"), "{refusal}");
            assert_eq!((world.read().as_str(), world.versions("b.new")), ("a", 0));
        }
        world.must_publish("b");
        world.must_withdraw("b");
        assert_eq!(world.read(), "a");
    }
}

#[test]
fn only_the_newest_replaced_versions_are_kept() {
    let mut world = World::new(Kind::Folder, Lack::Nothing, "i");
    world.keep = 2;
    world.must_publish_all(&["a", "b", "c", "d"]);
    assert_eq!(world.versions(".before"), 2);
    for gone in ["a", "b"] {
        let refusal = world.withdraw(gone, &mut Fate::good()).expect_err("its version is gone");
        assert!(refusal.to_string().contains("no longer kept"), "{refusal}");
    }
    world.must_withdraw("c");
    world.must_withdraw("d");
    assert_eq!(world.read(), "b");
    assert!(world.withdraw("b", &mut Fate::good()).is_err());
    assert_eq!((world.read().as_str(), world.versions(".withdrawn")), ("b", 2));
    world.keep = 0;
    world.must_publish("e");
    assert_eq!((world.versions(".before"), world.versions(".withdrawn")), (0, 0));
    assert_eq!(world.read(), "e");
}

#[test]
fn a_file_and_a_folder_take_each_others_place() {
    for lack in LACKS {
        let mut world = World::new(Kind::File, lack, "i");
        world.kind = Kind::Folder;
        let mut fate = Fate::good();
        world.publish("a", &mut fate).expect("nothing is in the way");
        assert_eq!(fate.told.len(), usize::from(lack != Lack::Nothing), "{:?}", fate.told);
        assert_eq!(world.read(), "a");
        world.must_withdraw("a");
        world.kind = Kind::File;
        assert_eq!(world.read(), "i");
    }
}

#[test]
fn every_answer_to_a_withdrawal_says_what_there_is() {
    let world = World::new(Kind::File, Lack::Nothing, "i");
    assert!(world.must_withdraw("a").contains("has published nothing"));
    world.must_publish_all(&["a", "b", "c"]);
    assert!(world.must_withdraw("x").contains("has published nothing"));
    assert!(world.must_withdraw("a").contains("since update b has been published there later"));
    assert!(world.must_withdraw("a").contains("already"));
    assert!(world.must_withdraw("c").ends_with("is again as update b has published it"));
    assert!(world.must_withdraw("b").ends_with("is again as it was before"));
    assert_eq!(world.read(), "i");
    world.must_publish("a");
    assert_eq!(world.read(), "a");
    assert!(world.must_withdraw("a").ends_with("is again as it was before"));
}

#[test]
fn what_leads_out_of_the_runs_folder_is_refused_and_leaves_no_trace() {
    let world = World::new(Kind::File, Lack::Nothing, "");
    let run = world.run_dir();
    let outside = world.folder.path().join("secret");
    fs::write(&outside, "s").expect("the folder is there");
    symlink(&outside, run.join("link")).expect("the name is free");
    symlink(world.folder.path(), run.join("up")).expect("the name is free");
    for (number, text) in ["../../secret", "/etc/passwd", "nowhere", "../f2/x"].iter().enumerate() {
        let folder = run.join(format!("f{number}"));
        fs::create_dir(&folder).expect("the name is free");
        fs::write(folder.join("x"), "x").expect("the folder is there");
        symlink(text, folder.join("link")).expect("the name is free");
    }
    let outside = outside.to_str().expect("it is text");
    for from in ["link", "up/secret", "../secret", outside, "f0", "f1", "f2", "f3", "none"] {
        let asked = world.asked("u", from);
        let refusal = publish_at(&world.place, &run, &asked, &mut carry_out);
        match refusal.expect_err("it is refused") {
            Refusal::Missing { .. } => assert_eq!(from, "none"),
            Refusal::LeadsOut { .. } => (),
            other => panic!("{from}: {other}"),
        }
        assert!(!world.place.target().exists());
    }
}

#[test]
fn links_within_are_published_as_they_are() {
    let world = World::new(Kind::Folder, Lack::Nothing, "");
    world.write(&world.run_dir().join("result"), "a");
    symlink("b/../a", world.run_dir().join("result/latest")).expect("the name is free");
    symlink("result", world.run_dir().join("link")).expect("the name is free");
    let asked = world.asked("u", "./link");
    let published = publish_at(&world.place, &world.run_dir(), &asked, &mut carry_out);
    assert_eq!(published.expect("it stays within").size.files, 3);
    let link = fs::read_link(world.place.target().join("latest"));
    assert_eq!(link.ok().as_deref(), Some(Path::new("b/../a")));
}

#[test]
fn a_book_that_is_not_understood_is_left_alone() {
    let world = World::new(Kind::File, Lack::Nothing, "i");
    world.must_publish("a");
    fs::write(world.place.book(), "runyard versions 1\nx\n").expect("it is writable");
    for refusal in [
        world.publish("b", &mut Fate::good()).map(drop),
        world.withdraw("a", &mut Fate::good()).map(drop),
    ] {
        assert!(matches!(refusal, Err(Refusal::Book { line: 2, .. })));
    }
    assert_eq!((world.read().as_str(), world.versions(".before")), ("a", 1));
}
