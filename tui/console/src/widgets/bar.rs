//! A part of a whole as a bar: `██████░░░░`.

use crate::theme::{Glyph, Theme};

/// A bar of `columns` cells. Something is never shown as nothing, nor less than all as all.
pub(crate) fn bar(theme: Theme, part: u64, whole: u64, columns: usize) -> String {
    let part = part.min(whole);
    let cells = u64::try_from(columns).unwrap_or(0);
    let exact = if whole == 0 {
        0
    } else {
        u64::try_from(u128::from(part) * u128::from(cells) / u128::from(whole)).unwrap_or(cells)
    };
    let full = match (part, cells) {
        (0, _) | (_, 0) => 0,
        _ if part < whole => exact.clamp(1, cells.saturating_sub(1).max(1)),
        _ => exact,
    };
    let full = usize::try_from(full).unwrap_or(columns).min(columns);
    let mut text = theme.glyph(Glyph::Full).repeat(full);
    text.push_str(&theme.glyph(Glyph::Empty).repeat(columns - full));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ColorDepth;

    #[test]
    fn only_nothing_is_empty_and_only_all_is_full() {
        let theme = Theme { unicode: false, color: ColorDepth::None };
        assert_eq!(bar(theme, 0, 9, 5), ".....");
        assert_eq!(bar(theme, 1, 9_999, 5), "#....");
        assert_eq!(bar(theme, 9_998, 9_999, 5), "####.");
        assert_eq!(bar(theme, 9, 9, 5), "#####");
        assert_eq!(bar(theme, 12, 9, 5), "#####");
        assert_eq!(bar(theme, 0, 0, 5), ".....");
        assert_eq!(bar(theme, u64::MAX - 1, u64::MAX, 0), "");
    }
}
