//! SIGKILL at any moment of an upgrade, of a downgrade, and of settling what the kill before left behind; and the server's
//! end of the connection killed in the same way.

use std::process::Stdio;

use crate::case::{Case, UP};
use crate::effort::{self, Dice};
use crate::engine::Engine;
use crate::said;
use crate::story::Story;
use crate::truth;

on_engines! {
    killed_at_any_moment on sqlite postgresql mariadb mysql;
    a_run_in_one_transaction_is_killed on sqlite;
    an_index_left_invalid_is_built_again on postgresql;
    severed_at_any_moment on postgresql mariadb mysql;
}

/// The measured time of a whole run is only right while the machine is as busy as it was then: what comes too late makes
/// the following delays shorter, and what finds somebody a little longer.
const SHORTER: f64 = 0.85;
const LONGER: f64 = 1.03;

fn killed_at_any_moment(engine: Engine) {
    let dice = Dice::new(&format!("kill {}", engine.name()));
    let mut case = Case::new(Story::whole(engine), dice);
    let journeys = case.journeys();
    let wanted = effort::kills();
    let (mut kills, mut settling, mut late) = (0, 0, 0);
    let mut reach = 1.0;
    for journey in journeys.iter().cycle() {
        if kills >= wanted {
            break;
        }
        let delay = journey.whole.mul_f64(reach * case.dice.fraction());
        let landed = case.kill(journey.arguments, delay);
        *(if landed { &mut kills } else { &mut late }) += 1;
        reach *= if landed { LONGER } else { SHORTER };
        if case.dice.once_in(2) {
            // At once: what the killed process left on the server may still be at work.
            let next = case.sandbox.limbeck(journey.arguments);
            assert!(matches!(next.code, Some(0 | 7)), "right after a kill: {:?}\n{}", next.code, next.said());
        }
        settling += case.settle(Some(journey.whole / 4));
        case.arrives(journey);
    }
    effort::tally(
        "kill",
        engine,
        &[
            ("kills", kills + settling),
            ("half_applied", case.half_applied),
            ("not_counted", case.in_flight),
            ("seen", case.seen),
            ("came_late", late),
        ],
    );
}

/// What an empty database takes in one transaction is there as a whole or not at all.
fn a_run_in_one_transaction_is_killed(engine: Engine) {
    let whole = Case::new(Story::plain(engine), Dice::new("whole run")).journeys()[0].whole;
    let wanted = effort::kills() / 2;
    let (mut kills, mut late, mut reach) = (0, 0, 1.0);
    while kills < wanted {
        let mut case = Case::new(Story::plain(engine), Dice::new("whole run"));
        let delay = whole.mul_f64(reach * case.dice.fraction());
        let landed = case.kill(UP, delay);
        *(if landed { &mut kills } else { &mut late }) += 1;
        reach *= if landed { LONGER } else { SHORTER };
        case.settle(None);
        let applied = case.applied().len();
        assert!(applied == 0 || applied == case.story.chapters.len(), "{applied} are applied");
        case.sandbox.limbeck(UP).ends(0);
        case.check("the run after a kill");
    }
    effort::tally("whole_run", engine, &[("kills", kills), ("came_late", late)]);
}

/// As a server that restarts, or an administrator who ends the session: limbeck lives, and what it says must be true.
fn severed_at_any_moment(engine: Engine) {
    let dice = Dice::new(&format!("sever {}", engine.name()));
    let mut case = Case::new(Story::whole(engine), dice);
    let journeys = case.journeys();
    let wanted = if effort::long() { effort::kills() } else { effort::kills() / 2 };
    let (mut severed, mut missed) = (0, 0);
    let mut reach = 1.0;
    for journey in journeys.iter().cycle() {
        if severed >= wanted {
            break;
        }
        let delay = journey.whole.mul_f64(reach * case.dice.fraction());
        let before = case.applied();
        let mut command = case.sandbox.command(journey.arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("limbeck starts");
        // What comes before there is a session is not worth a round.
        while child.try_wait().expect("it can be asked").is_none() && truth::is_alone(engine, &mut case.raw) {
        }
        std::thread::sleep(delay);
        let found = truth::sever(engine, &mut case.raw);
        *(if found { &mut severed } else { &mut missed }) += 1;
        let ended = child.try_wait().expect("it can be asked").is_some();
        reach *= if ended && !found { SHORTER } else { LONGER };
        let said = said::Said::new(&child.wait_with_output().expect("limbeck ends"));
        let truth = case.check("a severed session");
        said.holds(&truth, &before);
        case.settle(None);
        case.arrives(journey);
    }
    effort::tally(
        "sever",
        engine,
        &[
            ("severed", severed),
            ("half_applied", case.half_applied),
            ("not_counted", case.in_flight),
            ("seen", case.seen),
            ("missed", missed),
        ],
    );
}

/// `CREATE INDEX CONCURRENTLY` waits for a transaction that has written to the table, and loses its session there.
fn an_index_left_invalid_is_built_again(engine: Engine) {
    let mut case = Case::new(Story::concurrent(engine), Dice::new("invalid index"));
    let first = case.story.chapters[0].id.clone();
    case.sandbox.limbeck(&["upgrade", &first]).ends(0);
    let mut writer = case.database.raw();
    let kept = writer.lines("SELECT pg_backend_pid()");
    writer.run("BEGIN; INSERT INTO parent (id) VALUES (3)");
    let mut command = case.sandbox.command(UP);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("limbeck starts");
    let left = "SELECT 1 FROM pg_index WHERE NOT indisvalid";
    while case.raw.rows(left).is_empty() {
        assert_eq!(child.try_wait().expect("it can be asked"), None, "it waits for the writer");
        std::thread::yield_now();
    }
    truth::sever_all_but(engine, &mut case.raw, &kept);
    writer.run("ROLLBACK");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    drop(writer);
    case.sandbox.limbeck(&["resolve", "--continue"]).ends(0);
    let truth = case.check("an index left invalid");
    assert_eq!(truth.applied().len(), case.story.chapters.len());
}
