//! A database, a project and what is known of both: checks them, and settles what a fault left half-applied.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::effort::Dice;
use crate::engine::{Database, Engine};
use crate::raw::Raw;
use crate::sandbox::Sandbox;
use crate::story::{Effect, Statement, Story};
use crate::truth::{self, There, Truth};

pub const UP: &[&str] = &["upgrade", "--json"];
pub const DOWN: &[&str] = &["downgrade", "base", "--yes", "--json"];

pub struct Case {
    pub story: Story,
    pub dice: Dice,
    pub sandbox: Sandbox,
    pub raw: Raw,
    /// Dropped last, when nobody is connected any more.
    pub database: Database,
    /// Faults that left a revision half-applied.
    pub half_applied: usize,
    /// Faults that left a statement done that the books do not count.
    pub in_flight: usize,
    /// Such statements that limbeck saw to be done.
    pub seen: usize,
}

/// One way through the whole chain, and what stands at its end.
pub struct Journey {
    pub arguments: &'static [&'static str],
    pub whole: Duration,
    pub end: Vec<String>,
}

impl Case {
    pub fn new(story: Story, dice: Dice) -> Self {
        let database = Database::new(story.engine);
        let sandbox = story.sandbox(&database);
        let raw = database.raw();
        Self { story, dice, sandbox, raw, database, half_applied: 0, in_flight: 0, seen: 0 }
    }

    /// The same story in another SQLite file.
    pub fn moved_to(&mut self, file: &std::path::Path) {
        let file = file.to_string_lossy();
        self.sandbox.set("CORTEX_DATABASE_URL", format!("sqlite://{file}"));
        self.raw = Raw::file(&file);
    }

    /// Lets go of the database's file.
    pub fn leave(&mut self) {
        self.raw = self.database.raw();
    }

    /// The way up and the way down, undisturbed.
    pub fn journeys(&mut self) -> [Journey; 2] {
        let bottom = self.content();
        let up = self.timed(UP);
        let top = self.content();
        let down = self.timed(DOWN);
        assert_eq!(self.content(), bottom, "the way down takes back all that the way up did");
        [
            Journey { arguments: UP, whole: up, end: top },
            Journey { arguments: DOWN, whole: down, end: bottom },
        ]
    }

    fn timed(&mut self, arguments: &[&str]) -> Duration {
        let began = Instant::now();
        self.sandbox.limbeck(arguments).ends(0);
        let took = began.elapsed();
        self.check("an undisturbed run");
        took
    }

    fn content(&mut self) -> Vec<String> {
        truth::content(self.story.engine, &mut self.raw)
    }

    pub fn check(&mut self, after: &str) -> Truth {
        truth::wait_until_alone(self.story.engine, &mut self.raw);
        Truth::read(&self.story, &mut self.raw).holds(&self.story, after)
    }

    pub fn applied(&mut self) -> BTreeSet<String> {
        Truth::read(&self.story, &mut self.raw).applied().into_iter().map(str::to_owned).collect()
    }

    /// The next run finishes, and nobody can tell that there was a fault.
    pub fn arrives(&mut self, journey: &Journey) {
        self.sandbox.limbeck(journey.arguments).ends(0);
        assert_eq!(self.content(), journey.end, "after a fault, all is as it is without one");
        let truth = self.check("the run after a fault");
        truth::log_agrees(&self.story, &truth, &mut self.raw);
        if journey.arguments == UP {
            self.sandbox.limbeck(&["check"]).ends(0);
            self.sandbox.limbeck(&["verify"]).ends(0);
        }
    }

    /// Kills limbeck after `delay`. Whether it was still running.
    pub fn kill(&self, arguments: &[&str], delay: Duration) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        let mut command = self.sandbox.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("limbeck starts");
        std::thread::sleep(delay);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends").signal() == Some(9)
    }

    /// Settles what is half-applied as a careful user does. With `killed`, one try in four is killed at some moment within
    /// that time; returns how many of those kills found somebody.
    pub fn settle(&mut self, killed: Option<Duration>) -> usize {
        let mut kills = 0;
        for _ in 0..100 {
            truth::wait_until_alone(self.story.engine, &mut self.raw);
            // limbeck first: what SQLite has to undo, it must be able to undo.
            let status = self.sandbox.limbeck(&["status", "--json"]).ends(0).json()["services"][0].take();
            let truth = self.check("a fault");
            // A revision on its way down is still counted.
            let applied = truth.books.values().filter(|row| row.state != "upgrading").count();
            assert_eq!(status["applied"], applied, "status and books: {status}");
            let Some((id, row)) = truth.half_applied() else {
                assert_eq!(status["dirty"], serde_json::json!([]));
                return kills;
            };
            let dirty = &status["dirty"][0];
            assert_eq!((&dirty["revision"], &dirty["state"]), (&id.into(), &row.state.as_str().into()));
            assert_eq!(dirty["statements_done"], row.done, "{status}");
            self.half_applied += 1;

            let way = Way::new(&self.story, id, row.state == "downgrading");
            let found = &truth.effects[id];
            let count = way.statements.len();
            let in_flight = (row.done < count && way.is_done(found, row.done)).then_some(row.done);
            self.in_flight += usize::from(in_flight.is_some());
            let resolve = if self.dice.once_in(6) {
                // All that was done is undone, backwards.
                for at in (0..(row.done + 1).min(count)).rev().filter(|at| way.is_done(found, *at)) {
                    way.undo(at, &mut self.raw);
                }
                "--retry"
            } else if self.dice.once_in(6) {
                // What is left is done by hand; what is there by half is not.
                if let Some(at) = in_flight {
                    way.undo(at, &mut self.raw);
                }
                for at in row.done..count {
                    way.act(at, &mut self.raw);
                }
                "--done"
            } else {
                if let Some(at) = in_flight {
                    // limbeck may see for itself that it is done; where it does not, it says so and changes nothing.
                    let asked = way.is_definition(at) && self.dice.once_in(2);
                    if asked && self.sandbox.limbeck(&["resolve", "--continue"]).code == Some(0) {
                        self.seen += 1;
                        continue;
                    }
                    way.undo(at, &mut self.raw);
                }
                "--continue"
            };
            // Until the books are told of what was done by hand, they are wrong, and none but the user knows.
            match killed {
                Some(whole) if resolve == "--continue" && self.dice.once_in(4) => {
                    let delay = whole.mul_f64(self.dice.fraction());
                    kills += usize::from(self.kill(&["resolve", resolve], delay));
                }
                _ => {
                    self.sandbox.limbeck(&["resolve", resolve]).ends(0);
                }
            }
        }
        panic!("it never settles");
    }
}

/// The statements of a revision, the way they run.
struct Way<'a> {
    statements: Vec<&'a Statement>,
    down: bool,
    engine: Engine,
}

impl<'a> Way<'a> {
    fn new(story: &'a Story, id: &str, down: bool) -> Self {
        let mut statements: Vec<&Statement> = story.chapter(id).statements.iter().collect();
        if down {
            statements.reverse();
        }
        Self { statements, down, engine: story.engine }
    }

    /// Whether the statement at `at` of the way has left something.
    fn is_done(&self, effects: &[Option<There>], at: usize) -> bool {
        let place = if self.down { effects.len() - 1 - at } else { at };
        let before = if self.down { There::Yes } else { There::No };
        effects[place].as_ref().is_some_and(|found| *found != before)
    }

    /// Whether the effect of the statement at `at` is an object of the catalogue.
    fn is_definition(&self, at: usize) -> bool {
        matches!(self.statements[at].effect, Some(Effect::Object(_)))
    }

    fn act(&self, at: usize, raw: &mut Raw) {
        let statement = self.statements[at];
        if statement.effect.is_some() {
            raw.run(if self.down { &statement.down } else { &statement.up });
        }
    }

    fn undo(&self, at: usize, raw: &mut Raw) {
        let statement = self.statements[at];
        if statement.effect.is_none() {
            return;
        }
        if self.down && self.engine == Engine::PostgreSql {
            // An index that CONCURRENTLY left invalid is in the way of making it again.
            if let Some(index) = statement.down.strip_prefix("DROP INDEX CONCURRENTLY ") {
                raw.run(&format!("DROP INDEX IF EXISTS {index}"));
            }
        }
        raw.run(if self.down { &statement.up } else { &statement.down });
    }
}
