//! The engine against the slow evaluator: random queries about random traces, and every query that ever
//! made a difference.

mod beyond;
mod cases;
mod check;
mod metrics;
mod random;
mod search;

use random::{Tally, run};

/// Seeds of one test, which are 25,000 cases. The tests run side by side.
const SEEDS: u64 = 530;

fn run_all(part: u64) {
    let mut all = Tally::default();
    for seed in part * SEEDS..(part + 1) * SEEDS {
        all.add(run(seed));
    }
    assert!(all.mismatches.is_empty(), "{}", all.mismatches.join("\n\n"));
    assert!(all.cases >= 25_000, "only {} cases", all.cases);
    assert!(all.telling * 10 >= all.cases * 3, "{all:?}");
}

#[test]
fn the_engine_answers_as_the_slow_evaluator_does_1() {
    run_all(0);
}

#[test]
fn the_engine_answers_as_the_slow_evaluator_does_2() {
    run_all(1);
}

#[test]
fn the_engine_answers_as_the_slow_evaluator_does_3() {
    run_all(2);
}

#[test]
fn the_engine_answers_as_the_slow_evaluator_does_4() {
    run_all(3);
}
