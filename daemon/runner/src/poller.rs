//! What the loop waits for.

use rustix::event::epoll;
use rustix::event::{Timespec, epoll::EventData, epoll::EventFlags};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Events taken at once.
const BATCH: usize = 64;

/// A set of descriptors, each with what it stands for.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    last_serial: u64,
}

/// What has something to say. The numbers come from [`Poller::serial`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    Listener,
    Signals,
    Connection(u64),
    /// The pidfd of an attempt.
    Process(u64),
    /// The log pipe of an attempt.
    Pipe(u64),
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, last_serial: 0 })
    }

    /// A number not given before.
    pub(crate) fn serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    /// Waits for the descriptor to become readable or to hang up.
    pub(crate) fn add(&self, fd: &impl AsFd, source: Source) {
        let data = EventData::new_u64(source.encode());
        if let Err(error) = epoll::add(&self.epoll, fd, data, EventFlags::IN) {
            crate::say(format_args!("cannot wait for {source:?}: {error}"));
        }
    }

    /// Also waits, or waits no longer, for it to become writable.
    pub(crate) fn set_writable(&self, fd: &impl AsFd, source: Source, wanted: Writable) {
        let flags = match wanted {
            Writable::Wanted => EventFlags::IN | EventFlags::OUT,
            Writable::Ignored => EventFlags::IN,
        };
        let _ = epoll::modify(&self.epoll, fd, EventData::new_u64(source.encode()), flags);
    }

    /// Waits for it no longer.
    pub(crate) fn remove(&self, fd: &impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// What has something to say. Empty when the time, in milliseconds, is over; `None`: no limit.
    pub(crate) fn wait(&self, timeout_ms: Option<u64>) -> io::Result<Vec<Source>> {
        let timeout = timeout_ms.map(|ms| Timespec {
            tv_sec: i64::try_from(ms / 1000).unwrap_or(i64::MAX),
            tv_nsec: (ms % 1000 * 1_000_000).cast_signed(),
        });
        let mut events = Vec::with_capacity(BATCH);
        let spare = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&self.epoll, spare, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => (),
            Err(error) => return Err(error.into()),
        }
        Ok(events.iter().filter_map(|it| Source::decode({ it.data }.u64())).collect())
    }
}

/// Whether it matters that a descriptor is writable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Writable {
    Wanted,
    Ignored,
}

impl Source {
    fn encode(self) -> u64 {
        match self {
            Self::Listener => 0,
            Self::Signals => 1,
            Self::Connection(serial) => serial << 3 | 2,
            Self::Process(serial) => serial << 3 | 3,
            Self::Pipe(serial) => serial << 3 | 4,
        }
    }

    fn decode(data: u64) -> Option<Self> {
        let serial = data >> 3;
        match data & 7 {
            0 => Some(Self::Listener),
            1 => Some(Self::Signals),
            2 => Some(Self::Connection(serial)),
            3 => Some(Self::Process(serial)),
            4 => Some(Self::Pipe(serial)),
            _ => None,
        }
    }
}
