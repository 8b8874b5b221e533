//! `tui/KEYS.md` is the table of commands, written out: `UPDATE_EXPECT=1 cargo test -p console --test keys`.

use std::collections::BTreeMap;

use expect_test::expect_file;

const HEAD: &str = "# The console's keys\n\n\
    `?` shows on every screen the keys that work there, `:` finds each by its name, and `runyard COMMAND` does the same from a shell.\n\
    What changes something first says what it would do, in numbers, and is never confirmed by the key that opened it.\n";

fn page() -> String {
    let mut groups: BTreeMap<(bool, String), Vec<String>> = BTreeMap::new();
    for line in console::reference().lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [keys, name, doc, screens] = cells[..] else {
            panic!("a line of the reference has four parts: {line}")
        };
        let keys = keys.split_whitespace().map(|it| format!("`{}`", it.replace('|', "\\|")));
        let keys = keys.collect::<Vec<_>>().join(" ");
        let row = format!("| {keys} | {name} | {} |", doc.replace('|', "\\|"));
        groups.entry((screens != "everywhere", screens.to_owned())).or_default().push(row);
    }
    let mut page = HEAD.to_owned();
    for ((_, screens), rows) in groups {
        let title = match screens.as_str() {
            "everywhere" => "Everywhere".to_owned(),
            screens => format!("On {screens}"),
        };
        page.push_str(&format!(
            "\n## {title}\n\n| keys | name | what it does |\n| --- | --- | --- |\n"
        ));
        rows.iter().for_each(|it| page.push_str(&format!("{it}\n")));
    }
    page
}

#[test]
fn the_page_of_keys_is_the_table_of_commands() {
    expect_file!["../../KEYS.md"].assert_eq(&page());
}
