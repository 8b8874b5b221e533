//! The examples of the project load, and say nothing.
#![expect(clippy::disallowed_methods, reason = "the cases of tests are files")]

use definition::{Source, load};

#[test]
fn every_example_loads_without_a_word() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the examples are there") {
        let path = entry.expect("the folder can be listed").path();
        if path.extension().is_none_or(|it| it != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("the example can be read");
        let file = path.file_name().and_then(|it| it.to_str()).expect("the name is text");
        let source = Source { file, folder, text: &text };
        let loaded = load(&source, &|_| Err("no such file".to_owned()));
        assert_eq!(loaded.diagnostics, [], "{file}");
        count += 1;
    }
    assert!(count >= 5, "{count} examples");
}
