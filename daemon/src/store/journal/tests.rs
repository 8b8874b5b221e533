use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;

use super::super::disk::Fault;
use super::*;

const STORE: StoreId = StoreId(0x5eed);
const SMALL: u64 = 4096;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// First seq, count, payload.
type Plain = (Seq, u32, Vec<u8>);

struct Lab {
    dir: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    fn dir(&self) -> PathBuf {
        self.dir.path().join("journal")
    }

    fn try_open(&self) -> Result<(Journal, JournalOpened, Vec<Plain>), JournalError> {
        let mut records = Vec::new();
        let (journal, opened) =
            Journal::open_sized(&self.dir(), STORE, SMALL, |record| -> Result<(), JournalError> {
                records.push((record.first_seq, record.count, record.payload.to_vec()));
                Ok(())
            })?;
        Ok((journal, opened, records))
    }

    fn open(&self) -> (Journal, JournalOpened, Vec<Plain>) {
        self.try_open().expect("a good journal")
    }

    fn segments(&self) -> Vec<PathBuf> {
        let segments = scan::segments(&self.dir()).expect("the folder is there");
        segments.into_iter().map(|(_, path)| path).collect()
    }

    /// One segment with three records, each appended by itself; where each of them begins, and
    /// where the last one ends.
    fn three_records(&self) -> (PathBuf, [usize; 4]) {
        let (mut journal, ..) = self.open();
        let ends = [&b"first"[..], b"the second one", b"third"].map(|payload| {
            journal.append(&[pending(2, payload)]).expect("there is room");
            usize::try_from(journal.segment.offset).expect("it is small")
        });
        (self.segments().remove(0), [HEADER_LEN, ends[0], ends[1], ends[2]])
    }
}

fn pending(count: u32, payload: &[u8]) -> PendingRecord {
    let count = NonZeroU32::new(count).expect("a step has events");
    PendingRecord { count, payload: payload.to_vec() }
}

/// A generator that needs no dependency and gives the same numbers each time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn random_group(dice: &mut Dice) -> Vec<PendingRecord> {
    let random_record = |dice: &mut Dice| {
        let limit = if dice.below(20) == 0 { 2 * SMALL } else { 300 };
        let (length, byte) = (dice.below(limit), dice.below(256));
        let payload = vec![u8::try_from(byte).expect("it is below 256"); length as usize];
        pending(u32::try_from(dice.below(5) + 1).expect("it is small"), &payload)
    };
    (0..dice.below(5)).map(|_| random_record(dice)).collect()
}

fn remember(model: &mut Vec<Plain>, group: &[PendingRecord]) {
    for record in group {
        let next = model.last().map_or(1, |(seq, count, _)| seq + Seq::from(*count));
        model.push((next, record.count.get(), record.payload.clone()));
    }
}

#[test]
fn the_journal_does_as_a_list_does_through_failures_and_restarts() {
    for seed in 1..=20 {
        let mut dice = Dice(seed * 0x9e37_79b9);
        let (lab, mut model) = (Lab::new(), Vec::new());
        let (mut journal, ..) = lab.open();
        let mut done = BTreeSet::new();
        for _ in 0..120 {
            let group = random_group(&mut dice);
            let fault = match dice.below(10) {
                0 => Some(Fault::Write(ENOSPC)),
                1 => Some(Fault::ShortWrite(dice.below(100) as usize + 1)),
                _ => None,
            };
            journal.disk.faults.extend(fault);
            match journal.append(&group) {
                Ok(seq) => {
                    remember(&mut model, &group);
                    let last =
                        model.last().map_or(0, |(seq, count, _)| seq + u64::from(*count) - 1);
                    assert_eq!(seq, last);
                    done.insert("append");
                }
                Err(AppendError::NotWritten(_)) => {
                    assert_eq!(fault, Some(Fault::Write(ENOSPC)));
                    done.insert("failure");
                }
                Err(error) => panic!("{error}"),
            }
            journal.disk.faults.clear();
            if dice.below(8) == 0 {
                drop(journal);
                let opened;
                let records;
                (journal, opened, records) = lab.open();
                assert_eq!(records, model, "seed {seed}");
                assert_eq!(opened.torn_bytes_cut, 0);
                assert_eq!(opened.records, model.len() as u64);
                done.insert("restart");
            }
        }
        assert_eq!(done.len(), 3, "seed {seed} has not tried everything");
        assert!(lab.segments().len() > 3, "seed {seed} has not rotated");
    }
}

#[test]
fn a_last_record_cut_at_any_byte_is_dropped_and_the_journal_goes_on() {
    let lab = Lab::new();
    let (path, [_, _, start, end]) = lab.three_records();
    let whole = fs::read(&path).expect("it is there");
    for at in start..end {
        let short = whole[..at].to_vec();
        let mut zeroed = whole.clone();
        zeroed[at..].fill(0);
        for bytes in [short, zeroed] {
            fs::write(&path, &bytes).expect("the folder is writable");
            let (mut journal, opened, records) = lab.open();
            assert_eq!((opened.last_seq, records.len()), (4, 2), "cut at {at}");
            let torn = whole[start..at].iter().rposition(|&it| it != 0).map_or(0, |it| it + 1);
            assert_eq!(opened.torn_bytes_cut, torn as u64, "cut at {at}");
            assert_eq!(journal.append(&[pending(1, b"next")]).expect("there is room"), 5);
            drop(journal);
            let (_, opened, records) = lab.open();
            assert_eq!((opened.torn_bytes_cut, records.len()), (0, 3));
            assert_eq!(records[2], (5, 1, b"next".to_vec()));
        }
    }
}

#[test]
fn any_flipped_bit_is_noticed() {
    let lab = Lab::new();
    let (path, [first, _, last, end]) = lab.three_records();
    let whole = fs::read(&path).expect("it is there");
    for bit in 0..end * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).expect("the folder is writable");
        match lab.try_open() {
            Ok((_, opened, _)) => {
                assert!(bit / 8 >= last, "bit {bit} before the last record was not noticed");
                assert_eq!((opened.last_seq, opened.records), (4, 2), "bit {bit}");
                assert!(opened.torn_bytes_cut > 0);
            }
            Err(JournalError::Corrupt { offset, seq, .. }) => {
                assert!(bit / 8 < last, "bit {bit} of the last record is a torn write");
                let (at, next) = [(0, 1), (first, 1), (first + 66, 3)]
                    .into_iter()
                    .rfind(|&(start, _)| start <= bit / 8)
                    .expect("the header begins at 0");
                assert_eq!((offset, seq), (at as u64, next), "bit {bit}");
                assert_eq!(fs::read(&path).expect("it is there"), bytes, "damage is left as it is");
            }
            Err(error) => panic!("bit {bit}: {error}"),
        }
    }
}

#[test]
fn a_write_of_several_records_may_be_torn_in_its_middle() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    journal.append(&[pending(1, b"one")]).expect("there is room");
    let group = [pending(1, b"two"), pending(1, b"three"), pending(1, b"four")];
    journal.append(&group).expect("there is room");
    drop(journal);
    let path = lab.segments().remove(0);
    let mut bytes = fs::read(&path).expect("it is there");
    let three = bytes.windows(5).position(|it| it == b"three").expect("it was written");
    bytes[three] = 0;
    fs::write(&path, bytes).expect("the folder is writable");
    let (_, opened, records) = lab.open();
    assert_eq!((opened.last_seq, records.len()), (2, 2));
    assert!(opened.torn_bytes_cut > 61);
}

#[test]
fn damage_in_a_segment_that_is_not_the_last_stops_the_start() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    while lab.segments().len() < 3 {
        journal.append(&[pending(1, &[7; 1000])]).expect("there is room");
    }
    drop(journal);
    let first = lab.segments().remove(0);
    let whole = fs::read(&first).expect("it is there");
    for (what, bytes) in [
        ("its last record is cut", whole[..whole.len() - 10].to_vec()),
        ("something follows its last record", [&whole[..], b"x"].concat()),
    ] {
        fs::write(&first, bytes).expect("the folder is writable");
        let error = lab.try_open().expect_err(what);
        assert!(matches!(error, JournalError::Corrupt { .. }), "{what}: {error}");
        assert!(error.help().contains("restore"));
    }
    fs::write(&first, &whole[..HEADER_LEN]).expect("the folder is writable");
    let error = lab.try_open().expect_err("its records are gone");
    assert!(matches!(error, JournalError::Gap { expected: 1, .. }), "{error}");
    fs::write(&first, &whole).expect("the folder is writable");
    lab.open();
}

#[test]
fn a_missing_segment_stops_the_start() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    while lab.segments().len() < 3 {
        journal.append(&[pending(1, &[7; 1000])]).expect("there is room");
    }
    drop(journal);
    fs::remove_file(&lab.segments()[1]).expect("the folder is writable");
    let error = lab.try_open().expect_err("a segment is gone");
    assert!(matches!(error, JournalError::Gap { .. }), "{error}");
    fs::remove_file(&lab.segments()[0]).expect("the folder is writable");
    let error = lab.try_open().expect_err("the first segment is gone");
    assert!(matches!(error, JournalError::Gap { expected: 1, .. }), "{error}");
}

#[test]
fn a_segment_of_another_store_is_refused() {
    let lab = Lab::new();
    lab.three_records();
    let opened = Journal::open(&lab.dir(), StoreId(1), |_| -> Result<(), JournalError> { Ok(()) });
    assert!(matches!(opened, Err(JournalError::OtherStore { found: STORE, .. })));
}

#[test]
fn a_failed_write_leaves_a_journal_that_can_be_used() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    journal.append(&[pending(1, b"before")]).expect("there is room");
    journal.disk.faults.extend([Fault::ShortWrite(70), Fault::Write(ENOSPC)]);
    let group = [pending(1, b"lost"), pending(1, b"lost too")];
    let error = journal.append(&group).expect_err("the disk is full");
    assert!(matches!(error, AppendError::NotWritten(it) if it.raw_os_error() == Some(ENOSPC)));
    let (offset, path) = (journal.segment.offset as usize, lab.segments().remove(0));
    let bytes = fs::read(path).expect("it is there");
    assert!(bytes[offset..].iter().all(|&byte| byte == 0), "what was written is gone");
    assert_eq!(journal.append(&[pending(1, b"after")]).expect("there is room again"), 2);
    drop(journal);
    let (_, _, records) = lab.open();
    assert_eq!(records, [(1, 1, b"before".to_vec()), (2, 1, b"after".to_vec())]);
}

#[test]
fn a_failed_sync_ends_the_journal_and_it_is_opened_anew() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    journal.append(&[pending(1, b"before")]).expect("there is room");
    journal.disk.faults.push_back(Fault::Sync(EIO));
    let error = journal.append(&[pending(1, b"unknown")]).expect_err("the sync failed");
    assert!(matches!(error, AppendError::SyncFailed(_)));
    for _ in 0..2 {
        let error = journal.append(&[pending(1, b"never")]).expect_err("the journal is dead");
        assert!(matches!(error, AppendError::Dead));
    }
    drop(journal);
    let (mut journal, _, records) = lab.open();
    assert_eq!(records[0], (1, 1, b"before".to_vec()));
    let next = records.len() as u64 + 1;
    assert_eq!(journal.append(&[pending(1, b"again")]).expect("it is open anew"), next);
}

#[test]
fn a_tail_that_cannot_be_restored_ends_the_journal() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    journal.disk.faults.extend([Fault::Write(ENOSPC), Fault::Sync(EIO)]);
    let error = journal.append(&[pending(1, b"lost")]).expect_err("the disk is bad");
    assert!(matches!(error, AppendError::SyncFailed(_)));
    assert!(matches!(journal.append(&[pending(1, b"never")]), Err(AppendError::Dead)));
}

#[test]
fn a_new_segment_that_cannot_be_written_leaves_the_old_one_in_use() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    journal.append(&[pending(1, &[1; 3000])]).expect("there is room");
    journal.disk.faults.push_back(Fault::Write(ENOSPC));
    let large = [pending(1, &[2; 3000])];
    let error = journal.append(&large).expect_err("there is no room for a segment");
    assert!(matches!(error, AppendError::NotWritten(_)));
    assert_eq!(fs::read_dir(lab.dir()).expect("it is there").count(), 1);
    assert_eq!(journal.append(&[pending(1, b"small")]).expect("it fits"), 2);
    assert_eq!(journal.append(&large).expect("there is room again"), 3);
    assert_eq!(lab.segments().len(), 2);
    drop(journal);
    assert_eq!(lab.open().2.len(), 3);
}

#[test]
fn an_unfinished_segment_is_swept_and_an_empty_one_is_used() {
    let lab = Lab::new();
    drop(lab.open());
    let left = lab.dir().join("00000000000000000009.seg.new");
    fs::write(&left, b"half").expect("the folder is writable");
    let (mut journal, opened, _) = lab.open();
    assert_eq!((opened.records, opened.last_seq), (0, 0));
    assert!(!left.exists());
    assert_eq!(journal.append(&[pending(3, b"")]).expect("there is room"), 3);
    assert_eq!(lab.segments().len(), 1);
}

#[test]
fn a_group_is_one_write_and_one_sync() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    let before = journal.io_counts();
    let group: Vec<_> = (0..8).map(|_| pending(1, &[3; 100])).collect();
    journal.append(&group).expect("there is room");
    journal.append(&[]).expect("nothing is to be written");
    let after = journal.io_counts();
    assert_eq!((after.writes - before.writes, after.syncs - before.syncs), (1, 1));
    assert_eq!(after.bytes - before.bytes, 8 * 161);
}

#[test]
fn a_segment_takes_its_room_in_advance_and_a_large_group_gets_a_larger_one() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    let length = |index: usize| fs::metadata(&lab.segments()[index]).expect("it is there").len();
    assert_eq!(length(0), SMALL);
    journal.append(&[pending(1, &[1; 10_000])]).expect("there is room");
    assert_eq!(length(0), 64 + 61 + 10_000);
    journal.append(&[pending(1, &[2; 20_000])]).expect("there is room");
    assert_eq!(length(1), 64 + 61 + 20_000);
    assert_eq!(lab.segments()[1].file_name(), Some("00000000000000000002.seg".as_ref()));
}

#[test]
fn reading_begins_with_the_record_that_holds_the_seq() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    for _ in 0..30 {
        journal.append(&[pending(3, &[1; 500])]).expect("there is room");
    }
    assert!(lab.segments().len() > 3);
    for from in 1..=91 {
        let mut seqs = Vec::new();
        let read = journal.read(from, |record| -> Result<(), JournalError> {
            seqs.push(record.first_seq);
            Ok(())
        });
        read.expect("a good journal");
        let expected: Vec<Seq> = (1..=88).step_by(3).filter(|first| first + 2 >= from).collect();
        assert_eq!(seqs, expected, "from {from}");
    }
}

#[test]
fn a_step_over_the_limit_is_refused() {
    let lab = Lab::new();
    let (mut journal, ..) = lab.open();
    let error = journal.append(&[pending(1, &vec![0; PAYLOAD_MAX + 1])]).expect_err("too large");
    assert!(matches!(error, AppendError::TooLarge { .. }));
    assert_eq!(journal.append(&[pending(1, b"small")]).expect("the journal is usable"), 1);
}

#[test]
fn an_error_of_the_reader_ends_the_opening() {
    #[derive(Debug)]
    struct Stop;
    impl From<JournalError> for Stop {
        fn from(error: JournalError) -> Self {
            panic!("the journal is good: {error}")
        }
    }
    let lab = Lab::new();
    lab.three_records();
    let mut calls = 0;
    let opened = Journal::open_sized(&lab.dir(), STORE, SMALL, |_| {
        calls += 1;
        if calls == 2 { Err(Stop) } else { Ok(()) }
    });
    assert!(matches!(opened, Err(Stop)));
    assert_eq!(calls, 2);
}
