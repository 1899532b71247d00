//! How much is tried, the dice, and the tally of a long run.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Write as _;

use crate::engine::Engine;

/// How many kills per engine: `LIMBECK_FAULTS`, else 20.
pub fn kills() -> usize {
    match std::env::var("LIMBECK_FAULTS") {
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("LIMBECK_FAULTS={number} is no number")),
        Err(_) => 20,
    }
}

/// Whether this is the long round.
pub fn long() -> bool {
    kills() >= 100
}

/// Numbers that look random and can be had again.
pub struct Dice(u64);

impl Dice {
    /// Dice of `LIMBECK_FAULTS_SEED`, else of a new seed; it is said, so that the run can be repeated.
    pub fn new(what: &str) -> Self {
        let seed = match std::env::var("LIMBECK_FAULTS_SEED") {
            Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("LIMBECK_FAULTS_SEED={seed} is no number")),
            Err(_) => RandomState::new().hash_one(what) & 0xffff_ffff,
        };
        say(&format!("{what}: LIMBECK_FAULTS_SEED={seed}"));
        Self(seed)
    }

    /// SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One time in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }
}

/// A line on stderr at once: what a passing test prints is not shown.
pub fn say(line: &str) {
    let _ = std::io::stderr().lock().write_all(format!("faults: {line}\n").as_bytes());
}

/// Says what was done, and adds it to the file that `LIMBECK_FAULTS_TALLY` names: `scripts/reliability` makes its table
/// of it.
pub fn tally(what: &str, engine: Engine, figures: &[(&str, usize)]) {
    let figures: Vec<String> = figures.iter().map(|(name, count)| format!("{name}={count}")).collect();
    let line = format!("{what} {} {}", engine.name(), figures.join(" "));
    say(&line);
    if let Some(path) = std::env::var_os("LIMBECK_FAULTS_TALLY") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.expect("the tally can be written");
    }
}
