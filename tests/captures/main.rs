//! Puts what the console really shows into README.md: plays the retail day on a daemon of its own, looks at the console in
//! a terminal of 80 × 24 characters, and writes each picture between its marks.
//!
//! `cargo build && cargo run -p e2e --bin captures`

use std::fs;

use e2e::pty::{Key, SIZE, Screen};
use e2e::{Console, Output, Site, programs};

const RETAIL: &str = "retail-daily-sales";
const DATE: &str = "2017-12-22";

fn main() {
    let mut site = Site::examples();
    deliver(&site);
    site.configure_small();
    site.start_daemon();
    let mut pictures: Vec<(&str, Screen)> = Vec::new();
    // Another workflow fails, so that there is something to mend.
    site.write(
        "export.yaml",
        "tasks: { upload: { timeout: 1m, run: 'echo no route to host >&2; exit 7' } }\n",
    );
    site.runyard(&["reload"]).expect(0);
    site.runyard(&["run", "export", "--wait"]);
    let run = site.run(&[RETAIL]);
    site.wait_for_task(&run, "publish_ok", "awaiting_approval");
    let mut console = Console::open(&site, SIZE);
    console.shows(" live");
    console.shows("publish_ok");
    pictures.push(("pulse", console.idle()));
    open_run(&mut console);
    console.hides("reading the log");
    pictures.push(("run", console.idle()));
    console.keys("5");
    pictures.push(("approvals", console.shows("adjustments?")));
    site.runyard(&["approve", &run, "publish_ok"]).expect(0);
    site.wait_for_end(&run);
    open_run(&mut console);
    console.shows("succeeded");
    console.keys("R");
    console.shows("undo");
    pictures.push(("rollback", console.idle()));
    console.key(Key::Esc);
    let file = programs::repository().join("README.md");
    let mut text = fs::read_to_string(&file).expect("the readme is there");
    for (name, screen) in pictures {
        text = with_picture(&text, name, &screen);
    }
    fs::write(&file, text).expect("the readme is writable");
}

fn open_run(console: &mut Console) {
    console.keys("3");
    console.shows("RUNS");
    console.keys("g").idle();
    console.key(Key::Enter);
    console.shows(RETAIL);
    console.idle();
}

fn deliver(site: &Site) {
    let folder = site.workflows();
    let mut cut = std::process::Command::new(folder.join("scripts/day.sh"));
    cut.arg(folder.join("data/superstore-2017-11-12.csv")).arg(DATE);
    let day = Output::of(&mut cut).expect(0).stdout;
    site.write(&format!("data/pos/{DATE}.csv"), &day);
}

/// The text with a picture between its marks.
fn with_picture(text: &str, name: &str, screen: &Screen) -> String {
    let (begin, end) =
        (format!("<!-- console: {name} -->\n"), format!("<!-- /console: {name} -->"));
    let (before, rest) = text.split_once(&begin).expect("the readme has a place for each picture");
    let (_, after) = rest.split_once(&end).expect("each place has an end");
    let rows: Vec<String> = screen.rows().iter().map(|it| it.trim_end().to_owned()).collect();
    format!("{before}{begin}```text\n{}\n```\n{end}{after}", rows.join("\n"))
}
