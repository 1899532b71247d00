//! The connection ends at every message in turn; and a slow one does not end anything.

use std::process::Stdio;
use std::time::Duration;

use limbeck::database_url::Address;

use crate::case::{Case, Journey, UP};
use crate::effort::{self, Dice};
use crate::engine::Engine;
use crate::said::Said;
use crate::story::Story;
use crate::wire::{Fault, Proxy};

on_engines! {
    cut_at_every_message on postgresql mariadb mysql;
    every_message_takes_its_time on postgresql mariadb mysql;
}

const FAULTS: [fn(usize) -> Fault; 3] = [Fault::Before, Fault::Answer, Fault::Reset];

/// Up, cut at message 1, 2, 3 … until a run passes uncut; in the long round every message in each of the three ways, and
/// down as well.
fn cut_at_every_message(engine: Engine) {
    let mut case = Case::new(Story::short(engine), Dice::new(&format!("cut {}", engine.name())));
    let journeys = case.journeys();
    let mut cuts = 0;
    if effort::long() {
        for fault in FAULTS {
            for journey in 0..2 {
                cuts += in_turn(&mut case, &journeys, journey, |_| fault);
            }
        }
    } else {
        cuts += in_turn(&mut case, &journeys, 0, |number| FAULTS[number % FAULTS.len()]);
    }
    effort::tally(
        "cut",
        engine,
        &[("cuts", cuts), ("half_applied", case.half_applied), ("not_counted", case.in_flight)],
    );
}

fn in_turn(
    case: &mut Case,
    journeys: &[Journey; 2],
    journey: usize,
    fault: impl Fn(usize) -> fn(usize) -> Fault,
) -> usize {
    let (there, back) = (&journeys[journey], &journeys[1 - journey]);
    if there.arguments != UP {
        case.arrives(back);
    }
    let mut number = 1;
    loop {
        let cut = through(case, fault(number)(number), there, number);
        case.settle(None);
        case.arrives(there);
        case.arrives(back);
        if !cut {
            break;
        }
        number += 1;
    }
    if there.arguments != UP {
        case.arrives(there);
    }
    number - 1
}

/// A run through a proxy. Whether there was a message of this number.
fn through(case: &mut Case, fault: Fault, journey: &Journey, number: usize) -> bool {
    let engine = case.story.engine;
    let proxy = Proxy::start(engine, &engine.server().expect("a server"), fault);
    let address = Address { port: proxy.port, ..case.database.address() };
    // The proxy must be able to read what goes through it.
    let plain = if engine == Engine::PostgreSql { "sslmode=disable" } else { "ssl-mode=disabled" };
    case.sandbox.set("CORTEX_DATABASE_URL", format!("{}?{plain}", case.database.url_of(&address)));
    let before = case.applied();
    let mut command = case.sandbox.command(journey.arguments);
    let output = command.stderr(Stdio::piped()).output().expect("limbeck runs");
    case.sandbox.set("CORTEX_DATABASE_URL", case.database.url());
    let said = Said::new(&output);
    let seen = proxy.seen();
    drop(proxy);
    let truth = case.check(&format!("{fault:?}"));
    said.holds(&truth, &before);
    if seen < number {
        assert_eq!(said.code, Some(0), "an uncut run");
    }
    seen >= number
}

fn every_message_takes_its_time(engine: Engine) {
    let mut case = Case::new(Story::short(engine), Dice::new(&format!("slow {}", engine.name())));
    for journey in &case.journeys() {
        through(&mut case, Fault::Slow(Duration::from_millis(5)), journey, usize::MAX);
        case.arrives(journey);
    }
}
