//! Frames of a screen, at every size and in both sets of glyphs.

use expect_test::expect_file;
use shared::watch::News;

use crate::Settings;
use crate::fixtures::{self, press};
use crate::theme::ColorDepth;

const SIZES: [(u16, u16); 3] = [(80, 24), (160, 48), (60, 15)];

/// Compares what a daemon looks like after some keys with `SCREEN/frames/NAME.txt`: the text at every size.
pub(super) fn assert_frames(screen: &str, name: &str, keys: &str, news: &News) {
    let mut text = String::new();
    for (width, height) in SIZES {
        for unicode in [true, false] {
            let settings = Settings { unicode, ..fixtures::settings() };
            let mut app = fixtures::app_with(settings, news.clone());
            press(&mut app, keys);
            let frame = fixtures::text(&mut app, width, height);
            assert!(unicode || frame.is_ascii(), "{frame}");
            let glyphs = if unicode { "unicode" } else { "ascii" };
            text.push_str(&format!("==== {width}x{height} {glyphs}\n{frame}"));
        }
    }
    expect_file![format!("{screen}/frames/{name}.txt")].assert_eq(&text);
}

/// The same of one size without colours, with a letter under each styled cell.
pub(super) fn assert_mono(screen: &str, keys: &str, news: &News) {
    let settings = Settings { color: ColorDepth::None, ..fixtures::settings() };
    let mut app = fixtures::app_with(settings, news.clone());
    press(&mut app, keys);
    let frame = fixtures::snapshot(&mut app, 80, 24);
    expect_file![format!("{screen}/frames/mono.txt")].assert_eq(&frame);
}
