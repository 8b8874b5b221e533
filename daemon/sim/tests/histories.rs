//! Whole histories with crashes, and a judge that notices what is wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use sim::Totals;

fn play(seeds: impl Iterator<Item = u64>) -> Totals {
    let mut totals = Totals::default();
    for seed in seeds {
        match sim::play(seed, 300) {
            Ok(it) => totals += it,
            Err(failed) => panic!("{failed}"),
        }
    }
    totals
}

#[test]
fn whatever_goes_wrong_every_promise_is_kept_and_everything_ends() {
    let totals = play(1..=200);
    assert_eq!(totals.histories, 200);
    assert!(totals.crashes > 1_000, "the daemon died too rarely: {totals:?}");
    assert!(totals.rolled_back > 200, "too little was undone: {totals:?}");
    assert!(totals.rollback_failed > 100, "too few undos failed: {totals:?}");
    assert!(totals.runs > 3_000, "too few runs were made: {totals:?}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a fresh seed comes from outside; it is printed with every failure"
)]
fn the_promises_hold_in_a_history_that_nobody_has_seen() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let seed = u64::try_from(now.as_nanos() & u128::from(u64::MAX)).expect("64 bits");
    // A failure names its seed.
    let totals = play(seed..=seed);
    assert_eq!(totals.histories, 1);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    assert_eq!(sim::play(3, 200), sim::play(3, 200));
}
