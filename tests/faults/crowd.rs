//! Many upgrades at once: one applies, the others wait for it, and all of them end well.

use std::process::Stdio;

use crate::case::{Case, UP};
use crate::effort::{self, Dice};
use crate::engine::Engine;
use crate::story::Story;

on_engines! {
    one_of_many_applies on sqlite postgresql mariadb mysql;
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
