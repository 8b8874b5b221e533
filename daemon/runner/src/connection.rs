//! A connection to a daemon that may be slow, stalled or talking nonsense.

use crate::poller::{Poller, Source, Writable};
use runner::protocol::{Decoder, Frame, FrameError, encode};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// Bytes that may wait for a daemon that does not read, beyond the snapshot it asked for.
const MAX_WAITING: usize = 4 << 20;

/// One end of a stream of frames.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    source: Source,
    decoder: Decoder,
    waiting: Vec<u8>,
    written: usize,
    limit: usize,
    writable: Writable,
    /// When it is closed if it has not said hello, on the monotonic clock.
    pub(crate) hello_until: Option<u64>,
}

/// Why a connection is given up.
#[derive(Debug)]
pub(crate) enum Broken {
    Closed,
    Io(io::Error),
    Frame(FrameError),
    Slow,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => f.write_str("it was closed"),
            Self::Io(error) => error.fmt(f),
            Self::Frame(error) => error.fmt(f),
            Self::Slow => f.write_str("the daemon does not read what it is told"),
        }
    }
}

impl Connection {
    pub(crate) fn new(
        stream: UnixStream,
        poller: &mut Poller,
        hello_until: u64,
    ) -> io::Result<(u64, Self)> {
        stream.set_nonblocking(true)?;
        let serial = poller.serial();
        let source = Source::Connection(serial);
        poller.add(&stream, source);
        let connection = Self {
            stream,
            source,
            decoder: Decoder::default(),
            waiting: Vec::new(),
            written: 0,
            limit: MAX_WAITING,
            writable: Writable::Ignored,
            hello_until: Some(hello_until),
        };
        Ok((serial, connection))
    }

    /// Reads once.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
        match self.stream.read(buffer) {
            Ok(0) => Err(Broken::Closed),
            Ok(length) => {
                self.decoder.push(&buffer[..length]);
                Ok(())
            }
            Err(error) if is_temporary(&error) => Ok(()),
            Err(error) => Err(Broken::Io(error)),
        }
    }

    /// The next whole frame of what was read.
    pub(crate) fn frame(&mut self) -> Result<Option<Frame>, Broken> {
        self.decoder.pop().map_err(Broken::Frame)
    }

    /// Lets a snapshot wait, however long it is.
    pub(crate) fn queue_snapshot(&mut self, frames: &[Frame]) {
        frames.iter().for_each(|it| self.waiting.extend(encode(it)));
        self.limit = self.waiting.len() + MAX_WAITING;
    }

    /// Lets a frame wait for [`Self::flush`].
    pub(crate) fn queue(&mut self, frame: &Frame) {
        self.waiting.extend(encode(frame));
    }

    /// Writes what can be written.
    pub(crate) fn flush(&mut self, poller: &Poller) -> Result<(), Broken> {
        while self.written < self.waiting.len() {
            match self.stream.write(&self.waiting[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) if is_temporary(&error) => break,
                Err(error) => return Err(Broken::Io(error)),
            }
        }
        if self.written == self.waiting.len() {
            self.waiting = Vec::new();
            self.written = 0;
            self.limit = MAX_WAITING;
            self.watch_writable(poller, Writable::Ignored);
            return Ok(());
        }
        if self.waiting.len() - self.written > self.limit {
            return Err(Broken::Slow);
        }
        self.waiting.drain(..self.written);
        self.written = 0;
        self.watch_writable(poller, Writable::Wanted);
        Ok(())
    }

    fn watch_writable(&mut self, poller: &Poller, wanted: Writable) {
        if self.writable != wanted {
            self.writable = wanted;
            poller.set_writable(&self.stream, self.source, wanted);
        }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
