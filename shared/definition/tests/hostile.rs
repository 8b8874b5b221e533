//! Files that mean harm, and files that are mere noise: each is answered, soon, and without a panic.

use std::fmt::Write as _;

use definition::{Loaded, load_bytes};
use proptest::prelude::*;
use shared::diagnostic::Severity;

fn load(bytes: &[u8]) -> Loaded {
    load_bytes("hostile.yaml", "/workflows", bytes, &|_| Err("no such file".to_owned()))
}

/// The code of the first error.
fn code(bytes: impl AsRef<[u8]>) -> String {
    let loaded = load(bytes.as_ref());
    let errors = loaded.diagnostics.iter().filter(|it| it.severity == Severity::Error);
    let first = errors.into_iter().next().map(|it| it.code.clone());
    assert_eq!(first.is_some(), loaded.workflow.is_none());
    first.unwrap_or_default()
}

/// A workflow of one task with more keys.
fn with(more: &str) -> String {
    format!("defaults: {{ timeout: 1m }}\ntasks:\n  a:\n    exec: [ls]\n{more}\n")
}

#[test]
fn depth_is_limited() {
    assert_eq!(code("[".repeat(100_000)), "too_deep");
    assert_eq!(code("{a: ".repeat(100_000)), "too_deep");
    assert_eq!(code("- ".repeat(100_000)), "too_deep");
    let nested: String = (0..300).map(|it| format!("{}a:\n", " ".repeat(it))).collect();
    assert_eq!(code(nested), "too_deep");
    assert_eq!(code("? ".repeat(100_000)), "too_deep");
}

#[test]
fn laughter_is_limited() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let inner = format!("*a{}, ", level - 1).repeat(10);
        writeln!(laughs, "a{level}: &a{level} [{inner}]").expect("a text grows");
    }
    assert_eq!(code(laughs), "too_many_values");
    let deep: String = (1..100).map(|it| format!("a{it}: &a{it} [*a{}]\n", it - 1)).collect();
    assert_eq!(code(format!("a0: &a0 []\n{deep}")), "too_deep");
    assert_eq!(code("a: &a [*a]"), "syntax");
}

#[test]
fn numbers_of_keys_and_values_are_limited() {
    let keys: String = (0..90_000).map(|it| format!("k{it}: 1\n")).collect();
    assert_eq!(code(&keys), "unknown_key");
    assert!(load(keys.as_bytes()).diagnostics.len() <= 200);
    assert_eq!(code("a,".repeat(200_000).replace("a,", "- 1\n")), "too_many_values");
    let same = "x: 1\n".repeat(100_000);
    assert_eq!(code(same), "duplicate_key");
    let needs: String = (0..60_000).map(|it| format!("z{it}, ")).collect();
    assert_eq!(code(with(&format!("    needs: [{needs}]"))), "unknown_need");
}

#[test]
fn large_scalars_and_long_lines_are_taken_or_refused() {
    assert_eq!(
        code(format!("description: {}\ntasks: {{ a: {{ exec: [ls] }} }}", "x".repeat(900_000))),
        ""
    );
    assert_eq!(code(with(&format!("    when: {}", "1 + ".repeat(100_000)))), "bad_expression");
    assert_eq!(code(with(&format!("    {}: 1", "x".repeat(900_000)))), "syntax");
    assert_eq!(code(with(&format!("    needs: {}", "x".repeat(900_000)))), "unknown_need");
    assert_eq!(code("x".repeat(2_000_000)), "too_large");
    assert_eq!(code("#".repeat(1_000_000)), "empty");
    assert_eq!(code("\n".repeat(1_000_000)), "empty");
    assert_eq!(code(" ".repeat(1_000_000)), "empty");
    assert_eq!(code("{{".repeat(30_000)), "too_deep");
    let braces = format!("    env: {{ A: \"{}\" }}", "{{ a }}".repeat(50_000));
    assert_eq!(code(with(&braces)), "unknown_name");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(code(b"\xff\xfe"), "not_utf8");
    assert_eq!(code(b"tasks: \xc3\x28"), "not_utf8");
    assert_eq!(code(b"\0"), "syntax");
    assert_eq!(code(b"tasks:\0 a"), "syntax");
    let utf16: Vec<u8> = "tasks: {}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_ne!(code(utf16), "");
}

#[test]
fn forms_that_are_yaml_and_no_workflow_are_refused() {
    for (text, expected) in [
        ("", "empty"),
        ("# only\n# comments\n", "empty"),
        ("---\n...\n", "empty"),
        ("~", "empty"),
        ("- a\n- b\n", "wrong_type"),
        ("42", "wrong_type"),
        ("a: 1\n---\nb: 2\n", "many_documents"),
        ("tasks: {}\n---\n", "many_documents"),
        ("? {a: b}\n: c\ntasks: { a: { exec: [ls] } }", "key_not_text"),
        ("? [a]\n: c\ntasks: { a: { exec: [ls] } }", "key_not_text"),
        ("~: 1\ntasks: { a: { exec: [ls] } }", "key_not_text"),
        ("tasks: !!map { a: { exec: [ls] } }", "tag"),
        ("tasks: { a: { exec: !!python/object:os.system [ls] } }", "tag"),
        ("tasks:\n\ta: 1\n", "syntax"),
        ("tasks: *a\n", "syntax"),
        ("<<: { tasks: { a: { exec: [ls] } } }\n", ""),
        ("<<: [1]\ntasks: { a: { exec: [ls] } }\n", "wrong_type"),
        ("%YAML 3.0\n---\ntasks: {}", "syntax"),
        ("tasks: { a: { exec: [ls] } }\r\n", ""),
        ("\u{feff}tasks: { a: { exec: [ls] } }\n", ""),
        ("\"tasks\": { \"a\": { 'exec': [ls] } }", ""),
    ] {
        assert_eq!(code(text), expected, "{text:?}");
    }
}

#[test]
fn ten_thousand_tasks_load_without_quadratic_work() {
    let mut chain = "defaults: { timeout: 1m }\ntasks:\n  t0: { exec: [ls] }\n".to_owned();
    for task in 1..10_000 {
        let before = task - 1;
        let far = task / 2;
        writeln!(
            chain,
            "  t{task}: {{ needs: t{before}, exec: [\"{{{{ tasks.t{far}.exit }}}}\"] }}"
        )
        .expect("a text grows");
    }
    let loaded = load(chain.as_bytes());
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.workflow.map(|it| it.tasks.len()), Some(10_000));

    let mut fan = "defaults: { timeout: 1m }\ntasks:\n".to_owned();
    let all: Vec<String> = (0..10_000).map(|it| format!("t{it}")).collect();
    all.iter().for_each(|it| writeln!(fan, "  {it}: {{ exec: [ls] }}").expect("a text grows"));
    writeln!(fan, "  end: {{ needs: [{}], exec: [ls] }}", all.join(", ")).expect("a text grows");
    assert_eq!(load(fan.as_bytes()).diagnostics, []);

    let cycle = chain.replacen("t0: { exec", "t0: { needs: t9999, exec", 1);
    assert_eq!(code(cycle), "cycle");
}

const GOOD: [&str; 5] = [
    include_str!("good/everything.yaml"),
    include_str!("good/anchors.yaml"),
    include_str!("good/rollback.yaml"),
    include_str!("good/tests.yaml"),
    include_str!("../../../workflows/retail-daily-sales.yaml"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_bytes_makes_it_panic(
        which in 0..GOOD.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = GOOD[which].as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        let loaded = load(&bytes);
        prop_assert!(loaded.workflow.is_some() || !loaded.diagnostics.is_empty());
    }

    #[test]
    fn no_order_of_lines_makes_it_panic(
        which in 0..GOOD.len(),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let mut lines: Vec<&str> = GOOD[which].lines().collect();
        for (one, other) in swaps {
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
        }
        let loaded = load(lines.join("\n").as_bytes());
        prop_assert!(loaded.workflow.is_some() || !loaded.diagnostics.is_empty());
    }

    #[test]
    fn no_soup_of_words_makes_it_panic(words in prop::collection::vec(
        prop::sample::select(vec![
            "tasks", ":", " ", "\n", "\n  ", "\n    ", "- ", "[", "]", "{", "}", ",", "a", "run", "needs", "map",
            "over", "&x", "*x", "<<", "!t", "'", "\"", "|", ">", "?", "#", "---", "~", "1", "{{", "}}", "params.x",
            "timeout", "retry", "check", "expr", "approval", "rollback", "tests", "mock", "expect", "acts", "publish", "from", "to", "on_run_failure", "when", "exec", "\t", "\u{feff}", "é", "%",
        ]),
        0..60,
    )) {
        let loaded = load(words.concat().as_bytes());
        prop_assert!(loaded.workflow.is_some() || !loaded.diagnostics.is_empty());
    }
}
