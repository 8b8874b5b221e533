//! The reference for users says what the table of keys says. `UPDATE_EXPECT=1` writes its tables anew.
#![expect(clippy::disallowed_methods, reason = "the reference is a file")]

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows/README.md");
const START: &str =
    "<!-- The tables from here on are written by `UPDATE_EXPECT=1 cargo test -p definition`. -->\n";
const END: &str = "<!-- End of the written tables. -->\n";

#[test]
fn the_tables_of_the_reference_are_those_of_the_keys() {
    let text = std::fs::read_to_string(README).expect("the reference is there");
    let (before, rest) = text.split_once(START).expect("the reference has a place for the tables");
    let (tables, after) = rest.split_once(END).expect("the place for the tables ends");
    let expected = format!("\n{}\n", definition::reference());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let text = format!("{before}{START}{expected}{END}{after}");
        std::fs::write(README, text).expect("the reference can be written");
    } else {
        assert_eq!(tables, expected, "UPDATE_EXPECT=1 writes them anew");
    }
}

#[test]
fn the_reference_names_every_example_and_every_filter() {
    let text = std::fs::read_to_string(README).expect("the reference is there");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../workflows");
    for entry in std::fs::read_dir(folder).expect("the examples are there") {
        let name = entry.expect("the folder can be listed").file_name();
        let name = name.to_str().expect("names are text");
        assert!(!name.ends_with(".yaml") || text.contains(&format!("`{name}`")), "{name}");
    }
    for filter in shared::expr::FILTERS {
        assert!(text.contains(&format!("| `{filter}` |")), "{filter}");
    }
}

#[test]
fn the_example_in_the_reference_loads_without_a_word() {
    let text = std::fs::read_to_string(README).expect("the reference is there");
    let example = text.split("```yaml\n").nth(1).and_then(|it| it.split("```").next());
    let source = definition::Source {
        file: "README.yaml",
        folder: "/",
        text: example.expect("the reference has an example"),
    };
    let loaded = definition::load(&source, &|_| Err("no such file".to_owned()));
    assert_eq!(loaded.diagnostics, []);
}
