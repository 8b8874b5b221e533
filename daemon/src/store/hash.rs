//! SHA-256 as a value: the name of a blob, a link of the journal's chain.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 hash. Shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hash([u8; 32]);

impl Hash {
    /// Length in bytes.
    pub(crate) const LEN: usize = 32;

    /// What the first record of a journal is chained to.
    pub(super) const ZERO: Self = Self([0; Self::LEN]);

    /// The hash of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::of_parts(&[bytes])
    }

    /// The hash of all `parts`, one after the other.
    pub(super) fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// The hash whose 32 bytes are `bytes`; nothing if there are more or fewer.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// What the digits of its `Display` say.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 2 * Self::LEN || !text.is_ascii() {
            return None;
        }
        let digits =
            (0..Self::LEN).map(|it| u8::from_str_radix(text.get(2 * it..2 * it + 2)?, 16).ok());
        Self::from_slice(&digits.collect::<Option<Vec<u8>>>()?)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
