//! Keeps the daemon small between bursts of work.

/// Has the allocator keep one heap, and give back to the system what it holds free.
///
/// The C library otherwise keeps a heap a thread and hardly gives anything back: a daemon that has played some thousand
/// tasks would stay at twice its size.
#[cfg(target_env = "gnu")]
pub(crate) fn keep_small() {
    const TRIM_ABOVE_BYTES: libc::c_int = 128 << 10;
    #[expect(unsafe_code, reason = "the C library's settings have no safe form")]
    // SAFETY: called before the first thread is started; it only sets numbers of the allocator.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_ABOVE_BYTES);
    }
}

/// Other allocators are small by themselves.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn keep_small() {}
