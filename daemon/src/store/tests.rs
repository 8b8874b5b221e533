//! The store as a whole: what was appended is there after it is opened again.

use std::fs;
use std::path::Path;

use super::*;

type Steps = Vec<StoredStep<String>>;

fn open(dir: &Path) -> (Store, Opened, Steps) {
    let mut steps = Vec::new();
    let (store, opened) = Store::open(dir, |step| steps.push(step)).expect("a good store");
    (store, opened, steps)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn step(first_seq: Seq, events: &[&str]) -> StoredStep<String> {
    StoredStep { first_seq, events: events.iter().map(|&it| it.to_owned()).collect() }
}

#[test]
fn committed_steps_are_there_after_the_store_is_opened_again() {
    let dir = folder();
    let large = "x".repeat(5000);
    let (mut store, opened, steps) = open(dir.path());
    assert!(matches!(opened.index, IndexOpened::Created));
    assert_eq!((opened.behind, steps), (None, vec![]));
    let (none, before) = (Vec::<String>::new(), store.journal.io_counts().bytes);
    let seq = store.append(&[vec!["a".to_owned(), "b".to_owned()], none, vec![large.clone()]]);
    assert_eq!(seq.expect("there is room"), 3);
    assert_eq!(store.journal.io_counts().bytes - before, 2 * 61 + payload_bytes(&store));
    drop(store);

    let (mut store, opened, steps) = open(dir.path());
    assert!(matches!(opened.index, IndexOpened::Kept));
    assert_eq!(opened.behind, Some(1..=3));
    assert_eq!(steps, [step(1, &["a", "b"]), step(3, &[&large])]);
    let mut read = Vec::new();
    store
        .replay(2, |step: StoredStep<String>, _, _| {
            read.push(step.first_seq);
            Ok(())
        })
        .expect("a good journal");
    assert_eq!(read, [1, 3]);
}

fn payload_bytes(store: &Store) -> u64 {
    let mut bytes = 0;
    let read = store.journal.read(1, |record| {
        bytes += record.payload.len() as u64;
        Ok::<_, JournalError>(())
    });
    read.expect("a good journal");
    bytes
}

#[test]
fn only_events_that_the_index_does_not_reflect_are_behind() {
    let dir = folder();
    let (mut store, ..) = open(dir.path());
    store.append(&[["a".to_owned()], ["b".to_owned()]]).expect("there is room");
    store.index.apply(1, vec![]).expect("nothing is too large");
    store.index.sync().expect("there is room");
    drop(store);
    let (mut store, opened, _) = open(dir.path());
    assert_eq!(opened.behind, Some(2..=2));
    store.index.apply(2, vec![]).expect("nothing is too large");
    store.index.sync().expect("there is room");
    drop(store);
    let (_store, opened, _) = open(dir.path());
    assert_eq!(opened.behind, None);
}

#[test]
fn an_index_ahead_of_the_journal_is_rebuilt_from_all_events() {
    let dir = folder();
    let (mut store, ..) = open(dir.path());
    store.append(&[["a".to_owned()]]).expect("there is room");
    store.index.apply(2, vec![]).expect("nothing is too large");
    store.index.sync().expect("there is room");
    drop(store);
    let (_store, opened, _) = open(dir.path());
    let IndexOpened::Rebuilt { why, kept } = opened.index else { panic!("it is ahead") };
    assert!(matches!(why, index::Distrust::Ahead { index: 2, journal: 1 }));
    assert_eq!(kept, dir.path().join("index.broken-1"));
    assert_eq!(opened.behind, Some(1..=1));
}

#[test]
fn a_store_is_opened_once_and_says_how_it_may_be_helped() {
    let dir = folder();
    let (_store, ..) = open(dir.path());
    let error = Store::open(dir.path(), |_: StoredStep<String>| ()).expect_err("it is open");
    assert!(matches!(error, StoreError::Lock(LockError::Held { .. })));
    assert_eq!(error.help(), "stop that daemon, or choose another state folder");
}

#[test]
fn a_missing_blob_stops_the_start_and_is_named() {
    let dir = folder();
    let (mut store, ..) = open(dir.path());
    store.append(&[["small".to_owned()], ["y".repeat(3000)]]).expect("there is room");
    drop(store);
    for entry in fs::read_dir(dir.path().join("blobs")).expect("there is a blob") {
        fs::remove_dir_all(entry.expect("it is readable").path()).expect("it is ours");
    }
    let error = Store::open(dir.path(), |_: StoredStep<String>| ()).expect_err("a blob is gone");
    assert!(error.to_string().starts_with("event 2 cannot be read: its blob is "), "{error}");
}

#[test]
fn events_of_another_shape_are_an_error_and_no_panic() {
    let dir = folder();
    let (mut store, ..) = open(dir.path());
    store.append(&[["text".to_owned()]]).expect("there is room");
    drop(store);
    let error = Store::open(dir.path(), |_: StoredStep<u32>| ()).expect_err("text is no number");
    assert!(matches!(error, StoreError::Payload(PayloadError::Event { seq: 1, .. })));
}
