use super::*;

const STORE: StoreId = StoreId(7);

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("index");
    (dir, path)
}

fn open(path: &Path, last: Seq) -> (Index, IndexOpened) {
    Index::open(path, STORE, SeqRange { first: 1, last }).expect("the disk is good")
}

fn put(key: &str, value: &str) -> Put {
    Put { key: key.into(), value: Some(value.into()) }
}

fn keys(index: &Index, scan: Scan<'_>) -> Vec<String> {
    let entries = index.scan(scan).expect("a good index");
    entries.into_iter().map(|(key, _)| String::from_utf8(key).expect("keys are text")).collect()
}

/// An index whose files are on disk, with one entry and seq 5.
fn filled(path: &Path) {
    let (mut index, _) = open(path, 5);
    index.apply(5, vec![put("r/1", "one")]).expect("small enough");
    index.sync().expect("the disk is good");
}

#[test]
fn what_was_applied_is_there_after_the_index_is_opened_again() {
    let (_dir, path) = folder();
    let (mut index, opened) = open(&path, 0);
    assert!(matches!(opened, IndexOpened::Created));
    index.apply(1, vec![put("r/1", "one"), put("r/2", "two")]).expect("small enough");
    index.apply(2, vec![Put { key: b"r/1".to_vec(), value: None }]).expect("small enough");
    index.sync().expect("the disk is good");
    drop(index);
    let (index, opened) = open(&path, 9);
    assert!(matches!(opened, IndexOpened::Kept));
    assert_eq!(index.seq(), 2);
    assert_eq!(index.get(b"r/1").expect("a good index"), None);
    assert_eq!(index.get(b"r/2").expect("a good index"), Some(b"two".to_vec()));
}

#[test]
fn an_entry_over_the_limit_is_refused_and_nothing_changes() {
    let (_dir, path) = folder();
    let (mut index, _) = open(&path, 9);
    index.apply(1, vec![put("k", &"v".repeat(ENTRY_MAX - 1))]).expect("just small enough");
    let puts = vec![put("a", "b"), put("k", &"v".repeat(ENTRY_MAX))];
    let error = index.apply(2, puts).expect_err("one byte too many");
    assert!(matches!(error, IndexError::TooLarge { bytes: 4097 }));
    assert_eq!((index.seq(), index.get(b"a").expect("a good index")), (1, None));
}

#[test]
fn a_scan_pages_through_a_prefix_in_both_orders() {
    let (_dir, path) = folder();
    let (mut index, _) = open(&path, 9);
    let puts = ["q/9", "r/1", "r/2", "r/3", "r0"].map(|key| put(key, "")).to_vec();
    index.apply(1, puts).expect("small enough");
    let scan = Scan { prefix: b"r/", order: Order::Ascending, after: None, limit: 2 };
    assert_eq!(keys(&index, scan), ["r/1", "r/2"]);
    assert_eq!(keys(&index, Scan { after: Some(b"r/2"), ..scan }), ["r/3"]);
    assert_eq!(keys(&index, Scan { after: Some(b"r/3"), ..scan }), [""; 0]);
    assert_eq!(keys(&index, Scan { after: Some(b"z"), ..scan }), [""; 0]);
    assert_eq!(keys(&index, Scan { after: Some(b"a"), ..scan }), ["r/1", "r/2"]);
    let scan = Scan { order: Order::Descending, ..scan };
    assert_eq!(keys(&index, scan), ["r/3", "r/2"]);
    assert_eq!(keys(&index, Scan { after: Some(b"r/2"), ..scan }), ["r/1"]);
    assert_eq!(keys(&index, Scan { after: Some(b"r/1"), ..scan }), [""; 0]);
    assert_eq!(keys(&index, Scan { after: Some(b"z"), ..scan }), ["r/3", "r/2"]);
    assert_eq!(keys(&index, Scan { after: Some(b"a"), ..scan }), [""; 0]);
    let all = Scan { prefix: b"", limit: 100, ..scan };
    assert_eq!(keys(&index, all).len(), 7);
}

#[test]
fn prefixes_end_where_they_should() {
    assert_eq!(end_of_prefix(b"r/"), Some(b"r0".to_vec()));
    assert_eq!(end_of_prefix(&[1, 255, 255]), Some(vec![2]));
    assert_eq!(end_of_prefix(&[255]), None);
    assert_eq!(end_of_prefix(b""), None);
}

#[test]
fn an_index_ahead_of_the_journal_or_of_another_store_is_moved_aside() {
    let (dir, path) = folder();
    filled(&path);
    let (index, opened) = open(&path, 4);
    let IndexOpened::Rebuilt { why, kept } = opened else { panic!("it is ahead") };
    assert_eq!(why.to_string(), "the index reflects event 5, and the journal ends at 4");
    assert_eq!(kept, dir.path().join("index.broken-1"));
    assert!(kept.join("db").exists());
    assert_eq!((index.seq(), index.get(b"r/1").expect("a good index")), (0, None));
    drop(index);

    let other = SeqRange { first: 1, last: 9 };
    let (_, opened) = Index::open(&path, StoreId(8), other).expect("the disk is good");
    let IndexOpened::Rebuilt { why, kept } = opened else { panic!("it is another store's") };
    assert!(matches!(why, Distrust::OtherStore));
    assert_eq!(kept, dir.path().join("index.broken-2"));
}

#[test]
fn an_index_that_ends_before_the_journal_begins_is_moved_aside() {
    let (_dir, path) = folder();
    filled(&path);
    let later = SeqRange { first: 7, last: 9 };
    let (_, opened) = Index::open(&path, STORE, later).expect("the disk is good");
    assert!(matches!(
        opened,
        IndexOpened::Rebuilt { why: Distrust::Behind { index: 5, journal: 7 }, .. }
    ));
}

#[test]
fn an_index_of_garbage_is_moved_aside_and_kept() {
    for (file, garbage) in [("db", 0xa5), ("db", 0), ("conf", 0xa5), ("conf", 0)] {
        let (_dir, path) = folder();
        filled(&path);
        let length = fs::metadata(path.join(file)).expect("sled has it").len();
        let bytes = vec![garbage; usize::try_from(length).expect("it is small")];
        fs::write(path.join(file), &bytes).expect("the folder is writable");
        let (index, opened) = open(&path, 5);
        let IndexOpened::Rebuilt { kept, .. } = opened else { panic!("{file} is garbage") };
        assert!(kept.join(file).exists());
        assert_eq!((index.seq(), index.get(b"r/1").expect("a good index")), (0, None));
    }
}

#[test]
fn an_index_that_failed_in_use_is_rebuilt_at_the_next_start() {
    let (_dir, path) = folder();
    filled(&path);
    let (index, _) = open(&path, 5);
    let damage = || sled::Error::ReportableBug("a page is gone".to_owned());
    index.guarded(|_| Err::<(), _>(damage())).expect_err("sled has failed");
    drop(index);
    let (_, opened) = open(&path, 5);
    assert!(matches!(opened, IndexOpened::Rebuilt { why: Distrust::Doubted, .. }));
}

#[test]
fn a_panic_in_sled_is_an_error() {
    let (_dir, path) = folder();
    let (index, _) = open(&path, 0);
    let error = index.guarded(|_| -> sled::Result<()> { panic!("page {}", 3) });
    assert_eq!(error.expect_err("it panicked").to_string(), "the index is damaged (page 3)");
}

#[test]
fn an_index_that_another_has_open_stays_where_it_is() {
    let (dir, path) = folder();
    filled(&path);
    let (_index, _) = open(&path, 5);
    let again = Index::open(&path, STORE, SeqRange { first: 1, last: 5 });
    assert!(matches!(again, Err(IndexError::Busy { .. })));
    assert!(!dir.path().join("index.broken-1").exists());
}

#[test]
fn a_full_disk_casts_no_doubt_on_the_index() {
    let full = io::Error::from_raw_os_error(28);
    let as_text = io::Error::new(full.kind(), format!("{full:?}"));
    for error in [full, as_text] {
        assert!(!IndexError::Failed(sled::Error::Io(error)).casts_doubt());
    }
    let short = io::Error::from(io::ErrorKind::UnexpectedEof);
    assert!(IndexError::Failed(sled::Error::Io(short)).casts_doubt());
}
