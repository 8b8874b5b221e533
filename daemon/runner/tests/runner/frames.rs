//! Frames as values: what is written reads back, and nothing else does harm.

use runner::protocol::{
    Cause, Decoder, End, Exited, Frame, FrameError, KnownState, MAX_FRAME, Spawn, encode,
};

fn ends() -> Vec<End> {
    let exited = Exited {
        wait_status: -1,
        cause: Cause::TimedOut,
        max_rss_kib: 1,
        cpu_us: 2,
        log_bytes: 3,
        dropped_bytes: u64::MAX,
        left_behind: 5,
        started_ms: 6,
        ended_ms: 7,
    };
    let text = "größer".to_owned();
    vec![
        End::Exited(exited),
        End::ExecFailed { errno: 2, text: text.clone() },
        End::Never,
        End::Lost { evidence: text },
    ]
}

fn every_frame() -> Vec<Frame> {
    let spawn = Spawn {
        attempt: u64::MAX,
        name: "a".to_owned(),
        run: "r".to_owned(),
        argv: vec![b"/bin/true".to_vec(), Vec::new(), vec![0, 255]],
        env: vec![(b"A".to_vec(), b"=".to_vec())],
        working_dir: b"/".to_vec(),
        timeout_ms: 1,
        idle_ms: 0,
        grace_ms: 2,
        log_head: 3,
        log_tail: 4,
    };
    let text = || "x".to_owned();
    let mut frames = vec![
        Frame::Hello { proto_min: 1, proto_max: 2, epoch: 3, store: 4 },
        Frame::Spawn(Spawn { idle_ms: 5, ..spawn.clone() }),
        Frame::Spawn(spawn),
        Frame::Kill { attempt: 1 },
        Frame::Release { attempts: vec![1, 2, 3] },
        Frame::DropRun { run: text(), names: vec![text(), String::new()] },
        Frame::Bye,
        Frame::Welcome { proto: 1, lineage: 2, boot_id: text(), pool: text(), generation: 3 },
        Frame::Stale { epoch: 1 },
        Frame::Foreign { store: 1 },
        Frame::Unsupported { min: 1, max: 2 },
        Frame::Known { attempt: 1, state: KnownState::Running { pid: 2, at_ms: 3 } },
        Frame::SnapshotEnd,
        Frame::Accepted { attempt: 1 },
        Frame::Refused { attempt: 1, reason: text(), capacity: true },
        Frame::Started { attempt: 1, pid: -2, at_ms: 3 },
    ];
    for end in ends() {
        frames.push(Frame::Known { attempt: 1, state: KnownState::Ended(end.clone()) });
        frames.push(Frame::Ended { attempt: 1, end });
    }
    frames
}

#[test]
fn a_daemon_of_the_first_version_is_told_nothing_that_it_does_not_know() {
    let End::Exited(exited) = ends().remove(0) else { panic!("the first end is an exit") };
    let idle = End::Exited(Exited { cause: Cause::Idle, ..exited.clone() });
    let told = End::Exited(Exited { cause: Cause::TimedOut, ..exited });
    let ended = Frame::Ended { attempt: 1, end: idle.clone() };
    assert_eq!(ended.clone().for_version(2), ended);
    assert_eq!(ended.for_version(1), Frame::Ended { attempt: 1, end: told.clone() });
    let known = Frame::Known { attempt: 1, state: KnownState::Ended(idle) };
    let state = KnownState::Ended(told);
    assert_eq!(known.for_version(1), Frame::Known { attempt: 1, state });
}

#[test]
fn a_spawn_without_what_is_new_is_written_as_the_first_version_wrote_it() {
    let spawn = Spawn { name: "a".to_owned(), run: "r".to_owned(), ..Spawn::default() };
    assert_eq!(encode(&Frame::Spawn(spawn.clone()))[4], 2);
    assert_eq!(encode(&Frame::Spawn(Spawn { idle_ms: 1, ..spawn }))[4], 7);
}

fn decode_all(decoder: &mut Decoder) -> Result<Vec<Frame>, FrameError> {
    std::iter::from_fn(|| decoder.pop().transpose()).collect()
}

/// xorshift64: the same bytes on each run.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn every_frame_reads_back_however_its_bytes_arrive() {
    let frames = every_frame();
    let bytes: Vec<u8> = frames.iter().flat_map(encode).collect();
    for size in [1, 2, 3, 7, 64, bytes.len()] {
        let mut decoder = Decoder::default();
        let mut read = Vec::new();
        for chunk in bytes.chunks(size) {
            decoder.push(chunk);
            read.extend(decode_all(&mut decoder).expect("the bytes are frames"));
        }
        assert_eq!(read, frames, "chunks of {size}");
    }
}

#[test]
fn a_frame_that_is_cut_or_too_long_is_an_error() {
    for frame in every_frame() {
        let bytes = encode(&frame);
        for length in 1..bytes.len() - 4 {
            let mut cut = bytes[..4 + length].to_vec();
            cut[..4].copy_from_slice(&u32::try_from(length).expect("it is short").to_le_bytes());
            let mut decoder = Decoder::default();
            decoder.push(&cut);
            assert!(decoder.pop().is_err(), "{frame:?} cut to {length}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let length = u32::try_from(longer.len() - 4).expect("it is short");
        longer[..4].copy_from_slice(&length.to_le_bytes());
        let mut decoder = Decoder::default();
        decoder.push(&longer);
        assert_eq!(decoder.pop(), Err(FrameError::Long), "{frame:?}");
    }
}

#[test]
fn lengths_outside_the_limit_are_refused_before_anything_is_kept() {
    for length in [0, u32::try_from(MAX_FRAME + 1).expect("it fits"), u32::MAX] {
        let mut decoder = Decoder::default();
        decoder.push(&length.to_le_bytes());
        assert_eq!(decoder.pop(), Err(FrameError::Length(length)));
    }
    let mut decoder = Decoder::default();
    // A list that claims four billion items in a frame of nine bytes.
    decoder.push(b"\x09\0\0\0\x04\xff\xff\xff\xff\0\0\0\0");
    assert_eq!(decoder.pop(), Err(FrameError::Short));
}

#[test]
fn random_bytes_and_damaged_frames_give_a_frame_or_an_error() {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let frames: Vec<Vec<u8>> = every_frame().iter().map(encode).collect();
    for round in 0..200_000_u64 {
        let mut bytes = frames[(round % frames.len() as u64) as usize].clone();
        if round % 3 == 0 {
            bytes[4..].iter_mut().for_each(|it| *it = random(&mut state).to_le_bytes()[3]);
        } else {
            let at = (random(&mut state) % bytes.len() as u64) as usize;
            bytes[at] = random(&mut state).to_le_bytes()[3];
        }
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        if let Ok(Some(frame)) = decoder.pop() {
            let mut again = Decoder::default();
            again.push(&encode(&frame));
            assert_eq!(again.pop(), Ok(Some(frame)));
        }
    }
}
