//! Whole histories with crashes, and a judge that notices what is wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use sim::Totals;

fn play(seeds: std::ops::Range<u64>) -> Totals {
    match sim::many::play_many(seeds, 300) {
        Ok(totals) => totals,
        Err(failed) => {
            panic!("{}", sim::shrink::story(&sim::Script::new(failed.seed, 300), *failed))
        }
    }
}

#[test]
fn whatever_goes_wrong_every_promise_is_kept_and_everything_ends() {
    let totals = play(1..501);
    assert_eq!(totals.histories, 500);
    assert!(totals.time.as_secs() > 500 * 86_400, "a history is shorter than a day: {totals:?}");
    assert!(totals.crashes > 2_500, "the daemon died too rarely: {totals:?}");
    assert!(totals.disk_faults > 500, "the disk failed too rarely: {totals:?}");
    assert!(totals.rolled_back > 500, "too little was undone: {totals:?}");
    assert!(totals.rollback_failed > 250, "too few undos failed: {totals:?}");
    assert!(totals.runs > 7_500, "too few runs were made: {totals:?}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a fresh seed comes from outside; it is printed with every failure"
)]
fn the_promises_hold_in_a_history_that_nobody_has_seen() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let seed = u64::try_from(now.as_nanos() & u128::from(u64::MAX >> 1)).expect("64 bits");
    // A failure names its seed.
    let totals = play(seed..seed + 1);
    assert_eq!(totals.histories, 1);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    assert_eq!(sim::play(3, 200), sim::play(3, 200));
}
