//! Numbers over time in one line: `▁▂▅█`.

use crate::theme::Theme;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];

/// One column a number, scaled to the largest; 0 is a blank. Of more numbers than columns the last are shown.
pub(crate) fn spark(theme: Theme, numbers: &[u64], columns: usize) -> String {
    let shown = &numbers[numbers.len().saturating_sub(columns)..];
    let most = shown.iter().copied().max().unwrap_or(0);
    let blocks = if theme.unicode { BLOCKS } else { ASCII };
    let column = |number: &u64| match number {
        0 => ' ',
        _ => blocks[(u128::from(number - 1) * 8 / u128::from(most)) as usize],
    };
    shown.iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ColorDepth;

    #[test]
    fn the_largest_is_full_and_nothing_is_blank() {
        let theme = Theme { unicode: true, color: ColorDepth::None };
        assert_eq!(spark(theme, &[0, 1, 4, 8], 9), " ▁▄█");
        assert_eq!(spark(theme, &[5, 1, 8], 2), "▁█");
        assert_eq!(spark(theme, &[u64::MAX], 2), "█");
        assert_eq!(spark(theme, &[], 2), "");
    }
}
