//! Text that means harm is shown and never obeyed.

use std::time::Duration;

use e2e::pty::{Key, wire};
use e2e::wait;

use super::Desk;

/// Clears the screen, names the window, copies, blinks, turns text around, and does so with C1 bytes too.
const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}]52;c;b3duZWQ=\u{7}\u{1b}[5mEVIL\u{9b}2J\u{202e}\r\u{8}";

const LOUD: &str = r#"
params: { text: { type: string, default: "none" } }
tasks:
  each:
    timeout: 1m
    map: { over: '[params.text]', as: it }
    exec: [printf, "%s", "{{ it }}"]
  say:
    timeout: 1m
    outputs: { said: string }
    run: |
      for i in 1 2 3; do
        printf '\033[2J\033]0;owned\007\033]52;c;b3duZWQ=\007\033[5;31mEVIL\302\2332J\r\b\xff\xfe\033[3A\033[?1049l\033cstays\n'
      done
      printf 'said=%s\n' "$RUNYARD_PARAM_TEXT" >> "$RUNYARD_OUTPUTS"
  ask:
    needs: [say, each]
    approval: { message: "{{ params.text }} {{ tasks.say.outputs.said }}", timeout: 1h }
  fail: { needs: ask, timeout: 1m, run: "printf '\\033[2J\\033[5mEVIL\\n' >&2; exit 1" }
"#;

#[test]
fn nothing_that_comes_from_outside_commands_the_terminal() {
    let broken = format!("tasks:\n  \"a{}\": {{ run: x }}\n", "\\e[2J\\e[5m");
    let mut desk = Desk::open(&[("loud.yaml", LOUD), ("broken.yaml", &broken)]);
    let evil = EVIL.replace('\r', "");
    let run = desk.site.run(&["loud", "--param", &format!("text={evil}")]);
    desk.site.wait_for_task(&run, "ask", "awaiting_approval");
    desk.console.shows("loud#1");
    for key in ["2", "3", "4", "5"] {
        desk.keys(key);
    }
    desk.console.shows("EVIL");
    desk.ask("a", "Approve: loud#1 / ask?");
    desk.console.key(Key::Tab).keys("yes\u{9b}2J").paste(EVIL).key(Key::Enter);
    desk.confirm();
    desk.site.wait_for_end(&run);
    for task in ["each", "say", "ask"] {
        desk.select_task("loud#1", task);
        desk.console.keys("w").idle();
        desk.console.key(Key::Esc);
    }
    desk.select_task("loud#1", "say");
    desk.console.keys("l");
    desk.console.until(|it| it.row(1).contains("log") && it.has("stays"), "the log is shown");
    desk.keys("jjkG");
    desk.console.key(Key::Esc);
    // Typed and pasted into every field there is.
    for open in [":", "?"] {
        desk.console.keys(open).paste(EVIL).idle();
        desk.console.key(Key::Esc);
    }
    desk.keys("3");
    desk.console.keys("/").paste(EVIL).idle();
    desk.console.key(Key::Enter).key(Key::Esc);
    desk.console.shows("loud#1");
    let heard = desk.console.heard();
    assert!(heard.titles.is_empty() && heard.copies.is_empty() && heard.bells == 0, "{heard:?}");
    let strange = wire::strange(&desk.console.bytes_since(Default::default()));
    assert_eq!(strange, Vec::<String>::new());
    assert!(desk.console.screen().is_alternate());
}

#[test]
fn keys_that_make_no_sense_do_no_harm() {
    let mut desk = Desk::open(&[("loud.yaml", LOUD)]);
    // Bytes as a noisy line would send them: the same each time. None of them says yes or quits.
    let mut seed = 7_u32;
    let mut noise = Vec::new();
    for _ in 0..4_000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let byte = (seed >> 24) as u8;
        if ![b'y', b'q', b'\r', b'\n', 0x03, 0x1a, 0x1b].contains(&byte) {
            noise.push(byte);
        }
    }
    let first = desk.site.runyard(&["runs", "--json"]).expect(0).json();
    desk.console.send(&noise, 0);
    // How many inputs these were nobody knows, so each step waits for what it does.
    let answers = wait::until(wait::BOUND, || {
        desk.console.send(b"\x1b", 0).bytes_within(Duration::from_millis(50));
        desk.console.send(b"2", 0).bytes_within(Duration::from_millis(50));
        let screen = desk.console.screen();
        screen.row(1).contains("Workflows").then_some(())
    });
    assert!(answers.is_some(), "it still answers: {:?}", desk.console.screen());
    assert_eq!(desk.site.runyard(&["runs", "--json"]).expect(0).json(), first);
    assert_eq!(wire::strange(&desk.console.bytes_since(Default::default())), Vec::<String>::new());
}
