//! Large, cold bytes made small: the events of ended runs.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// The first byte of an archive: zlib (deflate with a checksum) follows.
const ZLIB: u8 = 1;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("the archive is empty")]
    Empty,
    #[error("the archive has the unknown format {0}")]
    UnknownFormat(u8),
    #[error("the archive holds more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the archive is damaged")]
    Damaged(#[source] io::Error),
}

/// An archive of `bytes`: a byte that names the format, then the compressed bytes.
pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(vec![ZLIB], Compression::default());
    encoder.write_all(bytes).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

/// The bytes of an archive; never more than `limit`, whatever the archive claims.
pub(crate) fn decompress(archive: &[u8], limit: usize) -> Result<Vec<u8>, ArchiveError> {
    let (&format, compressed) = archive.split_first().ok_or(ArchiveError::Empty)?;
    if format != ZLIB {
        return Err(ArchiveError::UnknownFormat(format));
    }
    let mut bytes = Vec::new();
    let ceiling = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut decoder = ZlibDecoder::new(compressed).take(ceiling);
    decoder.read_to_end(&mut bytes).map_err(ArchiveError::Damaged)?;
    if bytes.len() > limit {
        return Err(ArchiveError::TooLarge { limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        for bytes in [&b""[..], b"a", &b"attempt 1 started\n".repeat(1000)] {
            let archive = compress(bytes);
            assert_eq!(decompress(&archive, bytes.len()).expect("a good archive"), bytes);
        }
        assert!(compress(&[7; 100_000]).len() < 1000);
    }

    #[test]
    fn an_archive_larger_than_allowed_is_refused_before_it_is_unpacked() {
        let archive = compress(&[0; 1_000_000]);
        let error = decompress(&archive, 999_999).expect_err("one byte too many");
        assert!(matches!(error, ArchiveError::TooLarge { limit: 999_999 }));
    }

    #[test]
    fn damage_and_unknown_formats_are_errors() {
        let mut archive = compress(b"some text that is long enough to be compressed");
        assert!(matches!(decompress(&[], 10), Err(ArchiveError::Empty)));
        assert!(matches!(decompress(&[9, 1], 10), Err(ArchiveError::UnknownFormat(9))));
        let half = archive.len() / 2;
        assert!(matches!(decompress(&archive[..half], 100), Err(ArchiveError::Damaged(_))));
        let last = archive.len() - 1;
        archive[last] ^= 1;
        assert!(matches!(decompress(&archive, 100), Err(ArchiveError::Damaged(_))));
    }
}
