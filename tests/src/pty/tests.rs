//! The harness, on programs that are simple.

use super::*;

fn program(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("PATH", "/usr/bin:/bin").current_dir("/");
    command
}

/// Draws a frame for each byte typed, and says when it has.
const DRAWER: &str = r#"
stty raw -echo
i=0; printf '\033]7777;idle;0\007'
while [ "$i" -lt 3 ]; do
  it=$(dd bs=1 count=1 2>/dev/null); i=$((i + 1))
  printf '\033[?2026h\033[%d;1H\033[1m%s\033[m drawn\033[?2026l\033]7777;idle;%d\007' "$i" "$it" "$i"
done
exit 7
"#;

#[test]
fn keys_are_drawn_counted_and_waited_for() {
    let mut console = Console::of(&program(DRAWER), (20, 5));
    console.idle();
    let start = console.mark();
    let screen = console.keys("ab").idle();
    assert_eq!(screen.rows()[..2], ["a drawn", "b drawn"]);
    assert!(screen.look("b drawn").is_some_and(|it| it.bold));
    assert!(screen.look("drawn").is_some_and(|it| !it.bold));
    assert_eq!((screen.find("b"), console.frames_since(start)), (Some((1, 0)), 2));
    assert_eq!(wire::strange(&console.bytes_since(start)), Vec::<String>::new());
    assert_eq!(console.bytes_within(Duration::ZERO), b"");
    console.keys("c").shows("c drawn");
    assert_eq!(console.exit(), 7);
}

#[test]
fn a_terminal_is_resized_and_hung_up() {
    let script =
        "trap 'stty size' WINCH; trap 'exit 129' HUP; while :; do read -r it; stty size; done";
    let mut console = Console::of(&program(script), (80, 24));
    console.keys("\r").shows("24 80");
    console.set_size((30, 9));
    console.keys("\r").shows("9 30");
    console.close_terminal();
    assert_eq!(console.exit(), 129);
}

#[test]
fn a_shell_takes_the_terminal_when_the_program_stops() {
    let script = "stty -echo; echo first; kill -STOP 0; echo second; exit 3";
    let mut console = Console::in_shell(&program(script), (60, 10));
    console.shows("first");
    console.shows("[shell: 147]");
    console.keys("fg\r").shows("second");
    console.shows("[shell: 3]");
    console.key(Key::CtrlD);
    assert_eq!(console.exit(), 0);
}

#[test]
fn what_is_said_to_the_terminal_is_heard() {
    let script = r"printf '\033]2;name\007\033]52;c;Zm9v\007\007\033[?1049h'; read -r it";
    let console = Console::of(&program(script), SIZE);
    let screen = console.until(Screen::is_alternate, "the other screen");
    let heard = console.heard();
    assert!(!screen.is_restored());
    assert_eq!(
        (heard.titles, heard.copies, heard.bells),
        (vec!["name".into()], vec!["Zm9v".into()], 1)
    );
}
