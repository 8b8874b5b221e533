use std::fs;

use serde::de::IgnoredAny;

use super::super::Store;
use super::*;

fn store_with(dir: &Path, steps: &[&[&str]]) -> Store {
    let (mut store, _) = Store::open::<IgnoredAny>(dir, |_| {}).expect("a good store");
    let steps: Vec<Vec<String>> =
        steps.iter().map(|it| it.iter().map(|it| (*it).to_owned()).collect()).collect();
    store.append(&steps).expect("there is room");
    store
}

fn read(reader: &Reader, after: Seq) -> (Vec<String>, Result<Stretch, Box<Broken>>) {
    let mut events = Vec::new();
    let stretch = reader.read::<String>(after, None, |step| {
        events.extend(step.events);
        ControlFlow::Continue(())
    });
    (events, stretch)
}

#[test]
fn what_is_on_disk_is_read_up_to_where_it_was_when_the_reader_was_made() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut store = store_with(dir.path(), &[&["a", "b"], &["c"]]);
    let reader = store.reader(3);
    store.append(&[vec!["d".to_owned()]]).expect("there is room");
    let (events, stretch) = read(&reader, 0);
    let stretch = stretch.expect("a good journal");
    assert_eq!(events, ["a", "b", "c"]);
    assert_eq!((stretch.first, stretch.last, stretch.records, stretch.more), (1, 3, 2, false));
    assert_eq!(stretch.before, Hash::ZERO);
    let (events, rest) = read(&store.reader(4), 3);
    let rest = rest.expect("a good journal");
    assert_eq!((events, rest.before), (vec!["d".to_owned()], stretch.chain));
}

#[test]
fn reading_can_be_broken_off_and_gone_on_with() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = store_with(dir.path(), &[&["a"], &["b"], &["c"]]);
    let reader = store.reader(3);
    let (mut after, mut chain, mut events) = (0, None, Vec::new());
    loop {
        let one = |step: StoredStep<String>| {
            events.extend(step.events);
            ControlFlow::Break(())
        };
        let stretch = reader.read::<String>(after, chain, one).expect("a good journal");
        (after, chain) = (stretch.last, Some(stretch.chain));
        if !stretch.more {
            break;
        }
    }
    assert_eq!(events, ["a", "b", "c"]);
}

#[test]
fn a_record_that_was_changed_is_named_and_what_comes_before_it_is_vouched_for() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = store_with(dir.path(), &[&["first"], &["second"], &["third"]]);
    let reader = store.reader(3);
    let segment = fs::read_dir(dir.path().join("journal")).expect("it is there").next();
    let path = segment.expect("one segment").expect("it can be looked at").path();
    let mut bytes = fs::read(&path).expect("it can be read");
    let at = bytes.windows(6).position(|it| it == b"second").expect("it is written in clear");
    bytes[at] = b'S';
    fs::write(&path, &bytes).expect("it can be written");
    let (events, broken) = read(&reader, 0);
    let broken = broken.expect_err("it was changed");
    assert_eq!(events, ["first"]);
    assert_eq!((broken.read.last, broken.read.records), (1, 1));
    assert!(broken.why.to_string().contains("where event 2 should be"), "{}", broken.why);
}

#[test]
fn a_chain_that_does_not_go_on_from_what_was_verified_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (mut store, _) = Store::open::<IgnoredAny>(dir.path(), |_| {}).expect("a good store");
    // Fills the first segment, so that there is a second.
    let large = vec!["x".repeat(1_900); 2_500];
    for _ in 0..3 {
        store.append(std::slice::from_ref(&large)).expect("there is room");
    }
    let reader = store.reader(7_500);
    let nothing = |_: StoredStep<IgnoredAny>| ControlFlow::Continue(());
    let first = reader.read(0, None, nothing).expect("a good journal");
    assert!(first.more && first.last < 7_500, "{first:?}");
    let second = reader.read(first.last, Some(first.chain), nothing).expect("a good journal");
    assert_eq!((second.first, second.before), (first.last + 1, first.chain));
    let other = Some(Hash::of(b"another history"));
    assert!(reader.read(first.last, other, nothing).is_err());
}
