//! What can go wrong from outside while limbeck works: it is killed, cut off from its server, started many times at
//! once, left without disk or rights. After each fault the books and the catalogue must agree, what limbeck said must be
//! true, and the next run must go on, or say exactly how.
//!
//! A short round runs in every `cargo test`; `LIMBECK_FAULTS=200` asks for the long one (see `docs/reliability.md`).
//! What is random is only the moment of a fault, never the verdict; `LIMBECK_FAULTS_SEED` repeats a run.

// Each of these serves the other test binary too, and not all of it is needed here.
#[allow(dead_code)]
#[macro_use]
#[path = "../engines/engine.rs"]
mod engine;
#[allow(dead_code)]
#[path = "../engines/raw.rs"]
mod raw;
#[allow(dead_code)]
#[path = "../engines/sandbox.rs"]
mod sandbox;

mod case;
mod effort;
mod said;
mod story;
mod truth;
mod wire;

mod crowd;
mod cut;
mod disk;
mod kill;
mod rights;
