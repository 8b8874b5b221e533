//! The nearest of many names.

use shared::diagnostic::nearest;

/// As [`nearest`], for names that may be many thousands: those of quite another length are not compared.
pub(crate) fn near_name<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let near = candidates.filter(|it| it.len().abs_diff(name.len()) <= 2);
    nearest(name, near).map(str::to_owned)
}
