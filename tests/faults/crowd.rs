//! Many upgrades at once: one applies, the others wait for it, and all of them end well.

use std::process::Stdio;

use crate::case::{Case, UP};
use crate::effort::{self, Dice};
use crate::engine::{Engine, unique};
use crate::raw::Raw;
use crate::story::Story;

on_engines! {
    one_of_many_applies on sqlite postgresql mariadb mysql;
    a_holder_that_cannot_be_shown_is_waited_for on mariadb mysql;
}

/// Twelve, in the long round fifty; on a database without books, and again from the middle of the chain.
fn one_of_many_applies(engine: Engine) {
    let runners = if effort::long() { 50 } else { 12 };
    let mut case = Case::new(Story::whole(engine), Dice::new(&format!("crowd {}", engine.name())));
    for _ in 0..2 {
        let crowd: Vec<_> = (0..runners)
            .map(|_| {
                let mut command = case.sandbox.command(UP);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("limbeck starts")
            })
            .collect();
        let mut workers = 0;
        for runner in crowd {
            let output = runner.wait_with_output().expect("limbeck ends");
            let said = String::from_utf8_lossy(&output.stdout);
            let failed = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{said}{failed}");
            workers += usize::from(said.contains("\"step_done\""));
        }
        assert_eq!(workers, 1, "exactly one of them applies");
        let truth = case.check("many at once");
        assert_eq!(truth.applied().len(), case.story.chapters.len());
        let middle = case.story.chapters[5].id.clone();
        case.sandbox.limbeck(&["downgrade", &middle, "--yes"]).ends(0);
    }
    effort::tally("crowd", engine, &[("at_once", runners), ("rounds", 2)]);
}

/// MySQL refuses to show its sessions while one of them runs a statement with a character outside of utf8mb3.
fn a_holder_that_cannot_be_shown_is_waited_for(engine: Engine) {
    let mut case = Case::new(Story::plain(engine), Dice::new("holder"));
    let taken = "SELECT GET_LOCK(concat('limbeck:', left(sha2(database(), 256), 40)), 0)";
    assert_eq!(case.raw.lines(taken), ["1"]);
    let gate = format!("SELECT GET_LOCK('{}', 60)", unique());
    let mut keeper = case.database.raw();
    keeper.run(&gate);
    let address = case.database.address();
    let horse = std::thread::spawn(move || {
        // Its session ends the wait, with an error or without one.
        let _ = Raw::server(engine, &address).attempt(&format!("{gate} /* \u{1f40e} */"));
    });
    let waiting = match engine {
        Engine::MariaDb => {
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state = 'User lock'"
        }
        _ => {
            "SELECT processlist_id FROM performance_schema.threads \
             WHERE processlist_db = DATABASE() AND processlist_state = 'User lock'"
        }
    };
    while case.raw.rows(waiting).is_empty() {
        std::thread::yield_now();
    }
    let refused = case.sandbox.limbeck(&["upgrade", "--lock-timeout", "300ms"]);
    drop(keeper);
    horse.join().expect("it ends");
    refused.ends(6).says("another limbeck is at work");
}
